"""The ladder by which an agent is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autobuilds.adapters import processes
from autobuilds.adapters.supervisor.agent_run import ladder_of
from autobuilds.adapters.supervisor.watch import _cut
from autobuilds.ports import StopStep
from tests.adapters.attempts import job_for


def test_every_ladder_ends_with_sigkill(make_repo: Callable[..., Path]) -> None:
    job = job_for(make_repo({"a": "a\n"}), "true")
    assert ladder_of(job) == processes.PLAIN_LADDER
    assert ladder_of(replace(job, agent="robot")) == processes.LADDER
    steps = (
        StopStep(signal="SIGINT", seconds=2.0),
        StopStep(signal="SIGTERM", seconds=1e9),
        StopStep(signal="SIGNONSENSE", seconds=1.0),
        StopStep(signal="SIGKILL", seconds=0.0),
    )
    first, second, last = ladder_of(replace(job, stop=steps))
    assert (first.number, first.seconds, first.everyone) == (signal.SIGINT, 2.0, False)
    assert (second.number, second.seconds, second.everyone) == (signal.SIGTERM, 30.0, True)
    assert last == processes.LADDER[-1]
    assert ladder_of(replace(job, stop=steps[-1:])) == (processes.LADDER[-1],)


def test_a_container_is_killed_but_never_asked(tmp_path: Path) -> None:
    """What is called like the container, with a program that leaves in good order inside."""
    container = tmp_path / "bwrap"
    container.symlink_to("/bin/sleep")
    script = f"""
import signal, subprocess, sys
child = subprocess.Popen([{str(container)!r}, "300"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0 if child.poll() is None else 7))
print("up", flush=True)
signal.pause()
"""
    program = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == b"up\n"
        found = processes.descendants(program.pid)
        me = processes.identity(program.pid)
        assert me is not None and len(found) == 1
        rungs = (processes.Rung(number=signal.SIGTERM, seconds=1.0), processes.Rung(number=signal.SIGKILL, seconds=5.0))
        everyone = {*found, me}

        def collect() -> None:
            program.poll()

        assert processes.stop_all(lambda: {p for p in everyone if processes.alive(p)}, first=me, ladder=rungs, collect=collect)
        assert program.wait() == 0
    finally:
        program.kill()
        program.wait()
        assert program.stdout is not None
        program.stdout.close()


@pytest.mark.parametrize(("sizes", "kept"), [((50, 20), (50, 20)), ((200, 10), (90, 10)), ((200, 200), (75, 25)), ((10, 200), (10, 90))])
def test_the_output_is_cut_so_that_errors_stay(tmp_path: Path, sizes: tuple[int, int], kept: tuple[int, int]) -> None:
    paths = [tmp_path / "out", tmp_path / "err"]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(b"x" * size)
    with paths[0].open("r+b") as out, paths[1].open("r+b") as errors:
        _cut((out.fileno(), errors.fileno()), 100)
    assert tuple(p.stat().st_size for p in paths) == kept
