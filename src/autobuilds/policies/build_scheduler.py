"""What `build_scheduler.py` says: which tasks are meant for which window, and what became of the builds so far. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from autobuilds.domain.build import TAKEN_BACK, Build, BuildState, Outcome
from autobuilds.domain.lengths import median, running_time, taught
from autobuilds.domain.manner import Opening
from autobuilds.domain.model import Task
from autobuilds.domain.times import elapsed
from autobuilds.domain.week import window_named
from autobuilds.domain.windows import DayWindow
from autobuilds.records import dataclass

#: So many weeks of throughput are told, the newest last.
WEEKS = 8
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """A window, whether it is open and until when that lasts (None: for weeks), and the labels of the tasks meant for it.

    A row without a name holds what no window is meant for.
    """

    name: str | None
    is_open: bool
    until: datetime | None = None
    least: int = 0
    most: int = 0
    tasks: tuple[str, ...] = ()


def by_window(tasks: Iterable[Task], windows: Sequence[Opening], length: Callable[[Task], timedelta]) -> tuple[WindowRow, ...]:
    """Return the windows with the tasks that are meant for each: those that name it, and others by their expected length.

    A length that two windows are meant for belongs to the one that takes the shorter builds; the row without a name has what fits none.
    """
    meant: dict[str | None, list[str]] = {}
    named = [found.window for found in windows]
    for task in tasks:
        meant.setdefault(_meant(task, named, length(task) / timedelta(minutes=1)), []).append(task.label)
    rows = [
        WindowRow(
            name=found.window.name,
            is_open=found.open,
            until=found.until,
            least=found.window.least,
            most=found.window.most,
            tasks=tuple(meant.get(found.window.name, ())),
        )
        for found in windows
    ]
    if None in meant:
        rows.append(WindowRow(name=None, is_open=False, tasks=tuple(meant[None])))
    return tuple(rows)


def _meant(task: Task, windows: Sequence[DayWindow], minutes: float) -> str | None:
    named = window_named(task.window, windows) if task.window is not None else None
    if named is not None:
        return named.name
    fits = [w for w in windows if w.least <= minutes <= w.most]
    return min(fits, key=lambda w: w.most).name if fits else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long something took, in minutes, of so many; None where there is none."""

    number: int = 0
    median: int | None = None
    mean: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The builds of a category or of an agent; `settled` are those that passed or were handed over, of which `passed` passed."""

    name: str
    builds: int
    settled: int
    passed: int
    first_try: int
    length: Spread
    hours: float

    @property
    def percent(self) -> int | None:
        """How many of a hundred passed; None where none is settled."""
        return round(100 * self.passed / self.settled) if self.settled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What was finished in a week from Monday, local time; attempts and hours count by when they ended."""

    monday: date
    finished: int
    attempts: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What became of all builds; `states` and `outcomes` are counts by word, in the order of the words."""

    since: datetime | None
    total: Group
    states: tuple[tuple[str, int], ...]
    outcomes: tuple[tuple[str, int], ...]
    #: From the time a task was added to its first start, and from its end to the owner's review.
    wait_for_start: Spread
    wait_for_review: Spread
    categories: tuple[Group, ...]
    agents: tuple[Group, ...]
    weeks: tuple[Week, ...]


def stats(builds: Iterable[Build], tasks: Iterable[Task], now: datetime, *, days: int | None = None) -> Stats:
    """Return what became of the builds of the ledger and of the archives, with `days` of those that were touched in so many days.

    `tasks` tell when what was built had been added to the queue, as far as it still stands there.
    """
    since = None if days is None else now.astimezone(UTC) - timedelta(days=days)
    chosen = [b for b in builds if since is None or b.updated.astimezone(UTC) >= since]
    attempts = [a for b in chosen for a in b.attempts if a.outcome is not None and a.outcome is not Outcome.NOT_STARTED]
    added = {t.label: t.added for t in tasks if t.added is not None}
    waited = [elapsed(at, b.created) for b in chosen if (at := added.get(b.label)) is not None]
    reviewed = [
        elapsed(b.last.ended, b.reviewed) for b in chosen if b.reviewed is not None and b.last is not None and b.last.ended is not None
    ]
    return Stats(
        since=None if since is None else since.astimezone(now.tzinfo),
        total=_group("all", chosen),
        states=_counted((b.state.value for b in chosen), [s.value for s in BuildState]),
        outcomes=_counted((a.outcome.value for a in attempts if a.outcome is not None), [o.value for o in Outcome]),
        wait_for_start=_spread([span for span in waited if span >= timedelta()]),
        wait_for_review=_spread([span for span in reviewed if span >= timedelta()]),
        categories=_groups(chosen, lambda b: b.category or "no category"),
        agents=_groups(chosen, lambda b: b.last.agent if b.last is not None else "none"),
        weeks=_weeks(chosen, now),
    )


def _counted(words: Iterable[str], order: Sequence[str]) -> tuple[tuple[str, int], ...]:
    found = list(words)
    return tuple((word, found.count(word)) for word in order if word in found)


def _groups(builds: Sequence[Build], name: Callable[[Build], str]) -> tuple[Group, ...]:
    """Return the groups, the largest first."""
    found: dict[str, list[Build]] = {}
    for build in builds:
        found.setdefault(name(build), []).append(build)
    return tuple(sorted((_group(word, some) for word, some in found.items()), key=lambda g: (-g.builds, g.name)))


def _group(name: str, builds: Sequence[Build]) -> Group:
    """Return the figures of some builds; one that the owner finished, cancelled or took back with a night counts for neither success nor failure."""
    passed = [b for b in builds if taught(b)]
    settled = sum(b.state is BuildState.ESCALATED and not (b.reason or "").startswith(TAKEN_BACK) for b in builds) + len(passed)
    return Group(
        name=name,
        builds=len(builds),
        settled=settled,
        passed=len(passed),
        first_try=sum(len([a for a in b.attempts if a.outcome is not Outcome.NOT_STARTED]) == 1 for b in passed),
        length=_spread([running_time(b) for b in passed]),
        hours=round(sum((running_time(b) for b in builds), timedelta()) / _HOUR, 1),
    )


def _spread(spans: Sequence[timedelta]) -> Spread:
    if not spans:
        return Spread()
    mean = sum(spans, timedelta()) / len(spans)
    return Spread(number=len(spans), median=_minutes(median(spans)), mean=_minutes(mean), longest=_minutes(max(spans)))


def _minutes(span: timedelta) -> int:
    return round(span / timedelta(minutes=1))


def _weeks(builds: Sequence[Build], now: datetime) -> tuple[Week, ...]:
    this = _monday(now, now)
    mondays = [this - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    ended = [
        (_monday(a.ended, now), a.started, a.ended)
        for b in builds
        for a in b.attempts
        if a.ended is not None and a.outcome is not Outcome.NOT_STARTED
    ]
    finished = [_monday(b.last.ended, now) for b in builds if taught(b) and b.last is not None and b.last.ended is not None]
    rows = []
    for monday in mondays:
        spans = [max(elapsed(start, end), timedelta()) for at, start, end in ended if at == monday]
        rows.append(
            Week(monday=monday, finished=finished.count(monday), attempts=len(spans), hours=round(sum(spans, timedelta()) / _HOUR, 1))
        )
    begun = next((n for n, row in enumerate(rows) if row.attempts), len(rows))
    return tuple(rows[begun:])


def _monday(when: datetime, now: datetime) -> date:
    day = when.astimezone(now.tzinfo).date()
    return day - timedelta(days=day.weekday())
