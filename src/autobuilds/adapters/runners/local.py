"""The runner of this machine: an attempt is a run folder and a detached supervisor, and the kernel's locks are the truth."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters import processes, pulse
from autobuilds.adapters.host import MachineHost
from autobuilds.adapters.processes import Identity
from autobuilds.adapters.runners.environment import handing_over, supervisor_environment
from autobuilds.adapters.runners.recovery import recover, why_lost
from autobuilds.adapters.runners.sweeping import sweep
from autobuilds.adapters.supervisor import records
from autobuilds.adapters.supervisor.records import Start, StopRequest
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.secrecy import secrets_of_job
from autobuilds.adapters.supervisor.tail import read_tail
from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending, RunState, RunStatus
from autobuilds.ports import Job
from autobuilds.records import dataclass, field

#: Seconds that submit waits for the supervisor's confirmation.
CONFIRM_SECONDS = 20.0
#: Seconds that a reader waits for another one that is clearing up after a dead supervisor.
_READER_SECONDS = 60.0
#: Seconds after which a lock on a submission is someone's, not that of a process which is just being started.
_SUBMITTER_SECONDS = 0.1
#: Seconds that a supervisor has to stop everything before it is stopped itself: its own ladder and the saving of the work.
_CANCEL_SECONDS = 45.0


@dataclass(slots=True)
class LocalRunner:
    """Implements `ports.Runner` for one workspace."""

    workspace: Path
    confirm_seconds: float = CONFIRM_SECONDS
    cancel_seconds: float = _CANCEL_SECONDS
    #: Names the variables that agents may be given; a later build, started at this one's end, needs them too.
    passed: Callable[[], frozenset[str]] = frozenset
    _started: list[int] = field(default_factory=list)

    def submit(self, job: Job) -> RunStatus:
        """Start the attempt unless its id was ever submitted, and return what is known of it.

        Raises BadInput for an id that can't name a folder, StorageFailure where the intent can't be written.
        """
        folder = RunFolder.of(self.workspace, job.attempt_id)
        folder.make()
        with folder.locked("submitting", wait=self.confirm_seconds) as mine:
            if mine and not folder.spec.exists() and not folder.start.exists():
                # The record behind it syncs the folder of both.
                records.write_bytes(folder.prompt, job.prompt.encode("utf-8", "replace"), named=False)
                if records.write_record(folder.spec, job, once=True):
                    self._spawn(folder)
        return self.poll(job.attempt_id)

    def _spawn(self, folder: RunFolder) -> None:
        """Start the supervisor, free of this process's terminal, files and group, and wait for its confirmation."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(folder.own_log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        argv = [sys.executable, "-P", "-m", "autobuilds.adapters.supervisor", str(folder.path)]
        environment, handed = supervisor_environment(os.environ, self.passed())
        with handing_over(handed) as reader:
            if reader is not None:
                actions.append((os.POSIX_SPAWN_DUP2, reader, 0))
            elif handed:
                environment |= handed
            pid = os.posix_spawn(sys.executable, argv, environment, file_actions=actions, setsid=True)
        self._started.append(pid)
        deadline = time.monotonic() + self.confirm_seconds
        while time.monotonic() < deadline:
            if folder.start.exists() or folder.exit.exists():
                return
            self._collect()
            if pid not in self._started:
                return
            time.sleep(0.01)

    def _collect(self) -> None:
        """Gather supervisors of ours that have ended, so that none stays as a zombie."""
        for pid in tuple(self._started):
            try:
                done, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                done = pid
            if done:
                self._started.remove(pid)

    def poll(self, attempt_id: str) -> RunStatus:
        """Return what is known of an attempt; an attempt that never began never will after this.

        Starts and retries nothing. What a supervisor left that is gone without an exit record is stopped, its work is
        saved, and the attempt is lost.
        """
        self._collect()
        try:
            folder = RunFolder.of(self.workspace, attempt_id)
            ending = folder.read_exit()
            if ending is not None:
                return _ended(folder, ending)
            folder.make()
            with folder.locked("reader", wait=_READER_SECONDS) as reading:
                if not reading:
                    return RunStatus(state=RunState.UNKNOWN)
                with folder.locked("submitting", wait=_SUBMITTER_SECONDS) as submitted, folder.locked(wait=0) as free:
                    if not free:
                        return self._running(folder)
                    return self._settle(folder) if submitted else RunStatus(state=RunState.QUEUED)
        except (errors.BadInput, errors.StorageFailure, OSError):
            return RunStatus(state=RunState.UNKNOWN)

    def peek(self, attempt_id: str) -> RunStatus:
        """Return what `poll` would, but change nothing at all: for a look without consequences."""
        try:
            folder = RunFolder.of(self.workspace, attempt_id)
            if not folder.path.is_dir():
                return RunStatus(state=RunState.NOT_STARTED)
            ending = folder.read_exit()
            if ending is not None:
                return _ended(folder, ending)
            with folder.locked(wait=0) as free:
                if not free:
                    return self._running(folder)
            start = folder.read_start()
        except (errors.BadInput, OSError):
            return RunStatus(state=RunState.UNKNOWN)
        gone = start is None or start.tombstone
        return RunStatus(state=RunState.NOT_STARTED if gone else RunState.LOST)

    def _settle(self, folder: RunFolder) -> RunStatus:
        """Decide about an attempt without a living supervisor; its lock is held."""
        ending = folder.read_exit()
        if ending is not None:
            return _ended(folder, ending)
        if folder.read_start() is None:
            bury(folder)
        start = folder.read_start()
        if start is None:
            return RunStatus(state=RunState.UNKNOWN)
        if start.tombstone:
            return RunStatus(state=RunState.NOT_STARTED)
        request = folder.read_stop()
        outcome = request.outcome if request else Outcome.LOST
        reason = request.reason if request else why_lost(folder)
        found = recover(folder, start, outcome, reason)
        return _ended(folder, found) if found is not None else RunStatus(state=RunState.UNKNOWN)

    def _running(self, folder: RunFolder) -> RunStatus:
        start = folder.read_start()
        job = folder.read_job()
        if start is None or job is None or start.tombstone:
            return RunStatus(state=RunState.RUNNING)
        from autobuilds.store.progress import read_progress

        progress = read_progress(Path(job.progress_file), label=job.label)
        times = [
            start.at,
            *(_modified(p) for p in (Path(job.log_file), Path(job.progress_file), folder.progress, folder.stdout, folder.pulse)),
        ]
        known = [t for t in times if t is not None]
        return RunStatus(
            state=RunState.RUNNING,
            pid=start.pid,
            pid_created=start.created,
            active_at=pulse.active_at(folder.pulse, known),
            percent=progress.percent,
            usage=folder.read_usage(),
        )

    def logs(self, attempt_id: str, limit: int = 65536, *, raw: bool = False) -> str:
        """Return the last `limit` bytes of the agent's output as clean text, with `raw` as its program printed it; empty if there is none."""
        try:
            folder = RunFolder.of(self.workspace, attempt_id)
            job = folder.read_job()
        except errors.BadInput:
            return ""
        if job is None:
            return ""
        return read_tail(folder.stdout if raw and folder.stdout.exists() else Path(job.log_file), limit, secrets_of_job(job))

    def cancel(self, attempt_id: str, outcome: Outcome, reason: str) -> RunStatus:
        """Stop the whole process tree and return when it is confirmed dead; an attempt that has ended stays as it ended."""
        folder = RunFolder.of(self.workspace, attempt_id)
        folder.make()
        if folder.read_exit() is not None:
            return self.poll(attempt_id)
        records.write_record(folder.stop, StopRequest(outcome=outcome, reason=reason), once=True)
        self._signal(folder, signal.SIGTERM)
        with folder.locked("reader", wait=_READER_SECONDS) as reading:
            if not reading:
                return RunStatus(state=RunState.UNKNOWN)
            if self._wait_free(folder, self.cancel_seconds) or self._kill(folder):
                with folder.locked(wait=5.0) as free:
                    return self._cancelled(folder, outcome, reason) if free else RunStatus(state=RunState.UNKNOWN)
        return RunStatus(state=RunState.UNKNOWN)

    def _cancelled(self, folder: RunFolder, outcome: Outcome, reason: str) -> RunStatus:
        status = self._settle(folder)
        self._collect()
        if status.state is RunState.NOT_STARTED:
            records.write_record(folder.exit, Ending(outcome=outcome, reason=reason, ended=MachineHost().now("UTC")), once=True)
            ending = folder.read_exit()
            return _ended(folder, ending) if ending is not None else status
        return status

    def _wait_free(self, folder: RunFolder, seconds: float) -> bool:
        with folder.locked(wait=seconds) as free:
            return free

    def _kill(self, folder: RunFolder) -> bool:
        """End a supervisor that does not stop; return whether its lock is free."""
        self._signal(folder, signal.SIGKILL)
        return self._wait_free(folder, 5.0)

    def _signal(self, folder: RunFolder, number: signal.Signals) -> None:
        start = folder.read_start()
        if start is not None and not start.tombstone and start.boot == processes.boot_id():
            processes.send(Identity(pid=start.pid, created=start.created), number)

    def capacity(self) -> int | None:
        """Return None: the number of builds is limited by the settings, not by the runner."""
        return None

    def sweep(self, keep: set[str]) -> int:
        """Remove clones, homes and scratch folders of ended attempts that are not in `keep`, and return the bytes freed.

        What has not ended stays, and so does a clone whose work could not be saved. The records stay for 30 days.
        """
        return sweep(self.workspace, keep)


def bury(folder: RunFolder) -> None:
    """Take the start slot of an attempt that never began, so that a late supervisor can't run it."""
    with suppress(errors.StorageFailure):
        records.write_record(folder.start, Start(at=MachineHost().now("UTC"), tombstone=True), once=True)


def _ended(folder: RunFolder, ending: Ending) -> RunStatus:
    state = RunState.LOST if ending.outcome is Outcome.LOST else RunState.ENDED
    start = folder.read_start()
    if start is None or start.tombstone:
        return RunStatus(state=state, ending=ending)
    return RunStatus(state=state, pid=start.pid, pid_created=start.created, ending=ending)


def _modified(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except OSError:
        return None
