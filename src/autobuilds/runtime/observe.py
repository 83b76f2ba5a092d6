"""Observing: the world outside the files, captured once for a decision."""

from __future__ import annotations

from datetime import datetime

from autobuilds.domain.model import Task
from autobuilds.domain.moment import AgentStatus, Moment, RunState, RunStatus
from autobuilds.errors import AutobuildsError, BadInput
from autobuilds.runtime.context import Context
from autobuilds.store.workspace import QUEUE, STOP, Loaded


def observe(context: Context, loaded: Loaded, now: datetime | None = None, *, acting: bool = False) -> Moment:
    """Return the moment: the time, resources, what runners say of open attempts, agents, STOP file, whose approvals count.

    Only with `acting` is an attempt whose supervisor is gone cleared up; otherwise nothing at all is changed.
    """
    snapshot = loaded.snapshot
    workspace = context.workspace
    attempts = [b.last.id for b in snapshot.ledger.active if b.last is not None and b.last.is_open]
    waiting = any(not t.checked for t in snapshot.queue.active)
    agents: tuple[AgentStatus, ...] = ()
    fault = None
    try:
        agents = context.host.agents() if waiting else ()
    except BadInput as unreadable:
        fault = str(unreadable)
    return Moment(
        now=now or context.now(loaded.zone),
        resources=context.host.resources(workspace.root),
        runs={attempt_id: _state_of(context, attempt_id, acting=acting) for attempt_id in attempts},
        agents=agents,
        agents_fault=fault,
        stop_file=workspace.path(STOP).exists(),
        hand_approved=frozenset(t.label for t in snapshot.queue.active if _by_owners_hand(context, loaded, t)),
    )


def _state_of(context: Context, attempt_id: str, *, acting: bool) -> RunStatus:
    ask = context.runner.poll if acting else context.runner.peek
    try:
        return ask(attempt_id)
    except (AutobuildsError, OSError):
        return RunStatus(state=RunState.UNKNOWN)


def _by_owners_hand(context: Context, loaded: Loaded, task: Task) -> bool:
    """Whether `Approved: yes` came by the owner's hand: typed in the working tree, or committed by an allowed author."""
    if not task.approved or loaded.snapshot.ledger.approval(task.label) is not None:
        return False
    allowed = {a.casefold() for a in loaded.settings.approvers}
    try:
        repo = context.repo
        identity = repo.identity()
        if identity is not None and not allowed:
            allowed = {identity.email.casefold()}
        author = repo.line_author(QUEUE, task.approved_line or task.line)
    except AutobuildsError:
        return False
    return author is None or not allowed or author.casefold() in allowed
