"""Processes: who belongs to an attempt, what they use, and how all of them are stopped and confirmed dead."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from autobuilds.records import dataclass, field

#: Set in the environment of an agent and of everything it starts; survives `setsid` and a dead parent.
MARKER = "AUTOBUILDS_ATTEMPT"
#: Seconds by which a process's creation time may differ between two readings (the system clock is adjusted).
CREATED_TOLERANCE = 1.0
_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36
_CLEAR_SCANS = 2
#: The program that contains others; told to stop politely it would end all of them at once.
_CONTAINER = "bwrap"
_DEEPEST = 8
_LINUX: bool = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One process that can't be confused with a later one of the same number; `created` in seconds since the epoch."""

    pid: int
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of stopping: send `number`, then wait up to `seconds`; `everyone` False means the first process alone."""

    number: signal.Signals
    seconds: float
    everyone: bool = True


#: SIGINT lets an agent report its cost, SIGTERM lets it clean up, SIGKILL ends the matter.
LADDER = (
    Rung(number=signal.SIGINT, seconds=3.0, everyone=False),
    Rung(number=signal.SIGTERM, seconds=3.0),
    Rung(number=signal.SIGKILL, seconds=20.0),
)
#: For programs that report nothing: a shell that gets SIGINT alone would wait for its child.
PLAIN_LADDER = LADDER[1:]
#: For what an agent left behind after it ended by itself.
SHORT_LADDER = (Rung(number=signal.SIGTERM, seconds=1.0), Rung(number=signal.SIGKILL, seconds=20.0))


def identity(pid: int) -> Identity | None:
    """Return who a process number stands for now, or None if nobody."""
    import psutil

    try:
        return Identity(pid=pid, created=psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def alive(who: Identity) -> bool:
    """Whether exactly this process still runs; a zombie does not."""
    import psutil

    try:
        process = psutil.Process(who.pid)
        return abs(process.create_time() - who.created) <= CREATED_TOLERANCE and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def send(who: Identity, number: signal.Signals) -> bool:
    """Signal a process if it is still the same one; return whether it was there."""
    import psutil

    if not alive(who):
        return False
    try:
        psutil.Process(who.pid).send_signal(number)
    except (psutil.Error, OSError):
        return False
    return True


def boot_id() -> str:
    """Return a text that differs after each start of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        import psutil

        return f"boot-{int(psutil.boot_time())}"


def adopt_orphans() -> bool:
    """Make this process the parent of its orphaned descendants (Linux); return whether that is in force."""
    if not _LINUX:
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def hide_environment() -> bool:
    """Keep other processes of the same user from reading this one's environment and memory (Linux); return whether that is in force.

    No help where they run as root.
    """
    if not _LINUX:
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)


def reap(*, but: Iterable[int] = ()) -> None:
    """Collect ended children that nobody else waits for; `but` names children that have a waiter of their own."""
    import psutil

    kept = set(but)
    for child in _children(os.getpid(), recursive=False):
        if child in kept:
            continue
        try:
            if psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child, os.WNOHANG)
        except (psutil.Error, OSError):
            continue


def _children(pid: int, *, recursive: bool) -> list[int]:
    import psutil

    try:
        return [p.pid for p in psutil.Process(pid).children(recursive=recursive)]
    except psutil.Error:
        return []


def descendants(pid: int) -> set[Identity]:
    """Return the living descendants of a process, itself not included."""
    found = (identity(p) for p in _children(pid, recursive=True))
    return {p for p in found if p is not None and alive(p)}


def marked(value: str) -> set[Identity]:
    """Return the living processes whose environment carries MARKER with this value, this process not included."""
    wanted = f"{MARKER}={value}"
    found = (identity(pid) for pid in _pids() if pid != os.getpid() and _carries(pid, wanted))
    return {p for p in found if p is not None and alive(p)}


def wrapped(pid: int) -> Identity | None:
    """Return the program that a process runs: itself, or what runs inside where it is a container's outer process."""
    import psutil

    try:
        process = psutil.Process(pid)
        for _ in range(_DEEPEST):
            below = process.children() if process.name() == _CONTAINER else []
            if not below:
                break
            process = min(below, key=lambda p: (p.create_time(), p.pid))
    except psutil.Error:
        return identity(pid)
    return identity(process.pid)


def _contains(who: Identity) -> bool:
    import psutil

    try:
        return psutil.Process(who.pid).name() == _CONTAINER
    except psutil.Error:
        return False


def working_below(folder: Path) -> set[Identity]:
    """Return the living processes whose current folder is `folder` or below, this process and its parents not included."""
    import psutil

    top = os.path.realpath(folder)
    mine = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    found: set[Identity] = set()
    for pid in _pids():
        if pid in mine:
            continue
        try:
            cwd = psutil.Process(pid).cwd().removesuffix(" (deleted)")
        except (psutil.Error, OSError):
            continue
        if cwd == top or cwd.startswith(top + os.sep):
            who = identity(pid)
            if who is not None and alive(who):
                found.add(who)
    return found


def _pids() -> list[int]:
    import psutil

    return psutil.pids()


def _carries(pid: int, wanted: str) -> bool:
    if _LINUX:
        try:
            content = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return wanted.encode() in content.split(b"\0")
    import psutil

    name, _, value = wanted.partition("=")
    try:
        return psutil.Process(pid).environ().get(name) == value
    except (psutil.Error, OSError):
        return False


def stop_all(
    find: Callable[[], set[Identity]],
    *,
    first: Identity | None = None,
    ladder: tuple[Rung, ...] = LADDER,
    collect: Callable[[], None] = reap,
) -> bool:
    """Stop every process that `find` returns, also those that appear meanwhile; return whether none is left.

    `first` is the process that a rung with `everyone` False addresses; `collect` gathers ended children. Containers are only
    killed: asked to stop, they would end what runs in them before it could say a word.
    """
    for rung in ladder:
        told: set[Identity] = set()
        deadline = time.monotonic() + rung.seconds
        clear = 0
        pause = 0.01
        while True:
            collect()
            found = find()
            clear = clear + 1 if not found else 0
            if clear >= _CLEAR_SCANS:
                return True
            targets = found if rung.everyone else found & ({first} if first else set())
            if found and not targets:
                break
            if rung.number != signal.SIGKILL:
                targets = {who for who in targets if not _contains(who)}
            for who in targets - told if rung.number != signal.SIGKILL else targets:
                send(who, rung.number)
                told.add(who)
            if time.monotonic() >= deadline:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
    collect()
    return not find()


@dataclass(slots=True)
class Sampler:
    """Adds up what the processes that `find` returns use, as far as samples can see it."""

    find: Callable[[], set[Identity]]
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    _seen: dict[Identity, float] = field(default_factory=dict)

    def sample(self) -> tuple[frozenset[Identity], float]:
        """Return who is there and the CPU seconds used since the last sample (children that ended included)."""
        import psutil

        rss = 0
        used = 0.0
        present: set[Identity] = set()
        for who in self.find():
            try:
                process = psutil.Process(who.pid)
                with process.oneshot():
                    times = process.cpu_times()
                    rss += process.memory_info().rss
            except psutil.Error:
                continue
            total = times.user + times.system + times.children_user + times.children_system
            used += max(0.0, total - self._seen.get(who, 0.0))
            self._seen[who] = total
            present.add(who)
        self.cpu_seconds += used
        self.peak_rss_bytes = max(self.peak_rss_bytes, rss)
        return frozenset(present), used
