"""What builds leave: clones without a record go to the trash, what may still be needed stays, processes of ended attempts are stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.records import Start, write_record
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.domain.build import Outcome
from autobuilds.domain.house import FixKind
from autobuilds.domain.moment import Ending
from tests.adapters.housekeeping.conftest import NOW, Yard, aged

Spawn = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Return a function that starts a process with the mark of an attempt."""
    started: list[subprocess.Popen[bytes]] = []

    def run(attempt: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(120)"],
            env={**os.environ, "AUTOBUILDS_ATTEMPT": attempt},
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def run_folder(yard: Yard, attempt: str, *, ended: bool = True, saved: bool = True, days: float = 1.0) -> RunFolder:
    folder = RunFolder.of(yard.root, attempt)
    folder.path.mkdir(parents=True)
    write_record(folder.start, Start(at=NOW, pid=1, created=1.0, boot="x"))
    if ended:
        write_record(folder.exit, Ending(outcome=Outcome.LOST, reason="x", ended=NOW, head_commit="0" * 40 if saved else None))
        old = time.time() - days * 86_400
        os.utime(folder.exit, (old, old))
    return folder


def clone(yard: Yard, name: str, days: float = 3.0) -> Path:
    path = yard.root / ".autobuilds" / "clones" / name
    aged(path / "work.txt", days, b"work")
    os.utime(path, (time.time() - days * 86_400,) * 2)
    return path


def test_a_clone_that_nobody_records_goes_to_the_trash_and_comes_back(yard: Yard) -> None:
    path = clone(yard, "gone-1")
    clone(yard, "half-1.making")
    (yard.root / ".autobuilds" / "clones" / "link").symlink_to(yard.data)
    assert [t.kind for t in yard.problems()] == ["clone", "clone"]
    assert [m.done for m in yard.fix(FixKind.TRASH)] == [True, True]
    assert os.listdir(path.parent) == ["link"]
    assert [r.done for r in yard.house.restore(NOW.date(), yard.scope)] == [True, True]
    assert (path / "work.txt").read_bytes() == b"work"


def test_clones_of_attempts_that_run_or_are_swept_by_the_runner_stay(yard: Yard) -> None:
    run_folder(yard, "runs-1", ended=False)
    run_folder(yard, "saved-1")
    for name in ("runs-1", "runs-1.making", "saved-1"):
        clone(yard, name)
    assert yard.problems() == ()


def test_work_that_could_not_be_saved_is_told_and_stays(yard: Yard) -> None:
    run_folder(yard, "unsaved-1", saved=False)
    path = clone(yard, "unsaved-1")
    (found,) = yard.problems()
    assert (found.where, found.fix) == (".autobuilds/clones/unsaved-1", None)
    assert path.exists()


def test_a_young_clone_is_not_a_left_one(yard: Yard) -> None:
    clone(yard, "new-1", days=0.001)
    assert yard.problems() == ()


def test_where_a_record_can_not_be_read_no_clone_is_judged(yard: Yard) -> None:
    clone(yard, "gone-1")
    folder = run_folder(yard, "torn-1")
    folder.spec.write_text("{")
    (found,) = yard.problems()
    assert (found.kind, found.where) == ("unfinished", str(yard.root / ".autobuilds" / "runs"))


def test_a_process_of_an_attempt_that_is_over_is_stopped(yard: Yard, spawn: Spawn) -> None:
    run_folder(yard, "over-1")
    process = spawn("over-1")
    (found,) = yard.problems()
    assert (found.kind, found.evidence["pid"]) == ("process", process.pid)
    (done,) = yard.fix(FixKind.STOP)
    process.wait(timeout=5)
    assert done.done, done.said
    assert yard.problems() == ()


def test_processes_of_others_are_left_alone(yard: Yard, spawn: Spawn) -> None:
    run_folder(yard, "running-1", ended=False)
    run_folder(yard, "just-ended-1", days=0)
    run_folder(yard, "held-1")
    for attempt in ("running-1", "just-ended-1", "held-1", "another-workspaces-1", "../../etc", ""):
        spawn(attempt)
    with RunFolder.of(yard.root, "held-1").locked(wait=0) as mine:
        assert mine
        assert [t for t in yard.problems() if t.kind == "process"] == []


def test_a_process_that_ended_meanwhile_or_is_another_is_not_signalled(yard: Yard, spawn: Spawn) -> None:
    run_folder(yard, "over-1")
    process = spawn("over-1")
    (fix,) = yard.fixes()
    process.kill()
    process.wait()
    assert yard.house.mend(fix, yard.scope).done is False
