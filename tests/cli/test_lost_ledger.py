"""What is typed where the ledger is gone: each command that needs it refuses, and says the way out."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Desk
from tests.conftest import git


@pytest.fixture
def lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a workspace whose committed ledger was deleted; nobody waits for Git to put it back."""
    monkeypatch.setattr("autobuilds.store.workspace._GONE", 0.0)
    assert desk.type("pause").status == 0
    (desk.root / "subagents" / "active.json").unlink()
    return desk


@pytest.mark.parametrize(
    "line", ["heartbeat", "heartbeat --check", "status", "why fix-the-clock", "pause", "approve fix-the-clock", "spawn fix-the-clock"]
)
def test_each_command_that_needs_the_ledger_refuses(lost: Desk, line: str) -> None:
    before = git(lost.root, "rev-parse", "HEAD")
    answer = lost.type(*line.split())
    assert (answer.status, answer.out) == (2, "")
    assert "active.json: the file is gone" in answer.err and "autobuilds fsck --rebuild" in answer.err
    assert git(lost.root, "rev-parse", "HEAD") == before
    assert not (lost.root / "subagents" / "active.json").exists()


def test_fsck_names_it_and_makes_it_again(lost: Desk) -> None:
    assert lost.type("fsck").status == 1
    assert lost.type("fsck", "--rebuild").status == 0
    assert lost.type("fsck").status == 0
    assert "paused" in lost.type("status").out.lower()


def test_what_a_damaged_ledger_keeps_from_being_committed_is_mended_with_it(desk: Desk) -> None:
    """While the ledger can't be read no heartbeat commits anything, so that none is recommended."""
    assert desk.type("heartbeat", "--monitor").status == 0
    assert desk.type("pause").status == 0
    for name in ("subagents/active.json", "BUILD_STATUS.md"):
        (desk.root / name).write_text("{")
    said = desk.type("fsck")
    assert said.status == 1
    assert f"or take it back with `git checkout -- {desk.root}/subagents/active.json`" in said.out
    assert "active.json differs from its last commit\n  > autobuilds fsck --rebuild\n" in said.out
    assert "BUILD_STATUS.md differs from its last commit\n  > autobuilds fsck --rebuild; then autobuilds heartbeat commits it\n" in said.out
    assert desk.type("fsck", "--rebuild").status == 0
    assert desk.type("heartbeat", "--monitor").status == 0
    assert desk.type("fsck").out == "ledger, queue, history, branches and run folders agree\n"


def test_an_owner_who_commits_the_removal_begins_anew(lost: Desk) -> None:
    git(lost.root, "commit", "-q", "-m", "a new beginning", "subagents/active.json")
    answer = lost.type("status")
    assert answer.status == 0
    assert "paused" not in answer.out.lower()
