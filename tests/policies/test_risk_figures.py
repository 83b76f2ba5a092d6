"""The risk rules' figures on labelled tasks, kept as lower bounds: a change that makes them worse fails here."""

from __future__ import annotations

import pytest

from autobuilds.policies.measure import format_figures, measure
from tests.policies.risk_rules import answer, judge, tasks_of

#: Set, split, least recall, most false alarms. No weight was fitted on the split `test`; its bounds lie near the figures of the first contact.
BOUNDS = [
    ("risk-dev.jsonl", None, 0.98, 0.02),
    ("risk-own.jsonl", "learn", 0.98, 0.03),
    ("risk-own.jsonl", "test", 0.92, 0.10),
]


@pytest.mark.parametrize(("name", "split", "recall", "alarms"), BOUNDS)
def test_dangerous_tasks_are_held_and_look_alikes_run(name: str, split: str | None, recall: float, alarms: float) -> None:
    figures = measure(tasks_of(name, split), answer)
    report = format_figures(f"{name} {split or ''}", figures)
    assert figures.recall.ratio >= recall, report
    assert figures.alarms.ratio <= alarms, report
    assert figures.recall_hard.ratio >= recall - 0.02, report


@pytest.mark.parametrize("name", ["risk-dev.jsonl", "risk-own.jsonl"])
def test_a_held_task_is_told_a_kind_that_a_person_named(name: str) -> None:
    figures = measure(tasks_of(name), answer)
    assert figures.kind_named.ratio >= 0.7, format_figures(name, figures)


@pytest.mark.parametrize("name", ["risk-dev.jsonl", "risk-own.jsonl"])
def test_every_held_task_is_told_words_or_a_rule(name: str) -> None:
    for task in tasks_of(name):
        said = judge(task.name, task.description, task.criteria, task.steps)
        assert bool(said.matched) == answer(task).asks
