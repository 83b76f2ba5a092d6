"""New tasks as lines of a queue: the task line, and the fields of its details."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from autobuilds.domain.model import Priority
from autobuilds.domain.patterns import pattern
from autobuilds.errors import BadInput
from autobuilds.records import dataclass
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.wording import fenced, one_line, stamp, task_label, task_name

#: What Markdown would take out of a path pattern, or a list of them would be split at.
_MARKUP = pattern(r"[*_~<\[\\,]")
#: A value of a field: one line, or several that become a list.
Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task that is to be written into the queue; every text is one line of Markdown, only `steps` may have more."""

    name: str
    #: None: the label is the slug of the name.
    label: str | None = None
    priority: Priority | None = None
    added: datetime | None = None
    description: str = ""
    criteria: tuple[str, ...] = ()
    #: How many of the criteria, by number from 1, are ticked.
    ticked: frozenset[int] = frozenset()
    tech_stack: str | None = None
    #: As people write it: `4 hours`, `4-6 h`.
    estimate: str | None = None
    category: str | None = None
    blockers: tuple[str, ...] = ()
    #: Names or labels.
    depends_on: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    not_before: datetime | None = None
    window: str | None = None
    repository: str | None = None
    base: str | None = None
    agent: str | None = None
    role: str | None = None
    timeout: str | None = None
    steps: str | None = None
    deliverables: tuple[str, ...] = ()
    source: str | None = None
    notes: str | None = None
    #: It goes under Completed, ticked.
    done: bool = False
    completed: datetime | None = None

    def slug(self) -> str:
        """Return the label that the task will have; raises BadInput where its name gives none."""
        return task_label(task_name(self.name), self.label)


def line_parts(task: NewTask, zone: tzinfo) -> str:
    """Return what follows the name on the task line."""
    parts = [
        (Key.ADDED, stamp(task.added, zone) if task.added else None),
        (Key.PRIORITY, task.priority.value.capitalize() if task.priority else None),
        (Key.LABEL, task.label if task.label and task.label != task_label(task_name(task.name), None) else None),
        (Key.COMPLETED, stamp(task.completed, zone) if task.completed and task.done else None),
    ]
    return "".join(f" - {key}: {value}" for key, value in parts if value)


def detail_fields(task: NewTask, zone: tzinfo) -> Iterator[tuple[Key, Value]]:
    """Yield the fields of the details that are given, in the order in which they are written; raises BadInput."""
    given: tuple[tuple[Key, Value | None], ...] = (
        (Key.DESCRIPTION, task.description),
        (Key.CRITERIA, task.criteria),
        (Key.TECH_STACK, task.tech_stack),
        (Key.ESTIMATE, task.estimate),
        (Key.CATEGORY, task.category),
        (Key.BLOCKERS, _single(task.blockers)),
        (Key.DEPENDS_ON, joined(Key.DEPENDS_ON, task.depends_on)),
        (Key.TOUCHES, joined(Key.TOUCHES, task.touches)),
        (Key.NOT_BEFORE, stamp(task.not_before, zone) if task.not_before else None),
        (Key.WINDOW, task.window),
        (Key.REPOSITORY, task.repository),
        (Key.BASE, task.base),
        (Key.AGENT, task.agent),
        (Key.ROLE, task.role),
        (Key.TIMEOUT, task.timeout),
        (Key.STEPS, task.steps),
        (Key.DELIVERABLES, _single(task.deliverables)),
        (Key.SOURCE, task.source),
        (Key.NOTES, task.notes),
    )
    for key, value in given:
        if value and (isinstance(value, tuple) or value.strip()):
            yield key, value


def _single(values: tuple[str, ...]) -> Value | None:
    return values[0] if len(values) == 1 else values or None


def joined(key: Key, values: Sequence[str]) -> str:
    """Return several names or patterns as one line; what holds a comma goes into a link or a code span."""
    out = []
    for value in values:
        text = one_line(key.value, value)
        if key is Key.TOUCHES and _MARKUP.search(text) and "`" not in text:
            text = f"`{text}`"
        elif "," in text and "[[" not in text:
            text = f"[[{text}]]"
        out.append(text)
    return ", ".join(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldHabit:
    """How the fields of a block are written: what stands before the key, and between the key and the value."""

    before: str = "- **"
    after: str = ":** "
    #: White space before a line that belongs to the field.
    inner: str = "  "


def field_rows(key: Key, value: Value, habit: FieldHabit, ticked: frozenset[int] = frozenset()) -> list[str]:
    """Return the lines of one field, without line ends; raises BadInput for a value that is no line."""
    head = f"{habit.before}{key.value}{habit.after}"
    first, *rest = value_rows(key, value, ticked)
    return [(head + first).rstrip(" "), *(habit.inner + row if row else "" for row in rest)]


def value_rows(key: Key, value: Value, ticked: frozenset[int] = frozenset()) -> list[str]:
    """Return a value as lines: the first follows the key, the others still need their indentation."""
    if key is Key.STEPS:
        if not isinstance(value, str):
            raise BadInput("Steps are one text")
        return ["", *fenced(value)]
    if isinstance(value, str) and key is not Key.CRITERIA:
        return [one_line(key.value, value)]
    texts = [one_line(key.value, text) for text in ((value,) if isinstance(value, str) else value)]
    if key in {Key.DEPENDS_ON, Key.TOUCHES}:
        return [joined(key, texts)]
    if any(not text for text in texts):
        raise BadInput(f"{key.value} holds an empty text")
    boxed = key in {Key.CRITERIA, Key.BLOCKERS}
    return ["", *(_item(text, n in ticked, boxed=boxed) for n, text in enumerate(texts, 1))]


def _item(text: str, ticked: bool, *, boxed: bool) -> str:
    if not boxed:
        return f"- {text}"
    return f"- [{'x' if ticked else ' '}] {text}"
