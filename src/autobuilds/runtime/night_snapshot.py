"""The evening's state: a tag on its commit, and an archive of what no commit holds."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds.domain.day import Night
from autobuilds.errors import AutobuildsError, StorageFailure
from autobuilds.records import dataclass
from autobuilds.runtime.night_audit import FOLDER
from autobuilds.store import files
from autobuilds.store.workspace import LEDGER, PRIVATE, QUEUE

if TYPE_CHECKING:
    from autobuilds.runtime.context import Context

#: Bytes of one file, and of all files of an archive; what is larger is left out, and said.
MOST_OF_A_FILE = 32 * 1024 * 1024
MOST = 128 * 1024 * 1024
#: Files of the archive.
MOST_FILES = 20_000
#: Paths that are named of those left out.
_TOLD = 20
#: What stands in every archive besides what Git does not hold: queue, ledger, and when duties ran last.
_ALWAYS = (QUEUE, LEDGER, f"{PRIVATE}/duties.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Where the evening's state is kept; `left_out` are paths that are in no commit and not in the archive, with why."""

    commit: str | None
    tag: str | None
    archive: str | None
    files: int = 0
    left_out: tuple[str, ...] = ()


def tag_of(name: str) -> str:
    """Return the tag of a night's evening."""
    return f"autobuilds/night/{name}"


def archive_of(name: str) -> str:
    """Return the archive of a night's evening, within the workspace."""
    return f"{PRIVATE}/{FOLDER}/{name}.tar.gz"


def take(context: Context, name: str, now: datetime) -> Snapshot:
    """Tag the evening's commit and archive what it does not hold; made again it replaces what an interrupted start left.

    Raises StorageFailure where the archive can't be written: a night without its safety net does not begin.
    """
    repo = context.repo
    commit = repo.head().commit
    if commit is not None:
        repo.tag(tag_of(name), commit)
    packed, kept, left_out = _pack(context.workspace.root, (*_ALWAYS, *repo.loose()), now)
    path = context.workspace.private.parent / archive_of(name)
    files.make_folder(path.parent)
    path.parent.chmod(0o700)
    files.write_atomic(path, packed)
    path.chmod(0o600)
    return Snapshot(
        commit=commit, tag=tag_of(name) if commit is not None else None, archive=archive_of(name), files=kept, left_out=left_out
    )


def _pack(root: Path, paths: tuple[str, ...], now: datetime) -> tuple[bytes, int, tuple[str, ...]]:
    left_out: list[str] = []
    size, kept, buffer = 0, 0, io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
        for path in dict.fromkeys(paths):
            try:
                info = (root / path).lstat()
            except (FileNotFoundError, NotADirectoryError):
                continue  # deleted, and not committed as deleted
            except OSError as error:
                left_out.append(f"{path} ({error.strerror})")
                continue
            if not (stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode)):
                left_out.append(f"{path} (no regular file)")
            elif info.st_size > MOST_OF_A_FILE or size + info.st_size > MOST or kept >= MOST_FILES:
                left_out.append(f"{path} ({info.st_size // 1024 // 1024} MiB: too large)")
            else:
                fault = _add(archive, root, path, now)
                left_out += [fault] if fault else []
                size, kept = size + info.st_size, kept + (not fault)
    more = [f"and {len(left_out) - _TOLD} more"] if len(left_out) > _TOLD else []
    return buffer.getvalue(), kept, (*left_out[:_TOLD], *more)


def _add(archive: tarfile.TarFile, root: Path, path: str, now: datetime) -> str | None:
    """Put one file, or a link as a link, into the archive; return why it could not be read, if so."""
    entry = tarfile.TarInfo(path)
    try:
        whole = root / path
        info = whole.lstat()
        entry.mode, entry.mtime = stat.S_IMODE(info.st_mode), min(info.st_mtime, now.timestamp())
        if stat.S_ISLNK(info.st_mode):
            entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(whole)  # noqa: PTH115 - text, not a path
            archive.addfile(entry)
            return None
        data = files.read_stable(whole)
    except (OSError, AutobuildsError) as error:
        return f"{path} ({error.strerror if isinstance(error, OSError) else error})"
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
    return None


def gone(context: Context, night: Night) -> tuple[str, ...]:
    """Return the paths of the evening's archive that stand in the workspace no more and are in no commit; none where it can't be read."""
    if night.archive is None:
        return ()
    root = context.workspace.root
    try:
        with tarfile.open(root / night.archive, "r:gz") as archive:
            names = [entry.name for entry in archive if entry.name not in _ALWAYS]
    except (OSError, tarfile.TarError, EOFError):
        return ()
    repo = context.repo
    head = repo.head().commit
    return tuple(n for n in names if not os.path.lexists(root / n) and (head is None or repo.read(head, n) is None))


def forget(context: Context, night: Night) -> None:
    """Remove tag, archive and log of a night that is remembered no more; what can't be removed stays."""
    with suppress(AutobuildsError):
        if night.tag is not None:
            context.repo.untag(night.tag)
    for ending in ("tar.gz", "jsonl"):
        with suppress(OSError, StorageFailure):
            (context.workspace.private / FOLDER / f"{night.id}.{ending}").unlink(missing_ok=True)
