"""What needs the owner, and the rows that it is made of: pure."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from autobuilds.domain import inert
from autobuilds.domain.agents import FailureClass
from autobuilds.domain.asking import asks
from autobuilds.domain.build import Build, BuildState, Evidence, Outcome
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.night import unfinished
from autobuilds.domain.patterns import pattern
from autobuilds.domain.problem import Severity
from autobuilds.domain.progress import Progress
from autobuilds.domain.verdicts import Assessment, GateResult, Verdict, ways
from autobuilds.records import replace
from autobuilds.runtime.view_values import DoneRow, NeedsYou

#: Failures that a retry alone never mends, those first that hold more than their own task.
_FAR = (FailureClass.AUTHENTICATION, FailureClass.RATE_LIMIT, FailureClass.BUDGET, FailureClass.REFUSED)
_VOLATILE = (
    (pattern(r"(disk|memory|load) [0-9.]+ (?:% |per core )?(?:full |used )?\(limit ([^)]*)\)"), r"\1 over its limit of \2"),
    (pattern(r", but off-hours end in .*"), ": longer than what is left of the off-hours"),
    (pattern(r"[0-9.,]+ of ([0-9.,]+ [A-Za-z ]+) used today"), r"the day's \1 are used up"),
    (pattern(r"[0-9.,]+ of ([0-9.,]+ [A-Za-z ]+) used tonight"), r"the night's \1 are used up"),
    (pattern(r"memory [0-9]+ MiB free \(([^)]*)\)"), r"too little memory is free (\1)"),
)


def settled(gate: GateResult) -> str:
    """Return a gate's reason without the measurements that move from one heartbeat to the next."""
    reason = gate.reason
    if gate.gate in {"resources", "window", "budget"}:
        for pattern, words in _VOLATILE:
            reason = pattern.sub(words, reason)
    return reason


def needs_you(
    snapshot: Snapshot, assessments: Sequence[Assessment], builds: Sequence[Build], progress: Mapping[str, Progress]
) -> tuple[NeedsYou, ...]:
    """Return what only the owner can settle, the most general first: files, escalations, running builds, asking gates, reviews."""
    found: list[NeedsYou] = []
    queue = snapshot.queue
    general = [p for p in queue.problems if p.severity is Severity.ERROR and (queue.fatal or p.label is None)]
    found += [NeedsYou(kind="queue", reason=str(p), command="autobuilds check") for p in general]
    if queue.fatal and not general:
        found.append(NeedsYou(kind="queue", reason="BUILD_QUEUE.md can't be trusted as a whole", command="autobuilds check"))
    errors = [p for p in snapshot.problems if p.severity is Severity.ERROR]
    found += [NeedsYou(kind="config", reason=str(p), command=f"edit {p.file} line {p.line}") for p in errors]
    night = unfinished(snapshot.ledger.day)
    for said in night.critical if night is not None else ():
        found.append(NeedsYou(kind="problem", reason=f"the overnight session found: {said}", command="autobuilds problems scan"))
    escalated = [b for b in builds if b.state is BuildState.ESCALATED]
    found += [_escalation(b) for b in sorted(escalated, key=_reach)]
    for build in builds:
        if build.is_active:
            if not queue.fatal and queue.find(build.label) is None:
                gone = "is being built, but its entry is no longer in the queue; its work will wait for your review"
                found.append(NeedsYou(kind="removed", label=build.label, reason=gone, command=f"autobuilds cancel {build.label}"))
            found += _from_running(build, progress.get(build.label))
    known = {n.label for n in found}
    given_up = {b.label for b in builds if b.state is BuildState.CANCELLED}
    asking = [a for a in assessments if a.verdict is Verdict.ASK and a.label not in known | given_up and not _rests(a) and _asks(a)]
    found += _asking_all(asking, {f"{b.last.agent} could not sign in when it built {b.label}" for b in escalated if b.last is not None})
    for build in builds:
        if build.state is BuildState.REVIEW:
            row = done_row(build)
            reason = f"finished ({row.evidence}) and waits for your review" + (f"; {build.reason}" if build.reason else "")
            found.append(NeedsYou(kind="review", label=build.label, reason=reason, command=f"autobuilds review {build.label}"))
    return tuple(found)


def _reach(build: Build) -> int:
    """Return how much an escalation holds up, the most first: an agent that is not signed in holds every task that it would build."""
    last = build.last
    if last is not None and last.failure in _FAR:
        return _FAR.index(last.failure)
    return len(_FAR) if last is not None and last.outcome is Outcome.BLOCKED else len(_FAR) + 1


def _escalation(build: Build) -> NeedsYou:
    reason = build.reason or "handed over without a reason"
    last = build.last
    details = [f"{c.command or c.text}: {_ending(c.exit_code, c.tail)}" for c in (last.checks if last else ()) if not c.passed]
    if last is not None and last.log:
        details.append(f"output: {last.log}")
    if asks(build):
        details.append(f"or: autobuilds retry {build.label}")
    return NeedsYou(
        kind="escalated",
        label=build.label,
        reason=reason,
        command=f'autobuilds answer {build.label} "..."' if asks(build) else f"autobuilds retry {build.label}",
        details=(*details, f"or: autobuilds complete {build.label}, autobuilds cancel {build.label}"),
    )


def _ending(exit_code: int | None, tail: str) -> str:
    rows = [r for r in inert.terminal_block(tail) if r.strip()]
    said = f": {inert.shorten(rows[-1].strip(), 120)}" if rows else ""
    return (f"exit status {exit_code}" if exit_code is not None else "not met") + said


def _from_running(build: Build, progress: Progress | None) -> list[NeedsYou]:
    found: list[NeedsYou] = []
    if build.stall_alerted:
        reason = "shows no sign of life and will be stopped if that goes on"
        found.append(NeedsYou(kind="stalled", label=build.label, reason=reason, command=f"autobuilds log {build.label}"))
    last = build.last
    if progress is None or (last is not None and progress.attempt not in {None, last.number}):
        return found
    for question in progress.questions:
        details = (f"without an answer: {question.default}",) if question.default else ()
        command = f'autobuilds answer {build.label} "..."'
        found.append(NeedsYou(kind="question", label=build.label, reason=f"asks: {question.text}", command=command, details=details))
    answer = f'autobuilds answer {build.label} "..."'
    found += [NeedsYou(kind="blocked", label=build.label, reason=f"is blocked: {b}", command=answer) for b in progress.blockers]
    return found


def _asks(assessment: Assessment) -> list[GateResult]:
    """Return the gates that ask because of this task; what holds all of them (settings that can't be read) is said once."""
    return [g for g in assessment.obstacles if g.verdict is Verdict.ASK and g.gate != "paused"]


def _rests(assessment: Assessment) -> bool:
    """Whether a task is a low-priority one that only waits for an approval: an idea put aside, which nobody has to be told of daily."""
    asks = {g.gate for g in assessment.obstacles if g.verdict is Verdict.ASK}
    return "priority" in asks and not asks & {"state", "well-formed", "blockers"}


def _asking_all(asking: Sequence[Assessment], known: Container[str]) -> list[NeedsYou]:
    """Return what asks; an agent or a sandbox that alone holds several tasks is named once, one that is `known` from above not again."""
    alone: dict[str, list[Assessment]] = {}
    for assessment in asking:
        gates = _asks(assessment)
        if len(gates) == 1 and gates[0].gate == "agent":
            alone.setdefault(gates[0].reason, []).append(assessment)
    found: list[NeedsYou] = []
    for assessment in asking:
        reason = _asks(assessment)[0].reason
        held = alone.get(reason, [])
        if assessment not in held or (len(held) == 1 and reason not in known):
            found.append(_asking(assessment))
        elif assessment is held[0] and reason not in known:
            first = _asking(assessment)
            labels = ", ".join(a.label for a in held[:3]) + (f" and {len(held) - 3} more" if len(held) > 3 else "")
            found.append(replace(first, label=None, reason=f"{first.reason}; this holds {len(held)} tasks: {labels}"))
    return found


def _asking(assessment: Assessment) -> NeedsYou:
    asks = _asks(assessment)
    first = asks[0]
    best, *others = ways(first.fix) or (f"autobuilds why {assessment.label}",)
    return NeedsYou(
        kind="ask",
        label=assessment.label,
        reason=settled(first),
        command=best,
        details=(*(f"or: {way}" for way in others), *(f"{g.gate}: {settled(g)}" for g in asks[1:])),
    )


def done_row(build: Build) -> DoneRow:
    """Return the row of a finished build; without a checked ending its evidence is the owner's word: claimed."""
    attempt = build.last
    evidence = attempt.evidence if attempt and attempt.outcome is Outcome.PASSED and attempt.evidence else Evidence.CLAIMED
    ran = [c for c in attempt.checks if c.command] if attempt else []
    # A check that ran on the merged tree too is one check, and its second run is the one that counts.
    checks = [c for c in ran if c.merged] or ran
    return DoneRow(
        label=build.label,
        name=build.name,
        evidence=evidence.value,
        finished=(attempt.ended if attempt and attempt.outcome is Outcome.PASSED else None) or build.updated,
        branch=attempt.branch if attempt else None,
        delivered=build.delivered_branch,
        checks_passed=sum(c.passed for c in checks),
        checks_total=len(checks),
        files_changed=attempt.files_changed if attempt else None,
        lines_added=attempt.lines_added if attempt else None,
        lines_removed=attempt.lines_removed if attempt else None,
        agent=attempt.agent if attempt else None,
        model=attempt.model if attempt else None,
        attempts=len(build.attempts),
        tokens=tokens_of(build),
        cost_usd=cost_of(build),
        pull_request=attempt.pull_request if attempt else None,
    )


def tokens_of(build: Build) -> int | None:
    """Return the tokens that all attempts of a build are reported to have used, or None where none told."""
    told = [n for a in build.attempts for n in (a.usage.tokens_in, a.usage.tokens_out) if n is not None]
    return sum(told) if told else None


def cost_of(build: Build) -> float | None:
    """Return what all attempts of a build are reported to have cost in USD, or None where none told."""
    told = [a.usage.cost_usd for a in build.attempts if a.usage.cost_usd is not None]
    return round(sum(told), 4) if told else None
