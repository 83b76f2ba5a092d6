"""Memory of decisions, a sample: every ledger can be made again, every start answers as it was decided, forgetting is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import memory
from tests.proofs.figures import Options

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_nothing_that_was_decided_is_forgotten(tmp_path: Path) -> None:
    figures = memory.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


@pytest.mark.parametrize(("event", "part"), [("done", "Record"), ("start", "Inputs")])
def test_a_recorder_that_forgets_is_caught(tmp_path: Path, event: str, part: str) -> None:
    figures = memory.run(Options(folder=tmp_path), forgets=(event, part))
    assert figures.faults, figures.table()
