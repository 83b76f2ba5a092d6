"""Edit cases through the command line: nothing but what the case says is different afterwards."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import HEARTBEAT, Answered
from tests.conftest import git
from tests.edit_cases import EditCase, cases, said


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one workspace for all cases; each writes its own queue there, and nothing is committed."""
    root = tmp_path_factory.mktemp("edits")
    git(root, "init", "--quiet")
    (root / "HEARTBEAT.md").write_text(HEARTBEAT)
    (root / ".gitignore").write_text(".autobuilds/\n")
    (root / "BUILD_QUEUE.md").write_text("## Active Queue\n")
    git(root, "add", ".")
    git(root, "-c", "user.name=Olive", "-c", "user.email=olive@example.org", "commit", "--quiet", "--message", "Start")
    return root


#: One of each command and each kind of refusal; all of them take long, and are tested without the command line as well.
_QUICK = frozenset(
    [
        "adding: everything, into Task Details",
        "adding: no final line end, cr lf, heading last",
        "adding: name with a line break",
        "adding: description with a line break",
        "adding: conflict markers are fatal",
        "completing: byte order mark and crlf without final line end",
        "completing: twice is once",
        "completing: another task has an error",
        "completing: entry with a date already",
        "setting: mend a typo",
        "setting: value with a carriage return",
        "ticking: second, nested, star, tab, cr lf",
        "ticking: zero",
        "words: approve twice",
        "words: there and back again",
        "words: a second block",
        "words: unblock a text",
    ]
)


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=() if case.name in _QUICK else pytest.mark.slow) for case in cases()],
)
def test_nothing_else_changes(case: EditCase, shared_root: Path, typed: Callable[..., Answered], monkeypatch: pytest.MonkeyPatch) -> None:
    queue = shared_root / "BUILD_QUEUE.md"
    for left in ("subagents", ".autobuilds"):
        shutil.rmtree(shared_root / left, ignore_errors=True)
    queue.write_bytes(case.before)
    os.utime(queue, (0, 0))  # at rest, not being saved just now
    monkeypatch.chdir(shared_root)
    monkeypatch.setenv("AUTOBUILDS_NOW", "2026-02-07T12:00:00+00:00")
    answered = [typed(*command, "--no-commit") for command in case.commands]
    last = answered[-1]
    after = queue.read_bytes()
    assert last.status == case.status, last.err or last.out
    assert all(one.status == 0 for one in answered[:-1])
    assert "Traceback" not in last.err
    assert case.wrong(after) == ""
    tasks = json.loads(typed("list", "--json").out)["tasks"] if case.claims else []
    assert [(label, path, said(tasks, label, path)) for label, path, _ in case.claims] == case.claims
