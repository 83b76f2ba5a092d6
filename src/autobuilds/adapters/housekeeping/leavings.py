"""What builds leave behind that the runner's own sweeping does not know: clones without a record, processes of attempts that are over."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds.adapters import processes
from autobuilds.adapters.housekeeping.places import Budget, device_of, mark_of, tree_size
from autobuilds.adapters.processes import MARKER, Identity
from autobuilds.adapters.supervisor.run_folder import RunFolder, is_attempt_id, state_folder
from autobuilds.domain.house import Fix, LeftClone, LeftProcess, Mended, Place, Scope
from autobuilds.domain.inert import line, shorten
from autobuilds.errors import AutobuildsError

if TYPE_CHECKING:
    from psutil import Process

#: Seconds after an attempt's end within which its processes are still its supervisor's business.
_SETTLING = 300.0
_SHOWN = 60


def read_clones(scope: Scope, budget: Budget) -> tuple[LeftClone, ...]:
    """Return the clones that no attempt needs, or whose work could not be saved."""
    state = state_folder(Path(scope.root))
    needed = _needed(state / "runs")
    if needed is None:
        budget.unfinished.append(str(state / "runs"))
        return ()
    found = []
    for path in _folders(state / "clones"):
        if path in needed:
            continue
        name = path.name.removesuffix(".making")
        folder = RunFolder(state / "runs" / name)
        recorded = is_attempt_id(name) and folder.path.is_dir()
        if recorded and (path != folder.clone or _unfinished(folder)):
            continue
        try:
            info = path.lstat()
        except OSError:
            continue
        idle = max(timedelta(), timedelta(seconds=scope.now.timestamp() - _newest(path, info.st_mtime)))
        place = Place(path=str(path), root=scope.root)
        found.append(LeftClone(place=place, mark=mark_of(info), size=tree_size(path), idle=idle, recorded=recorded))
    return tuple(found)


def _folders(parent: Path) -> list[Path]:
    if device_of(parent) is None:
        return []
    try:
        with os.scandir(parent) as entries:
            return sorted(parent / e.name for e in entries if e.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _needed(runs: Path) -> set[Path] | None:
    """Return the clones of other attempts in which recorded ones work or worked; None where a record can't be read."""
    needed: set[Path] = set()
    for path in _folders(runs):
        folder = RunFolder(path)
        try:
            job = folder.read_job()
        except AutobuildsError:
            return None
        if job is not None and job.clone is not None:
            needed.add(Path(job.clone))
    return needed


def _unfinished(folder: RunFolder) -> bool:
    """Whether an attempt has not ended, or what it left is still to be swept: its work was saved, or nothing began."""
    try:
        ending, start = folder.read_exit(), folder.read_start()
    except AutobuildsError:
        return True
    buried = start is not None and start.tombstone
    return ending is None or ending.head_commit is not None or buried


def _newest(path: Path, known: float) -> float:
    """Return the newest time of change at the top of a clone, where work shows first."""
    newest = known
    with suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            with suppress(OSError):
                newest = max(newest, entry.stat(follow_symlinks=False).st_mtime)
    return newest


def read_processes(scope: Scope) -> tuple[LeftProcess, ...]:
    """Return the processes that carry the mark of an attempt of this workspace that is over."""
    import psutil

    runs = state_folder(Path(scope.root)) / "runs"
    over: dict[str, bool] = {}
    found = []
    for process in _foreign():
        with suppress(psutil.Error, OSError):
            attempt = process.environ().get(MARKER, "")
            if not attempt or not is_attempt_id(attempt):
                continue
            if attempt not in over:
                over[attempt] = _over(runs, attempt)
            if over[attempt] and process.status() != psutil.STATUS_ZOMBIE:
                words = shorten(line(" ".join(process.cmdline()) or process.name()), _SHOWN)
                found.append(LeftProcess(pid=process.pid, created=process.create_time(), attempt=attempt, command=words))
    return tuple(found)


def _foreign() -> list[Process]:
    """Return the processes of this user, without this one and those above it."""
    import psutil

    mine = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            # Builds of root's run as another user.
            if process.pid not in mine and os.getuid() in {0, process.uids().real}:
                found.append(process)
    return found


def _over(runs: Path, attempt: str) -> bool:
    """Whether an attempt of this workspace ended some time ago and nobody supervises it any more."""
    folder = RunFolder(runs / attempt)
    try:
        info = folder.exit.lstat()
        if not stat.S_ISREG(info.st_mode) or time.time() - info.st_mtime < _SETTLING:
            return False
        with folder.locked(wait=0) as free:
            return free
    except OSError:
        return False


def stop(fix: Fix, scope: Scope) -> Mended:
    """Stop a process that is still the same one and still carries its mark, with what it started."""
    runs = state_folder(Path(scope.root)) / "runs"
    attempt, pid = fix.attempt or "", fix.pid
    if pid is None or fix.created is None or not is_attempt_id(attempt) or not _over(runs, attempt):
        return Mended(done=False, said="its attempt is not over; left alone")
    who = Identity(pid=pid, created=fix.created)
    if not processes.alive(who) or all(p.pid != pid for p in processes.marked(attempt)):
        return Mended(done=False, said="it has ended by itself")

    def left() -> set[Identity]:
        return {who, *processes.descendants(pid)} if processes.alive(who) else set()

    gone = processes.stop_all(left, first=who, ladder=processes.PLAIN_LADDER)
    return Mended(done=gone, said="stopped" if gone else "it does not end")
