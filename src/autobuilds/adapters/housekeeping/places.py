"""Files reached from a root without following a link: what is walked, what counts as plain, how a folder is held while one acts."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autobuilds.domain.house import Mark, Place
from autobuilds.records import dataclass, field

#: Entries of folders and seconds that one reading of the house may take.
MOST_ENTRIES, MOST_SECONDS = 200_000, 20.0
#: Seconds after which it is said that a reading takes long, and again.
TELL_AFTER = 2.0
#: Folders below a root; deeper ones are not looked into.
DEEPEST = 32
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True, kw_only=True)
class Budget:
    """What a reading may still take; `skipped` counts what is left alone because of what it is."""

    tell: Callable[[str], None]
    entries: int = MOST_ENTRIES
    seconds: float = MOST_SECONDS
    skipped: int = 0
    unfinished: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    @property
    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self.seconds - (time.monotonic() - self._began))

    def step(self, where: str) -> bool:
        """Count one entry; return False once nothing may be looked at any more."""
        self.entries -= 1
        spent = time.monotonic() - self._began
        if spent - self._told >= TELL_AFTER:
            self._told = spent
            self.tell(f"looking at {where}")
        return self.entries >= 0 and spent < self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A plain file of this user, of one name, on the root's own file system."""

    path: Path
    mark: Mark
    #: Seconds since 1970.
    changed: float


def mark_of(info: os.stat_result) -> Mark:
    """Return by what a file is known again."""
    return Mark(inode=info.st_ino, size=info.st_size, changed=info.st_mtime_ns)


def is_plain(info: os.stat_result, device: int) -> bool:
    """Whether that is a regular file of this user, with one name, on a device."""
    return stat.S_ISREG(info.st_mode) and info.st_nlink == 1 and info.st_uid == os.geteuid() and info.st_dev == device


def device_of(root: Path) -> int | None:
    """Return the device of a root that is a folder itself, not a link to one; None where it can't be used."""
    try:
        info = root.lstat()
    except OSError:
        return None
    return info.st_dev if stat.S_ISDIR(info.st_mode) else None


def walk(
    root: Path, budget: Budget, *, wanted: Callable[[str], bool], but: frozenset[str] = frozenset(), deep: bool = True
) -> Iterator[Found]:
    """Yield the plain files below a root whose names are wanted (`deep` False: in it alone).

    Folders named in `but`, links and other devices are not entered.
    """
    device = device_of(root)
    if device is None:
        return
    waiting, deepest = [(root, 0)], DEEPEST if deep else 0
    while waiting:
        folder, depth = waiting.pop()
        try:
            entries = os.scandir(folder)
        except OSError:
            continue
        with entries:
            for entry in entries:
                if not budget.step(str(folder)):
                    budget.unfinished.append(str(root))
                    return
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in but and depth < deepest and entry.stat(follow_symlinks=False).st_dev == device:
                            waiting.append((Path(entry.path), depth + 1))
                    elif wanted(entry.name):
                        found = _found(entry, device)
                        budget.skipped += found is None
                        if found is not None:
                            yield found


def _found(entry: os.DirEntry[str], device: int) -> Found | None:
    info = entry.stat(follow_symlinks=False)
    return Found(path=Path(entry.path), mark=mark_of(info), changed=info.st_mtime) if is_plain(info, device) else None


@contextmanager
def held_folder(place: Place) -> Iterator[tuple[int, str]]:
    """Open the folder in which a place lies, one step after the other from its root, following no link; yield it and the last name.

    Raises OSError where a step is a link or no folder any more, or the place lies outside of its root.
    """
    root, path = Path(place.root), Path(place.path)
    if not path.is_relative_to(root) or path == root or ".." in path.parts:
        raise OSError(f"{path} does not lie in {root}")
    *steps, name = path.relative_to(root).parts
    fd = os.open(root, _FOLDER)
    try:
        for step in steps:
            below = os.open(step, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd, name
    finally:
        os.close(fd)


def still(fd: int, name: str, mark: Mark | None) -> os.stat_result | None:
    """Return what stands under a name in a held folder if it is plain and as it was marked (None: however it is), else None."""
    try:
        info = os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError:
        return None
    device = os.fstat(fd).st_dev
    return info if is_plain(info, device) and (mark is None or mark_of(info) == mark) else None


def free_bytes(path: Path | str) -> int:
    """Return what this user may still write on the disk that holds a path; 0 where that can't be told."""
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def tree_size(folder: Path, most: int = MOST_ENTRIES) -> int:
    """Return what the files below a folder take of the disk in bytes, of the first `most` entries; follows no link."""
    total = 0
    for top, _, names in os.walk(folder):
        most -= len(names)
        for name in names:
            with suppress(OSError):
                info = os.lstat(os.path.join(top, name))  # noqa: PTH118 - many
                total += info.st_blocks * 512 if stat.S_ISREG(info.st_mode) else 0
        if most < 0:
            break
    return total
