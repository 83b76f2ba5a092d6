"""Errors injected at each call that changes something, of every command: a message, a status, nothing lost, nothing left."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.proofs._in_memory import in_memory
from tests.proofs._injecting import ERRORS, Error, Point, Scene, Worker
from tests.proofs.figures import Figures, Options
from tests.proofs.shim import MISSING, Calls, library

#: A part of the points can be tried by itself.
IN_PARTS = True
_ADD = ("add", "Another one", "--desc", "`another.txt` holds the line `hello`", "--criterion", "it is there: `test -f another.txt`")
SCENES: Final = (
    Scene(stage="queued", argv=_ADD),
    Scene(stage="new", argv=_ADD),
    Scene(stage="queued", argv=("set", "write-alpha", "Priority", "Low")),
    Scene(stage="queued", argv=("set", "write-alpha", "Description", "`alpha.txt` holds `hello`")),
    Scene(stage="queued", argv=("tick", "write-alpha", "1")),
    Scene(stage="queued", argv=("approve", "ask-first")),
    Scene(stage="queued", argv=("block", "write-alpha", "waits for the keys")),
    Scene(stage="queued", argv=("unblock", "ask-first", "1")),
    Scene(stage="queued", argv=("cancel", "write-alpha")),
    Scene(stage="queued", argv=("reopen", "old-one")),
    Scene(stage="queued", argv=("complete", "write-alpha")),
    Scene(stage="queued", argv=("pause", "--because", "holidays")),
    Scene(stage="paused", argv=("resume",)),
    Scene(stage="paused", argv=("heartbeat",)),
    Scene(stage="edited", argv=("heartbeat", "--monitor")),
    Scene(stage="queued", argv=("heartbeat",), code="tests.proofs._stages:without_next", one_in=6),
    Scene(stage="queued", argv=("spawn", "write-alpha"), code="tests.proofs._stages:without_next", one_in=6),
    Scene(stage="submitted", argv=(), code="tests.proofs.faults:supervise", one_in=2),
    Scene(stage="submitted", argv=("heartbeat", "--monitor")),
    Scene(stage="ended", argv=("heartbeat", "--monitor")),
    Scene(stage="reviewable", argv=("accept", "write-alpha"), one_in=2),
    Scene(stage="reviewable", argv=("reject", "write-alpha", "--because", "not so")),
    Scene(stage="reviewable", argv=("retry", "write-beta")),
    Scene(stage="reviewable", argv=("fail", "write-alpha", "--because", "not so")),
    Scene(stage="reviewable", argv=("answer", "write-beta", "use the other file")),
    Scene(stage="reviewable", argv=("report",)),
    Scene(stage="accepted", argv=("undo", "write-alpha")),
    Scene(stage="ledgerless", argv=("fsck", "--rebuild")),
    *(
        Scene(stage="reviewable", argv=argv)
        for argv in (("status",), ("list",), ("show", "write-alpha"), ("why",), ("check",), ("plan",), ("fsck",), ("review", "write-alpha"))
    ),
)
#: Points of a full run and of a sample.
FULL, SAMPLE, SAMPLED_SCENES = 11_600, 60, 6


def supervise(argv: Sequence[str]) -> int:
    """Run the supervisor of the one attempt that was submitted in the folder that one is in."""
    from autobuilds.adapters.supervisor.__main__ import main

    return main([str(next(Path(".autobuilds/runs").resolve().iterdir()))])


def naive(argv: Sequence[str]) -> int:
    """Run a command line of a tool that writes the queue as one usually does: over what stands there."""
    from autobuilds.cli.app import run
    from autobuilds.store.queue import file

    def over(path: Path, _expect: bytes, data: bytes, **_: object) -> bool:
        with path.open("wb") as there:
            there.write(data)
        return True

    vars(file)["replace_guarded"] = over
    return run(argv)


def later(argv: Sequence[str]) -> int:
    """Run a command that writes and commits, a heartbeat, and print what `fsck` finds; the status is the first that is not 0."""
    import io
    import sys

    from autobuilds.cli.app import run

    out, sys.stdout = sys.stdout, io.StringIO()
    for line in (["pause", "--because", "looking"], ["heartbeat", "--monitor"], ["heartbeat", "--monitor"]):
        status = run(line)
        if status:
            out.write(sys.stdout.getvalue())
            return status
    sys.stdout = out
    return 0 if run(["fsck", "--json"]) in {0, 1} else 70


def run(options: Options) -> Figures:
    """Inject errors at 10,500 calls (sample: 60), and count what came of it."""
    return sweep(options, SCENES, points=FULL if options.full else SAMPLE)


def broken(options: Options) -> Figures:
    """Do it with a tool that writes over the queue; this must be caught."""
    scene = Scene(stage="queued", argv=("set", "write-alpha", "Priority", "Low"), code="tests.proofs.faults:naive")
    errors = tuple(replace(error, calls=Calls.WRITE) for error in ERRORS if error.name == "ENOSPC")
    return sweep(options, (scene,), points=200, errors=errors)


def sweep(options: Options, scenes: Sequence[Scene], *, points: int, errors: Sequence[Error] = ERRORS) -> Figures:
    """Try that many points, spread evenly over all that there are; in a full run on two processors."""
    figures = Figures(proof="faults")
    if library() is None:
        figures.skipped.append(MISSING)
        return figures
    with in_memory(options.folder) as folder:
        _sweep(figures, options, scenes, points, errors, folder)
    return figures


def _sweep(figures: Figures, options: Options, scenes: Sequence[Scene], points: int, errors: Sequence[Error], folder: Path) -> None:
    random_ = random.Random(options.seed)
    if not options.full and len(scenes) > SAMPLED_SCENES:
        # What builds do meanwhile differs from run to run: a sample of a minute leaves them to the full run.
        scenes = random_.sample([scene for scene in scenes if not scene.starts], SAMPLED_SCENES)
    part, parts = options.part
    looks, again = (3, 10) if options.full else (1, 20)
    workers = [Worker(folder / f"worker-{n}", looks=looks, again=again) for n in range(2 if options.full else 1)]
    chosen: list[Point] = []
    ready = threading.Barrier(len(workers))

    def work(worker: Worker) -> None:
        with worker:
            if worker is workers[0]:
                chosen.extend(_choose(worker, scenes, errors, points, random_)[part - 1 :: parts])
                options.say(f"{len(chosen)} points of {len(scenes)} scenes")
            ready.wait()
            for done, point in enumerate(itertools.islice(chosen, workers.index(worker), None, len(workers)), start=1):
                worker.try_out(point)
                if done % 250 == 0:
                    options.say(f"{done} of {len(chosen) // len(workers)}, {len(worker.faults)} faults")

    with ThreadPoolExecutor(len(workers)) as pool:
        for made in [pool.submit(work, worker) for worker in workers]:
            made.result()
    counts = sum((worker.counts for worker in workers), Counter())
    _tell(figures, counts, least=10_000 // parts if options.full else min(len(chosen), SAMPLE) * 0.6)
    figures.faults += [fault for worker in workers for fault in worker.faults][:200]


def _choose(worker: Worker, scenes: Sequence[Scene], errors: Sequence[Error], points: int, random_: random.Random) -> list[Point]:
    every = [
        Point(scene=scene, error=error, at=at)
        for scene in scenes
        for error in errors
        for at in range(1 + random_.randrange(scene.one_in), worker.look(scene).points(scene, error) + 1, scene.one_in)
    ]
    # Evenly over all, then in the order of the stages, so that what is near is tried together.
    if len(every) <= points:
        return every
    step = len(every) / points
    return [every[int((n + random_.random()) * step)] for n in range(points)]


def _tell(figures: Figures, counts: Counter[str], *, least: float) -> None:
    figures.count("errors injected", counts["injected"], least=least)
    for error in ERRORS:
        if counts[error.name]:
            figures.count(f"of them {error.name}", counts[error.name])
    figures.count("of them looked at afterwards", counts["looked at afterwards"])
    figures.count("points that were not reached", counts["not reached"], most=counts["tried"] * 0.35)
    figures.count("pages that wait for the next commit", counts["pages that wait for the next commit"])
    for name in ("misbehaved", "lost or torn", "temporary files left", "seen interruptions", "not right afterwards"):
        figures.count(name, counts[name], most=0)
