"""How an attempt ended: a pure judgement of what its supervisor saw."""

from __future__ import annotations

from dataclasses import dataclass, field

from autobuilds.domain.agents import AgentReport
from autobuilds.domain.build import Check, Evidence, Outcome
from autobuilds.domain.inert import line
from autobuilds.domain.paths import Bounds

_SHOWN = 3
_MAX_SHOWN_TEXT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why the supervisor stopped something before it ended by itself."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeFacts:
    """A merge that was tried in a scratch clone: `conflicts` are paths, `checks` ran on the merged tree."""

    onto: str
    commit: str | None = None
    conflicts: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    #: Why the merge could not be tried at all.
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """What is known of an attempt after its agent has stopped; the fields come in the order in which they are judged."""

    stop: Stop | None = None
    #: The attempt could not begin before the owner acts (agent missing, repository not to be cloned).
    setup_failure: str | None = None
    #: Negative for a signal, as `subprocess` has it; None when the agent never ran.
    exit_code: int | None = None
    #: What the agent's output said of the run.
    report: AgentReport = field(default_factory=AgentReport)
    #: The work could not be saved as a commit.
    harvest_failure: str | None = None
    bounds: Bounds = field(default_factory=Bounds)
    changed: bool = False
    may_change_nothing: bool = False
    checks: tuple[Check, ...] = ()
    merge: MergeFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How the attempt ended, why in words for the owner, and how far "done" was checked (None unless passed)."""

    outcome: Outcome
    reason: str
    evidence: Evidence | None = None


def judge(facts: AttemptFacts) -> Judgement:
    """Return how an attempt ended: the first of the rules below that applies."""
    if facts.stop is not None:
        return Judgement(outcome=facts.stop.outcome, reason=facts.stop.reason)
    if facts.setup_failure is not None:
        return Judgement(outcome=Outcome.SETUP, reason=facts.setup_failure)
    if facts.harvest_failure is not None:
        return Judgement(outcome=Outcome.AGENT_FAILED, reason=f"the work could not be saved as a commit: {facts.harvest_failure}")
    if not facts.bounds.kept:
        return Judgement(outcome=Outcome.OUT_OF_BOUNDS, reason=_bounds_reason(facts.bounds))
    if facts.exit_code != 0:
        return Judgement(outcome=Outcome.AGENT_FAILED, reason=f"the agent ended with {exit_words(facts.exit_code)}")
    checked = any(c.command is not None for c in facts.checks)
    if not facts.changed and not facts.may_change_nothing:
        return Judgement(outcome=Outcome.NO_CHANGE, reason="the agent ended well but changed nothing")
    if not facts.changed and not checked:
        return Judgement(
            outcome=Outcome.NO_CHANGE, reason="nothing was changed and no criterion has a command that could show that this is right"
        )
    failed = [c for c in facts.checks if not c.passed]
    if failed:
        return Judgement(outcome=Outcome.CHECKS_FAILED, reason=_failed_reason(failed, len(facts.checks)))
    return _passed(facts, checked=checked)


def _passed(facts: AttemptFacts, *, checked: bool) -> Judgement:
    evidence = Evidence.CHECKED if checked else Evidence.CLAIMED
    words = _count_words(facts.checks)
    merge = facts.merge
    if merge is None:
        return Judgement(outcome=Outcome.PASSED, reason=words, evidence=evidence)
    if merge.failure is not None:
        why = f"the merge could not be tried: {merge.failure}"
    elif merge.commit is None:
        why = f"it does not merge cleanly onto {merge.onto}: {_some(merge.conflicts)}"
    elif failed := [c for c in merge.checks if not c.passed]:
        why = f"on the merged tree {_failed_reason(failed, len(merge.checks))}"
    elif not any(c.command is not None for c in merge.checks):
        return Judgement(
            outcome=Outcome.PASSED, reason=f"{words}; it merges cleanly, but no criterion has a command to run", evidence=Evidence.CLAIMED
        )
    else:
        return Judgement(outcome=Outcome.PASSED, reason=f"{words}, on the merged tree too", evidence=Evidence.MERGED)
    return Judgement(outcome=Outcome.PASSED, reason=f"{words}; left for review, because {why}", evidence=evidence)


def exit_words(code: int | None) -> str:
    """Return an exit code in words: `exit status 3`, `signal 9`, or that there was none."""
    if code is None:
        return "no exit status"
    return f"exit status {code}" if code >= 0 else f"signal {-code}"


def _count_words(checks: tuple[Check, ...]) -> str:
    run = sum(1 for c in checks if c.command is not None)
    claimed = len(checks) - run
    if not checks:
        return "the task has no completion criteria; done is the agent's claim"
    parts = []
    if run:
        parts.append(f"{run} {'check' if run == 1 else 'checks'} passed")
    if claimed:
        parts.append(f"{claimed} {'criterion' if claimed == 1 else 'criteria'} claimed")
    return ", ".join(parts)


def _failed_reason(failed: list[Check], total: int) -> str:
    first = failed[0]
    text = line(first.text, _MAX_SHOWN_TEXT)
    if first.command is None:
        how = f"not met, or no evidence named in the progress log: {text}"
    elif first.exit_code is None:
        how = f"stopped before it ended: {text}"
    else:
        how = f"{exit_words(first.exit_code)}: {text}"
    return f"{len(failed)} of {total} {'check' if total == 1 else 'checks'} failed; {how}"


def _bounds_reason(bounds: Bounds) -> str:
    parts = []
    if bounds.protected:
        shown = [f"{path} ({pattern})" for path, pattern in bounds.protected]
        parts.append(f"it changed protected paths: {_some(shown)}")
    if bounds.outside:
        parts.append(f"it changed paths outside Touches: {_some(bounds.outside)}")
    if bounds.links:
        parts.append(f"it made symbolic links that lead out of the repository: {_some(bounds.links)}")
    return "; ".join(parts)


def _some(paths: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(line(p, _MAX_SHOWN_TEXT) for p in paths[:_SHOWN])
    return f"{shown} and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else shown
