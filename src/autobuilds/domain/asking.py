"""Questions of a sub-agent that has stopped: the build waits for the owner's answer instead of being tried again."""

from __future__ import annotations

from autobuilds.domain.build import Attempt, Build, Outcome
from autobuilds.domain.inert import line
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.moment import Ending
from autobuilds.domain.progress import Progress, ProgressStatus
from autobuilds.domain.retry import Decision

#: How the reason of a build begins that waits for an answer.
ASKS = "it asks: "
#: How the owner's answers stand in what the next attempt is told.
ANSWERED = "The owner answered: "
#: Endings of an agent that went as far as it could without an answer.
_UNFINISHED = frozenset({Outcome.NO_CHANGE, Outcome.CHECKS_FAILED})
_SHOWN, _MAX_TEXT = 3, 200


def parked(build: Build, attempt: Attempt, ending: Ending, decision: Decision, log: Progress) -> Decision:
    """Return what follows: a build whose agent stopped for an answer frees its slot and comes to the owner with its questions.

    The log is an agent's word; all that it can bring about here is that nothing more is started.
    """
    if decision.event not in {Event.FAILED, Event.ESCALATED} or ending.outcome not in _UNFINISHED:
        return decision
    if log.status is not ProgressStatus.BLOCKED or not log.questions or log.attempt not in {None, attempt.number}:
        return decision
    texts = [
        line(q.text, _MAX_TEXT) + (f" (without an answer: {line(q.default, _MAX_TEXT)})" if q.default else "")
        for q in log.questions[:_SHOWN]
    ]
    more = f" and {len(log.questions) - _SHOWN} more" if len(log.questions) > _SHOWN else ""
    ways = f'`autobuilds answer {build.label} "..."` answers, `autobuilds retry {build.label}` goes on without'
    return Decision(event=Event.ESCALATED, reason=f"{ASKS}{'; '.join(texts)}{more}; {ways}")


def asks(build: Build) -> bool:
    """Whether the build waits for an answer."""
    return (build.reason or "").startswith(ASKS)


def feedback(build: Build, ending: Ending, most: int) -> str:
    """Return what the next attempt is told of an ending: the answers so far, the reason, at most `most` characters of output.

    A line of the output that looks like an answer of the owner is marked as what it is. An attempt that never began has nothing
    to tell: what was known before it counts.
    """
    if ending.outcome is Outcome.NOT_STARTED:
        return build.feedback or ""
    answers = [row for row in (build.feedback or "").split("\n") if row.startswith(ANSWERED)]
    tail = "\n".join(f"(output) {row}" if row.startswith(ANSWERED) else row for row in ending.tail[-most:].split("\n"))
    return "\n".join(part for part in (*answers, ending.reason, tail) if part)
