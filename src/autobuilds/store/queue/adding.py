"""The operation that adds new tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from autobuilds.domain.model import Section, Task
from autobuilds.errors import BadInput
from autobuilds.records import dataclass
from autobuilds.store.queue.compose import FieldHabit, NewTask, detail_fields, field_rows, line_parts
from autobuilds.store.queue.document import Document, FieldPlace, SectionKind
from autobuilds.store.queue.fields import habit, headed, headed_all, is_nested, nested_rows
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.moves import entries_in, is_loose, put_first, put_last, task_marker, task_markers
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
        kind = _kind(done=task.done)
        _refuse_double(document, task.slug(), done=task.done)
        fields = list(detail_fields(task, zone))
        for text, heading in self.wordings():
            yield from self._written(document, kind, text + line_parts(task, zone), heading, fields)

    def wordings(self) -> list[tuple[str, str]]:
        """Return the ways to write its name on the task line and over its details, the best first."""
        name = task_name(self.task.name)
        return [
            (text, heading) for text in dict.fromkeys((name, escaped(name))) for heading in dict.fromkeys((text, self.task.label or text))
        ]

    def _written(
        self, document: Document, kind: SectionKind, line: str, heading: str, fields: Sequence[tuple[Key, str | tuple[str, ...]]]
    ) -> Iterator[list[Splice]]:
        marker = task_marker(document, entries_in(document, kind))
        form = None if is_nested(document) else habit(document, FieldPlace.HEADED)
        rows, block = self.rows(document, marker, line, fields, form)
        more = [headed(document, heading, block)] if block else []
        for put in (put_first if self.task.done else put_last)(document, kind, rows):
            yield _ordered(document, [*more, put] if self.task.done else [put, *more])

    def rows(
        self, document: Document, marker: str, line: str, fields: Sequence[tuple[Key, str | tuple[str, ...]]], form: FieldHabit | None
    ) -> tuple[list[str], list[str]]:
        """Return the lines of its entry and those of its headed details, which are nested in the entry where `form` is None."""
        row = f"{marker}[{'x' if self.task.done else ' '}] {line}"
        if not fields:
            return [row], []
        if form is None:
            return [row, *nested_rows(document, len(marker.expandtabs(4)), fields, self.task.ticked)], []
        ticked = self.task.ticked
        return [row], [r for key, value in fields for r in field_rows(key, value, form, ticked if key is Key.CRITERIA else _NONE)]

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
        return self.misread(after.queue.tasks[next(iter(found))], zone)

    def misread(self, read: Task, zone: tzinfo) -> str | None:
        """Return what of the task would not be read as it was given, or None."""
        return _misread(self.task, read, zone)


def all_at_once(document: Document, tasks: Sequence[Add], wordings: Sequence[tuple[str, str]], zone: tzinfo) -> list[Splice]:
    """Return the splices that add tasks one after the other, as if each were added alone.

    `wordings` says for each how its name is written on its line and over its details. Raises BadInput.
    """
    form = None if is_nested(document) else habit(document, FieldPlace.HEADED)
    entries = {done: entries_in(document, _kind(done=done)) for done in (False, True)}
    markers = {done: iter(task_markers(document, found, len(tasks), ahead=done)) for done, found in entries.items()}
    groups: dict[bool, list[list[str]]] = {False: [], True: []}
    blocks: list[tuple[str, list[str]]] = []
    for one, (text, heading) in zip(tasks, wordings, strict=True):
        done = one.task.done
        fields = list(detail_fields(one.task, zone))
        rows, block = one.rows(document, next(markers[done]), text + line_parts(one.task, zone), fields, form)
        groups[done].append(rows)
        if block:
            blocks.append((heading, block))
    splices = [headed_all(document, blocks)] if blocks else []
    for done, found in entries.items():
        if groups[done]:
            gap = [""] if is_loose(document, found) else []
            shown = [row for rows in (reversed(groups[done]) if done else groups[done]) for row in (*gap, *rows)][len(gap) :]
            put = next((put_first if done else put_last)(document, _kind(done=done), shown))
            splices = [*splices, put] if done else [put, *splices]
    return _ordered(document, splices)


def _kind(*, done: bool) -> SectionKind:
    return SectionKind.COMPLETED if done else SectionKind.ACTIVE


def _ordered(document: Document, splices: Sequence[Splice]) -> list[Splice]:
    """Return the splices, given as they would follow each other; those at one place become one, a blank line between them."""
    found: list[Splice] = []
    for splice in sorted(splices, key=lambda one: one.start):
        if not found or found[-1].start != splice.start:
            found.append(splice)
            continue
        start, end, before = found.pop()
        open_end = bool(document.text) and start == len(document.text) and not document.text.endswith(("\n", "\r"))
        text = splice.text.removeprefix(document.newline) if open_end else splice.text
        gap = "" if text.startswith(document.newline) else document.newline
        found.append(Splice(start, end, before + gap + text))
    return found


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
        ("window", bool(new.window), bool(read.window)),
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
