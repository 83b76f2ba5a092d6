"""Two weeks over each night when the clocks change, with reboots, full disks and an owner who edits: judged by the oracle."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.simulate.oracle import Oracle
from tests.simulate.scenario import CONFIG, Played, calendar, play, queue

#: The zone, when it begins, and the events of the calendar with what they mean.
FORTNIGHTS = {
    "Chicago, a lost hour": ("America/Chicago", datetime(2026, 2, 27, 17), "20260303", "20260305", datetime(2026, 3, 3), datetime(2026, 3, 5)),
    "Berlin, an hour twice": ("Europe/Berlin", datetime(2026, 10, 16, 17), "20261020", "20261022", datetime(2026, 10, 20), datetime(2026, 10, 22)),
}


def fortnight(name: str, seed: int, days: int = 14) -> tuple[Played, Oracle]:
    """Play one and return it with its oracle."""
    zone, start, first, last, away, back = FORTNIGHTS[name]
    where = ZoneInfo(zone)
    start = start.replace(tzinfo=where)
    free = f"DTSTART;TZID=ZONE:{first}T190000\nDTEND;TZID=ZONE:{first}T220000\nSUMMARY:Maybe\nTRANSP:TRANSPARENT"
    gone = f"DTSTART;VALUE=DATE:{first}\nDTEND;VALUE=DATE:{last}\nSUMMARY:Vacation"
    files = {
        "HEARTBEAT.md": CONFIG.format(zone=zone),
        "BUILD_QUEUE.md": queue(start),
        "team.ics": calendar(zone, gone, free),
        "README.md": "# A project\n",
    }
    played = play(files, zone, start, days=days, seed=seed)
    busy = ((away.replace(tzinfo=where), back.replace(tzinfo=where), "away"),)
    return played, Oracle(played, where, busy)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORTNIGHTS)
def test_a_fortnight_breaks_no_rule(name: str) -> None:
    played, oracle = fortnight(name, seed=1)
    assert oracle.faults() == []
    assert played.told["violations"] == []
    assert played.told["figures"]["attempts"] >= 20 and len(played.nights) >= 10
    assert played.told["figures"]["outages"] >= 2 and played.told["figures"]["disk_full"] >= 1
    assert replace(played).told["figures"]["faults"] == 0
