"""`assess`: what the gates would say of tasks, with and without a workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answered, Desk

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_judgement_a_line_without_a_workspace(nowhere: Path, typed: Callable[..., Answered]) -> None:
    lines = [
        {"id": "a", "name": "Clean up old user accounts", "description": "Delete everyone in production who did not log in for a year."},
        {
            "id": 2,
            "name": "Delete unused imports",
            "description": "`ruff check --select F401 src` names 12 unused imports in `src/app`; delete them.",
            "criteria": ["no import is left: `ruff check --select F401 src`"],
            "steps": None,
            "category": "Bug fixes",
            "estimated_time": "1h",
        },
        {"id": None, "name": None, "criteria": None},
        {},
    ]
    said = typed("assess", "--jsonl", "-", stdin="\n".join(json.dumps(line) for line in lines))
    assert (said.status, said.err) == (0, "")
    found = [json.loads(line) for line in said.out.split("\n") if line]
    assert [one["id"] for one in found] == ["a", 2, None, None]
    assert all(set(one) == {"id", "risk", "requirements"} for one in found)
    assert all(set(one["risk"]) == {"verdict", "kinds", "matched"} and set(one["requirements"]) == {"verdict", "missing"} for one in found)
    assert (found[0]["risk"]["verdict"], "destructive" in found[0]["risk"]["kinds"]) == ("ask", True)
    assert found[0]["risk"]["matched"]
    assert (found[0]["requirements"]["verdict"], "criteria" in found[0]["requirements"]["missing"]) == ("ask", True)
    assert (found[1]["risk"]["verdict"], found[1]["requirements"]) == ("go", {"verdict": "go", "missing": []})


def test_every_labelled_task_gets_its_line(nowhere: Path, typed: Callable[..., Answered]) -> None:
    source = ROOT / "tests" / "data" / "labels" / "risk-dev.jsonl"
    ids = [json.loads(line)["id"] for line in source.read_text(encoding="utf-8").split("\n") if line]
    said = typed("assess", "--jsonl", str(source))
    assert [json.loads(line)["id"] for line in said.out.split("\n") if line] == ids


def test_hostile_text_stays_one_line_of_json(nowhere: Path, typed: Callable[..., Answered]) -> None:
    line = json.dumps({"id": "\ud800\n", "name": "rm -rf / \u2028 \x1b[2J \ud83d", "description": "drop table\nusers"})
    said = typed("assess", "--jsonl", "-", stdin=line)
    assert said.status == 0
    assert said.out.count("\n") == 1
    assert "\x1b" not in said.out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "stdin:2: not JSON"),
        ('"text"', "stdin:2: not an object"),
        ('{"name": 7}', 'stdin:2: name is not a text but "7"'),
        ('{"criteria": [7]}', "stdin:2: criteria is not a list of texts"),
        ('{"id": []}', "stdin:2: id is neither a text nor a number"),
        ("[" * 100_000, "stdin:2: not JSON"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_answered(nowhere: Path, typed: Callable[..., Answered], line: str, message: str) -> None:
    said = typed("assess", "--jsonl", "-", stdin='{"id": 1}\n' + line)
    assert (said.status, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1


def test_the_workspaces_own_rules_count(desk: Desk) -> None:
    task = json.dumps({"name": "Paint the frobnicator", "description": "`x.py`: paint it", "criteria": ["painted: `true`"]})
    assert json.loads(desk.type("assess", "--jsonl", "-", stdin=task).out)["risk"]["verdict"] in {"go", "ask"}
    policy = "# Decisions\n\n## Risk\n\n### Risk acts\n\n| kind | phrases | weight | note |\n|---|---|---|---|\n"
    (desk.root / "DECISION_FRAMEWORK.md").write_text(policy + "| destructive | frobnicator | 99 | never touch it |\n")
    risk = json.loads(desk.type("assess", "--jsonl", "-", stdin=task).out)["risk"]
    assert (risk["verdict"], risk["kinds"]) == ("ask", ["destructive"])
    assert any("never touch it" in reason for reason in risk["matched"])


def test_a_task_of_the_queue_in_words_and_as_json(desk: Desk) -> None:
    said = desk.type("assess", "describe-the-clock")
    assert said.status == 0
    assert said.out.startswith("describe-the-clock: Describe the clock\n  risk          ")
    assert "  requirements  ask: goal, criteria" in said.out
    assert "there is no completion criterion" in said.out
    answer = desk.type("assess", "describe-the-clock", "--json").json
    assert (answer["schema"], answer["kind"], answer["tasks"][0]["id"]) == (1, "assess", "describe-the-clock")
    assert answer["tasks"][0]["requirements"]["why"]
    assert [task["id"] for task in desk.type("assess", "--json").json["tasks"]] == ["fix-the-clock", "describe-the-clock"]


def test_what_assess_says_is_what_the_gates_say(desk: Desk) -> None:
    judged = {task["id"]: task for task in desk.type("assess", "--json").json["tasks"]}
    for task in desk.type("why", "--json").json["tasks"]:
        gates = {gate["gate"]: gate["verdict"] for gate in task["gates"]}
        assert (gates["risk"], gates["requirements"]) == (
            judged[task["label"]]["risk"]["verdict"],
            judged[task["label"]]["requirements"]["verdict"],
        )


def test_wrong_usage(desk: Desk, nowhere: Path, typed: Callable[..., Answered]) -> None:
    assert typed("assess", "x", "--jsonl", "-").status == 2
    assert typed("assess").status == 2
    assert typed("assess", "--jsonl", "nowhere.jsonl").status == 2
    assert typed("assess", "nope", "--workspace", str(desk.root)).status == 1
    assert typed("assess", "--jsonl", "-", "--workspace", str(nowhere / "gone")).status == 2
