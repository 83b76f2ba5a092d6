"""What a late save and an edit become together: word by word, to the last line end."""

from __future__ import annotations

from pathlib import Path

import pytest

from autobuilds.errors import BadInput
from autobuilds.store.files.merge import appended, distance, grown, is_whole, merge_late, middles, unlike
from autobuilds.store.files.reading import read_untrusted
from autobuilds.store.files.three_way import merge_text

BASE = b"one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("old", "ours", "now", "more"),
    [
        (b"a\nb\n", b"A\na\nb\n", b"a\nb\nNew words\n", b"New words\n"),
        (b"a\nb\n", b"A\na\nb\n", b"a\nb\nNew words\r\nand more\n", b"New words\r\nand more\n"),
        (b"a\nb\n", b"a\nb\n", b"a\nb\nNew\n", None),
        (b"a\nb\n", b"\na\nb\n", b"a\nb\nNew\n", b"New\n"),
        (b"a\nb\n", b"\na\nB\n", b"a\nb\nNew\n", None),
        (b"a\nb\n", b"x\nb\n", b"a\nb\nNew\n", None),
        (b"a\nb", b"\na\nb", b"a\nbNew\n", None),
        (b"a\nb\n", b"\na\nb\n", b"A\nb\nNew\n", None),
        (b"a\nb\n", b"\na\nb\n", b"a\nb\n- item\n", None),
        (b"a\nb\n", b"\na\nb\n", b"a\nb\nNew", None),
        (b"x" * 1996 + b"\nb\n", b"\n" + b"x" * 1996 + b"\nb\n", b"x" * 1996 + b"\nb\nNew\n", b"New\n"),
        (b"x" * 1997 + b"\nb\n", b"\n" + b"x" * 1997 + b"\nb\n", b"x" * 1997 + b"\nb\nNew\n", None),
    ],
)
def test_plain_words_behind_an_untouched_end_are_kept(old: bytes, ours: bytes, now: bytes, more: bytes | None) -> None:
    assert appended(old, ours, now) == more


@pytest.mark.parametrize(
    ("theirs", "current", "merged"),
    [
        (b"one\nTWO\nthree\n", b"one\ntwo\nthree\nfour\n", b"one\nTWO\nthree\nfour\n"),
        (b"zero\none\ntwo\nthree\n", b"one\ntwo\n", b"zero\none\ntwo\n"),
        (b"one\ntwo\nthree", b"one\ntwo\nthree\nfour\n", b"one\ntwo\nthree\nfour\n"),
        (b"one\nTWO\nthr", b"one\ntwo\nthree\n", b"one\nTWO\nthr\n"),
        (b"one\ntw", b"one\ntwo\nthree\n", b"one\ntwo\nthree\n"),
        (b"ONE\none\ntw", b"one\ntwo\nthree\n", b"ONE\none\ntwo\nthree\n"),
        (b"one\n", b"one\ntwo\nthree\n", b"one\ntwo\nthree\n"),
        (b"one\nthree\n", b"one\ntwo\nthree\n", b"one\nthree\n"),
        (b"one\ntwo\nthree\nA\n", b"one\ntwo\nthree\nB\n", b"one\ntwo\nthree\nB\nA\n"),
        (b"one\ntwo\nthree\nA\n", b"one\ntwo\nthree\nA\n", b"one\ntwo\nthree\nA\n"),
        (b"one\ntwo a\nthree\n", b"one\nb two\nthree\n", b"one\nb two a\nthree\n"),
        (b"one\ntwo a\nthree\n", b"one\ntwo b\nthree\n", b"one\ntwo b a\nthree\n"),
        (b"one\nTWO\nthree\n", b"one\nDOS\nthree\n", b"one\nTWO\nDOS\nthree\n"),
        (b"one\ntwo\nthree\nA\n", b"one\r\ntwo\r\nthree", b"one\r\ntwo\r\nthree\r\nA\n"),
        (b"one\nTWO\nthree\n", b"one\ntwo\nthree", b"one\nTWO\nthree"),
        (b"", b"one\ntwo\nthree\n", b"one\ntwo\nthree\n"),
        (BASE, b"", b""),
    ],
)
def test_both_sides_stand(theirs: bytes, current: bytes, merged: bytes) -> None:
    assert merge_late(BASE, theirs, current) == merged


def test_an_item_goes_with_what_follows_it() -> None:
    base = b"# List\n- a\n  1\n"
    ours, theirs = base + b"- b\n  2\n", base + b"- c\n  2\n"
    assert merge_late(base, theirs, ours) == base + b"- b\n  2\n- c\n  2\n"
    assert merge_late(base, base + b"- b\n  2\n  3\n", base + b"- b\n  2\n  4\n") == base + b"- b\n  2\n  4\n  3\n"


def test_a_long_conflict_keeps_both() -> None:
    base = b"x" * 10_000 + b"\n"
    ours, theirs = b"a" + base, b"b" + base
    merged = merge_late(base, theirs, ours)
    assert ours in merged and theirs in merged


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [(b"a b c\n", b"a b c\n", 0), (b"a b c\n", b"a x c\n", 2), (b"a\n", b"a\nb\n", 2), (b"", b"abc", 3), (b"a\rb\r", b"a\rc\r", 2)],
)
def test_distance(one: bytes, other: bytes, words: int) -> None:
    assert distance(one, other) == distance(other, one) == words


@pytest.mark.parametrize(
    ("new", "is_grown"),
    [
        (BASE, True),
        (b"x" + BASE, True),
        (BASE + b"x", True),
        (b"one\nx\ntwo\nthree\n", True),
        (b"x" + BASE + b"x", False),
        (BASE[:-1], False),
    ],
)
def test_grown(new: bytes, is_grown: bool) -> None:
    assert grown(BASE, new) is is_grown
    assert grown(b"", new) is True


@pytest.mark.parametrize(
    ("new", "whole"),
    [
        (BASE, True),
        (b"one\nTWO\nthree\n", True),
        (BASE + b"four\n", True),
        (b"zero\n" + BASE, True),
        (b"two\nthree\n", True),
        (b"one\ntwo\n", False),
        (b"one\ntwo\nthr", False),
        (b"one\ntwo\nfour\n", False),
        (BASE + b"four", False),
        (b"", False),
    ],
)
def test_an_edit_is_whole_where_the_last_line_or_more_stands_at_its_end(new: bytes, whole: bool) -> None:
    assert is_whole(new, BASE) is whole


def test_repeated_rows_are_matched_in_long_texts_too() -> None:
    """Rows that stand there hundreds of times are not passed over as noise."""
    base = "\n".join(["same"] * 300 + ["end"]) + "\n"
    ours = "top\n" + base
    theirs = base.replace("end", "END")
    assert merge_text(base, ours, theirs) == ("top\n" + theirs, 0)
    middle = "\n".join(["same"] * 150 + ["mid"] + ["same"] * 150 + ["end"]) + "\n"
    assert merge_text(base, middle, theirs) == (middle.replace("end", "END"), 0)


def test_of_a_long_log_the_last_64_kib_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    rows = [f"{n:07}\n" for n in range(64 * 128)]
    path.write_text("".join(rows))
    assert read_untrusted(path) == "".join(rows)
    path.write_text("".join(["first line\n", *rows]))
    assert read_untrusted(path).split("\n")[0] in {"0000000", "0000001"}
    assert "first" not in read_untrusted(path)
    assert read_untrusted(tmp_path / "none") == ""
    with pytest.raises(BadInput, match="it was not read"):
        read_untrusted(tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [
        (b"a\nb\nc\n", b"a\nB\nc\n", (b"b\n", b"B\n")),
        (b"a\nxb\nc\n", b"a\nyb\nc\n", (b"xb\n", b"yb\n")),
        (b"a\nc\nd\n", b"a\nb\nc\nd\n", (b"c\n", b"b\nc\n")),
        (b"a\nc", b"a\nb\nc", (b"c", b"b\nc")),
        (b"a\na\n", b"a\na\na\n", (b"", b"a\n")),
        (b"a\nb", b"a\nbc", (b"b", b"bc")),
        (b"a\r\nb\r\n", b"a\r\nc\r\n", (b"b\r\n", b"c\r\n")),
        (b"a\rb\r", b"a\rc\r", (b"a\rb\r", b"a\rc\r")),
        (b"same\n", b"same\n", (b"", b"")),
        (b"", b"a\n", (b"", b"a\n")),
        (b"x", b"", (b"x", b"")),
    ],
)
def test_what_two_texts_begin_and_end_with_is_left_out_in_whole_lines(one: bytes, other: bytes, left: tuple[bytes, bytes]) -> None:
    assert middles(one, other) == left
    assert middles(other, one) == left[::-1]


def test_of_texts_that_differ_in_a_few_places_a_few_lines_are_left() -> None:
    lines = [b"line %d of a text in which every line is another\n" % n for n in range(2000)]
    edited = [b"new\n", *lines[:700], b"put in\n", *lines[700:1300], *lines[1301:], b"behind"]
    mine, its = unlike(b"".join(lines), b"".join(edited))
    assert lines[1300].strip() in mine
    assert {b"new", b"put in", b"behind"} <= set(its)
    assert len(mine) + len(its) < 60


def test_a_place_is_found_again_in_whole_lines_alone() -> None:
    line = b"k" * 220 + b"\n"
    mine, its = unlike(b"a\n" * 220 + line + b"b\n" * 109, b"c\n" * 110 + b"p" + line + b"d\n" * 110)
    assert line.strip() in mine and b"p" + line.strip() in its
