"""A corpus of queues as many people write them, each with what a careful reader of the format takes from it."""

# ruff: noqa: SIM905 - the published list reads better as one string
from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autobuilds.cli.formatters.json_ import check_json, list_json
from autobuilds.store.queue.opinions import second_opinions
from autobuilds.store.queue.reader import read_queue, read_thoroughly

CORPUS = Path(__file__).parents[2] / "data" / "corpus"
CASES: list[dict[str, Any]] = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
ZONE = ZoneInfo("UTC")
KINDS = frozenset(
    "unknown-priority bad-date bad-estimate bad-value unknown-key repeated-key repeated-field duplicate unknown-dependency orphan-details "
    "missing-section duplicate-section near-miss unclosed-fence unclosed-comment front-matter conflict-markers not-utf8 nul-bytes "
    "half-written".split()
)


def holds(wanted: object, read: object) -> bool:
    """Whether what was read has all that is wanted: objects may have more keys, lists no more items."""
    if isinstance(wanted, dict) and isinstance(read, dict):
        return all(key in read and holds(value, read[key]) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(read, list):
        return len(wanted) == len(read) and all(map(holds, wanted, read))
    return wanted == read


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"].removesuffix(".md"))
def test_a_queue_is_read_as_a_person_reads_it(case: dict[str, Any]) -> None:
    data = (CORPUS / case["file"]).read_bytes()
    document = read_queue(data, zone=ZONE)
    answer = list_json(document.queue)
    problems = [[problem[key] for key in ("kind", "severity", "line", "column")] for problem in answer["problems"]]
    assert problems == case["problems"]
    assert answer["fatal"] is case["fatal"]
    assert [task["label"] for task in answer["tasks"]] == [task["label"] for task in case["tasks"]]
    for wanted, task in zip(case["tasks"], answer["tasks"], strict=True):
        assert {key: task[key] for key in wanted if not holds(wanted[key], task[key])} == {}
    assert answer["counts"] == case["counts"]
    counts = answer["counts"]
    assert counts["items"] == counts["tasks"] + counts["parts"] + counts["notes"] + counts["problems"]
    assert {problem["kind"] for problem in answer["problems"]} <= KINDS
    assert check_json(document.queue)["problems"] == answer["problems"]
    assert second_opinions(document) == ()


def test_both_ways_of_reading_agree() -> None:
    for case in CASES:
        data = (CORPUS / case["file"]).read_bytes()
        quick = read_queue(data, zone=ZONE)
        if not quick.queue.fatal:
            assert read_thoroughly(data, quick.text, ZONE, "BUILD_QUEUE.md", bom=quick.bom).queue == quick.queue, case["file"]


def test_every_file_is_a_case() -> None:
    assert sorted(path.name for path in CORPUS.glob("*.md")) == sorted(case["file"] for case in CASES)


def test_errors_hold_their_task_by_label() -> None:
    for case in CASES:
        queue = read_queue((CORPUS / case["file"]).read_bytes(), zone=ZONE).queue
        for problem in queue.problems:
            if problem.severity == "error" and not queue.fatal:
                held = [task for task in queue.tasks if problem in task.problems]
                assert held and {task.label for task in held} == {problem.label}, case["file"]
