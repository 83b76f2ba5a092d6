"""The process that reads one calendar: the only place that knows icalendar, and all that a hostile file can harm.

Reads a line of JSON (`start`, `end`: days) and then the calendar from its input; writes one JSON object: `rows`, and what could not
be read in words in `faults` and `notes`. It gives itself limits, and whoever starts it waits no longer than for those.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from autobuilds.adapters.calendar.meaning import Marks, meaning
from autobuilds.adapters.calendar.thinning import is_property, thinned, unfolded
from autobuilds.domain import inert

if TYPE_CHECKING:
    from icalendar import Calendar, Component, Event

#: Seconds of CPU time for a calendar, and for one series of events; figures of docs/decisions/0314.
CPU_SECONDS, SERIES_SECONDS = 20, 2.0
_MEMORY = 2 * 1024**3
#: Occurrences of a calendar that are used; those that begin first.
MOST = 20_000
#: Rules by which no appointment recurs, and for which a span of days holds thousands of occurrences.
_BOMBS = frozenset({"SECONDLY", "MINUTELY"})
#: Characters of a title that are kept.
_TITLE = 120
_PRIVATE = "private appointment"
#: A row: start and end (a day, a local time, or a time in UTC), whether of whole days, context, title.
Row = tuple[str, str, bool, str, str]


class TooLong(Exception):
    """A series took longer than it may."""


def main() -> int:
    """Read a calendar from standard input and write what it says to standard output; return 0."""
    _limit()
    asked = json.loads(sys.stdin.buffer.readline())
    reading = Reading(date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"]), seconds=SERIES_SECONDS)
    reading.read(sys.stdin.buffer.read())
    said = {"rows": reading.rows, "faults": reading.faults, "notes": reading.notes}
    sys.stdout.write(json.dumps(said))
    return 0


def _limit() -> None:
    import resource

    for kind, most in ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))
    signal.signal(signal.SIGVTALRM, _too_long)


def _too_long(_signal: int, _frame: object) -> None:
    raise TooLong


class Reading:
    """What one calendar says of the days from `start` up to `end`, in UTC; a series is given up after `seconds` (0: never)."""

    def __init__(self, start: date, end: date, *, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._start = datetime(start.year, start.month, start.day, tzinfo=UTC)
        self._end = datetime(end.year, end.month, end.day, tzinfo=UTC)
        self.rows: list[Row] = []
        self.faults: list[str] = []
        self.notes: list[str] = []
        self._bad: list[str] = []
        self._zones: set[str] = set()

    def read(self, data: bytes) -> None:
        """Read a text of one calendar or several; what of it can't be read is told."""
        lines = thinned(unfolded(_decoded(data)), self._start.date(), self._end.date())
        calendars = self._parsed(lines)
        lost = sum(line.strip().upper() == "BEGIN:VEVENT" for line in lines) - sum(len(calendar.walk("VEVENT")) for calendar in calendars)
        if lost > 0 or not calendars:
            self.faults.append(
                f"{_count(lost, 'event')} can't be read: their ends are missing" if lost > 0 else "there is no whole calendar in it"
            )
        for calendar in calendars:
            if str(calendar.get("METHOD", "")).upper() == "CANCEL":
                continue
            self._clear(calendar)
            self._expand(calendar)
        self.rows.sort()
        if self._bad:
            shown = ", ".join(dict.fromkeys(self._bad[:3]))
            more = ", …" if len(self._bad) > 3 else ""
            self.faults.append(f"{_count(len(self._bad), 'event')} can't be read: {shown}{more}")
        if len(self.rows) > MOST:
            self.faults.append(f"it has more than {MOST:,} occurrences in these days; those that begin first are used")
            del self.rows[MOST:]
        if self._zones:
            named = ", ".join(sorted(self._zones)[:3])
            self.notes.append(f"unknown time zones ({named}): those times are taken for times of the workspace")

    def _parsed(self, lines: list[str]) -> list[Calendar]:
        from icalendar import Calendar

        with suppress(ValueError, TypeError, KeyError, IndexError, RecursionError):
            return _calendars(Calendar.from_ical("\r\n".join(lines) + "\r\n", multiple=True))
        good = [line for line in lines if is_property(line)]
        self.faults.append(f"{_count(len(lines) - len(good), 'line')} can't be read")
        try:
            return _calendars(Calendar.from_ical("\r\n".join(good) + "\r\n", multiple=True))
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            self.faults.append(f"it can't be read: {inert.line(str(error), 120)}")
            return []

    def _clear(self, calendar: Calendar) -> None:
        """Take out of a calendar what could not be expanded, and tell of it."""
        kept = []
        for part in calendar.subcomponents:
            if part.name == "VEVENT" and (why := _unusable(part)):
                self._bad.append(f"{_quoted(part)} ({why})")
                continue
            kept.append(part)
            if part.name == "VEVENT":
                self._zones.update(_unknown_zone(part))
        calendar.subcomponents = kept

    def _expand(self, calendar: Calendar) -> None:
        import recurring_ical_events

        try:
            query = recurring_ical_events.of(calendar)
        except Exception as error:  # a stranger's file, in a process of its own: whatever it breaks is told
            self.faults.append(f"its events can't be put together: {inert.line(f'{type(error).__name__}: {error}', 120)}")
            return
        for series in query.series:
            found: list[Row] = []
            signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)
            try:
                for occurrence in series.between(self._start, self._end):
                    found += self._row(occurrence.as_component(False))
            except TooLong:
                self._bad.append("one that recurs in a way that takes too long to work out")
            except Exception as error:
                self._bad.append(inert.line(f"{type(error).__name__}: {error}", 80))
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            self.rows += found

    def _row(self, event: Event) -> Iterator[Row]:
        start, end = event.start, event.end
        if isinstance(start, datetime) and isinstance(end, datetime) and _whole_days(event, start, end):
            start, end = start.date(), end.date()
        all_day = not isinstance(start, datetime)
        summary = inert.line(_text(event, "SUMMARY"), _TITLE)
        found = meaning(_marks(event, summary, all_day=all_day))
        if found is not None and _said(start) < _said(end):
            hidden = _text(event, "CLASS").upper() in {"PRIVATE", "CONFIDENTIAL"}
            yield _said(start), _said(end), all_day, found.value, _PRIVATE if hidden else summary


def _marks(event: Component, summary: str, *, all_day: bool) -> Marks:
    return Marks(
        summary=summary,
        categories=tuple(_categories(event)),
        status=_text(event, "STATUS"),
        transparency=_text(event, "TRANSP"),
        busy_status=_text(event, "X-MICROSOFT-CDO-BUSYSTATUS"),
        all_day=all_day,
    )


def _calendars(found: Any) -> list[Calendar]:
    """Return those of the parsed parts that are calendars."""
    return [part for part in found if part.name == "VCALENDAR"]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _unusable(event: Component) -> str | None:
    """Return why an event can't be expanded, or None."""
    if "DTSTART" not in event:
        return "it has no start"
    broken = [str(name) for name, _ in event.errors if str(name).upper() in {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE"}]
    if broken:
        return f"its {broken[0]} means nothing"
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        if _BOMBS & {str(value).upper() for value in rule.get("FREQ", [])}:
            return "it recurs each minute or second"
    return None


def _unknown_zone(event: Component) -> Iterator[str]:
    """Yield the zone of an event's start, where it names one that nobody knows."""
    start: Any = event["DTSTART"]
    moment = getattr(start, "dt", None)
    zone = start.params.get("TZID") if isinstance(moment, datetime) and moment.tzinfo is None else None
    if zone:
        yield inert.line(str(zone), 60)


def _whole_days(event: Event, start: datetime, end: datetime) -> bool:
    """Whether it is one of Outlook's events of whole days, written as times in the zone of whoever made it."""
    clocks = (start.hour, start.minute, end.hour, end.minute)
    whole = clocks == (0, 0, 0, 0) and end - start >= timedelta(hours=23)
    return whole and _text(event, "X-MICROSOFT-CDO-ALLDAYEVENT").upper() == "TRUE"


def _said(moment: date | datetime) -> str:
    """Return a day, a local time or a time in UTC as text; those of one kind sort as they follow each other."""
    if isinstance(moment, datetime):
        aware = moment.tzinfo is not None
        return moment.astimezone(UTC).isoformat(timespec="seconds") if aware else moment.isoformat(timespec="seconds")
    return moment.isoformat()


def _text(event: Component, name: str) -> str:
    value = event.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value)


def _categories(event: Component) -> Iterator[str]:
    value = event.get("CATEGORIES", [])
    for part in value if isinstance(value, list) else [value]:
        yield from (str(one) for one in getattr(part, "cats", (part,)))


def _quoted(event: Component) -> str:
    return f"“{inert.line(_text(event, 'SUMMARY'), 40)}”"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


if __name__ == "__main__":
    sys.exit(main())
