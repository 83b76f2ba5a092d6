"""The dated trash: what is put away lies in `.autobuilds/trash/YYYY-MM-DD/`, with a manifest by which it goes back."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from autobuilds.adapters.housekeeping.places import held_folder, tree_size
from autobuilds.domain.house import Mark, Mended, Place, Restored, Scope, TrashDay
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass
from autobuilds.store import files

MANIFEST = "manifest.jsonl"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
#: Bytes of an old name that are kept in the new one, for people who look.
_NAME_BYTES = 100
#: Bytes of a manifest that are read.
_MOST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place in the trash for one thing."""

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """Return where it lies."""
        return self.folder / self.name


def trash_folder(root: str) -> Path:
    """Return where the trash of a workspace is, made or not."""
    return Path(root) / ".autobuilds" / "trash"


def new_slot(scope: Scope, place: Place, why: str, *, size: int, copy: bool = False) -> Slot:
    """Note down what is about to be put away, durably, and return where it is to go; raises AutobuildsError.

    A `copy` is not put back: what it was taken of still stands.
    """
    private = files.private_folder(Path(scope.root))
    folder = private / "trash" / scope.now.date().isoformat()
    for path in (folder.parent, folder):
        files.make_folder(path)
        if path.is_symlink():
            raise files.storage_failure(path, OSError("it is a symbolic link"), "use")
    last = os.fsencode(Path(place.path).name)[:_NAME_BYTES]
    name = f"{os.urandom(4).hex()}-{os.fsdecode(last)}"
    entry = {
        "at": scope.now.isoformat(timespec="seconds"),
        "name": name,
        "path": place.path,
        "root": place.root,
        "bytes": size,
        "why": why,
        "copy": copy,
    }
    files.append_line(folder / MANIFEST, json.dumps(entry))
    return Slot(folder=folder, name=name)


def put_away(scope: Scope, place: Place, mark: Mark, why: str) -> Mended:
    """Move a file or folder into the trash if it is as it was marked."""
    try:
        with held_folder(place) as (fd, name):
            info = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if not _as_marked(info, mark):
                return Mended(done=False, said="it changed meanwhile; left alone")
            size = tree_size(Path(place.path)) if stat.S_ISDIR(info.st_mode) else info.st_size
            slot = new_slot(scope, place, why, size=size)
            _move(fd, name, slot, info)
    except AutobuildsError as fault:
        return Mended(done=False, said=str(fault))
    except OSError as error:
        return Mended(done=False, said=f"could not be moved to the trash: {error.strerror or error}")
    day = scope.now.date().isoformat()
    return Mended(done=True, said=f"moved to the trash; `autobuilds problems restore {day}` brings it back", trashed=size)


def _as_marked(info: os.stat_result, mark: Mark) -> bool:
    """Whether a file is as it was marked; a folder is known by its inode, and builds of root's are another user's."""
    if info.st_uid != os.geteuid() and not (stat.S_ISDIR(info.st_mode) and os.geteuid() == 0):
        return False
    if stat.S_ISDIR(info.st_mode) or info.st_ino != mark.inode:
        return info.st_ino == mark.inode
    return stat.S_ISREG(info.st_mode) and info.st_nlink == 1 and (info.st_size, info.st_mtime_ns) == (mark.size, mark.changed)


def _move(fd: int, name: str, slot: Slot, info: os.stat_result) -> None:
    """Move out of a held folder into a slot; over the border of a file system a file is copied, compared and then unlinked."""
    try:
        os.rename(name, slot.path, src_dir_fd=fd)
    except OSError:
        if stat.S_ISDIR(info.st_mode) or os.stat(slot.folder).st_dev == info.st_dev:  # noqa: PTH116 - a pair
            raise
        _carry(fd, name, slot, info)
    files.sync_folder(slot.folder)


def _carry(fd: int, name: str, slot: Slot, info: os.stat_result) -> None:
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    with os.fdopen(source, "rb") as file:
        try:
            with slot.path.open("xb") as copy:
                shutil.copyfileobj(file, copy, 1024 * 1024)
                copy.flush()
                os.fsync(copy.fileno())
            slot.path.chmod(stat.S_IMODE(info.st_mode))
            os.utime(slot.path, ns=(info.st_atime_ns, info.st_mtime_ns))
            now = os.fstat(source)
            same = (now.st_size, now.st_mtime_ns) == (info.st_size, info.st_mtime_ns)
            if not same or slot.path.stat().st_size != info.st_size:
                raise OSError("it changed while it was copied")
            os.unlink(name, dir_fd=fd)
        except BaseException:
            slot.path.unlink(missing_ok=True)
            raise


def days(root: str) -> tuple[date, ...]:
    """Return the days that have a folder in the trash, the newest first."""
    top = trash_folder(root)
    if top.is_symlink() or not top.is_dir():
        return ()
    found = []
    with suppress(OSError), os.scandir(top) as entries:
        for entry in entries:
            if _DAY.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with suppress(ValueError):
                    found.append(date.fromisoformat(entry.name))
    return tuple(sorted(found, reverse=True))


def trash_days(root: str) -> tuple[TrashDay, ...]:
    """Return every day of the trash with what it holds."""
    found = []
    for day in days(root):
        folder = trash_folder(root) / day.isoformat()
        try:
            items = sum(1 for _ in folder.iterdir()) - (folder / MANIFEST).exists()
        except OSError:
            continue
        place = Place(path=str(folder), root=root)
        found.append(TrashDay(place=place, day=day, size=tree_size(folder), items=items))
    return tuple(found)


def purge(root: str, day: date) -> Mended:
    """Remove one day of the trash for good."""
    if day not in days(root):
        return Mended(done=False, said="it is gone already")
    folder = trash_folder(root) / day.isoformat()
    before = tree_size(folder)
    # Never follows a link, in any depth.
    shutil.rmtree(folder, ignore_errors=True)
    freed = before - (tree_size(folder) if folder.exists() else 0)
    done = not folder.exists()
    return Mended(done=done, said="removed for good" if done else "not all of it could be removed; mend its permissions", freed=freed)


def restore(day: date, scope: Scope, span: tuple[datetime, datetime] | None = None) -> tuple[Restored, ...]:
    """Put back what was moved into the trash on a day, or of it in a span, and still lies there."""
    if day not in days(scope.root):
        return ()
    folder = trash_folder(scope.root) / day.isoformat()
    wanted = (entry for entry in _manifest(folder) if span is None or _within(entry, span))
    return tuple(_put_back(folder, entry, scope) for entry in wanted if os.path.lexists(folder / entry["name"]))


def _within(entry: dict[str, Any], span: tuple[datetime, datetime]) -> bool:
    """Whether something was put away in a span; the manifest keeps whole seconds."""
    try:
        at = datetime.fromisoformat(str(entry.get("at"))).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return span[0].astimezone(UTC).replace(microsecond=0) <= at <= span[1].astimezone(UTC)


def _manifest(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a manifest that name a plain file of its own folder; a torn line is none."""
    try:
        text = files.read_untrusted(folder / MANIFEST, _MOST)
    except (AutobuildsError, OSError):
        return
    for line in text.split("\n"):
        with suppress(ValueError, RecursionError):
            entry = json.loads(line)
            texts = isinstance(entry, dict) and all(isinstance(entry.get(k), str) for k in ("name", "path", "root"))
            if texts and "/" not in entry["name"] and entry["name"] not in {"", ".", "..", MANIFEST}:
                yield entry


def _put_back(folder: Path, entry: dict[str, Any], scope: Scope) -> Restored:
    """Put one thing back; builds may write the manifest, so that only places are believed that are ours to keep in order."""
    path, lies = Path(entry["path"]), folder / entry["name"]

    def left(said: str) -> Restored:
        return Restored(path=str(path), done=False, said=f"{said}; it lies in {lies}")

    if entry.get("copy"):
        return left("a copy that was made before a change; put it back by hand if you want it")
    if entry["root"] not in {scope.root, *scope.folders} or (entry["root"] == scope.root and not _ours(path, scope)):
        return left("its place is in none of the folders that are looked after")
    place = Place(path=entry["path"], root=entry["root"])
    try:
        size = tree_size(lies) if lies.is_dir() and not lies.is_symlink() else lies.lstat().st_size
        with held_folder(place) as (fd, name):
            try:
                os.stat(name, dir_fd=fd, follow_symlinks=False)
                return left(f"something else stands at {path} now: move that away first")
            except FileNotFoundError:
                _return(lies, fd, name)
    except OSError as error:
        return left(f"could not be put back to {path} ({error.strerror or error})")
    except ValueError:
        return left("its place is no path")
    return Restored(path=str(path), done=True, said="is back", size=size)


def _ours(path: Path, scope: Scope) -> bool:
    """Whether a path of the workspace is one of those from which things are put away."""
    root = Path(scope.root)
    return any(path.is_relative_to(root / top) for top in ("subagents/logs", ".autobuilds"))


def _return(lies: Path, fd: int, name: str) -> None:
    info = lies.lstat()
    if stat.S_ISLNK(info.st_mode) or not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
        raise OSError("it is no plain file any more")
    if stat.S_ISREG(info.st_mode):
        try:
            # A second name never takes the place of what somebody else puts there now.
            os.link(lies, name, dst_dir_fd=fd, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            if os.fstat(fd).st_dev == info.st_dev:
                os.rename(lies, name, dst_dir_fd=fd)
            else:
                _copy_back(lies, fd, name, info)
                lies.unlink()
        else:
            lies.unlink()
    else:
        os.rename(lies, name, dst_dir_fd=fd)
    os.fsync(fd)


def _copy_back(lies: Path, fd: int, name: str, info: os.stat_result) -> None:
    target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, stat.S_IMODE(info.st_mode), dir_fd=fd)
    try:
        with os.fdopen(target, "wb") as copy, lies.open("rb") as file:
            shutil.copyfileobj(file, copy, 1024 * 1024)
            copy.flush()
            os.fsync(copy.fileno())
            os.utime(copy.fileno(), ns=(info.st_atime_ns, info.st_mtime_ns))
    except BaseException:
        with suppress(OSError):
            os.unlink(name, dir_fd=fd)
        raise
