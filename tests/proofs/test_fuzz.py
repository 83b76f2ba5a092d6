"""Inputs that crashed a parser once never do again, each parser takes some hundred new ones, and a broken one is caught."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.proofs import fuzz
from tests.proofs.figures import Options
from tests.proofs.fuzz_targets import DATA, TARGETS
from tests.proofs.fuzz_worker import Tally, by_chance


def test_every_kept_input_belongs_to_a_parser() -> None:
    assert {path.name for path in (DATA / "fuzz").iterdir() if path.is_dir()} <= {target.slug for target in TARGETS.values()}


@pytest.mark.parametrize("name", TARGETS)
def test_what_crashed_once_does_not_again(name: str) -> None:
    target = TARGETS[name]
    for path in target.kept():
        began = time.process_time()
        target.check(path.read_bytes())
        assert time.process_time() - began < 2.0, path
    for data in list(target.seeds())[:3]:
        target.check(data)


def test_a_broken_parser_is_caught(tmp_path: Path) -> None:
    def broken(data: bytes) -> None:
        if b"## Task Details" in data and b"~~~" in data:
            raise IndexError("lost its place")

    tally = Tally(folder=tmp_path)
    by_chance(tally, broken, [b"## Active Queue\n- [ ] a\n"], [b"## Task Details\n", b"~~~\n"], seed=1, runs=400)
    assert tally.runs >= 400
    (what,) = tally.crashes
    assert what.startswith("IndexError at test_fuzz.py")
    with pytest.raises(IndexError):
        broken((tmp_path / tally.crashes[what].partition(":")[0]).read_bytes())


def test_a_slow_parser_is_caught(tmp_path: Path) -> None:
    def slow(data: bytes) -> None:
        until = time.process_time() + 0.6
        while data and time.process_time() < until:
            sum(range(1000))

    tally = Tally(folder=tmp_path)
    tally.one(slow, b"")
    tally.one(slow, b"x")
    assert (tally.runs, len(tally.slow)) == (2, 1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_some_hundred_new_inputs_for_each(tmp_path: Path) -> None:
    figures = fuzz.run(Options(folder=tmp_path))
    assert figures.held, figures.table()
