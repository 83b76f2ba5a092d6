"""Whether some process has a file open."""

from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


def in_use(fd: int, name: str) -> bool | None:
    """Return whether some process has the file under a name in a held folder open, or None where that can't be told.

    On Linux the kernel itself is asked: it gives a write lease on a file only where nobody else has it open, whoever that is.
    """
    try:
        own = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, dir_fd=fd)
    except OSError as error:
        # Somebody holds a lease on it.
        return True if error.errno == errno.EWOULDBLOCK else None
    try:
        leased = lease(own)
        if leased is not None:
            unlease(own)
            return not leased
        return _seen(os.fstat(own))
    finally:
        os.close(own)


def lease(fd: int) -> bool | None:
    """Take a write lease on an open file; return whether nobody else has it open, None where there are no leases.

    Whoever opens it meanwhile waits until `unlease`.
    """
    if not sys.platform.startswith("linux"):
        return None
    import fcntl

    known: Any = fcntl
    try:
        # A signal that nobody is ended by tells of whoever waits.
        fcntl.fcntl(fd, known.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, known.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        return False if error.errno == errno.EAGAIN else None
    return True


def unlease(fd: int) -> None:
    """Give a lease back."""
    import fcntl

    known: Any = fcntl
    with suppress(OSError):
        fcntl.fcntl(fd, known.F_SETLEASE, fcntl.F_UNLCK)


def _seen(info: os.stat_result) -> bool | None:
    """Return whether another process that can be looked into has this file open."""
    if Path("/proc/self/fd").is_dir():
        return _in_proc(info)
    import psutil

    own = os.getpid()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != own and any(_same(Path(opened.path), info) for opened in process.open_files()):
                return True
    return False


def _in_proc(info: os.stat_result) -> bool:
    own = str(os.getpid())
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name == own:
            continue
        with suppress(OSError):
            if any(_same(entry, info) for entry in (folder / "fd").iterdir()):
                return True
    return False


def _same(path: Path, info: os.stat_result) -> bool:
    with suppress(OSError):
        found = path.stat()
        return (found.st_dev, found.st_ino) == (info.st_dev, info.st_ino)
    return False
