"""A calendar without what can't matter in the asked days: the years of past events that most calendars are made of, texts, alarms.

To parse and expand an event takes a millisecond; to see by its lines that it lies years back takes microseconds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from autobuilds.domain.patterns import pattern

#: What counts of an event; other properties are left out. What is no property at all stays, so that it is told.
_COUNTS = frozenset(
    {
        *("UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "SEQUENCE"),
        *("SUMMARY", "CATEGORIES", "STATUS", "TRANSP", "CLASS", "X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-CDO-ALLDAYEVENT"),
    }
)
_RECURS = frozenset({"RDATE", "EXRULE", "RECURRENCE-ID"})
_NAME = pattern(r"([A-Za-z0-9-]+)(?::|;[^:]*:)")
_DAY = pattern(r"[^:]*:(\d{4})(\d\d)(\d\d)(?:T\d{6}Z?)?\s*$")
#: Durations of which an upper bound is easily told, with the days that hours, minutes and seconds can make at most.
_LENGTH = pattern(r"[^:]*:\+?P(?:(\d{1,3})W)?(?:(\d{1,3})D)?(?:T(?:\d{1,2}H)?(?:\d{1,3}M)?(?:\d{1,4}S)?)?\s*$")
_CLOCK_DAYS = 6
_UNTIL = pattern(r"RRULE:(?:[^:]*;)?UNTIL=(\d{4})(\d\d)(\d\d)", re.IGNORECASE)
#: How far from the asked days an event may be by its own clock and still touch them.
_MARGIN = timedelta(days=3)


def unfolded(text: str) -> list[str]:
    """Return the lines of a calendar, those that were folded put together again."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line[:1] in {" ", "\t"} and lines:
            lines[-1] += line[1:]
        elif line:
            lines.append(line)
    return lines


def is_property(line: str) -> bool:
    """Whether an unfolded line is built like a property of a calendar."""
    return _NAME.match(line) is not None


def thinned(lines: Sequence[str], start: date, end: date) -> list[str]:
    """Return the lines without the events that surely lie outside of the days, and without what does not count of the others.

    Where the parts of the calendar are not properly nested all lines are returned: whoever parses them tells of it. Of events that share
    an id one alone counts, so all of them stay.
    """
    ids = Counter(line for line in lines if line[:4].upper() in {"UID:", "UID;"})
    kept: list[str] = []
    block: dict[str, str] | None = None
    event: list[str] = []
    below = 0
    for line in lines:
        named = _NAME.match(line)
        name = named[1].upper() if named else ""
        part = line[6:].strip().upper() if name == "BEGIN" else ""
        if block is None:
            if part == "VEVENT":
                block, event, below = {}, [line], 0
            else:
                kept.append(line)
        elif part == "VEVENT":
            return list(lines)
        elif part:
            below += 1
        elif name == "END" and below:
            below -= 1
        elif name == "END":
            if line[4:].strip().upper() != "VEVENT":
                return list(lines)
            if ids[block.get("UID", "")] > 1 or _matters(block, start, end):
                kept += (*event, line)
            block = None
        elif not below and (not name or name in _COUNTS):
            event.append(line)
            block.setdefault(name, line)
    return kept if block is None else list(lines)


def _matters(found: dict[str, str], start: date, end: date) -> bool:
    """Whether an event, by its properties, may touch the days; True where that is not sure."""
    if _RECURS & found.keys() or "" in found:
        return True
    first = _day(found.get("DTSTART", ""))
    length = _days_of(found, first)
    if first is None:
        return True
    last: date | None = first
    if "RRULE" in found:
        until = _UNTIL.match(found["RRULE"])
        last = _date(until) if until else None
    if last is None or length is None:
        return first - _MARGIN <= end
    return first - _MARGIN <= end and max(first, last) + length + _MARGIN >= start


def _days_of(found: dict[str, str], first: date | None) -> timedelta | None:
    """Return how many days an event lasts at most, or None where that is not easily told."""
    if "DTEND" in found:
        last = _day(found["DTEND"])
        return None if last is None or first is None else max(last - first, timedelta())
    if "DURATION" in found:
        told = _LENGTH.match(found["DURATION"])
        return timedelta(weeks=int(told[1] or 0), days=int(told[2] or 0) + _CLOCK_DAYS) if told else None
    return timedelta(days=1)


def _day(line: str) -> date | None:
    found = _DAY.match(line)
    return _date(found) if found else None


def _date(found: re.Match[str]) -> date | None:
    """Return the day of a match, if it is one around which there is room to count."""
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
    return day if 10 < day.year < 9900 else None
