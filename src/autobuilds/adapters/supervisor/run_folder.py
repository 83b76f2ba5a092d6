"""The run folder of an attempt: its files, its locks, so that a crash between any two steps starts nothing twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters.supervisor.records import Start, StopRequest, read_record, sync_folder
from autobuilds.domain.agents import SCRATCH
from autobuilds.domain.build import Usage
from autobuilds.domain.moment import Ending
from autobuilds.ports import Job
from autobuilds.records import dataclass

_MAX_ID_BYTES = 230


def state_folder(workspace: Path) -> Path:
    """Return the folder of the tool's own state in a workspace."""
    return workspace / ".autobuilds"


def is_attempt_id(text: str) -> bool:
    """Whether a text may name a run folder: one plain path segment."""
    plain = bool(text) and text.isprintable() and not text.startswith((".", "-"))
    return plain and "/" not in text and "\\" not in text and len(text.encode()) <= _MAX_ID_BYTES


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
    def merging(self) -> Path:
        """Return where the merge of the attempt is made and checked."""
        return self.path / "merge"

    @property
    def scratch(self) -> Path:
        """Return the agent's own folder besides its clone: progress log, result file, temporary files."""
        return self.path / SCRATCH

    @property
    def progress(self) -> Path:
        """Return the progress log as the agent may write it."""
        return self.scratch / "progress.md"

    @property
    def temporary(self) -> Path:
        """Return the agent's folder for temporary files where the usual one will not do."""
        return self.scratch / "tmp"

    @property
    def check_home(self) -> Path:
        """Return the home of the checks: empty before each round, gone after it."""
        return self.path / "check-home"

    @property
    def stdout(self) -> Path:
        """Return the agent's standard output as it came, where it is kept apart from the readable log."""
        return self.path / "stdout"

    @property
    def stderr(self) -> Path:
        """Return the agent's standard error as it came, where it is kept apart."""
        return self.path / "stderr"

    @property
    def session(self) -> Path:
        """Return the file of the session that the agent reported."""
        return self.path / "session.json"

    @property
    def usage(self) -> Path:
        """Return the file of what the agent has used so far."""
        return self.path / "usage.json"

    @property
    def credentials(self) -> Path:
        """Return the file of what the credentials were that the agent was given."""
        return self.path / "credentials.json"

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

    def clone_of(self, job: Job | None) -> Path:
        """Return where the attempt's clone stands: its own place, or the one in which the session began that it resumes."""
        return Path(job.clone) if job is not None and job.clone is not None else self.clone

    def read_start(self) -> Start | None:
        """Return the start slot, or None if it is free."""
        return read_record(self.start, Start)

    def read_stop(self) -> StopRequest | None:
        """Return the stop request, or None if there is none."""
        return read_record(self.stop, StopRequest)

    def read_exit(self) -> Ending | None:
        """Return the exit record, or None if there is none."""
        return read_record(self.exit, Ending)

    def read_usage(self) -> Usage | None:
        """Return what the agent has used so far, or None where it said nothing."""
        try:
            return read_record(self.usage, Usage)
        except errors.BadInput:
            return None

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
