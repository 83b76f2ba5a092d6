"""Clocks, a sample: the product is right on every night tried, and reckoning with local times is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import clocks
from tests.proofs.figures import Figures, Options

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_no_decision_is_wrong_however_clocks_are_set(tmp_path: Path) -> None:
    figures = clocks.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


def test_reckoning_with_local_times_is_caught(tmp_path: Path) -> None:
    figures = Figures(proof="clocks")
    for zone, moment in clocks.changes(clocks.YEAR):
        if zone in {"Europe/Berlin", "America/Chicago"}:
            night = clocks.Night(zone, moment)
            wrong = [night.wrong(window, clocks.NAIVE) for window in clocks.WINDOWS]
            figures.faults += [fault for fault in wrong if fault is not None]
    assert len(figures.faults) >= 8, figures.faults


def test_a_duty_reckoned_with_local_times_is_caught() -> None:
    zone, moment = next((z, m) for z, m in clocks.changes(clocks.YEAR) if z == "America/Chicago" and m.month == 11)
    night = clocks.Night(zone, moment)
    assert any(night.slips(text, times, clocks.NAIVE) for text, times in clocks.CADENCES.items())


def test_times_compared_as_the_wall_shows_them_are_caught() -> None:
    zone, moment = next((z, m) for z, m in clocks.changes(clocks.YEAR) if z == "America/Chicago" and m.month == 11)
    night = clocks.Night(zone, moment)
    assert night.early(clocks.NAIVE) is not None and night.early(clocks.PRODUCT) is None
