"""Random histories of two clones in a sample; drivers that drop or double something must be caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import merges
from tests.proofs.figures import Options


@pytest.mark.slow
def test_whatever_is_edited_merges(tmp_path: Path) -> None:
    figures = merges.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


@pytest.mark.parametrize("driver", [merges.union, merges.mine_alone])
def test_a_driver_that_drops_or_doubles_is_caught(tmp_path: Path, driver: merges.Driver) -> None:
    tally = merges.Tally()
    for seed in range(10):
        merges.history(seed, driver, tally)
    assert tally.faults
