"""Edits of the queue as a file: links, modes and the owner's own changes are left as they are."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Desk
from tests.conftest import git

EDITS = [
    ("add", "Sing", "--desc", "A song."),
    ("set", "fix-the-clock", "priority", "low"),
    ("tick", "fix-the-clock", "1"),
    ("approve", "fix-the-clock"),
    ("complete", "fix-the-clock"),
    ("reopen", "buy-a-clock"),
    ("block", "fix-the-clock", "A hand"),
    ("unblock", "fix-the-clock", "1"),
]


@pytest.fixture
def _no_rights_by_default() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize("edit", EDITS[:5], ids=lambda edit: str(edit[0]))
@pytest.mark.usefixtures("_no_rights_by_default")
def test_mode_and_link_stay_whatever_the_umask(desk: Desk, edit: tuple[str, ...]) -> None:
    queue = desk.root / "BUILD_QUEUE.md"
    real = desk.root / "notes" / "queue.md"
    real.parent.mkdir()
    queue.rename(real)
    queue.symlink_to("notes/queue.md")
    real.chmod(0o664)
    before = real.read_bytes()
    assert desk.type(*edit, "--no-commit").status == 0
    assert queue.is_symlink()
    assert os.readlink(queue) == "notes/queue.md"
    assert stat.S_IMODE(real.stat().st_mode) == 0o664
    assert real.read_bytes() != before
    assert sorted(os.listdir(real.parent)) == ["queue.md"]


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o640])
def test_any_mode_stays(desk: Desk, mode: int) -> None:
    queue = desk.root / "BUILD_QUEUE.md"
    queue.chmod(mode)
    assert desk.type("complete", "fix-the-clock", "--no-commit").status == 0
    assert stat.S_IMODE(queue.stat().st_mode) == mode


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: str(edit[0]))
@pytest.mark.parametrize("fault", [b"\xff\xfe", b"- [ ] \x00\n", b"<<<<<<< a\n=======\n>>>>>>> b\n"], ids=["utf-8", "nul", "conflict"])
def test_a_file_that_cannot_be_trusted_is_not_touched(desk: Desk, edit: tuple[str, ...], fault: bytes) -> None:
    queue = desk.root / "BUILD_QUEUE.md"
    queue.write_bytes(queue.read_bytes() + fault)
    os.utime(queue, (0, 0))
    before = queue.read_bytes()
    commits = git(desk.root, "rev-list", "--count", "HEAD")
    said = desk.type(*edit)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert queue.read_bytes() == before
    assert not (desk.root / "subagents" / "active.json").exists()
    assert git(desk.root, "rev-list", "--count", "HEAD") == commits


@pytest.mark.parametrize("edit", EDITS[:5], ids=lambda edit: str(edit[0]))
def test_what_the_owner_has_written_is_committed_first_as_theirs(desk: Desk, edit: tuple[str, ...]) -> None:
    queue = desk.root / "BUILD_QUEUE.md"
    by_hand = queue.read_bytes() + b"\nby hand\n"
    queue.write_bytes(by_hand)
    (desk.root / "HEARTBEAT.md").write_text("---\ntimezone: UTC\n---\nmine\n")
    assert desk.type(*edit).status == 0
    assert git(desk.root, "rev-list", "--count", "HEAD") == "3"
    assert git(desk.root, "show", "HEAD~1:BUILD_QUEUE.md") + "\n" == by_hand.decode()
    assert git(desk.root, "show", "HEAD:BUILD_QUEUE.md") + "\n" == desk.queue
    assert git(desk.root, "show", "--format=", "--name-only", "HEAD~1") == "BUILD_QUEUE.md"
    assert git(desk.root, "log", "-1", "--format=%an %(trailers:key=Event,valueonly)", "HEAD~1").split("\n")[0] == "Olive Owner hand-edit"
    assert "HEARTBEAT.md" in git(desk.root, "status", "--porcelain")


@pytest.mark.parametrize("edit", EDITS[:5], ids=lambda edit: str(edit[0]))
def test_without_a_commit_nothing_is_committed_and_nothing_lost(desk: Desk, edit: tuple[str, ...]) -> None:
    queue = desk.root / "BUILD_QUEUE.md"
    queue.write_bytes(queue.read_bytes() + b"\nby hand\n")
    git(desk.root, "add", "BUILD_QUEUE.md")
    staged = git(desk.root, "ls-files", "--stage")
    assert desk.type(*edit, "--no-commit").status == 0
    assert desk.queue.endswith("\nby hand\n")
    assert git(desk.root, "rev-list", "--count", "HEAD") == "1"
    assert git(desk.root, "ls-files", "--stage") == staged


def test_an_approval_holds_a_hash_of_what_was_approved(desk: Desk) -> None:
    assert desk.type("approve", "fix-the-clock", "--no-commit").status == 0
    ledger = json.loads((desk.root / "subagents" / "active.json").read_text())
    (approval,) = ledger["approvals"]
    assert approval["label"] == "fix-the-clock"
    assert len(approval["fingerprint"]) >= 32
    assert desk.queue.count("- **Approved:** yes\n") == 1
