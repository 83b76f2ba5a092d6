"""Power cuts, in a sample; a writer that syncs nothing and one that syncs no folder must be caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import power
from tests.proofs.figures import Options
from tests.proofs.shim import MISSING, library

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.skipif(library() is None, reason=MISSING)]


def test_nothing_is_torn_or_forgotten(tmp_path: Path) -> None:
    figures = power.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


def test_a_writer_that_syncs_nothing_is_caught(tmp_path: Path) -> None:
    counts = {figure.name: figure.value for figure in power.broken(Options(folder=tmp_path), power.unsynced).counts}
    assert counts["torn queues"] > 0
    assert counts["torn ledgers"] > 0
    assert counts["forgotten starts"] > 0


def test_a_writer_that_syncs_no_folder_is_caught(tmp_path: Path) -> None:
    counts = {figure.name: figure.value for figure in power.broken(Options(folder=tmp_path), power.folders_unsynced).counts}
    assert (counts["torn queues"], counts["torn ledgers"]) == (0, 0)
    assert counts["forgotten starts"] > 0
