"""Reading a file that someone else may have made to harm the reader."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What a guarded read found: `text` None means nothing may be read, and `problem` says why (None: there is no file)."""

    text: str | None
    problem: str | None = None
    #: Bytes on disk.
    size: int = 0


def read_guarded(path: Path, *, head: int = 192 * 1024, tail: int = 64 * 1024) -> Guarded:
    """Return the text of a regular file with one name; of a longer one its first `head` and last `tail` bytes, at line ends.

    Never follows a link at its end, never waits for a pipe or device, never raises. Bytes that are not UTF-8 become U+FFFD.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        return Guarded(text=None)
    except (OSError, ValueError) as error:
        reason = "is a symbolic link" if path.is_symlink() else f"can't be opened ({getattr(error, 'strerror', None) or error})"
        return Guarded(text=None, problem=reason)
    try:
        return _read(fd, head, tail)
    except OSError as error:
        return Guarded(text=None, problem=f"can't be read ({error.strerror})")
    finally:
        os.close(fd)


def _read(fd: int, head: int, tail: int) -> Guarded:
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        return Guarded(text=None, problem="is not a regular file")
    if info.st_nlink != 1:
        return Guarded(text=None, problem="has a second name (a hard link)", size=info.st_size)
    if info.st_size <= head + tail:
        return Guarded(text=os.pread(fd, head + tail, 0).decode("utf-8", "replace"), size=info.st_size)
    first, last = os.pread(fd, head, 0), os.pread(fd, tail, info.st_size - tail)
    first = first[: first.rfind(b"\n") + 1] or first
    last = last[last.find(b"\n") + 1 :]
    text = first.decode("utf-8", "replace").rstrip("\n") + "\n" + last.decode("utf-8", "replace")
    return Guarded(text=text, problem=f"is longer than {(head + tail) // 1024} KiB, its middle was not read", size=info.st_size)
