"""The tools that a proof drives from outside: how each is told to add a task and to mark one, and where its data stands."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
#: Where the benchmark installs rivals, beside what stands on PATH.
PLACES = (REPOSITORY / ".rivals" / "bin", REPOSITORY / ".rivals" / "apt" / "root" / "usr" / "bin")
QUEUE = "# Queue\n\n## Active Queue\n\n## Task Details\n\n## Completed\n\n## Diary\n"


def program(*names: str) -> str | None:
    """Return the path of the first of these programs that is there, or None."""
    where = os.pathsep.join([os.environ.get("PATH", ""), *map(str, PLACES)])
    return next((found for name in names if (found := shutil.which(name, path=where))), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool: it is driven by argument lists alone; every call gets the folder and a name like `Tool a 1`."""

    name: str
    #: Makes an empty place for tasks in a folder.
    prepare: Callable[[Path], None]
    #: The one file that a person edits, within the folder.
    file: str
    #: Argument list that adds what is called so; exit status 0 promises that it is saved.
    add: Callable[[Path, str], list[str]]
    #: Argument list that changes something that stands there already, or None.
    mark: Callable[[Path, str], list[str]] | None = None
    #: A line as a person writes it; `By hand {n}.` stands in it.
    line: str = "By hand {n}."
    #: Files that hold data, as patterns within the folder.
    data: tuple[str, ...] = ("BUILD_QUEUE.md",)
    #: What keeps it from being tried here, or None.
    why_not: Callable[[], str | None] = lambda: None
    #: Source of a program that does the same in one process, for speed: gets folder, letter, seconds; prints `add NAME`, `mark NAME`.
    writer: str | None = None
    environment: tuple[tuple[str, str], ...] = ()

    def text(self, folder: Path) -> str:
        """Return all data."""
        return "\n".join(
            path.read_text(errors="replace") for pattern in self.data for path in sorted(folder.glob(pattern)) if path.is_file()
        )

    def variables(self, folder: Path) -> dict[str, str]:
        """Return the environment of a call; a home of its own."""
        given = {name: value.format(folder=folder) for name, value in self.environment}
        return {**os.environ, "HOME": str(folder / "home"), "NO_COLOR": "1", **given}


def _queue(folder: Path) -> None:
    (folder / "BUILD_QUEUE.md").write_text(QUEUE)


def _ours(folder: Path) -> None:
    import subprocess

    _queue(folder)
    (folder / ".gitignore").write_text(".autobuilds/\n.swap\n.away\nhome/\n")
    for argv in (["init", "-q"], ["config", "user.email", "a@b"], ["config", "user.name", "A"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *argv], cwd=folder, check=True, capture_output=True)


#: Adds a task, ticks its criterion, completes every second one.
_WRITER = """
import pathlib, sys, time
from datetime import UTC, datetime
from autobuilds.errors import Busy, NotSo
from autobuilds.store.queue.file import QueueFile
from autobuilds.store.queue.operations import Add, Complete, NewTask, Tick
root, letter, until = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
now = datetime(2026, 2, 7, 10, 30, tzinfo=UTC)
queue, n = QueueFile(root, UTC), 0
def told(verb, *operations):
    try:
        queue.edit(*operations)
    except (NotSo, Busy):
        print("refused", name, flush=True)
    else:
        print(verb, name, flush=True)
while time.time() < until or n < 2:
    n += 1
    name = f"Tool {letter} {n}"
    label = f"tool-{letter}-{n}"
    told("add", Add(task=NewTask(name=name, added=now, criteria=("done",))))
    told("tick", Tick(label=label, n=1))
    if n % 2:
        told("mark", Complete(label=label, at=now))
"""

#: The usual way: a lock, the whole file read, changed, written to another one and renamed.
_RENAMING = """
import fcntl, os, pathlib, sys, time
root, letter, until = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
path, n = root / "BUILD_QUEUE.md", 0
while time.time() < until:
    n += 1
    with open(root / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            text = path.read_text()
        except FileNotFoundError:
            continue
        time.sleep(0.005)
        other = root / "other"
        with other.open("w") as file:
            file.write(text.replace("## Task", f"- [ ] Tool {letter} {n}\\n\\n## Task", 1))
            file.flush()
            os.fsync(file.fileno())
        os.replace(other, path)
    print("add", f"Tool {letter} {n}", flush=True)
    time.sleep(0.005)
"""


def _cli(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "autobuilds", *words, "--workspace", str(folder)]


def _missing(*names: str) -> Callable[[], str | None]:
    return lambda: None if program(*names) else f"{names[0]} is not installed (python -m benchmarks installs rivals)"


def _taskwarrior(folder: Path) -> None:
    (folder / "taskrc").write_text(f"data.location={folder}/data\nconfirmation=no\nverbose=nothing\nhooks=off\n")
    (folder / "data").mkdir()
    entry = '[description:"Shared" entry:"1770000000" modified:"1770000000" status:"pending" uuid:"00000000-0000-4000-9000-000000000000"]\n'
    (folder / "data" / "pending.data").write_text(entry)


def _todo(folder: Path) -> None:
    names = {"TODO_DIR": folder, "TODO_FILE": folder / "todo.txt", "DONE_FILE": folder / "done.txt", "REPORT_FILE": folder / "report.txt"}
    (folder / "config").write_text("".join(f'export {name}="{value}"\n' for name, value in names.items()))
    (folder / "todo.txt").write_text("Shared\n")


_BACKLOG_TASK = """---
id: TASK-1
title: Shared
status: To Do
assignee: []
created_date: '2026-02-06 10:00'
labels: []
dependencies: []
---

## Description

Shared.

## Diary

"""


def _backlog(folder: Path) -> None:
    for name in ("tasks", "drafts", "completed", "docs", "decisions"):
        (folder / "backlog" / name).mkdir(parents=True)
    settings = 'project_name: "hammer"\ndefault_status: "To Do"\nstatuses: ["To Do", "In Progress", "Done"]\nlabels: []\n'
    (folder / "backlog" / "config.yml").write_text(
        settings + "filesystem_only: true\nremote_operations: false\nauto_commit: false\ncheck_active_branches: false\n"
    )
    (folder / "backlog" / "tasks" / "task-1 - Shared.md").write_text(_BACKLOG_TASK)


def _letter(name: str) -> str:
    return chr(ord("A") + int(name.split()[-1]) % 26)


_HAND_TASK = '[description:"By hand {n}." entry:"1770000000" status:"pending" uuid:"00000000-0000-4000-8000-{n:012d}"]'

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            name="autobuilds",
            prepare=_queue,
            file="BUILD_QUEUE.md",
            add=lambda folder, name: _cli(folder, "add", name),
            mark=lambda folder, name: _cli(folder, "set", name.lower().replace(" ", "-"), "priority", "low"),
            writer=_WRITER,
        ),
        Tool(
            name="autobuilds-cli",
            prepare=_ours,
            file="BUILD_QUEUE.md",
            add=lambda folder, name: _cli(folder, "add", name),
            mark=lambda folder, name: _cli(folder, "set", name.lower().replace(" ", "-"), "priority", "low"),
        ),
        Tool(name="lock-and-rename", prepare=_queue, file="BUILD_QUEUE.md", add=lambda *_: [], writer=_RENAMING),
        Tool(
            name="backlog",
            prepare=_backlog,
            file="backlog/tasks/task-1 - Shared.md",
            add=lambda _, name: [str(program("backlog")), "task", "edit", "1", "--ac", name, "--plain"],
            data=("backlog/**/*.md",),
            why_not=_missing("backlog"),
        ),
        Tool(
            name="taskwarrior",
            prepare=_taskwarrior,
            file="data/pending.data",
            add=lambda _, name: [str(program("task")), "add", name],
            mark=lambda _, name: [str(program("task")), "00000000-0000-4000-9000-000000000000", "modify", "+" + name.replace(" ", "")],
            line=_HAND_TASK,
            data=("data/pending.data", "data/completed.data"),
            why_not=_missing("task"),
            environment=(("TASKRC", "{folder}/taskrc"), ("TASKDATA", "{folder}/data")),
        ),
        Tool(
            name="todo.txt",
            prepare=_todo,
            file="todo.txt",
            add=lambda folder, name: [str(program("todo.sh", "todo-txt")), "-d", str(folder / "config"), "add", name],
            mark=lambda folder, name: [str(program("todo.sh", "todo-txt")), "-d", str(folder / "config"), "pri", "1", _letter(name)],
            data=("todo.txt", "done.txt"),
            why_not=_missing("todo.sh", "todo-txt"),
        ),
    )
}
