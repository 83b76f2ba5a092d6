"""Every edit case through the command line: nothing but what the case says is different afterwards."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_nothing_else_changes(case: EditCase, shared_root: Path, typed: Callable[..., Answered], monkeypatch: pytest.MonkeyPatch) -> None:
    queue = shared_root / "BUILD_QUEUE.md"
    shutil.rmtree(shared_root / "subagents", ignore_errors=True)
    queue.write_bytes(case.before)
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
