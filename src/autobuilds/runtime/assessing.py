"""Assessing: what the risk and requirements rules say of tasks that stand in no queue, or of those that do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autobuilds.domain.model import Task
from autobuilds.domain.policy import Policy
from autobuilds.domain.spelling import quoted
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement
from autobuilds.errors import BadInput
from autobuilds.policies.requirements import judge_requirements
from autobuilds.policies.risk import judge_risk
from autobuilds.records import dataclass
from autobuilds.store import files
from autobuilds.store.policy import read_policy
from autobuilds.store.render import packaged_templates
from autobuilds.store.workspace import POLICY


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A task as far as the rules read it; `id` is whatever the asker calls it."""

    id: str | int | float | bool | None
    name: str = ""
    description: str = ""
    criteria: tuple[str, ...] = ()
    steps: str | None = None
    category: str | None = None
    estimated_time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A subject with both judgements."""

    subject: Subject
    risk: RiskJudgement
    requirements: ClarityJudgement


def policy_of(root: Path | None) -> Policy:
    """Return the policy of a workspace, or the packaged one (None)."""
    path = root / POLICY if root is not None else None
    data = files.read_stable(path) if path is not None and path.exists() else None
    return read_policy(data, (packaged_templates() / POLICY).read_bytes())


def assess(subject: Subject, policy: Policy) -> Judged:
    """Return what the gates *risk* and *requirements* would say, approvals apart."""
    s = subject
    return Judged(
        subject=s,
        risk=judge_risk(s.name, s.description, s.criteria, s.steps, s.category, policy.rules),
        requirements=judge_requirements(s.name, s.description, s.criteria, s.steps, s.estimated_time, policy.rules),
    )


def subject_of(task: Task) -> Subject:
    """Return a task of the queue as a subject, its label as the id."""
    return Subject(
        id=task.label,
        name=task.name,
        description=task.description,
        criteria=tuple(c.text for c in task.criteria),
        steps=task.steps,
        category=task.category,
        estimated_time=task.estimate_text,
    )


def read_subjects(text: str, source: str) -> tuple[Subject, ...]:
    """Return the subjects of JSON Lines, blank lines left out; raises BadInput that names `source` and the line."""
    found = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(_subject(_object(line)))
        except BadInput as wrong:
            raise BadInput(f"{source}:{number}: {wrong}") from wrong
    return tuple(found)


def _object(line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as wrong:
        raise BadInput(f"not JSON ({wrong}); write one task a line as an object") from wrong
    if not isinstance(value, dict):
        raise BadInput(f'not an object but {quoted(line, 40)}; write one task a line, such as {{"name": "…"}}')
    return value


def _subject(record: Mapping[str, Any]) -> Subject:
    name = record.get("id")
    if isinstance(name, (list, dict)):
        raise BadInput("id is neither a text nor a number")
    return Subject(
        id=name,
        name=_text(record, "name") or "",
        description=_text(record, "description") or "",
        criteria=_texts(record, "criteria"),
        steps=_text(record, "steps"),
        category=_text(record, "category"),
        estimated_time=_text(record, "estimated_time"),
    )


def _text(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    if value is None or isinstance(value, str):
        return value
    raise BadInput(f"{key} is not a text but {quoted(json.dumps(value, ensure_ascii=False), 40)}")


def _texts(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = record.get(key)
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    texts: list[str] = []
    for item in items:
        text = item.get("text") if isinstance(item, dict) else item
        if not isinstance(text, str):
            raise BadInput(f"{key} is not a list of texts")
        texts.append(text)
    return tuple(texts)
