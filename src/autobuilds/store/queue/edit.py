"""Applying operations to a queue: tried out, read again, and refused where anything else would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from autobuilds.domain.labels import is_nameless, tells_line
from autobuilds.domain.model import Task
from autobuilds.domain.problem import Severity
from autobuilds.errors import AutobuildsError, BadInput, FatalQueue, NotSo
from autobuilds.records import fields, replace
from autobuilds.store.queue.document import Document, Entry
from autobuilds.store.queue.plain_details import written_alike
from autobuilds.store.queue.splice import Splice, spliced
from autobuilds.store.queue.thin import View, thin_view

if TYPE_CHECKING:
    from autobuilds.store.queue.adding import Add

#: Reads the bytes of a queue.
Read = Callable[[bytes], Document]

_FIELDS = tuple(name for name in (one.name for one in fields(Task)) if name not in {"line", "end_line", "approved_line", "problems"})
#: Everything that a task says; where it stands, and problems that others cause, are not part of it.
said = attrgetter(*_FIELDS)
#: Problems that come from other tasks, not from how a task is written.
_ELSEWHERE = frozenset(["unknown-dependency", "duplicate", "orphan-details", "missing-section", "duplicate-section"])


class Operation(Protocol):
    """One intended change of the queue."""

    @property
    def label(self) -> str:
        """Return the label of the task that it is about."""
        ...

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:
        """Yield ways to write the change, the best first; an empty list means that it is so already.

        Raises NotSo where what is to be changed is not there, BadInput for a value that can't be written.
        """
        ...

    def targets(self, document: Document) -> frozenset[int]:
        """Return which of `document.queue.tasks` the operation is about, before it or after it."""
        ...

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:
        """Return why the new text does not say what was meant, or None if it does."""
        ...


@runtime_checkable
class Inserting(Operation, Protocol):
    """An operation that only puts lines between others, so that many can be judged at once."""

    @property
    def inserts_only(self) -> bool:
        """Return True."""
        ...


def apply(document: Document, operations: Sequence[Operation], read: Read, zone: tzinfo) -> Document:
    """Return the document with every operation applied in turn, each verified; the same object where nothing changes.

    Raises FatalQueue for a file that can't be trusted, NotSo, and BadInput where an operation can't be written without
    changing something else; the document given is never changed.
    """
    for _, after in _steps(document, operations, read, zone):
        document = after
    return document


def first_refused(document: Document, operations: Sequence[Operation], read: Read, zone: tzinfo) -> tuple[int, AutobuildsError] | None:
    """Return which of the operations `apply` refuses, counted from 0, and why; None where it refuses none."""
    done = 0
    try:
        for done, _ in _steps(document, operations, read, zone):  # noqa: B007 - the last one is what is asked for
            pass
    except (BadInput, NotSo) as error:
        return done, error
    return None


def _steps(document: Document, operations: Sequence[Operation], read: Read, zone: tzinfo) -> Iterator[tuple[int, Document]]:
    """Yield how many operations are applied, and the document that they made."""
    at = 0
    given = document
    for inserting, group in groupby(operations, lambda operation: isinstance(operation, Inserting)):
        run = list(group)
        if inserting and len(run) > 1:
            from autobuilds.store.queue.together import added

            for n, after in added(document, cast("Sequence[Add]", run), read, zone):
                document = after
                yield at + n, document
        else:
            for n, operation in enumerate(run, 1):
                _refuse_moved(given, document, operation.label)
                document = apply_one(document, operation, read, zone)
                yield at + n, document
        at += len(run)


def _refuse_moved(given: Document, now: Document, label: str) -> None:
    """Raise NotSo where a label says a line in which, after the operations before, another task may stand than was meant."""
    if now is given or not tells_line(label):
        return
    lines = [[task.label for task in document.queue.tasks if is_nameless(task)] for document in (given, now)]
    if label in lines[0] and lines[0] != lines[1]:
        raise NotSo(f"the task {label!r} stands in another line after the changes before it. Give it a name or a Label, or change it alone")


def apply_one(document: Document, operation: Operation, read: Read, zone: tzinfo) -> Document:
    """Return the document with one operation applied and verified; raises as `apply` does."""
    if document.queue.fatal:
        first = next(iter(document.queue.problems), None)
        raise FatalQueue(f"{first}. Nothing was written; mend that and try again" if first else None)
    view = thin_view(document, operation.label, read)
    if view is not None:
        try:
            return _tried(document, view, operation, read, zone)
        except AutobuildsError:
            pass  # looked at again in the whole file, whose lines the message names
    return _tried(document, View(document=document), operation, read, zone)


def _tried(document: Document, view: View, operation: Operation, read: Read, zone: tzinfo) -> Document:
    reason: str | None = None
    for splices in operation.candidates(view.document, zone):
        data = spliced(document, [view.there(splice) for splice in splices])
        if not splices or data == document.data:
            return document
        after = read(data)
        found = damage(document, after, operation, zone, view.document)
        if found is None:
            return after
        reason = reason or found
    task = document.queue.find(operation.label)
    if task is not None and is_nameless(task):
        raise BadInput(
            f"BUILD_QUEUE.md:{task.line}: nothing was written: the task's name holds no letter or digit, so it could not be found"
            " again after this change. Give it a name, or a Label of its own, and try again"
        )
    raise BadInput(f"nothing was written, because {reason}. Edit BUILD_QUEUE.md by hand, or change what you asked for")


def damage(before: Document, after: Document, operation: Operation, zone: tzinfo, view: Document | None = None) -> str | None:
    """Return what a change would do beyond what is meant, or that it would not do that; None if it is as meant.

    `view` is a part of `before` that holds the task, for what is asked about its places.
    """
    if after.queue.fatal:
        first = next(iter(after.queue.problems), None)
        return f"the file could not be trusted any more ({first.message if first else 'unreadable'})"
    old, new = operation.targets(before), operation.targets(after)
    others = [task for n, task in enumerate(before.queue.tasks) if n not in old]
    kept = [task for n, task in enumerate(after.queue.tasks) if n not in new]
    changed = first_change(others, kept)
    if changed is not None:
        return changed
    if view is not None and [said(task) for task in _chosen(before, old)] != [
        said(task) for task in _chosen(view, operation.targets(view))
    ]:
        return "its place is not clear"
    missed = operation.failure(view or before, after, zone)
    return missed or new_problem(_chosen(before, old), _chosen(after, new))


def _chosen(document: Document, numbers: frozenset[int]) -> list[Task]:
    return [document.queue.tasks[n] for n in sorted(numbers)]


def first_change(others: Sequence[Task], kept: Sequence[Task]) -> str | None:
    """Return the first difference between the tasks that should stay as they are and those that are read, or None."""
    for one, other in zip(others, kept, strict=False):
        if not written_alike(one, other) and not _says_the_same(one, other):
            return f"the task {one.name!r} in line {one.line} would change as well"
    if len(others) != len(kept):
        return "another task would appear or be gone"
    return None


def _says_the_same(one: Task, other: Task) -> bool:
    """Whether two tasks say the same; the label of one without a name is no word of it, but the line in which it stands."""
    if said(one) == said(other):
        return True
    return is_nameless(one) and is_nameless(other) and said(replace(one, label=other.label)) == said(other)


def new_problem(old: Sequence[Task], new: Sequence[Task]) -> str | None:
    """Return a problem that only the change brings, in the words of the reader."""
    known = {(problem.kind, problem.severity) for task in old for problem in task.problems}
    for problem in (problem for task in new for problem in task.problems):
        fresh = (problem.kind, problem.severity) not in known and problem.kind not in _ELSEWHERE
        if fresh and (problem.severity is Severity.ERROR or problem.kind.startswith("bad-")):
            return problem.message
    return None


def the_entry(document: Document, label: str) -> Entry:
    """Return the active entry with a label, else the completed one; raises NotSo where there is none, or more than one active."""
    found = [entry for entry in document.entries if entry.label == label]
    active = [entry for entry in found if entry.task.is_active]
    if len(active) > 1:
        lines = " and ".join(str(entry.task.line) for entry in active)
        raise NotSo(f"BUILD_QUEUE.md: lines {lines} have the same label {label!r}. Rename one of them, or give it a Label of its own")
    if found:
        return (active or found)[0]
    raise NotSo(f"there is no task {label!r} in BUILD_QUEUE.md{_near(document, label)}. `autobuilds list` shows all labels")


def _near(document: Document, label: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(label, [entry.label for entry in document.entries], 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def position(document: Document, label: str) -> frozenset[int]:
    """Return the index of the task that `the_entry` finds, as a set; empty where there is none."""
    found = [n for n, task in enumerate(document.queue.tasks) if task.label == label]
    active = [n for n in found if document.queue.tasks[n].is_active]
    return frozenset((active or found)[:1])


def task_at(document: Document, label: str) -> Task | None:
    """Return the task that `the_entry` finds, without its place, or None where there is none."""
    return next((document.queue.tasks[n] for n in position(document, label)), None)
