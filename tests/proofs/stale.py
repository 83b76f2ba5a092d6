"""Each of the last ten versions saved over the tool's marks, as editors save, with and without a hand edit in it.

Nothing that the tool marked as done may look open again, so that it would be built again, and no hand edit may be lost.
A version that is saved exactly as it was is a return to it (an undo, `git checkout`), and has to stay.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

from autobuilds.domain.model import Task
from autobuilds.store.queue.file import QueueFile
from autobuilds.store.queue.operations import Add, Complete, NewTask, Tick
from autobuilds.store.queue.reader import read_queue
from tests.proofs.figures import Figures, Options

_NOW = datetime(2026, 2, 7, 10, 30, tzinfo=UTC)
_TASKS = 12
_SAMPLE = 60
#: Seconds since our last write.
_AGES = (0, 15, 60, 3600, 20 * 3600)
_START = (
    "# Queue\n\nWords of the owner.\n\n## Active Queue\n"
    + "".join(f"- [ ] Task {n} - Added: 2026-02-06 15:{n:02} - Priority: High\n" for n in range(_TASKS))
    + "\n## Task Details\n\n"
    + "".join(f"### Task {n}\n- **Completion Criteria:**\n  - [ ] part {n} works\n\n" for n in range(0, _TASKS, 2))
    + "## Completed\n\n## Diary\nA remark.\n"
)

#: What a person changes in the buffer; each leaves `BYHAND` where it was made, but the first.
EDITS: dict[str, Callable[[str], str]] = {
    "nothing": lambda text: text,
    "a line at the end": lambda text: text + "BYHAND wrote this.\n",
    "a line in the middle": lambda text: text.replace("Words of the owner.\n", "Words of the owner.\nBYHAND wrote this.\n"),
    "a task": lambda text: text.replace("\n## Task Details", "- [ ] BYHAND task - Priority: Low\n\n## Task Details", 1),
    "a word of a task that is open": lambda text: text.replace("] Task 11 -", "] Task 11 - Notes: BYHAND -", 1),
    "a word of the prose": lambda text: text.replace("A remark.", "A remark BYHAND."),
    "a line instead of another": lambda text: text.replace("A remark.\n", "BYHAND wrote this.\n"),
    "a word of every task that is open": lambda text: re.sub(r"(?m)^(- \[ \] Task \d+ -)", r"\1 Notes: BYHAND -", text),
    "another priority of every task": lambda text: text.replace("Priority: High", "Priority: Low - Notes: BYHAND"),
    "search and replace in the details": lambda text: text.replace(" works", " BYHAND works"),
    "six places": lambda text: _many(text),
    "two places": lambda text: text.replace("Words of", "Words BYHAND of") + "BYHAND again.\n",
}


def _many(text: str) -> str:
    for name in (
        "a line in the middle",
        "a task",
        "a word of a task that is open",
        "a word of the prose",
        "search and replace in the details",
    ):
        text = EDITS[name](text)
    return text + "BYHAND again.\n"


def in_place(path: Path, text: str, act: Callable[[], None]) -> None:
    """Save into the file, as most editors do."""
    path.write_text(text)
    act()


def rename(path: Path, text: str, act: Callable[[], None]) -> None:
    """Save by another file that takes its place, as vim does."""
    other = path.with_name(".swap")
    other.write_text(text)
    other.replace(path)
    act()


def moved(path: Path, text: str, act: Callable[[], None]) -> None:
    """Save with a backup: the file is moved away and written anew."""
    away = path.with_name(".away")
    path.replace(away)
    path.write_text(text)
    away.unlink()
    act()


def displaced(path: Path, text: str, act: Callable[[], None]) -> None:
    """Open the file, and save into it when the tool has put another in its place."""
    with path.open("r+", newline="") as file:
        act()
        file.truncate(0)
        file.write(text)


WAYS = (in_place, rename, moved, displaced)


class Case(NamedTuple):
    """One save of an old buffer."""

    back: int
    edit: str
    way: Callable[[Path, str, Callable[[], None]], None]
    age: int
    #: Whether the tool edits something next, or only looks.
    writes: bool

    def __str__(self) -> str:
        return f"{self.back} back, {self.edit}, {self.way.__name__}, {self.age} s, {'an edit' if self.writes else 'a look'} next"


def cases() -> Iterator[Case]:
    """Yield every case."""
    for back, edit, way, age, writes in itertools.product(range(1, 11), EDITS, WAYS, _AGES, (False, True)):
        yield Case(back, edit, way, age, writes)


def desk(folder: Path) -> list[str]:
    """Let the tool work on a queue, ten writes: completed, ticked, added; return every version, the oldest first."""
    folder.mkdir()
    path, queue = folder / "BUILD_QUEUE.md", QueueFile(folder, UTC)
    path.write_text(_START)
    versions = [_START]
    operations: list[Complete | Tick | Add] = []
    for n in range(_TASKS - 2):
        if n % 5 == 3:
            operations.append(Add(task=NewTask(name=f"New {n}", added=_NOW)))
        else:
            operations.append(Tick(label=f"task-{n}", n=1) if n % 4 == 2 else Complete(label=f"task-{n}", at=_NOW, insist=True))
    for operation in operations:
        queue.edit(operation)
        versions.append(path.read_text())
    return versions


def _aged(folder: Path, seconds: int) -> None:
    """Let every write of the tool look that much older."""
    for path in (folder / ".autobuilds" / "retired" / "BUILD_QUEUE.md").iterdir():
        at, _, rest = path.name.partition("-")
        if path.suffix in {".held", ".owed"}:
            path.rename(path.with_name(f"{int(at) - seconds * 10**9}-{rest}"))
        elif path.suffix in {".stale", ".judged"}:
            path.unlink()


def _settled(folder: Path) -> None:
    """Let what was displaced count as saved to its end."""
    for path in (folder / ".autobuilds" / "retired" / "BUILD_QUEUE.md").glob("*.held"):
        info = path.stat()
        if time.time() - info.st_mtime < 1:
            os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns - 10**9))


def faults_of(case: Case, template: Path, folder: Path, versions: list[str]) -> list[str]:
    """Return what went wrong in one case."""
    shutil.copytree(template, folder)
    _aged(folder, case.age)
    path, queue = folder / "BUILD_QUEUE.md", QueueFile(folder, UTC)
    text = EDITS[case.edit](versions[-1 - case.back])

    def act() -> None:
        if case.way is displaced:
            queue.edit(Add(task=NewTask(name="Meanwhile", added=_NOW)))

    case.way(path, text, act)
    if case.way is displaced:
        _settled(folder)
    if case.writes:
        queue.edit(Add(task=NewTask(name="Next", added=_NOW)))
    queue.rescue()
    found = path.read_text()
    faults = [] if text.count("BYHAND") <= found.count("BYHAND") else ["a hand edit is lost"]
    if case.edit == "nothing" and case.way is not displaced:
        kept = found == text if not case.writes else set(text.split("\n")) <= set(found.split("\n"))
        return [*faults, *([] if kept else ["a return to an older text is undone"])]
    after = {task.label: task for task in read_queue(found.encode(), zone=UTC).queue.tasks}
    ours = {task.label: task for task in read_queue(versions[-1].encode(), zone=UTC).queue.tasks}
    lacked = {task.label: task for task in read_queue(versions[-1 - case.back].encode(), zone=UTC).queue.tasks}
    marked = any(_open(lacked.get(label), task) for label, task in ours.items())
    for label, task in ours.items():
        if label not in after:
            # What was only added may be taken for deleted by hand, after a while: decision 0151.
            if label in lacked or marked or case.age < 20:
                faults.append(f"{label} is gone")
        elif _open(after[label], task):
            faults.append(f"{label} looks open again and would be built again")
    if case.writes and "next" not in after:
        faults.append("the tool's next edit is lost")
    return faults


def _open(now: Task | None, ours: Task) -> bool:
    """Whether a task lacks a mark of work that ours has."""
    if now is None:
        return False
    ticked, still = ({one.text.replace("BYHAND ", "") for one in task.criteria if one.checked} for task in (ours, now))
    ticked -= still
    return (not ours.is_active and now.is_active) or bool(ticked)


def run(options: Options) -> Figures:
    """Run all cases, or a sample of them."""
    figures = Figures(proof="stale")
    chosen = list(cases())
    if not options.full:
        chosen = Random(options.seed).sample(chosen, _SAMPLE)
    template = options.folder / "template"
    versions = desk(template)
    wrong: list[str] = []
    for number, case in enumerate(chosen):
        folder = options.folder / "case"
        wrong += [f"{case}: {fault}" for fault in faults_of(case, template, folder, versions)]
        shutil.rmtree(folder)
        if number % 500 == 499:
            options.say(f"{number + 1} of {len(chosen)} saves, {len(wrong)} faults")
    figures.count("saves of old buffers", len(chosen), least=3_000 if options.full else _SAMPLE)
    figures.count("of them with a hand edit", sum(case.edit != "nothing" for case in chosen))
    figures.count("hand edits lost", sum("hand edit is lost" in fault for fault in wrong), least=0, most=0)
    figures.count("tasks that would be built again", sum("built again" in fault for fault in wrong), least=0, most=0)
    figures.count("other faults", sum("lost" not in fault and "built again" not in fault for fault in wrong), least=0, most=0)
    figures.faults += wrong[:20]
    return figures
