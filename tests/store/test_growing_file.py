"""A growing file gives every line once, whatever its writer does."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from autobuilds.store.growing_file import GrowingFile


def test_every_line_of_a_fast_writer_comes_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log"
    number = 200_000

    def write() -> None:
        with path.open("w") as file:
            for n in range(number):
                file.write(f"line {n}\n")

    file, found = GrowingFile(path), []
    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        found += file.lines()
    while more := file.lines():
        found += more
    writer.join()
    file.close()
    assert found == [f"line {n}" for n in range(number)]


def test_a_file_that_is_renamed_away_is_read_to_its_end_first(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\ntw")
    file = GrowingFile(path)
    assert file.lines() == ["one"]
    with path.open("a") as old:
        path.rename(tmp_path / "log.1")
        path.write_text("three\n")
        old.write("o\nlast words")
    assert file.lines() == ["two", "last words", "three"]
    file.close()


def test_a_file_that_is_cut_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\ntwo\n")
    file = GrowingFile(path)
    assert file.lines() == ["one", "two"]
    os.truncate(path, 0)
    path.write_text("new\n")
    assert file.lines() == ["new"]
    file.close()


def test_a_line_is_given_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = GrowingFile(path)
    assert file.lines() == []
    path.write_bytes("gr\u00fc".encode()[:-1])
    assert file.lines() == []
    with path.open("ab") as more:
        more.write("\u00fc".encode()[-1:] + b"n\r\n  indented\x1b[31m\nrest")
    assert file.lines() == ["gr\u00fcn", "  indented"]
    assert file.rest() == ["rest"]
    file.close()


def test_what_is_no_regular_file_gives_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    assert [GrowingFile(tmp_path / name).lines() for name in ("pipe", "link", "nothing")] == [[], [], []]


def test_a_line_without_end_comes_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("x" * 300_000)
    file = GrowingFile(path)
    assert "".join([*file.lines(), *file.rest()]) == "x" * 300_000
    file.close()


@given(text=st.lists(st.sampled_from(["", "a", "bc", "d" * 9]), max_size=12), lines=st.integers(1, 9), whole=st.booleans())
def test_the_last_lines_are_those_that_tail_gives(tmp_path_factory, text: list[str], lines: int, whole: bool) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("tail") / "log"
    content = "\n".join(text) + ("\n" if whole and text else "")
    path.write_text(content)
    file = GrowingFile(path)
    file.skip_to_last(lines)
    expected = content.removesuffix("\n").split("\n")[-lines:] if content else []
    found = [*file.lines(), *file.rest()]
    file.close()
    assert (
        found == expected
        if content.endswith("\n")
        else [*found] == list(expected[:-1]) + ([expected[-1]] if expected[-1:] != [""] and expected else [])
    )
