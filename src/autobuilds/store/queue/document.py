"""A queue file as read: what it says, and where in its text every part of it stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from autobuilds.domain.model import Queue, Task
from autobuilds.records import dataclass
from autobuilds.store.queue.keys import Key

BOM = b"\xef\xbb\xbf"


class Span(NamedTuple):
    """A half-open range of character offsets into `Document.text`."""

    start: int
    end: int


class SectionKind(StrEnum):
    """The three sections of a queue."""

    ACTIVE = "active"
    DETAILS = "details"
    COMPLETED = "completed"


class PartStyle(StrEnum):
    """How a part of the task line is written."""

    #: ` - Priority: High`.
    DASH = "dash"
    #: `[priority:: high]` or `(priority:: high)`.
    INLINE = "inline"
    #: `⏫`, `🆔 x`, `📅 2026-02-06`: the signs of Obsidian Tasks.
    SIGN = "sign"


class FieldPlace(StrEnum):
    """Where a field of the details stands."""

    #: Under the task line.
    NESTED = "nested"
    #: Under a heading in Task Details.
    HEADED = "headed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSpan:
    """One section: its heading's whole lines and its body's whole lines, line ends included."""

    kind: SectionKind
    heading: Span
    body: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpan:
    """One known key in the first paragraph of a task; `whole` includes the separator before the key."""

    key: Key
    style: PartStyle
    whole: Span
    #: Without white space around it; empty where nothing is written.
    value: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpan:
    """One field of the details; `lines` are its whole lines with everything that belongs to its value, line ends included."""

    key: Key
    place: FieldPlace
    lines: Span
    #: From after the colon and white space to the end of the field's last line that is not blank, without its line end.
    value: Span
    #: The same, but only on the line of the key: what a writer replaces in a field of one line.
    first: Span
    #: The key's text alone, without emphasis and colon.
    name: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionSpan:
    """One completion criterion; same order as `Task.criteria`."""

    lines: Span
    #: The one character between the brackets; None where the criterion has no box.
    mark: Span | None
    #: What follows the bullet (and the box) on the first line: a writer puts `[x] ` at its start to add a box.
    text: Span
    #: Whether the criterion is a list item, so that a box may be added before its text.
    item: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsSpan:
    """One headed block of details: whole lines, line ends included."""

    heading: Span
    body: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where one task stands; all spans are offsets into `Document.text`."""

    label: str
    task: Task
    #: The list item's whole lines with everything nested in it, line ends included, blank lines after it not.
    lines: Span
    #: The first paragraph, from after the box to its end, without the line end.
    paragraph: Span
    #: The name as written, with its inline Markdown.
    name: Span
    #: The one character between the brackets.
    mark: Span
    #: Columns of white space that a line needs to belong to the item.
    indent: int
    parts: tuple[PartSpan, ...] = ()
    fields: tuple[FieldSpan, ...] = ()
    criteria: tuple[CriterionSpan, ...] = ()
    details: tuple[DetailsSpan, ...] = ()

    def part(self, key: Key) -> PartSpan | None:
        """Return the first part of the task line with this key, or None."""
        return next((part for part in self.parts if part.key is key), None)

    def field(self, key: Key) -> FieldSpan | None:
        """Return the first field of the details with this key, or None."""
        return next((field for field in self.fields if field.key is key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything of one file stands."""

    #: One for each of `queue.tasks`, in the same order.
    entries: tuple[Entry, ...] = ()
    sections: tuple[SectionSpan, ...] = ()
    #: The offset of every line's first character.
    line_starts: tuple[int, ...] = (0,)


@dataclass(frozen=True, kw_only=True, eq=False)
class Document:
    """A queue file as read. Splicing `text` and encoding it with `encode` keeps every byte outside the splice.

    What the file says is there at once; where it stands is found when it is first asked for, as only writers need it.
    """

    data: bytes
    #: Decoded, without a byte order mark, line ends as they are; empty where the file is not UTF-8.
    text: str
    queue: Queue
    bom: bool = False
    find: Callable[[], Places] = Places

    @cached_property
    def places(self) -> Places:
        """Where everything stands."""
        return self.find()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """One entry for each of `queue.tasks`, in the same order."""
        return self.places.entries

    @property
    def sections(self) -> tuple[SectionSpan, ...]:
        """The parts of the three sections, in the order of the file."""
        return self.places.sections

    @property
    def line_starts(self) -> tuple[int, ...]:
        """The offset of every line's first character."""
        return self.places.line_starts

    @property
    def newline(self) -> str:
        r"""The file's line end: the first that stands in it, else `\n`."""
        at = min((i for i in (self.text.find("\n"), self.text.find("\r")) if i >= 0), default=-1)
        if at < 0 or self.text[at] == "\n":
            return "\n"
        return "\r\n" if self.text[at + 1 : at + 2] == "\n" else "\r"

    def section(self, kind: SectionKind) -> SectionSpan | None:
        """Return the first section of a kind, the one that writers use, or None."""
        return next((section for section in self.sections if section.kind is kind), None)

    def entry(self, label: str) -> Entry | None:
        """Return the active entry with this label, else the completed one, else None."""
        found = [entry for entry in self.entries if entry.label == label]
        return next((entry for entry in found if entry.task.is_active), found[0] if found else None)

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both from 1, the column in characters."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def encode(self, text: str) -> bytes:
        """Return the bytes of a new text for this file, with the byte order mark that the file had."""
        return (BOM if self.bom else b"") + text.encode()
