"""The runner on a small project: it notices what the tests notice, and says what they don't."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mutation.__main__ import _side_by_side as side_by_side
from tests.mutation.__main__ import main
from tests.mutation.ground import ROOT, Ground
from tests.mutation.mutants import mutants_of
from tests.mutation.running import Court, Fate
from tests.mutation.server import Server, Stopped
from tests.mutation.traces import traces

SOURCE = """
LIMIT = 3


def within(value):
    return value < LIMIT


def slow(value):
    while value > 0:
        value -= 1
    return value


def same(values):
    found = []
    for value in values:
        found.append(value)
        continue
    return found


def last(value):
    if within(value):
        return value
    return value


def untested():
    return LIMIT
"""
TESTS = """
import subprocess
import sys

from autobuilds.sample import last, same, slow, within


def test_within():
    assert within(2) and not within(3)


def test_slow():
    assert slow(2) == 0


def test_same_in_a_process_of_its_own():
    code = "from autobuilds.sample import same; assert same([1, 2]) == [1, 2]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_last():
    last(1)


def test_that_fails():
    assert within(9)
"""


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    project = tmp_path / "project"
    for path, text in {
        "src/autobuilds/__init__.py": "",
        "src/autobuilds/sample.py": SOURCE,
        "tests/__init__.py": "",
        "tests/test_sample.py": TESTS,
        "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['slow', 'long', 'real']\n",
    }.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    return Ground(tmp_path / "ground", project=project)


@pytest.mark.slow
def test_mutants_are_killed_and_survive_as_they_should(ground: Ground, tmp_path: Path) -> None:
    path = "src/autobuilds/sample.py"
    said: list[str] = []
    with Server(ground) as fresh:
        known = traces(["tests/test_sample.py"], fresh, tmp_path / "traces", said.append)
        assert known.failing == ("tests/test_sample.py::test_that_fails",)
        assert {test.name.rpartition(":")[2]: set(test.calls) for test in known.tests}["test_same_in_a_process_of_its_own"] == {
            f"{path}:same"
        }
        with Server(ground, ["tests/test_sample.py"]) as staying:
            court = Court(staying=staying, fresh=fresh, tests=known.tests, kept=tmp_path / "killers.json", least_limit=3.0)

            def fate(function: str, before: str, after: str) -> Fate:
                one = next(
                    one for one in mutants_of(path, SOURCE.encode()) if (one.before, one.after, one.function) == (before, after, function)
                )
                return court.try_(one).fate

            assert fate("within", "value < LIMIT", "(value <= LIMIT)") is Fate.KILLED
            assert fate("", "3", "4") is Fate.KILLED
            assert fate("same", "found.append(value)", "pass") is Fate.KILLED
            assert fate("same", "continue", "break") is Fate.KILLED
            assert fate("last", "value", "None") is Fate.SURVIVED
            assert fate("slow", "value -= 1", "pass") is Fate.TIMEOUT
            assert fate("slow", "value > 0", "(value >= 0)") is Fate.KILLED
            assert fate("untested", "LIMIT", "None") is Fate.SURVIVED
    assert (ground.tree / path).read_text() == SOURCE


HANGING = """
import subprocess
import sys
import time
from pathlib import Path


def test_that_hangs():
    process = subprocess.Popen(["sleep", "300"], start_new_session=True)
    with Path(__file__).with_name("pid").open("w") as file:
        file.write(f"{process.pid}\\n")
    time.sleep(300)
"""


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("stays", [False, True])
def test_a_server_that_is_stopped_leaves_nothing_that_runs(stays: bool, ground: Ground) -> None:
    (ground.tree / "tests" / "test_hanging.py").write_text(HANGING)
    note = ground.tree / "tests" / "pid"
    ended: list[str] = []

    def work(server: Server, _: Server) -> None:
        with server:
            try:
                server.ask(files=["tests/test_hanging.py"], tests=["tests/test_hanging.py::test_that_hangs"], limit=200, all=200)
            except Stopped:
                ended.append("stopped")
                raise

    server = Server(ground, ["tests/test_hanging.py"] if stays else [])
    began = time.monotonic()

    def told_to_end() -> None:
        until(lambda: note.exists() and note.read_text().endswith("\n"))
        os.kill(os.getpid(), signal.SIGUSR1)

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(number)

    usual = signal.signal(signal.SIGUSR1, leave)
    teller = threading.Thread(target=told_to_end)
    teller.start()
    try:
        with pytest.raises(SystemExit):
            side_by_side(work, [(server, Server(ground))], threading.Event())
    finally:
        teller.join()
        signal.signal(signal.SIGUSR1, usual)
    assert ended == ["stopped"]
    assert time.monotonic() - began < 60
    until(lambda: not running(int(note.read_text())), 5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_removes_its_copies(number: signal.Signals, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.mutation", "gates", "--count", "1"]
    process = subprocess.Popen(argv, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: list(tmp_path.glob("mutation-*/0/tree")))
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, said) == (128 + number, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nonsense", "argument AREA: no area is called 'nonsense'; there are gates, store, spawn"),
        ("--count=-1", "argument --count: '-1': a whole number from 0 to 999999 is wanted"),
        ("--count=²", "argument --count: '²': a whole number from 0 to 999999 is wanted"),
        ("--workers=0", "argument --workers: '0': a whole number from 1 to 999999 is wanted"),
        ("--commit=nonsense", "argument --commit: there is no commit 'nonsense'"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said_in_a_line(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([words])
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"tasks.py mutate: error: {said}"
