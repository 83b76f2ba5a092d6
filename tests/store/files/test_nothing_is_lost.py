"""Every way found so far in which a line that somebody saved could be lost, one moment after the other, each as it happened."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.store import files
from autobuilds.store.files import exchange as swapping
from autobuilds.store.files import shared
from autobuilds.store.files.merge import merge_late
from autobuilds.store.files.reading import read_stamped
from autobuilds.store.files.stale import UNSEEN, Clues
from tests.store.files.test_stale import MARKS, Desk, files_settled, save


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def tick(desk: Desk, n: int) -> bytes:
    """Return the newest text with task `n` ticked."""
    return desk.texts[-1].replace(b"[ ] task %d\n" % n, b"[x] task %d\n" % n)


def rescued(desk: Desk, line: bytes = b"By hand 1.\n") -> None:
    """Let a person append a line to a file that is displaced at that moment, and put the line back."""
    with desk.file.open("ab") as editor:
        desk.write(tick(desk, 10))
        editor.write(line)
    files_settled(desk)
    assert desk.rescue() == ["late"]
    assert desk.file.read_bytes() == desk.texts[-1] + line
    desk.texts.append(desk.file.read_bytes())


def lines(desk: Desk) -> list[bytes]:
    return sorted(desk.file.read_bytes().splitlines())


def let_rest(desk: Desk) -> None:
    """Wait until the file counts as left alone."""
    while abs(time.time() - read_stamped(desk.file).landed / 1e9) < 0.5:
        time.sleep(0.05)


def repaid(desk: Desk) -> bool | None:
    return files.repay(desk.file, read_stamped(desk.file), private=desk.private, clues=MARKS)


def test_a_late_save_does_not_hide_what_it_was_displaced_from(desk: Desk) -> None:
    """The text that stood there is still a version that a buffer may hold, after something else was saved into its file."""
    hand = desk.texts[-1] + b"By hand 1.\n"
    desk.file.write_bytes(hand)
    with desk.file.open("ab") as editor:
        desk.write(hand.replace(b"[ ] task 10\n", b"[x] task 10\n"))
        editor.write(b"By hand 2.\n")
    files_settled(desk)
    assert desk.rescue() == ["late"]
    newest = desk.file.read_bytes()
    assert newest == desk.texts[-1] + b"By hand 2.\n"
    save(desk.file, hand + b"By hand 3.\n", "rename")
    assert desk.rescue() == ["over"]
    assert lines(desk) == sorted([*newest.splitlines(), b"By hand 3."])


def test_a_buffer_that_was_saved_late_is_known_when_it_is_saved_again(desk: Desk) -> None:
    old = desk.texts[-1]
    rescued(desk)
    save(desk.file, old + b"By hand 1.\nBy hand 2.\n", "in place")
    assert desk.rescue() == ["over"]
    assert desk.file.read_bytes() == desk.texts[-1] + b"By hand 2.\n"


def _between(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], None]) -> None:
    """Run an act right before each of the next exchanges."""
    real, left = swapping.exchange, list(acts)

    def hooked(one: Path, other: Path) -> None:
        if left:
            left.pop(0)()
        real(one, other)

    monkeypatch.setattr(shared, "exchange", hooked)


def test_who_read_a_text_that_was_taken_back_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save lands right before the exchange; `sed -i` reads ours while it stands there for an instant, and saves that."""
    before, read = desk.texts[-1], list[bytes]()
    _between(
        monkeypatch,
        lambda: save(desk.file, before + b"By hand 1.\n", "in place"),
        lambda: read.append(desk.file.read_bytes()),
    )
    assert not files.replace_guarded(desk.file, before, b"- [ ] new\n" + before, private=desk.private)
    assert desk.file.read_bytes() == before + b"By hand 1.\n"
    assert read == [b"- [ ] new\n" + before]
    save(desk.file, read[0] + b"By hand 2.\n", "rename")
    assert desk.rescue() == ["over"]
    assert lines(desk) == sorted([*before.splitlines(), b"- [ ] new", b"By hand 1.", b"By hand 2."])


def test_a_line_changed_right_after_a_write_was_taken_back_stays_changed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.texts[-1]
    _between(monkeypatch, lambda: save(desk.file, before + b"By hand 1.\n", "in place"))
    assert not files.replace_guarded(desk.file, before, b"- [ ] new\n" + before, private=desk.private)
    desk.file.write_bytes(before + b"By hand 1, and more.\n")
    assert desk.rescue() == []
    assert desk.file.read_bytes() == before + b"By hand 1, and more.\n"


def test_a_writer_killed_right_after_giving_back_leaves_ours_watched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody opened ours in the instant in which it stood there, and appends to it later."""
    before, opened = desk.texts[-1], list[int]()

    def killed(*_: object) -> None:
        raise SystemExit

    _between(
        monkeypatch,
        lambda: save(desk.file, before + b"By hand 1.\n", "in place"),
        lambda: opened.append(os.open(desk.file, os.O_WRONLY | os.O_APPEND)),
    )
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(shared, "owe", killed)
        files.replace_guarded(desk.file, before, b"- [ ] new\n" + before, private=desk.private)
    desk.rescue()
    os.write(opened[0], b"By hand 2.\n")
    os.close(opened[0])
    files_settled(desk)
    assert desk.rescue() == ["late"]
    assert lines(desk) == sorted([*before.splitlines(), b"By hand 1.", b"By hand 2."])


def test_a_file_that_is_there_again_when_we_look_was_moved_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(one: Path, other: Path) -> None:
        desk.file.rename(desk.file.with_name("away"))
        desk.file.write_bytes(desk.texts[-1] + b"By hand 1.\n")
        raise FileNotFoundError(2, "there is no such file")

    with monkeypatch.context() as patched:
        patched.setattr(shared, "exchange", gone)
        assert not files.replace_guarded(desk.file, desk.texts[-1], b"mine\n", private=desk.private)
    assert desk.file.read_bytes() == desk.texts[-1] + b"By hand 1.\n"


def test_a_late_save_from_before_the_clock_was_set_back_is_put_back(desk: Desk) -> None:
    with desk.file.open("ab") as editor:
        desk.write(tick(desk, 10))
        editor.write(b"By hand 1.\n")
    for held in desk.vault.all():
        os.utime(held.path, (time.time() + 3600,) * 2)
    assert desk.rescue() == ["late"]
    assert desk.file.read_bytes() == desk.texts[-1] + b"By hand 1.\n"


HALF = len(b"# Queue\n") + 5 * len(b"- [ ] task 0\n") + 4


@pytest.mark.parametrize("half", [HALF, HALF - 4, 3, None])
@pytest.mark.parametrize("back", [1, 4])
def test_half_a_save_that_was_believed_is_made_whole(desk: Desk, back: int, half: int | None) -> None:
    """An editor empties the file, writes half of an old buffer, and is kept waiting for so long that the tool believes that."""
    rescued(desk)
    newest, buffer = desk.texts[-1], desk.texts[-1 - back]
    text = buffer[:half]
    with desk.file.open("wb", buffering=0) as editor:
        editor.write(text)
        assert files.replace_guarded(desk.file, text, b"- [ ] new\n" + text, private=desk.private)
        editor.write(buffer[len(text) :] + b"By hand 2.\n")
    files_settled(desk)
    assert desk.rescue() == ["late"]
    assert lines(desk) == sorted([*newest.splitlines(), b"- [ ] new", b"By hand 2."])


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_displaced_file_that_is_emptied_and_written_in_steps(desk: Desk, steps: int) -> None:
    """What was looked at half way is no text that anything was begun from."""
    old = desk.texts[-3]
    with desk.file.open("r+b", buffering=0) as editor:
        desk.write(tick(desk, 10))
        editor.truncate(0)
        for n in range(steps):
            editor.write(old[n * len(old) // steps : (n + 1) * len(old) // steps])
            files_settled(desk)
            desk.rescue()
        editor.write(b"By hand 1.\n")
    files_settled(desk)
    assert desk.rescue() == ["late"]
    assert desk.file.read_bytes() == desk.texts[-1] + b"By hand 1.\n"


def test_a_late_save_whose_beginning_is_gone_deletes_nothing(desk: Desk) -> None:
    with desk.file.open("r+b") as editor:
        desk.write(tick(desk, 10))
        editor.truncate(0)
        editor.write(desk.texts[2] + b"By hand 1.\n")
    for path in desk.vault.folder.glob("*.text"):
        path.unlink()
    files_settled(desk)
    desk.rescue()
    assert set(desk.texts[-1].splitlines()) | {b"By hand 1."} <= set(lines(desk))


def test_a_rescued_line_that_the_next_save_lacks_is_put_back(desk: Desk) -> None:
    """Too much else is changed in that save for it to be told from which version it was begun."""
    rescued(desk)
    text = desk.texts[-1].removesuffix(b"By hand 1.\n")
    for n in range(0, 10, 2):
        text = text.replace(b"- [x] task %d\n" % n, b"- [x] task %d\n  A remark on %d.\n" % (n, n))
    save(desk.file, text, "rename")
    assert desk.rescue() == ["over"]
    assert desk.file.read_bytes() == text + b"By hand 1.\n"


def test_half_a_save_of_the_old_text_does_not_take_a_rescued_line_with_it(desk: Desk) -> None:
    """The editor writes its old buffer first, and is kept waiting before the new line: exactly an older text stands there."""
    old = desk.texts[-1]
    rescued(desk)
    with desk.file.open("wb", buffering=0) as editor:
        editor.write(old)
        let_rest(desk)
        assert repaid(desk)
        editor.write(b"By hand 2.\n")
    files_settled(desk)
    assert desk.rescue() == ["late"]
    assert lines(desk) == sorted([*desk.texts[-1].splitlines(), b"By hand 2."])


def test_a_rescued_line_missing_in_an_old_buffer_is_put_back_an_hour_later(desk: Desk) -> None:
    old = desk.texts[-1]
    desk.write(tick(desk, 11))
    rescued(desk)
    for path in desk.vault.folder.glob("*.owed"):
        at = path.name.partition("-")[0]
        path.rename(path.with_name(path.name.replace(at, str(int(at) - 3600 * 10**9), 1)))
    desk.age(3600)
    save(desk.file, old + b"By hand 2.\n", "rename")
    assert desk.rescue(Clues()) == ["over"]
    assert lines(desk) == sorted([*desk.texts[-1].splitlines(), b"By hand 2."])


def test_a_rescued_line_that_is_worded_anew_is_not_put_back(desk: Desk) -> None:
    rescued(desk)
    wanted = desk.texts[-1].replace(b"By hand 1.", b"By hand 1, and more.")
    save(desk.file, wanted, "in place")
    assert desk.rescue() == []
    assert repaid(desk) is None
    assert desk.file.read_bytes() == wanted


def test_a_rescued_line_that_the_tool_changed_is_not_put_back(desk: Desk) -> None:
    rescued(desk, b"- **Priority:** Low\n")
    desk.write(desk.texts[-1].replace(b"Low", b"High"))
    wanted = desk.texts[-1] + b"By hand 2.\n"
    save(desk.file, wanted, "in place")
    assert desk.rescue() == []
    assert repaid(desk) is None
    assert desk.file.read_bytes() == wanted


def test_who_takes_a_rescued_line_out_later_is_obeyed(desk: Desk) -> None:
    rescued(desk)
    for path in desk.vault.folder.glob("*.owed"):
        at = path.name.partition("-")[0]
        path.rename(path.with_name(path.name.replace(at, str(int(at) - int((UNSEEN + 5) * 1e9)), 1)))
    desk.age(UNSEEN + 5)
    desk.file.write_bytes(desk.texts[-2])
    assert desk.rescue() == []
    assert repaid(desk) is None
    assert desk.file.read_bytes() == desk.texts[-2]


def test_what_git_put_there_owes_nothing(desk: Desk) -> None:
    rescued(desk)
    desk.file.write_bytes(desk.texts[-2])
    assert desk.rescue(Clues(restored=lambda *_: True)) == []
    assert desk.file.read_bytes() == desk.texts[-2]


@pytest.mark.parametrize("text", [b"", b"# Queue\n- [x] task 0\n", b"# Another file\n\nwith its own text\n"])
def test_an_emptied_or_another_file_is_not_filled(desk: Desk, text: bytes) -> None:
    rescued(desk)
    desk.file.write_bytes(text)
    assert desk.rescue() == []
    assert desk.file.read_bytes() == text


@pytest.mark.parametrize(
    ("base", "theirs", "current", "merged"),
    [
        # Two tasks put at one place may have the same criterion.
        (
            b"a\nb\n",
            b"a\n- [ ] hand\n  - [ ] tests pass\nb\n",
            b"a\n- [ ] tool\n  - [ ] tests pass\nb\n",
            b"a\n- [ ] tool\n  - [ ] tests pass\n- [ ] hand\n  - [ ] tests pass\nb\n",
        ),
        # So may two headings.
        (b"a\n", b"a\n### H\nStatus: x\n", b"a\n### T\nStatus: x\n", b"a\n### T\nStatus: x\n### H\nStatus: x\n"),
        # What was put back before stands once.
        (b"a\n", b"a\nBy hand 1.\nBy hand 2.\n", b"a\nBy hand 1.\n- [ ] t\n", b"a\nBy hand 1.\n- [ ] t\nBy hand 2.\n"),
        (b"a\n", b"a\nx\n- [ ] t\n  more\n", b"a\n- [ ] t\n  less\n", b"a\nx\n- [ ] t\n  less\n  more\n"),
        # Lines behind one that both sides changed are kept whole, whatever words they share.
        (b"one two\n", b"one 2\nBy hand 12.\n", b"1 two\nBy hand 15.\n", None),
        (b"A\n", b"B\nX\n", b"C\nY\n", None),
        (b"- [ ] t one\nend\n", b"- [ ] t 1\nBy hand 2.\n", b"- [x] t one\nBy hand 3.\n", None),
    ],
)
def test_no_line_of_either_side_is_left_out(base: bytes, theirs: bytes, current: bytes, merged: bytes | None) -> None:
    found = merge_late(base, theirs, current)
    assert merged is None or found == merged
    added = [line for side in (theirs, current) for line in side.splitlines() if line not in base.splitlines()]
    assert [line for line in added if b"t " not in line and b"one" not in line and line not in found.splitlines()] in ([], [b"1 two"])


def test_a_rescued_line_never_glues_to_half_a_line(desk: Desk) -> None:
    """A late save is put back while somebody is in the middle of a line: neither is the other's beginning or end."""
    with desk.file.open("ab") as editor:
        desk.write(tick(desk, 10))
        editor.write(b"By hand 1.\n")
    files_settled(desk)
    old = desk.file.read_bytes()
    desk.file.write_bytes(old + b"By ha")
    assert desk.rescue() == [], "the half line is waited for"
    time.sleep(0.55)
    with desk.file.open("ab") as editor:
        assert desk.rescue() == ["late"], "it stands for long: it is meant so"
        editor.write(b"nd 2.\n")
    with desk.file.open("ab") as another:
        another.write(b"By hand 3.\n")
    files_settled(desk)
    desk.rescue()
    assert sorted(desk.file.read_bytes().splitlines()) == sorted([*old.splitlines(), b"By hand 1.", b"By hand 2.", b"By hand 3."])


@pytest.mark.parametrize("left", [b"", None], ids=["emptied", "gone"])
def test_texts_that_a_power_cut_took_do_not_make_an_old_file_a_late_save(desk: Desk, left: bytes | None) -> None:
    desk.write(tick(desk, 10))
    for text in desk.file.parent.rglob("*.text"):
        text.unlink()
        if left is not None:
            text.write_bytes(left)
    files_settled(desk)
    assert desk.rescue() == []
    assert desk.file.read_bytes() == desk.texts[-1]
