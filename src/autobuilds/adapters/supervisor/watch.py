"""One program, watched: limits, signs of life, what it used; afterwards nothing of its tree is left."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from autobuilds.adapters import processes
from autobuilds.adapters.processes import Identity
from autobuilds.adapters.supervisor.waking import Wake
from autobuilds.domain.build import Outcome
from autobuilds.domain.ending import Stop
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass, field

#: Seconds between two samples once a program has run for a while.
SAMPLE_SECONDS = 1.0
_FIRST_SAMPLE = 0.05
_LOOK_SECONDS = 0.03
#: CPU use below this share of one core counts as silence: event loops tick while they wait.
_IDLE_SHARE = 0.01


#: Starts a program with the arguments of `subprocess.Popen`.
Starter = Callable[..., "subprocess.Popen[bytes]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What stops a program: seconds of wall clock (suspended time not counted), seconds of silence, bytes of output."""

    seconds: float
    silence: float | None
    output_bytes: int
    #: How a wall-clock stop is called in its reason.
    what: str
    ladder: tuple[processes.Rung, ...] = processes.PLAIN_LADDER
    #: A folder on whose disk this many bytes are to stay free; None: nobody looks.
    disk: Path | None = None
    free_bytes: int = 0
    #: By how much it yields the processor to other programs.
    niceness: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a program ended: `exit_code` None when it never ran or its status is unknown; `left` processes survived."""

    exit_code: int | None = None
    stop: Stop | None = None
    #: It could not be started, in words.
    failure: str | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    clear: bool = True


@dataclass(slots=True)
class Watcher:
    """Runs programs of one attempt; all carry its marker."""

    attempt_id: str
    wake: Wake
    #: Returns why everything shall stop, or None.
    asked: Callable[[], Stop | None]
    #: Files whose growth or change is a sign of life, besides the output.
    signs: tuple[Path, ...] = ()
    #: Called at every sample; returns why the program must be stopped, or None.
    looked: Callable[[], Stop | None] | None = None
    #: Called with the processes seen, where they are others than before.
    noticed: Callable[[frozenset[Identity]], None] | None = None
    #: Called at every sample that finds a sign of life.
    lives: Callable[[], None] | None = None
    #: This process does nothing else: all that descends from it belongs to the attempt, and is gathered when it ends.
    alone: bool = True

    def members(self, child: int) -> set[Identity]:
        """Return every living process of the attempt, this one not included."""
        top = os.getpid() if self.alone else child
        found = processes.descendants(top) | processes.marked(self.attempt_id)
        own = processes.identity(child)
        return found | {own} if own is not None and processes.alive(own) else found

    def collect(self, child: int) -> None:
        """Gather ended processes that were left to this one."""
        if self.alone:
            processes.reap(but=(child,))

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        output: Path,
        bounds: Bounds,
        errors: Path | None = None,
        stdin: Path | None = None,
        start: Starter = subprocess.Popen,
    ) -> Finished:
        """Run a program to its end or to one of its limits; its output is appended to files (`errors` None: both to `output`).

        `start` starts it, contained where that is wanted.
        """
        files: list[int] = []
        try:
            for path in (output, errors):
                if path is not None:
                    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
                    files.append(os.open(path, flags, 0o644))
            child = _spawn(start, argv, cwd, environment, (files[0], files[-1]), stdin)
            return Finished(failure=child) if isinstance(child, str) else self._watch(child, tuple(files), bounds)
        except OSError as error:
            return Finished(failure=f"{error.filename or output} can't be opened for the output: {error.strerror}")
        finally:
            for file in files:
                os.close(file)

    def _watch(self, child: subprocess.Popen[bytes], files: tuple[int, ...], bounds: Bounds) -> Finished:
        before = os.times()
        run = _Run(watcher=self, child=child, files=files, bounds=bounds)
        try:
            stop = run.watch()
            code = child.poll()
            clear = self._clear(child, bounds.ladder if stop is not None else processes.SHORT_LADDER)
        except BaseException:
            self._clear(child, bounds.ladder)
            raise
        _cut(files, bounds.output_bytes)
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return Finished(
            exit_code=child.poll() if code is None else code,
            stop=stop,
            seconds=time.monotonic() - run.began,
            cpu_seconds=max(used, run.sampler.cpu_seconds),
            peak_rss_bytes=run.sampler.peak_rss_bytes,
            clear=clear,
        )

    def _clear(self, child: subprocess.Popen[bytes], ladder: tuple[processes.Rung, ...]) -> bool:
        def collect() -> None:
            child.poll()
            self.collect(child.pid)

        first = processes.wrapped(child.pid) if child.poll() is None else None
        return processes.stop_all(lambda: self.members(child.pid), first=first, ladder=ladder, collect=collect)


def _spawn(
    start: Starter, argv: Sequence[str], cwd: Path, environment: Mapping[str, str], out: tuple[int, int], stdin: Path | None
) -> subprocess.Popen[bytes] | str:
    """Start a program in a session of its own; return why it can't be started where it can't."""
    try:
        with open(stdin or os.devnull, "rb") as source:  # noqa: PTH123 - also /dev/null
            return start(
                list(argv),
                cwd=cwd,
                env=dict(environment),
                stdin=source,
                stdout=out[0],
                stderr=out[1],
                start_new_session=True,
                close_fds=True,
            )
    except FileNotFoundError:
        return f"{argv[0]} is not installed or not on the PATH"
    except AutobuildsError as error:
        return str(error)
    except (OSError, ValueError) as error:
        return f"{argv[0]} can't be started: {getattr(error, 'strerror', None) or error}"


def _cut(files: tuple[int, ...], limit: int) -> None:
    """Cut what was written to `limit` bytes together; of the errors at least a quarter of that stays."""
    sizes = [os.fstat(f).st_size for f in files]
    if sum(sizes) <= limit:
        return
    rest = limit
    if len(files) > 1:
        kept = min(sizes[1], max(limit - sizes[0], limit // 4))
        os.ftruncate(files[1], kept)
        rest -= kept
    os.ftruncate(files[0], min(sizes[0], rest))


def free_space(folder: Path) -> int | None:
    """Return the bytes that are free on the disk of a folder, or None where that can't be told."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


@dataclass(slots=True)
class _Run:
    watcher: Watcher
    child: subprocess.Popen[bytes]
    files: tuple[int, ...]
    bounds: Bounds
    began: float = field(default_factory=time.monotonic)
    sampler: processes.Sampler = field(init=False)
    _active: float = field(init=False)
    _floor: int = field(init=False)
    _state: tuple[object, ...] = ()
    _present: frozenset[Identity] = frozenset()
    _told: Stop | None = None

    def __post_init__(self) -> None:
        self.sampler = processes.Sampler(lambda: self.watcher.members(self.child.pid))
        self._active = self.began
        free = free_space(self.bounds.disk) if self.bounds.disk is not None else None
        self._floor = 0 if free is None else min(self.bounds.free_bytes, free // 2)

    def watch(self) -> Stop | None:
        """Return why the program must be stopped, or None when it has ended by itself."""
        interval = _FIRST_SAMPLE
        sampled = self.began
        while self.child.poll() is None:
            now = time.monotonic()
            if now - sampled >= interval:
                self._sample(now - sampled)
                sampled, interval = now, min(interval * 2, SAMPLE_SECONDS)
            stop = self.watcher.asked() or self._told or self._limit(time.monotonic())
            if stop is not None:
                return stop
            self.watcher.wake.wait(min(interval, self.bounds.seconds - (now - self.began)))
        return None

    def _sample(self, elapsed: float) -> None:
        self.watcher.collect(self.child.pid)
        present, used = self.sampler.sample()
        busy = used > _IDLE_SHARE * elapsed
        if self.watcher.looked is not None:
            self._told = self.watcher.looked()
        state = (self._written(), *(_state(p) for p in self.watcher.signs))
        if busy or state != self._state or present != self._present:
            self._active = time.monotonic()
            if self.watcher.lives is not None:
                self.watcher.lives()
        if self.watcher.noticed is not None and present != self._present:
            self.watcher.noticed(present)
        if self.bounds.niceness:
            give_way((who.pid for who in present - self._present), self.bounds.niceness)
        self._state, self._present = state, present

    def _limit(self, now: float) -> Stop | None:
        bounds = self.bounds
        if now - self.began >= bounds.seconds:
            return Stop(outcome=Outcome.TIMEOUT, reason=f"stopped after {span_words(bounds.seconds)}, {bounds.what}")
        if bounds.silence is not None and now - self._active >= bounds.silence:
            return Stop(outcome=Outcome.STALLED, reason=f"stopped after {span_words(bounds.silence)} without output, progress or CPU use")
        if self._written() > bounds.output_bytes:
            return Stop(outcome=Outcome.TIMEOUT, reason=f"stopped because its output went over the limit of {bounds.output_bytes} bytes")
        free = free_space(bounds.disk) if self._floor and bounds.disk is not None else None
        if free is not None and free < self._floor:
            return Stop(outcome=Outcome.TIMEOUT, reason=f"stopped because it filled the disk: {free // 1024**2} MiB are left")
        return None

    def _written(self) -> int:
        return sum(os.fstat(f).st_size for f in self.files)


def give_way(pids: Iterable[int], niceness: int) -> None:
    """Have the process groups of these, every thread of theirs, yield the processor to others; what is gone or yields more stays."""
    own = os.getpgrp()
    for pid in pids:
        with suppress(OSError):
            group = os.getpgid(pid)
            if group != own and os.getpriority(os.PRIO_PROCESS, pid) < niceness:
                os.setpriority(os.PRIO_PGRP, group, niceness)


def span_words(seconds: float) -> str:
    """Return a span as people say it: `90 seconds`, `8 hours`, `2 h 30 min`."""
    if seconds < 120:
        return f"{seconds:g} seconds"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} minutes"
    return f"{hours} h {rest} min" if rest else f"{hours} {'hour' if hours == 1 else 'hours'}"


def _state(path: Path) -> tuple[int, int] | None:
    try:
        info = path.lstat()
    except OSError:
        return None
    return info.st_size, info.st_mtime_ns
