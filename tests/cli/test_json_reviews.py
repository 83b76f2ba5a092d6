"""The machine output of review, bisect and watch is a contract too (docs/reference/json.md): additive changes only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autobuilds.cli.formatters import bisect_text, json_, reviews, watch_text
from autobuilds.domain.build import BuildState
from autobuilds.ports import Commit, FileStat
from autobuilds.runtime.bisecting import Answer, Finding, Run
from autobuilds.runtime.status_view import status_view
from autobuilds.runtime.story import Prompt, Story
from tests.cli.test_json_contract import DONE, FLAG, NUMBER, TEXT, TIME, _matches, _optional
from tests.runtime.sample_state import ASSESSMENTS, MOMENT, NOW, PASSED, PROGRESS, SNAPSHOT, attempt, build

READY = build(
    "docs", BuildState.REVIEW, attempt("docs", ended=NOW, checks=(PASSED,), said="Done.", pull_request="https://f.example/a/b/pull/1")
)
STORY = Story(
    build=READY,
    attempt=READY.attempts[0],
    task=None,
    prompt=Prompt(file="prompt.md", text=None, why="is gone"),
    did=("edits a.py",),
    files=(FileStat(path="a.py", added=1, removed=0), FileStat(path="b.png", added=None, removed=None)),
    diff="+x\n",
    log_tail="",
    progress="",
    commands=("autobuilds accept docs",),
)
CULPRIT = Commit(sha="a" * 40, when=NOW, subject="Merge build docs: Docs", trailers={"Build": "docs"}, parents=("b" * 40,))
RUNS = (Run(commit="a" * 40, label="docs", passed=False, seconds=0.5, exit_code=1, tail="x"),)
ANSWER = Answer(
    finding=Finding.BUILD,
    good="b" * 40,
    bad="a" * 40,
    commands=("make",),
    runs=RUNS,
    culprit=CULPRIT,
    label="docs",
    before="b" * 40,
    tail="x",
)
PICTURE = watch_text.Picture(
    view=status_view(SNAPSHOT, MOMENT, ASSESSMENTS, PROGRESS),
    builds=SNAPSHOT.ledger.active,
    progress=PROGRESS,
    now=NOW,
    output={"spotify": ("building", "testing")},
)
FILE = {"path": TEXT, "added": _optional(NUMBER), "removed": _optional(NUMBER)}
ATTEMPT = {
    **dict.fromkeys(("id", "agent", "sandbox", "started"), TEXT),
    **{name: _optional(TEXT) for name in ("outcome", "reason", "failure", "model", "ended", "evidence", "said", "pull_request")},
    "number": NUMBER,
    "notes": [TEXT],
}
ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "review": (
        reviews.review_json(STORY),
        {
            "build": {"label": TEXT, "name": TEXT, "state": TEXT, "reason": _optional(TEXT), "attempts": [ATTEMPT]},
            "attempt": NUMBER,
            "prompt": {"file": TEXT, "text": _optional(TEXT)},
            "did": [TEXT],
            "files": [FILE],
            **dict.fromkeys(("diff", "log_tail", "progress"), TEXT),
            "commands": [TEXT],
            "faults": [TEXT],
        },
    ),
    "waiting": (reviews.waiting_json([READY]), {"waiting": [{**DONE, "reason": _optional(TEXT), "pull_request": _optional(TEXT)}]}),
    "bisect": (
        bisect_text.bisect_json(ANSWER),
        {
            **dict.fromkeys(("finding", "reason", "good", "bad", "tail"), TEXT),
            **{name: _optional(TEXT) for name in ("label", "commit", "before", "subject")},
            "when": _optional(TIME),
            "commands": [TEXT],
            "runs": [{"commit": TEXT, "label": _optional(TEXT), "passed": FLAG, "exit_code": _optional(NUMBER), "tail": TEXT}],
        },
    ),
    "watch": (
        json_.envelope("watch", at=NOW, running=watch_text.running(PICTURE)),
        {
            "at": TIME,
            "running": [
                {
                    **dict.fromkeys(("attempt", "seconds"), NUMBER),
                    "label": TEXT,
                    "percent": _optional(NUMBER),
                    "step": _optional(TEXT),
                    "activities": [TEXT],
                    "questions": [TEXT],
                }
            ],
        },
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_keeps_its_shape_and_its_keys_are_documented(name: str) -> None:
    answer, shape = ANSWERS[name]
    assert json.loads(json.dumps(answer)) == answer
    _matches(answer, shape, name)
    text = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    assert f"## `{answer['kind']}`" in text
    rows = [answer, *answer.get("runs", ()), *answer.get("running", ()), *answer.get("waiting", ()), *answer.get("files", ())]
    assert {key for row in rows for key in row if f"`{key}`" not in text} == {"schema", "kind"} - {
        k for k in ("schema", "kind") if f"`{k}`" in text
    }


def test_without_a_culprit_its_keys_are_null() -> None:
    answer = bisect_text.bisect_json(Answer(finding=Finding.NOT_BROKEN, good="b", bad="a", commands=("make",), runs=()))
    assert [answer[k] for k in ("label", "commit", "before", "subject", "when")] == [None] * 5
