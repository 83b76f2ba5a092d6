"""Commands at one time, as real processes, beside a person with an editor: every edit is there, and the history is whole."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.store.queue.file import QueueFile
from tests.cli.conftest import HEARTBEAT
from tests.conftest import git
from tests.store.queue.test_edit_hammer import PERSON, weary
from tests.store.queue.test_edit_sweep import ZONE

#: The most that may be impossible at the moment: the command says so with 3, and nothing is lost.
DONE, NOT_NOW = 0, 3
#: Seconds for which the person is kept waiting at most, between look and save and with the file emptied.
LONGEST = "0.5"
#: One worker: adds tasks and sets a field of each, a process for each command, and prints what it was told is done.
WORKER = """
import subprocess, sys
root, name, tasks = sys.argv[1], sys.argv[2], int(sys.argv[3])
def call(*args):
    done = subprocess.run([sys.executable, "-m", "autobuilds", *args, "--workspace", root], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    print(done.returncode, *args[:2], (done.stderr.strip() or "-").splitlines()[-1] if done.returncode else "-", sep="\\t", flush=True)
    return done.returncode == 0
for n in range(1, tasks + 1):
    if call("add", f"Worker {name} task {n}", "--time", "1h"):
        call("set", f"worker-{name}-task-{n}", "priority", "low")
"""
QUEUE = "# Queue\n\n## Active Queue\n\n## Task Details\n\n## Completed\n\n## Diary\n"


def _work(root: Path, workers: int, tasks: int) -> tuple[list[list[str]], list[str]]:
    """Let workers and a person work at one time; return what the workers' commands answered, and what the person saved."""
    until = str(time.time() + 3600)
    person = subprocess.Popen([sys.executable, "-c", PERSON, str(root), until, LONGEST], stdout=subprocess.PIPE, text=True)
    assert person.stdout is not None
    first = person.stdout.readline()  # however slow the machine is: from here on they work at one time
    running = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(root), str(n), str(tasks)], stdout=subprocess.PIPE, text=True)
        for n in range(workers)
    ]
    with weary(person, 2.0 * tasks + 3.0):
        answers = [process.communicate(timeout=240 + 20 * tasks)[0] for process in running]
    saved = [first.rstrip(), *person.communicate(timeout=60)[0].splitlines()]
    assert person.returncode == 0
    return [line.split("\t") for out in answers for line in out.splitlines()], saved


def _settled(root: Path) -> None:
    """Run heartbeats that start nothing until no late save comes any more and everything is committed."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        done = subprocess.run(
            [sys.executable, "-m", "autobuilds", "heartbeat", "--monitor", "--workspace", str(root)], capture_output=True, check=False
        )
        if done.returncode == 0 and not QueueFile(root, ZONE).rescue() and git(root, "status", "--porcelain") == "":
            return
        time.sleep(0.1)
    raise AssertionError(git(root, "status", "--porcelain") + done.stderr.decode())


def _together(root: Path, workers: int, tasks: int) -> None:
    told, saved = _work(root, workers, tasks)
    # Where the person's old text stands for a moment, `set` finds no task and says so (1); at the end the task must be there.
    unseen = [answer for answer in told if answer[:2] == ["1", "set"] and "there is no task" in answer[3]]
    wrong = [answer for answer in told if int(answer[0]) not in {DONE, NOT_NOW} and answer not in unseen]
    assert wrong == []
    _settled(root)
    document = QueueFile(root, ZONE).read()
    found = {task.label: task for task in document.queue.tasks}
    lost = [
        (verb, which)
        for status, verb, which, _ in told
        if int(status) == DONE
        for task in [found.get(which.lower().replace(" ", "-"))]
        if task is None or (verb == "set" and task.priority.value != "low")
    ]
    assert lost == []
    lines = (root / "BUILD_QUEUE.md").read_text().splitlines()
    assert [line for line in saved if line not in lines] == []
    assert saved
    assert sum(int(answer[0]) == DONE for answer in told) >= workers * tasks
    assert git(root, "fsck", "--strict", "--no-dangling") == ""
    assert git(root, "rev-list", "--merges", "--count", "HEAD") == "0"
    assert git(root, "show", "HEAD:BUILD_QUEUE.md") == (root / "BUILD_QUEUE.md").read_text().rstrip("\n")
    added = git(root, "log", "--format=%(trailers:key=Event,valueonly,separator=%x2C)").split("\n")
    assert added.count("added") == sum(answer[1] == "add" and int(answer[0]) == DONE for answer in told)
    assert list((root / ".autobuilds").glob("outbox/*")) == []


@pytest.fixture
def workspace(make_repo: Callable[..., Path]) -> Path:
    ignored = ".autobuilds/\n.swap\n.away\n"
    return make_repo({"BUILD_QUEUE.md": QUEUE, "HEARTBEAT.md": HEARTBEAT, ".gitignore": ignored}, name="together")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_commands_at_one_time_beside_a_person_lose_nothing(workspace: Path) -> None:
    _together(workspace, workers=3, tasks=1)


def test_no_command_believes_a_file_that_is_being_saved(workspace: Path) -> None:
    """A person empties and writes the file again and again, and leaves it empty for a third of the time."""
    full = "# Queue\n\n## Active Queue\n- [ ] Task 1 - Added: 2026-02-06 15:00 - Priority: High\n\n## Completed\n"
    path = workspace / "BUILD_QUEUE.md"
    path.write_text(full)
    git(workspace, "commit", "-aqm", "a task")
    saving = threading.Event()

    def save() -> None:
        while not saving.wait(0.2):
            with path.open("w") as file:
                time.sleep(0.1)
                file.write(full)

    person = threading.Thread(target=save)
    person.start()
    try:
        for command in (["list", "--json"], ["check"], ["why"], ["status", "--json"], ["heartbeat", "--monitor"]):
            done = subprocess.run(
                [sys.executable, "-m", "autobuilds", *command, "--workspace", str(workspace)],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            assert "held tasks" not in done.stdout + done.stderr
            assert "task-1" in done.stdout or command[0] in {"check", "heartbeat"}, done.stderr
    finally:
        saving.set()
        person.join()
    assert path.read_text() == full
    assert all("## Active" in git(workspace, "show", f"{sha}:BUILD_QUEUE.md") for sha in git(workspace, "rev-list", "HEAD").split())


@pytest.mark.long
@pytest.mark.timeout(600)
def test_eight_commands_at_one_time_for_longer(workspace: Path) -> None:
    _together(workspace, workers=8, tasks=6)
