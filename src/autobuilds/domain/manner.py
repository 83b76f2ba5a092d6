"""What each context changes: how much of the machine builds may take, and which windows it opens and closes."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from autobuilds.domain.context import Answer, Stretch
from autobuilds.domain.day import Context, Source
from autobuilds.domain.times import reached
from autobuilds.domain.week import clocks_of, format_span, in_span, turns
from autobuilds.domain.windows import DayWindow
from autobuilds.records import dataclass

#: How far a window's next opening or closing is looked for.
AHEAD = timedelta(days=15)


class Intensity(StrEnum):
    """How much of the machine a build may take that starts now."""

    #: What is free: nobody waits for the machine.
    FULL = "full"
    #: What the owner leaves: he works on it.
    LIGHT = "light"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What a context changes besides `max_concurrent` and `interrupt`, which are the owner's settings.

    A word or an event says that this day is not as the timetable has it: it opens and closes windows, by their names, against the clock.
    The timetable itself moves none, since the windows' own hours stand beside it; nor does any context move a window of another name.
    """

    intensity: Intensity
    opens: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()


_QUICK, _NIGHT, _WORK, _WEEKEND = "quick-win", "overnight", "work-hours", "weekend"

#: One line for each context (docs/reference/contexts.md shows it).
MANNERS: dict[Context, Manner] = {
    Context.SLEEPING: Manner(intensity=Intensity.FULL, opens=(_NIGHT,), closes=(_QUICK,)),
    Context.WORKING: Manner(intensity=Intensity.LIGHT, opens=(_WORK,), closes=(_QUICK, _NIGHT, _WEEKEND)),
    Context.AVAILABLE: Manner(intensity=Intensity.LIGHT, opens=(_QUICK,), closes=(_NIGHT,)),
    Context.AWAY: Manner(intensity=Intensity.FULL, opens=(_NIGHT,), closes=(_QUICK,)),
    Context.WEEKEND: Manner(intensity=Intensity.FULL, opens=(_QUICK, _WEEKEND), closes=(_WORK,)),
}

#: Where a context comes from, in words.
BY = {
    Source.WORD: "by your word",
    Source.CALENDAR: "by your calendar",
    Source.TIMETABLE: "by the timetable",
    Source.DEFAULT: "outside your timetable",
}
_DOING = {Context.WEEKEND: "on a weekend"}


def doing(context: Context, source: Source) -> str:
    """Return a context in words that follow a figure: `while working, by the timetable`."""
    return f"{_DOING.get(context, f'while {context.value}')}, {BY[source]}"


def shift(context: Context, source: Source, name: str) -> bool | None:
    """Return whether a window is open against the clock (True) or closed against it (False); None where the clock decides."""
    if source not in {Source.WORD, Source.CALENDAR}:
        return None
    manner = MANNERS[context]
    return True if name in manner.opens else False if name in manner.closes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a window stands: whether it is open, why, and when that ends (None: not within 15 days)."""

    window: DayWindow
    open: bool
    why: str
    until: datetime | None
    #: Whether it stands as its own hours say, and not as a word or an event has it against them.
    by_clock: bool


def opening(now: datetime, window: DayWindow, answer: Answer, ahead: Sequence[Stretch] = ()) -> Opening:
    """Return how a window stands now; `ahead` are the stretches of the coming 15 days, none where nothing but the timetable speaks."""
    by_hours, moved = in_span(now, window.span), shift(answer.context, answer.source, window.name)
    is_open = by_hours if moved is None else moved
    changes = (at for at, other in _states(now, window, ahead) if other is not is_open)
    by_clock = is_open is by_hours
    why = format_span(window.span) if by_clock else doing(answer.context, answer.source)
    return Opening(window=window, open=is_open, why=why, until=next(changes, None), by_clock=by_clock)


def _states(now: datetime, window: DayWindow, ahead: Sequence[Stretch]) -> Iterator[tuple[datetime, bool]]:
    """Yield whether the window is open at every moment after `now` at which that can change."""
    clock = turns(now, clocks_of((window.span,)), AHEAD)
    for at in heapq.merge(clock, (s.start for s in ahead if not reached(s.start, now)), key=datetime.timestamp):
        part = next((s for s in ahead if reached(s.start, at) and not reached(s.end, at)), None)
        moved = None if part is None else shift(part.context, part.source, window.name)
        yield at, in_span(at, window.span) if moved is None else moved


def reopens(now: datetime, found: Opening, ahead: Sequence[Stretch] = ()) -> datetime | None:
    """Return when a window opens next: after it has closed, where it is open now; None where that is not within 15 days."""
    if not found.open:
        return found.until
    states = _states(now, found.window, ahead)
    closed = next((True for _, is_open in states if not is_open), False)
    return next((at for at, is_open in states if is_open), None) if closed else None
