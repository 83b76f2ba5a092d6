"""The hammer in a sample; a writer that locks and renames must be caught by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import hammer
from tests.proofs.figures import Options
from tests.proofs.tools import TOOLS


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nobodys_words_are_lost(tmp_path: Path) -> None:
    figures = hammer.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_writer_that_locks_and_renames_is_caught(tmp_path: Path) -> None:
    for seed in range(1, 4):
        found = hammer.hammer(TOOLS["lock-and-rename"], tmp_path / str(seed), 2.0, seed=seed, pause=0.01)
        if found.lost_hands:
            break
    assert found.lost_hands > 0


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_tool_that_is_not_here_is_a_counted_skip(name: str) -> None:
    reason = TOOLS[name].why_not()
    assert reason is None or "not installed" in reason
