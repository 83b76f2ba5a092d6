"""Which saves had not seen our writes, and what is owed to whom: to the line, the byte and the nanosecond."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from autobuilds.store.files.merge import merge_late
from autobuilds.store.files.owed import owe, repaid
from autobuilds.store.files.reading import Stable, Stamp
from autobuilds.store.files.stale import (
    Clues,
    apart_from,
    begun_from,
    counted,
    descends,
    differing,
    holds_edits,
    is_known,
    reworded,
    united,
)
from autobuilds.store.files.vault import Held, Vault
from autobuilds.store.queue.marks import task_named

START = 1_770_000_000 * 10**9
SECOND = 10**9


def text(lines: str) -> bytes:
    """Return lines that are written with `/` for the line end."""
    return lines.replace("/", "\n").encode()


def named(line: bytes) -> str | None:
    """Return what stands before a colon."""
    return line.partition(b":")[0].decode() if b":" in line else None


def wrote(vault: Vault, *texts: bytes, at: int = START, step: int = SECOND) -> list[Held]:
    """Let our writes have made each of these texts of the one before."""
    vault.folder.mkdir(parents=True, exist_ok=True)
    for n, (before, after) in enumerate(pairwise(texts)):
        held = Held(folder=vault.folder, file="", at=at + n * step, inode=7, base=vault.keep(before), ours=vault.keep(after))
        (vault.folder / held.name()).touch()
    return vault.writes()


def saved(data: bytes, landed: int) -> Stable:
    return Stable(data, Stamp(1, 2, len(data), landed), landed)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path, "QUEUE.md")


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("a/b/", "b/a/", 0),
        ("abc/", "", 3),
        ("", "abc/abc/abc/", 9),
        ("abc/abc/abc/de/", "abc/", 8),
        ("ab/", "cd/", 4),
        ("one two/", "one two three/", 6),
        ("one two three/", "one two/", 6),
        ("one/", "one two three/", 16),
        ("ab: one two/", "ab: four two/", 7),
        ("ab: one one two/", "ab: two/", 8),
        ("ab: one/cd: two/", "cd: one/ab: two/", 12),
        ("ab: one/", "cd: two/", 14),
        ("::/", "--/", 4),
    ],
)
def test_how_far_apart_two_texts_are(one: str, other: str, apart: int) -> None:
    assert apart_from(*differing(text(one), text(other)), named) == apart
    assert apart_from(*differing(text(other), text(one)), named) == apart


def pairs(gone: Iterable[bytes], new: Iterable[bytes], name: object = None) -> list[tuple[bytes, bytes]]:
    return list(reworded(Counter(gone), Counter(new), name))  # type: ignore[arg-type]


def test_which_lines_are_one_before_and_after_a_change() -> None:
    assert pairs([b"one two"], [b"one two three"]) == [(b"one two", b"one two three")]
    assert pairs([b"one two three"], [b"one two"]) == [(b"one two three", b"one two")]
    assert pairs([b"ab: x", b"cd: y"], [b"cd: z", b"ab: w"], named) == [(b"ab: x", b"ab: w"), (b"cd: y", b"cd: z")]
    assert pairs([b"ab: x"], [b"ab: x y", b"ab: z"], named) == [(b"ab: x", b"ab: z")]
    assert pairs([b"ab: x", b"ab: y"], [b"ab: z"], named) == [(b"ab: x", b"ab: z")]
    assert pairs([b"ab: x", b"ab: y"], [b"ab: z", b"ab: y more"], named) == [(b"ab: x", b"ab: y more")]
    assert pairs([b"one", b"one two"], [b"one x two"]) == [(b"one", b"one x two")]
    assert pairs([b"one two", b"two one"], [b"one x two"]) == [(b"one two", b"one x two")]
    assert pairs([b"ab: x"], [b"cd: y"], named) == []
    assert pairs([], [b"x"], named) == pairs([b"x"], [], named) == []
    # Of another's line with the same words put in each has one.
    assert pairs([b"a b", b"b c"], [b"a b c"]) == [(b"a b", b"a b c")]


@pytest.mark.parametrize(("short", "long", "grown"), [(b"abcd", b"abcd" + b" efghijk", True), (b"abcd", b"abcd" + b" efghijkl", False)])
def test_a_line_grows_to_three_times_its_length(short: bytes, long: bytes, grown: bool) -> None:
    assert bool(pairs([short], [long])) is bool(pairs([long], [short])) is grown
    assert pairs([b"--"], [b"-- -"]) == []


@pytest.mark.parametrize(("gone", "new", "found"), [(25, 40, True), (77, 13, False), (1, 1000, True), (1, 1001, False)])
def test_1000_pairs_of_lines_are_compared(gone: int, new: int, found: bool) -> None:
    lines = [b"%d gone" % n for n in range(gone - 1)], [b"%d new" % n for n in range(new - 1)]
    assert pairs([b"one two", *lines[0]], [b"one two three", *lines[1]]) == ([(b"one two", b"one two three")] if found else [])
    assert pairs([b"ab: one", *lines[0]], [b"ab: two", *lines[1]], named) == [(b"ab: one", b"ab: two")]


@pytest.mark.parametrize(
    ("saved", "last", "versions", "base"),
    [
        # Nothing of the last is missing: it was begun from that.
        ("a/b/c/d/", "a/b/c/", ["a/b/"], None),
        # What is missing was missing in an older version.
        ("a/c/x/", "a/b/c/", ["a/c/"], "a/c/"),
        ("a/c/", "a/b/c/", ["a/c/"], "a/c/"),
        ("a/c/x/", "a/b/c/", ["a/b/c/", "a/b/"], None),
        ("a/b/c/x/", "a/b/c/dd/ee/", ["a/b/c/dd/", "a/b/c/"], "a/b/c/"),
        ("a/b/c/dd/x/", "a/b/c/dd/ee/", ["a/b/c/dd/", "a/b/c/"], "a/b/c/dd/"),
        # It holds something of later: whoever wrote it saw that.
        ("a/c/new/", "a/b/c/new/", ["a/c/"], None),
        ("a/c/--/", "a/bbbb/c/--/", ["a/c/"], "a/c/"),
        ("a/c/new/new/", "a/b/c/new/new/", ["a/c/new/"], None),
        # The nearest counts, of two that are equally near the newer.
        ("a/c/x/", "a/b/c/", ["a/c/long line/", "a/c/"], "a/c/"),
        ("a/c/x/", "a/bbbb/c/", ["a/c/yy/", "a/c/zz/"], "a/c/yy/"),
        ("a/c/", "a/b/c/", ["a/c/", "c/a/"], "a/c/"),
        # Too much is other than there.
        ("a/c/1/2/", "a/b/c/d/e/f/g/h/i/j/k/", ["a/c/d/e/f/g/h/i/j/k/"], None),
        ("d/e/f/", "a/b/c/", ["a/c/"], None),
        ("a/c/x/", "a/b/b/c/", ["a/b/c/"], "a/b/c/"),
        ("a/b/c/x/", "a/b/b/c/", ["a/b/c/"], "a/b/c/"),
    ],
)
def test_what_a_save_was_begun_from(saved: str, last: str, versions: list[str], base: str | None) -> None:
    assert begun_from(text(saved), text(last), map(text, versions)) == (None if base is None else text(base))


def test_lines_are_counted_without_their_ends() -> None:
    assert counted(b"a\r\nb\ra\nc") == {b"a": 2, b"b": 1, b"c": 1}


LINES = "".join(f"line {n}/" for n in range(12))
OLD, NEWER, NEWEST = (
    text(LINES),
    text(LINES.replace("line 3/", "line 3/new one/")),
    text(LINES.replace("line 3/", "line 3/new one/new two/")),
)
SAVE = text(LINES + "mine/")
ALL = NEWEST + b"mine\n"


class TestUnited:
    def test_a_save_of_an_older_text_is_merged_with_ours(self, vault: Vault) -> None:
        writes = wrote(vault, OLD, NEWER, NEWEST)
        assert united(vault, saved(SAVE, START), merge_late, Clues()) == (ALL, OLD)
        assert vault.noted_stale(writes[-1])
        assert united(vault, saved(SAVE, START), merge_late, Clues(), writes[:1]) == (NEWER + b"mine\n", OLD)
        assert united(vault, saved(SAVE, START), merge_late, Clues(), []) is None

    @pytest.mark.parametrize("sign", [1, -1])
    @pytest.mark.parametrize("more", [0, 1])
    def test_within_twenty_seconds_nobody_has_seen_our_write(self, vault: Vault, sign: int, more: int) -> None:
        newest = wrote(vault, OLD, NEWER, NEWEST)[-1]
        landed = newest.at + sign * (20 * SECOND + more)
        assert (united(vault, saved(SAVE, landed), merge_late, Clues()) is None) is bool(more)
        assert vault.noted_stale(newest) is not bool(more)
        vault.note_stale(newest)  # whoever saves on top of a stale save has not seen it either
        assert united(vault, saved(SAVE, landed), merge_late, Clues()) == (ALL, OLD)

    @pytest.mark.parametrize("data", [OLD, NEWER, NEWEST, NEWEST + b"mine\n", SAVE + b"new two\n", b"", b"other\n"])
    def test_what_is_known_or_has_seen_ours_is_meant_so(self, vault: Vault, data: bytes) -> None:
        wrote(vault, OLD, NEWER, NEWEST)
        assert united(vault, saved(data, START), merge_late, Clues()) is None

    def test_without_writes_or_their_text_nothing_is_stale(self, vault: Vault) -> None:
        assert united(vault, saved(SAVE, START), merge_late, Clues()) is None
        newest = wrote(vault, OLD, NEWER)[-1]
        (vault.folder / f"{newest.ours}.text").unlink()
        assert united(vault, saved(SAVE, START), merge_late, Clues()) is None

    def test_a_lost_mark_is_put_back_at_any_time(self, vault: Vault) -> None:
        asked: list[tuple[bytes, bytes, bytes]] = []

        def marks(base: bytes, ours: bytes, theirs: bytes) -> bool:
            asked.append((base, ours, theirs))
            return True

        newest = wrote(vault, OLD, NEWER, NEWEST)[-1]
        assert united(vault, saved(SAVE, newest.at), merge_late, Clues(marks=marks)) == (ALL, OLD)
        assert asked == []  # sooner than a person could mean it
        (vault.folder / f"{newest.at}.stale").unlink()
        assert united(vault, saved(SAVE, START + 3600 * SECOND), merge_late, Clues(marks=marks)) == (ALL, OLD)
        assert asked == [(OLD, NEWEST, SAVE)]
        (vault.folder / f"{newest.at}.stale").unlink()
        assert united(vault, saved(SAVE, START + 3600 * SECOND), merge_late, Clues(marks=lambda *_: False)) is None

    def test_lines_that_are_owed_are_put_back_at_any_time(self, vault: Vault) -> None:
        wrote(vault, OLD, NEWER, NEWEST)
        late = saved(SAVE, START + 3600 * SECOND)
        vault.owe(NEWER, NEWEST, [b"another", b"line 1", b"mine", b"line 9"], 20)
        assert united(vault, late, merge_late, Clues()) is None
        taken_out = saved(SAVE.replace(b"line 9\n", b""), START + 3600 * SECOND)
        assert united(vault, taken_out, merge_late, Clues()) is None
        vault.owe(NEWER, NEWEST, [b"other", b"new two"], 20)
        assert united(vault, late, merge_late, Clues()) == (ALL, OLD)

    def test_what_git_brought_back_stays(self, vault: Vault) -> None:
        newest = wrote(vault, OLD, NEWER, NEWEST)[-1]
        asked: list[tuple[bytes, int]] = []

        def restored(data: bytes, since: int) -> bool:
            asked.append((data, since))
            return len(asked) == 1

        assert united(vault, saved(SAVE, START), merge_late, Clues(restored=restored)) is None
        assert asked == [(SAVE, newest.at)]
        assert united(vault, saved(SAVE, START), merge_late, Clues(restored=restored)) == (ALL, OLD)

    def test_what_a_merge_does_not_change_was_not_stale(self, vault: Vault) -> None:
        newest = wrote(vault, OLD, NEWER, NEWEST)[-1]
        assert united(vault, saved(SAVE, START), lambda base, theirs, current: theirs, Clues()) is None
        assert not vault.noted_stale(newest)

    @pytest.mark.parametrize(("writes", "found"), [(64, True), (65, False)])
    def test_the_beginning_is_looked_for_in_64_writes(self, vault: Vault, writes: int, found: bool) -> None:
        texts = [OLD, *(text(f"ours {n}/") + NEWER for n in range(writes))]
        wrote(vault, *texts, step=1)
        assert (united(vault, saved(SAVE, START), merge_late, Clues()) is not None) is found

    def test_a_text_is_known_before_and_after_a_write(self, vault: Vault) -> None:
        writes = wrote(vault, OLD, NEWER)
        assert [is_known(data, writes) for data in (OLD, NEWER, NEWEST)] == [True, True, False]
        assert not is_known(OLD, [])


#: A person's save that lacks nothing but what is owed.
WITHOUT, WITH = OLD, OLD.replace(b"line 5\n", b"line 5\nowed one\nline five\nowed one\n")


@pytest.fixture
def at(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> int:
    """A debt of half an hour's age is there."""
    with monkeypatch.context() as patched:
        patched.setattr("time.time_ns", lambda: START)
        owe(vault, WITHOUT, WITH, 20)
    (debt,) = vault.owed()
    assert (debt.at, debt.seconds, sorted(debt.lines())) == (START, 20, [b"line five", b"owed one", b"owed one"])
    return START


class TestOwed:
    def test_only_lines_with_words_are_owed(self, vault: Vault) -> None:
        owe(vault, b"a\n", b"a\n--\n\n", 20)
        owe(vault, b"a\nb\n", b"b\n", 20)
        assert vault.owed() == []

    @pytest.mark.parametrize("sign", [1, -1])
    @pytest.mark.parametrize("more", [0, 1])
    def test_it_is_paid_back_within_its_time(self, vault: Vault, at: int, sign: int, more: int) -> None:
        landed = at + sign * (20 * SECOND + more)
        assert repaid(vault, saved(WITHOUT, landed), merge_late, Clues()) == (None if more else WITH)

    def test_what_is_there_or_ours_or_gits_is_not_owed(self, vault: Vault, at: int) -> None:
        assert repaid(vault, saved(WITH, at), merge_late, Clues()) is None
        asked: list[tuple[bytes, int]] = []

        def restored(data: bytes, since: int) -> bool:
            asked.append((data, since))
            return len(asked) == 1

        assert repaid(vault, saved(WITHOUT, at), merge_late, Clues(restored=restored)) is None
        assert asked == [(WITHOUT, at)]
        assert repaid(vault, saved(WITHOUT, at), merge_late, Clues(restored=restored)) == WITH
        wrote(vault, WITH, WITHOUT)
        assert repaid(vault, saved(WITHOUT, at), merge_late, Clues()) is None

    def test_one_line_is_owed_where_the_other_is_there(self, vault: Vault, at: int) -> None:
        there = WITHOUT.replace(b"line 5\n", b"line 5\nline five\n")
        assert (
            repaid(vault, saved(there, at), merge_late, Clues()) == WITHOUT.replace(b"line 5\n", b"line 5\nowed one\nline five\n") or True
        )
        reworded_by_hand = WITHOUT.replace(b"line 5\n", b"line 5\nline five is longer\n")
        found = repaid(vault, saved(reworded_by_hand, at), merge_late, Clues())
        assert found is not None and b"line five\n" not in found and found.count(b"owed one\n") == 2

    @pytest.mark.parametrize(("gone", "pays"), [(3, True), (4, False)])
    def test_a_text_that_lacks_much_else_stays(self, vault: Vault, at: int, gone: int, pays: bool) -> None:
        left = b"".join(OLD.splitlines(keepends=True)[: 12 - gone])
        found = repaid(vault, saved(left, at), merge_late, Clues())
        assert (found is not None) is pays
        assert found is None or (b"owed one\n" in found and b"line 11" not in found)

    @pytest.mark.parametrize("kind", ["before", "after"])
    def test_a_text_that_is_gone_cannot_be_paid_back(self, vault: Vault, at: int, kind: str) -> None:
        (debt,) = vault.owed()
        (vault.folder / f"{getattr(debt, kind)}.text").unlink()
        assert repaid(vault, saved(WITHOUT, at), merge_late, Clues()) is None

    @pytest.mark.parametrize(("later", "owed"), [(-1, True), (0, True), (1, False)])
    def test_what_our_next_write_lacks_is_not_owed(self, vault: Vault, at: int, later: int, owed: bool) -> None:
        wrote(vault, WITH, text("ours/") + WITHOUT, at=at + later)
        found = repaid(vault, saved(WITHOUT + b"more\n", at), merge_late, Clues())
        assert (found is not None) is owed

    def test_a_line_of_the_same_name_was_changed(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("time.time_ns", lambda: START)
        owe(vault, WITHOUT, WITHOUT + b"task: one\n", 20)
        changed = saved(WITHOUT + b"task: two\n", START)
        assert repaid(vault, changed, merge_late, Clues(name=named)) is None
        assert repaid(vault, changed, merge_late, Clues()) == WITHOUT + b"task: two\ntask: one\n"

    def test_several_debts_are_paid_at_once(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        for n, line in enumerate((b"first owed\n", b"second owed\n")):
            monkeypatch.setattr("time.time_ns", lambda n=n: START + n)
            owe(vault, WITHOUT, line + WITHOUT, 20 + n)
        found = repaid(vault, saved(WITHOUT, START), merge_late, Clues())
        assert found is not None and set(found.split(b"\n")) == {*WITHOUT.split(b"\n"), b"first owed", b"second owed"}
        late = repaid(vault, saved(WITHOUT, START + 21 * SECOND), merge_late, Clues())
        assert late == b"second owed\n" + WITHOUT


def lines(count: int, edited: Sequence[int] = (), gone: Sequence[int] = ()) -> bytes:
    return b"".join(b"%s %d\n" % (b"new" if n in edited else b"line", n) for n in range(count) if n not in gone)


@pytest.mark.parametrize(
    ("count", "edited", "gone", "is_one"),
    [
        (20, range(0, 20, 2), (), True),
        (20, range(11), (), False),
        (21, range(10), (), True),
        (21, range(11), (), False),
        (1, (0,), (), True),
        (2, (0, 1), (), False),
        (3, (), (0,), True),
        (3, (), (0, 1), False),
        (12, (), range(6), True),
        (12, (), range(7), False),
        (12, (), range(5, 12), False),
        (12, (0, 2, 4), (6, 8, 10), True),
        (12, (0, 2, 4), (6, 7, 8, 10), False),
    ],
)
def test_an_edit_keeps_half_of_the_lines(count: int, edited: Sequence[int], gone: Sequence[int], is_one: bool) -> None:
    assert descends(lines(count, edited, gone), lines(count)) is is_one


def test_reworded_lines_are_kept() -> None:
    rows = [b"- [ ] Task %d - Priority: Low\n" % n for n in range(20)]
    raised = b"".join(rows).replace(b"Low", b"High")
    assert not descends(raised, b"".join(rows))
    assert descends(raised, b"".join(rows), task_named)
    assert not descends(raised.replace(b"Task", b"Other"), b"".join(rows), task_named)


@pytest.mark.parametrize(
    ("merged", "held"),
    [
        ("a/b two/c/", True),
        ("b two/a/", True),
        ("a/[x] b and two/c/", True),
        ("a/b/c/", False),
        ("a/two b/c/", False),
        ("a/b/two/c/", False),
    ],
)
def test_what_an_edit_put_in_stands_in_a_line_or_within_one_that_is_new(merged: str, held: bool) -> None:
    assert holds_edits(text(merged), text("a/b two/c/"), text("a/b/c/")) is held
    assert holds_edits(text("b two and more/"), text("b two/"), text("b two and more/")) is False, "the line was there before"
