"""The run folder of an attempt: what is written there, so that a crash between any two steps starts nothing twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from autobuilds import errors
from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending
from autobuilds.ports import DiffStat, Job
from autobuilds.store.files.writing import temporary_name

T = TypeVar("T")
#: A record of ours is far smaller; what is larger is not one.
MAX_RECORD_BYTES = 16 * 1024 * 1024
_MAX_ID_BYTES = 230
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Processes of the attempt seen at the last sample, as (pid, creation time)."""

    boot: str
    processes: tuple[tuple[int, float], ...] = ()


def state_folder(workspace: Path) -> Path:
    """Return the folder of the tool's own state in a workspace."""
    return workspace / ".autobuilds"


def is_attempt_id(text: str) -> bool:
    """Whether a text may name a run folder: one plain path segment."""
    plain = bool(text) and text.isprintable() and not text.startswith((".", "-"))
    return plain and "/" not in text and "\\" not in text and len(text.encode("utf-8", "surrogatepass")) <= _MAX_ID_BYTES


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one attempt in `.autobuilds/runs/<attempt_id>/`, and its clone in `.autobuilds/clones/<attempt_id>/`."""

    path: Path

    @classmethod
    def of(cls, workspace: Path, attempt_id: str) -> RunFolder:
        """Return the run folder of an attempt; raises BadInput for an id that is no plain name."""
        if not is_attempt_id(attempt_id):
            raise errors.BadInput(f"{attempt_id!r} can't name an attempt: use letters, digits, - and . (no folder separators)")
        return cls(state_folder(workspace) / "runs" / attempt_id)

    @property
    def attempt_id(self) -> str:
        """Return the attempt's id."""
        return self.path.name

    @property
    def clone(self) -> Path:
        """Return where the attempt's private clone stands."""
        return self.path.parent.parent / "clones" / self.path.name

    @property
    def half_clone(self) -> Path:
        """Return what the clone is called while it is made."""
        return self.clone.with_name(f"{self.path.name}.making")

    @property
    def scratch(self) -> Path:
        """Return where the merge of the attempt is made and checked."""
        return self.path / "merge"

    @property
    def spec(self) -> Path:
        """Return the file of the intent (a Job)."""
        return self.path / "spec.json"

    @property
    def start(self) -> Path:
        """Return the start slot's file."""
        return self.path / "start.json"

    @property
    def stop(self) -> Path:
        """Return the stop request's file."""
        return self.path / "stop.json"

    @property
    def saved(self) -> Path:
        """Return the file that says what was saved."""
        return self.path / "harvest.json"

    @property
    def known(self) -> Path:
        """Return the file of the processes seen last."""
        return self.path / "known.json"

    @property
    def exit(self) -> Path:
        """Return the exit record's file."""
        return self.path / "exit.json"

    @property
    def prompt(self) -> Path:
        """Return the prompt's file."""
        return self.path / "prompt.md"

    @property
    def pulse(self) -> Path:
        """Return the file whose time is the last sample that saw CPU use."""
        return self.path / "pulse"

    @property
    def checks(self) -> Path:
        """Return the folder of the checks' outputs."""
        return self.path / "checks"

    @property
    def merged_checks(self) -> Path:
        """Return the folder of the outputs of checks on the merged tree."""
        return self.path / "merged-checks"

    @property
    def swept(self) -> Path:
        """Return the mark that everything but the records is removed."""
        return self.path / "swept"

    @property
    def own_log(self) -> Path:
        """Return the file of the supervisor's own messages."""
        return self.path / "supervisor.log"

    def make(self) -> None:
        """Create the folder, durably."""
        top = self.path.parent.parent
        for folder in (top, self.path.parent, self.path):
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                sync_folder(folder.parent)

    def read_job(self) -> Job | None:
        """Return the intent, or None if there is none."""
        return read_record(self.spec, Job)

    def read_start(self) -> Start | None:
        """Return the start slot, or None if it is free."""
        return read_record(self.start, Start)

    def read_stop(self) -> StopRequest | None:
        """Return the stop request, or None if there is none."""
        return read_record(self.stop, StopRequest)

    def read_exit(self) -> Ending | None:
        """Return the exit record, or None if there is none."""
        return read_record(self.exit, Ending)

    @contextmanager
    def locked(self, name: str = "lock", *, wait: float | None = None) -> Iterator[bool]:
        """Hold one of the folder's locks; yields whether it was got. `wait` None waits for ever, else that many seconds."""
        fd = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            yield _take(fd, wait)
        finally:
            os.close(fd)


def _take(fd: int, wait: float | None) -> bool:
    import time

    if wait is None:
        fcntl.flock(fd, fcntl.LOCK_EX)
        return True
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


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


def write_bytes(path: Path, content: bytes, *, once: bool = False, mode: int = 0o600) -> bool:
    """Write a file whole and durable; with `once`, only if there is none yet. Raises StorageFailure."""
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
        sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise errors.StorageFailure(
            f"{path} could not be written: {error.strerror or error}. Free some space or mend its permissions."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
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
    with os.fdopen(fd, "rb") as file:
        content = file.read(MAX_RECORD_BYTES + 1)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise errors.BadInput(f"{path} is no record of ours: {error}") from error
