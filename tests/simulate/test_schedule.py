"""The forecast of `schedule` against what a calm simulation then does: the same order, the same times, the same windows."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from autobuilds.runtime.ahead import look_ahead
from autobuilds.runtime.simulation.values import Stage
from tests.simulate.fortnights import FORTNIGHTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Start = tuple[str, str]


def test_what_is_forecast_is_what_a_calm_simulation_does() -> None:
    agrees("an hour twice")


def agrees(name: str, days: int = 2) -> None:
    """Hold the forecast of so many days against what is done in them."""
    fortnight = FORTNIGHTS[name]
    zone = ZoneInfo(fortnight.zone)
    forecast: list[Start] = []
    windows: dict[str, str | None] = {}

    def look(stage: Stage) -> None:
        found = look_ahead(stage.context, days * 24).forecast
        forecast.extend((f"{s.start.astimezone(zone):%d %H:%M}", s.label) for s in found.slots)
        windows.update({s.label: s.window for s in found.slots})

    played, oracle = fortnight.play(seed=1, days=days, calm=True, during=look)
    runs = sorted(played.told["runs"], key=lambda r: (r["begun"], played.told["runs"].index(r)))
    done = [(f"{datetime.fromisoformat(r['begun']).astimezone(zone):%d %H:%M}", r["label"]) for r in runs]
    assert done == forecast, (done, forecast)
    assert len(done) >= 8
    for run in played.told["runs"]:
        window = windows[run["label"]]
        assert window is None or oracle.open(window, datetime.fromisoformat(run["begun"])), (run, window)
    assert played.told["violations"] == [] and oracle.faults() == []
