"""A disk that is full for real, in a sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import disk
from tests.proofs.figures import Options


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_full_disk_is_said_and_nothing_is_lost_or_left(tmp_path: Path) -> None:
    figures = disk.run(Options(folder=tmp_path.resolve()))
    if figures.skipped:
        pytest.skip("; ".join(figures.skipped))
    assert figures.held, figures.table()
