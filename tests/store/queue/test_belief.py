"""Half a save is not believed: every reading waits until the file was left alone, and the edits of people kept waiting are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobuilds.errors import BadInput, FatalQueue, NotSo
from autobuilds.store.files import exchange as swapping
from autobuilds.store.files import shared
from autobuilds.store.files.merge import appended
from autobuilds.store.queue import file
from autobuilds.store.queue.belief import BIG_LOSS, LOSS
from autobuilds.store.queue.edit import apply
from autobuilds.store.queue.file import QueueFile
from autobuilds.store.queue.operations import Add, Complete, NewTask, Tick
from tests.store.queue.test_edit_hammer import PERSON

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

NOW = datetime(2026, 2, 7, 10, 30, tzinfo=UTC)
TASKS = "".join(f"- [ ] Task {n} - Priority: High\n" for n in range(10))
QUEUE = f"---\nowner: Olive\n---\n# Queue\n\n## Active Queue\n{TASKS}\n## Completed\n\n## Diary\n"


@pytest.fixture
def queue(tmp_path: Path) -> QueueFile:
    (tmp_path / "BUILD_QUEUE.md").write_text(QUEUE)
    return QueueFile(tmp_path, UTC, committed=QUEUE.encode)


def labels(queue: QueueFile) -> set[str]:
    return {task.label for task in queue.read().queue.tasks}


ALL = {f"task-{n}" for n in range(10)}
HALVES = {
    "emptied": "",
    "cut in the middle": QUEUE[: len(QUEUE) // 2],
    "cut in a word": QUEUE[:-40],
    "cut after a line": QUEUE[:-9],
    "no front matter": QUEUE[26:],
    "one task less": QUEUE.replace("- [ ] Task 4 - Priority: High\n", ""),
    "in conflict": QUEUE + "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n",
    "not text": QUEUE + "\0",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=list(HALVES))
def test_half_a_save_is_read_again_until_it_is_whole(queue: QueueFile, half: str) -> None:
    queue.path.write_text(half)
    saved = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(labels, queue)
        time.sleep(LOSS / 2)
        early = reading.done()
        late = time.monotonic() - saved >= LOSS  # a busy machine left us alone for so long
        assert late or not early
        queue.path.write_text(QUEUE + "By hand.\n")
        assert late or reading.result(timeout=10) == ALL


def test_what_a_person_deleted_is_believed_after_a_moment(queue: QueueFile) -> None:
    queue.path.write_text("# Queue\n\n## Active Queue\n- [ ] Task 1\n")
    began = time.monotonic()
    assert labels(queue) == {"task-1"}
    assert time.monotonic() - began >= BIG_LOSS - 0.2
    began = time.monotonic()
    assert labels(queue) == {"task-1"}
    assert time.monotonic() - began < LOSS


def test_what_is_as_bad_for_long_is_meant_so_however_often_it_is_saved(queue: QueueFile) -> None:
    until = time.monotonic() + 30
    with ThreadPoolExecutor(1) as pool:
        n = 0
        queue.path.write_text("## Active Queue\n- [ ] Task 1\n")
        reading = pool.submit(labels, queue)
        while not reading.done() and time.monotonic() < until:
            n += 1
            queue.path.write_text(f"## Active Queue\n- [ ] Task 1\n\n## Diary\n{n}\n")
            time.sleep(0.1)
        assert reading.result(timeout=1) == {"task-1"}


def test_an_emptied_file_can_not_be_trusted(queue: QueueFile) -> None:
    queue.path.write_text("")
    assert queue.read().queue.fatal
    with pytest.raises(FatalQueue, match="restore it from Git"):
        queue.edit(Add(task=NewTask(name="New", added=NOW)))
    assert queue.path.read_text() == ""


def test_nothing_is_waited_for_where_nothing_is_missing(queue: QueueFile) -> None:
    for text in (QUEUE, QUEUE + "By hand.\n", QUEUE.replace("Priority: High", "Priority: Low"), QUEUE.replace("[ ] Task 3", "[x] Task 3")):
        queue.path.write_text(text)
        began = time.monotonic()
        assert labels(queue) == ALL
        assert time.monotonic() - began < LOSS


def test_our_own_write_is_believed_at_once_whatever_is_committed(queue: QueueFile) -> None:
    queue.path.write_text("## Active Queue\n- [ ] Task 1\n")
    queue.edit(Complete(label="task-1", at=NOW))
    began = time.monotonic()
    assert labels(queue) == {"task-1"}
    assert time.monotonic() - began < LOSS


def test_a_file_moved_away_for_a_moment_is_waited_for(queue: QueueFile) -> None:
    queue.edit(Complete(label="task-1", at=NOW))
    away = queue.path.with_name("away")
    queue.path.rename(away)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(labels, queue)
        time.sleep(0.1)
        away.rename(queue.path)
        assert reading.result(timeout=10) == ALL
    queue.path.unlink()
    with pytest.raises(BadInput, match="there is no file"):
        queue.read()


@pytest.fixture
def person(queue: QueueFile) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a person who saves once, in a given way, and stops wherever a busy machine may keep them waiting."""
    started: list[subprocess.Popen[str]] = []

    def start(way: str) -> subprocess.Popen[str]:
        code = PERSON.replace("while time.time() < until:", "while n < 1:")
        command = [sys.executable, "-c", code, str(queue.root), "0", "stop", way]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def stopped(process: subprocess.Popen[str]) -> bool:
    """Wait until the process stops itself, and return True, or until it ended, and return False."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state in "TZ":
            return state == "T"
        time.sleep(0.002)
    raise AssertionError("the person neither stopped nor ended")


def go_on(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGCONT)
    time.sleep(0.02)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells that a process is stopped")
@pytest.mark.parametrize("way", ["in_place", "rename", "moved"])
@pytest.mark.parametrize("writes", [1, 3, 10])
def test_a_person_kept_waiting_between_look_and_save(
    queue: QueueFile, person: Callable[[str], subprocess.Popen[str]], way: str, writes: int
) -> None:
    """The tool writes while the person is stopped; then the person saves a buffer that knows nothing of it."""
    editor = person(way)
    assert stopped(editor)
    for n in range(writes):
        queue.edit(Add(task=NewTask(name=f"New {n}", added=NOW, criteria=("done",))), Tick(label=f"new-{n}", n=1))
    while stopped_again(editor):
        pass
    queue.edit(Complete(label="task-9", at=NOW))
    tasks = {task.label: task for task in queue.read().queue.tasks}
    assert set(tasks) == ALL | {f"new-{n}" for n in range(writes)}
    assert all(tasks[f"new-{n}"].criteria[0].checked for n in range(writes))
    assert not tasks["task-9"].is_active
    assert "By hand 1." in queue.path.read_text().splitlines()


def stopped_again(process: subprocess.Popen[str]) -> bool:
    """Let a stopped person go on; return whether they stopped once more."""
    go_on(process)
    return stopped(process)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells that a process is stopped")
def test_a_person_kept_waiting_in_the_middle_of_a_save(queue: QueueFile, person: Callable[[str], subprocess.Popen[str]]) -> None:
    """The file is empty, then lacks the last line, while readers and an edit look at it."""
    editor = person("in_place")
    assert stopped(editor)
    queue.edit(Add(task=NewTask(name="New", added=NOW)))
    with ThreadPoolExecutor(2) as pool:
        go_on(editor)
        assert stopped(editor)
        assert queue.path.read_text() == ""
        reading = pool.submit(labels, queue)
        edit = pool.submit(queue.edit, Add(task=NewTask(name="Newer", added=NOW)))
        time.sleep(0.2)
        assert not reading.done() and not edit.done()
        go_on(editor)
        assert stopped(editor)
        assert queue.path.read_text().startswith("---")
        time.sleep(0.2)
        go_on(editor)
        assert not stopped(editor)
        assert reading.result(timeout=20) >= ALL
        edit.result(timeout=20)
    queue.rescue()
    assert labels(queue) == ALL | {"new", "newer"}
    assert "By hand 1." in queue.path.read_text().splitlines()


def test_a_task_of_ours_that_a_half_saved_old_buffer_lacks_is_waited_for(queue: QueueFile) -> None:
    """An editor that began before our write has written its buffer, and is kept waiting before the last line."""
    queue.edit(Add(task=NewTask(name="New", added=NOW, criteria=("done",))))
    queue.path.write_text(QUEUE)
    with ThreadPoolExecutor(1) as pool:
        edit = pool.submit(queue.edit, Tick(label="new", n=1))
        time.sleep(2 * LOSS)
        assert not edit.done()
        with queue.path.open("a") as file:
            file.write("By hand.\n")
        edit.result(timeout=20)
    queue.rescue()
    tasks = {task.label: task for task in queue.read().queue.tasks}
    assert tasks["new"].criteria[0].checked
    assert "By hand." in queue.path.read_text().splitlines()


def test_what_is_appended_meanwhile_is_taken_along(queue: QueueFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person appends lines while the tool writes: what was tried is not tried again."""
    tried: list[int] = []
    real, swap = apply, swapping.exchange

    def counted(*arguments: Any) -> Any:
        tried.append(1)
        return real(*arguments)

    def late(one: Path, other: Path) -> None:
        if len(list(queue.path.read_text().split("By hand"))) < 4 and one.suffix == ".held":
            with queue.path.open("a") as saving:
                saving.write("By hand.\n")
        swap(one, other)

    with monkeypatch.context() as patched:
        patched.setattr(file, "apply", counted)
        patched.setattr(shared, "exchange", late)
        document = queue.edit(Add(task=NewTask(name="New", added=NOW)))
    text = queue.path.read_text()
    assert tried == [1]
    assert text.count("By hand.\n") == 3
    assert document.data.decode() == text
    assert labels(queue) == ALL | {"new"}
    queue.rescue()
    assert queue.path.read_text() == text


def test_what_somebody_saved_of_a_text_that_was_taken_back_is_done(queue: QueueFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save lands right before the exchange; somebody reads ours before it is given back, and saves it."""
    swap, seen = swapping.exchange, list[str]()

    def late(one: Path, other: Path) -> None:
        if not seen:
            queue.path.write_text(QUEUE.replace("Task 3 ", "Task 3a "))
        elif len(seen) == 1:
            swap(one, other)
            queue.path.write_text(seen[0] + "By hand.\n")
            seen.append("")
            return
        swap(one, other)
        seen.append(queue.path.read_text())

    with monkeypatch.context() as patched:
        patched.setattr(shared, "exchange", late)
        queue.edit(Add(task=NewTask(name="New", added=NOW)))
    assert queue.path.read_text().count("] New") == 1
    assert "By hand." in queue.path.read_text()


@pytest.mark.parametrize("more", ["- [ ] Task 1\n", "half a line", "===\n", "```\n", "## Active Queue\n", "1. a\n", "\n"])
def test_what_might_mean_something_is_tried_anew(more: str) -> None:
    old, ours = QUEUE.encode(), QUEUE.replace("[ ] Task 3", "[x] Task 3").encode()
    assert appended(old, ours, old + b"A remark.\n") == b"A remark.\n"
    assert appended(old, ours, old + more.encode()) is None
    assert appended(old, ours + b"at the end\n", old + b"A remark.\n") is None
    assert appended(old, ours, b"A remark.\n" + old) is None


def test_a_task_of_ours_that_is_taken_out_is_refused_after_a_while(queue: QueueFile) -> None:
    queue.edit(Add(task=NewTask(name="New", added=NOW)))
    queue.path.write_text(QUEUE)
    with pytest.raises(NotSo, match="there is no task"):
        queue.edit(Complete(label="new", at=NOW))
    assert queue.path.read_text() == QUEUE


@pytest.mark.parametrize("back", range(1, 11))
def test_an_old_buffer_with_a_hand_edit_reopens_nothing(queue: QueueFile, back: int) -> None:
    """What the tool completed stays completed when any of the last ten versions is saved over it, an hour later too."""
    versions = [queue.path.read_text()]
    for n in range(10):
        queue.edit(Complete(label=f"task-{n}", at=NOW))
        versions.append(queue.path.read_text())
    folder = queue.root / ".autobuilds/retired/BUILD_QUEUE.md"
    for path in folder.glob("*.held"):
        at = path.name.partition("-")[0]
        path.rename(path.with_name(path.name.replace(at, str(int(at) - 3600 * 10**9))))
    queue.path.write_text(versions[-1 - back] + "By hand.\n")
    assert [rescued.how for rescued in queue.rescue()] == ["over"]
    assert queue.path.read_text() == versions[-1] + "By hand.\n"
