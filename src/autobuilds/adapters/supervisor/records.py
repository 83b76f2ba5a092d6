"""The records of an attempt, each written whole and durable: what they hold, how they are written and read."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from autobuilds import errors
from autobuilds.domain.build import Outcome
from autobuilds.ports import DiffStat
from autobuilds.records import dataclass
from autobuilds.store.files.writing import temporary_name

T = TypeVar("T")
#: A record of ours is far smaller; what is larger is not one.
MAX_RECORD_BYTES = 16 << 20
#: How a supervisor begins its last line where the disk did not take the exit record.
UNRECORDED = "the supervisor could not record how the attempt ended"
#: Notes on one harvest that are kept.
MAX_NOTES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The start slot: made once, by the supervisor that runs the attempt or, as a tombstone, by who finds that none did."""

    at: datetime
    #: 0 in a tombstone.
    pid: int = 0
    #: Seconds since the epoch.
    created: float = 0.0
    boot: str = ""
    tombstone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequest:
    """Someone wants the attempt to end, and how it shall be recorded."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was saved of the attempt, before any check could touch the clone, and what it changed since the base."""

    commit: str
    stat: DiffStat
    #: What was left out or looks odd, in words.
    notes: tuple[str, ...] = ()
    #: Changed symbolic links that lead out of the repository.
    outside_links: tuple[str, ...] = ()
    #: Repositories that the work only refers to.
    submodules: tuple[str, ...] = ()
    #: Where values of the agent's secrets stand in the work, as (path, variable).
    secrets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Processes of the attempt seen at the last sample, as (pid, creation time)."""

    boot: str
    processes: tuple[tuple[int, float], ...] = ()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_record(path: Path, value: object, *, once: bool = False) -> bool:
    """Write a record whole and durable; with `once`, only if there is none yet. Return whether it was written."""
    import msgspec

    content = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    return write_bytes(path, content, once=once)


def write_bytes(path: Path, content: bytes, *, once: bool = False, mode: int = 0o600, named: bool = True) -> bool:
    """Write a file whole and durable; with `once`, only if there is none yet. Raises StorageFailure.

    Without `named` a power cut may bring back what the name stood for before: where the folder is synced later, or that is no loss.
    """
    temporary = path.with_name(temporary_name(path.name))
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if once:
            os.link(temporary, path)
        else:
            temporary.replace(path)
        if named:
            sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise errors.StorageFailure(
            f"{path} could not be written: {error.strerror or error}. Free some space or mend its permissions."
        ) from error
    finally:
        for _ in range(2):  # once more where the disk failed: what is left nobody takes away for long
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
                break
    return True


def read_record(path: Path, kind: type[T]) -> T | None:
    """Return a record, or None if there is no such file; raises BadInput if it can't be read as one."""
    import msgspec

    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise errors.BadInput(f"{path} can't be read: {error.strerror or error}") from error
    try:
        content = _content(fd)
    except OSError as error:
        raise errors.BadInput(f"{path} can't be read: {error.strerror or error}") from error
    finally:
        os.close(fd)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise errors.BadInput(f"{path} is no record of ours: {error}") from error


def _content(fd: int) -> bytes:
    """Return what a file holds, cut where no record goes on; raises OSError."""
    parts: list[bytes] = []
    left = MAX_RECORD_BYTES
    while part := os.read(fd, left):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
