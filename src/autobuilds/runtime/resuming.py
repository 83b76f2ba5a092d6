"""Resuming: an agent that was interrupted goes on in its own session, in the folder where that began."""

from __future__ import annotations

from pathlib import Path

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Attempt, Build, Outcome
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context

#: How an attempt ends whose session can go on: it was cut off, and nothing that it did was wrong.
_CUT_OFF = frozenset({Outcome.LOST, Outcome.TIMEOUT})
_CUT_OFF_BY = frozenset({FailureClass.NETWORK, FailureClass.RATE_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """A session that can go on: its id, the clone in which it began, the work that it had done."""

    session: str
    clone: Path
    #: The saved work, None where there was none yet.
    commit: str | None


def interrupted(context: Context, build: Build | None, agent: str) -> Interrupted | None:
    """Return the session that the next attempt of a build can go on with, or None: then it begins anew.

    Only after an attempt of the same agent that was cut off, whose home is still there; what was said about it since (a rejection, a
    word of the owner) belongs into a new run.
    """
    last = _last(build)
    if build is None or last is None or build.fresh or last.agent != agent or last.session is None or last.base_commit is None:
        return None
    if last.outcome not in _CUT_OFF and not (last.outcome is Outcome.AGENT_FAILED and last.failure in _CUT_OFF_BY):
        return None
    if last.number <= build.counted_from or not home_of(context, build.label).is_dir():
        return None
    first = _began(build, last)
    return Interrupted(session=last.session, clone=clone_of(context, first.id), commit=last.head_commit)


def home_of(context: Context, label: str) -> Path:
    """Return the private home of a build's agent, kept between its attempts."""
    return context.workspace.root / ".autobuilds" / "homes" / label


def clone_of(context: Context, attempt_id: str) -> Path:
    """Return where an attempt's private clone usually stands."""
    return context.workspace.root / ".autobuilds" / "clones" / attempt_id


def _last(build: Build | None) -> Attempt | None:
    """Return the newest attempt that began."""
    return next((a for a in reversed(build.attempts) if a.outcome is not Outcome.NOT_STARTED), None) if build is not None else None


def _began(build: Build, last: Attempt) -> Attempt:
    """Return the attempt in which the session of a later one began."""
    begun = [a for a in build.attempts if a.outcome is not Outcome.NOT_STARTED]
    at = begun.index(last)
    while begun[at].resumed and at > 0:
        at -= 1
    return begun[at]
