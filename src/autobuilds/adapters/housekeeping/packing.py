"""Compressing a file: the copy is read back and compared before anybody may rely on it."""

from __future__ import annotations

import os
import stat
import time
import zlib
from contextlib import suppress

_CHUNK = 1024 * 1024
#: Seconds that the compression of one file may take.
_MOST_SECONDS = 120.0


def pack(fd: int, source: int, name: str, info: os.stat_result) -> int:
    """Write a compressed copy of an open file under a new name in a held folder, read it back and compare; return its size.

    `info` is what the file was like when that was decided. Raises OSError where the copy is not the same or takes too long.
    """
    import gzip

    deadline = time.monotonic() + _MOST_SECONDS
    out = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, stat.S_IMODE(info.st_mode), dir_fd=fd)
    with os.fdopen(out, "w+b") as copy:
        sums = [0, 0]
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=copy, mtime=info.st_mtime) as packed:
            while data := os.read(source, _CHUNK):
                packed.write(data)
                sums = [zlib.crc32(data, sums[0]), sums[1] + len(data)]
                _in_time(deadline)
        copy.flush()
        copy.seek(0)
        back = [0, 0]
        with gzip.GzipFile(mode="rb", fileobj=copy) as packed:
            while data := packed.read(_CHUNK):
                back = [zlib.crc32(data, back[0]), back[1] + len(data)]
                _in_time(deadline)
        if back != sums or sums[1] != info.st_size:
            raise OSError("the compressed copy is not the same")
        with suppress(PermissionError):
            os.fchown(copy.fileno(), -1, info.st_gid)
        os.utime(copy.fileno(), ns=(info.st_atime_ns, info.st_mtime_ns))
        os.fsync(copy.fileno())
        return os.fstat(copy.fileno()).st_size


def _in_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise OSError(f"it takes longer than {_MOST_SECONDS:.0f} s")
