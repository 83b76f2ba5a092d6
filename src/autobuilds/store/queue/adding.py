"""The operation that adds new tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from autobuilds.domain.model import Section, Task
from autobuilds.errors import BadInput
from autobuilds.records import dataclass
from autobuilds.store.queue.compose import NewTask, detail_fields, field_rows, line_parts
from autobuilds.store.queue.document import Document, FieldPlace, SectionKind
from autobuilds.store.queue.fields import habit, headed, is_nested, nested_rows
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.moves import entries_in, put_first, put_last, task_marker
from autobuilds.store.queue.splice import Splice
from autobuilds.store.queue.wording import escaped, task_name, to_minute

_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """Add a task at the end of the first Active Queue (a done one at the top of Completed), its details in the file's habit."""

    task: NewTask

    @property
    def label(self) -> str:
        """Return the label that the task will have; raises BadInput where its name gives none."""
        return self.task.slug()

    @property
    def inserts_only(self) -> bool:
        """Return True: nothing that stands there changes."""
        return True

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:
        """Yield the task with its name as given, then with the Markdown of the name made plain; its details by name, then by label."""
        task = self.task
        label = task.slug()
        kind = SectionKind.COMPLETED if task.done else SectionKind.ACTIVE
        _refuse_double(document, label, done=task.done)
        fields = list(detail_fields(task, zone))
        name = task_name(task.name)
        for text in dict.fromkeys((name, escaped(name))):
            for heading in dict.fromkeys((text, task.label or text)):
                yield from self._written(document, kind, text + line_parts(task, zone), heading, fields)

    def _written(
        self, document: Document, kind: SectionKind, line: str, heading: str, fields: Sequence[tuple[Key, str | tuple[str, ...]]]
    ) -> Iterator[list[Splice]]:
        marker = task_marker(document, entries_in(document, kind))
        row = f"{marker}[{'x' if self.task.done else ' '}] {line}"
        rows, more = [row], list[Splice]()
        if fields and is_nested(document):
            rows += nested_rows(document, len(marker.expandtabs(4)), fields, self.task.ticked)
        elif fields:
            form = habit(document, FieldPlace.HEADED)
            block = [r for key, value in fields for r in field_rows(key, value, form, self.task.ticked if key is Key.CRITERIA else _NONE)]
            more = [headed(document, heading, block)]
        for put in (put_first if self.task.done else put_last)(document, kind, rows):
            yield _ordered(document, put, more, done=self.task.done)

    def targets(self, document: Document) -> frozenset[int]:
        """Return the new task; before it is added there is none of its label in its section."""
        label = self.task.slug()
        wanted = Section.COMPLETED if self.task.done else Section.ACTIVE
        found = [n for n, task in enumerate(document.queue.tasks) if task.label == label and task.section is wanted]
        return frozenset(found[:1])

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:  # noqa: ARG002 - the protocol's form
        """Compare what is read with what was given."""
        found = self.targets(after)
        if not found:
            return f"{self.task.name!r} would not be read as a task"
        return _misread(self.task, after.queue.tasks[next(iter(found))], zone)


def _ordered(document: Document, put: Splice, more: Sequence[Splice], *, done: bool) -> list[Splice]:
    """Return the splices; two at one place become one with a blank line between them, details before Completed."""
    if not more or more[0].start != put.start:
        return [put, *more]
    first, second = (more[0], put) if done else (put, more[0])
    open_end = bool(document.text) and put.start == len(document.text) and not document.text.endswith(("\n", "\r"))
    text = second.text.removeprefix(document.newline) if open_end else second.text
    gap = "" if text.startswith(document.newline) else document.newline
    return [Splice(put.start, put.end, first.text + gap + text)]


def _refuse_double(document: Document, label: str, *, done: bool) -> None:
    wanted = Section.COMPLETED if done else Section.ACTIVE
    for entry in document.entries:
        if entry.label != label:
            continue
        if entry.task.section is wanted:
            raise BadInput(
                f"BUILD_QUEUE.md:{entry.task.line}: there is a task {entry.task.name!r} with the label {label!r} already. "
                "Give the new one another name, or a label of its own"
            )
        if entry.details:
            line, _ = document.position(entry.details[0].heading.start)
            raise BadInput(
                f"BUILD_QUEUE.md:{line}: the details of an earlier task with the label {label!r} stand there and would become this one's. "
                f"Give the new task another name or a label of its own, rename that heading, or build the earlier one again: autobuilds reopen {label}"
            )


def _misread(new: NewTask, read: Task, zone: tzinfo) -> str | None:
    """Return what would not be read as it was given, or None."""
    name = task_name(new.name)
    pairs: list[tuple[str, object, object]] = [
        ("label", new.slug(), read.label),
        ("priority", new.priority or read.priority.MEDIUM, read.priority),
        ("added", to_minute(new.added, zone) if new.added else None, read.added),
        ("description", new.description.strip(), read.description),
        ("criteria", tuple(text.strip() for text in new.criteria), tuple(one.text for one in read.criteria)),
        ("ticks", new.ticked, frozenset(n for n, one in enumerate(read.criteria, 1) if one.checked)),
        ("steps", _shell(new.steps), _shell(read.steps)),
        ("notes", (new.notes or "").strip(), read.notes or ""),
        ("category", bool(new.category), bool(read.category)),
        ("not before", to_minute(new.not_before, zone) if new.not_before else None, read.not_before),
        ("approval", False, read.approved),
        ("blockers", len(new.blockers), len(read.blockers)),
        ("source", bool(new.source), bool(read.source)),
    ]
    if "`" not in name:
        pairs.insert(0, ("name", name, read.name))
    for what, given, got in pairs:
        if given != got:
            return f"the {what} {given!r} would be read as {got!r}"
    return None


def _shell(text: str | None) -> list[str]:
    return [] if not text else text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
