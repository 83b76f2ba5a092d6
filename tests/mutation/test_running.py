"""The runner on a small project: it notices what the tests notice, and says what they don't."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.mutation.ground import Ground
from tests.mutation.mutants import mutants_of
from tests.mutation.running import Court, Fate
from tests.mutation.server import Server
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
