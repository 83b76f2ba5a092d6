"""The end of a file that an agent wrote, safe to read and to show."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from autobuilds.domain.inert import clean


def read_tail(path: Path, limit: int) -> str:
    """Return the last `limit` bytes of a regular file as clean text; empty if there is none. Never waits, never raises."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError):
        return ""
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            return ""
        offset = max(info.st_size - max(limit, 0), 0)
        content = os.pread(fd, max(limit, 0), offset)
    except OSError:
        return ""
    finally:
        os.close(fd)
    if offset and b"\n" in content[:-1]:
        content = content[content.index(b"\n") + 1 :]
    return clean(content.decode("utf-8", "replace"))
