"""A lock between processes that the kernel gives back when its holder dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from autobuilds.errors import BadInput, Busy
from autobuilds.store.files.writing import storage_failure

#: Seconds between two tries, the first and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05


class Lock:
    """An exclusive `flock` on a file that stays; use it in `with`.

    Waits at most `wait` seconds, then raises Busy naming the holder as far as it is known. `what` says in words what the
    lock is held for. The descriptor is close-on-exec, so no child program ever holds the lock; a holder killed at any
    point frees it. Not reentrant.
    """

    def __init__(self, path: Path, *, what: str = "", wait: float = 0.0) -> None:
        self.path = path
        self.what = what
        self.wait = wait
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock now."""
        return self._fd is not None

    def __enter__(self) -> Self:
        if self._fd is not None:
            raise RuntimeError(f"{self.path} is locked by this object already")
        deadline = time.monotonic() + self.wait
        turn = self.path.with_name(f"{self.path.name}.turn")
        # Whoever waits holds the turn, so that a process that locks again and again lets the others in between.
        turn_fd = self._patiently(turn, deadline)
        try:
            self._fd = self._patiently(self.path, deadline)
        finally:
            os.close(turn_fd)
        before = os.fstat(self._fd)
        self._times = (before.st_atime_ns, before.st_mtime_ns)
        self._sign(self._fd)
        return self

    def _patiently(self, path: Path, deadline: float) -> int:
        pause = _FIRST_PAUSE
        while (fd := _try(path)) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Busy(f"{self._holder()}. Try again in a moment")
            time.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE)
        return fd

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            with suppress(OSError):
                os.ftruncate(fd, 0)
                # The note is gone, and so is its trace: a heartbeat that has nothing to do changes no file.
                os.utime(fd, ns=self._times)
            os.close(fd)

    @contextmanager
    def lent(self, wait: float) -> Iterator[None]:
        """Give the lock back for as long as the body runs, then take it again, at most `wait` seconds later; raises Busy."""
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            self.wait = wait
            self.__enter__()

    def _sign(self, fd: int) -> None:
        """Write who holds the lock, for the message of those who wait; a full disk is no reason to fail."""
        import json

        note = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds"), "what": self.what}
        with suppress(OSError):
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(note).encode() + b"\n", 0)

    def _holder(self) -> str:
        """Return who holds the lock as a sentence without its full stop; the note may be of an earlier holder that was killed."""
        import json

        unknown = f"another autobuilds process holds {self.path}"
        try:
            note = json.loads(self.path.read_bytes()[:4096])
            pid, since, what = int(note["pid"]), str(note["since"])[:40], str(note["what"])[:80]
        except (OSError, ArithmeticError, ValueError, KeyError, TypeError, RecursionError):
            return unknown
        if not alive(pid):
            return unknown
        return f"{self.path} is locked by process {pid} since {since}" + (f" ({what})" if what else "")


def _try(path: Path) -> int | None:
    """Return a descriptor that holds the lock on a file, or None where another has it."""
    fd = _open(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        same = _is_current(path, fd)
    except OSError as error:
        os.close(fd)
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES, errno.EINTR}:
            return None
        raise storage_failure(path, error, "lock") from error
    if not same:
        os.close(fd)
        return None
    return fd


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            return os.open(path, flags, 0o666)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise BadInput(f"{path} is a symbolic link; a lock must be a file of its own. Remove the link") from error
        raise storage_failure(path, error, "lock") from error


def _is_current(path: Path, fd: int) -> bool:
    """Whether the path still names the file that was locked: someone may have cleared the folder in between."""
    ours = os.fstat(fd)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def alive(pid: int) -> bool:
    """Whether a process of this number runs now, whoever's it is; of one that can't be asked, yes."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
