"""Installing the heartbeat into the system's scheduler, and proving that it runs from there."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from autobuilds.domain.moment import AgentStatus
from autobuilds.errors import AutobuildsError, BadInput, TimerFailure
from autobuilds.ports import Timer, TimerJob, TimerLine, TimerPiece
from autobuilds.records import dataclass, field
from autobuilds.store.probe import Probe, read_probe, remove_traces, write_probe

#: Seconds between two looks for the probe's file.
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether a probe ran through the scheduler; `said` is what was seen, or why nothing could be."""

    ok: bool
    said: str
    #: Programs that are found here, but not by what the scheduler starts.
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What was installed where; `changed` False where it stood there just so."""

    timer: str
    changed: bool
    pieces: tuple[TimerPiece, ...]
    #: Schedulers that had the heartbeat before and do not any more.
    moved_from: tuple[str, ...] = ()
    proof: Proof | None = field(default=None)


#: The classic lines of a crontab, at the times at which HEARTBEAT.md has the same commands as duties: name, fields, arguments.
CLASSIC = (
    ("overnight-start", "0 23 * * *", ("overnight", "start")),
    ("overnight-report", "30 6 * * *", ("overnight", "report")),
    ("brief", "0 7 * * *", ("brief", "--write")),
    ("weekend", "0 18 * * 5", ("weekend", "suggest", "--write")),
)


def job_for(root: Path, interval: timedelta, path: str | None = None, *, classic: bool = False) -> TimerJob:
    """Return the heartbeat of a workspace as a job; `path` is the search path to store (default: this process's).

    `classic` asks for the lines of the day beside it, where the scheduler is a crontab.
    """
    root = root.resolve()
    name = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")[:24]
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:10]
    python = (sys.executable, "-P", "-m", "autobuilds")
    return TimerJob(
        key=f"{name}-{digest}" if name else digest,
        workspace=root,
        argv=(*python, "heartbeat", "--workspace", str(root)),
        probe=(*python, "probe", "--workspace", str(root), secrets.token_hex(8)),
        interval=interval,
        path=search_path(os.environ.get("PATH", os.defpath) if path is None else path),
        lines=tuple(TimerLine(name=name, when=when, argv=(*python, *args, "--workspace", str(root))) for name, when, args in CLASSIC),
        classic=classic,
    )


def passing(executable: str) -> str | None:
    """Return why an interpreter will not be there for long (a run-once environment of uvx or pipx, a temporary folder), or None."""
    parts = Path(executable).parts
    once = {"archive-v0", "builds-v0", "environments-v2"} & set(parts) or ("pipx" in parts and ".cache" in parts)
    if once or Path(executable).is_relative_to(tempfile.gettempdir()):
        return (
            f"{executable} belongs to an environment that may be cleared at any time; the heartbeat would stop with it. "
            "Install autobuilds for good (`uv tool install` or `pipx install`), then run `autobuilds install` from there"
        )
    return None


def search_path(path: str) -> str:
    """Return a search path to store: absolute folders that are there, each once."""
    folders = [folder for folder in path.split(os.pathsep) if folder.startswith("/") and Path(folder).is_dir()]
    return os.pathsep.join(dict.fromkeys(folders)) or os.defpath


def choose(timers: Mapping[str, Timer], wanted: str | None = None) -> Timer:
    """Return the scheduler that is wanted, else the first that can be used; raises BadInput that says why none can."""
    if wanted is not None:
        reason = timers[wanted].missing()
        if reason is not None:
            raise BadInput(f"{wanted} can't be used: {reason}")
        return timers[wanted]
    reasons = []
    for timer in timers.values():
        reason = timer.missing()
        if reason is None:
            return timer
        reasons.append(f"{timer.name}: {reason}")
    raise BadInput(
        f"no scheduler was found ({'; '.join(reasons)}). Have anything run `autobuilds heartbeat --workspace DIR` every 30 minutes; "
        "it is safe to run at any time"
    )


def install(timers: Mapping[str, Timer], timer: Timer, job: TimerJob, *, prove: bool = True, present: Iterable[str] = ()) -> Installation:
    """Install the job, take it out of other schedulers, and prove that it runs; raises BadInput, TimerFailure, StorageFailure.

    `present` are names of agents that are found here, and that the heartbeat must find as well.
    """
    pieces = timer.pieces(job)
    changed = timer.install(job)
    moved = tuple(other.name for other in timers.values() if other is not timer and _quietly_uninstalled(other, job))
    proof = prove_it(timer, job, present) if prove and changed else None
    return Installation(timer=timer.name, changed=changed, pieces=pieces, moved_from=moved, proof=proof)


def _quietly_uninstalled(timer: Timer, job: TimerJob) -> bool:
    try:
        return timer.uninstall(job)
    except TimerFailure:
        return False


def prove_it(timer: Timer, job: TimerJob, present: Iterable[str] = (), patience: float | None = None) -> Proof:
    """Run the probe through the scheduler and wait for its file, at most `patience` seconds."""
    dormant = timer.dormant()
    if dormant is not None:
        return Proof(ok=False, said=f"not proven: {dormant}")
    wait = timer.patience if patience is None else patience
    began = time.monotonic()
    try:
        timer.begin_probe(job)
        found = _await(job, began + wait)
    except AutobuildsError as fault:
        return Proof(ok=False, said=f"not proven: {fault}")
    finally:
        with suppress(AutobuildsError):
            timer.end_probe(job)
    if found is None:
        return Proof(ok=False, said=f"not proven: {timer.name} did not run the probe within {wait:.0f} s")
    lost = tuple(name for name in ("git", *present) if not found.programs.get(name))
    seconds = time.monotonic() - began
    return Proof(ok=not lost, said=f"a probe ran through {timer.name} ({seconds:.0f} s)", lost=lost)


def _await(job: TimerJob, deadline: float) -> Probe | None:
    while True:
        probe = read_probe(job.workspace)
        if probe is not None and probe.nonce == job.probe[-1]:
            return probe
        if time.monotonic() > deadline:
            return None
        time.sleep(_LOOK_EVERY)


def record_probe(root: Path, nonce: str, now: datetime, agents: tuple[AgentStatus, ...]) -> None:
    """Write down what this process, started by a scheduler, can find."""
    programs: dict[str, str | None] = {"git": shutil.which("git")}
    programs |= {agent.name: agent.detail if agent.found else None for agent in agents}
    write_probe(root, Probe(nonce=nonce, at=now, path=os.environ.get("PATH", ""), programs=programs))


def uninstall(timers: Mapping[str, Timer], job: TimerJob) -> tuple[str, ...]:
    """Take the job out of every scheduler, and return those that had it.

    Raises TimerFailure where none had it and one could not be asked.
    """
    had: list[str] = []
    failures: list[TimerFailure] = []
    for timer in timers.values():
        try:
            if timer.uninstall(job):
                had.append(timer.name)
        except TimerFailure as failure:
            failures.append(failure)
    remove_traces(job.workspace, [f".autobuilds/cron-{one.name}.log" for one in job.lines])
    if failures and not had:
        raise failures[0]
    return tuple(had)
