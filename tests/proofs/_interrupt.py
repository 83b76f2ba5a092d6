"""Acts of this process that end in their middle, killed or on a disk that is full from there on; and acts that wait for nobody."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autobuilds.store.files import shared
from autobuilds.store.files.exchange import exchange
from autobuilds.store.queue import belief
from autobuilds.store.queue import file as queue_file

#: What changes the state of a disk; a process that is gone does none of it.
_CHANGES = (
    "write",
    "pwrite",
    "rename",
    "replace",
    "link",
    "symlink",
    "unlink",
    "remove",
    "mkdir",
    "rmdir",
    "fsync",
    "truncate",
    "ftruncate",
    "utime",
    "chmod",
)
#: What needs room on the disk.
_NEEDS_ROOM = frozenset({"open", "write", "pwrite", "link", "symlink", "mkdir", "exchange"})


class Killed(BaseException):
    """The process was killed here; nothing that it would have done after this is done."""


class Point:
    """Counts the calls of one act, and ends it at call number `at` and at every one after it."""

    def __init__(self, at: int, *, full_disk: bool) -> None:
        self.at = at
        self.full_disk = full_disk
        self.calls = 0
        self.fired = False

    def passed(self, name: str) -> None:
        """Count one call; raise what it meets."""
        if self.full_disk and name not in _NEEDS_ROOM:
            return
        self.calls += 1
        if self.calls >= self.at:
            self.fired = True
            if self.full_disk:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise Killed


@contextmanager
def ended_at(point: Point, folder: Path, *also: tuple[Any, str]) -> Iterator[None]:
    """Run an act that ends at a point; `also` are methods (owner, name) that are points before and after they run.

    What a killed process holds open below `folder` is closed, as the system does, so that its locks are free.
    """
    before = _open_files()
    undo: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, new: Callable[..., Any]) -> None:
        undo.append((owner, name, owner.__dict__.get(name, undo)))
        setattr(owner, name, new)

    for name in _CHANGES:
        put(os, name, _counted(getattr(os, name), name, point))
    put(os, "open", _counted_open(os.open, point))
    put(shared, "exchange", _counted(exchange, "exchange", point))
    put(subprocess.Popen, "__init__", _counted(subprocess.Popen.__init__, "start a process", point))
    for owner, name in also:
        put(owner, name, _around(getattr(owner, name), name, point))
    try:
        yield
    finally:
        for owner, name, old in reversed(undo):
            if old is undo:
                delattr(owner, name)
            else:
                setattr(owner, name, old)
        for fd, target in _open_files().items():
            if fd not in before and target.startswith(str(folder)):
                with suppress(OSError):
                    os.close(fd)


def _counted(real: Callable[..., Any], name: str, point: Point) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        point.passed(name)
        return real(*args, **options)

    return call


def _counted_open(real: Callable[..., int], point: Point) -> Callable[..., int]:
    def call(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if flags & os.O_CREAT:
            point.passed("open")
        return real(path, flags, *args, **options)

    return call


def _around(real: Callable[..., Any], name: str, point: Point) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        point.passed(name)
        made = real(*args, **options)
        point.passed(name)
        return made

    return call


def _open_files() -> dict[int, str]:
    found: dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return found


@contextmanager
def hasty() -> Iterator[None]:
    """Let the tool believe at once what it reads: nobody is in the middle of a save here, and nobody waits."""
    kept = belief.BIG_LOSS, belief.LOSS, queue_file._FRESH
    belief.BIG_LOSS = belief.LOSS = queue_file._FRESH = 0.0
    try:
        yield
    finally:
        belief.BIG_LOSS, belief.LOSS, queue_file._FRESH = kept
