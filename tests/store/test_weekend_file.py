"""Proposals are kept for the weekend they were made for, however often others are made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autobuilds.domain.weekend import LeftOut, Proposal, Step
from autobuilds.store.weekend_file import NAME, keep_suggested, read_suggested


def proposal(name: str) -> Proposal:
    step = Step(label=name, name=name.title(), minutes=60, depends_on=("x",), criteria=("a",), missing=("b",), fingerprint="f")
    return Proposal(id=name, title=name, kind="task", steps=(step,), evidence=("e",), left_out=(LeftOut(label="l", name="L", why="w"),))


def test_they_are_read_back(tmp_path: Path) -> None:
    assert read_suggested(tmp_path) is None
    kept = keep_suggested(tmp_path, "2026-02-07", [proposal("a"), proposal("b")])
    assert read_suggested(tmp_path) == kept
    assert (kept.shown, [p.id for p in kept.proposals]) == (("a", "b"), ["a", "b"])


def test_earlier_ones_of_the_weekend_stay_and_those_of_another_go(tmp_path: Path) -> None:
    keep_suggested(tmp_path, "2026-02-07", [proposal("a"), proposal("b")])
    kept = keep_suggested(tmp_path, "2026-02-07", [proposal("c"), proposal("a")])
    assert (kept.shown, [p.id for p in kept.proposals]) == (("c", "a"), ["b", "c", "a"])
    written = (tmp_path / NAME).stat().st_mtime_ns
    keep_suggested(tmp_path, "2026-02-07", [proposal("c"), proposal("a")])
    assert (tmp_path / NAME).stat().st_mtime_ns == written
    assert [p.id for p in keep_suggested(tmp_path, "2026-02-14", []).proposals] == []


def test_there_is_an_end_to_it(tmp_path: Path) -> None:
    for n in range(40):
        kept = keep_suggested(tmp_path, "2026-02-07", [proposal(f"p{n}")])
    assert len(kept.proposals) == 30 and kept.proposals[-1].id == "p39"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"version": 2, "weekend": "x"}', b'{"weekend": 3}', b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME).write_bytes(data)
    assert read_suggested(tmp_path) is None


def test_a_file_that_is_too_large_is_none(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b" " * (4 * 1024 * 1024 + 1))
    assert read_suggested(tmp_path) is None


def test_a_pipe_in_its_place_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    assert read_suggested(tmp_path) is None


def test_what_was_shown_stands_in_it(tmp_path: Path) -> None:
    keep_suggested(tmp_path, "2026-02-07", [proposal("a")])
    text = (tmp_path / NAME).read_text()
    (tmp_path / NAME).write_text(text.replace('"shown": [', '"shown": ["b", '))
    assert (tmp_path / NAME).read_text() != text and read_suggested(tmp_path) is None
