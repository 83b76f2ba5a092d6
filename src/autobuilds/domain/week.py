"""Spans of the week: read and written as people do, and asked whether and when they are open, exact where clocks change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from autobuilds.domain.duties import parse_weekdays
from autobuilds.domain.settings import Window
from autobuilds.domain.times import format_window, offset_changes, parse_window, window_length
from autobuilds.domain.windows import DayWindow, Span

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = timedelta(days=1)
#: How far a span's next opening or closing is looked for: the change of the clocks, or of the date line, can swallow that of one week.
_HORIZON = timedelta(days=22)
#: The end of a span that never closes.
_FOREVER = timedelta(days=100 * 366)


def parse_span(text: str) -> Span | None:
    """Return the span that `Mon-Fri 09:00-17:00`, `Sat, Sun` or `23:00-07:00` names, or None.

    Days without hours are whole days; hours without days are those of every day.
    """
    folded = " ".join(text.split()).lower()
    found = re.search(r"(?:^| )(\d{1,2}:\d\d ?(?:[-–—]|to) ?\d{1,2}:\d\d)$", folded)
    window = parse_window(found[1]) if found else parse_window("00:00-24:00")
    named = folded[: found.start()].strip() if found else folded
    days = parse_weekdays(named) if named or found else None
    if window is None or days is None:
        return None
    return Span(days=days, start=window.start, end=window.end)


def format_span(span: Span) -> str:
    """Return a span in the notation of the configuration, `Mon-Fri 09:00-17:00`; `parse_span` reads it back."""
    hours = format_window(Window(start=span.start, end=span.end))
    if len(span.days) == 7:
        return hours
    named = format_days(span.days)
    return named if span.start == span.end else f"{named} {hours}"


def format_days(days: frozenset[int]) -> str:
    """Return days of the week as `Mon-Fri`, `Sat, Sun` or `Mon, Wed`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = [f"{_DAYS[r[0]]}-{_DAYS[r[-1]]}" if len(r) > 2 else ", ".join(_DAYS[d] for d in r) for r in runs]
    return ", ".join(parts)


def in_span(now: datetime, span: Span) -> bool:
    """Whether the local wall clock of `now` stands in the span; its end is outside."""
    clock, day = now.time(), now.weekday()
    if span.start == span.end:
        return day in span.days
    if span.start < span.end:
        return day in span.days and span.start <= clock < span.end
    return (clock >= span.start and day in span.days) or (clock < span.end and (day - 1) % 7 in span.days)


def span_opens(now: datetime, span: Span) -> datetime:
    """Return the first moment from `now` on (itself included) at which the wall clock stands in the span, in its zone."""
    return now if in_span(now, span) else _first(now, span, inside=True)


def span_closes(now: datetime, span: Span) -> datetime:
    """Return when the span that is open now, or opens next, closes, in the zone of `now`.

    `Sat, Sun` closes on Monday at 00:00. A span of all days and hours never closes; the answer is a hundred years ahead.
    """
    if span.start == span.end and len(span.days) == 7:
        return now + _FOREVER
    return _first(span_opens(now, span), span, inside=False)


def span_length(span: Span) -> timedelta:
    """Return how long the span is at a stretch in a week without a zone change; 48 hours for `Sat, Sun`, 7 days for every day."""
    if span.start != span.end:
        return window_length(Window(start=span.start, end=span.end))
    longest = run = 0
    for day in range(14):
        run = run + 1 if day % 7 in span.days else 0
        longest = max(longest, run)
    return min(longest, 7) * _DAY


def window_named(name: str, windows: Iterable[DayWindow]) -> DayWindow | None:
    """Return the window of that name, however its words are parted and capitalised (`Quick win` is `quick-win`), or None."""
    wanted = window_key(name)
    return next((w for w in windows if w.name == wanted), None)


def window_key(name: str) -> str:
    """Return a window's name as the configuration knows it: small letters, words parted by `-`."""
    return re.sub(r"[\s_-]+", "-", name.strip().casefold())


def _first(now: datetime, span: Span, *, inside: bool) -> datetime:
    for moment in turns(now, clocks_of((span,)), _HORIZON):
        if in_span(moment, span) is inside:
            return moment
    raise AssertionError("a span of the week opens and closes within three weeks in every zone")


def clocks_of(spans: Iterable[Span]) -> tuple[time, ...]:
    """Return the times of day at which being in one of the spans can change."""
    clocks: set[time] = set()
    for span in spans:
        clocks |= {time(0)} if span.start == span.end else {span.start, span.end}
    return tuple(sorted(clocks))


def turns(now: datetime, clocks: Sequence[time], span: timedelta) -> Iterator[datetime]:
    """Yield every moment after `now`, for so long, at which the wall clock shows one of these times or is changed, in order, in its zone.

    Whatever depends on the wall clock and these times alone can change at no other moment.
    """
    here = now.astimezone(UTC)
    yield from _stretches(here, here + span, clocks, now)


def turns_before(now: datetime, clocks: Sequence[time], span: timedelta) -> Iterator[datetime]:
    """Yield the moments of `turns` before `now` or at it, for so long, the latest first."""
    high, last = now.astimezone(UTC), now.astimezone(UTC) - span
    while high > last:
        low = max(high - _DAY, last)
        yield from reversed(list(_stretch(low, high, clocks, now)))
        high = low


def _stretches(low: datetime, last: datetime, clocks: Sequence[time], now: datetime) -> Iterator[datetime]:
    while low < last:
        high = min(low + _DAY, last)
        yield from _stretch(low, high, clocks, now)
        low = high


def _stretch(low: datetime, high: datetime, clocks: Sequence[time], now: datetime) -> Iterator[datetime]:
    """Yield the turns in (low, high], a day of UTC at most; the dates of the zone are looked at a day further on both sides."""
    zone = now.tzinfo
    assert zone is not None, "a moment is always aware"
    moments = set(offset_changes(low, high, zone))
    first = low.astimezone(zone).date() - _DAY
    for ahead in range((high.astimezone(zone).date() - first).days + 2):
        for clock in clocks:
            local = datetime.combine(first + ahead * _DAY, clock, tzinfo=zone)
            moments.update(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return (moment.astimezone(zone) for moment in sorted(m for m in moments if low < m <= high))
