"""The machine output is a contract (docs/reference/json.md): keys here may be added to, never renamed, retyped or removed."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from autobuilds.cli.formatters import json_
from autobuilds.domain.model import Criterion, Queue
from autobuilds.runtime.recalling import Recalled
from autobuilds.runtime.report_view import report_view
from autobuilds.runtime.status_view import status_view
from tests.runtime.sample_state import ASSESSMENTS, MOMENT, NOW, PROGRESS, SNAPSHOT, START, TASKS, task

TEXT, NUMBER, FLAG, TIME = "text", "number", "flag", "time"


def _optional(shape: object) -> tuple[object]:
    return (shape,)


TASK = {
    "label": TEXT,
    "name": TEXT,
    "section": TEXT,
    "checked": FLAG,
    "priority": TEXT,
    "added": _optional(TIME),
    "completed": _optional(TIME),
    "description": TEXT,
    "criteria": [{"text": TEXT, "checked": FLAG, "command": _optional(TEXT)}],
    "tech_stack": _optional(TEXT),
    "estimated_minutes": _optional({"min": NUMBER, "max": NUMBER}),
    "category": _optional(TEXT),
    "blockers": [TEXT],
    "depends_on": [TEXT],
    "touches": [TEXT],
    "not_before": _optional(TIME),
    "approved": FLAG,
    "source": _optional(TEXT),
    "line": NUMBER,
    "end_line": NUMBER,
}
PROBLEM = {"line": NUMBER, "column": NUMBER, "kind": TEXT, "severity": TEXT, "message": TEXT, "label": _optional(TEXT)}
COUNTS = {"tasks": NUMBER, "parts": NUMBER, "notes": NUMBER, "problems": NUMBER, "items": NUMBER}
GATE = {"gate": TEXT, "verdict": TEXT, "reason": TEXT, "until": _optional(TIME), "fix": _optional(TEXT)}
NEEDS = {"kind": TEXT, "label": _optional(TEXT), "reason": TEXT, "command": TEXT, "details": [TEXT]}
DONE = {
    "label": TEXT,
    "name": TEXT,
    "evidence": TEXT,
    "finished": _optional(TIME),
    "branch": _optional(TEXT),
    "delivered": _optional(TEXT),
    "checks_passed": NUMBER,
    "checks_total": NUMBER,
    "files_changed": _optional(NUMBER),
    "lines_added": _optional(NUMBER),
    "lines_removed": _optional(NUMBER),
    "agent": _optional(TEXT),
    "model": _optional(TEXT),
    "attempts": NUMBER,
    "tokens": _optional(NUMBER),
    "pull_request": _optional(TEXT),
}
BUILDING = {
    "label": TEXT,
    "name": TEXT,
    "attempt": NUMBER,
    "agent": TEXT,
    "started": TIME,
    "percent": _optional(NUMBER),
    "step": _optional(TEXT),
    "last": _optional(TEXT),
    "ready": _optional(TIME),
    "ready_from": _optional(TIME),
    "ready_to": _optional(TIME),
    "stalled": FLAG,
    "sandbox": TEXT,
    "branch": _optional(TEXT),
    "model": _optional(TEXT),
    "tokens": _optional(NUMBER),
}
QUEUE_ROW = {
    "position": NUMBER,
    "label": TEXT,
    "name": TEXT,
    "priority": TEXT,
    "verdict": TEXT,
    "gate": _optional(TEXT),
    "reason": TEXT,
    "opens": _optional(TIME),
    "fix": _optional(TEXT),
    "others": [TEXT],
    "told": FLAG,
}
FAILED = {
    "label": TEXT,
    "name": TEXT,
    "state": TEXT,
    "outcome": _optional(TEXT),
    "reason": TEXT,
    "attempts": NUMBER,
    "ended": _optional(TIME),
    "retry_at": _optional(TIME),
    "log": _optional(TEXT),
    "failure": _optional(TEXT),
    "told": FLAG,
}
AGENT = {
    "name": TEXT,
    "found": FLAG,
    "version": _optional(TEXT),
    "install": _optional(TEXT),
    "limited_until": _optional(TIME),
    "signed_in": _optional(FLAG),
    "verified": FLAG,
    "held": _optional(TEXT),
}
HEALTH = {
    "starts": TEXT,
    "agents": [AGENT],
    "sandbox": _optional(TEXT),
    "sandbox_weaker": TEXT,
    "sandbox_fix": TEXT,
    "limits": {"disk": TEXT, "memory": TEXT, "load": TEXT},
    "slots_used": NUMBER,
    "slots": NUMBER,
    "session": TEXT,
    "errors": [TEXT],
}


def _matches(value: Any, shape: Any, at: str) -> None:
    """Assert that a value has at least the keys of its shape, each of its type."""
    if isinstance(shape, tuple):
        if value is not None:
            _matches(value, shape[0], at)
    elif isinstance(shape, dict):
        assert isinstance(value, dict), at
        assert set(shape) <= set(value), f"{at}: missing {set(shape) - set(value)}"
        for key, inner in shape.items():
            _matches(value[key], inner, f"{at}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), at
        for number, item in enumerate(value):
            _matches(item, shape[0], f"{at}[{number}]")
    elif shape == NUMBER:
        assert isinstance(value, int) and not isinstance(value, bool), at
    elif shape == FLAG:
        assert isinstance(value, bool), at
    else:
        assert isinstance(value, str), at
        if shape == TIME:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", value), f"{at}: {value}"
            assert datetime.fromisoformat(value).tzinfo is not None


RECALLED = Recalled(
    commit="1" * 40,
    files="2" * 40,
    now=NOW,
    snapshot=SNAPSHOT,
    assessments=ASSESSMENTS,
    started="spotify",
    recorded={"state": "not started"},
    differing=("state",),
    unknown=("agent",),
    notes=("x",),
)


def _answers() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    view = status_view(SNAPSHOT, MOMENT, ASSESSMENTS, PROGRESS)
    report = report_view(SNAPSHOT, START.date(), MOMENT.now.tzinfo, moment=MOMENT, assessments=ASSESSMENTS, progress=PROGRESS)  # type: ignore[arg-type]
    transitions = [{"label": "spotify", "event": "started", "attempt": 2, "at": NOW}]
    return {
        "list": (json_.list_json(SNAPSHOT.queue), {"tasks": [TASK], "problems": [PROBLEM], "counts": COUNTS, "fatal": FLAG}),
        "check": (json_.check_json(SNAPSHOT.queue), {"problems": [PROBLEM], "counts": COUNTS}),
        "show": (json_.show_json(TASKS[0]), {"task": TASK}),
        "why": (json_.why_json(ASSESSMENTS), {"tasks": [{"label": TEXT, "verdict": TEXT, "gates": [GATE]}]}),
        "why at": (
            json_.envelope("why at", at=json_.at_json(RECALLED)),
            {
                "at": {
                    "commit": TEXT,
                    "files": TEXT,
                    "time": TIME,
                    "started": _optional(TEXT),
                    "differing": [TEXT],
                    "unknown": [TEXT],
                    "notes": [TEXT],
                }
            },
        ),
        "status": (
            json_.status_json(view),
            {
                "headline": TEXT,
                "needs_you": [NEEDS],
                "building": [BUILDING],
                "review": [DONE],
                "queue": [QUEUE_ROW],
                "completed": [DONE],
                "failed": [FAILED],
                "health": HEALTH,
                "ok": FLAG,
            },
        ),
        "heartbeat": (
            json_.heartbeat_json(transitions, view.needs_you, ok=False, faults=["x"]),
            {"transitions": [{"label": TEXT, "event": TEXT, "at": TIME}], "needs_you": [NEEDS], "ok": FLAG, "faults": [TEXT]},
        ),
        "report": (
            json_.report_json(report),
            {
                "day": TEXT,
                "headline": TEXT,
                "verified": [DONE],
                "claimed": [DONE],
                "active": [BUILDING],
                "queue": [QUEUE_ROW],
                "needs_you": [NEEDS],
            },
        ),
    }


KINDS = ["list", "check", "show", "why", "status", "heartbeat", "report"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_keeps_its_shape(kind: str) -> None:
    answer, shape = _answers()[kind]
    plain = json.loads(json.dumps(answer, ensure_ascii=False))
    assert plain == answer, "an answer holds something that JSON can't"
    assert (plain["schema"], plain["kind"]) == (1, kind)
    _matches(plain, shape, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_documented(kind: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    assert f"`{kind}`" in text

    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {k for v in value.values() for k in keys(v)}
        return {k for v in value for k in keys(v)} if isinstance(value, list) else set()

    answer = _answers()[kind][0]
    answer = {k: v for k, v in answer.items() if k != "figures"}
    assert {k for k in keys(answer) if f"`{k}`" not in text} == set()


def test_words_are_the_documented_ones() -> None:
    tasks = json_.list_json(SNAPSHOT.queue)["tasks"]
    assert {t["section"] for t in tasks} == {"active", "completed"}
    assert {t["priority"] for t in tasks} <= {"high", "medium", "low"}
    assert {t["verdict"] for t in json_.why_json(ASSESSMENTS)["tasks"]} == {"wait", "ask"}
    assert {p["severity"] for p in json_.check_json(SNAPSHOT.queue)["problems"]} == {"warning"}


def test_a_task_as_it_stands_in_the_answer() -> None:
    given = json_.task_json(TASKS[0])
    assert given["added"] == "2026-02-06T15:00:00+00:00"
    assert given["estimated_minutes"] == {"min": 180, "max": 300}
    assert [c["command"] for c in given["criteria"]] == [None, "pytest -q"]
    assert json_.task_json(TASKS[1])["estimated_minutes"] is None


def test_two_commands_of_a_criterion_are_one_that_needs_both() -> None:
    both = task("a", criteria=(Criterion(text="x", commands=("make", "make test")),))
    assert json_.task_json(both)["criteria"][0]["command"] == "make && make test"


def test_a_queue_that_can_not_be_trusted_has_no_tasks() -> None:
    answer = json_.list_json(Queue(fatal=True))
    assert answer["fatal"] is True and answer["tasks"] == []


def test_add_and_set_answer_like_show() -> None:
    assert json_.show_json(TASKS[0], "add") == {**json_.show_json(TASKS[0]), "kind": "add"}
