"""The coming weekend: from when to when, which hours of it are free, and what is proposed for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from autobuilds.domain.context import Stretch, stretches, word_as_of
from autobuilds.domain.day import Busy, Context, Rule, Source, Word
from autobuilds.domain.times import at_clock, elapsed, reached
from autobuilds.domain.week import window_named
from autobuilds.domain.windows import WINDOWS, DayWindow, Span
from autobuilds.records import dataclass

#: The name of the window of HEARTBEAT.md that is planned.
WINDOW = "weekend"
#: What the owner is doing in hours that count as free.
_FREE = frozenset({Context.WEEKEND, Context.AVAILABLE})
#: The days of a window that names every day.
_DAYS = frozenset({5, 6})
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A span of time, half-open; `why` says what takes it, empty for a free one."""

    start: datetime
    end: datetime
    why: str = ""

    @property
    def minutes(self) -> int:
        """How long it really is, in whole minutes."""
        return int(elapsed(self.start, self.end).total_seconds() // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTime:
    """What is free of a weekend from a moment on; `id` is the date of its first day, `taken` what events and the owner's word take."""

    id: str
    starts: datetime
    ends: datetime
    free: tuple[Spell, ...]
    taken: tuple[Spell, ...]

    @property
    def minutes(self) -> int:
        """How much is free, in minutes."""
        return sum(spell.minutes for spell in self.free)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One milestone as proposed: a task of the queue, or with `new` one that is written for a part of it."""

    label: str
    name: str
    minutes: int
    #: Labels that it will wait for.
    depends_on: tuple[str, ...] = ()
    #: Its estimate is a guess, since nobody gave one.
    guessed: bool = False
    new: bool = False
    #: The owner's task of which it is a part.
    part_of: str | None = None
    description: str = ""
    criteria: tuple[str, ...] = ()
    #: What the requirements gate finds missing, in words.
    missing: tuple[str, ...] = ()
    #: What the risk gate finds, in words.
    risks: tuple[str, ...] = ()
    #: What an approval of the owner's task (`part_of`, or itself) would be bound to, as it was when this was proposed.
    fingerprint: str | None = None

    @property
    def ready(self) -> bool:
        """Whether the owner's choice is all that it needs."""
        return not self.missing and not self.risks


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A task of the project that is not in it, and why."""

    label: str
    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One project for the weekend; `id` changes with everything that it would write."""

    id: str
    title: str
    #: `task`, `linked`, `category` or `backlog`: what its milestones have in common.
    kind: str
    steps: tuple[Step, ...]
    evidence: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def minutes(self) -> int:
        """How long its milestones take by their estimates."""
        return sum(step.minutes for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many builds of a category ended, how many of them were finished, and of those with an estimate its minutes and the real ones."""

    ended: int = 0
    finished: int = 0
    estimated: int = 0
    took: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What history shows: minutes of finished builds by weekend (its first day) of the last eight, and the rates by category."""

    weekends: dict[str, int]
    rates: dict[str, Rate]

    def rate(self, category: str | None) -> Rate:
        """Return the rate of a category, however it is capitalised."""
        return self.rates.get(category_key(category), Rate())


def category_key(category: str | None) -> str:
    """Return a category as rates are kept by it; empty for none."""
    return " ".join((category or "").split()).casefold()


def weekend_window(windows: Sequence[DayWindow]) -> DayWindow:
    """Return the window called `weekend`, the packaged one where the configuration has none."""
    found = window_named(WINDOW, windows) or window_named(WINDOW, WINDOWS)
    assert found is not None, "the packaged windows have one of that name"
    return found


def free_time(now: datetime, window: DayWindow, word: Word | None, busy: Sequence[Busy], timetable: Sequence[Rule]) -> FreeTime:
    """Return what is free from `now` on of the weekend that is now or comes next.

    That is what lies in the window and in which the owner is on his weekend or available, or in which his timetable says nothing;
    what he sleeps, and what his calendar or his word take, is not. In real time, so right where clocks change.
    """
    first, pieces = next(group for group in _weekends(now, window.span) if not reached(group[1][-1].end, now))
    parts = [part for piece in pieces for part in _parts(piece, now, word, busy, timetable)]
    return FreeTime(
        id=first.isoformat(),
        starts=pieces[0].start,
        ends=pieces[-1].end,
        free=_joined(Spell(start=p.start, end=p.end) for p in parts if _is_free(p)),
        taken=tuple(
            Spell(start=p.start, end=p.end, why=p.why) for p in parts if not _is_free(p) and p.source in {Source.WORD, Source.CALENDAR}
        ),
    )


def weekend_of(moment: datetime, span: Span) -> str | None:
    """Return the date of the first day of the weekend in which a moment lies, or None."""
    for first, pieces in _weekends(moment, span):
        if any(reached(piece.start, moment) and not reached(piece.end, moment) for piece in pieces):
            return first.isoformat()
    return None


def _weekends(now: datetime, span: Span) -> Iterator[tuple[date, tuple[Spell, ...]]]:
    """Yield the weekends around a moment: the first day, and when the window is open."""
    zone = now.tzinfo
    assert zone is not None, "a moment is always aware"
    days = span.days if len(span.days) < 7 else _DAYS
    group: list[date] = []
    for ahead in range(-9, 17):
        day = now.date() + ahead * _DAY
        if day.weekday() in days:
            group.append(day)
        elif group:
            opened = ((at_clock(d, span.start, zone), at_clock(d if span.start < span.end else d + _DAY, span.end, zone)) for d in group)
            yield group[0], _joined(Spell(start=start, end=end) for start, end in opened)
            group = []


def _parts(piece: Spell, now: datetime, word: Word | None, busy: Sequence[Busy], timetable: Sequence[Rule]) -> tuple[Stretch, ...]:
    start = now.astimezone(piece.start.tzinfo) if reached(piece.start, now) else piece.start
    return () if reached(piece.end, start) else stretches(start, piece.end, word_as_of(word, now), busy, timetable)


def _is_free(part: Stretch) -> bool:
    return part.context in _FREE or part.source is Source.DEFAULT


def _joined(spells: Iterator[Spell]) -> tuple[Spell, ...]:
    """Return spells, given in their order, with those that touch as one."""
    found: list[Spell] = []
    for spell in spells:
        if found and reached(spell.start, found[-1].end):
            found[-1] = Spell(start=found[-1].start, end=spell.end)
        else:
            found.append(spell)
    return tuple(found)
