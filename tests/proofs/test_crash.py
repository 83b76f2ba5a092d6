"""A sample of the kills at calls of every command; the whole figures come from `python -m tests.proofs crash --scale full`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.proofs.broken import BROKEN
from tests.proofs.crash import run, sweep
from tests.proofs.figures import Options
from tests.proofs.points import points_of
from tests.proofs.shim import MISSING, library

needs_the_library = pytest.mark.skipif(library() is None, reason=MISSING)


def test_points_are_all_calls_or_spread_over_them() -> None:
    assert points_of(4, 10, random.Random(1)) == [1, 2, 3, 4]
    for seed in range(50):
        points = points_of(100, 7, random.Random(seed))
        assert len(points) == 7
        assert all(1 + 100 * n // 7 <= at <= 100 * (n + 1) // 7 for n, at in enumerate(points))


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_the_library
def test_nothing_is_lost_torn_doubled_or_stuck_after_a_kill(tmp_path: Path) -> None:
    figures = run(Options(folder=tmp_path))
    assert figures.held, figures.table()


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_the_library
def test_writers_and_starters_as_they_are_often_written_are_caught(tmp_path: Path) -> None:
    (tally,) = sweep(tmp_path / "sweep", BROKEN, Options(folder=tmp_path), wanted=8)
    assert tally.points == tally.fired >= 3 * len(BROKEN)
    for scenario in BROKEN:
        assert any(fault.startswith(f"{scenario.name},") for fault in tally.faults), (scenario.name, tally.faults)
