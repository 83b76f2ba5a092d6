"""Merges of lines and rows, held to tables: every limit from both sides, and every small text that there is."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from autobuilds.store.files.beyond import placed, with_only
from autobuilds.store.files.merge import appended, bare, distance, grown, merge_late, split_lines
from autobuilds.store.files.three_way import Clash, marked, merge_rows, merge_text, rows_of
from tests.store.files.merges import PINNED, outcome, shown, triples


def small(lines: bytes, most: int) -> list[bytes]:
    """Return every text of up to so many lines of one letter."""
    return [b"".join(b"%c\n" % one for one in some) for size in range(most + 1) for some in product(lines, repeat=size)]


def test_small_merges_are_as_pinned() -> None:
    pinned = PINNED.read_text(encoding="utf-8").split("\n")[:-1]
    assert len(pinned) == 260
    for row, one in zip(pinned, triples(), strict=True):
        assert " | ".join(shown(text) for text in (*one, *outcome(*one))) == row, "where that is meant: python -m tests.store.files.merges"


def test_what_one_side_did_is_done() -> None:
    texts = small(b"ab", 4)
    for base, other in product(texts, repeat=2):
        assert merge_late(base, base, other) == other
        # An end that is missing in theirs stays: here they end alike.
        assert merge_late(base + b"z\n", other + b"z\n", base + b"z\n") == other + b"z\n"
        assert "".join(map(str, merge_rows(rows_of(base.decode()), rows_of(other.decode()), rows_of(base.decode())))) == other.decode()
        assert "".join(map(str, merge_rows(rows_of(base.decode()), rows_of(base.decode()), rows_of(other.decode())))) == other.decode()


def test_a_grown_text_is_another_one_with_something_put_in() -> None:
    texts = [bytes(some) for size in range(6) for some in product(b"ab", repeat=size)]
    for old, new in product(texts, repeat=2):
        put_in = len(new) >= len(old) and any(new.startswith(old[:at]) and new.endswith(old[at:]) for at in range(len(old) + 1))
        assert grown(old, new) is put_in, (old, new)


LONG = b"w" * 9_997 + b" x\n"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (b"a b\nc d\n", b"a x\nc y\n", 4),
        (b"a b\nc d\ne\n", b"a b c d\ne\n", 2),
        (b"a b\n", b"a b\nc\n", 2),
        (LONG, LONG.replace(b"x", b"y"), 2),
        (LONG, b"w" * 9_997 + b" yz\n", 20_001),
        (LONG + b"a b\n", LONG + b"a c\n", 2),
        (LONG + b"same\na b\n", b"w" * 9_997 + b" yz\nsame\na c\n", 20_003),
        (b"a b\nsame\n" + LONG, b"a c\nsame\n" + b"w" * 9_997 + b" yz\n", 20_003),
        (b"x" * 15_000 + b"\n", b"", 15_001),
        (b"x\n" + b"same\n" * 250 + b"y\n", b"X\n" + b"same\n" * 250 + b"Y\n", 4),
        (b"x" * 12_000 + b"\n", b"y" * 12_000 + b"\n", 24_002),
    ],
)
def test_distance_counts_words_up_to_20_000_bytes_and_lines_above(one: bytes, other: bytes, words: int) -> None:
    assert distance(one, other) == distance(other, one) == words


@pytest.mark.parametrize("more", [b"New\n- item\n", b"New\n\n", b"New\nand more", b"1. New\n", b"  New\n", b"New\r"])
def test_only_whole_lines_of_plain_words_stand_behind_an_end_of_ours(more: bytes) -> None:
    assert appended(b"a\nb\n", b"\na\nb\n", b"a\nb\n" + more) is None
    assert appended(b"a\nb\n", b"\na\nb\n", b"a\nb\nNew words\n") == b"New words\n"
    assert appended(b"a\nb\n", b"a\nb\nc\n", b"a\nb\nNew words\n") is None
    assert appended(b"b\n", b"a\nb\n", b"b\nNew words\n") == b"New words\n"


@pytest.mark.parametrize(
    ("base", "theirs", "current", "merged"),
    [
        # A final line end is for the current text to say, as long as its last line is the last one still.
        (b"one two", b"zero\none two\n", b"one two", b"zero\none two"),
        (b"one two\r", b"zero\rone two\r", b"one two\r", b"zero\rone two\r"),
        (b"one\r\ntwo", b"one\r\ntwo\r\nthree", b"one\r\ntwo", b"one\r\ntwo\r\nthree\r\n"),
        (b"one\ntwo\n", b"one\ntwo\n", b"one\ntwo", b"one\ntwo"),
        # A line that breaks off is half a line of the old text, where it follows the line that it followed there.
        (b"one\ntwo\nthree\n", b"zero\none\ntwo\nthr", b"one\ntwo\nthree\n", b"zero\none\ntwo\nthree\n"),
        (b"one\ntwo\nthree\n", b"A\none\ntw\n", b"one\ntwo\nthree\n", b"A\none\ntw\n"),
        (b"\none\ntwo\nthree\n", b"\none\ntw", b"\none\ntwo\nthree\n", b"\none\ntwo\nthree\n"),
        (b"\none\ntwo\nthree\n", b"\nONE\ntwo\nth", b"\none\ntwo\nthree\nfour\n", b"\nONE\ntwo\nthree\nfour\n"),
        (b"one\ntwo\nthree\n", b"on", b"one\ntwo\nthree\n", b"on\n"),
        # Where many lines are alike, the beginning and the end are still those of both.
        (b"a\nb\na\ne\n", b"a\nX\nY\ne\n", b"a\nb\na\ne\n", b"a\nX\nY\ne\n"),
        (b"a\nb\nc\ne\n", b"a\nX\nY\ne\n", b"a\nb\nc\ne\nf\n", b"a\nX\nY\ne\nf\n"),
        # One side rewrote a line, the other three from there on.
        (b"a a\nb b\nc c\nd d\n", b"a a\nB b\nc c\nd d\n", b"a a\nb X\nc X\nd d\n", b"a a\nB X\nc X\nd d\n"),
        (b"a a\nb b\nc c\nd d\n", b"a a\nb X\nc X\nd d\n", b"a a\nB b\nc c\nd d\n", b"a a\nB X\nc X\nd d\n"),
        (b"a\nb\nc\nd\ne\nf\n", b"a\nB B\nC C\nd\ne\nf\n", b"a\nb\nX X\nY Y\ne\nf\n", b"a\nB B\nC C\nY Y\nX X\ne\nf\n"),
        # A line of its own stands whole; one that has half the words of an old one is that one.
        (b"red green blue\n", b"red green black\n", b"red white blue\n", b"red white black\n"),
        (b"red green\n", b"one two three four\n", b"red black\n", b"one two three four\n"),
        (b"red green\n", b"red two\n", b"red black\n", b"red two\n"),
        (b"red green\nblue pink\n", b"red white\nblue one\n", b"red black\nblue two\n", b"red white\nblue one\n"),
        (b"red green\n", b"red white\n", b"red x y\n", b"red white\nred x y\n"),
        (b"red green\n", b"red\n", b"green\n", b"red\n"),
    ],
)
def test_late_merges(base: bytes, theirs: bytes, current: bytes, merged: bytes) -> None:
    assert merge_late(base, theirs, current) == merged


@pytest.mark.parametrize(
    ("theirs", "current", "merged"),
    [
        # What both put in at one place: ours first, what is the same once.
        ("b/c/", "b/c/", "b/c/"),
        ("b/c/d/", "c/", "b/c/d/"),
        ("c/", "b/c/d/", "b/c/d/"),
        ("b/c/", "b/d/", "b/d/c/"),
        ("b/", "c/b", "c/b"),
        ("x/y/", "y/x/", "y/x/"),
        ("c/d/e/", "b/c/", "b/c/d/e/"),
        ("- one/  more/- two/", "- one/  less/- three/", "- one/  less/  more/- three/- two/"),
        ("- zero/- one/", "- one/- three/", "- zero/- one/- three/"),
        ("- zero/- none/- one/  x/", "- three/- one/  y/", "- three/- zero/- none/- one/  y/  x/"),
        ("# A/text/# B/text/", "# B/text/more/# C/text/", "# A/text/# B/text/more/# C/text/"),
        ("1. one/words/", "1) two/words/", "1) two/words/1. one/words/"),
        ("words/  x/", "other/  x/", "other/  x/words/  x/"),
        ("\tx/y/", "z/", "z/\tx/y/"),
        ("words - one/x/", "words - two/x/", "words - two/words - one/x/"),
        ("1234567890. a/x/", "b/x/", "b/1234567890. a/x/"),
        ("-one/x/", "-two/x/", "-two/-one/x/"),
        # What stands in two sections, or twice in one, is not the same.
        ("# A/- x/", "# B/- x/", "# B/- x/# A/- x/"),
        ("# A/- x/- y/# B/- x/", "# B/- x/", "# A/- x/- y/# B/- x/"),
        ("# A/- x/- z/", "# B/- x/# A/- x/- y/", "# B/- x/# A/- x/- y/- z/"),
        ("- x/- x/", "- x/- y/", "- x/- y/- x/"),
        ("- x/  b/  b/", "- x/  a/  b/", "- x/  a/  b/  b/"),
        # What is new on their side stays in its section, also where ours goes on with others.
        ("## A/### X/- x/", "## A/### Y/- y/## B/", "## A/### Y/- y/### X/- x/## B/"),
        ("## A/- x/words/## C/", "## A/- y/## B/- z/## C/", "## A/- y/- x/words/## B/- z/## C/"),
        ("## A/### X/## B/- x/", "## A/- y/## C/", "## A/- y/### X/## C/## B/- x/"),
        # Of headings that stand twice the next one counts; a line of no list stays in its section too.
        ("## B/### N/- z/", "## A/- a/### N/- x/## B/### N/- y/", "## A/- a/### N/- x/## B/### N/- y/- z/"),
        ("p/q/- z/## H/", "p/## G/- a/## H/", "p/q/- z/## G/- a/## H/"),
        ("  x/  x/", "  x/- q/", "  x/  x/- q/"),
        ("- а/  да/- q/", "- а/  да/  да/- r/", "- а/  да/  да/- r/- q/"),
        ("- а/  да/  да/- q/", "- а/  да/- r/", "- а/  да/  да/- r/- q/"),
        # Where one of them names no section it may be that one; empty lines are alike everywhere.
        ("# A/- x/", "- x/- y/", "# A/- x/- y/"),
        ("- x/- z/", "# A/- x/", "# A/- x/- z/"),
        ("a///b/", "c//d/", "c/a//d/b/"),
    ],
)
def test_what_both_put_in_at_one_place(theirs: str, current: str, merged: str) -> None:
    base = b"# Head\nlast\n"
    found = merge_late(base, base + theirs.replace("/", "\n").encode(), base + current.replace("/", "\n").encode())
    assert found.removeprefix(base).decode().replace("\n", "/") == merged


@pytest.mark.parametrize(
    ("base", "text", "wanted", "found"),
    [
        ("a/b/", "a/x/b/y/", "y", "a/b/y/"),
        ("a/b/", "a/x/b/x/", "x", "a/x/b/"),
        ("a/b/", "a/x/b/x/", "xx", "a/x/b/x/"),
        # What stood there before stays, though it is the same line.
        ("x/b/", "x/b/x/y/", "y", "x/b/y/"),
        ("x/b/", "x/b/", "", "x/b/"),
        ("", "x/y", "x", "x/"),
        # What a line had taken the place of stands again where that is not wanted; another change stays.
        ("a/b/c/", "a/x/c/", "", "a/b/c/"),
        ("a/b/c/", "a/x/c/", "x", "a/x/c/"),
        ("a/b/c/", "a/x/y/c/", "y", "a/b/y/c/"),
        ("a/b/c/d/e/", "a/x/c/y/e/", "y", "a/b/c/y/e/"),
        ("a/b/c/", "a/c/", "", "a/c/"),
        # What was moved stays where it is.
        ("a/b/c/d/", "b/c/d/a/", "", "a/b/c/d/"),
        ("a/b/c/d/", "b/c/d/a/x/", "x", "a/b/c/d/x/"),
        ("a/a/c/", "c/a/x/", "x", "a/c/x/"),
    ],
)
def test_a_text_with_what_is_wanted_of_another(base: str, text: str, wanted: str, found: str) -> None:
    one = with_only(base.replace("/", "\n").encode(), text.replace("/", "\n").encode(), Counter(key.encode() for key in wanted), bare)
    assert one.decode().replace("\n", "/") == found


def test_a_word_behind_a_number_sign_is_no_heading() -> None:
    assert placed(split_lines(b"# A\n#tag\n- c\n")) == [(b"# A",), (b"#tag",), (b"# A", b"- c")]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    ("base", "text", "wanted", "found"),
    [("a/b", "a/b/c/", "c", "a/b/c/"), ("a/b", "a/b/c", "c", "a/b/c/"), ("a/b", "c/a/b/", "c", "c/a/b"), ("a/b/", "a/b/c", "c", "a/b/c/")],
)
def test_no_line_goes_on_in_another(ending: bytes, base: str, text: str, wanted: str, found: str) -> None:
    one, other = (part.encode().replace(b"/", ending) for part in (base, text))
    said = with_only(one, other, Counter(key.encode() for key in wanted), bare)
    assert said == found.encode().replace(b"/", ending)


def test_where_lines_are_placed() -> None:
    text = b"a\n# A\r\n  b\n- c\n\td\ne\n\n  f\n1. g\n## B\n- c"
    a, b, c, g = b"# A", b"## B", b"- c", b"1. g"
    assert placed(split_lines(text)) == [
        (b"a",), (a,), (a, b"", b"  b"), (a, c), (a, c, b"\td"), (b"e",), (b"",), (a, c, b"  f"), (a, g), (b,), (b, c)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("# A/- x/", "# A/- x/# B/"), ("# B/- x/", "# A/# B/- x/"), ("- x/", "# A/# B/"), ("# A/- y/# B/- y/", "# A/# B/- y/")],
)
def test_a_line_of_another_section_is_another_one(wanted: str, found: str) -> None:
    base, text, lines = (one.replace("/", "\n").encode() for one in ("# A/# B/", "# A/- x/# B/- x/- y/", wanted))
    keys = Counter(key for key in placed(split_lines(lines)) if len(key) > 1)
    assert with_only(base, text, keys, placed).decode().replace("\n", "/") == found


@pytest.mark.parametrize(("more", "fine"), [(0, True), (1, False)])
def test_a_conflict_is_merged_by_words_up_to_20_000_bytes(more: int, fine: bool) -> None:
    base = b"one two " + b"w" * 6_652 + b"\n"  # 6,661 bytes
    theirs = base.replace(b"one", b"1234567")
    current = base.replace(b"two", b"123456" + b"7" * (5 + more))
    assert len(base) + len(theirs) + len(current) == 19_995 + more
    pad = b"-" * 5
    base, theirs, current = base, theirs, current.replace(b"\n", pad + b"\n")
    both = b"1234567 " + current.removeprefix(b"one ")
    assert merge_late(base, theirs, current) == (both if fine else current + theirs)


def test_a_conflict_of_long_lines_keeps_what_is_new_in_both() -> None:
    base, ours, theirs = (one * 7_000 + b"\n" for one in (b"b", b"o", b"t"))
    assert merge_late(base + b"k\n", theirs + b"k\n", ours + b"K\n") == ours + b"K\n" + theirs
    assert merge_late(base, theirs + b"- x\n  b\n", ours + b"- x\n  a\n") == ours + theirs + b"- x\n  a\n  b\n"


ITEM = "- [ ] Write it - Priority: Low - Added: 2026-02-06\n"
MANY = "- [ ] first " + "w " * 150 + "last\n"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        # Two keys of one task line.
        (ITEM, ITEM.replace("Low", "High"), ITEM.replace("[ ]", "[x]"), ITEM.replace("Low", "High").replace("[ ]", "[x]")),
        ("1. [ ] a b\n", "1. [x] a b\n", "1. [ ] a c\n", "1. [x] a c\n"),
        (ITEM, ITEM.replace("Low", "High"), ITEM.replace("Low", "Medium"), None),
        (ITEM + "x\n", ITEM.replace("Low", "High") + "x\n", ITEM.replace("it -", "them -") + "x\n", ITEM.replace("it -", "them -").replace("Low", "High") + "x\n"),
        # What is no task line, or not one line, is a conflict.
        ("words - [ ] a b\n", "words - [x] a b\n", "words - [ ] a c\n", None),
        ("- a b c\n", "- a b d\n", "- x b c\n", None),
        (ITEM, ITEM.replace("Low", "High"), ITEM.replace("[ ]", "[x]") + "- [ ] another\n", None),
        (ITEM, ITEM.replace("Low", "High") + "- [ ] another\n", ITEM.replace("[ ]", "[x]"), None),
        ("words here\n- [ ] a b c\n", "words here\n- [x] a b c\n", "words here\n- [ ] a b d\n", "words here\n- [x] a b d\n"),
        # Two lines that both could come from, or none.
        ("- [ ] a b c d\n- [ ] a b c e\n", "- [x] a b c d\n- [ ] a b c e\n", "- [ ] a b c f\n- [ ] a b c e\n", None),
        ("- [ ] a b c d\n- [ ] 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0\n", "- [x] a b c d\n- [ ] 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0\n", "- [ ] a b c f\n- [ ] 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0\n", "- [x] a b c f\n- [ ] 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0\n"),
        ("- [ ] a b c d e f g\n", "- [ ] x\n", "- [x] a b c d e f g\n", None),
        ("- [ ] a b c d e f g\n", "- [ ] a\n", "- [x] a b c d e f g\n", "- [x] a\n"),
        # Both put in blank lines: the fewer.
        ("a\nb\n", "a\n \nb\n", "a\n\n\n\nb\n", "a\n \nb\n"),
        ("a\nb\n", "a\n\n\n\nb\n", "a\n \n\nb\n", "a\n\n\n\nb\n"),
        ("a\nb\n", "a\n\n\n\n\nb\n", "a\n \n\nb\n", "a\n \n\nb\n"),
        ("a\nb\n", "a\n\nb\n", "a\n\nx\nb\n", None),
        # Words and rows that stand there many times are no noise.
        (MANY, MANY.replace("first", "FIRST").replace("last", "LAST"), MANY.replace("w w", "w W", 1), "- [ ] FIRST w W " + "w " * 148 + "LAST\n"),
        ("x\n" + "s\n" * 250 + "y\n", "X\n" + "s\n" * 250 + "Y\n", "x\n" + "s\n" * 99 + "new\n" + "s\n" * 151 + "y\n", "X\n" + "s\n" * 99 + "new\n" + "s\n" * 151 + "Y\n"),
        # One side alone.
        (ITEM, ITEM, "", ""),
        (ITEM, "", ITEM, ""),
        (ITEM, "x\n", "x\n", "x\n"),
    ],
)  # fmt: skip
def test_rows(base: str, ours: str, theirs: str, merged: str | None) -> None:
    text, conflicts = merge_text(base, ours, theirs)
    assert (text, conflicts) == (merged, 0) if merged is not None else (conflicts == 1 and text.count("<<<<<<< ours\n") == 1)


def test_rows_beside_each_other_are_no_clash() -> None:
    found = merge_rows(list("ab"), list("Ab"), list("aB"))
    assert found == ["A", "B"]
    assert merge_rows(list("abc"), list("aXc"), list("aYc")) == ["a", Clash(("X",), ("Y",)), "c"]
    assert merge_rows(list("abcd"), list("aXXd"), list("abY")) == ["a", Clash(("X", "X", "d"), ("b", "Y"))]
    assert merge_rows(list("abcd"), list("aXd"), list("Ybcd")) == ["Y", "X", "d"]


def test_split_lines_knows_all_ends() -> None:
    assert split_lines(b"a\r\n\r\rb\n\nc") == [b"a\r\n", b"\r", b"\r", b"b\n", b"\n", b"c"]
    assert split_lines(b"") == []
    assert rows_of("a\r\n\r\rb\n\nc") == ["a\r\n", "\r", "\r", "b\n", "\n", "c"]
    assert marked("a\r\n", "b\r\n", "\r\n") == "<<<<<<< ours\r\na\r\n=======\r\nb\r\n>>>>>>> theirs\r\n"
    assert merge_text("a\n", "a\n", "b\n") == ("b\n", 0)
