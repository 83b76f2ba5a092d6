"""Errors of the machine in the middle of a change: files and history agree afterwards, and what is said is true."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.cli import app
from autobuilds.cli.app import run
from autobuilds.errors import NotDurable, StorageFailure
from autobuilds.runtime import fsck, owner
from autobuilds.store.files import write_atomic, writing
from tests.runtime.loop import Loop, details, make_loop

Make = Callable[..., Path]


@pytest.fixture
def loop(make_repo: Make) -> Loop:
    return make_loop(make_repo, details("Say hello"))


def fail_new_files(monkeypatch: pytest.MonkeyPatch, part: str, number: int) -> None:
    real = writing.write_new

    def write_new(path: Path, data: bytes, **more: object) -> int:
        if part in path.name:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, data, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "write_new", write_new)


def fail_syncs_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fsync(fd: int) -> None:
        if os.path.samestat(os.fstat(fd), folder.stat()):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_ledger_that_cannot_be_written_is_not_in_the_history_either(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.beat(start=False)
    with monkeypatch.context() as full:
        fail_new_files(full, "active.json", errno.ENOSPC)
        with pytest.raises(StorageFailure, match="the disk is full"):
            owner.pause(loop.context, None, "holidays")
    loop.beat(start=False)
    assert not any("paused" in subject for subject in loop.subjects())
    assert [f.message for f in fsck.check(loop.context) if f.kind == "history"] == []


def test_a_write_that_the_disk_does_not_confirm_is_not_said_to_have_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "page.md"
    target.write_text("old\n")
    fail_syncs_of(tmp_path, monkeypatch)
    with pytest.raises(NotDurable, match=r"page\.md is written, but the disk did not confirm"):
        write_atomic(target, b"new\n")
    assert target.read_text() == "new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_an_edit_that_the_disk_does_not_confirm_is_committed_under_its_own_name(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.beat(start=False)
    with monkeypatch.context() as bad:
        fail_syncs_of(loop.root, bad)
        bad.chdir(loop.root)
        assert run(["set", "say-hello", "Priority", "Low"]) == 3
    loop.beat(start=False)
    assert "Priority: Low" in loop.queue.read_text()
    assert not any("by hand" in subject for subject in loop.subjects())


def test_an_announcement_that_the_disk_does_not_confirm_is_taken_back(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.beat(start=False)
    outbox = loop.root / ".autobuilds" / "outbox"
    with monkeypatch.context() as bad:
        outbox.mkdir(exist_ok=True)
        fail_syncs_of(outbox, bad)
        with pytest.raises(NotDurable):
            owner.pause(loop.context, None, "holidays")
    assert list(outbox.iterdir()) == []
    loop.beat(start=False)
    assert not any("paused" in subject for subject in loop.subjects())


@pytest.mark.parametrize("act", ["pause", "cancel"])
def test_an_announcement_that_can_not_be_taken_back_is_not_committed(loop: Loop, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    """From one moment on nothing can be written or removed, the announcement of what was to come included."""
    loop.beat(start=False)
    unlink = Path.unlink
    outbox = loop.root / ".autobuilds" / "outbox"

    def stays(self: Path, missing_ok: bool = False) -> None:
        if self.parent == outbox:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        unlink(self, missing_ok)

    acts = {"pause": lambda: owner.pause(loop.context, None, "holidays"), "cancel": lambda: owner.cancel(loop.context, "say-hello")}
    with monkeypatch.context() as denied:
        fail_new_files(denied, "active.json", errno.EACCES)
        fail_new_files(denied, "BUILD_QUEUE", errno.EACCES)
        denied.setattr(Path, "unlink", stays)
        with pytest.raises(StorageFailure, match="permission denied"):
            acts[act]()
    assert len(list(outbox.iterdir())) == 1
    before = loop.subjects()
    loop.beat(start=False)
    assert list(outbox.iterdir()) == []
    assert loop.subjects() == before
    assert [f.message for f in fsck.check(loop.context) if f.kind == "history"] == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE, errno.EAGAIN])
def test_an_error_of_the_machine_that_nobody_foresaw_is_named_and_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    def main(**_: object) -> None:
        raise OSError(number, os.strerror(number), "/somewhere/there")

    monkeypatch.setattr(app.cli, "main", main)
    assert run(["status"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("autobuilds: can't use /somewhere/there: ")
    assert said.count("\n") == 1
    assert "bug" not in said


def test_an_error_that_only_a_bug_explains_is_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def main(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "gone", "/somewhere")

    def mkstemp(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(app.cli, "main", main)
    monkeypatch.setattr("tempfile.mkstemp", mkstemp)
    assert run(["status"]) == 1
    assert "This is a bug in autobuilds; its report could not be written (No space left on device)" in capsys.readouterr().err


def test_a_reference_that_cannot_be_read_holds_the_commit_alone(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Path.read_text

    def read_text(self: Path, *given: str, **more: str) -> str:
        if self.name == "HEAD":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, *given, **more)

    monkeypatch.chdir(loop.root)
    with monkeypatch.context() as bad:
        bad.setattr(Path, "read_text", read_text)
        assert run(["set", "say-hello", "Priority", "Low"]) == 0
    assert f"can't read {loop.root}/.git/HEAD: Input/output error; mend" in capsys.readouterr().err
    loop.beat(start=False)
    assert "Priority: Low" in loop.git("show", "HEAD:BUILD_QUEUE.md")
