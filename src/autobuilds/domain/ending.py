"""How an attempt ended: a pure judgement of what its supervisor saw."""

from __future__ import annotations

from autobuilds.domain.agents import AgentReport, FailureClass
from autobuilds.domain.build import Check, Evidence, Outcome
from autobuilds.domain.inert import line
from autobuilds.domain.paths import Bounds
from autobuilds.records import dataclass, field

_SHOWN = 3
_MAX_SHOWN_TEXT = 120
_MAX_SHOWN_ERROR = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why the supervisor stopped something before it ended by itself."""

    outcome: Outcome
    reason: str
    failure: FailureClass | None = None


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
    #: It could not begin as it was decided; another decision may be possible, so it costs no try.
    decide_anew: bool = False
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
    """How the attempt ended, why in words for the owner, how far "done" was checked (None unless passed), why the agent failed."""

    outcome: Outcome
    reason: str
    evidence: Evidence | None = None
    failure: FailureClass | None = None


def judge(facts: AttemptFacts) -> Judgement:
    """Return how an attempt ended: the first of the rules below that applies.

    The exit status alone never says "done": an agent with rules has ended well only if they hold *and* the status is 0.
    """
    if facts.stop is not None:
        return _stopped(facts.stop, facts.report)
    if facts.setup_failure is not None:
        return Judgement(outcome=Outcome.NOT_STARTED if facts.decide_anew else Outcome.SETUP, reason=facts.setup_failure)
    if facts.harvest_failure is not None:
        return Judgement(outcome=Outcome.AGENT_FAILED, reason=f"the work could not be saved as a commit: {facts.harvest_failure}")
    if not facts.bounds.kept:
        return Judgement(outcome=Outcome.OUT_OF_BOUNDS, reason=_bounds_reason(facts.bounds))
    if facts.report.ok is False or facts.exit_code != 0:
        return _agent_failed(facts)
    checked = any(c.command is not None for c in facts.checks)
    if not facts.changed and not facts.may_change_nothing:
        if facts.report.denials:
            return Judgement(outcome=Outcome.BLOCKED, reason=_denied_reason(facts.report))
        return Judgement(outcome=Outcome.NO_CHANGE, reason="the agent ended well but changed nothing")
    if not facts.changed and not checked:
        return Judgement(
            outcome=Outcome.NO_CHANGE, reason="nothing was changed and no criterion has a command that could show that this is right"
        )
    failed = [c for c in facts.checks if not c.passed]
    if failed:
        return Judgement(outcome=Outcome.CHECKS_FAILED, reason=_failed_reason(failed, len(facts.checks)))
    return _passed(facts, checked=checked)


def _stopped(stop: Stop, report: AgentReport) -> Judgement:
    """Return the judgement on a run that was stopped: in its time it may have done nothing but try to reach its model again."""
    failure, reason = stop.failure, stop.reason
    if failure is None and stop.outcome in _WAITED_OUT and report.trouble in _FAILED_WORDS:
        failure = report.trouble
        said = line(report.trouble_said or "", _MAX_SHOWN_ERROR)
        reason = f"{reason}; until then {_FAILED_WORDS[failure]} and it tried again: {said}"
    return Judgement(outcome=stop.outcome, reason=reason, failure=failure)


#: How a run ends that only waits.
_WAITED_OUT = frozenset({Outcome.TIMEOUT, Outcome.STALLED})
_FAILED_WORDS = {
    FailureClass.AUTHENTICATION: "the agent could not sign in",
    FailureClass.RATE_LIMIT: "the agent reached its usage limit",
    FailureClass.NETWORK: "the agent did not reach the model's service",
    FailureClass.BUDGET: "the agent reached a limit of turns, money or tokens",
    FailureClass.REFUSED: "the model declined the task",
}


def _agent_failed(facts: AttemptFacts) -> Judgement:
    """Return the judgement on a run that did not end well: by what the agent said, else by its exit status."""
    report, failure = facts.report, facts.report.failure
    said = line(report.error or "", _MAX_SHOWN_ERROR)
    if report.denials and not facts.changed and failure in {None, FailureClass.CRASH}:
        return Judgement(outcome=Outcome.BLOCKED, reason=_denied_reason(report))
    if failure in _FAILED_WORDS:
        reason = f"{_FAILED_WORDS[failure]}: {said or exit_words(facts.exit_code)}"
    elif report.ok is None:
        reason = f"the agent ended with {exit_words(facts.exit_code)}"
    elif report.ok:
        failure = FailureClass.CRASH
        reason = f"the agent reported success but ended with {exit_words(facts.exit_code)}"
    else:
        failure = FailureClass.CRASH
        reason = f"the agent did not end well ({exit_words(facts.exit_code)}): {said or 'its output holds no result'}"
    return Judgement(outcome=Outcome.AGENT_FAILED, reason=reason, failure=failure)


def _denied_reason(report: AgentReport) -> str:
    calls = "once" if report.denials == 1 else f"{report.denials} times"
    said = line(report.said or report.error or "", _MAX_SHOWN_TEXT)
    return f"the agent changed nothing; it was denied a tool {calls}{f': {said}' if said else ''}"


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
    if bounds.submodules:
        parts.append(f"it added or moved submodules, whose content nobody has checked: {_some(bounds.submodules)}")
    if bounds.secrets:
        shown = [f"{path} (the value of {variable})" for path, variable in bounds.secrets]
        parts.append(
            f"it wrote a secret that it was given into its work: {_some(shown)}; change that key, and look at the branch before you share it"
        )
    return "; ".join(parts)


def _some(paths: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(line(p, _MAX_SHOWN_TEXT) for p in paths[:_SHOWN])
    return f"{shown} and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else shown
