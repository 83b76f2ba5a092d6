"""When a usage limit ends, from what agents say of it: numbers, spans, times of day, dates. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, tzinfo

from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import after, at_clock, elapsed, parse_when

#: The longest wait that a limit is believed to take: a month's quota. What is said beyond it is taken for nonsense.
MAX_AHEAD = timedelta(days=32)
#: Text that is looked at.
_MAX_TEXT = 4000
#: From here on a number is a moment (seconds since 1970), below it is a span of seconds; from the second on it has milliseconds.
_EPOCH_SECONDS = 1_000_000_000
_EPOCH_MILLIS = 100_000_000_000

_UNIT = r"(?:d|days?|h|hrs?|hours?|m|min|mins|minutes?|s|secs?|seconds?|ms)(?![A-Za-z])"
_SPAN = rf"\d{{1,9}}(?:\.\d{{1,6}})? ?{_UNIT}(?:(?:,? and |,? ?)\d{{1,9}}(?:\.\d{{1,6}})? ?{_UNIT}){{0,3}}"
_IN_SPAN = pattern(rf"\b(?:in|after|within|for|wait|every) (?:about |approximately |~ ?)?({_SPAN})", re.IGNORECASE | re.ASCII)
_PIECE = pattern(r"(\d{1,9}(?:\.\d{1,6})?) ?(ms|[dhms])", re.IGNORECASE | re.ASCII)
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
#: `retry-after: 30`, `retry_after=30`, `"retryDelay": "34s"`; a bare number is seconds.
_HEADER = pattern(
    rf"retry[-_ ]?(?:after|delay)(?:[-_ ](?:seconds|secs?))?[\"']?\s{{0,3}}[:= ]\s{{0,3}}[\"']?(?:({_SPAN})|(\d{{1,13}}(?:\.\d{{1,6}})?))",
    re.IGNORECASE | re.ASCII,
)
_EPOCH = pattern(r"(?<![\d.])(\d{10}|\d{13})(?![\d.])", re.ASCII)
_ISO = pattern(r"(?<!\d)(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:[Zz]|[+-]\d\d(?::?\d\d)?)(?![A-Za-z\d]))?)", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = r"(?:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? (\d{1,2})(?:st|nd|rd|th)?,?(?: (\d{4}),?)?(?: at)? )?"
_CLOCK = r"(\d{1,2})(?::(\d\d))?(?::\d\d)?(?: ?([ap])\.?m\b\.?)?"
_ZONE = r"(?: ?\(?((?:[A-Za-z]{2,20}/[A-Za-z_/+-]{2,30})|UTC|GMT|Z\b)\)?)?"
_AT_CLOCK = pattern(
    rf"\b(?:resets?|reset|until|again|available|back|retry)(?: (?:at|on|by))?:? {_DAY}{_CLOCK}{_ZONE}", re.IGNORECASE | re.ASCII
)

#: Looks a zone up by its IANA name; None for one that is not known.
ZoneFinder = Callable[[str], tzinfo | None]


def _no_zone(name: str) -> tzinfo | None:
    return UTC if name.upper() in {"UTC", "GMT", "Z"} else None


def parse_reset(said: str | float, now: datetime, find_zone: ZoneFinder = _no_zone) -> datetime | None:
    """Return when a limit ends that an agent spoke of, after `now` and in its zone, or None where it can't be told.

    A number, or a text of one, is seconds or milliseconds since 1970, or a span in seconds. A text may hold an RFC 3339 time,
    `retry-after: 30`, `try again in 2 days 3 hours`, `resets at 3pm (Europe/Berlin)` or `try again at Nov 25th, 2026 3:40 PM`;
    times without a zone are in the zone of `now`. What is past or more than MAX_AHEAD away is None.
    """
    if isinstance(said, bool):
        return None
    if isinstance(said, int | float):
        return _number(said, now)
    text = " ".join(said[:_MAX_TEXT].replace("\u202f", " ").replace("\u00a0", " ").split())
    if re.fullmatch(r"\d{1,13}(?:\.\d{1,6})?", text, re.ASCII):
        return _number(float(text), now)
    for read in (_iso, _header, _epoch, _clock, _span):
        found = read(text, now, find_zone)
        if found is not None:
            return found
    return None


def _checked(moment: datetime, now: datetime) -> datetime | None:
    return moment.astimezone(now.tzinfo) if timedelta() < elapsed(now, moment) <= MAX_AHEAD else None


def _ahead(seconds: float, now: datetime) -> datetime | None:
    if not 0 < seconds <= MAX_AHEAD.total_seconds():
        return None
    return after(now, timedelta(seconds=math.ceil(seconds)))


def _number(value: float, now: datetime) -> datetime | None:
    if not 0 < value < 1000 * _EPOCH_MILLIS:
        return None
    if value < _EPOCH_SECONDS:
        return _ahead(value, now)
    seconds = value / 1000 if value >= _EPOCH_MILLIS else value
    return _checked(datetime.fromtimestamp(seconds, UTC), now)


def _iso(text: str, now: datetime, _: ZoneFinder) -> datetime | None:
    assert now.tzinfo is not None, "a moment is always aware"
    for match in _ISO.finditer(text):
        moment = parse_when(match[1], now.tzinfo)
        if moment is not None and (found := _checked(moment, now)) is not None:
            return found
    return None


def _header(text: str, now: datetime, _: ZoneFinder) -> datetime | None:
    match = _HEADER.search(text)
    if match is None:
        return None
    return _ahead(_seconds(match[1]), now) if match[1] else _number(float(match[2]), now)


def _epoch(text: str, now: datetime, _: ZoneFinder) -> datetime | None:
    for match in _EPOCH.finditer(text):
        if (found := _number(int(match[1]), now)) is not None:
            return found
    return None


def _seconds(text: str) -> float:
    return sum(float(number) * _SECONDS[unit.lower()] for number, unit in _PIECE.findall(text))


def _span(text: str, now: datetime, _: ZoneFinder) -> datetime | None:
    match = _IN_SPAN.search(text)
    return None if match is None else _ahead(_seconds(match[1]), now)


def _clock(text: str, now: datetime, find_zone: ZoneFinder) -> datetime | None:
    for match in _AT_CLOCK.finditer(text):
        month, day, year, hour, minute, half, zone_name = match.groups()
        if half is None and minute is None:
            continue
        zone = None if zone_name is None else _no_zone(zone_name) or find_zone(zone_name)
        local = now.astimezone(zone or now.tzinfo)
        clock = _time(int(hour), int(minute or 0), half)
        if clock is None:
            continue
        found = _next(local, clock) if month is None else _dated(local, clock, month, int(day), year)
        if found is not None and (checked := _checked(found, now)) is not None:
            return checked
    return None


def _time(hour: int, minute: int, half: str | None) -> time | None:
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _next(local: datetime, clock: time) -> datetime:
    """Return the next moment at which the clocks of that zone show this time."""
    assert local.tzinfo is not None, "a moment is always aware"
    for days in (0, 1, 2):
        moment = at_clock((local + timedelta(days=days)).date(), clock, local.tzinfo)
        if elapsed(local, moment) > timedelta():
            return moment
    raise AssertionError("no zone skips two days")


def _dated(local: datetime, clock: time, month: str, day: int, year: str | None) -> datetime | None:
    """Return that time of that day; without a year the next one there is."""
    assert local.tzinfo is not None, "a moment is always aware"
    number = _MONTHS.index(month.lower()) + 1
    for when in (int(year),) if year else (local.year, local.year + 1):
        try:
            moment = at_clock(local.date().replace(year=when, month=number, day=day), clock, local.tzinfo)
        except (ValueError, OverflowError):
            continue
        if elapsed(local, moment) > timedelta():
            return moment
    return None
