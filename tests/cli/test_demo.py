"""The demo, run to its end as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git


@pytest.mark.slow
def test_the_demo_tells_its_story_and_leaves_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "autobuilds", "demo", str(folder)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    story = [line.split(maxsplit=2)[:2] for line in done.stdout.split("\n") if line.startswith("  ")]
    for step in (
        ["slug-function", "start"],
        ["slug-function", "delivered"],
        ["file-name-command", "delivered"],
        ["word-counter", "failed"],
        ["word-counter", "escalated"],
        ["clean-up-the-old-accounts", "asks"],
        ["describe-the-functions", "waits"],
    ):
        assert step in story, f"{step} is missing in:\n{done.stdout}"
    assert story.index(["slug-function", "delivered"]) < story.index(["file-name-command", "start"])
    states = {b["label"]: b["state"] for b in json.loads((folder / "subagents" / "active.json").read_text())["builds"]}
    assert states == {"slug-function": "completed", "file-name-command": "completed", "word-counter": "escalated"}
    run = subprocess.run([sys.executable, "filename.py", "My Report"], cwd=folder, capture_output=True, text=True, check=True)
    assert run.stdout == "my-report.txt\n"
    assert git(folder, "status", "--porcelain") == ""
    status = (folder / "BUILD_STATUS.md").read_text()
    assert "word-counter" in status
    assert "clean-up-the-old-accounts" in status


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "autobuilds", "demo", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not an empty folder" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"
