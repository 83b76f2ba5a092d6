"""Moving entries between Active Queue and Completed, and where new ones go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from autobuilds.domain.patterns import pattern
from autobuilds.store.queue.document import Document, Entry, SectionKind
from autobuilds.store.queue.splice import Place, Splice, apply_splices, end_of_content, new_section, place_in, rows_at, split_rows

_TITLES = {SectionKind.ACTIVE: "Active Queue", SectionKind.COMPLETED: "Completed"}
_LEAD = pattern(r"[ \t]*")
_MARKER = pattern(r"(?P<lead>[ \t]*)(?:(?P<bullet>[-*+])|(?P<number>\d{1,9})(?P<dot>[.)]))(?P<gap>[ \t]+)")


def entries_in(document: Document, kind: SectionKind) -> list[Entry]:
    """Return the entries of the first section of a kind, in the order of the file."""
    section = document.section(kind)
    if section is None:
        return []
    start, end = section.body
    return sorted((entry for entry in document.entries if start <= entry.lines.start < end), key=lambda entry: entry.lines.start)


def is_loose(document: Document, entries: Sequence[Entry]) -> bool:
    """Whether blank lines stand between the entries of a section."""
    return any(
        not document.text[one.lines.end : other.lines.start].strip() and one.lines.end < other.lines.start for one, other in _pairs(entries)
    )


def _pairs(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    return pairwise(entries)


def task_marker(document: Document, entries: Sequence[Entry]) -> str:
    """Return what stands before the box of the next task: the last one's white space and bullet, a number one higher.

    Where the last two have the same number, the next has it as well: some number all items alike.
    """
    markers = [_MARKER.match(document.text, entry.lines.start, entry.mark.start) for entry in entries[-2:]]
    match = markers[-1] if markers else None
    if match is None:
        return "- "
    alike = len(markers) > 1 and markers[0] is not None and markers[0]["number"] == match["number"]
    sign = match["bullet"] or f"{int(match['number']) + (not alike)}{match['dot']}"
    return f"{match['lead']}{sign}{match['gap']}"


def task_markers(document: Document, entries: Sequence[Entry], many: int, *, ahead: bool) -> list[str]:
    """Return what stands before the boxes of the next tasks, each put behind the one before; `ahead`: each at the top, before it."""
    first = task_marker(document, entries)
    match = _MARKER.match(first)
    last = _MARKER.match(document.text, entries[-1].lines.start, entries[-1].mark.start) if entries else None
    if ahead or match is None or last is None or not match["number"] or match["number"] == last["number"]:
        return [first] * many
    return [f"{match['lead']}{int(match['number']) + n}{match['dot']}{match['gap']}" for n in range(many)]


def put_last(document: Document, kind: SectionKind, rows: Sequence[str]) -> Iterator[Splice]:
    """Yield ways to put an entry's lines at the end of a section."""
    entries = entries_in(document, kind)
    if not entries:
        yield from _put_in_empty(document, kind, rows)
        return
    for shown in _indented(document, entries[-1], rows):
        yield from _spaced(document, entries[-1].lines.end, shown, before=is_loose(document, entries))
    section = document.section(kind)
    assert section is not None
    yield from _spaced(document, end_of_content(document, *section.body), rows, before=True)


def put_first(document: Document, kind: SectionKind, rows: Sequence[str]) -> Iterator[Splice]:
    """Yield ways to put an entry's lines at the top of a section."""
    entries = entries_in(document, kind)
    if not entries:
        yield from _put_in_empty(document, kind, rows)
        return
    for shown in _indented(document, entries[0], rows):
        yield from _spaced(document, entries[0].lines.start, shown, after=is_loose(document, entries))


def put_before(document: Document, kind: SectionKind, rows: Sequence[str], label: str) -> Iterator[Splice]:
    """Yield ways to put an entry's lines before another entry of a section; none where that is not there.

    Of the blank lines that an entry left there one more than needed is taken for the one behind it.
    """
    entries = entries_in(document, kind)
    other = next((entry for entry in entries if entry.label == label), None)
    if other is None:
        return
    loose, start = is_loose(document, entries), other.lines.start
    blank = _blank_before(document.text, start)
    spare = loose and len(blank) > (0 if other is entries[0] else 1)
    for shown in _indented(document, other, rows):
        if spare:
            yield rows_at(document, blank[0], shown)
        yield from _spaced(document, start, shown, after=loose)


def _blank_before(text: str, at: int) -> list[int]:
    """Return where the blank lines right before a line begin, the last one first."""
    found: list[int] = []
    while at > 0:
        end = at - (2 if text[at - 2 : at] == "\r\n" else 1)
        begin = max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1
        if text[begin:at].strip():
            break
        found.append(begin)
        at = begin
    return found


def _indented(document: Document, neighbour: Entry, rows: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield an entry's lines as they are, then indented like its new neighbour, where one would be the other's child."""
    yield rows
    lead = _LEAD.match(document.text, neighbour.lines.start)
    own = _LEAD.match(rows[0])
    if lead is None or own is None or lead[0] == own[0]:
        return
    if lead[0].startswith(own[0]):
        yield [lead[0][len(own[0]) :] + row if row.strip() else row for row in rows]
    elif own[0].startswith(lead[0]):
        less = own[0][len(lead[0]) :]
        yield [row.removeprefix(less) for row in rows]


def _put_in_empty(document: Document, kind: SectionKind, rows: Sequence[str]) -> Iterator[Splice]:
    section = document.section(kind)
    if section is not None:
        place: Place = place_in(document, section)
        yield from _spaced(document, place.at, rows, before=place.apart)
        return
    later = [s.heading.start for s in document.sections] if kind is SectionKind.ACTIVE else []
    yield new_section(document, _TITLES[kind], min(later, default=len(document.text)), rows)


def _spaced(document: Document, at: int, rows: Sequence[str], *, before: bool = False, after: bool = False) -> Iterator[Splice]:
    """Yield the lines at a place: with blank lines as is habit there, then with more of them, for where they would run together."""
    for more_before, more_after in ((before, after), (before, True), (True, after), (True, True)):
        shown = [*([""] if more_before else []), *rows, *([""] if more_after and at < len(document.text) else [])]
        yield rows_at(document, at, shown)


def moved(document: Document, entry: Entry, changes: Sequence[Splice]) -> tuple[Splice, list[str]]:
    """Return the splice that takes an entry out, and its lines with changes made inside it."""
    start, end = entry.lines
    inside = [change for change in changes if start <= change.start <= change.end <= end]
    text = apply_splices(document.text[start:end], inside, start)
    return Splice(start, end, ""), split_rows(text)
