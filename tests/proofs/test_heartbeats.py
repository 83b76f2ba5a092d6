"""Heartbeats at once, in a sample; with a lock that is none the harness must see the harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import heartbeats
from tests.proofs.figures import Options


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_task_is_started_twice_or_missed(tmp_path: Path) -> None:
    figures = heartbeats.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_lock_that_is_none_is_caught(tmp_path: Path) -> None:
    figures = heartbeats.broken(Options(folder=tmp_path))
    counts = {figure.name: figure.value for figure in figures.counts}
    assert not figures.held
    assert counts["double starts"] > 0, figures.table()
