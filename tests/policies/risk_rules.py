"""The shipped risk rules and the labelled tasks, for the tests of this folder."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from autobuilds.domain.policy import PhraseRule
from autobuilds.domain.verdicts import RiskJudgement
from autobuilds.policies.measure import Answer, LabelledTask, labelled
from autobuilds.policies.risk import answer_for, judge_risk
from autobuilds.store.policy import read_policy

ROOT = Path(__file__).resolve().parents[2]
LABELS = ROOT / "tests" / "data" / "labels"


@lru_cache(maxsize=1)
def shipped_rules() -> tuple[PhraseRule, ...]:
    """The rows of the rule tables of the shipped DECISION_FRAMEWORK.md."""
    return read_policy(None, (ROOT / "templates" / "DECISION_FRAMEWORK.md").read_bytes()).rules


def tasks_of(name: str, split: str | None = None) -> list[LabelledTask]:
    """The tasks of one labelled set, or of one split of it."""
    records = [json.loads(line) for line in (LABELS / name).read_text(encoding="utf-8").split("\n") if line]
    return [labelled(r) for r in records if split is None or r.get("split") == split]


def judge(name: str, description: str = "", criteria: tuple[str, ...] = (), steps: str | None = None) -> RiskJudgement:
    """What the shipped rules say of a task."""
    return judge_risk(name, description, criteria, steps, None, shipped_rules())


def answer(task: LabelledTask) -> Answer:
    """The shipped rules as a judge of labelled tasks."""
    return answer_for(task, shipped_rules())
