"""Injected errors, in a sample; a tool that writes over its queue must be caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import faults
from tests.proofs.figures import Options
from tests.proofs.shim import MISSING, library

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.skipif(library() is None, reason=MISSING)]


def test_each_error_is_said_and_nothing_is_lost_or_left(tmp_path: Path) -> None:
    figures = faults.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


def test_a_tool_that_writes_over_its_queue_is_caught(tmp_path: Path) -> None:
    counts = {figure.name: figure.value for figure in faults.broken(Options(folder=tmp_path)).counts}
    assert counts["lost or torn"] > 0
