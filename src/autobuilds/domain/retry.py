"""What follows when an attempt ends: a pure decision from the outcome, the class of failure, the tries used and the settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Build, Outcome
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.moment import Ending
from autobuilds.domain.resets import MAX_AHEAD
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import elapsed
from autobuilds.records import dataclass

#: Faults that a retry can't mend: the owner has to act first.
AT_ONCE = frozenset({Outcome.OUT_OF_BOUNDS, Outcome.SETUP, Outcome.BLOCKED})
#: Attempts that never began before the machine is taken to be at fault.
MAX_NOT_STARTED = 5
#: Attempts of a build that may end by a usage limit, one after the other, before the owner is asked: about a week at MAX_WAIT.
MAX_LIMITED = 40
#: Attempts that changed nothing before the owner is asked: one, and one that was told so.
MAX_NO_CHANGE = 2
#: The wait after a usage limit whose end is not known, doubled each time in a row, and the longest.
FIRST_WAIT = timedelta(minutes=15)
MAX_WAIT = timedelta(hours=5)
#: The longest wait for a reset that was told: a weekly limit. Who tells a later one is asked again by then, in case it was not so.
MAX_TOLD = timedelta(days=8)
#: Added to a reset that was told, because providers and programs round, and hold a refusal for a while.
_SLACK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens next: the event, in words why, and for FAILED when the next attempt may start."""

    event: Event
    reason: str
    retry_at: datetime | None = None


def decide(build: Build, ending: Ending, settings: Settings, now: datetime) -> Decision:
    """Return what follows; `build` holds the attempt as still open, so the ending is counted on top.

    A usage limit waits for its reset; like a start that never happened it costs no try. Protected paths, set-up faults, denied
    permissions, a missing sign-in, a reached budget and a refusal escalate at once, a run that changed nothing after one retry;
    anything else is retried after `retry_delay` until `retries` attempts have failed.
    """
    outcome = ending.outcome
    if outcome is Outcome.PASSED:
        return Decision(event=Event.DONE, reason=ending.reason)
    if outcome is Outcome.STOPPED:
        return Decision(event=Event.ESCALATED, reason=ending.reason)
    if outcome in AT_ONCE or ending.failure in _WHAT_TO_DO:
        return Decision(event=Event.ESCALATED, reason=_told(build, ending))
    if outcome is Outcome.NOT_STARTED:
        never = 1 + sum(1 for a in build.attempts if a.outcome is Outcome.NOT_STARTED and a.number > build.counted_from)
        if never > MAX_NOT_STARTED:
            return Decision(event=Event.ESCALATED, reason=f"could not be started {never} times: {ending.reason}")
        return Decision(event=Event.FAILED, reason=ending.reason, retry_at=now)
    if ending.failure is FailureClass.RATE_LIMIT:
        return _limited(build, ending, now)
    failed = build.tries_used + 1
    if failed >= settings.retries or (outcome is Outcome.NO_CHANGE and _unchanged(build) + 1 >= MAX_NO_CHANGE):
        return Decision(event=Event.ESCALATED, reason=f"failed {'once' if failed == 1 else f'{failed} times'}: {ending.reason}")
    return Decision(event=Event.FAILED, reason=ending.reason, retry_at=later(now, settings.retry_delay))


_WHAT_TO_DO = {
    FailureClass.AUTHENTICATION: "sign in to {agent} or renew its key, then `autobuilds retry {label}`; {agent} starts nothing until then",
    FailureClass.BUDGET: "raise the limit or add credit at its provider, then `autobuilds retry {label}`",
    FailureClass.REFUSED: "reword the task, or name another agent for it, then `autobuilds retry {label}`",
}
_BLOCKED = "let {agent} use what it was denied (its own permission settings, or its preset in agents.toml), then `autobuilds retry {label}`"


def _told(build: Build, ending: Ending) -> str:
    """Return the reason with what the owner can do about it."""
    advice = _BLOCKED if ending.outcome is Outcome.BLOCKED else _WHAT_TO_DO.get(ending.failure) if ending.failure is not None else None
    if advice is None:
        return ending.reason
    return f"{ending.reason}; {advice.format(agent=build.last.agent if build.last else 'the agent', label=build.label)}"


def _limited(build: Build, ending: Ending, now: datetime) -> Decision:
    row = 1
    for attempt in reversed([a for a in build.attempts if not a.is_open and a.number > build.counted_from]):
        if attempt.failure is not FailureClass.RATE_LIMIT:
            break
        row += 1
    if row > MAX_LIMITED:
        return Decision(event=Event.ESCALATED, reason=f"ran into a usage limit {row} times in a row: {ending.reason}")
    until = limited_until(ending.resets_at, now, row)
    return Decision(event=Event.FAILED, reason=ending.reason, retry_at=until)


def limited_until(resets_at: datetime | None, ended: datetime, in_a_row: int) -> datetime:
    """Return when an agent may be tried again whose attempt ended by a usage limit, the `in_a_row`-th one after the other.

    That is a minute after the reset that was told, where it lies ahead and is to be believed, but at most 8 days; else a back-off of
    15 minutes that doubles up to 5 hours.
    """
    if resets_at is not None and timedelta() < (ahead := elapsed(ended, resets_at)) <= MAX_AHEAD:
        return later(ended, min(ahead, MAX_TOLD) + _SLACK)
    return later(ended, min(FIRST_WAIT * 2 ** min(max(in_a_row, 1) - 1, 10), MAX_WAIT))


def _unchanged(build: Build) -> int:
    return sum(1 for a in build.attempts if a.outcome is Outcome.NO_CHANGE and a.number > build.counted_from)


def later(now: datetime, span: timedelta) -> datetime:
    """Return the moment `span` after `now` on the clock of physics, in the zone of `now` (right over a zone change)."""
    return (now.astimezone(UTC) + max(span, timedelta())).astimezone(now.tzinfo)
