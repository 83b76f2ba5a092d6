"""Git merges the queue through the driver that `init` registers, and says what clashes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.cli.app import run
from autobuilds.cli.commands.start_hidden import _clashes
from tests.conftest import git

QUEUE = """# Build Queue

## Active Queue
- [ ] Alpha
- [ ] Beta

## Task Details

### Beta
- **Description:** beta text

## Completed
"""
GONE = QUEUE.replace("- [ ] Beta\n", "").replace("\n### Beta\n- **Description:** beta text\n", "")


@pytest.mark.parametrize("deleted_by_ours", [False, True])
def test_a_task_deleted_on_a_branch_and_changed_on_the_other_keeps_its_line(make_repo: Callable[..., Path], deleted_by_ours: bool) -> None:
    root = make_repo({"BUILD_QUEUE.md": QUEUE})
    run(["init", str(root), "--yes"])
    kept = QUEUE.replace("beta text", "new text")
    ours, theirs = (GONE, kept) if deleted_by_ours else (kept, GONE)
    git(root, "checkout", "-q", "-b", "side")
    (root / "BUILD_QUEUE.md").write_text(theirs)
    git(root, "commit", "-q", "-am", "theirs")
    git(root, "checkout", "-q", "-")
    (root / "BUILD_QUEUE.md").write_text(ours)
    git(root, "commit", "-q", "-am", "ours")
    merge = subprocess.run(["git", "merge", "side"], cwd=root, capture_output=True, text=True, check=False)
    assert merge.returncode == 1
    assert "one side deleted what the other changed in 2 places; mend what is marked" in merge.stderr
    line, details = "- [ ] Beta\n", "### Beta\n- **Description:** new text\n"
    marks = ("<<<<<<< ours\n=======\n", ">>>>>>> theirs\n") if deleted_by_ours else ("<<<<<<< ours\n", "=======\n>>>>>>> theirs\n")
    expected = kept.replace(line, marks[0] + line + marks[1]).replace(details, marks[0] + details + marks[1])
    assert (root / "BUILD_QUEUE.md").read_text() == expected


def test_what_clashes_is_told_by_its_kind() -> None:
    assert _clashes(1, 0) == "both sides changed the same lines in one place"
    assert _clashes(2, 1) == "both sides changed the same lines in 2 places, and one side deleted what the other changed in one place"
