"""Where a key of a task is written, and the splices that set, add or remove it in the file's own habit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from autobuilds.domain.patterns import pattern
from autobuilds.store.queue.compose import FieldHabit, Value, field_rows, value_rows
from autobuilds.store.queue.document import DetailsSpan, Document, Entry, FieldPlace, FieldSpan, PartSpan, PartStyle, SectionKind
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.splice import Splice, end_of_content, line_start, new_section, place_in, rows_at
from autobuilds.store.queue.taskline import read_line

#: Keys that stand on the task line where nothing else is habit.
ON_LINE = frozenset([Key.ADDED, Key.PRIORITY, Key.COMPLETED, Key.LABEL])
_SIGNS = {"high": "⏫", "medium": "🔼", "low": "🔽"}
_BEFORE = pattern(r"[ \t]*[-*+][ \t]+[*_]{0,3}")
_AFTER = pattern(r"[*_]{0,3}[ \t]*:[*_]{0,3}[ \t]*")
_EMPHASIS = pattern(r"[*_]+\Z")


def is_given(entry: Entry, key: Key) -> bool:
    """Whether a task has this key anywhere."""
    return entry.part(key) is not None or entry.field(key) is not None


def set_key(document: Document, entry: Entry, key: Key, value: Value, ticked: frozenset[int] = frozenset()) -> list[Splice]:
    """Return the splices that give a key its value: wherever it stands already, else where the file's habit puts it."""
    splices = [_set_part(document, part, value) for part in entry.parts if part.key is key and isinstance(value, str)]
    splices += [_set_field(document, field, value, ticked) for field in entry.fields if field.key is key]
    if splices:
        return splices
    if key in ON_LINE and isinstance(value, str):
        return [new_part(document, entry, key, value)]
    return [new_field(document, entry, key, value, ticked)]


def unset_key(document: Document, entry: Entry, key: Key) -> list[Splice]:
    """Return the splices that take a key away wherever it stands."""
    splices = []
    for part in entry.parts:
        if part.key is key:
            end = max(part.value.end, part.whole.start) if part.style is PartStyle.DASH else part.whole.end
            end = part.whole.end if end == part.whole.start else end
            end = _before_comment(document, part.whole.start, end)
            start = part.whole.start
            if part.style is not PartStyle.DASH and document.text[start - 1 : start] == " ":
                start -= 1
            splices.append(Splice(start, end, ""))
    splices += [Splice(*field.lines, "") for field in entry.fields if field.key is key]
    return splices


def _set_part(document: Document, part: PartSpan, value: str) -> Splice:
    if part.style is PartStyle.SIGN:
        if part.key is Key.PRIORITY:
            end = part.value.start + 1
            return Splice(part.value.start, end, _SIGNS.get(value.casefold(), value))
        if part.key in {Key.ADDED, Key.COMPLETED, Key.NOT_BEFORE}:
            value = value[:10]  # Obsidian reads no time of day here
    elif part.style is PartStyle.INLINE and part.key is Key.PRIORITY:
        old = document.text[part.value.start : part.value.end]
        value = value.lower() if old == old.lower() else value
    return _put(document, part.value.start, part.value.end, value)


def _put(document: Document, start: int, end: int, value: str) -> Splice:
    """Replace a value on its line, with a space before it where it follows the colon at once and nothing stood there."""
    end = _before_comment(document, start, end)
    bare = start == end and not document.text[start - 1 : start].isspace()
    return Splice(start, end, f" {value}" if bare else value)


def _before_comment(document: Document, start: int, end: int) -> int:
    """Return where a text ends if the comment that closes it stays."""
    text = document.text[start:end]
    at = text.find("<!--")
    return start + len(text[:at].rstrip()) if at > 0 and text.endswith("-->") and text[:at].strip() else end


def _set_field(document: Document, field: FieldSpan, value: Value, ticked: frozenset[int]) -> Splice:
    start, end = field.value
    before = _EMPHASIS.search(document.text, line_start(document, field.name.start), field.name.start)
    closing = before[0][::-1] if before else ""
    if closing and document.text[start:end].endswith(closing) and closing not in document.text[field.name.end : start]:
        end -= len(closing)
    first, *rest = value_rows(field.key, value, ticked)
    if rest and not first:
        start = _after_colon(document, field)
    inner = inner_indent(document, field)
    return _put(document, start, end, document.newline.join([first, *(inner + row if row else "" for row in rest)]))


def _after_colon(document: Document, field: FieldSpan) -> int:
    match = _AFTER.match(document.text, field.name.end)
    at = match.end() if match else field.value.start
    while document.text[at - 1] in " \t":
        at -= 1
    return at


def inner_indent(document: Document, field: FieldSpan) -> str:
    """Return the white space that a line needs to belong to a field."""
    before = document.text[line_start(document, field.name.start) : field.name.start]
    return " " * len(before.rstrip("*_").expandtabs(4))


def obsidian_tail(document: Document, entry: Entry) -> int:
    """Return where what Obsidian reads from the end of the line begins, else where the paragraph's text ends."""
    start, end = entry.paragraph
    text = document.text[start:end].rstrip()
    tail = len(text)
    found = [part.whole for part in read_line(text).parts if part.style is not PartStyle.DASH]
    for whole in reversed(found):
        if text[whole.end : tail].strip():
            break
        tail = len(text[: whole.start].rstrip())
    return start + (tail or len(text))


def end_of_paragraph(document: Document, entry: Entry) -> int:
    """Return where the text of the first paragraph ends, white space at its end left out."""
    start, end = entry.paragraph
    return start + len(document.text[start:end].rstrip())


def new_part(document: Document, entry: Entry, key: Key, value: str) -> Splice:
    """Return the splice that puts a key on the task line: Added behind the name, Priority behind Added, others last."""
    dashes = [part for part in entry.parts if part.style is PartStyle.DASH]
    styles = {part.style for part in entry.parts}
    if key is Key.PRIORITY and not dashes and styles:
        at = obsidian_tail(document, entry)
        sign = PartStyle.SIGN in styles
        return Splice(at, at, f" {_SIGNS[value.casefold()]}" if sign else f" [priority:: {value.lower()}]")
    at = obsidian_tail(document, entry)
    if key in {Key.ADDED, Key.PRIORITY} and dashes:
        at = min(at, dashes[0].whole.start)
        added = next((part for part in dashes if part.key is Key.ADDED), None)
        if key is Key.PRIORITY and added is not None:
            at = added.value.end
    return Splice(at, at, f" - {key}: {value}")


def new_field(document: Document, entry: Entry, key: Key, value: Value, ticked: frozenset[int] = frozenset()) -> Splice:
    """Return the splice that adds a field to the details of a task, which are made if there are none."""
    if entry.fields:
        last = max(entry.fields, key=lambda field: field.lines.end)
        rows = field_rows(key, value, _habit_of(document, last), ticked)
        return rows_at(document, last.lines.end, rows)
    if entry.details:
        return _into_details(document, entry.details[0], field_rows(key, value, habit(document, FieldPlace.HEADED), ticked))
    if is_nested(document):
        return rows_at(document, entry.lines.end, nested_rows(document, entry.indent, [(key, value)], ticked))
    name = document.text[entry.name.start : entry.name.end]
    return headed(document, " ".join(name.split()), field_rows(key, value, habit(document, FieldPlace.HEADED), ticked))


def _into_details(document: Document, details: DetailsSpan, rows: Sequence[str]) -> Splice:
    start, end = details.body
    at = end_of_content(document, start, end)
    return rows_at(document, at, rows if at == start else ["", *rows])


def _habit_of(document: Document, field: FieldSpan) -> FieldHabit:
    start = line_start(document, field.name.start)
    before = document.text[start : field.name.start]
    after = _AFTER.match(document.text, field.name.end)
    if not _BEFORE.fullmatch(before) or after is None:
        return FieldHabit(before=inner_indent(document, field)[:-2] + "- **", inner=inner_indent(document, field))
    opening, closing = _EMPHASIS.search(before), after[0].rstrip(" \t")
    if opening and not closing.strip(":"):
        closing = f":{opening[0][::-1]}"
    return FieldHabit(before=before, after=closing + " ", inner=inner_indent(document, field))


def _sample(document: Document, place: FieldPlace) -> Iterator[FieldSpan]:
    return (field for entry in document.entries for field in entry.fields if field.place is place)


def habit(document: Document, place: FieldPlace) -> FieldHabit:
    """Return how the file's first details of a kind write their fields, else the documented form."""
    first = next(_sample(document, place), None)
    found = _habit_of(document, first) if first else FieldHabit()
    if place is FieldPlace.HEADED and not found.before.startswith((" ", "\t")):
        return found
    bare = found.before.lstrip(" \t")
    return FieldHabit(before=bare, after=found.after, inner=" " * len(bare.rstrip("*_").expandtabs(4)))


def is_nested(document: Document) -> bool:
    """Whether the file's habit is to nest details under the task line."""
    nested = sum(any(field.place is FieldPlace.NESTED for field in entry.fields) for entry in document.entries)
    headed_ones = sum(bool(entry.details) for entry in document.entries)
    return nested > headed_ones


def nested_rows(document: Document, indent: int, fields: Sequence[tuple[Key, Value]], ticked: frozenset[int] = frozenset()) -> list[str]:
    """Return fields as lines nested under a task line whose content begins at column `indent`."""
    form = habit(document, FieldPlace.NESTED)
    rows = [row for key, value in fields for row in field_rows(key, value, form, ticked if key is Key.CRITERIA else frozenset())]
    return [" " * indent + row if row else "" for row in rows]


def headed(document: Document, heading: str, rows: Sequence[str]) -> Splice:
    """Return the splice that puts a headed block of details at the end of Task Details, which is made if it is missing."""
    return headed_all(document, [(heading, rows)])


def headed_all(document: Document, blocks: Sequence[tuple[str, Sequence[str]]]) -> Splice:
    """Return the splice that puts headed blocks, each a heading and its lines, where `headed` puts one."""
    marks = next((_level(document, d) for entry in document.entries for d in entry.details), "###")
    block = [row for heading, rows in blocks for row in ("", f"{marks} {heading}", *rows)][1:]
    section = document.section(SectionKind.DETAILS)
    if section is None:
        done = document.section(SectionKind.COMPLETED)
        active = document.section(SectionKind.ACTIVE)
        before = done is not None and active is not None and active.heading.start < done.heading.start
        at = done.heading.start if done is not None and before else len(document.text)
        return new_section(document, "Task Details", at, block, apart=True)
    last = end_of_content(document, *section.body)
    at = last if last > section.body.start else place_in(document, section).at
    rows = block if last == section.body.start and at > section.body.start else ["", *block]
    if at < len(document.text) and at == section.body.end:
        rows = [*rows, ""]
    return rows_at(document, at, rows)


def _level(document: Document, details: DetailsSpan) -> str:
    match = re.match(r" {0,3}(#{3,6})[ \t]", document.text[details.heading.start : details.heading.end])
    return match[1] if match else "###"
