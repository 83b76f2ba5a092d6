"""Reading of the shipped risk tables and of the labelled tasks for the tests of this folder."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from autobuilds.domain.policy import PhraseRule
from autobuilds.domain.verdicts import RiskJudgement, Verdict
from autobuilds.policies.measure import Answer, LabelledTask, labelled
from autobuilds.policies.risk import judge_risk

ROOT = Path(__file__).resolve().parents[2]
LABELS = ROOT / "tests" / "data" / "labels"


@lru_cache(maxsize=1)
def shipped_rules() -> tuple[PhraseRule, ...]:
    """The rows of the risk tables of the shipped DECISION_FRAMEWORK.md."""
    rules: list[PhraseRule] = []
    table = ""
    for number, line in enumerate((ROOT / "templates" / "DECISION_FRAMEWORK.md").read_text(encoding="utf-8").split("\n"), 1):
        if line.startswith("#"):
            table = "-".join(line.strip("# ").lower().split())
        elif line.startswith("| ") and table.startswith("risk-") and not line.startswith("| kind"):
            kind, phrases, weight, note = (cell.strip() for cell in line.strip().strip("|").split(" | "))
            listed = tuple(p.strip() for p in phrases.split(",") if p.strip())
            rules.append(PhraseRule(table=table, kind=kind, phrases=listed, weight=float(weight), note=note, line=number))
    return tuple(rules)


def tasks_of(name: str, split: str | None = None) -> list[LabelledTask]:
    """The tasks of one labelled set, or of one split of it."""
    records = [json.loads(line) for line in (LABELS / name).read_text(encoding="utf-8").split("\n") if line]
    return [labelled(r) for r in records if split is None or r.get("split") == split]


def judge(name: str, description: str = "", criteria: tuple[str, ...] = (), steps: str | None = None) -> RiskJudgement:
    """What the shipped rules say of a task."""
    return judge_risk(name, description, criteria, steps, None, shipped_rules())


def answer(task: LabelledTask) -> Answer:
    """The shipped rules as a judge of labelled tasks."""
    said = judge(task.name, task.description, task.criteria, task.steps)
    return Answer(asks=said.verdict is Verdict.ASK, kinds=said.kinds)
