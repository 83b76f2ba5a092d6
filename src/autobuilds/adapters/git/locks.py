"""Git's lock files, taken so that what a killed process of ours leaves can be told from everybody else's.

A lock of ours is a second name (hard link) of a file `autobuilds-<nonce>.*` in the Git folder; next to it lies a
guard file on which the living process holds a kernel lock. Guard free means dead, and then its locks may go.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from autobuilds.adapters.git.objects import make_folder, sync_folder
from autobuilds.errors import GitBusy, StorageFailure

#: Seconds to wait for a lock that somebody holds.
PATIENCE = 2.0
#: Seconds after which a lock of Git's own that no process has open counts as left behind; Git holds one for milliseconds.
OLD = 600.0


class Claim:
    """One operation's private files in a Git folder, told apart from the leavings of dead ones; use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nonce = os.urandom(8).hex()
        self._guard = -1

    def __enter__(self) -> Self:
        sweep(self._folder)
        try:
            while self._guard < 0:
                handle = os.open(self.path("guard"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(handle, fcntl.LOCK_EX)
                # A sweep may have taken the file between its creation and its lock.
                if self.path("guard").exists():
                    self._guard = handle
                else:
                    os.close(handle)
        except OSError as error:
            raise StorageFailure(f"could not write to {self._folder}: {error.strerror}; free some space or mend the permissions") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # First, since where as many files are open as may be, listing needs its place; whoever takes it for dead does the same as we.
        os.close(self._guard)
        # The guard last: what a kill or an error in between leaves is found by it, a lock that could not be taken away included.
        with contextlib.suppress(OSError):
            for path in sorted(_files(self._folder, self._nonce), key=lambda p: p.suffix == ".guard"):
                _drop_links(self._folder, path)
                _drop(path)

    def path(self, name: str) -> Path:
        """Return the path of a private file of this operation."""
        return self._folder / f"autobuilds-{self._nonce}.{name}"

    def hold(self, lock: Path, source: Path, *, patience: float = PATIENCE) -> None:
        """Make `lock` a second name of `source`, waiting while somebody holds it.

        Raises GitBusy when it is still held after `patience` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                make_folder(lock.parent)
                _link(source, lock)
            except FileExistsError:
                sweep(self._folder)
                if _drop_old(lock):
                    continue
            else:
                return
            if time.monotonic() > deadline:
                raise GitBusy(
                    f"{lock} is held by another Git command; files are right, the next heartbeat commits them. "
                    "If no Git command runs, remove that file"
                )
            time.sleep(0.01 + os.urandom(1)[0] / 12_800)


def _link(source: Path, lock: Path) -> None:
    try:
        os.link(source, lock)
    except FileExistsError:
        raise
    except OSError:
        # No hard links on this file system: the lock works, only its healing has to wait until it is old.
        with lock.open("xb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())


def write(lock: Path, data: bytes) -> None:
    """Put what is to stand in the guarded file into its lock, on disk. Raises OSError."""
    with lock.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace(lock: Path, target: Path) -> None:
    """Put a held lock in the place of the file that it guards, durably where the disk can; raises OSError with the lock still held."""
    lock.rename(target)
    with contextlib.suppress(OSError):
        sync_folder(target.parent)


def sweep(folder: Path) -> None:
    """Remove what dead operations of ours left in a Git folder, their locks included."""
    for guard in folder.glob("autobuilds-*.guard"):
        try:
            handle = os.open(guard, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left = _files(folder, guard.name.removeprefix("autobuilds-").removesuffix(".guard"))
            for path in sorted(left, key=lambda p: p.suffix == ".guard"):
                _drop_links(folder, path)
                _drop(path)
        except OSError:
            continue  # somebody holds it, or the disk does not let it go: another time
        finally:
            os.close(handle)


def _files(folder: Path, nonce: str) -> list[Path]:
    return [*folder.glob(f"autobuilds-{nonce}.*")]


def _drop(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        import shutil

        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _drop_links(folder: Path, path: Path) -> None:
    try:
        mine = path.lstat()
    except FileNotFoundError:
        return
    if mine.st_nlink < 2:
        return
    for lock in _locks(folder):
        with contextlib.suppress(FileNotFoundError):
            if (lock.lstat().st_dev, lock.lstat().st_ino) == (mine.st_dev, mine.st_ino):
                lock.unlink()


def _locks(folder: Path) -> Iterator[Path]:
    yield folder / "index.lock"
    yield folder / "config.lock"
    yield folder / "packed-refs.lock"
    yield from (folder / "worktrees").glob("*/index.lock")
    for where, _, names in os.walk(folder / "refs"):
        yield from (Path(where) / name for name in names if name.endswith(".lock"))


def _drop_old(lock: Path) -> bool:
    """Remove a lock that was left behind long ago, and return whether there is none any more."""
    try:
        status = lock.lstat()
    except FileNotFoundError:
        return True
    if time.time() - status.st_mtime > OLD and not _is_open(status):
        lock.unlink(missing_ok=True)
        return True
    return False


def _is_open(status: os.stat_result) -> bool:
    processes = Path("/proc")
    if not (processes / "self/fd").is_dir():
        return True
    for entry in processes.glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            found = entry.stat()
            if (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino):
                return True
    return False
