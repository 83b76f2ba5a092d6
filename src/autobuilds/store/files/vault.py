"""What was displaced by our writes: the very files, kept for a while because someone may still save into them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from autobuilds.domain.digests import sha256
from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass, replace
from autobuilds.store.files.reading import Stamp
from autobuilds.store.files.writing import write_new

#: Seconds for which a displaced file is watched, and for which it is at least.
KEPT, KEPT_AT_LEAST = 24 * 3600, 600
#: Bytes and files above which the oldest go before their time.
_MOST_BYTES, _MOST_FILES = 64 * 1024 * 1024, 512
#: Bytes of older versions that are read to find the one that a save was begun from.
_MOST_READ = 16 * 1024 * 1024
_NAME = pattern(r"(\d{1,20})-(\d{1,20})-([0-9a-f]{32})-([0-9a-f]{32})(?:-(\d{1,20})-(\d{1,20})(?:-([0-9a-f]{32}))?)?\.held", re.ASCII)
_OWED = pattern(r"(\d{1,20})-([0-9a-f]{32})-([0-9a-f]{32})-(\d{1,6})\.owed", re.ASCII)
#: Debts that are remembered, at most, and texts that nothing refers to any more.
_MOST_OWED, _SPARE = 64, 16


def _stamped(stamp: Stamp) -> str:
    return "-".join(str(part) for part in stamp)


def digest(data: bytes) -> str:
    """Return the name of a text in the vault: 32 hexadecimal digits of its SHA-256."""
    return sha256(data)[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One write of ours as its file's name tells it: the file holds what was displaced (or, before the swap, what is to be written)."""

    folder: Path
    file: str
    #: Nanoseconds since 1970, later than of every write before.
    at: int
    #: The inode that we wrote; 0 where the write was taken back at once, and this file is the one that we wrote.
    inode: int
    #: Digests of the text that stood there and of ours.
    base: str
    ours: str
    #: Size in bytes and change time in nanoseconds as last looked at; None as long as nobody looked.
    seen: tuple[int, int] | None = None
    #: Digest of what the file held when it was last looked at; None for the text that stood there.
    later: str | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.file

    @property
    def holds(self) -> str:
        """The digest of what the file held when it was last looked at."""
        return self.later or self.base

    @property
    def withdrawn(self) -> bool:
        """Whether the write was taken back at once, because something else stood there."""
        return self.inode == 0

    def name(self) -> str:
        """Return the file name that says all this."""
        seen = f"-{self.seen[0]}-{self.seen[1]}" if self.seen else ""
        later = f"-{self.later}" if self.seen and self.later not in {None, self.base} else ""
        return f"{self.at}-{self.inode}-{self.base}-{self.ours}{seen}{later}.held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """Lines that a person saved and that somebody who saves next may never have seen; the file holds them."""

    path: Path
    #: Nanoseconds since 1970.
    at: int
    #: Digests of the texts without and with them.
    before: str
    after: str
    #: Seconds for which nobody who saves can mean to take them out.
    seconds: int

    def lines(self) -> list[bytes]:
        """Return the lines without their ends; none where they can't be read."""
        try:
            return self.path.read_bytes().split(b"\n")
        except OSError:
            return []


@lru_cache(maxsize=4096)
def _parsed(folder: Path, name: str) -> Held | None:
    """Return what a file name says, or None where it is no name of ours."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    seen = (int(match[5]), int(match[6])) if match[5] else None
    at, inode = int(match[1]), int(match[2])
    return Held(folder=folder, file=name, at=at, inode=inode, base=match[3], ours=match[4], seen=seen, later=match[7])


class Vault:
    """The folder with the displaced files of one file, and with the texts that they held (by digest)."""

    def __init__(self, private: Path, name: str) -> None:
        self.folder = private / "retired" / name

    def keep(self, data: bytes) -> str:
        """Keep a text and return its digest. Raises OSError."""
        name = digest(data)
        path = self.folder / f"{name}.text"
        if self.text(name) is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = self.folder / f"{os.getpid()}-{os.urandom(4).hex()}.tmp"
            try:
                write_new(temporary, data, sync=False)
                temporary.replace(path)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise
        return name

    def text(self, name: str) -> bytes | None:
        """Return a text that was kept, or None if it is gone or damaged."""
        data = self._text(name)
        return data if data is not None and digest(data) == name else None

    def _text(self, name: str) -> bytes | None:
        """Return what was kept under a name as it is now, whole or damaged."""
        try:
            return (self.folder / f"{name}.text").read_bytes()
        except OSError:
            return None

    def prepare(self, expect: bytes, data: bytes, like: Path) -> Held:
        """Write what is to take the file's place, to disk, and keep both texts. Raises OSError, nothing left behind."""
        base, ours = self.keep(expect), self.keep(data)
        temporary = self.folder / f"{os.getpid()}-{os.urandom(4).hex()}.tmp"
        try:
            inode = write_new(temporary, data, like=like)
            # Later than every other, whatever the clock says: the order of our writes is read from these times.
            at = max([time.time_ns(), *(held.at + 1 for held in self.all())])
            held = Held(folder=self.folder, file=temporary.name, at=at, inode=inode, base=base, ours=ours)
            return self.renamed(held)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def renamed(self, held: Held) -> Held:
        """Let the file's name say what `held` says. Raises OSError."""
        name = held.name()
        if name != held.file:
            held.path.rename(self.folder / name)
        return replace(held, file=name)

    def seen(self, held: Held, text: str, stamp: Stamp) -> Held:
        """Note that the file held the text with this digest when it had this stamp. Raises OSError."""
        return self.renamed(replace(held, later=text, seen=(stamp.size, stamp.changed)))

    def withdraw(self, held: Held) -> Held:
        """Note that a write is taken back: its file, of our own text, is watched like one that was displaced. Raises OSError."""
        return self.renamed(replace(held, inode=0, later=held.ours, seen=(0, 0)))

    def all(self) -> list[Held]:
        """Return every write that is still remembered, oldest first."""
        found = (_parsed(self.folder, name) for name in self._names())
        return sorted((held for held in found if held is not None), key=lambda held: held.at)

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.folder) as entries:
                return [entry.name for entry in entries]
        except OSError:
            return []

    def writes(self) -> list[Held]:
        """Return our writes that took place, oldest first, without those that were taken back at once."""
        return [held for held in self.all() if not held.withdrawn]

    def versions(self, writes: Iterable[Held], wanted: Callable[[bytes], bool] = lambda _: True) -> Iterator[bytes]:
        """Yield the texts that stood before and after these writes, or were saved into what they displaced, each once.

        The newest come first; the bytes read are limited. Of a write that was taken back ours is none. A text that is not
        `wanted` is left out, before it is known to be whole: to find that out takes longer than to read it.
        """
        texts = ((*(() if held.withdrawn else (held.ours, held.holds)), held.base) for held in reversed(list(writes)))
        names = dict.fromkeys(name for some in texts for name in some)
        total = 0
        for name in names:
            data = self._text(name)
            if data is not None:
                total += len(data)
                if wanted(data) and digest(data) == name:
                    yield data
            if total > _MOST_READ:
                return

    def judge(self, stamp: Stamp) -> None:
        """Note that the file, with this stamp, was looked at and is as its writer meant it."""
        with suppress(OSError):
            for path in self.folder.glob("*.judged"):
                path.unlink()
            (self.folder / f"{_stamped(stamp)}.judged").touch()

    def judged(self, stamp: Stamp) -> bool:
        """Whether the file was looked at when it had this stamp."""
        return (self.folder / f"{_stamped(stamp)}.judged").exists()

    def note_stale(self, write: Held) -> None:
        """Note that a save was found which had not seen this write: whoever saves on top of it has not seen it either."""
        with suppress(OSError):
            for path in self.folder.glob("*.stale"):
                path.unlink()
            (self.folder / f"{write.at}.stale").touch()

    def noted_stale(self, write: Held) -> bool:
        """Whether a save that had not seen this write was found before."""
        return (self.folder / f"{write.at}.stale").exists()

    def prune(self, held: list[Held]) -> None:
        """Drop what was watched long enough, and temporary files of killed writers; only for the holder of the write lock."""
        if not self._crowded(held):
            return
        kept = self._drop_old(held, time.time_ns())
        owed = self._drop_paid(time.time_ns())
        names = {name for one in kept for name in (one.base, one.ours, one.holds)}
        names |= {name for debt in owed for name in (debt.before, debt.after)}
        for name in self._names():
            stem, _, kind = name.rpartition(".")
            if kind == "tmp" or (kind == "text" and stem not in names) or (kind in {"judged", "stale"} and not kept):
                with suppress(OSError):
                    (self.folder / name).unlink()

    def _crowded(self, held: list[Held]) -> bool:
        """Whether something may have to go, as far as names and the size of the newest file tell."""
        if not held or abs(time.time_ns() - held[0].at) / 1e9 > KEPT or len(held) > _MOST_FILES:
            return True
        names = self._names()
        referred = len({name for one in held for name in (one.base, one.ours, one.holds)})
        texts, owed = (sum(name.endswith(kind) for name in names) for kind in (".text", ".owed"))
        if any(name.endswith(".tmp") for name in names) or texts > referred + _SPARE or owed > _MOST_OWED:
            return True
        try:
            return held[-1].path.stat().st_size * len(held) > _MOST_BYTES
        except OSError:
            return True

    def owe(self, before: bytes, after: bytes, lines: Iterable[bytes], seconds: int) -> None:
        """Note that a text lacks these lines of another one, which a person saved. Raises OSError."""
        name = f"{time.time_ns()}-{self.keep(before)}-{self.keep(after)}-{seconds}.owed"
        write_new(self.folder / name, b"\n".join(lines), sync=False)

    def owed(self) -> list[Debt]:
        """Return what is owed, oldest first."""
        found = [(name, match) for name in self._names() if (match := _OWED.fullmatch(name))]
        debts = [
            Debt(path=self.folder / name, at=int(match[1]), before=match[2], after=match[3], seconds=int(match[4])) for name, match in found
        ]
        return sorted(debts, key=lambda debt: debt.at)

    def _drop_paid(self, now: int) -> list[Debt]:
        owed = self.owed()
        kept = [debt for debt in owed[-_MOST_OWED:] if abs(now - debt.at) / 1e9 <= KEPT]
        for debt in owed:
            if debt not in kept:
                with suppress(OSError):
                    debt.path.unlink()
        return kept

    def _drop_old(self, held: list[Held], now: int) -> list[Held]:
        kept: list[Held] = []
        total = 0
        for count, one in enumerate(reversed(held)):
            age = abs(now - one.at) / 1e9  # a clock that was set back must not keep them for ever
            with suppress(OSError):
                total += one.path.stat().st_size
            crowded = count >= _MOST_FILES or total > _MOST_BYTES
            if age > KEPT or (crowded and age > KEPT_AT_LEAST):
                with suppress(OSError):
                    one.path.unlink()
            else:
                kept.append(one)
        return kept
