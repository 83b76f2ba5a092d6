"""Calendars as text, and how they are read in a test without a process of its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from autobuilds.adapters.calendar.horizon import Horizon
from autobuilds.adapters.calendar.reader import Reading
from autobuilds.adapters.calendar.sources import complete
from autobuilds.domain.day import Busy

DATA = Path(__file__).resolve().parents[2] / "data" / "calendars"
BERLIN = ZoneInfo("Europe/Berlin")


def calendar(*parts: str, head: str = "PRODID:-//test//EN") -> bytes:
    """Return a calendar of these parts, its lines ended by CR LF."""
    body = "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", head, *parts, "END:VCALENDAR", ""))
    return body.replace("\n", "\r\n").encode()


def event(start: str, *more: str, summary: str = "Talk", uid: str = "1") -> str:
    """Return an event; `start` is what follows DTSTART, its end one of `more`."""
    return "\n".join(
        ("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"DTSTART{start}", f"SUMMARY:{summary}", *more, "END:VEVENT")
    )


def horizon(data: bytes, start: date = date(2026, 1, 1), end: date = date(2027, 1, 1)) -> Horizon:
    """Return what a calendar brings in a span of days, read here."""
    if (incomplete := complete(data)) is not None:
        return Horizon(start=start, end=end, faults=(incomplete,))
    reading = Reading(start, end)
    reading.read(data)
    return Horizon(start=start, end=end, rows=tuple(reading.rows), faults=tuple(reading.faults), notes=tuple(reading.notes))


def busy(data: bytes, start: datetime, end: datetime, zone: tzinfo = BERLIN) -> list[Busy]:
    """Return what a calendar brings in a span of time, read here."""
    margin = timedelta(days=2)
    return sorted(
        horizon(data, start.date() - margin, end.date() + margin).busy(start, end, zone), key=lambda b: (b.start, b.end, b.summary)
    )


def told(found: list[Busy]) -> list[str]:
    """Return occurrences in short."""
    return [f"{b.start:%m-%d %H:%M} {b.end:%m-%d %H:%M} {b.context.value} {b.summary}{' (day)' if b.all_day else ''}" for b in found]
