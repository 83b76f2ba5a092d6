"""Every time that the ledger holds, with its path: each has to say its offset from UTC."""

from __future__ import annotations

from datetime import datetime

from autobuilds.domain.build import Approval, Build, Ledger, Pause
from autobuilds.domain.day import Day


def times_of(value: Ledger | Build | Approval | Pause | Day) -> list[tuple[str, datetime]]:
    """Return (path, time) of a value of the ledger, paths such as `$.builds[0].created`."""
    if isinstance(value, Ledger):
        found = [(f"$.builds[{n}]{p[1:]}", t) for n, b in enumerate(value.builds) for p, t in times_of(b)]
        found += [(f"$.approvals[{n}].at", a.at) for n, a in enumerate(value.approvals)]
        found += [(f"$.pause{p[1:]}", t) for p, t in times_of(value.pause)] if value.pause else []
        return found + ([(f"$.day{p[1:]}", t) for p, t in times_of(value.day)] if value.day else [])
    if isinstance(value, Day):
        return _of_day(value)
    if isinstance(value, Build):
        times = [(f"$.{name}", getattr(value, name)) for name in ("created", "updated", "retry_at", "reviewed")]
        for number, attempt in enumerate(value.attempts):
            times += [(f"$.attempts[{number}].{name}", getattr(attempt, name)) for name in ("started", "ended")]
        return [(path, at) for path, at in times if at is not None]
    if isinstance(value, Approval):
        return [("$.at", value.at)]
    return [(path, at) for path, at in (("$.since", value.since), ("$.until", value.until)) if at is not None]


def _of_day(day: Day) -> list[tuple[str, datetime]]:
    found: list[tuple[str, datetime | None]] = [("$.since", day.since)]
    if day.word is not None:
        found += [("$.word.since", day.word.since), ("$.word.until", day.word.until)]
    for n, word in enumerate(day.words):
        found += [(f"$.words[{n}].since", word.since), (f"$.words[{n}].until", word.until)]
    nights = [("$.night", day.night)] if day.night is not None else []
    nights += [(f"$.nights[{n}]", night) for n, night in enumerate(day.nights)]
    for place, night in nights:
        found += [(f"{place}.{name}", getattr(night, name)) for name in ("started", "ends", "throttled", "ended", "undone")]
        found += [(f"{place}.phases[{n}].at", phase.at) for n, phase in enumerate(night.phases)]
    for n, weekend in enumerate(day.weekends):
        found += [(f"$.weekends[{n}].{name}", getattr(weekend, name)) for name in ("chosen", "starts", "ends")]
    return [(path, at) for path, at in found if at is not None]
