"""How good the risk and requirements rules are on the labelled tasks: recall, false alarms, each kind, and which tasks are wrong.

Run with `python3 tasks.py figures [FILE.jsonl ...]`; a file's name begins with `risk` or `clarity`, which says the rules it is for. Where
records carry a `split`, what the rules were written on (`learn`) and what they were not (`test`) are shown apart.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autobuilds.domain.policy import PhraseRule
from autobuilds.domain.verdicts import Verdict
from autobuilds.policies.measure import Answer, Figures, LabelledTask, format_figures, labelled, measure
from autobuilds.policies.requirements import judge_requirements
from autobuilds.policies.risk import judge_risk
from autobuilds.runtime.assessing import policy_of

LABELS = Path(__file__).resolve().parents[1] / "tests" / "data" / "labels"


def judge_of(kind: str, rules: Sequence[PhraseRule]) -> Callable[[LabelledTask], Answer]:
    """Return the packaged rules of a kind, `risk` or `clarity`, as a judge of labelled tasks."""

    def risk(task: LabelledTask) -> Answer:
        said = judge_risk(task.name, task.description, task.criteria, task.steps, task.category, rules)
        return Answer(asks=said.verdict is Verdict.ASK, kinds=said.kinds)

    def clarity(task: LabelledTask) -> Answer:
        said = judge_requirements(task.name, task.description, task.criteria, task.steps, task.estimated_time, rules)
        return Answer(asks=said.verdict is Verdict.ASK, kinds=said.missing)

    return risk if kind == "risk" else clarity


def figures_of(path: Path, rules: Sequence[PhraseRule]) -> dict[str, Figures]:
    """Return the figures of one labelled set, by its title; raises ValueError for a file that is for neither of the rules."""
    kind = path.name.partition("-")[0]
    if kind not in {"risk", "clarity"}:
        raise ValueError(f"{path.name}: the name begins with neither risk- nor clarity-")
    records: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    judge = judge_of(kind, rules)
    splits = sorted({str(record["split"]) for record in records if "split" in record})
    found = {path.name: measure(map(labelled, records), judge)}
    if len(splits) > 1:
        for split in splits:
            found[f"{path.name}, {split}"] = measure((labelled(r) for r in records if r.get("split") == split), judge)
    return found


def main(names: Sequence[str]) -> int:
    """Print the figures of the files named, or of all labelled sets."""
    rules = policy_of(None).rules
    for path in [Path(name) for name in names] or sorted(LABELS.glob("*.jsonl")):
        try:
            found = figures_of(path, rules)
        except (OSError, ValueError) as wrong:
            print(f"{path}: {wrong}", file=sys.stderr)
            return 2
        for title, figures in found.items():
            print(format_figures(title, figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
