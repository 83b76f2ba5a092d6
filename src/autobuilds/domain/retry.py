"""What follows when an attempt ends: a pure decision from the outcome, the tries used and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autobuilds.domain.build import Build, Outcome
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.moment import Ending
from autobuilds.domain.settings import Settings

#: Faults that a retry can't mend: the owner has to act first.
AT_ONCE = frozenset({Outcome.OUT_OF_BOUNDS, Outcome.SETUP})
#: Attempts that never began before the machine is taken to be at fault.
MAX_NOT_STARTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens next: the event, in words why, and for FAILED when the next attempt may start."""

    event: Event
    reason: str
    retry_at: datetime | None = None


def decide(build: Build, ending: Ending, settings: Settings, now: datetime) -> Decision:
    """Return what follows; `build` holds the attempt as still open, so the ending is counted on top.

    A usage limit or a start that never happened costs no try; protected paths and setup faults escalate at once;
    anything else is retried after `retry_delay` until `retries` attempts have failed.
    """
    outcome = ending.outcome
    if outcome is Outcome.PASSED:
        return Decision(event=Event.DONE, reason=ending.reason)
    if outcome is Outcome.STOPPED:
        return Decision(event=Event.ESCALATED, reason=ending.reason)
    if outcome in AT_ONCE:
        return Decision(event=Event.ESCALATED, reason=ending.reason)
    if outcome is Outcome.NOT_STARTED:
        never = 1 + sum(1 for a in build.attempts if a.outcome is Outcome.NOT_STARTED and a.number > build.counted_from)
        if never > MAX_NOT_STARTED:
            return Decision(event=Event.ESCALATED, reason=f"could not be started {never} times: {ending.reason}")
        return Decision(event=Event.FAILED, reason=ending.reason, retry_at=now)
    failed = build.tries_used + 1
    if failed >= settings.retries:
        return Decision(event=Event.ESCALATED, reason=f"failed {'once' if failed == 1 else f'{failed} times'}: {ending.reason}")
    return Decision(event=Event.FAILED, reason=ending.reason, retry_at=later(now, settings.retry_delay))


def later(now: datetime, span: timedelta) -> datetime:
    """Return the moment `span` after `now` on the clock of physics, in the zone of `now` (right over a zone change)."""
    return (now.astimezone(UTC) + max(span, timedelta())).astimezone(now.tzinfo)
