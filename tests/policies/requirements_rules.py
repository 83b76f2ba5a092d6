"""Reading of the shipped requirements tables and of the labelled tasks for the tests of this folder."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from autobuilds.domain.policy import PhraseRule
from autobuilds.domain.verdicts import ClarityJudgement, Verdict
from autobuilds.policies.measure import Answer, LabelledTask, labelled
from autobuilds.policies.requirements import judge_requirements
from autobuilds.store.policy import read_policy

ROOT = Path(__file__).resolve().parents[2]
LABELS = ROOT / "tests" / "data" / "labels"


@lru_cache(maxsize=1)
def shipped_rules() -> tuple[PhraseRule, ...]:
    """The rows of all tables of the shipped DECISION_FRAMEWORK.md."""
    return read_policy(None, (ROOT / "templates" / "DECISION_FRAMEWORK.md").read_bytes()).rules


def tasks_of(name: str, **wanted: object) -> list[LabelledTask]:
    """The tasks of one labelled set whose record has these values."""
    records = [json.loads(line) for line in (LABELS / name).read_text(encoding="utf-8").split("\n") if line]
    return [labelled(r) for r in records if all(r.get(key) == value for key, value in wanted.items())]


def judge(
    name: str,
    description: str = "",
    criteria: tuple[str, ...] = ("`pytest tests/test_it.py` passes",),
    steps: str | None = None,
    estimated_time: str | None = None,
) -> ClarityJudgement:
    """What the shipped rules say of a task."""
    return judge_requirements(name, description, criteria, steps, estimated_time, shipped_rules())


def answer(task: LabelledTask) -> Answer:
    """What the shipped rules answer for a labelled task."""
    judged = judge(task.name, task.description, task.criteria, task.steps, task.estimated_time)
    return Answer(asks=judged.verdict is Verdict.ASK, kinds=judged.missing)
