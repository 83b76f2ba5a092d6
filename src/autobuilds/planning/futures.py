"""Files as they would stand after something happened: a build begun or finished, the owner's word given. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from autobuilds.domain.build import Attempt, Build, BuildState, DeliverMode, Outcome
from autobuilds.domain.model import Priority, Section, Task
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.planning.ready import WORDS, word_of
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


def granted(snapshot: Snapshot, moment: Moment, words: Iterable[tuple[str, str]]) -> tuple[Snapshot, Moment]:
    """Return files and moment after the owner's words: pairs of a label and a command of `planning.ready.words_for`."""
    given = set(words)
    said = {what: frozenset(label for label, command in given if command == word_of(label, what)) for what in WORDS}
    tasks = tuple(_granted(t, {what for what in WORDS if t.label in said[what]}) for t in snapshot.queue.tasks)
    approved = said["approve"]
    approvals = tuple(a for a in snapshot.ledger.approvals if a.label not in approved)
    later = replace(snapshot, queue=replace(snapshot.queue, tasks=tasks), ledger=replace(snapshot.ledger, approvals=approvals))
    return later, replace(moment, hand_approved=moment.hand_approved | approved, doubted=moment.doubted - approved)


def _granted(task: Task, said: Collection[str]) -> Task:
    if not task.is_active or not said:
        return task
    return replace(
        task,
        approved=task.approved or "approve" in said,
        priority=Priority.HIGH if "raise" in said else task.priority,
        window=None if "unbind" in said else task.window,
    )
