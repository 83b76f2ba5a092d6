"""A disk that is full for real, at every fill level, and the limits of file size and of open files: nothing lost, said, nothing left."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.proofs._injecting import Known, Scene, Worker
from tests.proofs._judging import Picture, harmed, left_over, misbehaved
from tests.proofs.figures import Figure, Figures, Options
from tests.proofs.shim import MISSING, library

#: KiB that are free when the command begins; a file takes at least 4.
LEVELS: Final = tuple(range(0, 108, 4))
#: Bytes that a file may have (what is said goes into a file too), and numbers of files that may be open.
SIZES: Final = (400, 500, 600, 800, 1000, 2000, 4000, 8000, 16000)
OPEN: Final = tuple(range(4, 24))
SCENES: Final = (
    Scene(stage="queued", argv=("add", "Another one", "--desc", "`another.txt` holds the line `hello`")),
    Scene(stage="ended", argv=("heartbeat", "--monitor")),
    Scene(stage="queued", argv=("set", "write-alpha", "Priority", "Low")),
    Scene(stage="queued", argv=("cancel", "write-alpha")),
    Scene(stage="queued", argv=("pause", "--because", "holidays")),
    Scene(stage="edited", argv=("heartbeat", "--monitor")),
    Scene(stage="reviewable", argv=("accept", "write-alpha")),
    Scene(stage="reviewable", argv=("report",)),
)
_SIZE = "16m"


def limited(argv: Sequence[str]) -> int:
    """Run a command line under a limit: `fsize N ...` or `nofile N ...`."""
    from autobuilds.cli.app import run

    what = {"fsize": resource.RLIMIT_FSIZE, "nofile": resource.RLIMIT_NOFILE}[argv[0]]
    resource.setrlimit(what, (int(argv[1]), resource.getrlimit(what)[1]))
    return run(list(argv[2:]))


def run(options: Options) -> Figures:
    """Run 8 commands at every level and limit (sample: one command at every third) on a small disk of its own, in a user namespace."""
    figures = Figures(proof="disk")
    if library() is None:
        figures.skipped.append(MISSING)
        return figures
    (options.folder / "place").mkdir()
    inside = [sys.executable, "-m", "tests.proofs.disk", str(options.folder), "full" if options.full else "sample"]
    mounting = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        f'mount -t tmpfs -o size={_SIZE} none "$1/place" && shift && exec "$@"',
        "sh",
        str(options.folder),
    ]
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"}
    try:
        done = subprocess.run(
            [*mounting, *inside], cwd=root, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError:
        figures.skipped.append("no unshare: a disk of our own can't be mounted here")
        return figures
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        figures.skipped.append(f"no disk of our own can be mounted here: {done.stderr.strip()[:200]}")
        return figures
    if done.returncode:
        figures.faults.append(done.stderr[-2000:])
        return figures
    answer = json.loads(done.stdout)
    figures.counts = [Figure(**count) for count in answer["counts"]]
    figures.faults = answer["faults"]
    return figures


class Trial:
    """One worker whose place is a small disk."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    @property
    def _ballast(self) -> Path:
        return self.worker.stages.place / "ballast"

    def full(self, scene: Scene, free: int) -> None:
        """Run a command with that many KiB free."""
        known = self.worker.look(scene)
        self.worker.stages.put(scene.stage)
        there = os.statvfs(self.worker.stages.place)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, there.f_bavail * there.f_frsize - free * 1024)
        self.worker.control.order(self.worker.orders())
        self._judge(f"{scene.name}, {free} KiB free", scene, known)

    def limit(self, scene: Scene, what: str, value: int) -> None:
        """Run a command under a limit."""
        known = self.worker.look(scene)
        self.worker.stages.put(scene.stage)
        self.worker.control.order(self.worker.orders())
        under = Scene(stage=scene.stage, argv=(what, str(value), *scene.argv), code="tests.proofs.disk:limited")
        self._judge(f"{scene.name}, {what} {value}", scene, known, under)

    def _judge(self, name: str, scene: Scene, known: Known, under: Scene | None = None) -> None:
        done = self.worker.do(under or scene)
        self._ballast.unlink(missing_ok=True)
        now = Picture.of(self.worker.stages.ground)
        self.counts["runs"] += 1
        self.counts["runs that said that they could not"] += done.status != known.status
        found = [("misbehaved", said) for said in (misbehaved(done),) if said]
        found += [("lost or torn", harm) for harm in harmed(known.before, known.after, now)]
        found += [("temporary files left", str(left)) for left in (left_over(known.before, known.after, now),) if left]
        if self.worker.new(scene, known, done) or found:
            found += [("not right afterwards", said) for said in self.worker.afterwards(scene, known, done)]
        for kind, said in found:
            self.counts[kind] += 1
            self.faults.append(f"{kind}: {name}: {said}; it said {done.said[-250:]!r}")


def _all(full: bool) -> Iterator[tuple[str, int, Scene]]:
    step = 1 if full else 3
    limits = [("fsize", value) for value in SIZES] + [("nofile", value) for value in OPEN]
    wanted = [("free", value) for value in LEVELS[::step]] + limits[::step]
    for number, (what, value) in enumerate(wanted):
        for scene in SCENES if full else (SCENES[number % len(SCENES)],):
            yield what, value, scene


def main(folder: Path, full: bool) -> None:
    """Do it all inside the namespace and print the counts as JSON."""
    figures = Figures(proof="disk")
    with Worker(folder=folder / "worker", place=folder / "place", looks=1000 if full else 1) as worker:
        trial = Trial(worker)
        for what, value, scene in _all(full):
            if what == "free":
                trial.full(scene, value)
            else:
                trial.limit(scene, what, value)
    levels = {value for what, value, _ in _all(full) if what == "free"}
    figures.count("fill levels", len(levels), least=26 if full else 9)
    figures.count("limits of file size and open files", len({(what, value) for what, value, _ in _all(full) if what != "free"}))
    figures.count("runs", trial.counts["runs"], least=len(levels))
    figures.count("runs that said that they could not", trial.counts["runs that said that they could not"], least=1)
    for name in ("misbehaved", "lost or torn", "temporary files left", "not right afterwards"):
        figures.count(name, trial.counts[name], most=0)
    answer = {"counts": [asdict(count) for count in figures.counts], "faults": trial.faults[:100]}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "full")
