"""What the queue says: tasks and their parts, as frozen values without any Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from autobuilds.domain.problem import Problem, Severity
from autobuilds.records import MISSING, dataclass, fields


class Priority(StrEnum):
    """How soon the owner wants a task (chapter 3, gate *priority*)."""

    #: Any time.
    HIGH = "high"
    #: In off-hours.
    MEDIUM = "medium"
    #: Only when approved.
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for high, 1 for medium, 2 for low: the order of starting."""
        return _ORDER.index(self)


#: Listed once: a queue is put in order task by task.
_ORDER = tuple(Priority)


class Section(StrEnum):
    """Which list of the queue a task stands in."""

    ACTIVE = "active"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One completion criterion; `commands` are run by the supervisor, an empty tuple means it can only be claimed."""

    text: str
    checked: bool = False
    commands: tuple[str, ...] = ()
    #: What stands under the criterion (sub-bullets, further paragraphs), as Markdown; it is not checked.
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How long the owner thinks a task takes, in minutes of work, as a range (a single figure has min == max)."""

    min_minutes: int
    max_minutes: int


#: What works out fields later: a function of a field's name and of what follows it here, that returns the fields it found.
Later = tuple[Any, ...]


class _Waiting:
    """Fields that are worked out from the text when they are first asked for; nobody can tell them from fields that are there."""

    __slots__ = ("_later",)

    if not TYPE_CHECKING:  # what a type checker sees are the fields

        def __getattr__(self, name: str) -> Any:
            default = _defaults().get(name, MISSING)
            if default is MISSING:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            work, *given = self._later
            found = work(name, *given)
            if name not in found:
                found = {name: default, **found}
            for field, value in found.items():
                object.__setattr__(self, field, value)
            return found[name]


@cache
def _defaults() -> dict[str, Any]:
    return {field.name: field.default for field in fields(Task)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(_Waiting):
    """One entry of the queue as read; `line`..`end_line` are the 1-based lines of its task line with nested parts."""

    label: str
    name: str
    section: Section
    checked: bool
    priority: Priority = Priority.MEDIUM
    added: datetime | None = None
    completed: datetime | None = None
    description: str = ""
    criteria: tuple[Criterion, ...] = ()
    tech_stack: str | None = None
    estimate: Estimate | None = None
    estimate_text: str | None = None
    category: str | None = None
    #: Open blockers only; empty means nothing blocks.
    blockers: tuple[str, ...] = ()
    #: Labels (the slug of what the owner wrote, whether or not such a task exists).
    depends_on: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    not_before: datetime | None = None
    #: The name of the window of HEARTBEAT.md in which alone it starts.
    window: str | None = None
    #: The owner typed `Approved: yes`; whether it counts is decided against the ledger's hash.
    approved: bool = False
    approved_line: int | None = None
    repository: str | None = None
    base: str | None = None
    agent: str | None = None
    role: str | None = None
    timeout_minutes: int | None = None
    #: Shell text for the `command` agent, run as `sh -e` in the clone; None when the task has no Steps.
    steps: str | None = None
    deliverables: tuple[str, ...] = ()
    #: Who put the task into the queue; None means the owner's own hand.
    source: str | None = None
    notes: str | None = None
    line: int = 0
    end_line: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether the task stands in Active Queue."""
        return self.section is Section.ACTIVE

    @property
    def problems_hold(self) -> bool:
        """Whether an error in its entry holds the task (a warning holds nothing)."""
        return any(p.severity is Severity.ERROR for p in self.problems)

    @property
    def owners_own(self) -> bool:
        """Whether the task came from the owner, not from a routine, an event or a plan."""
        return self.source is None or self.source.casefold() in {"owner", "me", "user"}


def waiting_task(label: str, name: str, section: Section, checked: bool, priority: Priority, lines: tuple[int, int], later: Later) -> Task:
    """Return a task of which these fields are there, and any other is what `later` finds, else its default.

    `lines` are its first and last line, from 1.
    """
    task = _new(Task)
    _set(task, "label", label)
    _set(task, "name", name)
    _set(task, "section", section)
    _set(task, "checked", checked)
    _set(task, "priority", priority)
    _set(task, "line", lines[0])
    _set(task, "end_line", lines[1])
    _set(task, "problems", ())
    _set(task, "_later", later)
    return task


def later_of(task: Task) -> Later | None:
    """Return what finds the fields of a waiting task (`waiting_task`), or None for a task whose fields are all there."""
    return getattr(task, "_later", None)


def know(task: Task, values: Mapping[str, object]) -> None:
    """Give a task that nobody has seen yet fields that are known by now."""
    for field, value in values.items():
        _set(task, field, value)


_new = object.__new__
_set = object.__setattr__


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The sums of conservation: every item of the three sections is one of task, part, note or problem."""

    tasks: int = 0
    parts: int = 0
    notes: int = 0
    problems: int = 0
    items: int = 0


class _Indexed:
    """Tasks found by their labels without a look at all of them."""

    __slots__ = ("_by_label",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue(_Indexed):
    """A whole queue as read; with `fatal` the file can't be trusted, `tasks` is empty and a problem says why."""

    tasks: tuple[Task, ...] = ()
    problems: tuple[Problem, ...] = ()
    counts: Counts = Counts()
    fatal: bool = False

    @property
    def active(self) -> tuple[Task, ...]:
        """Tasks of Active Queue in the order of the file."""
        return tuple(t for t in self.tasks if t.section is Section.ACTIVE)

    @property
    def completed(self) -> tuple[Task, ...]:
        """Tasks of Completed in the order of the file."""
        return tuple(t for t in self.tasks if t.section is Section.COMPLETED)

    def find(self, label: str) -> Task | None:
        """Return the active task with this label, else the completed one, else None."""
        known: dict[str, Task] | None = getattr(self, "_by_label", None)
        if known is None:
            known = {t.label: t for t in reversed(self.completed)} | {t.label: t for t in reversed(self.active)}
            _set(self, "_by_label", known)
        return known.get(label)
