"""Running the duties that are due: each command as an argument list, with a timeout, in a process group that ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO

from autobuilds.domain.duties import Duty, DutyCommand, due, has_clock_time, newest_slot
from autobuilds.domain.spelling import quoted
from autobuilds.domain.times import after, reached
from autobuilds.errors import Busy
from autobuilds.records import dataclass, replace
from autobuilds.store.config import Config
from autobuilds.store.duties import append_log, read_last_runs, write_last_runs
from autobuilds.store.files import Lock, private_folder

#: Set for a duty's command, so that a heartbeat inside it runs no duties.
MARKER = "AUTOBUILDS_DUTY"
_TAIL = 4096
#: What our commands say where they broke down, with the same exit status as for what is not so.
_BUG = "This is a bug in autobuilds"
_MOST_OUTPUT = 16 * 1024 * 1024
_POLL = 0.02
#: Seconds between asking a command to end and ending it.
_GRACE = 3.0
#: A last run further in the future than this comes from a clock that was wrong.
_SKEW = timedelta(days=1)


class DutyOutcome(StrEnum):
    """How a duty's command ended."""

    OK = "ok"
    FAILED = "failed"
    #: A command of ours answered that the thing asked about is not so (exit status 1): no session to report, a problem in the queue.
    NOT_SO = "not-so"
    TIMEOUT = "timeout"
    #: More output than 16 MiB; it was stopped.
    FLOOD = "too-much-output"
    #: The program is not there or may not be run.
    NOT_FOUND = "not-found"
    #: No command: the record of last runs could not be read and was begun anew.
    RECORD_LOST = "record-lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRun:
    """One command of a duty as it was run; `line` is its place in HEARTBEAT.md, `tail` the end of its output."""

    duty: str
    command: str
    line: int
    outcome: DutyOutcome
    exit_code: int | None = None
    seconds: float = 0.0
    tail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command did its work."""
        return self.outcome in {DutyOutcome.OK, DutyOutcome.NOT_SO}

    def __str__(self) -> str:
        """Return one line for a person: duty, command, outcome, and the last line of output where it went wrong."""
        what = f"{self.duty}: {quoted(self.command)}: {self.outcome.value}" if self.command else self.outcome.value
        status = f" (exit status {self.exit_code})" if self.exit_code and self.outcome is DutyOutcome.FAILED else ""
        last = self.tail.rpartition("\n")[2]
        return what + status + (f": {quoted(last, 200)}" if last and self.outcome is not DutyOutcome.OK else "")


#: Runs one command within a time.
Command = Callable[[DutyCommand, timedelta], DutyRun]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """Which duties are due, and the record of last runs: as it stands, as it has to be, and why it could not be read."""

    known: dict[str, datetime]
    runs: dict[str, datetime]
    lost: str | None
    duties: tuple[Duty, ...]

    @property
    def nothing(self) -> bool:
        """Whether nothing is due and nothing has to be written down."""
        return self.lost is None and self.runs == self.known and not self.duties


def anything_due(root: Path, config: Config, now: datetime) -> bool:
    """Whether `run_due` would run a command."""
    return bool(config.duties) and not os.environ.get(MARKER) and bool(_turn(root, config, now).duties)


def run_due(root: Path, config: Config, now: datetime, command: Command | None = None) -> tuple[DutyRun, ...]:
    """Run the duties of a workspace that are due and return what came of it; nothing is written when none is.

    A duty's slot counts as used before its first command begins, so a crash can't make it run in a circle. A duty with a
    clock time that is seen for the first time waits for that time; several that are made up for run in the order of their
    times. Inside a duty nothing is run, nor while another process runs duties of this workspace. `command` runs one command
    (default: `run_command`). Raises StorageFailure where the record can't be written.
    """
    if not config.duties or os.environ.get(MARKER) or _turn(root, config, now).nothing:
        return ()
    private = private_folder(root)
    try:
        with Lock(private / "duties.lock", what="duties"):
            return _run_turn(root, config, _turn(root, config, now), now, command or partial(run_command, root))
    except Busy:
        return ()


def _turn(root: Path, config: Config, now: datetime) -> _Turn:
    known, lost = read_last_runs(root / ".autobuilds")
    runs = {key: _trusted(moment, now) for key, moment in known.items()}
    runs.update({d.key: now for d in config.duties if d.key not in runs and has_clock_time(d.cadence)})
    turn = [d for d in config.duties if due(d.cadence, runs.get(d.key), now)]
    timed = iter(sorted((d for d in turn if d.key in runs and has_clock_time(d.cadence)), key=lambda d: _slot(d, runs[d.key], now)))
    ordered = tuple(next(timed) if d.key in runs and has_clock_time(d.cadence) else d for d in turn)
    return _Turn(known=known, runs=runs, lost=lost, duties=ordered)


def _slot(duty: Duty, last_run: datetime, now: datetime) -> float:
    return newest_slot(duty.cadence, last_run, now).timestamp()


def _run_turn(root: Path, config: Config, turn: _Turn, now: datetime, command: Command) -> tuple[DutyRun, ...]:
    private = root / ".autobuilds"
    results: list[DutyRun] = []
    if turn.lost is not None:
        results.append(DutyRun(duty="", command="", line=0, outcome=DutyOutcome.RECORD_LOST, tail=turn.lost))
        _log(private, results[-1], now)
    keep = {d.key for d in config.duties}
    runs = {key: moment for key, moment in turn.runs.items() if key in keep}
    write_last_runs(private, runs)
    for duty in turn.duties:
        runs[duty.key] = now
        write_last_runs(private, runs)
        results.extend(_run(duty, config.settings.duty_timeout, private, now, command))
    return tuple(results)


def _trusted(last_run: datetime, now: datetime) -> datetime:
    """Return a last run, or `now` where a wrong clock put it more than a day ahead (its duty would not run until then)."""
    return last_run if reached(last_run, after(now, _SKEW)) else now


def _run(duty: Duty, timeout: timedelta, private: Path, now: datetime, run: Command) -> list[DutyRun]:
    done = []
    for command in duty.commands:
        done.append(replace(run(command, timeout), duty=duty.name))
        _log(private, done[-1], now)
    return done


def _log(private: Path, run: DutyRun, now: datetime) -> None:
    append_log(
        private,
        {
            "at": now.isoformat(timespec="seconds"),
            "duty": run.duty,
            "command": run.command,
            "line": run.line,
            "outcome": run.outcome.value,
            "exit_code": run.exit_code,
            "seconds": round(run.seconds, 3),
            "tail": run.tail,
        },
    )


def run_command(root: Path, command: DutyCommand, timeout: timedelta) -> DutyRun:
    """Run one command in the workspace with the owner's environment and no input, and stop all that it started."""
    argv = list(command.argv)
    if argv[0] == "autobuilds":
        argv[:1] = [sys.executable, "-m", "autobuilds"]
    environment = {**os.environ, MARKER: "1", "AUTOBUILDS_WORKSPACE": str(root)}
    began = time.monotonic()
    run = DutyRun(duty="", command=command.text, line=command.line, outcome=DutyOutcome.FAILED)
    import tempfile

    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                argv,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return replace(run, outcome=DutyOutcome.NOT_FOUND, tail=f"{argv[0]}: {reason}")
        try:
            stopped = _wait(process, output, began + timeout.total_seconds())
        finally:
            code = _end(process)
        tail = _tail(output)
    return replace(run, outcome=stopped or outcome_of(command, code, tail), exit_code=code, seconds=time.monotonic() - began, tail=tail)


def outcome_of(command: DutyCommand, code: int, said: str) -> DutyOutcome:
    """Return how a command ended by itself, from its exit status and the end of what it said."""
    if code == 0:
        return DutyOutcome.OK
    ours = command.argv[0] == "autobuilds" and code == 1 and _BUG not in said
    return DutyOutcome.NOT_SO if ours else DutyOutcome.FAILED


def _wait(process: subprocess.Popen[bytes], output: IO[bytes], deadline: float) -> DutyOutcome | None:
    """Wait until the command has ended, without collecting it; return why it has to be stopped, or None."""
    pause = _POLL / 8
    while not _has_ended(process):
        if time.monotonic() >= deadline:
            return DutyOutcome.TIMEOUT
        if os.fstat(output.fileno()).st_size > _MOST_OUTPUT:
            return DutyOutcome.FLOOD
        time.sleep(pause)
        pause = min(pause * 2, _POLL * 5)
    return None


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the command ended; where the system can, it stays a zombie, so that its group's number is not given away."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return process.returncode is not None or os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end(process: subprocess.Popen[bytes]) -> int:
    """Stop what is left of the command's process group, first by asking, and return the command's exit status."""
    if not _has_ended(process):
        _signal(process, signal.SIGTERM)
        limit = time.monotonic() + _GRACE
        while not _has_ended(process) and time.monotonic() < limit:
            time.sleep(_POLL)
    _signal(process, signal.SIGKILL)
    return process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL))
    return output.read(_TAIL).decode("utf-8", "replace").strip()
