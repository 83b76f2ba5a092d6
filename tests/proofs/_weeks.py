"""Spans with days, and contexts, held against the clock on the wall on every night that clocks change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from autobuilds.domain.context import Answer, context_at
from autobuilds.domain.day import TIMETABLE
from autobuilds.domain.gates import timing
from autobuilds.domain.model import Estimate
from autobuilds.domain.moment import Moment
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Situation
from autobuilds.domain.verdicts import Verdict
from autobuilds.domain.week import format_span
from autobuilds.domain.windows import DayWindow, Span
from tests.builders import a_situation, a_snapshot, a_task

#: The hours of the spans, and on which days they begin, counted from the day of the change.
HOURS = (
    ("22:00", "06:00", (-1, 0)),
    ("23:00", "07:00", (-1,)),
    ("00:30", "02:30", (0,)),
    ("02:00", "03:00", (0, 1)),
    ("00:00", "00:00", (0,)),
)
#: Lengths in minutes that are asked for; each only of spans that are as long.
LENGTHS = (45, 420)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How an implementation decides: (whether a task of so many minutes may start in its window, when it opens), and the context."""

    window: Callable[[datetime, Span, int | None], tuple[bool, datetime | None]]
    context: Callable[[datetime], Answer]


@lru_cache
def _asked(span: Span, minutes: int | None) -> Situation:
    estimate = None if minutes is None else Estimate(min_minutes=minutes, max_minutes=minutes)
    task = a_task(window="mine", estimate=estimate)
    window = DayWindow(name="mine", span=span, least=0, most=24 * 60)
    return a_situation(task, snapshot=a_snapshot(task, settings=Settings(windows=(window,))))


def _window(now: datetime, span: Span, minutes: int | None) -> tuple[bool, datetime | None]:
    found = timing.window(replace(_asked(span, minutes), moment=Moment(now=now)))
    return found.verdict is Verdict.GO, found.until


#: The product's own gate of windows, and its contexts.
PRODUCT = Asking(window=_window, context=lambda now: context_at(now, None, (), TIMETABLE))


def _naive_window(now: datetime, span: Span, minutes: int | None) -> tuple[bool, datetime | None]:
    inside = _inside(now.hour * 60 + now.minute, now.weekday(), span)
    start = now.replace(hour=span.start.hour, minute=span.start.minute, second=0, microsecond=0)
    while not inside and (start < now or start.weekday() not in span.days):
        start += timedelta(days=1)
    return inside, None if inside else start


#: What most programs do: Python's own arithmetic on local times; contexts that know their ends by hours alone.
NAIVE = Asking(
    window=_naive_window,
    context=lambda now: replace(PRODUCT.context(now), until=now + timedelta(hours=24 - now.hour if now.hour > 22 else 1)),
)


def _inside(minute: int, day: int, span: Span) -> bool:
    start, end = (t.hour * 60 + t.minute for t in (span.start, span.end))
    if start == end:
        return day in span.days
    if start < end:
        return day in span.days and start <= minute < end
    return (minute >= start and day in span.days) or (minute < end and (day - 1) % 7 in span.days)


def _whole(span: Span) -> int:
    start, end = (t.hour * 60 + t.minute for t in (span.start, span.end))
    return (end - start) % 1440 or 1440


def spans_at(change: datetime) -> tuple[Span, ...]:
    """Return spans that begin round the day of a change, given in its zone."""
    day = change.weekday()
    return tuple(
        Span(start=time.fromisoformat(a), end=time.fromisoformat(b), days=frozenset((day + n) % 7 for n in days)) for a, b, days in HOURS
    )


def wrong_window(moments: list[datetime], span: Span, last: int, every: int, how: Asking = PRODUCT) -> str | None:
    """Return the first decision on a window that a walk along the minutes does not bear out, or None; the walk sees beyond `last`."""
    inside = [_inside(m.hour * 60 + m.minute, m.weekday(), span) for m in moments]
    changed = following(inside)
    edges = {n + d for n in range(1, len(inside)) if inside[n] != inside[n - 1] for d in (-1, 0)}
    for n in range(last):
        if n not in edges and (not every or n % every):
            continue
        now, until = moments[n], changed[n]
        found, opens = how.window(now, span, None)
        if found != inside[n]:
            return f"{now.isoformat()}: {format_span(span)} is said to be {'open' if found else 'closed'}"
        if not found and until is not None and (opens is None or opens.astimezone(UTC) != moments[until].astimezone(UTC)):
            return f"{now.isoformat()}: {format_span(span)} is said to open at {opens}, opens at {moments[until].isoformat()}"
        for minutes in LENGTHS if inside[n] and until is not None else ():
            assert until is not None
            fits = until - n >= min(minutes, _whole(span) - 60)
            if minutes <= _whole(span) and how.window(now, span, minutes)[0] != fits:
                return f"{now.isoformat()}: {minutes} minutes are said {'not ' if fits else ''}to fit into {format_span(span)}"
    return None


def wrong_context(moments: list[datetime], last: int, every: int, how: Asking = PRODUCT) -> str | None:
    """Return the first answer on the context by the usual timetable that the walk does not bear out, or None."""
    walked = [
        next((n for n, rule in enumerate(TIMETABLE) if _inside(m.hour * 60 + m.minute, m.weekday(), rule.span)), None) for m in moments
    ]
    changed = following(walked)
    edges = {n + d for n in range(1, len(walked)) if walked[n] != walked[n - 1] for d in (-1, 0)}
    began: int | None = None
    for n in range(last):
        if n and walked[n] != walked[n - 1]:
            began = n
        if n not in edges and (not every or n % every):
            continue
        rule, until, found = walked[n], changed[n], how.context(moments[n])
        wanted = "away" if rule is None else TIMETABLE[rule].context.value
        if found.context.value != wanted:
            return f"{moments[n].isoformat()}: said to be {found.context.value}, is {wanted}"
        for said, where in ((found.until, until), (found.since, began)):
            if where is not None and (said is None or said.astimezone(UTC) != moments[where].astimezone(UTC)):
                return f"{moments[n].isoformat()}: {wanted} is said to begin or end at {said}, does at {moments[where].isoformat()}"
    return None


def following(states: Sequence[object]) -> list[int | None]:
    """Return for each minute when the state changes next."""
    found: list[int | None] = [None] * len(states)
    for n in range(len(states) - 2, -1, -1):
        found[n] = n + 1 if states[n + 1] != states[n] else found[n + 1]
    return found
