"""The decision of one heartbeat: plan(snapshot, moment) -> actions, a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from autobuilds.domain import gates
from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, Attempt, Build, BuildState, DeliverMode, Outcome
from autobuilds.domain.gates.machine import choose_agent
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Ending, Moment, RunState, RunStatus, Snapshot
from autobuilds.domain.retry import Decision, decide
from autobuilds.domain.situation import Claim, Shared, Situation
from autobuilds.domain.stall import Stall, stall
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.planning.judging import clarity_of, risk_of, template_of
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do for one task; what it is says its class."""

    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FillAdded(Action):
    """Write the time at which the task was first seen into its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteByHand(Action):
    """Move an entry that the owner ticked to Completed (evidence: claimed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Action):
    """End a build that would be tried again, or waits for the owner: its entry was removed, or moved to Completed, by hand."""

    event: Event
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordApproval(Action):
    """Bind an approval typed by hand to the text as it stands."""

    approval: Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class DropApproval(Action):
    """Forget an approval whose line the owner removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Action):
    """Record the process of a started attempt."""

    attempt: Attempt
    status: RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(Action):
    """Record the ending of an attempt and do what follows from it."""

    attempt: Attempt
    ending: Ending
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose(Action):
    """Open a pull request for finished work that is delivered so, or try again where that was not possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Action):
    """Tell the owner, once, that an attempt shows no sign of life."""

    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAttempt(Action):
    """Stop a running attempt; its ending is settled afterwards."""

    attempt: Attempt
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Action):
    """Start an attempt of a task whose gates all say go."""

    agent: str
    assessment: Assessment
    #: By the owner's word, past priority and window, and with the agent that he asked for in place of the task's.
    at_once: bool = False
    asked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now, and what every gate says of every task that is not running."""

    actions: tuple[Action, ...]
    assessments: tuple[Assessment, ...]


def plan(snapshot: Snapshot, moment: Moment) -> Plan:
    """Return what follows from the files and the world: first what puts them in order, and only then starts.

    Level-triggered: applied and asked again, it ends with no action left.
    """
    upkeep = (*reconcile(snapshot, moment), *tidy(snapshot, moment))
    assessments, starts = assess_all(snapshot, moment)
    return Plan(actions=upkeep or (*proposals(snapshot), *starts), assessments=assessments)


def proposals(snapshot: Snapshot) -> Iterable[Propose]:
    """Yield what waits for review without the pull request that it is to be delivered by."""
    newest = {b.label: b for b in snapshot.ledger.builds}
    for build in newest.values():
        last = build.last
        if build.state is not BuildState.REVIEW or build.deliver is not DeliverMode.PR or last is None or last.pull_request is not None:
            continue
        if last.outcome is Outcome.PASSED and last.branch is not None and last.head_commit not in {None, last.base_commit}:
            yield Propose(label=build.label)


def reconcile(snapshot: Snapshot, moment: Moment) -> Iterable[Action]:
    """Yield what open attempts need: confirmation, settlement, an alert, a stop."""
    for build in snapshot.ledger.active:
        attempt = build.last
        if attempt is None or not attempt.is_open:
            continue
        status = moment.runs.get(attempt.id)
        if status is not None:
            yield from _of_attempt(build, attempt, status, snapshot, moment)


def _of_attempt(build: Build, attempt: Attempt, status: RunStatus, snapshot: Snapshot, moment: Moment) -> Iterable[Action]:
    label, settings, now = build.label, snapshot.settings, moment.now
    if status.state in {RunState.ENDED, RunState.LOST, RunState.NOT_STARTED}:
        ending = status.ending or _without_record(status.state, now)
        decision = decide(build, ending, settings, now)
        closed = _closed(label, snapshot)
        if closed is not None and decision.event is not Event.DONE:
            decision = Decision(event=closed.event, reason=f"{closed.reason} ({ending.reason})")
        yield Settle(label=label, attempt=attempt, ending=ending, decision=decision)
        return
    if status.state is not RunState.RUNNING:
        return
    if attempt.pid is None and status.pid is not None:
        yield Confirm(label=label, attempt=attempt, status=status)
    closed = _closed(label, snapshot)
    if closed is not None and closed.event is Event.COMPLETED:
        yield StopAttempt(label=label, attempt=attempt, outcome=Outcome.STOPPED, reason=closed.reason)
        return
    match stall(status.active_at, attempt.started, now, settings.stall_after):
        case Stall.STOP:
            reason = "no output, no progress and no CPU use for twice stall_after"
            yield StopAttempt(label=label, attempt=attempt, outcome=Outcome.STALLED, reason=reason)
        case Stall.ALERT if not build.stall_alerted:
            yield Alert(label=label, attempt=attempt)


def _closed(label: str, snapshot: Snapshot) -> Close | None:
    """Return what the owner did to a build by editing the queue: nothing while its entry stands in Active Queue."""
    task = snapshot.queue.find(label)
    if snapshot.queue.fatal or (task is not None and task.is_active):
        return None
    if task is None:
        return Close(label=label, event=Event.CANCELLED, reason="its entry was removed from the queue")
    return Close(label=label, event=Event.COMPLETED, reason="its entry was moved to Completed by hand")


def _without_record(state: RunState, now: datetime) -> Ending:
    if state is RunState.NOT_STARTED:
        return Ending(outcome=Outcome.NOT_STARTED, reason="it was recorded, but a crash came before its start", ended=now)
    return Ending(outcome=Outcome.LOST, reason="its supervisor is gone without a record (a reboot, or it was killed)", ended=now)


def tidy(snapshot: Snapshot, moment: Moment) -> Iterable[Action]:
    """Yield what the queue needs: missing times, ticked entries, approvals typed or removed by hand."""
    ledger = snapshot.ledger
    for task in snapshot.queue.active:
        if task.checked and not task.problems_hold:
            yield CompleteByHand(label=task.label)
            continue
        if task.added is None and not task.problems_hold:
            yield FillAdded(label=task.label)
        recorded = ledger.approval(task.label)
        if task.approved and recorded is None and task.label in moment.hand_approved:
            approval = Approval(label=task.label, fingerprint=fingerprint(task), by="owner", at=moment.now, how="hand")
            yield RecordApproval(label=task.label, approval=approval)
    newest = {b.label: b for b in ledger.builds}
    for build in newest.values():
        closed = _closed(build.label, snapshot) if build.state in {BuildState.RETRYING, BuildState.ESCALATED} else None
        if closed is not None:
            yield closed
    for approval in ledger.approvals:
        found = snapshot.queue.find(approval.label)
        if not snapshot.queue.fatal and (found is None or not found.is_active or not found.approved):
            yield DropApproval(label=approval.label)


def in_order(tasks: Iterable[Task]) -> list[Task]:
    """Return tasks in the order of starting: priority first, then their order in the file."""
    return sorted(tasks, key=lambda t: t.priority.rank)


def assess_all(snapshot: Snapshot, moment: Moment) -> tuple[tuple[Assessment, ...], tuple[Start, ...]]:
    """Return every active task's verdicts, in the order of starting, and the starts that fit into the free slots."""
    found = tuple(in_turn(snapshot, moment))
    return tuple(assessment for assessment, _ in found), tuple(start for _, start in found if start is not None)


def in_turn(
    snapshot: Snapshot, moment: Moment, passed_over: Callable[[Task], bool] = lambda _task: False
) -> Iterator[tuple[Assessment, Start | None]]:
    """Yield the verdicts of each active task in the order of starting, and its start where every gate says go.

    What starts claims its slot and its paths against those that come after it. `passed_over` is asked when a task's turn comes.
    """
    claims = [claim_of(b, snapshot) for b in snapshot.ledger.active]
    shared = Shared(snapshot, moment)
    for task in in_order(snapshot.queue.active):
        build = snapshot.ledger.find(task.label)
        if (build is not None and build.is_active) or passed_over(task):
            continue
        situation = situate(task, snapshot, moment, tuple(claims), shared=shared)
        assessment = gates.assess_in_turn(situation)
        if snapshot.may_start and assessment.sketch.verdict is Verdict.GO:
            agent = choose_agent(task, snapshot.settings, moment.agents)
            assert agent is not None, "the agent gate said go"
            yield assessment, Start(label=task.label, agent=agent.name, assessment=assessment)
            claims.append(claim_of_start(task))
        else:
            yield assessment, None


def situate(
    task: Task,
    snapshot: Snapshot,
    moment: Moment,
    claims: tuple[Claim, ...] | None = None,
    *,
    at_once: bool = False,
    shared: Shared | None = None,
    slots_taken: int | None = None,
) -> Situation:
    """Return the situation of one task; `claims` None means those of the running builds, `shared` is what tasks have in common.

    Every claim takes a slot, unless `slots_taken` says otherwise.
    """
    held = tuple(claim_of(b, snapshot) for b in snapshot.ledger.active) if claims is None else claims
    return Situation(
        task=task,
        snapshot=snapshot,
        moment=moment,
        risk=lambda: risk_of(task, snapshot.policy),
        clarity=lambda: clarity_of(task, snapshot.policy),
        template=lambda: template_of(task, snapshot.policy),
        claims=held,
        slots_taken=len(held) if slots_taken is None else slots_taken,
        at_once=at_once,
        common=shared,
    )


def claim_of_start(task: Task) -> Claim:
    """Return what a task holds against later ones when it is about to start."""
    return Claim(label=task.label, name=task.name, repository=task.repository or ".", touches=task.touches, running=False)


def claim_of(build: Build, snapshot: Snapshot) -> Claim:
    """Return what a running build holds."""
    task = snapshot.queue.find(build.label)
    repository = (task.repository if task else None) or "."
    return Claim(label=build.label, name=build.name, repository=repository, touches=task.touches if task else (), running=True)
