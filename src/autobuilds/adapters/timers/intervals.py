"""The intervals that calendars and crontabs can keep: those that divide an hour or a day."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from autobuilds.errors import BadInput

_MINUTES = tuple(m for m in range(1, 60) if 60 % m == 0)
_HOURS = tuple(h for h in range(1, 25) if 24 % h == 0)
_ALLOWED = (*_MINUTES, *(h * 60 for h in _HOURS))


class Every(NamedTuple):
    """Every so many minutes, or every so many hours: one of the two is 0."""

    minutes: int
    hours: int

    def at_minutes(self) -> list[int]:
        """Return the minutes of an hour at which it is due."""
        return list(range(0, 60, self.minutes)) if self.minutes else [0]

    def at_hours(self) -> list[int] | None:
        """Return the hours of a day at which it is due, or None for all of them."""
        return list(range(0, 24, self.hours)) if self.hours > 1 else None


def every(interval: timedelta) -> Every:
    """Return an interval as a scheduler takes it; raises BadInput that names the nearest allowed ones."""
    seconds = interval.total_seconds()
    minutes = round(seconds / 60)
    if minutes * 60 == seconds and minutes in _MINUTES:
        return Every(minutes, 0)
    if minutes * 60 == seconds and minutes in _ALLOWED:
        return Every(0, minutes // 60)
    near = sorted(_ALLOWED, key=lambda m: abs(m - seconds / 60))[:2]
    advice = " or ".join(_written(m) for m in sorted(near))
    raise BadInput(f"schedulers keep intervals that divide an hour or a day: take {advice} (--interval, or `interval:` in HEARTBEAT.md)")


def _written(minutes: int) -> str:
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h"
