"""Agents that are held back after a failure that is theirs alone: a usage limit, or that they are not signed in. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Attempt, Build, BuildState, Ledger, Outcome
from autobuilds.domain.retry import MAX_TOLD, limited_until
from autobuilds.domain.times import elapsed, reached
from autobuilds.records import dataclass

#: What lies further ahead than any limit holds was written by a clock that has been set back since.
_FURTHEST = MAX_TOLD + timedelta(hours=1)
#: How an attempt can end without a word on whether its agent may be used.
_SAYS_NOTHING = frozenset({Outcome.NOT_STARTED, Outcome.SETUP, Outcome.STOPPED, Outcome.LOST, Outcome.TIMEOUT, Outcome.STALLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why an agent is held: `until` its limit resets, or (None) until the owner has acted on the build `label`."""

    agent: str
    reason: str
    label: str
    until: datetime | None = None


def held(ledger: Ledger, agent: str, now: datetime) -> Hold | None:
    """Return why an agent may not be started now, or None.

    Its newest attempt that says anything decides: one that ran into a usage limit holds it until the reset, or until the owner gives
    its build new tries; one that was refused for want of a sign-in holds it as long as its build is escalated with that attempt as its
    newest.
    """
    newest = _newest(ledger, agent)
    if newest is None:
        return None
    build, attempt = newest
    if attempt.failure is FailureClass.RATE_LIMIT:
        assert attempt.ended is not None, "only attempts that have ended are looked at"
        until = limited_until(attempt.resets_at, attempt.ended, _in_a_row(build, attempt))
        if reached(until, now) or attempt.number <= build.counted_from or elapsed(now, until) > _FURTHEST:
            return None
        return Hold(agent=agent, reason=f"{agent} reached its usage limit", label=build.label, until=until.astimezone(now.tzinfo))
    if attempt.failure is FailureClass.AUTHENTICATION and build.state is BuildState.ESCALATED and build.last == attempt:
        return Hold(agent=agent, reason=f"{agent} could not sign in when it built {build.label}", label=build.label)
    return None


def _newest(ledger: Ledger, agent: str) -> tuple[Build, Attempt] | None:
    """Return the newest ended attempt of an agent that says something of it, with its build."""
    found = [
        (attempt.ended, attempt.number, build, attempt)
        for build in ledger.builds
        for attempt in build.attempts
        if attempt.agent == agent
        and attempt.ended is not None
        and attempt.failure is not FailureClass.NETWORK
        and (attempt.failure is not None or attempt.outcome not in _SAYS_NOTHING)
    ]
    if not found:
        return None
    _, _, build, attempt = max(found, key=lambda entry: entry[:2])
    return build, attempt


def _in_a_row(build: Build, newest: Attempt) -> int:
    """Return how many attempts of that agent in a build ran into the limit, one after the other, up to this one."""
    its = [a for a in build.attempts if a.agent == newest.agent and a.number <= newest.number]
    return sum(1 for _ in takewhile(lambda a: a.failure is FailureClass.RATE_LIMIT, reversed(its)))
