"""Two clones and a heartbeat edit the queue at random and merge: nothing is dropped, conflicts stay within one task, both ways agree.

Every word that an edit writes is unlike all others, so that it can be told whether it is still there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from autobuilds.domain.model import Queue
from autobuilds.errors import AutobuildsError
from autobuilds.store.queue.edit import Operation, apply, said
from autobuilds.store.queue.merging import Merged, merge_queue
from autobuilds.store.queue.operations import Add, Complete, NewTask, Tick
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.queue.setting import SetField
from tests.proofs.figures import Figures, Options
from tests.proofs.tools import REPOSITORY

#: Merges base, ours, theirs.
Driver = Callable[[bytes, bytes, bytes], Merged]

#: Histories in a sample and in all; of them with real Git.
_SAMPLE, _FULL = (40, 2), (1000, 60)
_ROUNDS = 3
_NOW = datetime(2026, 2, 7, 10, 30, tzinfo=UTC)
_WORD = re.compile(r"\b[a-z]+q\d+x\b")
_TASK = re.compile(r"\btq\d+x\b")
_MARK = re.compile(r"^(?:<{7}|={7}|>{7})", re.MULTILINE)
_CONFLICT = re.compile(r"^<{7} [^\n]*\n(.*?)^={7}\n(.*?)^>{7} [^\n]*\n", re.MULTILINE | re.DOTALL)


@dataclass(slots=True)
class Words:
    """Makes words that stand nowhere else."""

    made: int = 0

    def new(self, kind: str) -> str:
        """Return a word; those of kind `t` name tasks."""
        self.made += 1
        return f"{kind}q{self.made}x"


def start(words: Words, tasks: int) -> str:
    """Return a queue with some tasks, half of them with headed details."""
    names = [f"Build {words.new('t')}" for _ in range(tasks)]
    lines = [f"- [ ] {name} - Added: 2026-02-06 15:{n:02} - Priority: Medium" for n, name in enumerate(names)]
    details = [
        f"### {name}\n- **Description:** About {name.split()[1]} {words.new('d')}\n- **Completion Criteria:**\n"
        + "".join(f"  - [ ] {name.split()[1]} is {words.new('c')}\n" for _ in range(2))
        for name in names[::2]
    ]
    body = "\n".join(lines) + "\n\n## Task Details\n\n" + "\n".join(details)
    return f"# Queue\n\nThe owner's {words.new('w')}.\n\n## Active Queue\n{body}\n## Completed\n\n## Diary\n{words.new('w')}\n"


def read(data: bytes) -> Queue:
    """Return what the queue says."""
    return read_queue(data, zone=UTC).queue


def by_tool(data: bytes, luck: Random, words: Words) -> bytes:
    """Return the queue after one edit of the heartbeat or a command; as it was where that can't be done."""
    document = read_queue(data, zone=UTC)
    active = document.queue.active
    at = _NOW + timedelta(minutes=words.made)
    operation: Operation = Add(
        task=NewTask(name=f"Tool {words.new('t')}", added=at, criteria=(f"tool {words.new('c')}",) if luck.random() < 0.5 else ())
    )
    if active and luck.random() < 0.75:
        task = luck.choice(active)
        kinds: list[Operation] = [Complete(label=task.label, at=at), SetField(label=task.label, field="priority", value="high")]
        kinds += [Tick(label=task.label, n=luck.randint(1, len(task.criteria)))] if task.criteria else []
        operation = luck.choice(kinds)
    try:
        return apply(document, (operation,), lambda text: read_queue(text, zone=UTC), UTC).data
    except AutobuildsError:
        return data


def by_hand(data: bytes, luck: Random, words: Words) -> bytes:
    """Return the queue after one edit of a person: lines added, reworded, moved or deleted."""
    lines = data.decode().split("\n")
    items = [n for n, line in enumerate(lines) if line.startswith("- [ ] ") and _TASK.search(line)]
    headings = [n for n, line in enumerate(lines) if line.startswith("### ")]
    about = [n for n, line in enumerate(lines) if line.startswith("- **Description:**")]
    what = luck.randrange(8)
    if what == 0 or not items:
        lines.insert(luck.choice(items or [lines.index("## Active Queue") + 1]), f"- [ ] Hand {words.new('t')} - Priority: Low")
    elif what == 1:
        n = luck.choice(items)
        lines[n] = re.sub(r"Priority: \w+", f"Priority: {luck.choice(['High', 'Low', 'Critical'])}", lines[n])
    elif what == 2 and about:
        n = luck.choice(about)
        lines[n] += f" {words.new('d')}"
    elif what == 3 and about:
        n = luck.choice(about)
        lines[n] = f"- **Description:** {words.new('d')}"
    elif what == 4 and headings:
        lines.insert(luck.choice(headings) + 1, f"- **Notes:** {words.new('n')}")
    elif what == 5:
        lines.insert(lines.index("## Diary") + 1, words.new("w"))
    elif what == 6:
        n = luck.choice(items)
        lines.insert(luck.choice(items), lines.pop(n))
    elif what == 7 and len(items) > 2:
        _deleted(lines, luck.choice(items))
    return "\n".join(lines).encode()


def _deleted(lines: list[str], item: int) -> None:
    """Take a task and its details out."""
    found = _TASK.search(lines[item])
    name = found[0] if found else ""
    del lines[item]
    heading = next((n for n, line in enumerate(lines) if line.startswith("### ") and name in line), None)
    if heading is not None:
        end = next((n for n in range(heading + 1, len(lines)) if lines[n].startswith("#")), len(lines))
        del lines[heading:end]


def edited(data: bytes, luck: Random, words: Words, tool: float) -> bytes:
    """Return the queue after one to three edits, of which a share is the tool's."""
    for _ in range(luck.randint(1, 3)):
        data = (by_tool if luck.random() < tool else by_hand)(data, luck, words)
    return data


def faults_of(base: bytes, ours: bytes, theirs: bytes, driver: Driver) -> tuple[list[str], Merged]:
    """Return what is wrong with a merge, and the merge."""
    there, back = driver(base, ours, theirs), driver(base, theirs, ours)
    faults = []
    for merge, mine, other in ((there, ours, theirs), (back, theirs, ours)):
        faults += _dropped(base, mine, other, merge)
        faults += _spread(merge)
        if merge.conflicts and not read(merge.data).fatal:
            faults.append("a queue in conflict can be read, so that something could be started")
    if bool(there.conflicts) != bool(back.conflicts):
        faults.append("a conflict in one direction only")
    elif not there.conflicts and _tasks(there.data) != _tasks(back.data):
        faults.append("the two directions say different things")
    return faults, there


def _tasks(data: bytes) -> dict[tuple[str, bool], object]:
    return {(task.label, task.is_active): said(task) for task in read(data).tasks}


def _dropped(base: bytes, ours: bytes, theirs: bytes, merge: Merged) -> list[str]:
    was, mine, other, now = (set(_WORD.findall(data.decode())) for data in (base, ours, theirs, merge.data))
    gone = sorted(((mine | other) - was | (mine & other)) - now)
    faults = [f"dropped: {', '.join(gone)}"] if gone else []
    if merge.conflicts or read(merge.data).fatal:
        return faults
    states = [{task.label: task for task in read(data).tasks} for data in (base, ours, theirs, merge.data)]
    for label in states[1].keys() & states[2].keys() & states[0].keys():
        start, one, two, end = (state.get(label) for state in states)
        if start is None or one is None or two is None:
            continue
        if end is None:
            faults.append(f"the task {label} is gone")
            continue
        if start.is_active and end.is_active and not (one.is_active and two.is_active):
            faults.append(f"{label} is open again")
        for side, rest in ((one, two), (two, one)):
            if side.priority is not start.priority and rest.priority is start.priority and end.priority is not side.priority:
                faults.append(f"the priority of {label} is undone")
    labels = [(task.label, task.is_active) for task in read(merge.data).tasks]
    known = {(task.label, task.is_active) for data in (ours, theirs) for task in read(data).tasks}
    faults += [f"{label} stands twice" for label, active in set(labels) if labels.count((label, active)) > 1]
    faults += [f"{label} came from nowhere" for label, active in set(labels) - known]
    return faults


def _spread(merge: Merged) -> list[str]:
    """Return conflicts that hold more than one task, and marks that are no conflict."""
    text = merge.data.decode()
    found = _CONFLICT.findall(text)
    faults = [
        f"a conflict spans the tasks {', '.join(sorted(names))}" for pair in found if len(names := set(_TASK.findall("".join(pair)))) > 1
    ]
    if len(found) * 3 != len(_MARK.findall(text)):
        faults.append("marks that are no whole conflict")
    if len(found) != merge.conflicts:
        faults.append(f"{merge.conflicts} conflicts are told, {len(found)} are marked")
    return faults


def resolved(data: bytes, luck: Random) -> bytes:
    """Return a merge as a person mends it: of each conflict the one side or the other."""
    return _CONFLICT.sub(lambda match: match[luck.randint(1, 2)], data.decode()).encode()


@dataclass(slots=True)
class Tally:
    """What all histories came to."""

    merges: int = 0
    conflicts: int = 0
    histories: int = 0
    by_git: int = 0
    faults: list[str] = field(default_factory=list)


def history(seed: int, driver: Driver, tally: Tally, git: Path | None = None) -> None:
    """Let two clones and a heartbeat edit for some rounds, with a merge after each, and note what went wrong."""
    luck, words = Random(seed), Words()
    base = start(words, luck.randint(2, 7)).encode()
    clones = Clones(git, base) if git is not None else None
    tally.histories += 1
    for number in range(_ROUNDS):
        ours, theirs = edited(base, luck, words, 0.6), edited(base, luck, words, 0.1)
        faults, merge = faults_of(base, ours, theirs, driver)
        if clones is not None:
            found = clones.merged(ours, theirs)
            if found != (merge.data, bool(merge.conflicts)):
                faults.append("Git came to another file or status than the driver alone")
            tally.by_git += 1
        tally.merges += 1
        tally.conflicts += merge.conflicts
        tally.faults += [f"seed {seed}, round {number + 1}: {fault}" for fault in dict.fromkeys(faults)]
        base = resolved(merge.data, luck)
        if read(base).fatal or faults:
            return
        if clones is not None:
            clones.settle(base)


class Clones:
    """Two clones of one repository, whose queue Git merges with our driver."""

    def __init__(self, folder: Path, base: bytes) -> None:
        folder.mkdir(parents=True)
        self.one, self.two = folder / "one", folder / "two"
        self._git(folder, "init", "-q", "-b", "main", "one")
        (self.one / ".gitattributes").write_text("BUILD_QUEUE.md merge=autobuilds\n")
        self.settle(base)
        self._git(folder, "clone", "-q", "one", "two")

    @staticmethod
    def _git(folder: Path, *argv: str) -> int:
        driver = f'"{sys.executable}" -m autobuilds merge-driver %O %A %B'
        set_up = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", f"merge.autobuilds.driver={driver}"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")])}
        return subprocess.run(["git", *set_up, *argv], cwd=folder, env=environment, capture_output=True, check=False).returncode

    def _save(self, clone: Path, data: bytes) -> None:
        (clone / "BUILD_QUEUE.md").write_bytes(data)
        self._git(clone, "add", "-A")
        self._git(clone, "commit", "-q", "--allow-empty", "-m", "Edits")

    def merged(self, ours: bytes, theirs: bytes) -> tuple[bytes, bool]:
        """Commit both sides, merge the second into the first, and return the file and whether it is in conflict."""
        self._save(self.one, ours)
        self._save(self.two, theirs)
        self._git(self.one, "fetch", "-q", "../two", "main")
        status = self._git(self.one, "merge", "-q", "-m", "Merge", "FETCH_HEAD")
        return (self.one / "BUILD_QUEUE.md").read_bytes(), status != 0

    def settle(self, base: bytes) -> None:
        """Commit what the merge is mended to, and let the other clone take it over."""
        self._save(self.one, base)
        if self.two.exists():
            self._git(self.two, "pull", "-q", "--ff-only", str(self.one), "main")


def ours(base: bytes, mine: bytes, other: bytes) -> Merged:
    """Merge with the driver of this project."""
    return merge_queue(base, mine, other, UTC)


def union(base: bytes, mine: bytes, other: bytes) -> Merged:
    """Merge as `merge=union` does: what both sides wrote at one place stands one after the other. Must be caught."""
    from autobuilds.store.files.three_way import merge_rows, rows_of

    rows = merge_rows(*(rows_of(data.decode()) for data in (base, mine, other)))
    return Merged("".join(row if isinstance(row, str) else "".join((*row.ours, *row.theirs)) for row in rows).encode(), 0)


def mine_alone(base: bytes, mine: bytes, other: bytes) -> Merged:
    """Merge as `merge=ours` does: the other side is dropped. Must be caught."""
    return Merged(mine, 0)


def run(options: Options, driver: Driver = ours) -> Figures:
    """Run the histories; a part of them through Git itself."""
    figures, tally = Figures(proof="merges"), Tally()
    histories, by_git = _FULL if options.full else _SAMPLE
    for number in range(histories):
        real = options.folder / str(number) if driver is ours and number < by_git else None
        history(options.seed * 100_000 + number, driver, tally, real)
        if number % 100 == 99:
            options.say(f"{number + 1} histories, {len(tally.faults)} faults")
    figures.count("histories", tally.histories, least=histories)
    figures.count("merges, each both ways", tally.merges)
    figures.count("merges by Git itself", tally.by_git)
    figures.count("conflicts", tally.conflicts)
    figures.count("faults", len(tally.faults), least=0, most=0)
    figures.faults += tally.faults[:20]
    return figures
