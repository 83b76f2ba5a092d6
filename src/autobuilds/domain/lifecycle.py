"""The only table of legal moves of a build, and the pure functions that make them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from autobuilds.domain.build import Attempt, Build, BuildState, DeliverMode
from autobuilds.domain.model import Task
from autobuilds.records import replace


class Event(StrEnum):
    """What can happen to a build or a task; the `Event:` trailer of its commit."""

    START = "start"
    STARTED = "started"
    DONE = "done"
    DELIVERED = "delivered"
    #: A pull request was opened for it, or could not be.
    PROPOSED = "proposed"
    FAILED = "failed"
    ESCALATED = "escalated"
    STALLED = "stalled"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDONE = "undone"
    RETRY = "retry"
    REOPENED = "reopened"


_B = BuildState
#: event -> state before -> state after. What is not here is refused.
MOVES: dict[Event, dict[BuildState, BuildState]] = {
    Event.START: {_B.RETRYING: _B.BUILDING},
    Event.STARTED: {_B.BUILDING: _B.BUILDING},
    Event.DONE: {_B.BUILDING: _B.REVIEW},
    Event.DELIVERED: {_B.BUILDING: _B.COMPLETED, _B.REVIEW: _B.COMPLETED},
    Event.PROPOSED: {_B.REVIEW: _B.REVIEW},
    Event.FAILED: {_B.BUILDING: _B.RETRYING, _B.RETRYING: _B.RETRYING},
    Event.ESCALATED: {_B.BUILDING: _B.ESCALATED, _B.RETRYING: _B.ESCALATED, _B.REVIEW: _B.ESCALATED},
    Event.STALLED: {_B.BUILDING: _B.BUILDING},
    Event.CANCELLED: {_B.BUILDING: _B.CANCELLED, _B.RETRYING: _B.CANCELLED, _B.ESCALATED: _B.CANCELLED, _B.REVIEW: _B.CANCELLED},
    Event.COMPLETED: dict.fromkeys((_B.BUILDING, _B.RETRYING, _B.ESCALATED, _B.REVIEW, _B.CANCELLED), _B.COMPLETED),
    Event.ACCEPTED: {_B.REVIEW: _B.COMPLETED},
    Event.REJECTED: {_B.REVIEW: _B.RETRYING, _B.COMPLETED: _B.RETRYING},
    Event.UNDONE: dict.fromkeys((_B.COMPLETED, _B.REVIEW, _B.RETRYING, _B.ESCALATED), _B.ESCALATED),
    Event.RETRY: {_B.ESCALATED: _B.RETRYING, _B.CANCELLED: _B.RETRYING, _B.RETRYING: _B.RETRYING},
    Event.REOPENED: {_B.COMPLETED: _B.RETRYING, _B.CANCELLED: _B.RETRYING, _B.ESCALATED: _B.RETRYING, _B.REVIEW: _B.RETRYING},
}


class IllegalMove(ValueError):
    """A build can't make this move from where it stands."""


def legal(build: Build, event: Event) -> bool:
    """Whether the build may make the move."""
    return build.state in MOVES[event]


def move(
    build: Build,
    event: Event,
    now: datetime,
    *,
    reason: str | None = None,
    retry_at: datetime | None = None,
    attempt: Attempt | None = None,
) -> Build:
    """Return the build after the event; `reason` and `retry_at` replace what was there, `attempt` is put in.

    Raises IllegalMove where MOVES has no such move.
    """
    after = MOVES[event].get(build.state)
    if after is None:
        raise IllegalMove(f"{build.label} is {build.state.value}: {event.value} is not possible from there")
    changed = replace(build, state=after, updated=now, reason=reason, retry_at=retry_at)
    return changed.with_attempt(attempt) if attempt is not None else changed


def new_tries(build: Build, *, fresh: bool = True) -> Build:
    """Return the build with its count of failed tries at zero; `fresh` starts again from the branch as it is now."""
    return replace(build, counted_from=len(build.attempts), fresh=fresh)


def begin(task: Task, now: datetime, attempt: Attempt, deliver: DeliverMode) -> Build:
    """Return a new build with its first attempt recorded."""
    return Build(
        label=task.label,
        name=task.name,
        state=BuildState.BUILDING,
        created=now,
        updated=now,
        attempts=(attempt,),
        deliver=deliver,
        category=task.category,
        priority=task.priority.value,
    )
