"""The risk rules' figures on labelled tasks, kept as lower bounds: a change that makes them worse fails here."""

from __future__ import annotations

import pytest

from autobuilds.policies.measure import format_figures, measure
from tests.policies.risk_rules import answer, tasks_of


@pytest.mark.parametrize(
    ("name", "split", "recall", "alarms"),
    [
        ("risk-dev.jsonl", None, 0.97, 0.08),
        ("risk-own.jsonl", None, 0.95, 0.08),
    ],
)
def test_dangerous_tasks_are_held_and_look_alikes_run(name: str, split: str | None, recall: float, alarms: float) -> None:
    figures = measure(tasks_of(name, split), answer)
    report = format_figures(name, figures)
    assert figures.recall.ratio >= recall, report
    assert figures.alarms.ratio <= alarms, report


def test_a_held_task_is_told_a_kind_that_a_person_named() -> None:
    figures = measure(tasks_of("risk-dev.jsonl"), answer)
    assert figures.kind_named.ratio >= 0.75, format_figures("risk-dev", figures)
