"""What `autonomous_queue.py progress` says: how far the queue as a whole has come. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from autobuilds.domain.build import Build, BuildState
from autobuilds.domain.lengths import Basis, Length
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A build that runs, and how far it says it is."""

    label: str
    name: str
    percent: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The tasks of a category: how many are done, how many are not, and how many hours those are expected to take."""

    name: str
    done: int
    left: int
    hours_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueProgress:
    """How far the queue has come; `percent` is of its tasks, None where it has none."""

    tasks: int
    done: int
    percent: int | None
    running: tuple[Running, ...]
    #: Finished, but waiting for the owner's review; they count as done.
    review: int
    #: Could start, will start by themselves, and need the owner first.
    ready: int
    waiting: int
    asking: int
    hours_left: float
    #: How many of the tasks that are left have no known length, and count as an hour.
    unsized: int
    categories: tuple[Share, ...]


def progress(
    snapshot: Snapshot, assessments: Sequence[Assessment], percents: Mapping[str, int | None], length: Callable[[Task], Length]
) -> QueueProgress:
    """Return how far the queue has come; `percents` are those of running builds by label, `length` what a task is expected to take."""
    queue = snapshot.queue
    verdicts = [a.verdict for a in assessments]
    lengths = {t.label: length(t) for t in queue.active}
    left = sum((found.span for found in lengths.values()), timedelta())
    done, total = len(queue.completed), len(queue.tasks)
    return QueueProgress(
        tasks=total,
        done=done,
        percent=round(100 * done / total) if total else None,
        running=tuple(_running(b, percents) for b in snapshot.ledger.active),
        review=sum(b.state is BuildState.REVIEW for b in snapshot.ledger.builds),
        ready=verdicts.count(Verdict.GO),
        waiting=verdicts.count(Verdict.WAIT),
        asking=verdicts.count(Verdict.ASK),
        hours_left=_hours(left),
        unsized=sum(found.basis is Basis.GUESS for found in lengths.values()),
        categories=_categories(queue.tasks, lengths),
    )


def _running(build: Build, percents: Mapping[str, int | None]) -> Running:
    return Running(label=build.label, name=build.name, percent=percents.get(build.label))


def _categories(tasks: Sequence[Task], lengths: Mapping[str, Length]) -> tuple[Share, ...]:
    """Return the categories, those with most left first."""
    found: dict[str, list[Task]] = {}
    for task in tasks:
        found.setdefault(task.category or "no category", []).append(task)
    shares = [
        Share(
            name=name,
            done=sum(not t.is_active for t in some),
            left=sum(t.is_active for t in some),
            hours_left=_hours(sum((lengths[t.label].span for t in some if t.is_active), timedelta())),
        )
        for name, some in found.items()
    ]
    return tuple(sorted(shares, key=lambda s: (-s.left, s.name)))


def _hours(span: timedelta) -> float:
    return round(span / timedelta(hours=1), 1)
