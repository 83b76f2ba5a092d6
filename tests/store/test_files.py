"""Locks, whole writes, stable and untrusted reads."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autobuilds.errors import BadInput, Busy, StorageFailure
from autobuilds.store import files


def _wait_for(path: Path, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def _holder(lock: Path, ready: Path, tail: str) -> subprocess.Popen[bytes]:
    code = f"""
import pathlib, subprocess, sys, time
from autobuilds.store.files import Lock
with Lock(pathlib.Path({str(lock)!r}), what="a long build"):
    {tail}
    pathlib.Path({str(ready)!r}).touch()
    time.sleep(60)
"""
    return subprocess.Popen([sys.executable, "-c", code])


def test_a_second_holder_waits_then_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock, ready = tmp_path / "x.lock", tmp_path / "ready"
    holder = _holder(lock, ready, "pass")
    try:
        _wait_for(ready)
        began = time.monotonic()
        with pytest.raises(Busy) as caught, files.Lock(lock, wait=0.2):
            pass
        assert time.monotonic() - began >= 0.2
        assert str(holder.pid) in str(caught.value)
        assert "a long build" in str(caught.value)
    finally:
        holder.kill()
        holder.wait()


def test_a_killed_holder_frees_the_lock_though_its_child_lives_on(tmp_path: Path) -> None:
    lock, ready = tmp_path / "x.lock", tmp_path / "ready"
    holder = _holder(
        lock, ready, f"child = subprocess.Popen(['sleep', '60']); pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))"
    )
    _wait_for(ready)
    child = int((tmp_path / "pid").read_text())
    try:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        os.kill(child, 0)
        with files.Lock(lock, wait=1.0) as held:
            assert held.held
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_lock_is_given_back_and_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.lock"
    for _ in range(3):
        with files.Lock(path), pytest.raises(Busy), files.Lock(path):
            pass
    assert path.exists()


def test_a_lock_whose_file_was_removed_meanwhile_is_not_shared(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with files.Lock(path):
        path.unlink()
        with files.Lock(path) as second, pytest.raises(Busy), files.Lock(path):
            assert second.held


def test_a_lock_is_never_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "x.lock").symlink_to("secret")
    with pytest.raises(BadInput, match="symbolic link"), files.Lock(tmp_path / "x.lock"):
        pass
    assert (tmp_path / "secret").read_text() == "s"


def test_writing_says_whether_something_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    assert files.write_atomic(path, b"one")
    before = path.stat()
    assert not files.write_atomic(path, b"one")
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert files.write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.md"]


def test_writing_keeps_mode_and_link(tmp_path: Path) -> None:
    real = tmp_path / "real.md"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to("real.md")
    files.write_atomic(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        files.write_atomic(tmp_path / "n", b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "n").stat().st_mode) == 0o640


def test_a_failed_write_leaves_the_old_content_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"old")
    code = f"""
import pathlib, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from autobuilds.errors import StorageFailure
from autobuilds.store.files import write_atomic
try:
    write_atomic(pathlib.Path({str(path)!r}), b"x" * 5000)
except StorageFailure as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True)
    assert "can't write" in done.stdout
    assert str(path) in done.stdout
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.md"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "permission denied"), (errno.EXDEV, "link")],
)
def test_a_storage_failure_says_why_in_words(number: int, words: str) -> None:
    failure = files.storage_failure(Path("/w/BUILD_QUEUE.md"), OSError(number, os.strerror(number)))
    assert words in str(failure)
    assert "/w/BUILD_QUEUE.md" in str(failure)


def test_writing_where_a_folder_or_pipe_stands_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "p")
    for name in "dp":
        with pytest.raises(BadInput, match="not a regular file"):
            files.write_atomic(tmp_path / name, b"x")
    with pytest.raises(StorageFailure):
        files.write_atomic(tmp_path / "none" / "x", b"x")


def test_reading_refuses_what_is_no_ordinary_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(b"x" * 101)
    for name, words in [("pipe", "not a regular file"), (".", "not a regular file"), ("big", "101 bytes"), ("none", "no file")]:
        with pytest.raises(BadInput, match=words):
            files.read_stable(tmp_path / name, limit=100)
    (tmp_path / "big").write_bytes(b"x" * 100)
    assert files.read_stable(tmp_path / "big", limit=100) == b"x" * 100


def test_reading_a_file_that_never_rests_gives_up(tmp_path: Path) -> None:
    path = tmp_path / "busy"
    path.write_bytes(b"")
    code = "import sys, time\nwhile True:\n    open(sys.argv[1], 'a').write('x'); time.sleep(0.0005)"
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)])
    try:
        deadline = time.monotonic() + 10
        while path.stat().st_size == 0:
            assert time.monotonic() < deadline
        said = ""
        for _ in range(1000):  # a busy machine may let the writer rest for a moment
            try:
                files.read_stable(path, wait=0.02)
            except Busy as busy:
                said = str(busy)
                break
        assert "all the time" in said
    finally:
        writer.kill()
        writer.wait()


def test_untrusted_reading_survives_what_is_planted(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    (tmp_path / "link").symlink_to("secret")
    os.link(tmp_path / "secret", tmp_path / "hard")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ["link", "hard", "pipe", "folder", "zero"]:
        with pytest.raises(BadInput, match="was not read"):
            files.read_untrusted(tmp_path / name)
    assert files.read_untrusted(tmp_path / "none") == ""
    (tmp_path / "bytes").write_bytes(b"a\xff\xfeb")
    assert files.read_untrusted(tmp_path / "bytes") == "a��b"
    (tmp_path / "long").write_bytes(b"first line\nsecond\nthird\n")
    assert files.read_untrusted(tmp_path / "long", limit=10) == "third\n"


def test_lines_are_appended_whole_by_many_processes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import pathlib, sys\nfrom autobuilds.store.files import append_line\nfor n in range(50): append_line(pathlib.Path(sys.argv[1]), sys.argv[2] * 200)"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(log), letter]) for letter in "abcd"]
    assert [w.wait() for w in writers] == [0] * 4
    lines = log.read_text().split("\n")
    assert sorted(lines) == sorted(["", *(letter * 200 for letter in "abcd" for _ in range(50))])


def test_a_torn_line_stays_a_line_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b'{"a": 1}\n{"b"')
    files.append_line(log, '{"c": 3}')
    assert log.read_bytes() == b'{"a": 1}\n{"b"\n{"c": 3}\n'
    with pytest.raises(BadInput, match="line end"):
        files.append_line(log, "a\nb")


def test_the_private_folder_ignores_itself(tmp_path: Path) -> None:
    folder = files.private_folder(tmp_path)
    assert folder == tmp_path / ".autobuilds"
    assert (folder / ".gitignore").read_bytes() == b"*\n"
    assert files.private_folder(tmp_path) == folder


def test_a_planted_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".autobuilds").symlink_to("elsewhere")
    with pytest.raises(BadInput, match="symbolic link"):
        files.private_folder(tmp_path)
    assert os.listdir(tmp_path / "elsewhere") == []
