"""Gates on what may run without asking: requirements, category, risk."""

from __future__ import annotations

from autobuilds.domain.gates.answers import ask, go, wait
from autobuilds.domain.situation import ApprovalState, Situation
from autobuilds.domain.times import format_when
from autobuilds.domain.verdicts import OR, GateResult, Verdict


def requirements(s: Situation) -> GateResult:
    """Go when the description is specific, a criterion can be checked, and the scope fits one build."""
    clarity = s.clarity_judgement
    if clarity.verdict is Verdict.GO:
        return go("requirements", "specific and checkable")
    if s.approved and s.task.criteria:
        return go("requirements", "approved as it is")
    if s.at_once:
        return go("requirements", "started by the owner's word")
    fix = f"autobuilds show {s.task.label} --template"
    if s.task.criteria:
        fix += f"{OR}autobuilds approve {s.task.label}"
    return ask("requirements", "; ".join(said.rstrip(".") for said in clarity.why) or f"missing: {', '.join(clarity.missing)}", fix)


#: What is said of an approval that does not count; the gate's fix confirms it.
_NOTES = {
    ApprovalState.LAPSED: "; the approval lapsed because the text changed",
    ApprovalState.UNTRUSTED: "; its `Approved: yes` was not committed by an allowed author",
    ApprovalState.UNPROVEN: (
        "; the ledger has an approval that is not proven to be yours (given on another machine or copy, or by an older version): confirm it"
    ),
    ApprovalState.DOUBTED: "; it says approved, but a build ran meanwhile that nothing kept from writing the queue: confirm it",
}


def _approval_note(s: Situation) -> str:
    return _NOTES.get(s.approval, "")


def category(s: Situation) -> GateResult:
    """Go when DECISION_FRAMEWORK.md says auto for the category at this priority, or the owner approved."""
    task = s.task
    if s.approved:
        return go("category", "approved")
    rule = s.shared.rule(task.category or "No category")
    shown = f'"{task.category}"' if task.category else "no category"
    fix = f"autobuilds approve {task.label}"
    if rule is None and task.category:
        reason = f"category {shown} is not in the tables of DECISION_FRAMEWORK.md"
        return ask("category", reason + _approval_note(s), f"{fix}{OR}add a row for it there")
    answer = rule.answer(task.priority) if rule else "ask"
    if answer == "auto":
        return go("category", f"{shown} runs without asking at {task.priority.value} priority")
    night = s.shared.night
    if answer == "own" and task.owners_own and task.category and night is not None:
        reason = f"{shown} waits for your approval while the overnight session is on (until {format_when(night.ends)})"
        return wait("category", reason + _approval_note(s), until=night.ends, fix=fix)
    if answer == "own" and task.owners_own:
        return go("category", f"{shown}, asked for by the owner at {task.priority.value} priority")
    if answer == "own":
        return ask("category", f"{shown} from {task.source} needs your approval" + _approval_note(s), fix)
    return ask("category", f"{shown} at {task.priority.value} priority needs your approval" + _approval_note(s), fix)


def risk(s: Situation) -> GateResult:
    """Go when nothing dangerous was found in the text, or the owner approved this very text."""
    judgement = s.risk_judgement
    if judgement.verdict is Verdict.GO:
        return go("risk", "nothing destructive, external, sensitive or costly found")
    if s.approved:
        return go("risk", f"approved ({', '.join(judgement.kinds)})" if judgement.kinds else "approved")
    words = "; ".join(judgement.matched[:3])
    reason = (f"{', '.join(judgement.kinds)}: {words}" if judgement.kinds else words) + _approval_note(s)
    return ask("risk", reason, f"autobuilds approve {s.task.label}")
