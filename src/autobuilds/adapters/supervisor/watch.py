"""One program, watched: limits, signs of life, what it used; afterwards nothing of its tree is left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from autobuilds.adapters import processes
from autobuilds.adapters.processes import Identity
from autobuilds.domain.build import Outcome
from autobuilds.domain.ending import Stop

#: Seconds between two samples once a program has run for a while.
SAMPLE_SECONDS = 1.0
_FIRST_SAMPLE = 0.05
_LOOK_SECONDS = 0.03
#: CPU use below this share of one core counts as silence: event loops tick while they wait.
_IDLE_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What stops a program: seconds of wall clock (suspended time not counted), seconds of silence, bytes of output."""

    seconds: float
    silence: float | None
    output_bytes: int
    #: How a wall-clock stop is called in its reason.
    what: str
    ladder: tuple[processes.Rung, ...] = processes.PLAIN_LADDER


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
class Wake:
    """Wakes the watcher when a child ends or a stop signal arrives; `asked` once one has. Without a reader it looks often instead."""

    reader: int | None = None
    asked: bool = False

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or sooner when a signal arrives."""
        if self.reader is None:
            time.sleep(max(0.0, min(seconds, _LOOK_SECONDS)))
            return
        with suppress(InterruptedError):
            ready, _, _ = select.select([self.reader], [], [], max(seconds, 0.0))
            if ready:
                with suppress(BlockingIOError):
                    os.read(self.reader, 4096)


@contextmanager
def waking() -> Iterator[Wake]:
    """Install the signal handlers of a supervisor for as long as the block runs."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    wake = Wake(reader)

    def ask(_number: int, _frame: FrameType | None) -> None:
        wake.asked = True

    def notice(_number: int, _frame: FrameType | None) -> None:
        return

    before = {n: signal.signal(n, ask) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, notice)
    old = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield wake
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


@dataclass(slots=True)
class Watcher:
    """Runs programs of one attempt; all carry its marker."""

    attempt_id: str
    wake: Wake
    #: Returns why everything shall stop, or None.
    asked: Callable[[], Stop | None]
    #: Files whose growth or change is a sign of life, besides the output.
    signs: tuple[Path, ...] = ()
    #: Called with the processes seen and whether one of them used the CPU.
    noticed: Callable[[frozenset[Identity], bool], None] | None = None
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
        self, argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str], output: Path, bounds: Bounds, stdin: Path | None = None
    ) -> Finished:
        """Run a program to its end or to one of its limits; its output is appended to a file."""
        try:
            out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            return Finished(failure=f"{output} can't be opened for the output: {error.strerror}")
        try:
            child = _spawn(argv, cwd, environment, out, stdin)
            return Finished(failure=child) if isinstance(child, str) else self._watch(child, out, bounds)
        finally:
            os.close(out)

    def _watch(self, child: subprocess.Popen[bytes], out: int, bounds: Bounds) -> Finished:
        before = os.times()
        run = _Run(watcher=self, child=child, output=out, bounds=bounds)
        try:
            stop = run.watch()
            code = child.poll()
            clear = self._clear(child, bounds.ladder if stop is not None else processes.SHORT_LADDER)
        except BaseException:
            self._clear(child, bounds.ladder)
            raise
        if os.fstat(out).st_size > bounds.output_bytes:
            os.ftruncate(out, bounds.output_bytes)
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

        first = processes.identity(child.pid) if child.poll() is None else None
        return processes.stop_all(lambda: self.members(child.pid), first=first, ladder=ladder, collect=collect)


def _spawn(argv: Sequence[str], cwd: Path, environment: Mapping[str, str], out: int, stdin: Path | None) -> subprocess.Popen[bytes] | str:
    """Start a program in a session of its own; return why it can't be started where it can't."""
    try:
        with open(stdin or os.devnull, "rb") as source:  # noqa: PTH123 - also /dev/null
            return subprocess.Popen(
                list(argv), cwd=cwd, env=dict(environment), stdin=source, stdout=out, stderr=out, start_new_session=True, close_fds=True
            )
    except FileNotFoundError:
        return f"{argv[0]} is not installed or not on the PATH"
    except (OSError, ValueError) as error:
        return f"{argv[0]} can't be started: {getattr(error, 'strerror', None) or error}"


@dataclass(slots=True)
class _Run:
    watcher: Watcher
    child: subprocess.Popen[bytes]
    output: int
    bounds: Bounds
    began: float = field(default_factory=time.monotonic)
    sampler: processes.Sampler = field(init=False)
    _active: float = field(init=False)
    _state: tuple[object, ...] = ()
    _present: frozenset[Identity] = frozenset()

    def __post_init__(self) -> None:
        self.sampler = processes.Sampler(lambda: self.watcher.members(self.child.pid))
        self._active = self.began

    def watch(self) -> Stop | None:
        """Return why the program must be stopped, or None when it has ended by itself."""
        interval = _FIRST_SAMPLE
        sampled = self.began
        while self.child.poll() is None:
            now = time.monotonic()
            if now - sampled >= interval:
                self._sample(now - sampled)
                sampled, interval = now, min(interval * 2, SAMPLE_SECONDS)
            stop = self.watcher.asked() or self._limit(time.monotonic())
            if stop is not None:
                return stop
            self.watcher.wake.wait(min(interval, self.bounds.seconds - (now - self.began)))
        return None

    def _sample(self, elapsed: float) -> None:
        self.watcher.collect(self.child.pid)
        present, used = self.sampler.sample()
        busy = used > _IDLE_SHARE * elapsed
        state = (os.fstat(self.output).st_size, *(_state(p) for p in self.watcher.signs))
        if busy or state != self._state or present != self._present:
            self._active = time.monotonic()
        if self.watcher.noticed is not None and (busy or present != self._present):
            self.watcher.noticed(present, busy)
        self._state, self._present = state, present

    def _limit(self, now: float) -> Stop | None:
        bounds = self.bounds
        if now - self.began >= bounds.seconds:
            return Stop(outcome=Outcome.TIMEOUT, reason=f"stopped after {span_words(bounds.seconds)}, {bounds.what}")
        if bounds.silence is not None and now - self._active >= bounds.silence:
            return Stop(outcome=Outcome.STALLED, reason=f"stopped after {span_words(bounds.silence)} without output, progress or CPU use")
        if os.fstat(self.output).st_size > bounds.output_bytes:
            return Stop(outcome=Outcome.TIMEOUT, reason=f"stopped because its output went over the limit of {bounds.output_bytes} bytes")
        return None


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
