"""What an import found: tasks, and in words everything that was not taken over as it stood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from autobuilds.domain.labels import slugify
from autobuilds.domain.times import format_when
from autobuilds.errors import BadInput
from autobuilds.records import dataclass, replace
from autobuilds.store.queue.compose import FieldHabit as Habit
from autobuilds.store.queue.compose import NewTask, detail_fields, field_rows, line_parts
from autobuilds.store.queue.keys import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The tasks of a text, the shape that was recognised, and what a person should know of it.

    `remarks` name what was understood in another way than it stands (a priority word, a folded line), `left` what was not
    taken over at all, each with its line where it has one.
    """

    shape: str
    tasks: tuple[NewTask, ...] = ()
    remarks: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def without_known(found: Imported, labels: Iterable[str]) -> Imported:
    """Return the import without tasks whose label is in `labels` or came before, each of them named under `left`."""
    seen = set(labels)
    kept: list[NewTask] = []
    skipped: list[str] = []
    for task in found.tasks:
        label = _label(task)
        if label is None:
            skipped.append(f"{task.name!r}: no label can be made of this name")
        elif label in seen:
            skipped.append(f"{task.name!r}: the queue has a task {label!r} already, skipped")
        else:
            seen.add(label)
            kept.append(task)
    return replace(found, tasks=tuple(kept), left=(*found.left, *skipped))


def _label(task: NewTask) -> str | None:
    if task.label:
        return task.label
    try:
        return task.slug()
    except BadInput:
        return slugify(task.name) or None


def preview(found: Imported, zone: tzinfo) -> str:
    """Return the text that shows what would be written, what was read in another way, and what was left out."""
    active = [task for task in found.tasks if not task.done]
    done = [task for task in found.tasks if task.done]
    lines = [f"Recognised: {found.shape}. {_count(active, 'task')} for Active Queue, {_count(done, 'task')} for Completed."]
    for title, tasks in (("Active Queue", active), ("Completed", done)):
        if tasks:
            lines += ["", f"## {title}"]
            for task in tasks:
                lines += _rows(task, zone)
    for title, notes in (("Read in another way:", found.remarks), ("Left out:", found.left)):
        if notes:
            lines += ["", title, *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _rows(task: NewTask, zone: tzinfo) -> list[str]:
    try:
        head = f"- [{'x' if task.done else ' '}] {task.name}{line_parts(task, zone)}"
        fields = list(detail_fields(task, zone))
        habit = Habit(before="  - **", inner="    ")
        return [
            head,
            *(row for key, value in fields for row in field_rows(key, value, habit, task.ticked if key is Key.CRITERIA else frozenset())),
        ]
    except BadInput as error:
        when = f" ({format_when(task.added)})" if task.added else ""
        return [f"- {task.name!r}{when} can't be written: {error}"]
