"""Clocks, a sample: the product is right on every night tried, and reckoning with local times is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import _weeks, clocks
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


@pytest.mark.parametrize(("zone", "month"), [("America/Chicago", 3), ("America/Chicago", 11), ("Europe/Berlin", 3)])
def test_windows_with_days_and_contexts_reckoned_with_local_times_are_caught(zone: str, month: int) -> None:
    moment = next(m for z, m in clocks.changes(clocks.YEAR) if z == zone and m.month == month)
    moments, last = clocks.Night(zone, moment).moments, 2 * clocks.ROUND
    spans = _weeks.spans_at(moment.astimezone(moments[0].tzinfo))
    assert any(_weeks.wrong_window(moments, span, last, 60, _weeks.NAIVE) for span in spans)
    assert not any(_weeks.wrong_window(moments, span, last, 0) for span in spans)
    assert _weeks.wrong_context(moments, last, 60, _weeks.NAIVE) is not None
    assert _weeks.wrong_context(moments, last, 0) is None
