"""Files as they would stand after something happened: a build begun or finished, the owner's word given. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from autobuilds.domain.build import Attempt, Build, BuildState, DeliverMode, Outcome
from autobuilds.domain.model import Section, Task
from autobuilds.domain.moment import Snapshot
from autobuilds.records import replace


def begun(snapshot: Snapshot, task: Task, agent: str, now: datetime) -> Snapshot:
    """Return the files after the start of a build."""
    attempt = Attempt(number=1, id=task.label, agent=agent, started=now)
    build = Build(
        label=task.label,
        name=task.name,
        state=BuildState.BUILDING,
        created=now,
        updated=now,
        attempts=(attempt,),
        category=task.category,
        deliver=snapshot.policy.delivery(task.category, snapshot.settings.deliver),
    )
    return replace(snapshot, ledger=replace(snapshot.ledger, builds=(*snapshot.ledger.builds, build)))


def finished(snapshot: Snapshot, labels: Collection[str], now: datetime, *, reviewed: bool = False) -> Snapshot:
    """Return the files after these builds passed: delivered, or waiting for the owner's review unless `reviewed` at once."""
    if not labels:
        return snapshot
    builds = tuple(_passed(b, now, reviewed) if b.label in labels and b.is_active else b for b in snapshot.ledger.builds)
    tasks = tuple(
        replace(t, section=Section.COMPLETED, checked=True, completed=now) if t.label in labels and t.is_active else t
        for t in snapshot.queue.tasks
    )
    return replace(snapshot, ledger=replace(snapshot.ledger, builds=builds), queue=replace(snapshot.queue, tasks=tasks))


def _passed(build: Build, now: datetime, reviewed: bool) -> Build:
    last = build.last
    attempts = build.attempts if last is None else (*build.attempts[:-1], replace(last, ended=now, outcome=Outcome.PASSED))
    delivered = reviewed or build.deliver is DeliverMode.MERGE
    return replace(build, state=BuildState.COMPLETED if delivered else BuildState.REVIEW, updated=now, attempts=attempts)
