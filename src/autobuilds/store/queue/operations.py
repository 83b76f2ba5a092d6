"""The operations on a queue: what a command wants changed, as values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any

from autobuilds.domain.model import Section as TaskSection
from autobuilds.errors import NotSo
from autobuilds.records import dataclass, replace
from autobuilds.store.queue.adding import Add
from autobuilds.store.queue.compose import NewTask
from autobuilds.store.queue.document import Document, Entry, PartStyle, SectionKind
from autobuilds.store.queue.edit import Operation, position, said, task_at, the_entry
from autobuilds.store.queue.fields import end_of_paragraph, is_given, new_part, obsidian_tail, set_key, unset_key
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.moves import moved, put_before, put_first, put_last
from autobuilds.store.queue.setting import Approve, SetField, Unapprove
from autobuilds.store.queue.splice import Splice
from autobuilds.store.queue.waiting import Block, Unblock
from autobuilds.store.queue.wording import stamp, to_minute

__all__ = [
    "Add",
    "Approve",
    "Block",
    "Complete",
    "FillAdded",
    "NewTask",
    "Operation",
    "Reopen",
    "SetField",
    "Tick",
    "Unapprove",
    "Unblock",
]


def _differs(before: Document, after: Document, label: str, **meant: Any) -> str | None:
    """Return a sentence if the task is not exactly as before but for what is meant."""
    old = the_entry(before, label).task
    new = task_at(after, label)
    if new is None:
        return f"the task {old.name!r} would be gone"
    return None if said(new) == said(replace(old, **meant)) else f"the task {old.name!r} would not be read as meant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Tick or untick the completion criterion number `n` (from 1); one without a box gets one."""

    label: str
    n: int
    checked: bool = True

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:  # noqa: ARG002 - the protocol's form
        """Yield the change of one character."""
        entry = the_entry(document, self.label)
        if not 1 <= self.n <= len(entry.criteria):
            some = f"criteria 1 to {len(entry.criteria)}" if entry.criteria else "no completion criteria"
            raise NotSo(f"the task {entry.task.name!r} has {some}, not number {self.n}. `autobuilds show {entry.label}` lists them")
        span = entry.criteria[self.n - 1]
        if entry.task.criteria[self.n - 1].checked is self.checked:
            yield []
        elif span.mark is not None:
            yield [Splice(*span.mark, "x" if self.checked else " ")]
        else:
            yield [Splice(span.text.start, span.text.start, "[x] ")]

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:  # noqa: ARG002
        """Compare the task with the one that is meant."""
        criteria = list(the_entry(before, self.label).task.criteria)
        criteria[self.n - 1] = replace(criteria[self.n - 1], checked=self.checked)
        return _differs(before, after, self.label, criteria=tuple(criteria))


@dataclass(frozen=True, slots=True, kw_only=True)
class FillAdded:
    """Note when a task was added, where nobody wrote that."""

    label: str
    at: datetime

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:
        """Yield the part on the task line."""
        entry = the_entry(document, self.label)
        if is_given(entry, Key.ADDED):
            yield []
        else:
            yield [new_part(document, entry, Key.ADDED, stamp(self.at, zone))]
            at = end_of_paragraph(document, entry)
            yield [Splice(at, at, f" - Added: {stamp(self.at, zone)}")]

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:
        """Compare the task with the one that is meant."""
        return _differs(before, after, self.label, added=to_minute(self.at, zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """Tick a task, date it and move it with its nested lines to the top of Completed; headed details stay.

    A date that the owner wrote behind a box ticked by hand stays, unless `insist`.
    """

    label: str
    at: datetime
    insist: bool = False

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:
        """Yield the move, first with the date at the end of the paragraph, then before what Obsidian reads from there."""
        entry = the_entry(document, self.label)
        if not entry.task.is_active:
            yield self._finished(document, entry, zone)
            return
        text = stamp(self.at, zone)
        ends = dict.fromkeys((end_of_paragraph(document, entry), obsidian_tail(document, entry)))
        for at in ends:
            dated = [Splice(at, at, f" - Completed: {text}")]
            if is_given(entry, Key.COMPLETED):
                dated = [] if self._dated(entry) else set_key(document, entry, Key.COMPLETED, text)
            changes = [*_mark(document, entry, "x"), *dated]
            out, rows = moved(document, entry, changes)
            elsewhere = [change for change in changes if not out.start <= change.start <= out.end]
            for put in put_first(document, SectionKind.COMPLETED, rows):
                yield [out, *elsewhere, put]

    def _finished(self, document: Document, entry: Entry, zone: tzinfo) -> list[Splice]:
        changes = _mark(document, entry, "x")
        if not is_given(entry, Key.COMPLETED):
            at = end_of_paragraph(document, entry)
            changes.append(Splice(at, at, f" - Completed: {stamp(self.at, zone)}"))
        return changes

    def _dated(self, entry: Entry) -> bool:
        return entry.task.checked and entry.task.completed is not None and not self.insist

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:
        """Compare the task with the one that is meant; Obsidian's own date has no time of day."""
        old = the_entry(before, self.label)
        part = old.part(Key.COMPLETED)
        when = to_minute(self.at, zone)
        if old.task.completed is not None and (not old.task.is_active or self._dated(old)):
            when = old.task.completed
        elif part is not None and part.style is PartStyle.SIGN:
            when = when.replace(hour=0, minute=0)
        return _differs(before, after, self.label, section=TaskSection.COMPLETED, checked=True, completed=when)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    """Move a completed task back to Active Queue, unticked and without its date: to its end, or `before` another task there."""

    label: str
    before: str | None = None

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:  # noqa: ARG002
        """Yield the move; a task that is active already is only unticked."""
        entry = the_entry(document, self.label)
        changes = [*_mark(document, entry, " "), *unset_key(document, entry, Key.COMPLETED)]
        if entry.task.is_active:
            yield changes
            return
        out, rows = moved(document, entry, changes)
        elsewhere = [change for change in changes if not out.start <= change.start <= out.end]
        ways = [] if self.before is None else [put_before(document, SectionKind.ACTIVE, rows, self.before)]
        for put in (put for way in (*ways, put_last(document, SectionKind.ACTIVE, rows)) for put in way):
            yield [out, *elsewhere, put]

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:  # noqa: ARG002
        """Compare the task with the one that is meant."""
        return _differs(before, after, self.label, section=TaskSection.ACTIVE, checked=False, completed=None)


def _mark(document: Document, entry: Entry, char: str) -> list[Splice]:
    now = document.text[entry.mark.start : entry.mark.end]
    same = now in "xX" if char == "x" else now.isspace()
    return [] if same else [Splice(*entry.mark, char)]
