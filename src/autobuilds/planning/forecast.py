"""The forecast: what would start when in the coming hours, by the same gates that decide (`autobuilds plan`)."""

from __future__ import annotations

from datetime import datetime, timedelta

from autobuilds.domain.build import Attempt, Build, BuildState, Outcome
from autobuilds.domain.model import Section, Task
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.retry import later
from autobuilds.domain.times import reached
from autobuilds.domain.verdicts import Assessment
from autobuilds.planning.decision import Start, assess_all
from autobuilds.records import dataclass, replace

#: How long a build without an estimate is taken to last.
UNKNOWN_LENGTH = timedelta(hours=1)
#: Steps of the simulation before it gives up; every step starts or ends a build, or opens a gate.
MAX_STEPS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One build of the forecast; `running` for one that has begun already, `guessed` when it has no estimate."""

    label: str
    name: str
    start: datetime
    end: datetime
    running: bool = False
    guessed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The builds of the coming hours in the order of their start, and what is not reached with its verdicts at the end."""

    start: datetime
    end: datetime
    slots: tuple[Slot, ...]
    not_reached: tuple[Assessment, ...]


def forecast(snapshot: Snapshot, moment: Moment, hours: int = 12) -> Forecast:
    """Return what would run in the coming hours if every build passes and takes as long as estimated."""
    horizon = later(moment.now, timedelta(hours=hours))
    running = {b.label: _running(b, snapshot, moment.now) for b in snapshot.ledger.active}
    slots = list(running.values())
    ends = {s.label: s.end for s in slots}
    now = moment.now
    for _ in range(MAX_STEPS):
        snapshot = _finished(snapshot, [label for label, end in ends.items() if reached(end, now)], now)
        ends = {label: end for label, end in ends.items() if not reached(end, now)}
        at = replace(moment, now=now, runs={})
        assessments, starts = assess_all(snapshot, at)
        for start in starts:
            slot = _slot(start, snapshot, now)
            slots.append(slot)
            ends[slot.label] = slot.end
            snapshot = _begun(snapshot, slot, now)
        following = [t for t in (*ends.values(), *_openings(assessments, now)) if not reached(t, now)]
        if not following or reached(horizon, min(following, key=_real)):
            break
        now = min(following, key=_real)
    started = {s.label for s in slots}
    held = tuple(a for a in assessments if a.label not in started)
    return Forecast(start=moment.now, end=horizon, slots=tuple(sorted(slots, key=lambda s: s.start)), not_reached=held)


def _openings(assessments: tuple[Assessment, ...], now: datetime) -> list[datetime]:
    return [g.until for a in assessments for g in a.sketch.gates if g.until is not None and not reached(g.until, now)]


def _real(moment: datetime) -> float:
    """Return what moments are ordered by: Python orders those of one zone by the clock on the wall."""
    return moment.timestamp()


def _length(task: Task | None) -> tuple[timedelta, bool]:
    if task is None or task.estimate is None:
        return UNKNOWN_LENGTH, True
    return timedelta(minutes=task.estimate.max_minutes), False


def _running(build: Build, snapshot: Snapshot, now: datetime) -> Slot:
    length, guessed = _length(snapshot.queue.find(build.label))
    started = build.last.started if build.last else build.created
    end = max(later(started, length), later(now, timedelta(minutes=1)))
    return Slot(label=build.label, name=build.name, start=started, end=end, running=True, guessed=guessed)


def _slot(start: Start, snapshot: Snapshot, now: datetime) -> Slot:
    task = snapshot.queue.find(start.label)
    length, guessed = _length(task)
    return Slot(label=start.label, name=task.name if task else start.label, start=now, end=later(now, length), guessed=guessed)


def _begun(snapshot: Snapshot, slot: Slot, now: datetime) -> Snapshot:
    attempt = Attempt(number=1, id=slot.label, agent="", started=now)
    build = Build(label=slot.label, name=slot.name, state=BuildState.BUILDING, created=now, updated=now, attempts=(attempt,))
    return replace(snapshot, ledger=replace(snapshot.ledger, builds=(*snapshot.ledger.builds, build)))


def _finished(snapshot: Snapshot, labels: list[str], now: datetime) -> Snapshot:
    """Return the snapshot with these builds completed and their tasks under Completed."""
    if not labels:
        return snapshot
    builds = tuple(_passed(b, now) if b.label in labels and b.is_active else b for b in snapshot.ledger.builds)
    tasks = tuple(
        replace(t, section=Section.COMPLETED, checked=True, completed=now) if t.label in labels and t.is_active else t
        for t in snapshot.queue.tasks
    )
    return replace(snapshot, ledger=replace(snapshot.ledger, builds=builds), queue=replace(snapshot.queue, tasks=tasks))


def _passed(build: Build, now: datetime) -> Build:
    last = build.last
    attempts = build.attempts if last is None else (*build.attempts[:-1], replace(last, ended=now, outcome=Outcome.PASSED))
    return replace(build, state=BuildState.COMPLETED, updated=now, attempts=attempts)
