"""A buffer that an editor loaded before our last writes and saves over them: nothing of either side is lost, and words stay words."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.store import files
from autobuilds.store.files import exchange as swapping
from autobuilds.store.files import shared
from autobuilds.store.files.merge import merge_late
from autobuilds.store.files.reading import read_stamped
from autobuilds.store.files.stale import UNSEEN, Clues, apart_from, begun_from, counted, differing, explaining, united
from autobuilds.store.files.vault import Vault
from autobuilds.store.queue.marks import task_named

START = b"# Queue\n" + b"".join(b"- [ ] task %d\n" % n for n in range(12)) + b"\nend\n"
MARKS = Clues(marks=lambda base, ours, theirs: ours.count(b"[x]") > max(base.count(b"[x]"), theirs.count(b"[x]")))


class Desk:
    """A shared file that the tool wrote ten times: the n-th write ticks task n; `texts` holds every version."""

    def __init__(self, root: Path, writes: int = 10) -> None:
        self.file = root / "BUILD_QUEUE.md"
        self.file.write_bytes(START)
        self.private = files.private_folder(root)
        self.texts = [START]
        for n in range(writes):
            self.write(self.texts[-1].replace(b"[ ] task %d\n" % n, b"[x] task %d\n" % n))

    def write(self, text: bytes) -> None:
        assert files.replace_guarded(self.file, self.file.read_bytes(), text, private=self.private)
        self.texts.append(text)

    def rescue(self, clues: Clues = MARKS) -> list[str]:
        return [r.how for r in files.rescue_late_saves(self.file, private=self.private, clues=clues)]

    @property
    def vault(self) -> Vault:
        return Vault(self.private, self.file.name)

    def age(self, seconds: float) -> None:
        """Let every write of ours, and what is noted of it, look that much older."""
        for held in self.vault.all():
            for path in self.vault.folder.glob(f"{held.at}*"):
                path.rename(path.with_name(path.name.replace(str(held.at), str(held.at - int(seconds * 1e9)))))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def save(path: Path, data: bytes, how: str) -> None:
    """Save as an editor does: into the file, or by another one put in its place."""
    if how == "in place":
        path.write_bytes(data)
    else:
        other = path.with_name("other")
        other.write_bytes(data)
        other.rename(path)


@pytest.mark.parametrize("how", ["in place", "rename"])
@pytest.mark.parametrize("seconds", [0.0, 3600.0])
@pytest.mark.parametrize("back", range(1, 11))
def test_a_hand_edit_of_an_old_version_joins_our_marks(desk: Desk, back: int, seconds: float, how: str) -> None:
    desk.age(seconds)
    old = desk.texts[-1 - back]
    save(desk.file, old.replace(b"task 11\n", b"task 11, by hand\n") + b"- [ ] by hand\n", how)
    assert desk.rescue() == ["over"]
    assert desk.file.read_bytes() == desk.texts[-1].replace(b"task 11\n", b"task 11, by hand\n") + b"- [ ] by hand\n"
    assert desk.rescue() == []


@pytest.mark.parametrize("back", range(1, 11))
def test_an_old_version_itself_is_a_return_to_it(desk: Desk, back: int) -> None:
    desk.file.write_bytes(desk.texts[-1 - back])
    assert desk.rescue() == []
    assert desk.file.read_bytes() == desk.texts[-1 - back]


def test_whoever_takes_it_out_again_is_obeyed(desk: Desk) -> None:
    stale = desk.texts[-2] + b"by hand\n"
    desk.file.write_bytes(stale)
    assert desk.rescue() == ["over"]
    desk.file.write_bytes(stale)
    assert desk.rescue() == []
    assert desk.file.read_bytes() == stale


def test_what_we_added_and_a_person_deletes_later_stays_deleted(desk: Desk) -> None:
    before = desk.file.read_bytes()
    desk.write(before + b"- [ ] dangerous\n")
    desk.age(UNSEEN + 60)
    wanted = before + b"- [ ] harmless\n"
    desk.file.write_bytes(wanted)
    assert desk.rescue() == []
    assert desk.file.read_bytes() == wanted


def test_what_we_added_at_that_moment_is_put_back(desk: Desk) -> None:
    before = desk.file.read_bytes()
    desk.write(b"- [ ] new\n" + before)
    desk.file.write_bytes(before + b"by hand\n")
    assert desk.rescue() == ["over"]
    assert desk.file.read_bytes() == b"- [ ] new\n" + before + b"by hand\n"


def test_saves_on_top_of_a_stale_one_win_no_time(desk: Desk) -> None:
    before = desk.texts[-1]
    desk.write(b"- [ ] added\n" + before)
    save(desk.file, before + b"- [ ] by hand\n", "rename")
    found = read_stamped(desk.file)
    assert united(desk.vault, found, merge_late, MARKS) is not None  # found, but the next save is there before it is put back
    save(desk.file, before + b"- [ ] by hand\n- [ ] again\n", "rename")
    desk.age(2 * UNSEEN)
    assert desk.rescue() == ["over"]
    assert desk.file.read_bytes() == b"- [ ] added\n" + before + b"- [ ] by hand\n- [ ] again\n"


def test_one_of_two_additions_taken_out_by_someone_who_saw_both(desk: Desk) -> None:
    before = desk.file.read_bytes()
    desk.write(before + b"- [ ] a very long name of a task that came first\n")
    desk.write(desk.texts[-1] + b"- [ ] short\n")
    wanted = before + b"- [ ] short\nby hand\n"
    desk.file.write_bytes(wanted)
    assert desk.rescue() == []
    assert desk.file.read_bytes() == wanted


def test_what_git_brought_back_stays(desk: Desk) -> None:
    restored = desk.texts[3] + b"from another branch\n"
    desk.file.write_bytes(restored)
    asked: list[int] = []

    def by_git(text: bytes, since: int) -> bool:
        asked.append(since)
        return text == restored

    assert desk.rescue(Clues(marks=MARKS.marks, restored=by_git)) == []
    assert desk.file.read_bytes() == restored
    assert asked == [desk.vault.writes()[-1].at]


def test_an_emptied_or_half_saved_file_is_not_filled_again(desk: Desk) -> None:
    for text in (b"", desk.texts[-1][:40], desk.texts[4][:90]):
        desk.file.write_bytes(text)
        assert desk.rescue() == []
        assert desk.file.read_bytes() == text


@pytest.mark.parametrize("back", range(1, 6))
def test_an_old_buffer_saved_into_a_displaced_file_undoes_nothing(desk: Desk, back: int) -> None:
    with desk.file.open("r+b") as editor:
        desk.write(desk.texts[-1].replace(b"[ ] task 10\n", b"[x] task 10\n"))
        editor.truncate(0)
        editor.write(desk.texts[-2 - back] + b"by hand\n")
    files_settled(desk)
    assert desk.rescue() == ["late"]
    assert desk.file.read_bytes() == desk.texts[-1] + b"by hand\n"


def files_settled(desk: Desk) -> None:
    """Let what was displaced look as if it had been saved a while ago."""
    for held in desk.vault.all():
        info = held.path.stat()
        os.utime(held.path, ns=(info.st_atime_ns, info.st_mtime_ns - 10**9))


def test_nothing_to_do_reads_no_text(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.file.write_bytes(desk.texts[-1] + b"by hand\n")
    assert desk.rescue() == []

    def read(*_: object) -> bytes:
        raise AssertionError("a text of the vault was read")

    monkeypatch.setattr(Vault, "text", read)
    before = sorted(path.name for path in desk.vault.folder.iterdir())
    assert desk.rescue() == []
    assert sorted(path.name for path in desk.vault.folder.iterdir()) == before


def test_our_own_text_is_recognised_without_a_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vault, "text", None)
    assert desk.rescue() == []
    assert list(desk.vault.folder.glob("*.judged")) == []


def test_a_clock_set_back_does_not_change_the_order_of_our_writes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time_ns
    monkeypatch.setattr("autobuilds.store.files.vault.time.time_ns", lambda: real() - 7200 * 10**9)
    desk.write(desk.texts[-1].replace(b"[ ] task 10\n", b"[x] task 10\n"))
    assert desk.vault.writes()[-1].ours == desk.vault.keep(desk.texts[-1])
    desk.file.write_bytes(desk.texts[-1] + b"by hand\n")
    assert desk.rescue() == []


def test_a_file_moved_away_by_an_editor_counts_as_being_saved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    away = desk.file.with_name("away")

    def gone(one: Path, other: Path) -> None:
        desk.file.rename(away)
        swapping.exchange(one, other)

    with monkeypatch.context() as patched:
        patched.setattr(shared, "exchange", gone)
        assert not files.replace_guarded(desk.file, desk.texts[-1], b"mine\n", private=desk.private)
    away.rename(desk.file)
    assert desk.file.read_bytes() == desk.texts[-1]


LINES = st.lists(st.sampled_from([b"- [ ] a\n", b"- [ ] b\n", b"- [x] c\n", b"prose\n", b"\n"]), min_size=3, max_size=12)


@given(lines=LINES, extra=st.integers(0, 11))
def test_an_edit_of_the_newest_version_is_never_stale(lines: list[bytes], extra: int) -> None:
    versions = [b"".join(lines[: n + 1]) for n in range(len(lines))][::-1]
    text = versions[0] + b"by hand %d\n" % extra
    assert begun_from(text, versions[0], versions) is None


#: Texts that begin and end alike, with any line end, and one that breaks off.
PIECES = st.lists(st.sampled_from([b"a\n", b"b\n", b"a\r\n", b"b\r", b"\n", b"ab\n", b"a"]), max_size=8).map(b"".join)


#: Texts of long lines, so that places in one are looked for in another.
LONG = st.lists(st.sampled_from([b"x" * 90 + b"%d\n" % n for n in range(6)] + [b"y" * 150 + b"\r\n", b"z" * 150 + b"\r"]), max_size=24).map(
    b"".join
)


@given(one=LONG, other=LONG, between=LONG)
def test_what_two_texts_have_more_of_is_found_whatever_is_left_out_of_both(one: bytes, other: bytes, between: bytes) -> None:
    mine, its = one + between + other, other + between + one + b"end"
    lines, others = counted(mine), counted(its)
    assert differing(mine, its) == (lines - others, others - lines)


PLAIN = [b"some plain line %d of the queue\n" % n for n in range(60)]


def test_lines_that_differ_are_told_in_the_order_of_their_text() -> None:
    mine, its = [b"fix\n", *PLAIN, b"fix clock\n", b"fix all\n"], [*PLAIN, b"fix the clock\n"]
    gone, new = differing(b"".join(mine), b"".join(its))
    assert (list(gone), list(new)) == ([b"fix", b"fix clock", b"fix all"], [b"fix the clock"])


def test_the_first_of_two_lines_that_may_be_the_reworded_one_is_taken_for_it() -> None:
    with_two = [*PLAIN[:45], b"one two\n", *PLAIN[45:]]
    text = b"".join([b"one\n", *PLAIN[:45], b"one x two\n", *PLAIN[45:]])
    assert begun_from(text, b"".join(with_two), [b"".join(PLAIN)]) == b"".join(PLAIN)


def test_a_line_that_stands_within_thousands_of_others_is_not_looked_for_in_each() -> None:
    last, text = b"a" * 20_000 + b"\n" + b"a" * 12 + b"\nend\n", b"a" * 20_000 + b"\nend\n"
    assert explaining(text, last)(last.removesuffix(b"end\n")), "it holds all, which is not counted"
    few = last.replace(b"a" * 20_000, b"a" * 2_000)
    assert not explaining(text.replace(b"a" * 20_000, b"a" * 2_000), few)(few.removesuffix(b"end\n"))


@given(head=PIECES, one=PIECES, other=PIECES, tail=PIECES)
def test_what_two_texts_have_more_of_is_found_between_what_they_begin_and_end_with(
    head: bytes, one: bytes, other: bytes, tail: bytes
) -> None:
    mine, its = head + one + tail, head + other + tail
    lines, others = counted(mine), counted(its)
    assert differing(mine, its) == (lines - others, others - lines)


#: Lines that are long enough to be looked for one by one, one of them within another, and some that are not.
LONGER = st.lists(
    st.sampled_from(
        [b"- [ ] a task\n", b"a - [ ] a task\n", b"- [ ] a task", b"- [ ] a task\r", b"- [ ] a task\r\n", b"- [x] a task\n", b"c\n"]
    ),
    max_size=7,
).map(b"".join)


@given(text=LONGER, last=LONGER, version=LONGER)
def test_a_version_is_passed_over_quickly_only_where_it_would_be_after_a_look_at_all_its_lines(
    text: bytes, last: bytes, version: bytes
) -> None:
    missing, later = counted(last) - counted(text), counted(last) - counted(version)
    nearer = apart_from(*differing(version, text), task_named) < apart_from(*differing(last, text), task_named)
    found = explaining(text, last, task_named)(version)
    assert found or not nearer or not missing & later
    if missing and not missing.keys() & later.keys() and all(len(line) >= 12 for line in missing):
        assert not found


@given(text=LONGER, last=LONGER, more=st.lists(LONGER, max_size=4))
def test_what_a_text_was_begun_from_is_found_among_the_versions_that_are_left(text: bytes, last: bytes, more: list[bytes]) -> None:
    left = list(filter(explaining(text, last, task_named), more))
    assert begun_from(text, last, left, task_named) == begun_from(text, last, more, task_named)


HAND = [b"By hand %d.\n" % n for n in range(1, 12)]


@pytest.mark.parametrize("later", range(1, 5))
def test_lines_added_to_a_text_that_lacks_a_rescued_line_are_no_change_of_that_line(desk: Desk, later: int) -> None:
    """A line was saved into a displaced file and put back; meanwhile its writer went on from the text without it."""
    without = desk.texts[-1] + b"".join(HAND[:5])
    desk.file.write_bytes(without)
    desk.write(without + HAND[5])
    desk.write(desk.texts[-1].replace(b"[ ] task 10\n", b"[x] task 10\n"))
    save(desk.file, without + b"".join(HAND[6 : 6 + later]), "rename")
    assert desk.rescue() == ["over"]
    assert sorted(desk.file.read_bytes().splitlines(keepends=True)) == sorted(
        [*desk.texts[-1].splitlines(keepends=True), *HAND[6 : 6 + later]]
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (b"- [ ] Build a thing - Priority: Low\n", b"- [ ] Build a thing - Priority: High - Time: 2h\n"),
        (b"- [ ] Build a thing\n", b"- [ ] Build a small thing\n"),
        (b"A remark on it.\n", b"A longer remark on it.\n"),
        (b"A longer remark on it.\n", b"A remark on it.\n"),
    ],
)
def test_a_line_of_ours_that_the_person_rewords_is_theirs(desk: Desk, ours: bytes, theirs: bytes) -> None:
    desk.write(desk.texts[-1] + ours)
    save(desk.file, desk.texts[-1].replace(ours, theirs), "in place")
    assert desk.rescue(Clues(marks=MARKS.marks, name=task_named)) == []


def test_a_line_written_beside_one_that_looks_alike_is_another(desk: Desk) -> None:
    old = desk.texts[-1]
    desk.write(old + b"- [ ] Of the tool - Added: 2026-02-07 10:30\n")
    save(desk.file, old + b"- [ ] By hand - Added: 2026-02-07 10:31\n", "in place")
    assert desk.rescue(Clues(marks=MARKS.marks, name=task_named)) == ["over"]
    assert b"Of the tool" in desk.file.read_bytes()
    assert b"By hand" in desk.file.read_bytes()
