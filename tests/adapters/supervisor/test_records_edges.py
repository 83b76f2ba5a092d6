"""Records and files of agents at their edges: how large, how durable, what stays open, what is cut."""

from __future__ import annotations

import errno
import os
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.records import Start, StopRequest, read_record, sync_folder, write_bytes, write_record
from autobuilds.adapters.supervisor.run_folder import RunFolder, is_attempt_id
from autobuilds.adapters.supervisor.secrecy import redact_file, redacted, redacted_bytes
from autobuilds.adapters.supervisor.tail import open_plain, read_tail, read_whole
from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending
from autobuilds.domain.redaction import secrets_of
from autobuilds.errors import BadInput, StorageFailure

NOON = datetime(2026, 2, 6, 12, tzinfo=UTC)
RECORD = b'{"at": "2026-02-06T12:00:00Z"}'
VALUE = "sk-0123456789abcdef"
SECRETS = secrets_of({"X_API_KEY": VALUE})


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Return what is made durable, in order: `folder`, or `file` with its size then."""
    found: list[tuple[str, int]] = []
    real = os.fsync

    def note(fd: int) -> None:
        info = os.fstat(fd)
        found.append(("folder", 0) if stat.S_ISDIR(info.st_mode) else ("file", info.st_size))
        real(fd)

    monkeypatch.setattr(os, "fsync", note)
    return found


def opened() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_record_has_at_most_sixteen_mebibytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b" " * (16 * 1024 * 1024 - len(RECORD)) + RECORD)
    assert read_record(path, Start) == Start(at=NOON, pid=0, created=0.0, boot="", tombstone=False)
    path.write_bytes(b" " * (16 * 1024 * 1024 + 1 - len(RECORD)) + RECORD)
    with pytest.raises(BadInput, match="is no record of ours"):
        read_record(path, Start)


@pytest.mark.parametrize("content", [b'{"at": "2026-02-06T12:00:00Z", "boot": "\xff"}', b'{"x": ' + b"[" * 100_000, b'{"at": "x"}'])
def test_what_breaks_a_reader_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    before = opened()
    with pytest.raises(BadInput, match="is no record of ours"):
        read_record(tmp_path / "x", Start)
    assert opened() == before


def test_what_is_written_is_durable_with_its_name(tmp_path: Path, synced: list[tuple[str, int]]) -> None:
    before = opened()
    write_bytes(tmp_path / "x", b"12345")
    write_bytes(tmp_path / "x", b"123", named=False)
    write_bytes(tmp_path / "y", b"1", once=True)
    assert synced == [("file", 5), ("folder", 0), ("file", 3), ("file", 1), ("folder", 0)]
    del synced[:]
    folder = RunFolder.of(tmp_path, "a-1")
    folder.make()
    folder.make()
    assert synced == [("folder", 0)] * 3
    assert opened() == before
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "x")


def test_a_folder_that_is_none_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageFailure, match=r"file/x could not be written: Not a directory\. Free some space or mend its permissions\."):
        write_bytes(tmp_path / "file" / "x", b"")
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    with pytest.raises(StorageFailure, match="Is a directory"):
        write_bytes(tmp_path / "folder", b"")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_each_record_is_read_as_what_it_is(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, "a-1")
    folder.make()
    stop, ending = StopRequest(outcome=Outcome.STOPPED, reason="x"), Ending(outcome=Outcome.PASSED, reason="y", ended=NOON)
    write_record(folder.stop, stop)
    write_record(folder.exit, ending)
    write_record(folder.start, Start(at=NOON, tombstone=True))
    assert (folder.read_stop(), folder.read_exit(), folder.read_start()) == (stop, ending, Start(at=NOON, tombstone=True))
    assert not is_attempt_id("a\udcff")


def test_who_waits_for_a_lock_does_not_spin(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, "a-1")
    folder.make()
    before = opened()
    with folder.locked(wait=0) as first:
        used, began = time.process_time(), time.monotonic()
        with folder.locked(wait=0.3) as second:
            assert first and not second
        assert time.process_time() - used < 0.2 and time.monotonic() - began >= 0.3
    assert opened() == before


def test_files_of_agents_are_closed_again(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    os.mkfifo(tmp_path / "fifo")
    before = opened()
    for path in (tmp_path / "x", tmp_path / "fifo", tmp_path, Path("/proc/self/mem")):
        read_whole(path, 4)
        read_whole(path, 9)
        read_tail(path, 9)
        redact_file(path, SECRETS)
        if (fd := open_plain(path)) is not None:
            os.close(fd)
    assert opened() == before
    assert read_tail(Path("/proc/self/mem"), 9) == "" and read_whole(Path("/proc/self/mem"), 9) is None, "it can be opened, not read"


def test_only_the_end_of_a_longer_file_may_begin_in_a_value(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(VALUE[-8:] + " more")
    assert read_tail(path, 100, SECRETS) == VALUE[-8:] + " more"
    path.write_text(VALUE + " more")
    assert read_tail(path, len(VALUE) + 4, SECRETS) == "[value of X_API_KEY] more"
    path.write_text("\n" + VALUE + " more")
    assert read_tail(path, len(VALUE) + 5, SECRETS) == "[value of X_API_KEY] more"
    path.write_text("ab\ncd\n")
    assert [read_tail(path, limit) for limit in range(7)] == ["", "\n", "d\n", "cd\n", "cd\n", "cd\n", "ab\ncd\n"]


def test_nothing_is_done_where_there_is_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(f"{VALUE}\x1b[31m")
    assert redact_file(path, ()) == 0 and path.read_text() == f"{VALUE}\x1b[31m"
    assert redacted_bytes(b"\x1b[31m\xff", ()) == b"\x1b[31m\xff"
    assert redacted_bytes(f"\x1b[31m{VALUE}\n".encode() + b"\xff", SECRETS) == "[value of X_API_KEY]\n\ufffd".encode()
    assert redacted_bytes(VALUE.encode(), secrets_of({"X_KEY\udcff": VALUE})) == b"[value of X_KEY?]"
    assert redact_file(path, SECRETS) == 1
    assert redacted((VALUE[-7:], 1, None, (VALUE,)), SECRETS) == ("[value of X_API_KEY]", 1, None, ("[value of X_API_KEY]",))
    assert redacted(Start, SECRETS) is Start
    path.write_bytes(b"x" * 10 + VALUE.encode() * 3 + b"y")
    assert redact_file(path, SECRETS) == 3 and path.read_bytes() == b"x" * 10 + b"*" * 3 * len(VALUE) + b"y"


def test_what_the_disk_does_not_let_go_is_taken_away_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries, unlink = list[str](), Path.unlink

    def failing(path: Path, missing_ok: bool = False) -> None:
        tries.append(path.name)
        if len(tries) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", failing)
    assert write_bytes(tmp_path / "start.json", b"x", once=True)
    assert [path.name for path in tmp_path.iterdir()] == ["start.json"]
    assert len(tries) == 2
