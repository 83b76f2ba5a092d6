"""A sample of the state machine, and a store that forgets a hand edit, which it must find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import machine
from tests.proofs._interrupt import hasty
from tests.proofs._world import Broken, new_world
from tests.proofs.figures import Options
from tests.proofs.machine import Forgetful


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_happens_the_account_agrees(tmp_path: Path) -> None:
    figures = machine.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_store_that_forgets_a_hand_edit_is_found(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="gone"):
        machine.lived(tmp_path, 6, 15, 1, forgets=True)


def test_a_short_life_by_hand(tmp_path: Path) -> None:
    with hasty():
        world = new_world(tmp_path, 1)
        world.open_editor()
        world.operate("beat", 1)
        world.hand_edit("remark", 1)
        world.end_at("complete", 0, 3, full_disk=False)
        world.operate("complete", 0)
        world.save_stale()
        world.operate("beat", 2)
        world.check()
        memory = Forgetful(world)
        try:
            world.hand_edit("remark", 2)
            world.operate("notes", 3)
            with pytest.raises(Broken, match="lines are gone"):
                world.check()
        finally:
            memory.forget()
