"""What is believed of a queue just read, when, and what an edit does meanwhile: on a clock that goes on only while somebody sleeps."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autobuilds.errors import BadInput, Busy, NotSo
from autobuilds.store.files import shared
from autobuilds.store.files.reading import Stable, Stamp
from autobuilds.store.files.vault import Held, Vault
from autobuilds.store.queue import belief as believing
from autobuilds.store.queue import edit, file
from autobuilds.store.queue.belief import Belief, Readings
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.file import QueueFile
from autobuilds.store.queue.marks import marks_lost, task_named
from autobuilds.store.queue.operations import Add, Complete, NewTask, Operation, Tick
from tests.store.files.test_io_limits import Clock, ticking

NOW = 1_770_000_000
NOON = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)
ROWS = "".join(f"- [ ] Task {n}\n" for n in range(10))
QUEUE = f"---\nowner: Olive\n---\n# Queue\n\n## Active Queue\n{ROWS}\n## Completed\n\n## Diary\nDear diary.\n"


def without(*tasks: int, text: str = QUEUE) -> str:
    for n in tasks:
        text = text.replace(f"- [ ] Task {n}\n", "")
    return text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    found = Clock()
    found.now = float(NOW)
    yield from ticking(monkeypatch, found)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / ".autobuilds", "BUILD_QUEUE.md")


def wrote(vault: Vault, *texts: str) -> None:
    """Let our writes have made each of these texts of the one before."""
    vault.folder.mkdir(parents=True, exist_ok=True)
    for n, (before, after) in enumerate(zip(texts, texts[1:], strict=False)):  # noqa: RUF007 - the number counts
        held = Held(folder=vault.folder, file="", at=NOW + n, inode=7, base=vault.keep(before.encode()), ours=vault.keep(after.encode()))
        (vault.folder / held.name()).touch()


def found(text: str, landed: float, inode: int = 1) -> Stable:
    return Stable(text.encode(), Stamp(1, inode, len(text), int(landed * 1e9)), int(landed * 1e9))


def believer(vault: Vault, committed: str | None) -> Belief:
    return Belief(vault, UTC, lambda: None if committed is None else committed.encode())


def needed(vault: Vault, text: str, committed: str | None) -> float:
    """Return for how many seconds a file must have been left alone to be believed."""

    def holds(age: float) -> bool:
        judge = believer(vault, committed)
        at_once = found(text, NOW - age)
        assert judge.holds(found(text, NOW + age), lambda: judge.document(text.encode())) is judge.holds(
            at_once, lambda: judge.document(text.encode())
        )
        return judge.holds(at_once, lambda: judge.document(text.encode()))

    ages = [0.0, 0.49, 0.5, 1.99, 2.0]
    answers = [holds(age) for age in ages]
    assert answers == sorted(answers)
    return ages[answers.index(True)]


def test_what_is_emptied_anew_is_doubted_anew(vault: Vault, clock: Clock) -> None:
    judge = believer(vault, None)
    assert not judge.holds(found("", NOW), lambda: judge.document(b""))
    assert judge.holds(found(QUEUE, NOW), lambda: judge.document(QUEUE.encode()))
    clock.sleep(0.6)
    assert not judge.holds(found("", NOW + 0.6), lambda: judge.document(b"")), "it was whole in between"
    clock.sleep(0.6)
    assert judge.holds(found("", NOW + 0.6), lambda: judge.document(b""))


CONFLICT = "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"


@pytest.mark.parametrize(
    ("text", "committed", "seconds"),
    [
        (QUEUE, QUEUE, 0),
        (QUEUE, None, 0),
        ("", None, 0.5),
        (QUEUE + "more\n", QUEUE, 0),
        (QUEUE.replace("Dear diary.\n", ""), QUEUE, 0.5),
        (QUEUE.replace("Dear", "My"), QUEUE, 0),
        (QUEUE.replace("# Queue\n", ""), QUEUE, 0),
        (without(3), QUEUE, 0.5),
        (without(3, 4), QUEUE, 0.5),
        (without(3, 4, 5), QUEUE, 2),
        (without(3, 4, 5) + "more\n", QUEUE, 2),
        (QUEUE.replace("---\nowner: Olive\n---\n", ""), QUEUE, 2),
        (QUEUE, QUEUE.replace("---\nowner: Olive\n---\n", ""), 0),
        (QUEUE[:-1], QUEUE, 0.5),
        (QUEUE.replace("Dear diary.\n", "Mine"), QUEUE, 0.5),
        (QUEUE.replace("Dear diary.\n", "Mine\r"), QUEUE, 0),
        (QUEUE.replace("Dear diary.\n", "Mine"), QUEUE[:-1], 0),
        (QUEUE[:-3], QUEUE[:-1], 0.5),
        ("", QUEUE, 2),
        (" \n", QUEUE, 2),
        (QUEUE + CONFLICT, QUEUE, 0.5),
        (QUEUE + "\0", QUEUE, 0.5),
        (QUEUE + CONFLICT, QUEUE + CONFLICT, 0),
        (without(3, 4, 5), QUEUE + CONFLICT, 0),
        (without(3, 4, 5), QUEUE + "\0", 0),
        (QUEUE.replace("Task 3", "Another"), QUEUE, 0.5),
        (QUEUE.replace("[ ] Task 3", "[x] Task 3"), QUEUE, 0),
        (QUEUE.replace("Task 3", "Task 3 at noon"), QUEUE, 0),
    ],
)
def test_how_long_a_file_must_have_been_left_alone(vault: Vault, clock: Clock, text: str, committed: str | None, seconds: float) -> None:
    assert needed(vault, text, committed) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (without(1, 2, 3, 4), 0),  # our last text, whatever is committed
        (without(1, 2, 3), 2),  # an older text, and much of the committed one is gone
        (without(1, 2), 0.5),
        (without(1, 2, 3, 4, 5) + "x\n", 2),  # of the committed one half is gone
        (QUEUE.replace("Dear", "My"), 0),
    ],
)
def test_what_we_wrote_last_is_believed(vault: Vault, clock: Clock, text: str, seconds: float) -> None:
    wrote(vault, without(1), without(1, 2), without(1, 2, 3), without(1, 2, 3, 4))
    assert needed(vault, text, QUEUE) == seconds


def test_an_older_text_is_believed_after_half_a_second(vault: Vault, clock: Clock) -> None:
    wrote(vault, QUEUE, QUEUE + "x\n", QUEUE + "x\ny\n", QUEUE)
    assert [needed(vault, text, None) for text in (QUEUE + "x\n", QUEUE + "x\ny\n", QUEUE + "z\n", QUEUE)] == [0.5, 0.5, 0, 0]


def test_what_the_last_write_added_is_missed(vault: Vault, clock: Clock) -> None:
    wrote(vault, without(7, 8, 9), without(8, 9), without(9), QUEUE)
    assert needed(vault, without(9) + "x\n", None) == 0.5
    assert needed(vault, without(7, 8, 9) + "x\n", None) == 2
    assert needed(vault, QUEUE + "x\n", None) == 0


def test_a_doubt_that_stands_is_given_up(vault: Vault, clock: Clock) -> None:
    judge = believer(vault, QUEUE)

    def holds(text: str, inode: int = 1) -> bool:
        return judge.holds(found(text, clock.now, inode), lambda: judge.document(text.encode()))

    lossy, other = without(1, 2, 3), without(4, 5, 6)
    assert not holds(lossy)
    clock.sleep(1)
    assert not holds(lossy + "saved again\n", 2)
    assert not holds("", 3)
    clock.sleep(0.99)
    assert not holds(lossy + "and again\n", 4)
    clock.sleep(0.01)
    assert not holds(other, 5)
    assert not holds(lossy, 6)
    clock.sleep(1.9)
    assert not holds(lossy, 8)
    clock.sleep(0.125)
    assert holds(lossy, 9)
    assert holds("", 10)


def test_a_file_that_is_the_same_for_long_is_believed(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its own time says that it was changed at this moment."""
    now = [100.0]
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    judge = believer(vault, QUEUE)
    for second, text, believed in ((100.0, without(1, 2, 3), False), (101.75, without(4, 5, 6), False), (102.0, without(7, 8, 9), True)):
        now[0] = second
        same = Stable(text.encode(), Stamp(1, 1, 1, 1), NOW * 10**9)
        assert judge.holds(same, partial(judge.document, text.encode())) is believed


def test_what_a_text_of_ours_had_is_missed(vault: Vault) -> None:
    judge = believer(vault, QUEUE)
    here = judge.document(without(9).encode())
    assert not judge.misses(here, [Complete(label="task-9", at=NOON)])
    wrote(vault, without(9), QUEUE)
    assert judge.misses(here, [Complete(label="task-9", at=NOON)])
    assert judge.misses(here, [Complete(label="task-1", at=NOON), Complete(label="task-9", at=NOON)])
    assert not judge.misses(here, [Complete(label="task-1", at=NOON)])
    assert not judge.misses(here, [Complete(label="nothing", at=NOON)])
    wrote(vault, QUEUE, without(9), without(8, 9), without(9), without(9) + "x\n")
    assert not judge.misses(here, [Complete(label="task-9", at=NOON)])


def test_an_empty_file_is_fatal_where_it_held_tasks(vault: Vault) -> None:
    assert believer(vault, QUEUE).document(b" \n").queue.fatal
    assert not believer(vault, "# Queue\n").document(b"").queue.fatal
    assert not believer(vault, None).document(b"").queue.fatal
    assert not believer(vault, QUEUE).document(b"x\n").queue.fatal


def test_the_last_two_texts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def reading(data: bytes, *, zone: object, had_tasks: bool) -> object:
        read.append(data)
        return (data, zone, had_tasks)

    monkeypatch.setattr(believing, "read_queue", reading)
    known, east = Readings(), timezone(timedelta(hours=2))
    one, two = known.read(b"1", UTC), known.read(b"2", UTC)
    assert known.read(b"1", UTC) is one
    assert known.read(b"3", UTC) is not two
    assert known.read(b"1", UTC) is one
    assert read == [b"1", b"2", b"3"]
    known.read(b"2", UTC)
    assert read == [b"1", b"2", b"3", b"2"]
    answers: list[object] = [known.read(b"2", UTC, had_tasks=True), known.read(b"2", UTC), known.read(b"2", east)]
    assert answers == [(b"2", UTC, True), (b"2", UTC, False), (b"2", east, False)]
    assert known.read(b"2", east) is known.read(b"2", east)
    assert len(read) == 6


DONE = "## Active Queue\n- [ ] One\n  - **Completion Criteria:**\n    - [ ] a\n    - [ ] b\n- [ ] Two\n\n## Completed\n"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "lost"),
    [
        (DONE, DONE.replace("[ ] Two", "[x] Two"), DONE + "x\n", True),
        (DONE, DONE.replace("- [ ] Two\n", "") + "- [x] Two\n", DONE + "x\n", True),
        (DONE, DONE.replace("[ ] a", "[x] a"), DONE + "x\n", True),
        (DONE, DONE.replace("[ ] a", "[x] a"), DONE.replace("[ ] b", "[x] b"), True),
        (DONE, DONE.replace("[ ] a", "[x] a"), DONE.replace("    - [ ] a\n", ""), False),
        (DONE, DONE.replace("[ ] a", "[x] a"), DONE.replace("[ ] a", "[x] a"), False),
        (DONE.replace("[ ] a", "[x] a"), DONE.replace("[ ] a", "[x] a"), DONE, False),
        (DONE, DONE.replace("[ ] Two", "[x] Two"), DONE.replace("[ ] Two", "[x] Two"), False),
        (DONE.replace("[ ] Two", "[x] Two"), DONE.replace("[ ] Two", "[x] Two"), DONE, False),
        (DONE, DONE.replace("[ ] Two", "[x] Two"), DONE.replace("- [ ] Two\n", ""), False),
        (DONE.replace("- [ ] Two\n", ""), DONE.replace("[ ] Two", "[x] Two"), DONE, False),
        (DONE, DONE.replace("[ ] Two", "[x] Two"), DONE + CONFLICT, False),
        (DONE + CONFLICT, DONE.replace("[ ] Two", "[x] Two"), DONE, False),
        (DONE, DONE.replace("[ ] Two", "[x] Two") + CONFLICT, DONE, False),
        (DONE, DONE + "words\n", DONE, False),
    ],
)
def test_a_lost_mark_is_one_that_we_made(base: str, ours: str, theirs: str, lost: bool) -> None:
    assert marks_lost(base.encode(), ours.encode(), theirs.encode(), UTC) is lost


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"- [ ] One - Priority: High", "One"),
        (b"\t12) [-]  **Two**  ", "**Two**"),
        (b"+ [x] \xff", "\ufffd"),
        (b"- [ ] - Priority: High", "- Priority: High"),
        (b"- [ ]", None),
        (b"x - [ ] One", None),
        (b"1234567890. [ ] One", None),
        (b"- One", None),
    ],
)
def test_what_a_line_names(line: bytes, name: str | None) -> None:
    assert task_named(line) == name


# The file


class Desk:
    """A queue on disk, and the clock: as old as it has been slept since the file was written."""

    def __init__(self, root: Path, clock: Clock, committed: str | None = QUEUE) -> None:
        self.clock = clock
        self.queue = QueueFile(root, UTC, committed=lambda: None if committed is None else committed.encode())
        self.save(QUEUE)

    def save(self, text: str) -> None:
        self.queue.path.write_text(text)
        self.clock.now = self.queue.path.stat().st_ctime_ns / 1e9
        self.clock.pauses.clear()

    @property
    def slept(self) -> float:
        return sum(self.clock.pauses)


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Desk:
    return Desk(tmp_path, clock)


class TestFile:
    @pytest.mark.parametrize(("text", "least"), [(QUEUE + "x\n", 0.0), (without(1), 0.5), (without(1, 2, 3), 2.0), ("", 2.0)])
    def test_a_reader_waits_as_long_as_it_must(self, desk: Desk, text: str, least: float) -> None:
        desk.save(text)
        assert desk.queue.read().data == text.encode()
        assert least <= desk.slept < least + 0.1
        assert max(desk.clock.pauses, default=0) < 0.05

    def test_an_edit_waits_as_long_as_it_must(self, desk: Desk) -> None:
        desk.save(without(1, 2, 3))
        desk.queue.edit(Complete(label="task-4", at=NOON))
        assert 2.0 <= desk.slept < 2.1

    @pytest.mark.parametrize(("used", "seconds"), [(True, 0.5), (False, 0.0)])
    def test_a_file_that_is_gone_is_looked_for_where_the_tool_was_at_work(self, desk: Desk, used: bool, seconds: float) -> None:
        if used:
            desk.queue.edit(Complete(label="task-4", at=NOON))
        desk.queue.path.unlink()
        desk.clock.pauses.clear()
        with pytest.raises(BadInput, match="there is no file"):
            desk.queue.read()
        assert seconds <= desk.slept < seconds + 0.1
        desk.queue.path.mkdir()
        desk.clock.pauses.clear()
        with pytest.raises(BadInput, match="not a regular file"):
            desk.queue.read()
        assert desk.slept == 0

    @pytest.mark.parametrize(("age", "seconds"), [(0.0, 0.5), (0.3, 0.2), (0.6, 0.0)])
    def test_a_refusal_counts_when_the_file_is_at_rest(self, desk: Desk, age: float, seconds: float) -> None:
        desk.clock.now += age
        with pytest.raises(NotSo):
            desk.queue.edit(Complete(label="nothing", at=NOON))
        assert seconds - 0.01 <= desk.slept < seconds + 0.1
        assert desk.queue.path.read_text() == QUEUE

    def test_a_task_that_we_wrote_is_looked_for_longer(self, desk: Desk) -> None:
        desk.queue.edit(Add(task=NewTask(name="New", added=NOON)))
        desk.save(QUEUE)
        with pytest.raises(NotSo):
            desk.queue.edit(Complete(label="new", at=NOON))
        assert 2.0 <= desk.slept < 2.3

    def test_a_file_that_is_saved_all_the_time_is_refused_after_two_seconds(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(file, "_fresh", lambda found, seconds: True)
        with pytest.raises(NotSo):
            desk.queue.edit(Complete(label="nothing", at=NOON))
        assert 2.0 <= desk.slept < 2.1

    @pytest.mark.parametrize(("patience", "seconds"), [(None, 60), (5.0, 5)])
    def test_an_edit_is_given_up_after_a_minute(
        self, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float | None, seconds: int
    ) -> None:
        tried: list[bytes] = []
        looked: list[Path] = []

        def refused(path: Path, expect: bytes, data: bytes, *, private: Path) -> bool:
            tried.append(data)
            desk.clock.now += 1
            return False

        monkeypatch.setattr(file, "replace_guarded", refused)
        monkeypatch.setattr(file, "glance", lambda path: None)
        monkeypatch.setattr(file, "rescue_displaced", lambda path, **more: looked.append(path))
        desk.clock.now = float(int(desk.clock.now) + 5)
        queue = desk.queue if patience is None else QueueFile(tmp_path, UTC, patience=patience)
        with pytest.raises(Busy, match="is being saved all the time; nothing was written"):
            queue.edit(Complete(label="task-1", at=NOON))
        assert (len(tried), len(looked)) == (seconds + 1, seconds)

    @pytest.mark.parametrize(("many", "applied"), [(1, 1), (19, 1), (20, 2), (21, 2)])
    def test_what_is_appended_meanwhile_is_taken_along(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, many: int, applied: int) -> None:
        real, apply, tried, edits = shared.replace_guarded, edit.apply, list[bytes](), list[int]()

        def late(path: Path, expect: bytes, data: bytes, *, private: Path) -> bool:
            tried.append(data)
            if len(tried) <= many:
                with path.open("a") as saving:
                    saving.write(f"By hand {len(tried)}.\n")
                return False
            return real(path, expect, data, private=private)

        def counted(*arguments: Any) -> Document:
            edits.append(1)
            return apply(*arguments)

        monkeypatch.setattr(file, "replace_guarded", late)
        monkeypatch.setattr(file, "apply", counted)
        document = desk.queue.edit(Complete(label="task-1", at=NOON))
        text = desk.queue.path.read_text()
        assert document.data.decode() == text
        assert [text.count(f"By hand {n}.\n") for n in range(1, many + 1)] == [1] * many
        assert text.count("- [x] Task 1 - Completed:") == 1
        assert len(edits) == applied

    @pytest.mark.parametrize(("also", "done"), [(False, True), (True, False)])
    def test_what_somebody_saved_of_a_text_taken_back_is_done(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, also: bool, done: bool
    ) -> None:
        real, tried = shared.replace_guarded, list[bytes]()

        def taken_back(path: Path, expect: bytes, data: bytes, *, private: Path) -> bool:
            tried.append(data)
            if len(tried) > 1:
                return real(path, expect, data, private=private)
            path.write_bytes(data.replace(b"Dear", b"My"))  # what was read of ours, and saved
            if also:
                path.write_bytes(path.read_bytes().replace(b"[x] Task 2", b"[ ] Task 2"))
            desk.clock.now = path.stat().st_ctime_ns / 1e9 + 0.6
            return False

        monkeypatch.setattr(file, "replace_guarded", taken_back)
        operations: list[Operation] = [Add(task=NewTask(name="New", added=NOON)), Complete(label="task-2", at=NOON)]
        if done:
            assert b"] New" in desk.queue.edit(*operations).data
            assert len(tried) == 1
        else:
            with pytest.raises(BadInput, match="already"):
                desk.queue.edit(*operations)
        assert desk.queue.path.read_text().count("] New") == 1

    def test_late_saves_come_back_with_the_next_edit_and_with_a_look(self, desk: Desk) -> None:
        assert desk.queue.rescue() == ()
        assert not (desk.queue.root / ".autobuilds").exists()
        desk.queue.edit(Complete(label="task-1", at=NOON))
        for n in range(2):
            held = max((desk.queue.root / ".autobuilds/retired/BUILD_QUEUE.md").glob("*.held"))
            held.write_text(held.read_text() + f"Late {n}.\n")
            info = held.stat()
            os.utime(held, ns=(info.st_atime_ns, info.st_mtime_ns - 10**9))
            desk.clock.now = info.st_mtime
            if n:
                assert [one.how for one in desk.queue.rescue()] == ["late"]
            else:
                desk.queue.edit(Complete(label="task-2", at=NOON))
            assert f"Late {n}.\n" in desk.queue.path.read_text()

    @pytest.mark.parametrize("edited", [True, False])
    def test_a_stale_save_is_united_with_our_write(self, desk: Desk, edited: bool) -> None:
        desk.queue.edit(Add(task=NewTask(name="New", added=NOON, criteria=("it runs",))))
        desk.save(QUEUE + "By hand.\n")
        if edited:
            desk.queue.edit(Tick(label="new", n=1))
        else:
            assert [one.how for one in desk.queue.rescue()] == ["over"]
        text = desk.queue.path.read_text()
        assert "By hand.\n" in text and "] New" in text
        assert ("[x] it runs" in text) is edited

    def test_nothing_is_written_where_nothing_changes(self, desk: Desk) -> None:
        before = desk.queue.path.stat().st_ino
        document = desk.queue.edit()
        assert (document.data.decode(), desk.queue.path.stat().st_ino) == (QUEUE, before)
