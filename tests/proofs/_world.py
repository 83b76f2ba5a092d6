"""A workspace and what a person, a tool, agents, Git and the machine do to it, beside a plain account of what must be there."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from autobuilds.domain.build import BuildState
from autobuilds.errors import AutobuildsError
from autobuilds.runtime import deliver, owner, queueing
from autobuilds.runtime.answering import answer
from autobuilds.runtime.heartbeat import beat
from autobuilds.store.queue.operations import NewTask
from autobuilds.store.queue.reader import read_queue
from tests.fakes.runner import FakeRunner
from tests.proofs._branches import merge
from tests.proofs._interrupt import Killed, Point, ended_at
from tests.proofs._life import ZONE, Life, begin

SETTLED = frozenset({BuildState.COMPLETED, BuildState.REVIEW})
JUMPS = (
    timedelta(hours=1),
    timedelta(hours=-1),
    timedelta(days=1),
    timedelta(days=-1),
    timedelta(minutes=7),
    timedelta(days=40),
    timedelta(days=-20),
)
OPERATIONS = (
    "add",
    "priority",
    "notes",
    "tick",
    "complete",
    "approve",
    "cancel",
    "reopen",
    "retry",
    "block",
    "unblock",
    "accept",
    "answer",
    "beat",
)

#: The details of a task that nothing holds.
READY = (
    "\n### {name}\n- **Description:** `a.txt` of the project holds the single line `hello`, as app.py reads it.\n- **Category:** Bug fixes\n"
    "- **Completion Criteria:**\n  - [ ] The unit test passes: `grep -qx hello a.txt`\n- **Steps:** `true`\n"
)


class Broken(AssertionError):
    """A promise is broken."""


def demand(holds: bool, what: str) -> None:
    """Raise Broken where a promise is broken."""
    if not holds:
        raise Broken(what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """What an editor holds since it opened the queue, and what was known then."""

    text: str
    tasks: frozenset[str]
    words: frozenset[str]


@dataclass(slots=True)
class World:
    """One workspace and the account of it."""

    life: Life
    #: Labels of all tasks that ever were and that no person deleted, and those that a person deleted.
    tasks: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    #: Words that a person wrote and that have to stand in the queue.
    words: set[str] = field(default_factory=set)
    #: Labels that the owner approved at any time, and those of finished work that the owner has not asked for anew.
    approved: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    buffer: Buffer | None = None
    #: Starts that were looked at, and what happened how often.
    started: int = 0
    count: Counter[str] = field(default_factory=Counter)
    written: int = 0

    @property
    def _queue(self) -> Path:
        return self.life.queue

    def _text(self) -> str:
        return self._queue.read_bytes().decode()

    def _save(self, text: str) -> None:
        self._queue.write_bytes(text.encode())

    def new_word(self) -> str:
        """Return a word that stands nowhere yet."""
        self.written += 1
        return f"word-{self.written:04d}-said"

    def hand_edit(self, kind: str, n: int) -> None:
        """Let a person change the queue in an editor."""
        self.count[f"hand: {kind}"] += 1
        if kind == "task":
            self._new_task(n)
            return
        lines = self._text().split("\n")
        if kind == "remark":
            self._remark(lines)
            return
        starts = ("- **Desc",) if kind == "words" else ("- [ ] ",) if kind != "delete" else ("- [ ] ", "- [x] ")
        where = [at for at, line in enumerate(lines) if line.startswith(starts)]
        if not where:
            return
        at = where[n % len(where)]
        label = self._label(lines[at])
        if kind == "words":
            word = self.new_word()
            lines[at] += f" {word}"
            self.words.add(word)
        elif kind == "delete":
            self.words -= {word for word in self.words if word in lines[at]}
            del lines[at]
            self.deleted.add(label)
            self.tasks.discard(label)
        elif kind == "tick":
            lines[at] = lines[at].replace("- [ ]", "- [x]", 1)
        else:
            lines[at] = lines[at].replace("Priority: Low", "Priority: High").replace("Priority: Medium", "Priority: High")
        self._save("\n".join(lines))

    def _new_task(self, n: int) -> None:
        """Add a task by hand: most are clear and start at once, the others are as the dice say."""
        if n % 4 == 0:
            self.life.dice = random.Random(n)
            self.life.add()
        else:
            self.life.made += 1
            name = f"Say hello {self.life.made}"
            text = self._text().replace(
                "\n## Task Details\n", f"- [ ] {name} - Priority: High\n\n## Task Details\n{READY.format(name=name)}", 1
            )
            self._save(text)
        self.tasks.add(f"say-hello-{self.life.made}")

    def _remark(self, lines: list[str]) -> None:
        word = self.new_word()
        lines[1:1] = ["", f"A remark: {word}."]
        self.words.add(word)
        self._save("\n".join(lines))

    @staticmethod
    def _label(line: str) -> str:
        found = read_queue(f"## Active Queue\n{line}\n".encode(), zone=ZONE).queue.tasks
        return found[0].label if found else ""

    def open_editor(self) -> None:
        """Let an editor read the queue."""
        self.count["an editor opens the queue"] += 1
        self.buffer = Buffer(text=self._text(), tasks=frozenset(self.tasks), words=frozenset(self.words))

    def save_stale(self) -> None:
        """Let that editor save what it holds, with a line more, over whatever stands there now.

        What the same person wrote elsewhere since then is theirs to lose; what the tool did is not.
        """
        if self.buffer is None:
            return
        self.count["an old buffer is saved"] += 1
        theirs = {label for label in self.tasks - self.buffer.tasks if label.startswith("say-hello")}
        self.tasks -= theirs
        self.deleted |= theirs
        self.words &= self.buffer.words
        lines = self.buffer.text.split("\n")
        self._remark(lines)
        self.buffer = None
        # What the tool did is there again once it has seen the save.
        self.operate("beat", 0)

    def operate(self, name: str, n: int) -> None:
        """Let the owner use the tool; what it refuses with a message is fine."""
        self.count[f"tool: {name}"] += 1
        labels = sorted(self.tasks | self.deleted) or ["nothing"]
        label = labels[n % len(labels)]
        if name in {"reopen", "retry", "answer"}:
            self.done.discard(label)
        if name == "approve":
            self.approved.add(label)
        context, word = self.life.context, f"tool-{n % 1000}"
        acts: dict[str, Callable[[], object]] = {
            "add": lambda: queueing.add(
                context, [NewTask(name=f"Tool task {n % 50}", description="It holds `a`.", criteria=("b: `true`",))]
            ),
            "priority": lambda: queueing.set_field(context, label, "priority", ("High", "Low", "Medium")[n % 3]),
            "notes": lambda: queueing.set_field(context, label, "notes", word),
            "tick": lambda: queueing.tick(context, label, 1, checked=n % 2 == 0),
            "complete": lambda: owner.complete(context, label),
            "approve": lambda: owner.approve(context, label, "olive@example.org"),
            "cancel": lambda: owner.cancel(context, label),
            "reopen": lambda: owner.reopen(context, label),
            "retry": lambda: owner.retry(context, label),
            "block": lambda: queueing.block(context, label, word),
            "unblock": lambda: queueing.unblock(context, label, None),
            "accept": lambda: deliver.accept(context, label, lambda _: None, unchecked=True),
            "answer": lambda: answer(context, label, "DE"),
            "beat": lambda: beat(context),
        }
        try:
            acts[name]()
        except AutobuildsError:
            self.count["refused with a message"] += 1
        finally:
            self._take_in()

    def _take_in(self) -> None:
        """Take the tasks that the tool added into the account, as soon as they stand in the file."""
        there = {task.label for task in read_queue(self._queue.read_bytes(), zone=ZONE).queue.tasks}
        self.tasks |= {label for label in there if label.startswith("tool-task")} - self.deleted

    def end_at(self, name: str, n: int, at: int, *, full_disk: bool) -> None:
        """Let an act of the tool be killed, or meet a full disk, at one of its calls."""
        point = Point(at, full_disk=full_disk)
        what = "a full disk" if full_disk else "a kill"
        with suppress(Killed), ended_at(point, self.life.root, (FakeRunner, "submit")):
            try:
                self.operate(name, n)
            except OSError as error:
                raise Broken(f"{name}: {what} at call {point.calls} came out as {error!r}") from error
        self.count[f"{what} {'met' if point.fired else 'after the end'}"] += 1
        self._take_in()

    def agents_end(self, n: int) -> None:
        """Let attempts end: with work, without, with a question, or failed."""
        self.count["agents end"] += 1
        self.life.dice = random.Random(n)
        self.life.end_some()

    def jump(self, n: int) -> None:
        """Set the clock."""
        self.count["the clock jumps"] += 1
        self.life.machine.at += JUMPS[n % len(JUMPS)]
        self.life.runner.now = self.life.machine.at

    def merge(self, n: int) -> None:
        """Merge a branch that began some commits ago and added a remark and a task to the queue."""
        merge(self, n)

    def check(self) -> None:
        """Hold the workspace against the account."""
        document = read_queue(self._queue.read_bytes(), zone=ZONE)
        demand(not document.queue.fatal, f"the queue can't be trusted: {document.queue.problems[:1]}")
        there = {task.label for task in document.queue.tasks}
        demand(self.tasks <= there, f"tasks are gone that nobody deleted: {sorted(self.tasks - there)}")
        gone = [word for word in self.words if word not in document.text]
        demand(not gone, f"lines are gone that a person wrote: {gone}")
        ledger = self.life.context.workspace.ledger()
        forged = {one.label for one in ledger.approvals} - self.approved
        demand(not forged, f"approved by nobody: {forged}")
        for build in ledger.builds:
            open_ones = [attempt.id for attempt in build.attempts if attempt.is_open]
            legal = len(open_ones) == (build.state is BuildState.BUILDING) and open_ones in ([], [a.id for a in build.attempts[-1:]])
            demand(legal, f"{build.label} is {build.state.value} with the open attempts {open_ones}")
            numbers = [attempt.number for attempt in build.attempts]
            demand(numbers == sorted(set(numbers)), f"{build.label} has the attempts {numbers}")
        self._check_starts()
        self.done |= {build.label for build in ledger.builds if build.state in SETTLED and build.state is BuildState.COMPLETED}

    def _check_starts(self) -> None:
        jobs = self.life.runner.jobs
        ids = Counter(job.attempt_id for job in jobs)
        demand(not ids or max(ids.values()) == 1, f"an attempt was started twice: {ids.most_common(1)}")
        running = Counter(job.label for job in jobs if self.life.runner.peek(job.attempt_id).ending is None)
        demand(not running or max(running.values()) == 1, f"two attempts of one task run: {running.most_common(1)}")
        again = [job.label for job in jobs[self.started :] if job.label in self.done]
        demand(not again, f"finished work was built again: {again}")
        self.started = len(jobs)


def new_world(folder: Path, number: int) -> World:
    """Return a world with four tasks."""
    life = begin(folder, number)
    return World(life=life, tasks={f"say-hello-{n}" for n in range(1, 5)})
