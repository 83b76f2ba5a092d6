"""A file that grows while it is read: every line once, by its place in the file, whatever happens to the file."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from autobuilds.domain.inert import terminal_block
from autobuilds.records import dataclass, field

_CHUNK = 256 * 1024
#: Bytes of one reading; the next goes on from there.
_MOST = 2 * 1024 * 1024
#: Bytes at the end of a file in which its last lines are looked for.
_LAST = 16 * 1024 * 1024
#: A line longer than this many bytes comes in pieces.
_LONGEST = 64 * 1024


@dataclass(slots=True)
class GrowingFile:
    """The lines of one file, each as clean text; follows the name to a new file when the old one is renamed away or cut."""

    path: Path
    _fd: int | None = None
    _offset: int = 0
    _partial: bytes = b""
    _seen: tuple[int, int] | None = field(default=None)

    @property
    def began(self) -> bool:
        """Whether there was a file to read."""
        return self._seen is not None

    def skip_to_last(self, lines: int) -> None:
        """Begin with the last `lines` lines of what is there now, at most the last 16 MiB, instead of the first."""
        if not self._open():
            return
        assert self._fd is not None
        at = size = os.fstat(self._fd).st_size
        found = -1 if size and os.pread(self._fd, 1, size - 1) == b"\n" else 0
        first = max(size - _LAST, 0)
        while at > first:
            start = max(at - _CHUNK, first)
            block = os.pread(self._fd, at - start, start)
            index = len(block)
            while (index := block.rfind(b"\n", 0, index)) >= 0:
                found += 1
                if found == lines:
                    self._offset = start + index + 1
                    return
            at = start
        self._offset = first

    def lines(self) -> list[str]:
        """Return the whole lines that came since the last call, at most a few megabytes of them."""
        found: list[str] = []
        read = 0
        while read < _MOST and self._open():
            assert self._fd is not None
            data = self._next()
            if data:
                read += len(data)
                found += self._cut(data)
            elif not self._turned():
                break
            else:
                found += self.rest()
                self.close()
        return found

    def rest(self) -> list[str]:
        """Return the last line although no line end came, if there is one."""
        rest, self._partial = self._partial, b""
        return _clean(rest) if rest else []

    def close(self) -> None:
        """Let go of the file; a later call begins with what stands at its name then."""
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._offset, self._partial = None, 0, b""

    def _next(self) -> bytes:
        assert self._fd is not None
        with suppress(OSError):
            if os.fstat(self._fd).st_size < self._offset:
                self._offset = 0
            data = os.pread(self._fd, _CHUNK, self._offset)
            self._offset += len(data)
            return data
        return b""

    def _cut(self, data: bytes) -> list[str]:
        *whole, self._partial = (self._partial + data).split(b"\n")
        found = [row for line in whole for row in _clean(line)]
        while len(self._partial) > _LONGEST:
            found += _clean(self._partial[:_LONGEST])
            self._partial = self._partial[_LONGEST:]
        return found

    def _open(self) -> bool:
        """Open the file where it is there, regular and of one name; never waits, never follows a link."""
        if self._fd is not None:
            return True
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except (OSError, ValueError):
            return False
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
            os.close(fd)
            return False
        self._fd, self._seen = fd, (info.st_dev, info.st_ino)
        return True

    def _turned(self) -> bool:
        """Whether another file stands at the name by now."""
        try:
            info = os.lstat(self.path)
        except OSError:
            return False
        return stat.S_ISREG(info.st_mode) and (info.st_dev, info.st_ino) != self._seen


def _clean(line: bytes) -> list[str]:
    """Return one line as a terminal may show it; a carriage return in it (a progress bar) begins a new one."""
    return list(terminal_block(line.removesuffix(b"\r").decode("utf-8", "replace"), 10_000))
