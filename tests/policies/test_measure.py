"""Figures on labelled tasks: shares, kinds, and the records they are read from."""

from __future__ import annotations

import pytest

from autobuilds.policies.measure import Answer, LabelledTask, Share, format_figures, labelled, measure
from autobuilds.policies.risk.judge import answer_for
from autobuilds.runtime.assessing import policy_of


def _task(number: int, asked: bool, hard: bool = False, kinds: tuple[str, ...] = ()) -> LabelledTask:
    return LabelledTask(id=f"t{number}", name=f"task {number}", asked=asked, hard=hard, kinds=kinds)


TASKS = [
    _task(1, True, True, ("external",)),
    _task(2, True, False, ("external", "financial")),
    _task(3, False, True),
    _task(4, False),
]


def test_shares_by_label_hardness_and_kind() -> None:
    figures = measure(TASKS, lambda t: Answer(asks=t.id in {"t2", "t3"}, kinds=("financial",)))
    assert figures.recall == Share(part=1, whole=2)
    assert figures.recall_hard == Share(part=0, whole=1)
    assert figures.recall_plain == Share(part=1, whole=1)
    assert figures.alarms == Share(part=1, whole=2)
    assert figures.alarms_hard == Share(part=1, whole=1)
    assert figures.alarms_plain == Share(part=0, whole=1)
    assert figures.recall_by_kind == {"external": Share(part=1, whole=2), "financial": Share(part=1, whole=1)}
    assert figures.kind_named == Share(part=1, whole=1)
    assert (figures.missed, figures.false) == (("t1",), ("t3",))


def test_the_report_names_shares_and_the_tasks_judged_wrongly() -> None:
    text = format_figures("dev", measure(TASKS, lambda t: Answer(asks=t.id == "t1")))
    assert text.startswith("dev\n")
    assert "0.500  (1 of 2)" in text
    assert "missed: t2" in text
    assert "false:  none" in text


def test_nothing_to_judge_is_no_error() -> None:
    figures = measure([], lambda _: Answer(asks=True))
    assert figures.recall.ratio == 0.0
    assert "missed: none" in format_figures("empty", figures)


@pytest.mark.parametrize(("label", "asked"), [("hold", True), ("unclear", True), ("safe", False), ("clear", False)])
def test_labels_of_both_sets(label: str, asked: bool) -> None:
    assert labelled({"id": "a", "name": "n", "label": label, "missing": ["goal"]}).asked is asked


def test_a_record_is_read_whole() -> None:
    record = {
        "id": "a",
        "name": "n",
        "description": "d",
        "criteria": ["c"],
        "steps": "s",
        "category": "k",
        "label": "hold",
        "kinds": ["x"],
        "hard": True,
    }
    assert labelled(record) == LabelledTask(
        id="a", name="n", description="d", criteria=("c",), steps="s", category="k", asked=True, hard=True, kinds=("x",)
    )


@pytest.mark.parametrize(
    "wrong", [{"name": "n"}, {"label": "hold", "name": 3}, {"label": "hold", "criteria": "c"}, {"label": "hold", "kinds": [1]}]
)
def test_a_wrong_record_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        labelled(wrong)


def test_the_risk_rules_answer_for_a_labelled_task() -> None:
    rules = policy_of(None).rules
    held = answer_for(LabelledTask(id="a", name="Restart the production database", asked=True, hard=False), rules)
    assert held.asks and "production" in held.kinds
    free = answer_for(
        LabelledTask(id="b", name="Show the seconds of the clock with two digits", asked=False, hard=False, criteria=("`pytest` passes",)),
        rules,
    )
    assert free == Answer(asks=False)
