"""How long a build will take: what its kind took before where that is known well enough, else its estimate, else a guess. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum

from autobuilds.domain.build import Build, BuildState, Outcome
from autobuilds.domain.model import Task
from autobuilds.domain.times import elapsed, format_minutes
from autobuilds.records import dataclass, field

#: How many finished builds of a kind it takes until its length counts as learned.
ENOUGH = 10
#: So many of the newest are looked at.
NEWEST = 50
#: How long a build without an estimate is taken to last.
UNKNOWN_LENGTH = timedelta(hours=1)
_SHORTEST = timedelta(minutes=1)


class Basis(StrEnum):
    """Where an expected length comes from."""

    #: What finished builds of its kind took.
    LEARNED = "learned"
    #: The task's own estimate, its upper end.
    ESTIMATE = "estimate"
    #: There is neither.
    GUESS = "guess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long a build is expected to take of its slot; `words` says why that long."""

    span: timedelta
    basis: Basis
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What builds are compared by: the category of the task, and who builds it."""

    category: str
    agent: str

    def __str__(self) -> str:
        """Return `bug fixes with claude`."""
        return f"{self.category or 'no category'} with {self.agent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What finished builds of a kind took: the median in all, and as a share of their estimates where enough had one."""

    median: timedelta | None = None
    builds: int = 0
    share: float | None = None
    estimated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """What was learned from history, by kind."""

    kinds: dict[Kind, Learned] = field(default_factory=dict)

    def of(self, task: Task | None, agent: str) -> Length:
        """Return how long a build of a task by an agent is expected to take, at least a minute."""
        estimate = task.estimate if task is not None else None
        kind = kind_of(task.category if task is not None else None, agent)
        known = self.kinds.get(kind, Learned())
        if estimate is not None:
            stated = timedelta(minutes=estimate.max_minutes)
            if known.share is None:
                return Length(span=stated, basis=Basis.ESTIMATE, words="its estimate")
            words = f"{known.share:.2g} of its estimate, as {known.estimated} builds of {kind}"
            return Length(span=_whole(stated * known.share), basis=Basis.LEARNED, words=words)
        if known.median is not None:
            return Length(span=_whole(known.median), basis=Basis.LEARNED, words=f"the median of {known.builds} builds of {kind}")
        words = f"it has no estimate: taken as {format_minutes(int(UNKNOWN_LENGTH.total_seconds() // 60))}"
        return Length(span=UNKNOWN_LENGTH, basis=Basis.GUESS, words=words)


def kind_of(category: str | None, agent: str) -> Kind:
    """Return the kind of a build; how its category is capitalised makes no difference."""
    return Kind(category=" ".join((category or "").split()).casefold(), agent=agent)


def learn(builds: Iterable[Build], tasks: Iterable[Task]) -> Lengths:
    """Return what finished builds took, those of the ledger and of the archives; `tasks` tell their estimates, by label.

    A build counts with the running time of all its attempts, so that what fails at first costs what it costs; one whose work did not
    pass its checks, or that the owner finished by hand, teaches nothing.
    """
    stated = {task.label: task.estimate.max_minutes for task in tasks if task.estimate is not None}
    kinds: dict[Kind, list[Build]] = {}
    for build in sorted((b for b in builds if taught(b)), key=lambda b: b.updated.timestamp()):
        assert build.last is not None, "a build that passed has an attempt"
        kinds.setdefault(kind_of(build.category, build.last.agent), []).append(build)
    return Lengths(kinds={kind: _learned(found[-NEWEST:], stated) for kind, found in kinds.items() if len(found) >= ENOUGH})


def taught(build: Build) -> bool:
    """Whether a build was finished by its own work."""
    return build.state in {BuildState.REVIEW, BuildState.COMPLETED} and build.last is not None and build.last.outcome is Outcome.PASSED


def running_time(build: Build) -> timedelta:
    """Return how long the attempts of a build that have ended ran, all together; one that never began took nothing."""
    ended = [(a.started, a.ended) for a in build.attempts if a.ended is not None and a.outcome is not Outcome.NOT_STARTED]
    return sum((max(elapsed(start, end), timedelta()) for start, end in ended), timedelta())


def _learned(builds: Sequence[Build], stated: dict[str, int]) -> Learned:
    shares = [running_time(b) / timedelta(minutes=stated[b.label]) for b in builds if b.label in stated]
    known = len(shares) >= ENOUGH
    return Learned(
        median=median([running_time(b) for b in builds]),
        builds=len(builds),
        share=_middle(shares) if known else None,
        estimated=len(shares) if known else 0,
    )


def median(spans: Sequence[timedelta]) -> timedelta:
    """Return the middle of some spans; there is at least one."""
    return timedelta(seconds=_middle([span.total_seconds() for span in spans]))


def _middle(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _whole(span: timedelta) -> timedelta:
    """Return a span in whole minutes, one at least."""
    return max(timedelta(minutes=round(span / timedelta(minutes=1))), _SHORTEST)
