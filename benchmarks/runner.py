"""Measures whole processes as the kernel accounts for them (`wait4`): wall, CPU, and the memory of the largest one."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Seconds after which a run is stopped and counts as failed.
LIMIT = 300.0


class Failed(Exception):
    """A run did not do its work; the message says what was wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process that is to be measured, and how to see that it did its work."""

    argv: Sequence[str]
    cwd: Path
    env: dict[str, str]
    #: Done before the clock starts, such as an edit by hand.
    before: Callable[[], None] | None = None
    #: Told the output; returns what is wrong, or nothing. Asked after the first run of its kind.
    check: Callable[[str], str] | None = None
    #: Exit statuses that are no failure.
    accepted: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one run took: seconds, and MiB of the largest process; with everything that it left running until that had ended."""

    wall: float
    cpu: float
    memory: float


class Launcher:
    """Starts runs from a program that is small itself; a Python one where no C compiler is there."""

    def __init__(self, folder: Path) -> None:
        self.result = folder / "result"
        self.output = folder / "output"
        binary, compiler = folder / "launch", shutil.which("cc")
        done = compiler and subprocess.run([compiler, "-O2", "-o", str(binary), str(HERE / "launch.c")], check=False, capture_output=True)
        small = bool(done) and binary.exists()
        self.argv = [str(binary)] if small else [sys.executable, "-I", "-S", str(HERE / "launch.py")]
        self.name = "launch.c" if small else "launch.py (no C compiler: memory below about 8 MiB is not seen)"

    def measure(self, run: Run, *, check: bool = False) -> Sample:
        """Run once. Raises `Failed` where it ends badly, takes too long, or (with `check`) has not done its work."""
        if run.before:
            run.before()
        self.result.unlink(missing_ok=True)
        with self.output.open("wb") as out:
            process = subprocess.Popen(
                [*self.argv, str(self.result), *run.argv],
                cwd=run.cwd,
                env=run.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise Failed(f"{Path(run.argv[0]).name}: still running after {LIMIT:.0f} s") from None
        if not self.result.exists():
            raise Failed(f"{Path(run.argv[0]).name}: could not be started")
        status, _, wall, _, cpu, _, memory = (float(word) for word in self.result.read_text().split())
        said = self.output.read_text(errors="replace")
        if int(status) not in run.accepted:
            raise Failed(f"{Path(run.argv[0]).name}: exit status {status:.0f}: {said.strip()[-300:]}")
        if check and run.check and (wrong := run.check(said)):
            raise Failed(f"{Path(run.argv[0]).name} {' '.join(run.argv[1:3])}: {wrong}")
        return Sample(wall=wall, cpu=cpu, memory=memory / (1024 * 1024 if sys.platform == "darwin" else 1024))


def median(values: Sequence[float]) -> float:
    """Return the middle value; NaN where there is none."""
    return statistics.median(values) if values else float("nan")


def ratio(ours: Sequence[Sample], theirs: Sequence[Sample], what: str = "cpu") -> float:
    """Return the median of ours as a multiple of theirs, turn by turn; NaN where no turn has both."""
    pairs = zip(ours, theirs, strict=False)
    return median([getattr(mine, what) / max(getattr(other, what), 1e-6) for mine, other in pairs])
