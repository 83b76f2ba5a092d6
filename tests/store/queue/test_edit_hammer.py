"""Three tool writers beside a person with an editor, as real processes: nobody's edit is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autobuilds.store.queue.file import QueueFile
from tests.store.queue.test_edit_sweep import ZONE

#: A tool: adds a task, ticks its criterion, completes every second one; prints what it was told is done.
TOOL = """
import pathlib, sys, time
from datetime import datetime
from zoneinfo import ZoneInfo
from autobuilds.errors import Busy, NotSo
from autobuilds.store.queue.file import QueueFile
from autobuilds.store.queue.operations import Add, Complete, NewTask, Tick
root, name, until, zone = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), ZoneInfo("America/Chicago")
now = datetime(2026, 2, 7, 10, 30, tzinfo=zone)
queue = QueueFile(root, zone)
n = 0
while time.time() < until or n < 2:
    n += 1
    label = f"tool-{name}-{n}"
    try:
        queue.edit(Add(task=NewTask(name=f"Tool {name} {n}", added=now, criteria=("done",))))
    except Busy:
        continue  # no quiet moment in a minute: told, and nothing is written
    print("add", label, flush=True)
    try:
        queue.edit(Tick(label=label, n=1))
        print("tick", label, flush=True)
        if n % 2:
            queue.edit(Complete(label=label, at=now))
            print("complete", label, flush=True)
    except (Busy, NotSo):
        # Where the person's old text stands for a moment, that is the truth of the moment; at the end the task must be there.
        print("refused", label, flush=True)
"""

#: A tool that does the usual thing: the whole file read, changed, written to another and renamed, under a lock.
NAIVE = """
import os, pathlib, sys, time
from autobuilds.store.files import Lock
root, name, until = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
path = root / "BUILD_QUEUE.md"
n = 0
while time.time() < until:
    n += 1
    with Lock(root / "naive.lock", wait=10):
        try:
            text = path.read_text()
        except FileNotFoundError:
            continue  # an editor with backups has just moved it away
        time.sleep(0.005)
        other = root / "other"
        other.write_text(text.replace("## Task", f"- [ ] Tool {name} {n}\\n\\n## Task", 1))
        os.replace(other, path)
    time.sleep(0.005)
"""

#: A person: saves in six ways, each as editors and shells do it, and prints every line that was saved. With a third
#: argument, seconds, it is kept waiting that long at most between its look at the file and its save, as on a busy machine,
#: or for as long as it takes until it is woken (`stop`); and a moment between emptying the file and writing it.
PERSON = (Path(__file__).parents[2] / "proofs" / "_editor.py").read_text()

START = "# Queue\n\n## Active Queue\n\n## Task Details\n\n## Completed\n\n## Diary\n"


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep the machine busy meanwhile, so that whoever works on the file is interrupted anywhere and for long."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def _run(root: Path, tool: str, seconds: float, longest: str = "") -> tuple[list[str], list[str]]:
    """Let three tools and a person work on the same file; return what the tools and what the person were told is saved."""
    (root / "BUILD_QUEUE.md").write_text(START)
    person = started(PERSON, root, str(time.time() + 3600), longest)
    assert person.stdout is not None
    first = person.stdout.readline()  # however slow the machine is: from here on they work at one time
    until = str(time.time() + seconds)
    tools = [started(tool, root, name, until) for name in "abc"]
    with weary(person, seconds + 10):
        answers = [process.communicate(timeout=seconds + 240) for process in tools]
    answers.append(person.communicate(timeout=60))
    assert [(process.returncode, answer[1]) for process, answer in zip([*tools, person], answers, strict=True)] == [(0, "")] * 4
    return [line for out, _ in answers[:3] for line in out.splitlines()], [first.rstrip(), *answers[3][0].splitlines()]


@contextmanager
def weary(person: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    """Let a person end when what is done meanwhile is done, but not later than after so many seconds: the tool must get on."""
    asked = threading.Lock()

    def ask() -> None:
        if asked.acquire(blocking=False):  # once: asked again while it ends, a process dies of it
            person.terminate()

    end = threading.Timer(seconds, ask)
    end.start()
    try:
        yield
    finally:
        end.cancel()
        ask()


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program of ours."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _settle(root: Path) -> None:
    """Run rescues as the next heartbeats would, until nothing more comes."""
    deadline = time.monotonic() + 10
    quiet = 0
    while quiet < 3 and time.monotonic() < deadline:
        quiet = 0 if QueueFile(root, ZONE).rescue() else quiet + 1
        time.sleep(0.12)


def hammer(root: Path, seconds: float, longest: str = "") -> tuple[int, int]:
    """Let them work for some seconds and look that nothing is lost; return how often the tools and the person saved."""
    told, saved = _run(root, TOOL, seconds, longest)
    _settle(root)
    document = QueueFile(root, ZONE).read()
    lines = (root / "BUILD_QUEUE.md").read_text().splitlines()
    assert [line for line in saved if line not in lines] == []
    tasks = {task.label: task for task in document.queue.tasks}
    lost = []
    for line in told:
        what, label = line.split()
        task = tasks.get(label)
        kept = task is not None and (what in {"add", "refused"} or (task.criteria[0].checked if what == "tick" else not task.is_active))
        lost += [] if kept else [line]
    assert lost == []
    assert sorted(path.name for path in root.iterdir()) == [".autobuilds", "BUILD_QUEUE.md"]
    return len(told), len(saved)


@pytest.mark.slow
def test_three_tools_and_a_person_lose_nothing(tmp_path: Path) -> None:
    tool, person = hammer(tmp_path, 4.0)
    assert tool >= 6
    assert person >= 3


@pytest.mark.long
def test_three_tools_and_a_person_lose_nothing_for_longer(tmp_path: Path) -> None:
    tool, person = hammer(tmp_path, 60.0)
    assert tool >= 10
    assert person >= 50


@pytest.mark.long
def test_a_person_who_is_kept_waiting_loses_nothing_and_undoes_nothing(tmp_path: Path) -> None:
    with busy(2):
        tool, person = hammer(tmp_path, 45.0, longest="1.0")
    assert tool >= 5
    assert person >= 10


@pytest.mark.slow
def test_the_hammer_finds_a_writer_that_loses_edits(tmp_path: Path) -> None:
    _, saved = _run(tmp_path, NAIVE, 2.0)
    lines = (tmp_path / "BUILD_QUEUE.md").read_text().splitlines()
    assert [line for line in saved if line not in lines] != []


def test_eight_edits_at_once_are_all_there(tmp_path: Path) -> None:
    (tmp_path / "BUILD_QUEUE.md").write_text(START)
    code = (
        "import pathlib, sys\nfrom datetime import UTC\nfrom autobuilds.store.queue.file import QueueFile\n"
        "from autobuilds.store.queue.operations import Add, NewTask\n"
        "for n in range(5): QueueFile(pathlib.Path(sys.argv[1]), UTC).edit(Add(task=NewTask(name=f'Task {sys.argv[2]} {n}')))"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)]) for n in range(8)]
    assert [process.wait(timeout=60) for process in running] == [0] * 8
    assert len(QueueFile(tmp_path, ZONE).read().queue.active) == 40
