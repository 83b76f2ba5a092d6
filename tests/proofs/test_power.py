"""Power cuts, in a sample; a writer that syncs nothing and one that syncs no folder must be caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.proofs import power
from tests.proofs.figures import Options
from tests.proofs.shim import MISSING, library

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.skipif(library() is None, reason=MISSING)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[power.Recorded]:
    with power.recording(tmp_path_factory.mktemp("power").resolve()) as made:
        yield made


def counts_of(recorded: power.Recorded, writer: Callable[[power.Record], power.Record]) -> dict[str, float]:
    figures = power.broken(Options(folder=Path()), recorded, writer)
    return {figure.name: figure.value for figure in figures.counts}


def test_nothing_is_torn_or_forgotten(recorded: power.Recorded) -> None:
    figures = power.cut(Options(folder=Path()), recorded, power.whole, recovered=power.SAMPLE, least=power.SAMPLE)
    assert figures.held, figures.table()


def test_a_writer_that_syncs_nothing_is_caught(recorded: power.Recorded) -> None:
    counts = counts_of(recorded, power.unsynced)
    assert counts["torn queues"] > 0
    assert counts["torn ledgers"] > 0
    assert counts["forgotten starts"] > 0


def test_a_writer_that_syncs_no_folder_is_caught(recorded: power.Recorded) -> None:
    counts = counts_of(recorded, power.folders_unsynced)
    assert (counts["torn queues"], counts["torn ledgers"]) == (0, 0)
    assert counts["forgotten starts"] > 0
