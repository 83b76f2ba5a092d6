"""Reading files that others write: whole ones that people save at any moment, and untrusted ones."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

from autobuilds.errors import BadInput, Busy
from autobuilds.store.files.writing import storage_failure
from autobuilds.store.guarded import read_guarded

#: Bytes; no file that people write by hand comes near it.
MAX_BYTES = 256 * 1024 * 1024
#: A file last changed less than this many seconds ago may be half saved, and is looked at twice.
_SETTLED = 0.02
#: Seconds between the two looks.
_LOOK_AGAIN = 0.004


class Stamp(NamedTuple):
    """What tells one state of a file from the next without reading it."""

    device: int
    inode: int
    size: int
    #: Nanoseconds.
    changed: int

    @classmethod
    def of(cls, info: os.stat_result) -> Stamp:
        """Return the stamp of a stat result."""
        return cls(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)


class Stable(NamedTuple):
    """The bytes of a file and the stamp that it had before and after they were read."""

    data: bytes
    stamp: Stamp
    #: When the file, or its name, was last changed: nanoseconds since 1970, by the file system's clock.
    landed: int


def read_stable(path: Path, *, limit: int = MAX_BYTES, wait: float = 2.0) -> bytes:
    """Return the bytes of a file that nobody was writing while they were read.

    Raises BadInput for what is not a regular file of at most `limit` bytes or is not there, Busy where the file does not
    come to rest within `wait` seconds, StorageFailure where it can't be read.
    """
    return read_stamped(path, limit=limit, wait=wait).data


def read_stamped(path: Path, *, limit: int = MAX_BYTES, wait: float = 2.0) -> Stable:
    """Do what `read_stable` does, and return the stamp too."""
    deadline = time.monotonic() + wait
    while True:
        found = _read_once(path, limit)
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise Busy(f"{path} is being written all the time. Try again in a moment")
        time.sleep(_LOOK_AGAIN)


def glance(path: Path, limit: int = MAX_BYTES) -> Stable | None:
    """Return a file as it is at this moment, without waiting; None where it changes just now, or is not there any more.

    For the bytes of a file that are known: if they are what they are expected to be, nobody is in the middle of a save.
    """
    try:
        return _read_once(path, limit, settled=0.0)
    except BadInput:
        return None


def _read_once(path: Path, limit: int, settled: float = _SETTLED) -> Stable | None:
    """Return the file's bytes, or None where it changed meanwhile or was replaced by another file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError as error:
        raise BadInput(f"there is no file {path}") from error
    except OSError as error:
        raise storage_failure(path, error, "read") from error
    try:
        before = os.fstat(fd)
        _refuse(path, before, limit)
        data = _all(fd, before.st_size)
        if time.time() - before.st_mtime < settled:
            time.sleep(_LOOK_AGAIN)
        after, there = os.fstat(fd), path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_failure(path, error, "read") from error
    finally:
        os.close(fd)
    stamp = Stamp.of(before)
    quiet = stamp == Stamp.of(after) == Stamp.of(there) and len(data) == before.st_size
    return Stable(data, stamp, before.st_ctime_ns) if quiet else None


def _refuse(path: Path, info: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise BadInput(f"{path} is not a regular file. Put a file of that name there")
    if info.st_size > limit:
        raise BadInput(f"{path} holds {info.st_size:,} bytes; at most {limit:,} are read. Move what is not needed elsewhere")


def _all(fd: int, size: int) -> bytes:
    """Return up to one byte more than `size`, so that growth shows."""
    parts: list[bytes] = []
    got = 0
    while got <= size:
        part = os.pread(fd, size + 1 - got, got)
        if not part:
            break
        parts.append(part)
        got += len(part)
    return b"".join(parts)


def read_untrusted(path: Path, limit: int = 64 * 1024) -> str:
    """Return the last `limit` bytes (from a line's start) of a file that may be made to harm the reader; empty if there is none.

    Never follows a link, never waits for a pipe or device; bytes that are not UTF-8 become U+FFFD. Raises BadInput for
    anything but a regular file with one name.
    """
    found = read_guarded(path, head=0, tail=limit)
    if found.text is None:
        if found.problem is None:
            return ""
        raise BadInput(f"{path} {found.problem}; it was not read")
    return found.text.removeprefix("\n") if found.size > limit else found.text
