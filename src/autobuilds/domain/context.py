"""What the owner is doing at a moment, and when that changes: his word, else his calendar, else his timetable."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from autobuilds.domain.day import Busy, Context, Day, Rule, Source, Word
from autobuilds.domain.times import elapsed, reached
from autobuilds.domain.week import clocks_of, format_span, in_span, turns, turns_before
from autobuilds.records import dataclass, replace

#: How far the beginning and the end of a context are looked for; what begins before or ends after that has none.
HORIZON = timedelta(days=8)
#: How long a word is remembered after it ended, and how many are at most.
REMEMBERED = timedelta(days=2)
MOST_WORDS = 40
#: Why it is what it is where nothing says otherwise.
UNCOVERED = "no line of your timetable covers this time"
_WORD = "you said so"
_EVENT = "an event without a name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The context at a moment, where it comes from, and from when to when that very answer holds (None: not seen within 8 days)."""

    context: Context
    source: Source
    #: The line of the timetable, the name of the event (a foreign text), or what takes their place.
    why: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a span of time in which the answer is the same."""

    start: datetime
    end: datetime
    context: Context
    source: Source
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A moment at which the context becomes another one; `source` and `why` are those of the one that begins."""

    at: datetime
    before: Context
    after: Context
    source: Source
    why: str


_Cause = tuple[Context, Source, str]


def context_at(now: datetime, word: Word | None, busy: Sequence[Busy], timetable: Sequence[Rule]) -> Answer:
    """Return the context at a moment: the owner's word while it holds, else an event, else the first line of the timetable, else away.

    A word holds from when it is given, also on a clock that was set back since. Of events that overlap, one that says away wins, then one
    with hours over an all-day one, then the one that began last.
    """
    if word is not None and _holds(word, now):
        return Answer(context=word.context, source=Source.WORD, why=_WORD, since=word.since, until=word.until)
    events = [*_near(busy, now)]
    cause = _cause(now, events, timetable)
    since = _since(now, cause, None if word is None else word.until, events, timetable)
    until = next((t for t in _ahead(now, events, timetable) if _cause(t, events, timetable) != cause), None)
    return Answer(context=cause[0], source=cause[1], why=cause[2], since=since, until=until)


def _holds(word: Word, now: datetime) -> bool:
    return word.until is None or not reached(word.until, now)


def _near(busy: Sequence[Busy], now: datetime) -> Iterator[Busy]:
    """Yield the events that touch the time looked at."""
    low, high = (now.astimezone(UTC) - HORIZON, now.astimezone(UTC) + HORIZON)
    return (event for event in busy if event.start.astimezone(UTC) <= high and event.end.astimezone(UTC) >= low)


def _cause(now: datetime, busy: Sequence[Busy], timetable: Sequence[Rule]) -> _Cause:
    events = [event for event in busy if reached(event.start, now) and not reached(event.end, now)]
    if events:
        event = max(events, key=_weight)
        return event.context, Source.CALENDAR, event.summary or _EVENT
    for rule in timetable:
        if in_span(now, rule.span):
            return rule.context, Source.TIMETABLE, f"{rule.context.value}: {format_span(rule.span)}"
    return Context.AWAY, Source.DEFAULT, UNCOVERED


def _weight(event: Busy) -> tuple[bool, bool, float, float]:
    return event.context is Context.AWAY, not event.all_day, event.start.timestamp(), -event.end.timestamp()


def _edges(busy: Sequence[Busy], now: datetime) -> list[datetime]:
    """Return when the events begin and end, in the zone of `now`, in order."""
    return [at.astimezone(now.tzinfo) for at in sorted({t.astimezone(UTC) for e in busy for t in (e.start, e.end)})]


def _ahead(now: datetime, busy: Sequence[Busy], timetable: Sequence[Rule]) -> Iterator[datetime]:
    """Yield every moment after `now` at which the answer can change."""
    events = (at for at in _edges(busy, now) if not reached(at, now))
    clock = turns(now, clocks_of(rule.span for rule in timetable), HORIZON)
    return heapq.merge(clock, events, key=datetime.timestamp)


def _since(now: datetime, cause: _Cause, spoken: datetime | None, busy: Sequence[Busy], timetable: Sequence[Rule]) -> datetime | None:
    """Return since when a cause holds: the earliest moment of an unbroken row, not before the owner's last word ended."""
    events = (at for at in reversed(_edges(busy, now)) if reached(at, now))
    clock = turns_before(now, clocks_of(rule.span for rule in timetable), HORIZON)
    began: datetime | None = None
    for at in heapq.merge(clock, events, key=datetime.timestamp, reverse=True):
        if _cause(at, busy, timetable) != cause:
            break
        began = at
    else:
        began = None
    ended = spoken.astimezone(now.tzinfo) if spoken is not None and elapsed(spoken, now) <= HORIZON else None
    return ended if ended is not None and (began is None or reached(began, ended)) else began


def word_as_of(word: Word | None, now: datetime) -> Word | None:
    """Return a word as it counts at a moment: one that was given at a time to come holds from now on, since the clock was set back."""
    return word if word is None or reached(word.since, now) else replace(word, since=now)


def stretches(
    start: datetime, end: datetime, word: Word | None, busy: Sequence[Busy], timetable: Sequence[Rule], *, earlier: Sequence[Word] = ()
) -> tuple[Stretch, ...]:
    """Return the parts of [start, end) by their answers, in order and without a gap, in the zone of `start`.

    A word counts from when it was given; `earlier` are words that were given before it, the newest last.
    """
    words = (*earlier, *(() if word is None else (word,)))
    spoken = {t.astimezone(UTC) for w in words for t in (w.since, w.until) if t is not None}
    clock = turns(start, clocks_of(rule.span for rule in timetable), elapsed(start, end))
    moments = heapq.merge(clock, _edges(busy, start), (t.astimezone(start.tzinfo) for t in sorted(spoken)), key=datetime.timestamp)
    parts: list[tuple[datetime, _Cause]] = []
    for at in (start, *(t for t in moments if not reached(t, start) and not reached(end, t))):
        cause = _spoken(at, words) or _cause(at, busy, timetable)
        if not parts or parts[-1][1] != cause:
            parts.append((at, cause))
    ends = [at for at, _ in parts[1:]] + [end]
    return tuple(
        Stretch(start=at, end=until, context=cause[0], source=cause[1], why=cause[2])
        for (at, cause), until in zip(parts, ends, strict=True)
        if not reached(until, at)
    )


def _spoken(at: datetime, words: Sequence[Word]) -> _Cause | None:
    for word in reversed(words):
        if reached(word.since, at) and _holds(word, at):
            return word.context, Source.WORD, _WORD
    return None


def changes(
    start: datetime, end: datetime, word: Word | None, busy: Sequence[Busy], timetable: Sequence[Rule], *, earlier: Sequence[Word] = ()
) -> tuple[Change, ...]:
    """Return every moment in (start, end) at which the context becomes another one, in order; see `stretches` for the words."""
    parts = stretches(start, end, word, busy, timetable, earlier=earlier)
    return tuple(
        Change(at=after.start, before=before.context, after=after.context, source=after.source, why=after.why)
        for before, after in pairwise(parts)
        if before.context is not after.context
    )


def with_word(day: Day, word: Word | None, now: datetime) -> Day:
    """Return the day with a new word of the owner's, or with none; the one before ends now and is remembered for two days."""
    last = day.word
    ended = () if last is None else (last if last.until is not None and reached(last.until, now) else replace(last, until=now),)
    kept = [w for w in (*day.words, *ended) if w.until is not None and not reached(w.until, w.since)]
    fresh = [w for w in kept if w.until is not None and elapsed(w.until, now) < REMEMBERED]
    return replace(day, word=word, words=tuple(fresh[-MOST_WORDS:]))
