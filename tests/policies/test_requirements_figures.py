"""The figures of the requirements rules on labelled tasks: how many unclear tasks are asked about, how many clear ones."""

from __future__ import annotations

import pytest

from autobuilds.policies.measure import Figures, format_figures, measure
from tests.policies.requirements_rules import answer, tasks_of

SETS: list[tuple[str, dict[str, object], float, float]] = [
    ("clarity-dev.jsonl", {}, 0.98, 0.04),
    ("clarity-own.jsonl", {"batch": 1, "split": "learn"}, 0.98, 0.06),
    ("clarity-own.jsonl", {"batch": 1, "split": "final"}, 0.95, 0.06),
    ("clarity-own.jsonl", {"batch": 2}, 0.95, 0.08),
    ("clarity-own.jsonl", {"batch": 3}, 0.90, 0.10),
]


def _figures(name: str, wanted: dict[str, object]) -> Figures:
    return measure(tasks_of(name, **wanted), answer)


@pytest.mark.parametrize(("name", "wanted", "recall", "alarms"), SETS)
def test_unclear_tasks_are_asked_about_and_clear_ones_start(name: str, wanted: dict[str, object], recall: float, alarms: float) -> None:
    figures = _figures(name, wanted)
    assert figures.recall.whole >= 20 and figures.alarms.whole >= 20
    assert figures.recall.ratio >= recall, format_figures(name, figures)
    assert figures.alarms.ratio <= alarms, format_figures(name, figures)


def test_what_is_missing_is_named_for_nearly_all() -> None:
    for name in ("clarity-dev.jsonl", "clarity-own.jsonl"):
        figures = _figures(name, {})
        assert figures.kind_named.ratio >= 0.9, format_figures(name, figures)


def test_short_or_misleading_clear_tasks_are_no_worse_than_one_in_ten() -> None:
    for name in ("clarity-dev.jsonl", "clarity-own.jsonl"):
        figures = _figures(name, {})
        assert figures.alarms_hard.ratio <= 0.1, format_figures(name, figures)
        assert figures.recall_hard.ratio >= 0.95, format_figures(name, figures)


def test_own_ids_are_unique_and_labels_whole() -> None:
    tasks = tasks_of("clarity-own.jsonl")
    assert len({t.id for t in tasks}) == len(tasks) >= 200
    assert all(bool(t.kinds) == t.asked for t in tasks)
