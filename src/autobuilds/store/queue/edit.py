"""Applying operations to a queue: tried out, read again, and refused where anything else would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from operator import attrgetter
from typing import Protocol

from autobuilds.domain.model import Task
from autobuilds.domain.problem import Severity
from autobuilds.errors import BadInput, FatalQueue, NotSo
from autobuilds.store.queue.document import Document, Entry
from autobuilds.store.queue.splice import Splice, spliced

#: Reads the bytes of a queue.
Read = Callable[[bytes], Document]

_FIELDS = tuple(name for name in Task.__dataclass_fields__ if name not in {"line", "end_line", "approved_line", "problems"})
#: Everything that a task says; where it stands, and problems that others cause, are not part of it.
said = attrgetter(*_FIELDS)
#: Problems that come from other tasks, not from how a task is written.
_ELSEWHERE = frozenset(["unknown-dependency", "duplicate", "orphan-details", "missing-section", "duplicate-section"])


class Operation(Protocol):
    """One intended change of the queue."""

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:
        """Yield ways to write the change, the best first; an empty list means that it is so already.

        Raises NotSo where what is to be changed is not there, BadInput for a value that can't be written.
        """
        ...

    def targets(self, document: Document) -> frozenset[int]:
        """Return which of `document.entries` the operation is about, before it or after it."""
        ...

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:
        """Return why the new text does not say what was meant, or None if it does."""
        ...


def apply(document: Document, operations: Sequence[Operation], read: Read, zone: tzinfo) -> Document:
    """Return the document with every operation applied in turn, each verified; the same object where nothing changes.

    Raises FatalQueue for a file that can't be trusted, NotSo, and BadInput where an operation can't be written without
    changing something else; the document given is never changed.
    """
    for operation in operations:
        document = _apply_one(document, operation, read, zone)
    return document


def _apply_one(document: Document, operation: Operation, read: Read, zone: tzinfo) -> Document:
    if document.queue.fatal:
        first = next(iter(document.queue.problems), None)
        raise FatalQueue(f"{first}. Nothing was written; mend that and try again" if first else None)
    reason: str | None = None
    for splices in operation.candidates(document, zone):
        data = spliced(document, splices)
        if not splices or data == document.data:
            return document
        after = read(data)
        found = damage(document, after, operation, zone)
        if found is None:
            return after
        reason = reason or found
    raise BadInput(f"nothing was written, because {reason}. Edit BUILD_QUEUE.md by hand, or change what you asked for")


def damage(before: Document, after: Document, operation: Operation, zone: tzinfo) -> str | None:
    """Return what a change would do beyond what is meant, or that it would not do that; None if it is as meant."""
    if after.queue.fatal:
        first = next(iter(after.queue.problems), None)
        return f"the file could not be trusted any more ({first.message if first else 'unreadable'})"
    old, new = operation.targets(before), operation.targets(after)
    others = [entry.task for n, entry in enumerate(before.entries) if n not in old]
    kept = [entry.task for n, entry in enumerate(after.entries) if n not in new]
    changed = _first_change(others, kept)
    if changed is not None:
        return changed
    missed = operation.failure(before, after, zone)
    return missed or _new_problem(before, after, old, new)


def _first_change(others: Sequence[Task], kept: Sequence[Task]) -> str | None:
    for one, other in zip(others, kept, strict=False):
        if said(one) != said(other):
            return f"the task {one.name!r} in line {one.line} would change as well"
    if len(others) != len(kept):
        return "another task would appear or be gone"
    return None


def _new_problem(before: Document, after: Document, old: frozenset[int], new: frozenset[int]) -> str | None:
    """Return a problem that only the change brings, in the words of the reader."""
    known = {(p.kind, p.severity) for n in old for p in before.entries[n].task.problems}
    for n in new:
        for problem in after.entries[n].task.problems:
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
    """Return the index of the entry that `the_entry` finds, as a set; empty where there is none."""
    found = [n for n, entry in enumerate(document.entries) if entry.label == label]
    active = [n for n in found if document.entries[n].task.is_active]
    return frozenset((active or found)[:1])
