"""Killed at any point of a commit: the next one works, Git is sound, the owner's index and tree are as they were."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from tests.adapters.attempts import kill_group
from tests.conftest import git

#: Points at which the committing process and everything it started are killed.
POINTS = 72


def commit_and_be_killed(root: Path, text: str, after: float) -> bool:
    """Commit in a process of its own, kill it with all its children after so many seconds; return whether it was killed in time."""
    process = os.fork()
    if process == 0:
        os.setsid()
        try:
            GitRepo(root).commit(["BUILD_QUEUE.md"], text)
        finally:
            os._exit(0)
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
    return os.WIFSIGNALED(kill_group(process))


@pytest.mark.slow
def test_a_kill_at_any_point_leaves_nothing_in_the_way(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"BUILD_QUEUE.md": "# Queue\n", "work.py": "1\n", "staged.py": "1\n"})
    (root / "work.py").write_text("unstaged\n")
    (root / "staged.py").write_text("staged\n")
    git(root, "add", "staged.py")
    before = git(root, "status", "--porcelain")
    choose = random.Random(7)
    repo = GitRepo(root)
    killed = 0
    for point in range(POINTS):
        (root / "BUILD_QUEUE.md").write_text(f"# {point}\n")
        killed += commit_and_be_killed(root, f"ours {point}", 0.0005 + choose.random() * 0.014)
        (root / "BUILD_QUEUE.md").write_text(f"# after {point}\n")
        assert repo.commit(["BUILD_QUEUE.md"], f"after {point}") == git(root, "rev-parse", "HEAD")
        assert git(root, "status", "--porcelain") == before
        assert git(root, "show", ":staged.py") == "staged"
        assert (root / "work.py").read_text() == "unstaged\n"
    assert killed >= POINTS // 2
    assert list((root / ".git").glob("*.lock")) == list((root / ".git").glob("autobuilds-*")) == []
    assert not list((root / ".git/refs").rglob("*.lock"))
    done = subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    git(root, "commit", "-qm", "the owner's own commit works")
