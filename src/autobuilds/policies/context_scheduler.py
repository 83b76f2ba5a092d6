"""What the context is, what it changes, how the day has gone and what comes next: the answers of `autobuilds context`. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from autobuilds.domain import night
from autobuilds.domain.context import Answer, Change, Stretch, changes, context_at, stretches, word_as_of
from autobuilds.domain.day import Context, Day, Source
from autobuilds.domain.manner import AHEAD, MANNERS, Intensity, Opening, opening, shift
from autobuilds.domain.moment import Moment
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import after, at_clock, elapsed, local_day, reached
from autobuilds.domain.week import in_span
from autobuilds.records import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """The context now, why, and what follows from it."""

    answer: Answer
    #: How many builds may run at the same time now.
    slots: int
    #: Whether an overnight session is on, which has slots of its own.
    night: bool
    intensity: Intensity
    #: Whether the owner may be interrupted.
    interrupt: bool
    #: Every window of the configuration, as it stands.
    windows: tuple[Opening, ...]
    #: Why the calendar can't be told, in words; it steers nothing then.
    calendar_fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The local day so far, in parts, and for how long each context has held."""

    start: datetime
    end: datetime
    parts: tuple[Stretch, ...]
    totals: tuple[tuple[Context, timedelta], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """One coming change of the context, with what follows from it."""

    change: Change
    slots: int
    intensity: Intensity
    interrupt: bool
    #: The names of the windows that are open from then on.
    windows: tuple[str, ...]


def detect(settings: Settings, day: Day | None, moment: Moment) -> Detected:
    """Return the context at a moment and what it changes."""
    now = moment.now
    answer = _answer(settings, day, moment)
    ahead = _parts(settings, day, moment, now, after(now, AHEAD))
    return Detected(
        answer=answer,
        slots=night.slots(settings, day, answer.context, now),
        night=night.is_on(day, now),
        intensity=MANNERS[answer.context].intensity,
        interrupt=answer.context in settings.interrupt,
        windows=tuple(opening(now, window, answer, ahead) for window in settings.windows),
        calendar_fault=moment.calendar_fault,
    )


def _answer(settings: Settings, day: Day | None, moment: Moment) -> Answer:
    """Return the context now; it began where a word that was taken back ended, though the timetable has it earlier."""
    word = None if day is None else day.word
    found = context_at(moment.now, word, moment.busy, settings.contexts)
    ends = [w.until.astimezone(moment.now.tzinfo) for w in (() if day is None else day.words) if w.until is not None]
    spoken = max(ends, key=datetime.timestamp, default=None)
    if found.source is Source.WORD or spoken is None or (found.since is not None and reached(spoken, found.since)):
        return found
    return replace(found, since=spoken)


def _parts(settings: Settings, day: Day | None, moment: Moment, start: datetime, end: datetime) -> tuple[Stretch, ...]:
    word = None if day is None else word_as_of(day.word, moment.now)
    earlier = () if day is None else day.words
    return stretches(start, end, word, moment.busy, settings.contexts, earlier=earlier)


def summary(settings: Settings, day: Day | None, moment: Moment) -> Summary:
    """Return the local day up to the moment: what the owner was doing when, by his words, calendar and timetable as they are now."""
    now = moment.now
    assert now.tzinfo is not None, "a moment is always aware"
    start = at_clock(local_day(now), time(0), now.tzinfo)
    parts = _parts(settings, day, moment, start, now) if not reached(now, start) else ()
    spans = {c: sum((elapsed(p.start, p.end) for p in parts if p.context is c), timedelta()) for c in Context}
    totals = sorted(((c, spent) for c, spent in spans.items() if spent), key=lambda pair: -pair[1])
    return Summary(start=start, end=now, parts=parts, totals=tuple(totals))


def upcoming(settings: Settings, day: Day | None, moment: Moment, hours: float) -> tuple[Ahead, ...]:
    """Return the changes of the context in the coming hours, each with what follows from it."""
    now = moment.now
    word = None if day is None else word_as_of(day.word, now)
    found = changes(now, after(now, timedelta(hours=hours)), word, moment.busy, settings.contexts)
    return tuple(
        Ahead(
            change=change,
            slots=night.slots(settings, day, change.after, change.at),
            intensity=MANNERS[change.after].intensity,
            interrupt=change.after in settings.interrupt,
            windows=_open(settings, change),
        )
        for change in found
    )


def _open(settings: Settings, change: Change) -> tuple[str, ...]:
    moved = {w.name: shift(change.after, change.source, w.name) for w in settings.windows}
    return tuple(w.name for w in settings.windows if (in_span(change.at, w.span) if moved[w.name] is None else moved[w.name]))


def turned(settings: Settings, day: Day | None, moment: Moment) -> Answer | None:
    """Return the context where it is not the one that was told last, else None."""
    found = context_at(moment.now, None if day is None else day.word, moment.busy, settings.contexts)
    return None if day is not None and day.context is found.context else found
