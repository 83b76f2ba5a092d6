"""Files that an agent wrote, safe to read and to show."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from autobuilds.domain.inert import clean
from autobuilds.domain.redaction import Secret, redact


def open_plain(path: Path) -> int | None:
    """Open a regular file of one name for reading and return its descriptor; None for anything else. Never waits, never raises."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError):
        return None
    info = os.fstat(fd)
    if stat.S_ISREG(info.st_mode) and info.st_nlink <= 1:
        return fd
    os.close(fd)
    return None


def read_whole(path: Path, limit: int) -> bytes | None:
    """Return the bytes of a regular file with one name and at most `limit` bytes; None for anything else."""
    fd = open_plain(path)
    if fd is None:
        return None
    try:
        info = os.fstat(fd)
        return os.pread(fd, limit, 0) if info.st_size <= limit else None
    except OSError:
        return None
    finally:
        os.close(fd)


def read_tail(path: Path, limit: int, secrets: tuple[Secret, ...] = ()) -> str:
    """Return the last `limit` bytes of a regular file as clean text without secrets; empty if there is none. Never waits, never raises."""
    fd = open_plain(path)
    if fd is None:
        return ""
    try:
        most = max(limit, 0)
        offset = max(os.fstat(fd).st_size - most, 0)
        content = os.pread(fd, most, offset)
    except OSError:
        return ""
    finally:
        os.close(fd)
    if offset and b"\n" in content[:-1]:
        content = content[content.index(b"\n") + 1 :]
    return redact(clean(content.decode("utf-8", "replace")), secrets, cut=offset > 0)
