"""The owner's choice of a project: its milestones become tasks of the queue, in one edit and one commit."""

from __future__ import annotations

from datetime import datetime

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, Ledger
from autobuilds.domain.day import Day, Milestone, Weekend
from autobuilds.domain.model import Criterion, Priority, Queue, Task
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.times import format_minutes
from autobuilds.domain.verdicts import Verdict
from autobuilds.domain.week import window_named
from autobuilds.domain.weekend import WINDOW, FreeTime, Proposal, Step
from autobuilds.errors import NotSo
from autobuilds.planning.judging import clarity_of, risk_of
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.diary import remember
from autobuilds.runtime.record import Recorder, recording
from autobuilds.runtime.weekend import chosen_for, free_hours
from autobuilds.runtime.weekend_view import is_over
from autobuilds.store.queue.edit import apply
from autobuilds.store.queue.operations import Add, Approve, NewTask, Operation, SetField
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.workspace import Loaded

#: What stands in the field Source of a milestone, before the weekend's date.
SOURCE = "weekend plan"
#: Why a milestone is not approved that reads otherwise than what was proposed.
_OTHER = "its text is not the one that was proposed"
#: Projects that are remembered.
_KEPT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What became of a choice: the labels that were approved, those that still need the owner and why, and what is to be told."""

    weekend: Weekend
    changed: bool
    approved: tuple[str, ...]
    asks: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    trouble: str = ""


def start(context: Context, proposal: Proposal, by: str, *, approve: bool = True) -> Started:
    """Write the milestones of a project into the queue and approve those that are clear and harmless; the ledger remembers the choice.

    A second time it changes nothing, or finishes what a crash left. Raises NotSo where a task has changed since it was proposed, or
    another project of this weekend is not over.
    """
    with recording(context, f"weekend {proposal.id}") as (recorder, ledger):
        loaded = context.load()
        free, _ = free_hours(context, loaded)
        day = ledger.day or Day()
        known = chosen_for(day, free.id)
        if known is not None and known.proposal != proposal.id and not is_over(known, loaded.snapshot):
            raise NotSo(
                f'"{known.title}" is chosen for this weekend and not over (autobuilds weekend progress); cancel its milestones first'
            )
        again = known is not None and known.proposal == proposal.id
        if not again:
            _unchanged(proposal, loaded.snapshot, _source(free))
        operations = _operations(proposal, free, loaded, recorder.now)
        after = _rehearsed(context, recorder, operations)
        tasks = _milestones(after, proposal)
        other = _unseen(after, proposal)
        seen = {label: task for label, task in tasks.items() if label not in other}
        given = _approvals(seen, proposal, loaded, ledger, by, recorder.now) if approve else []
        asks = _asks(tasks, loaded, {a.label for a in given}, other, approve=approve)
        weekend = known if again and known is not None else _weekend(proposal, free, recorder.now)
        operations += [Approve(label=a.label) for a in given if not tasks[a.label].approved]
        changed = bool(operations or given or not again)
        if changed:
            for approval in given:
                context.proofs.give(approval)
            if not again:
                # Before the announcement, so that it is a part of it: a crash tells all or nothing.
                facts = [
                    f"{len(proposal.steps)} milestones, {format_minutes(proposal.minutes)}",
                    f"approved: {', '.join(a.label for a in given) or 'none'}",
                ]
                remember(context, recorder, recorder.now, f"Weekend project chosen: {proposal.title}", facts)
            _record(recorder, ledger, day, weekend, operations, given)
    left = free.minutes - proposal.minutes
    notes = (
        ()
        if left >= 0
        else (f"{format_minutes(proposal.minutes)} are planned, but only {format_minutes(free.minutes)} are left of the weekend",)
    )
    return Started(
        weekend=weekend, changed=changed, approved=tuple(a.label for a in given), asks=asks, notes=notes, trouble=recorder.trouble
    )


def _record(recorder: Recorder, ledger: Ledger, day: Day, weekend: Weekend, operations: list[Operation], given: list[Approval]) -> None:
    others = tuple(w for w in day.weekends if w != weekend)
    after = replace(day, weekends=(*others, weekend)[-_KEPT:])
    recorder.note("weekend", "", f"weekend project chosen: {weekend.title}", day=after, approvals=given)
    if operations:
        recorder.edit(*operations)
    for approval in given:
        ledger = ledger.with_approval(approval)
    recorder.put(replace(ledger, day=after))


def _weekend(proposal: Proposal, free: FreeTime, now: datetime) -> Weekend:
    milestones = tuple(Milestone(label=s.label, minutes=s.minutes) for s in proposal.steps)
    return Weekend(
        id=free.id, proposal=proposal.id, title=proposal.title, chosen=now, starts=free.starts, ends=free.ends, milestones=milestones
    )


def _source(free: FreeTime) -> str:
    return f"{SOURCE} {free.id}"


def _unchanged(proposal: Proposal, snapshot: Snapshot, source: str) -> None:
    """Raise NotSo where a task is not what it was when the project was proposed; milestones that a crash left are no matter."""
    for step in proposal.steps:
        task = snapshot.queue.find(step.label)
        if step.new:
            if task is not None and task.source != source:
                raise NotSo(f"there is a task {step.label} in the queue already; autobuilds weekend suggest proposes anew")
            continue
        if task is None or not task.is_active or fingerprint(task) != step.fingerprint:
            raise NotSo(f"{step.label} has changed since this was proposed; autobuilds weekend suggest proposes anew")
    for step in proposal.steps:
        whole = snapshot.queue.find(step.part_of) if step.part_of else None
        if step.part_of and (whole is None or not whole.is_active):
            raise NotSo(f"{step.part_of} is no open task any more; autobuilds weekend suggest proposes anew")
        if whole is not None and fingerprint(whole) != step.fingerprint:
            raise NotSo(f"{step.part_of} has changed since this was proposed; autobuilds weekend suggest proposes anew")


def _operations(proposal: Proposal, free: FreeTime, loaded: Loaded, now: datetime) -> list[Operation]:
    """Return what makes the milestones tasks; nothing for those that are so already."""
    found: list[Operation] = []
    windowed = window_named(WINDOW, loaded.settings.windows) is not None
    queue = loaded.snapshot.queue
    for step in proposal.steps:
        task = queue.find(step.label)
        whole = queue.find(step.part_of) if step.part_of else None
        if step.new and task is None and whole is not None:
            found.append(Add(task=_new(step, whole, free, now, windowed=windowed)))
        elif not step.new and task is not None and task.is_active:
            found += _settings(task, step, free, windowed=windowed)
    own = {step.label for step in proposal.steps}
    for label in dict.fromkeys(step.part_of for step in proposal.steps if step.part_of):
        whole = queue.find(label)
        if label not in own and whole is not None and whole.is_active:
            parts = [step for step in proposal.steps if step.part_of == label]
            found += _rest(whole, parts)
    return found


def _new(step: Step, whole: Task, free: FreeTime, now: datetime, *, windowed: bool) -> NewTask:
    return NewTask(
        name=step.name,
        label=step.label,
        priority=whole.priority,
        added=now,
        description=" ".join(step.description.split()),
        criteria=step.criteria,
        tech_stack=whole.tech_stack,
        estimate=format_minutes(step.minutes),
        category=whole.category,
        depends_on=step.depends_on,
        touches=whole.touches,
        window=WINDOW if windowed else None,
        not_before=None if windowed else free.starts,
        repository=whole.repository,
        base=whole.base,
        agent=whole.agent,
        role=whole.role,
        source=_source(free),
        notes=whole.notes,
    )


def _settings(task: Task, step: Step, free: FreeTime, *, windowed: bool) -> list[Operation]:
    """Return what an owner's task lacks to be a milestone: its window, what it waits for, the part of its estimate that is left."""
    found: list[Operation] = []
    if windowed and task.window is None:
        found.append(SetField(label=task.label, field="Window", value=WINDOW))
    if not windowed and task.not_before is None:
        found.append(SetField(label=task.label, field="Not Before", value=f"{free.starts:%Y-%m-%d %H:%M}"))
    if set(step.depends_on) - set(task.depends_on):
        found.append(SetField(label=task.label, field="Depends On", value=tuple(dict.fromkeys((*task.depends_on, *step.depends_on)))))
    if task.estimate is not None and task.estimate.max_minutes != step.minutes:
        found.append(SetField(label=task.label, field="Estimated Time", value=format_minutes(step.minutes)))
    return found


def _rest(whole: Task, parts: list[Step]) -> list[Operation]:
    """Return what makes a task of which only parts fit wait for them."""
    last = parts[-1].label
    if last in whole.depends_on:
        return []
    found: list[Operation] = [SetField(label=whole.label, field="Depends On", value=(*whole.depends_on, last))]
    if whole.estimate is not None:
        rest = max(5, whole.estimate.max_minutes - sum(step.minutes for step in parts))
        found.append(SetField(label=whole.label, field="Estimated Time", value=format_minutes(rest)))
    return found


def _rehearsed(context: Context, recorder: Recorder, operations: list[Operation]) -> Queue:
    """Return the queue as it will be read: what an approval of the milestones is bound to."""
    zone = recorder.zone
    return apply(context.queue_file(zone).read(), operations, lambda data: read_queue(data, zone=zone), zone).queue


def _milestones(queue: Queue, proposal: Proposal) -> dict[str, Task]:
    found = ((step.label, queue.find(step.label)) for step in proposal.steps)
    return {label: task for label, task in found if task is not None and task.is_active}


def _unseen(queue: Queue, proposal: Proposal) -> set[str]:
    """Return the milestones whose text is not the one that the owner was shown: it was changed, or written by somebody else."""
    found = set[str]()
    for step in proposal.steps:
        task, whole = queue.find(step.label), queue.find(step.part_of or step.label)
        same = task is not None and whole is not None and fingerprint(whole) == step.fingerprint
        if not same or (step.new and task is not None and whole is not None and fingerprint(task) != _bound(step, whole)):
            found.add(step.label)
    return found


def _bound(step: Step, whole: Task) -> str:
    """Return what an approval of a new milestone is bound to, as it is written of a step."""
    criteria = tuple(Criterion(text=text, checked=False) for text in step.criteria)
    return fingerprint(replace(whole, name=step.name, description=step.description, criteria=criteria, steps=None, deliverables=()))


def _approvals(tasks: dict[str, Task], proposal: Proposal, loaded: Loaded, ledger: Ledger, by: str, now: datetime) -> list[Approval]:
    """Return the approvals that the owner's choice gives: for what would ask, and is clear and harmless."""
    found = []
    new = {step.label for step in proposal.steps if step.new}
    for label, task in tasks.items():
        known = ledger.approval(label)
        if known is not None and known.fingerprint == fingerprint(task) and task.approved:
            continue
        if _open(task, loaded) or not (label in new or _would_ask(task, loaded)):
            continue
        found.append(Approval(label=label, fingerprint=fingerprint(task), by=by, at=now))
    return found


def _would_ask(task: Task, loaded: Loaded) -> bool:
    rule = loaded.snapshot.policy.category(task.category or "No category")
    answer = rule.answer(task.priority) if rule else "ask"
    return task.priority is Priority.LOW or not (answer == "auto" or (answer == "own" and task.owners_own))


def _open(task: Task, loaded: Loaded) -> str:
    """Return what of a task only the owner's own approval of it can settle, or nothing."""
    policy = loaded.snapshot.policy
    clarity, risk = clarity_of(task, policy), risk_of(task, policy)
    if risk.verdict is not Verdict.GO:
        return f"{', '.join(risk.kinds)}: {'; '.join(risk.matched[:2])}"
    return "" if clarity.verdict is Verdict.GO else "; ".join(clarity.why) or f"missing: {', '.join(clarity.missing)}"


def _asks(tasks: dict[str, Task], loaded: Loaded, given: set[str], other: set[str], *, approve: bool) -> tuple[tuple[str, str], ...]:
    found = []
    for label, task in tasks.items():
        why = _open(task, loaded) or (_OTHER if label in other else "")
        if not why and not approve and label not in given and (not task.owners_own or _would_ask(task, loaded)):
            why = "not approved"
        if why and not task.approved:
            found.append((label, why))
    return tuple(found)
