"""Locks, reads and writes at their limits, and where the system refuses: what is told, and what is left behind."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import resource
import stat
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from autobuilds.errors import BadInput, Busy, NotDurable, StorageFailure
from autobuilds.store.files import reading, writing
from autobuilds.store.files.lock import Lock, alive
from autobuilds.store.files.reading import glance, read_stable, read_stamped, read_untrusted
from autobuilds.store.files.writing import (
    append_line,
    machine_failure,
    make_folder,
    private_folder,
    storage_failure,
    target_of,
    write_all,
    write_atomic,
    write_new,
)
from tests.store.files.test_vault_limits import limited

MIB = 1 << 20


class Clock:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def ticking(monkeypatch: pytest.MonkeyPatch, found: Clock) -> Iterator[Clock]:
    """Let a clock be the machine's, which goes on only while somebody sleeps."""
    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", found.sleep)
        patched.setattr(time, "monotonic", lambda: found.now)
        patched.setattr(time, "time", lambda: found.now)
        yield found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    yield from ticking(monkeypatch, Clock())


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is forced to disk, by name."""
    found: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: found.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name))
    return found


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestLock:
    def test_whoever_waits_looks_often_at_first_and_never_too_long(self, tmp_path: Path, clock: Clock) -> None:
        before = open_files()
        with Lock(tmp_path / "lock"), pytest.raises(Busy), Lock(tmp_path / "lock", wait=1.0):
            pass
        pauses = clock.pauses
        assert pauses[0] < 0.01 and max(pauses) < 0.1 and min(pauses) > 0
        assert sum(pauses) == pytest.approx(1.0)
        assert max(pauses) > 10 * pauses[0]
        assert all(later == min(2 * pause, max(pauses)) for pause, later in pairwise(pauses[:-1]))
        assert open_files() == before

    @pytest.mark.parametrize("more", [{}, {"wait": 0.0}])
    def test_whoever_does_not_wait_is_told_at_once(self, tmp_path: Path, clock: Clock, more: dict[str, float]) -> None:
        with Lock(tmp_path / "lock"), pytest.raises(Busy) as told, Lock(tmp_path / "lock", **more):  # type: ignore[arg-type]
            pass
        assert clock.pauses == []
        assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\. Try again", str(told.value))

    def test_a_lock_that_was_lent_is_waited_for_as_long_as_said(self, tmp_path: Path, clock: Clock) -> None:
        other = Lock(tmp_path / "lock")
        with pytest.raises(Busy), Lock(tmp_path / "lock") as lock, lock.lent(0.5):
            other.__enter__()
        other.__exit__(None, None, None)
        assert sum(clock.pauses) == pytest.approx(0.5)

    def test_its_note_is_one_line_whatever_a_killed_holder_left(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        path.write_bytes(b"x" * 500)
        with Lock(path, what="w"):
            note = path.read_bytes()
            assert set(json.loads(note)) == {"pid", "since", "what"}
            assert note.count(b"\n") == 1 and note.endswith(b"}\n")
        assert path.read_bytes() == b""

    def test_a_full_disk_is_no_reason_not_to_lock(self, tmp_path: Path) -> None:
        with limited(resource.RLIMIT_FSIZE, 0), Lock(tmp_path / "lock") as lock:
            assert lock.held

    @pytest.mark.parametrize(("size", "known"), [(4096, True), (4097, False)])
    def test_of_a_note_4096_bytes_are_read(self, tmp_path: Path, size: int, known: bool) -> None:
        path = tmp_path / "lock"
        with Lock(path):
            start = b'{"pid": %d, "what": "", "since": "%s", "x": "' % (os.getpid(), b"s" * 41)
            path.write_bytes(start + b"-" * (size - len(start) - 2) + b'"}')
            with pytest.raises(Busy) as told, Lock(path):
                pass
        assert (f"process {os.getpid()} since {'s' * 40}. Try" in str(told.value)) is known

    @pytest.mark.parametrize("note", ['{"pid": 1e999, "since": 1, "what": 2}', '{"pid": null, "since": 1, "what": 2}'])
    def test_a_number_that_cannot_be_is_not_believed(self, tmp_path: Path, note: str) -> None:
        path = tmp_path / "lock"
        with Lock(path):
            path.write_text(note)
            with pytest.raises(Busy, match="another autobuilds process holds"), Lock(path):
                pass

    def test_another_may_only_wait_for_its_turn(self, tmp_path: Path) -> None:
        with Lock(tmp_path / "lock.turn"), pytest.raises(Busy, match="another autobuilds process holds"), Lock(tmp_path / "lock"):
            pass

    @pytest.mark.parametrize("folder", ["", "a/b"])
    def test_all_may_lock_as_far_as_the_umask_allows(self, tmp_path: Path, folder: str) -> None:
        before = os.umask(0)
        try:
            with Lock(tmp_path / folder / "lock"):
                assert [mode(path) for path in (tmp_path / folder).iterdir()] == [0o666, 0o666]
        finally:
            os.umask(before)

    def test_another_may_make_its_folder_at_the_same_moment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = os.open

        def racing(path: Path, flags: int, mode: int = 0o777) -> int:
            try:
                return real(path, flags, mode)
            except FileNotFoundError:
                path.parent.mkdir(parents=True)
                raise

        monkeypatch.setattr(os, "open", racing)
        with Lock(tmp_path / "a" / "b" / "lock") as lock:
            assert lock.held

    def test_where_nothing_can_be_locked_that_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").touch()
        with (
            pytest.raises(StorageFailure, match=r"can't lock .*file/lock\.turn: a part of its path is a file"),
            Lock(tmp_path / "file" / "lock"),
        ):
            pass
        before = open_files()

        def refused(fd: int, operation: int) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", refused)
        with pytest.raises(StorageFailure, match=r"can't lock .*: No locks available$"), Lock(tmp_path / "lock"):
            pass
        assert open_files() == before

    def test_a_file_put_in_its_place_meanwhile_is_locked_instead(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path, real, left, calls = tmp_path / "lock", fcntl.flock, [True, True], []

        def flock(fd: int, operation: int) -> None:
            real(fd, operation)
            calls.append(fd)
            if left:
                left.pop()
                path.with_name("lock.turn").unlink()
                if left:
                    path.with_name("lock.turn").touch()

        monkeypatch.setattr(fcntl, "flock", flock)
        before = open_files()
        with Lock(path, wait=5.0):
            assert open_files() == before + 1
        assert (left, open_files(), len(calls)) == ([], before, 4)

    def test_a_process_that_cannot_be_asked_is_alive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert alive(os.getpid()) and alive(1 << 80)

        def refused(pid: int, number: int) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "kill", refused)
        assert alive(5)


class TestReading:
    @pytest.mark.parametrize("read", [read_stable, read_stamped])
    def test_a_file_that_never_rests_is_waited_for_two_seconds(
        self, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, read: Callable[..., object]
    ) -> None:
        monkeypatch.setattr(reading, "_read_once", lambda path, limit: None)
        with pytest.raises(Busy, match="all the time"):
            read(tmp_path / "file")
        assert 2.0 < sum(clock.pauses) < 2.02
        assert max(clock.pauses) < 0.01
        del clock.pauses[:]
        with pytest.raises(Busy):
            read(tmp_path / "file", wait=0)
        assert len(clock.pauses) == 1

    @pytest.mark.parametrize(("age", "looks"), [(0.0, 1), (0.019, 1), (0.5, 0), (-5.0, 1), (3600.0, 0)])
    def test_what_was_just_saved_is_looked_at_twice(self, tmp_path: Path, clock: Clock, age: float, looks: int) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"text")
        os.utime(path, (clock.now - age, clock.now - age))
        assert read_stamped(path).data == b"text"
        assert (len(clock.pauses), max(clock.pauses, default=0) < 0.01) == (looks, True)

    def test_a_glance_waits_for_nothing(self, tmp_path: Path, clock: Clock) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"text")
        os.utime(path, (clock.now + 0.5, clock.now + 0.5))
        os.utime(path, (clock.now, clock.now))
        found = glance(path)
        assert found is not None and found.data == b"text" and found.stamp.size == 4
        assert clock.pauses == []
        assert (glance(tmp_path), glance(tmp_path / "none"), glance(path, 3)) == (None, None, None)

    def test_a_file_may_hold_256_mib(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.touch()
        os.truncate(path, 256 * MIB + 1)
        os.utime(path, (1, 1))
        assert glance(path) is None
        for read in (read_stable, read_stamped):
            with pytest.raises(BadInput, match=r"holds 268,435,457 bytes; at most 268,435,456 are read"):
                read(path)
        os.truncate(path, 256 * MIB)
        assert read_stamped(path).stamp.size == 256 * MIB

    def test_a_file_that_says_it_is_empty_and_is_not_is_never_at_rest(self) -> None:
        assert glance(Path("/proc/self/status")) is None

    @pytest.mark.parametrize("kind", ["grown", "cut", "replaced", "removed", "touched"])
    def test_a_file_that_changes_while_it_is_read_is_not_at_rest(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        path, other = tmp_path / "file", tmp_path / "other"
        path.write_bytes(b"text")
        other.write_bytes(b"text")
        os.utime(path, (5, 5))
        os.utime(other, (5, 5))
        real, before = os.pread, open_files()

        def pread(fd: int, size: int, offset: int) -> bytes:
            found = real(fd, size, offset)
            if kind == "grown":
                path.write_bytes(b"text and more")
            elif kind == "cut":
                os.truncate(path, 2)
            elif kind == "replaced":
                other.exists() and other.replace(path)
            elif kind == "removed":
                path.unlink(missing_ok=True)
            else:
                os.utime(path, (6, 6))
            return found

        monkeypatch.setattr(os, "pread", pread)
        assert glance(path) is None
        assert open_files() == before

    def test_it_is_read_whole_in_whatever_pieces(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path, real = tmp_path / "file", os.pread
        path.write_bytes(bytes(range(100)))
        monkeypatch.setattr(os, "pread", lambda fd, size, offset: real(fd, min(size, 7), offset))
        assert read_stable(path) == bytes(range(100))

    def test_what_cannot_be_read_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(StorageFailure, match=r"can't read .*: the name is too long"):
            read_stable(tmp_path / ("x" * 300))
        (tmp_path / "file").write_bytes(b"text")

        def broken(fd: int, size: int, offset: int) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "pread", broken)
        before = open_files()
        with pytest.raises(StorageFailure, match=r"can't read .*: the disk reports an input/output error\. Check the disk$"):
            read_stable(tmp_path / "file")
        assert open_files() == before

    def test_of_what_may_be_made_to_harm_64_kib_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "log"
        for size, read in ((65_535, 65_535), (65_536, 65_536), (65_537, 65_536)):
            path.write_bytes(b"x" * size)
            assert len(read_untrusted(path)) == read
        path.write_bytes(b"\nab\n")
        assert (read_untrusted(path), read_untrusted(path, 4), read_untrusted(path, 3)) == ("\nab\n", "\nab\n", "")


class TestWriting:
    @pytest.mark.parametrize(
        ("verb", "number", "said"),
        [
            (
                "write",
                errno.ENOSPC,
                "can't write /f: the disk is full. Free some space and try again; what stood there before is untouched",
            ),
            ("read", errno.ENOSPC, "can't read /f: the disk is full. Free some space and try again"),
            ("lock", errno.EXDEV, "can't lock /f: words"),
            ("read", 0, "can't read /f: words"),
        ],
    )
    def test_a_failure_says_what_and_why(self, verb: str, number: int, said: str) -> None:
        assert str(storage_failure(Path("/f"), OSError(number, "words"), verb)) == said
        assert str(storage_failure(Path("/f"), OSError("bare"), "read")) == "can't read /f: bare"
        assert str(storage_failure(Path("/f"), OSError(errno.EIO, "x"))).startswith("can't write /f")

    def test_a_failure_of_the_machine_is_told_from_a_bug(self) -> None:
        assert machine_failure(OSError(errno.EXDEV, "words", "/f")) is None
        assert machine_failure(OSError("bare")) is None
        assert "can't go on: there is too little memory" in str(machine_failure(OSError(errno.ENOMEM, "words")))
        assert "can't use /f: there is too little memory" in str(machine_failure(OSError(errno.ENOMEM, "words", "/f")))

    def test_links_are_followed_to_where_nothing_is_yet(self, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to("not/there")
        assert target_of(link) == tmp_path / "not" / "there"
        assert target_of(tmp_path / "a" / ".." / "b") == tmp_path / "a" / ".." / "b"
        (tmp_path / "one").symlink_to("two")
        (tmp_path / "two").symlink_to("one")
        with pytest.raises(StorageFailure, match="lead round in a circle"):
            target_of(tmp_path / "one")

    def test_what_cannot_be_made_again_is_forced_to_disk(self, tmp_path: Path, forced: list[str]) -> None:
        assert write_atomic(tmp_path / "one", b"x")
        assert [name.startswith(".one.") for name in forced] == [True, False] and forced[1] == tmp_path.name
        assert write_atomic(tmp_path / "one", b"y", durable=False)
        assert not write_atomic(tmp_path / "one", b"y")
        write_new(tmp_path / "new", b"x", sync=False)
        assert len(forced) == 2
        write_new(tmp_path / "newer", b"x")
        append_line(tmp_path / "log", "first")
        append_line(tmp_path / "log", "second")
        assert forced[2:] == ["newer", "log", tmp_path.name, "log"]
        make_folder(tmp_path / "a" / "b")
        make_folder(tmp_path / "a" / "b")
        assert forced[6:] == [tmp_path.name, "a"]

    def test_the_same_size_is_not_the_same_text(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        assert write_atomic(path, b"one") and write_atomic(path, b"two") and write_atomic(path, b"three")
        assert not write_atomic(path, b"three")
        assert path.read_bytes() == b"three"

    @pytest.mark.parametrize("number", [errno.EIO, errno.EPERM, errno.EXDEV])
    def test_a_disk_that_does_not_confirm_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        real = os.fsync

        def fsync(fd: int) -> None:
            if Path(os.readlink(f"/proc/self/fd/{fd}")) == tmp_path:
                raise OSError(number, "words")
            real(fd)

        monkeypatch.setattr(os, "fsync", fsync)
        before = open_files()
        why = {errno.EIO: "the disk reports an input/output error", errno.EPERM: "the operation is not permitted", errno.EXDEV: "words"}
        with pytest.raises(NotDurable, match=rf"file is written, but the disk did not confirm .*: {why[number]}"):
            write_atomic(tmp_path / "file", b"new")
        assert (tmp_path / "file").read_bytes() == b"new"
        assert open_files() == before

    @pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
    def test_a_file_system_that_cannot_force_a_folder_need_not(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        def fsync(fd: int) -> None:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                raise OSError(number, "words")

        monkeypatch.setattr(os, "fsync", fsync)
        assert write_atomic(tmp_path / "file", b"new")

    def test_a_write_that_fails_leaves_everything_as_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")
        before = open_files()
        with limited(resource.RLIMIT_FSIZE, 3), pytest.raises(StorageFailure, match=r"can't write .*file: it would be larger"):
            write_atomic(path, b"longer than three")
        with limited(resource.RLIMIT_NOFILE, 3), pytest.raises(StorageFailure, match="too many open files"):
            write_atomic(tmp_path / "another", b"text")
        assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("file", b"old")]
        assert open_files() == before

    def test_mode_and_owner_are_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")
        path.chmod(0o4751)
        changed: list[tuple[int, int]] = []

        def fchown(fd: int, uid: int, gid: int) -> None:
            changed.append((uid, gid))
            raise PermissionError

        monkeypatch.setattr(os, "fchown", fchown)
        write_atomic(path, b"new")
        assert (path.read_bytes(), mode(path), changed) == (b"new", 0o4751, [])
        os.chown(path, 12345, 54321) if os.getuid() == 0 else None
        write_atomic(path, b"newer")
        assert changed == ([(12345, 54321)] if os.getuid() == 0 else [])
        before = os.umask(0)
        try:
            write_new(tmp_path / "one", b"", like=tmp_path / "none")
            write_new(tmp_path / "two", b"")
            append_line(tmp_path / "log", "")
        finally:
            os.umask(before)
        assert [mode(tmp_path / name) for name in ("one", "two", "log")] == [0o666] * 3
        with pytest.raises(FileExistsError):
            write_new(tmp_path / "one", b"")
        assert write_new(tmp_path / "three", b"x") == (tmp_path / "three").stat().st_ino

    def test_it_is_written_whole_in_whatever_pieces(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
        with (tmp_path / "file").open("wb") as file:
            write_all(file.fileno(), bytes(range(100)))
        assert (tmp_path / "file").read_bytes() == bytes(range(100))

    def test_what_a_log_cannot_take_is_told(self, tmp_path: Path) -> None:
        for line in ("a\nb", "a\rb", "\n", "x" * 90 + "\n"):
            with pytest.raises(BadInput) as told:
                append_line(tmp_path / "log", line)
            assert str(told.value).endswith(f"may not hold a line end: {line[:80]!r}")
        before = open_files()
        with pytest.raises(StorageFailure, match=r"can't write .*: it is a folder\. Move the folder away"):
            append_line(tmp_path, "x")
        with limited(resource.RLIMIT_FSIZE, 0), pytest.raises(StorageFailure, match="it would be larger"):
            append_line(tmp_path / "log", "x")
        assert open_files() == before
        (tmp_path / "link").symlink_to("log")
        with pytest.raises(StorageFailure):
            append_line(tmp_path / "link", "x")
        for line in ("one", "two"):
            append_line(tmp_path / "log", line)
        assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"
        (tmp_path / "log").write_bytes(b"x")
        append_line(tmp_path / "log", "y")
        assert (tmp_path / "log").read_bytes() == b"x\ny\n"

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").touch()
        for name in ("file", "file/a", "file/a/b"):
            with pytest.raises(StorageFailure, match="can't write"):
                make_folder(tmp_path / name)
        real = Path.mkdir

        def at_once(path: Path, *rest: object, **more: object) -> None:
            if not path.exists():
                os.mkdir(path)
            real(path, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "mkdir", at_once)
        make_folder(tmp_path / "another" / "made" / "it")
        assert (tmp_path / "another" / "made" / "it").is_dir()

    def test_the_private_folder_is_kept_out_of_commits(self, tmp_path: Path, forced: list[str]) -> None:
        folder = private_folder(tmp_path)
        assert (folder.name, (folder / ".gitignore").read_bytes()) == (".autobuilds", b"*\n")
        many = len(forced)
        (folder / ".gitignore").write_bytes(b"mine\n")
        private_folder(tmp_path)
        assert ((folder / ".gitignore").read_bytes(), len(forced)) == (b"mine\n", many)

    def test_temporary_names_are_short_and_told_from_others(self) -> None:
        assert re.fullmatch(rf"\.{'x' * 100}\.{os.getpid()}-[0-9a-f]{{8}}\.tmp", writing.temporary_name("x" * 101))
        assert re.fullmatch(rf"\.{'x' * 100}\.{os.getpid()}-[0-9a-f]{{8}}\.tmp", writing.temporary_name("x" * 100))
        assert writing.temporary_name("a") != writing.temporary_name("a")
