"""Many heartbeats at once over many tasks: none is started twice, none is missed, and the records agree."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.proofs._ground import Ground, queue_of
from tests.proofs.figures import Figures, Options

#: Builds that may run at the same time.
WIDE = 8
#: Seconds after which what is not done counts as stuck, for each task and altogether.
EACH, LEAST = 12.0, 120.0
#: A lock on the heartbeat that is none: every process believes that it has it. The other locks are kept.
NO_LOCK = """
import fcntl, os
real = fcntl.flock
def flock(fd, how):
    if not os.readlink(f"/proc/self/fd/{fd}").rpartition("/")[2].startswith("heartbeat.lock"):
        real(fd, how)
fcntl.flock = flock
"""


@dataclass(slots=True)
class Crowd:
    """Heartbeats that are run at the same time, again and again, until all is done or time is over."""

    ground: Ground
    deadline: float
    over: threading.Event = field(default_factory=threading.Event)
    ran: int = 0
    #: Those that found another at work and left.
    met: int = 0
    running: int = 0
    peak: int = 0
    faults: list[str] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def _one(self) -> None:
        with self._guard:
            self.running += 1
            self.peak = max(self.peak, self.running)
        try:
            done = self.ground.run("heartbeat")
        except subprocess.TimeoutExpired as hung:
            with self._guard:
                self.faults.append(f"a heartbeat did not end within {hung.timeout:.0f} s")
            return
        finally:
            with self._guard:
                self.running -= 1
        with self._guard:
            self.ran += 1
            self.met += "another heartbeat is at work" in done.stderr
            if done.returncode != 0 or "Traceback" in done.stderr or "unexpected" in done.stderr:
                self.faults.append(f"a heartbeat ended with {done.returncode}: {done.stderr.strip()[-300:]}")

    def _member(self) -> None:
        while not self.over.is_set() and time.monotonic() < self.deadline:
            self._one()

    def wave(self, members: int, wanted: set[str]) -> bool:
        """Run `members` of them from the same moment on until every wanted task is completed; False when time is over."""
        self.over.clear()
        threads = [threading.Thread(target=self._member) for _ in range(members)]
        for thread in threads:
            thread.start()
        while not (done := self._done(wanted)) and time.monotonic() < self.deadline:
            time.sleep(0.1)
        self.over.set()
        for thread in threads:
            thread.join()
        return done

    def _done(self, wanted: set[str]) -> bool:
        with suppress(OSError, ValueError, KeyError):
            states = self.ground.states()
            return states.keys() >= wanted and set(states.values()) <= {"completed", "escalated"}
        return False


def run(options: Options) -> Figures:
    """Let 8 heartbeats at once build 500 tasks, 20 in a wave (sample: 4 at once, 8 tasks, 4 in a wave)."""
    members, tasks, size = (8, 500, 20) if options.full else (4, 8, 4)
    return over(options, members=members, tasks=tasks, size=size, seconds=max(LEAST, EACH * tasks))


def broken(options: Options) -> Figures:
    """Do the same with a tool whose lock is none; this must be caught."""
    folder = options.folder / "planted"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(NO_LOCK, encoding="utf-8")
    return over(options, members=4, tasks=4, size=4, seconds=15, planted=folder)


def over(options: Options, *, members: int, tasks: int, size: int, seconds: float, planted: Path | None = None) -> Figures:
    """Let `members` heartbeats at once build `tasks` tasks, added by hand `size` at a time, and count what came of it."""
    count = options.folder / "starts"
    names = [f"Write number n{n:03d}" for n in range(tasks)]
    ground = Ground.make(options.folder, queue_of([], count), more=f"max_concurrent: {WIDE}\ndeliver: merge\n")
    if planted is not None:
        ground = Ground(root=ground.root, env={**ground.env, "PYTHONPATH": str(planted)})
    crowd = Crowd(ground=ground, deadline=time.monotonic() + seconds)
    left = 0
    for first in range(0, tasks, size):
        options.say(f"{members} heartbeats at once, tasks {first + 1} to {min(first + size, tasks)} of {tasks}")
        ground.append(names[first : first + size], count)
        ended = crowd.wave(members, _labels(names[: first + size]))
        left += leave(ground.root, 5 if planted is not None else 300)
        if not ended:
            break
    figures = Figures(proof="heartbeats", faults=crowd.faults[:20])
    figures.count("heartbeats run", crowd.ran, least=members)
    figures.count("heartbeats at once", crowd.peak, least=members, most=members)
    figures.count("of them, left since another was at work", crowd.met)
    _judge(figures, ground, count, _labels(names))
    figures.count("processes left", left, most=0)
    return figures


def _labels(names: list[str]) -> set[str]:
    return {name.lower().replace(" ", "-") for name in names}


def _judge(figures: Figures, ground: Ground, count: Path, labels: set[str]) -> None:
    noted = Counter(count.read_text(encoding="utf-8").split() if count.exists() else [])
    by_label = Counter(attempt.rsplit("-", 2)[0] for attempt in noted.elements())
    doubled = sorted(label for label, times in by_label.items() if times > 1)
    builds = json.loads((ground.root / "subagents" / "active.json").read_bytes())["builds"]
    recorded = Counter(attempt["id"] for build in builds for attempt in build["attempts"])
    states = Counter(build["state"] for build in builds if build["label"] in labels)
    figures.count("tasks", len(labels), least=len(labels))
    figures.count("double starts", len(doubled), most=0)
    figures.count("missed tasks", len(labels - by_label.keys()), most=0)
    figures.count("tasks done", states["completed"], least=len(labels))
    figures.count("stuck tasks", len(labels) - states["completed"], most=0)
    figures.count("starts that the ledger does not know, or knows twice", len(noted - recorded) + len(recorded - noted), most=0)
    queue = (ground.root / "BUILD_QUEUE.md").read_text(encoding="utf-8").split("\n")
    ticked = sum(line.startswith("- [x] ") for line in queue)
    figures.count("tasks ticked in the queue", ticked, least=len(labels), most=len(labels))
    said, dirty = ground.disagreements(), ground.git("status", "--porcelain")
    figures.count("disagreements of queue, ledger, history and Git", len(said), most=0)
    figures.count("changes left uncommitted", len(dirty.split("\n")) if dirty else 0, most=0)
    figures.faults += [f"started twice: {label}" for label in doubled[:10]] + said[:10]


def leave(root: Path, seconds: float) -> int:
    """Wait until no process of the workspace runs; end what is left after `seconds` and return how many those were."""
    deadline = time.monotonic() + seconds
    while (pids := _processes(root)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def _processes(root: Path) -> list[int]:
    """Return the processes whose arguments name the workspace, this one excepted."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.fsencode(root) in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found
