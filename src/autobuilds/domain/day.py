"""The owner's day as values: contexts, where they come from, the owner's word, and what is remembered of days and nights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from autobuilds.domain.windows import WINDOWS, Span
from autobuilds.records import dataclass

if TYPE_CHECKING:
    from autobuilds.domain.settings import Settings


class Context(StrEnum):
    """What the owner is doing."""

    SLEEPING = "sleeping"
    WORKING = "working"
    AVAILABLE = "available"
    #: The gym, a commute, a trip: also what no other context covers.
    AWAY = "away"
    WEEKEND = "weekend"


class Source(StrEnum):
    """Where a context comes from, the strongest first."""

    WORD = "word"
    CALENDAR = "calendar"
    TIMETABLE = "timetable"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the weekly timetable; the first rule that holds wins."""

    context: Context
    span: Span


_WEEKDAYS = frozenset(range(5))

#: The timetable of HEARTBEAT.md where it has none (chapter 4).
TIMETABLE: tuple[Rule, ...] = (
    Rule(context=Context.SLEEPING, span=Span(start=time(23), end=time(7))),
    Rule(context=Context.WORKING, span=Span(days=_WEEKDAYS, start=time(9), end=time(17))),
    Rule(context=Context.AVAILABLE, span=Span(days=_WEEKDAYS, start=time(19), end=time(23))),
    Rule(context=Context.WEEKEND, span=Span(days=frozenset({5, 6}), start=time(0), end=time(0))),
)

#: The contexts in which the owner may be interrupted where HEARTBEAT.md names none.
INTERRUPT: tuple[Context, ...] = (Context.AVAILABLE, Context.WEEKEND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """One occurrence of an event of the owner's calendar: half-open, aware, recurrences already expanded."""

    start: datetime
    end: datetime
    context: Context
    summary: str
    all_day: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """The owner's word on his context (`autobuilds context set`); `until` None means until he takes it back."""

    context: Context
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of a night and how it went: `running`, `done`, `failed` or `skipped`, with what there is to say of it."""

    name: str
    state: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One overnight session, from its start to its report; `ends` is when it closes by itself at the latest."""

    id: str
    started: datetime
    ends: datetime
    phases: tuple[Phase, ...] = ()
    #: The commit and the tag of the evening's state, and the archive of what Git does not hold.
    commit: str | None = None
    tag: str | None = None
    archive: str | None = None
    #: Since when nothing new starts because the machine is under pressure.
    throttled: datetime | None = None
    #: Seconds for which that was so before.
    throttled_seconds: int = 0
    #: When it was closed; `undone` when the owner took the night back.
    ended: datetime | None = None
    undone: datetime | None = None
    #: Problems found, and fixed, by the health phase.
    found: int = 0
    fixed: int = 0
    #: Critical problems that the health phase could not fix, in words.
    critical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """One task of a weekend's project: its label, and how many minutes the plan gives it."""

    label: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekend:
    """The project that the owner chose for a weekend; `id` is the date of its first day, `proposal` the one that he saw."""

    id: str
    proposal: str
    title: str
    chosen: datetime
    starts: datetime
    ends: datetime
    milestones: tuple[Milestone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is remembered of the owner's days: his word, the night that runs or ran last, those before it, the last context told."""

    word: Word | None = None
    #: His words before that one which held within the last two days, each with its end, the newest last, at most 40.
    words: tuple[Word, ...] = ()
    night: Night | None = None
    #: Nights before that one, the newest last, at most 14.
    nights: tuple[Night, ...] = ()
    #: The context at the last heartbeat, and since when, so that a change is told once.
    context: Context | None = None
    since: datetime | None = None
    #: The projects that the owner chose for his weekends, the newest last, at most 12.
    weekends: tuple[Weekend, ...] = ()


#: For how long after a word of the owner's has ended the changes of his context are still worth recording.
_AFTER_A_WORD = timedelta(days=2)


def steered(settings: Settings, day: Day | None, now: datetime, windows: Sequence[str | None] = ()) -> bool:
    """Whether contexts change anything in this workspace, so that their changes are recorded; `windows` are those that its tasks name.

    They do where the owner wrote a week, a calendar, windows, slots by context or interruptions of his own, where a task names a window,
    and where his word holds or did so lately.
    """
    from autobuilds.domain.times import elapsed

    if settings.calendar or len(settings.max_concurrent) > 1 or any(windows):
        return True
    if settings.contexts != TIMETABLE or settings.windows != WINDOWS or settings.interrupt != INTERRUPT:
        return True
    words = () if day is None else (*day.words, *(() if day.word is None else (day.word,)))
    return any(word.until is None or elapsed(word.until, now) < _AFTER_A_WORD for word in words)
