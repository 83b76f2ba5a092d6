"""Observing: the world outside the files, captured once for a decision."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Attempt
from autobuilds.domain.model import Task
from autobuilds.domain.moment import AgentStatus, Moment, RunState, RunStatus
from autobuilds.domain.sandbox import STRENGTH, Tier
from autobuilds.domain.times import after
from autobuilds.errors import AutobuildsError, BadInput
from autobuilds.ports import Repo
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.workspace import QUEUE, STOP, Loaded

if TYPE_CHECKING:
    from autobuilds.domain.settings import Settings
    from autobuilds.ports import CalendarAnswer

#: As whom an owner's edits are committed where Git knows no identity.
_NAMELESS = "autobuilds@localhost"
#: The time around now for which the calendar is asked: what began yesterday, and the week that plans look ahead.
CALENDAR_BEFORE, CALENDAR_AFTER = timedelta(days=1), timedelta(days=8)
#: In these tiers a build can't write the workspace, whatever it runs.
_CONTAINED = frozenset(t.value for t, strength in STRENGTH.items() if strength >= STRENGTH[Tier.BWRAP])


def observe(context: Context, loaded: Loaded, now: datetime | None = None, *, acting: bool = False, probing: bool = True) -> Moment:
    """Return the moment: the time, resources, what runners say of open attempts, agents, sandbox, STOP file, whose approvals count.

    Only with `acting` is an attempt whose supervisor is gone cleared up; otherwise nothing at all is changed. Without `probing` no
    sandbox is tried out, which takes several processes. With it the sandbox may be as it was found before: see `proved`.
    """
    snapshot = loaded.snapshot
    workspace = context.workspace
    attempts = [b.last.id for b in snapshot.ledger.active if b.last is not None and b.last.is_open]
    running = {b.label for b in snapshot.ledger.active}
    wanted = [t.label for t in snapshot.queue.active if not t.checked]
    waiting = bool(set(wanted) - running) and snapshot.may_start
    agents: tuple[AgentStatus, ...] = ()
    fault = None
    try:
        agents = context.host.agents() if wanted else ()
    except BadInput as unreadable:
        fault = str(unreadable)
    doubted = _doubted(context, loaded, acting=acting)
    now = now or context.now(loaded.zone)
    calendar = calendar_around(context, snapshot.settings, now) if snapshot.settings.calendar else None
    return Moment(
        now=now,
        resources=context.host.resources(workspace.root),
        runs={attempt_id: _state_of(context, attempt_id, acting=acting) for attempt_id in attempts},
        agents=agents,
        agents_fault=fault,
        tiers=context.sandbox.tried() if waiting and probing else (),
        stop_file=workspace.path(STOP).exists(),
        hand_approved=frozenset(t.label for t in snapshot.queue.active if t.label not in doubted and _by_owners_hand(context, loaded, t)),
        proven=context.proofs.proven([a for a in snapshot.ledger.approvals if snapshot.ledger.approval(a.label) is a]),
        doubted=doubted,
        busy=calendar.busy if calendar is not None else (),
        calendar_fault="; ".join(calendar.faults) or None if calendar is not None else None,
    )


def calendar_around(context: Context, settings: Settings, now: datetime) -> CalendarAnswer:
    """Return what the owner's calendars say of the time around a moment, in its zone; asks no network."""
    assert now.tzinfo is not None
    return context.calendar.busy(settings.calendar, after(now, -CALENDAR_BEFORE), after(now, CALENDAR_AFTER), now.tzinfo)


def refresh_calendars(context: Context, now: datetime) -> None:
    """Fetch what of the owner's calendars is old enough, and keep what it brings; for the heartbeat that acts alone."""
    sources = context.workspace.config().settings.calendar
    if sources:
        assert now.tzinfo is not None
        context.calendar.refresh(sources, now, now.tzinfo)


def proved(context: Context, moment: Moment) -> Moment:
    """Return the moment with the sandbox tried out now; whoever is about to start something decides by this one."""
    return replace(moment, tiers=context.sandbox.probe())


def _state_of(context: Context, attempt_id: str, *, acting: bool) -> RunStatus:
    ask = context.runner.poll if acting else context.runner.peek
    try:
        return ask(attempt_id)
    except (AutobuildsError, OSError):
        return RunStatus(state=RunState.UNKNOWN)


def _doubted(context: Context, loaded: Loaded, *, acting: bool) -> frozenset[str]:
    """Return the labels whose approval by hand a build may have typed, those found earlier and those of now.

    The line of an approval that is not recorded yet appeared after the last heartbeat; while an attempt is open in the ledger that
    nothing keeps from writing the queue, it may be that one's. It stays in doubt until it is gone or `approve` confirms it.
    """
    ledger = loaded.snapshot.ledger
    typed = frozenset(t.label for t in loaded.snapshot.queue.active if t.approved and ledger.approval(t.label) is None)
    if loaded.snapshot.queue.fatal:
        return context.proofs.doubted()
    found = typed if typed and any(_could_write(b.last) for b in ledger.active) else context.proofs.doubted() & typed
    if acting:
        context.proofs.doubt(found)
    return found


def _could_write(attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.is_open and attempt.sandbox not in _CONTAINED


def _by_owners_hand(context: Context, loaded: Loaded, task: Task) -> bool:
    """Whether `Approved: yes` came by the owner's hand: typed in the working tree, or committed by an allowed author.

    A commit approves the text that it holds: what others made of the task or of its name since is not approved. While a merge
    or the like is in progress, what is not committed yet may be somebody else's.
    """
    if not task.approved or loaded.snapshot.ledger.approval(task.label) is not None:
        return False
    path = context.workspace.tracked(QUEUE)
    try:
        repo = context.repo
        head = repo.head()
        # What a link or a filter shows is in no commit, so that nobody can tell who wrote it.
        if path is None or repo.converts(path):
            return False
        was = _as_committed(context, loaded, head.commit, task.label)
        if head.commit is None or was is None or not was.approved:
            return head.busy is None
        origin = repo.line_origin(head.commit, path, was.approved_line or was.line)
        if origin is None or origin.author.casefold() not in _allowed(repo, loaded):
            return False
        then = _as_committed(context, loaded, origin.commit, task.label)
    except AutobuildsError:
        return False
    return then is not None and then.approved and fingerprint(then) == fingerprint(task)


def _as_committed(context: Context, loaded: Loaded, commit: str | None, label: str) -> Task | None:
    """Return an active task as the queue had it at a commit."""
    path = context.workspace.tracked(QUEUE)
    data = context.repo.read(commit, path) if commit and path else None
    found = read_queue(data, zone=loaded.zone).queue.find(label) if data else None
    return found if found is not None and found.is_active else None


def _allowed(repo: Repo, loaded: Loaded) -> set[str]:
    """Return whose commits may approve: the configured approvers, else the owner, whose edits the tool commits where he has no name."""
    identity = repo.identity()
    own = {identity.email if identity else _NAMELESS}
    return {author.casefold() for author in loaded.settings.approvers or own}
