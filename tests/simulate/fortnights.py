"""The two fortnights: one over the night that loses an hour, one over the night that has one twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from autobuilds.runtime.simulation.values import Stage
from tests.simulate.oracle import Oracle
from tests.simulate.scenario import CONFIG, Played, calendar, play, queue


@dataclass(frozen=True, kw_only=True)
class Fortnight:
    """A zone and the night on which its clocks change."""

    zone: str
    night: date

    def play(
        self, seed: int, days: int = 14, *, calm: bool = False, during: Callable[[Stage], None] = lambda _: None
    ) -> tuple[Played, Oracle]:
        """Play so many days with the night in their middle, and return them with their oracle."""
        zone = ZoneInfo(self.zone)
        start = datetime.combine(self.night - timedelta(days=(days + 1) // 2), time(17), zone)
        first = (start + timedelta(days=min(4, days - 2))).replace(hour=0)
        back = first + timedelta(days=2)
        free = f"DTSTART;TZID=ZONE:{start:%Y%m%d}T190000\nDTEND;TZID=ZONE:{start:%Y%m%d}T220000\nSUMMARY:Maybe\nTRANSP:TRANSPARENT"
        gone = f"DTSTART;VALUE=DATE:{first:%Y%m%d}\nDTEND;VALUE=DATE:{back:%Y%m%d}\nSUMMARY:Vacation"
        files = {
            "HEARTBEAT.md": CONFIG.format(zone=self.zone),
            "BUILD_QUEUE.md": queue(start),
            "team.ics": calendar(self.zone, gone, free),
            "README.md": "# A project\n",
        }
        played = play(files, self.zone, start, days=days, seed=seed, calm=calm, during=during)
        busy = ((first.astimezone(UTC), back.astimezone(UTC), "away"),)
        return played, Oracle(played, zone, busy, whole=days >= 14)


#: Clocks change in the night to these days.
FORTNIGHTS = {
    "an hour lost": Fortnight(zone="America/Chicago", night=date(2026, 3, 8)),
    "an hour twice": Fortnight(zone="Europe/Berlin", night=date(2026, 10, 25)),
}
