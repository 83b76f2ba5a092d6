"""What the rules say of a task's text, the same text judged once in a process; nothing of it is ever kept in a file."""

from __future__ import annotations

from functools import lru_cache

from autobuilds.domain.model import Task
from autobuilds.domain.policy import PhraseRule, Policy
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement


def _criteria(task: Task) -> tuple[str, ...]:
    return tuple(c.text for c in task.criteria)


def risk_of(task: Task, policy: Policy) -> RiskJudgement:
    """Return what the risk rules say of a task."""
    return judged_risk(task.name, task.description, _criteria(task), task.steps, task.category, policy.rules)


def clarity_of(task: Task, policy: Policy) -> ClarityJudgement:
    """Return what the requirements rules say of a task."""
    return judged_clarity(task.name, task.description, _criteria(task), task.steps, task.estimate_text, policy.rules)


def template_of(task: Task, policy: Policy) -> str:
    """Return ready-made Markdown that asks for what a task lacks."""
    from autobuilds.policies.requirements import template_for

    return template_for(clarity_of(task, policy).missing, task.name)


@lru_cache(maxsize=16384)
def judged_risk(
    name: str, description: str, criteria: tuple[str, ...], steps: str | None, category: str | None, rules: tuple[PhraseRule, ...]
) -> RiskJudgement:
    """Return what the risk rules say of a text; the same text is judged once in a process."""
    from autobuilds.policies.risk import judge_risk

    return judge_risk(name, description, criteria, steps, category, rules)


@lru_cache(maxsize=16384)
def judged_clarity(
    name: str, description: str, criteria: tuple[str, ...], steps: str | None, estimate: str | None, rules: tuple[PhraseRule, ...]
) -> ClarityJudgement:
    """Return what the requirements rules say of a text; the same text is judged once in a process."""
    from autobuilds.policies.requirements import judge_requirements

    return judge_requirements(name, description, criteria, steps, estimate, rules)
