"""Changing a queue at spans of its text: every byte outside them stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autobuilds.domain.patterns import pattern
from autobuilds.store.queue.document import Document, SectionSpan

_ENDS = ("\n", "\r")
_ROWS = pattern(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Splice(NamedTuple):
    """`text` takes the place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


def spliced(document: Document, splices: Iterable[Splice]) -> bytes:
    """Return the file's bytes with the splices made; a file without a final line end keeps that state."""
    text = apply_splices(document.text, splices)
    if document.text and not document.text.endswith(_ENDS):
        text = text.rstrip("\r\n")
    elif text and not text.endswith(_ENDS):
        text += document.newline
    return document.encode(text)


def apply_splices(text: str, splices: Iterable[Splice], offset: int = 0) -> str:
    """Return a text with splices made whose offsets count from `offset` before its start; they may not overlap."""
    parts: list[str] = []
    at = 0
    for splice in sorted(splices):
        assert splice.start - offset >= at, "splices may not overlap"
        parts += [text[at : splice.start - offset], splice.text]
        at = splice.end - offset
    return "".join([*parts, text[at:]])


def rows_at(document: Document, at: int, rows: Sequence[str]) -> Splice:
    """Return the splice that puts whole lines before the line that starts at `at` (or at the end of the file).

    Lines without a line end get the file's; `spliced` takes the last one away again where the file ends without.
    """
    text = "".join(row if row.endswith(_ENDS) else row + document.newline for row in rows)
    open_end = at == len(document.text) and document.text and not document.text.endswith(_ENDS)
    return Splice(at, at, document.newline + text if open_end else text)


def split_rows(text: str) -> list[str]:
    """Return the lines of a text with their line ends (LF, CRLF or CR)."""
    return _ROWS.findall(text)


def line_start(document: Document, offset: int) -> int:
    """Return the offset at which the line of an offset starts."""
    return document.line_starts[document.position(offset)[0] - 1]


class Place(NamedTuple):
    """Where lines go, and whether a blank line must stand before them."""

    at: int
    apart: bool = False


def end_of_content(document: Document, start: int, end: int) -> int:
    """Return the offset after the last line that is not blank, of the whole lines between two offsets; `start` if there is none."""
    at = last = start
    for row in split_rows(document.text[start:end]):
        at += len(row)
        if row.strip():
            last = at
    return last


def place_in(document: Document, section: SectionSpan) -> Place:
    """Return where the first entry of a section without entries goes: below its heading, or below what the owner wrote there."""
    start, end = section.body
    last = end_of_content(document, start, end)
    if last > start:
        return Place(last, apart=True)
    rows = split_rows(document.text[start:end])
    if len(rows) >= 2 or (rows and end == len(document.text)):
        return Place(start + len(rows[0]))
    return Place(start)


def new_section(document: Document, title: str, at: int, rows: Sequence[str], *, apart: bool = False) -> Splice:
    """Return the splice that makes a section before the line that starts at `at`; `apart`: a blank line follows the heading in any case."""
    gap = [""] if apart or (document.sections and _airy(document)) else []
    lines = [f"## {title}", *gap, *rows]
    before = document.text[:at]
    if before.strip() and not re.search(r"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)\Z", before):
        lines = ["", *lines]
    if at < len(document.text):
        lines = [*lines, ""]
    return rows_at(document, at, lines)


def _airy(document: Document) -> bool:
    """Whether the file's sections begin with a blank line."""
    first = document.sections[0].body
    rows = split_rows(document.text[first.start : first.end])
    return len(rows) > 1 and not rows[0].strip()
