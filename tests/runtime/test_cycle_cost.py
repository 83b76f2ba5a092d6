"""What a whole build costs besides its work, from a line saved by hand to the committed status: counted, never timed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git

HEARTBEAT = "---\ntimezone: UTC\nsandbox: none\nagent: command\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\ndeliver: review\n---\n# Heartbeat\n"
QUEUE = "# Build Queue\n\n## Active Queue\n\n## Task Details\n\n## Completed\n"
TASK = """- [ ] Write the note - Added: 2026-10-01 12:00 - Priority: High
  - **Description:** `notes/one.txt` holds one line: `one`.
  - **Completion Criteria:** the file is there: `test -s notes/one.txt`
  - **Category:** Documentation
  - **Steps:** `mkdir -p notes && echo one > notes/one.txt`
"""
#: Of a build: its clone's files; what its work is, taken in four steps.
OF_THE_BUILD = ["diff-index", "ls-files", "read-tree", "reset", "update-index"]
#: Of the history: who the owner is, and the index brought up to date with each commit.
OF_THE_COMMITS = ["update-index", "update-index", "update-index", "update-index", "var"]
#: Of the diary: whether the day's file, new with its first entry, may be committed; what a commit holds already is not asked about.
OF_THE_DIARY = ["check-ignore"]


def _commands(log: Path) -> list[str]:
    """Return the Git commands that were started, without options before them."""
    rows = [line.split() for line in log.read_text().split("\n") if line]
    found = []
    for row in rows:
        words = iter(row)
        word = next(words)
        while word.startswith("-"):
            if word == "-c":
                next(words)
            word = next(words)
        found.append(word)
    return sorted(found)


def test_a_build_takes_ten_processes_of_git_and_four_commits_and_the_first_of_a_day_one_more(
    make_repo: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repo({"BUILD_QUEUE.md": QUEUE, "HEARTBEAT.md": HEARTBEAT, ".gitignore": ".autobuilds/\n", ".gitattributes": "*.md text\n"})
    git(root, "gc", "-q")
    bin_, log = tmp_path / "bin", tmp_path / "git.log"
    bin_.mkdir()
    (bin_ / "git").write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {shutil.which("git")} "$@"\n')
    (bin_ / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")

    def beat() -> str:
        log.write_text("")
        argv = [sys.executable, "-m", "autobuilds", "heartbeat", "--wait"]
        done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    beat()
    before = int(git(root, "rev-list", "--count", "HEAD"))
    (root / "BUILD_QUEUE.md").write_text(QUEUE.replace("## Active Queue\n", f"## Active Queue\n{TASK}"))
    assert "waits for your review" in beat()
    started = _commands(log)
    assert started == sorted(OF_THE_BUILD + OF_THE_COMMITS + OF_THE_DIARY)
    assert int(git(root, "rev-list", "--count", "HEAD")) == before + 4
    assert git(root, "show", "build/write-the-note:notes/one.txt") == "one"
    (diary,) = (root / "memory").iterdir()
    assert "Build completed: Write the note" in git(root, "show", f"HEAD:memory/{diary.name}")
    queue = (root / "BUILD_QUEUE.md").read_text()
    (root / "BUILD_QUEUE.md").write_text(
        queue.replace("## Active Queue\n", f"## Active Queue\n{TASK.replace('one', 'two').replace('Write the', 'A second')}")
    )
    assert "waits for your review" in beat()
    assert _commands(log) == sorted(OF_THE_BUILD + OF_THE_COMMITS)
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "fsck", "--strict", "--no-dangling") == ""
