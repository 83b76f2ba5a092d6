"""Adding many tasks at once: written in one go and read once, however many there are; only what is odd is added alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from autobuilds.domain.model import Section, Task
from autobuilds.errors import AutobuildsError
from autobuilds.store.queue.adding import Add, all_at_once
from autobuilds.store.queue.compose import FieldHabit, detail_fields, line_parts
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import Read, apply_one, first_change, new_problem
from autobuilds.store.queue.splice import spliced
from autobuilds.store.queue.thin import View, thin_view

#: How often other wordings of names are tried before fewer tasks are taken together: there are four of each name.
_ROUNDS = 6
#: After so many shrinkings by what would be misread the number of tasks is halved.
_GUESSES = 2
#: After so many times that not even two could be added together, the rest are added one by one.
_MISSES = 2


def added(document: Document, tasks: Sequence[Add], read: Read, zone: tzinfo) -> Iterator[tuple[int, Document]]:
    """Yield how many of the tasks are added, and the document with them; the last says all.

    The first open and the first done one are added alone: they make what is missing in the file, the rest follow suit.
    Raises as `edit.apply` does, about the task behind those that the last yielded number counts.
    """
    other = next((n for n, task in enumerate(tasks) if task.task.done is not tasks[0].task.done), len(tasks))
    at = misses = 0
    while at < len(tasks):
        alone = at in {0, other}
        end = other if at < other else len(tasks)
        many = None if alone or misses >= _MISSES else _longest(document, tasks[at:end], read, zone)
        if many is None:
            misses += not alone
            document = apply_one(document, tasks[at], read, zone)
            at += 1
        else:
            size, document = many
            at += size
        yield at, document


def _longest(document: Document, tasks: Sequence[Add], read: Read, zone: tzinfo) -> tuple[int, Document] | None:
    """Return how many of the tasks, from the first on, could be added together, and the document with them."""
    size = _single(document, tasks)
    tries = 0
    while size > 1:
        after, first = _together(document, tasks[:size], read, zone)
        if after is not None:
            return size, after
        tries += 1
        size = min(first or size, size // 2) if tries > _GUESSES else first or size // 2
    return None


def _single(document: Document, tasks: Sequence[Add]) -> int:
    """Return how many of the tasks, from the first on, have a label that nothing else has or lays claim to."""
    known = {task.label for task in document.queue.tasks}
    placed = {(task.label, task.section) for task in document.queue.tasks}
    claimed: set[str] | None = None
    seen: set[str] = set()
    for n, one in enumerate(tasks):
        label = one.label
        if label in known and claimed is None:
            claimed = {entry.label for entry in document.entries if entry.details}
        if label in seen or (label, _section(one)) in placed or (label in known and label in (claimed or ())):
            return n
        seen.add(label)
    return len(tasks)


def _together(document: Document, tasks: Sequence[Add], read: Read, zone: tzinfo) -> tuple[Document | None, int]:
    """Return the document with all the tasks, or None and the number (from 0) of the first that would not be read as given."""
    view = thin_view(document, tasks[0].label, read) or View(document=document)
    wordings = [task.wordings() for task in tasks]
    chosen = [0] * len(tasks)
    first = 0
    for _ in range(_ROUNDS):
        try:
            splices = all_at_once(view.document, tasks, [wordings[n][k] for n, k in enumerate(chosen)], zone)
        except AutobuildsError:
            return None, _writable(view.document, tasks, zone)
        after = read(spliced(document, [view.there(splice) for splice in splices]))
        wrong = _misread(document, after, tasks, zone)
        if wrong is None:
            return after, 0
        first = wrong[0] if wrong else 0
        more = [n for n in wrong if chosen[n] + 1 < len(wordings[n])]
        marked = [n for n in more if wordings[n][0][0] != wordings[n][-1][0]]
        if not more:
            break
        for n in marked or more:  # what Markdown could take for something may have swallowed the others
            chosen[n] += 1
    return None, first


def _writable(document: Document, tasks: Sequence[Add], zone: tzinfo) -> int:
    """Return the number (from 0) of the first task that has a value which can't be written."""
    for n, task in enumerate(tasks):
        try:
            task.rows(document, "- ", line_parts(task.task, zone), list(detail_fields(task.task, zone)), FieldHabit())
        except AutobuildsError:
            return n
    return 0


def _misread(before: Document, after: Document, tasks: Sequence[Add], zone: tzinfo) -> list[int] | None:
    """Return the numbers (from 0) of the tasks that are not read as given, none where others change; None if all is as meant."""
    sections = {task.label: _section(task) for task in tasks}
    found: dict[str, Task] = {}
    kept: list[Task] = []
    for task in after.queue.tasks:
        if sections.get(task.label) is task.section and task.label not in found:
            found[task.label] = task
        else:
            kept.append(task)
    wrong = [n for n, task in enumerate(tasks) if not _is_right(task, found.get(task.label), zone)]
    if wrong or after.queue.fatal or first_change(before.queue.tasks, kept):
        return wrong
    return None


def _is_right(task: Add, read: Task | None, zone: tzinfo) -> bool:
    return read is not None and not task.misread(read, zone) and not new_problem([], [read])


def _section(task: Add) -> Section:
    return Section.COMPLETED if task.task.done else Section.ACTIVE
