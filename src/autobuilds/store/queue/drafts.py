"""Entries of the lists: task items with what is nested in them, and the near misses beside them."""

from __future__ import annotations

import re
from itertools import pairwise

from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Section as TaskSection
from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass, field
from autobuilds.store.markdown.blocks import FENCE_BLOCK, HTML, ITEM, LIST, PARAGRAPH, Block, Blocks
from autobuilds.store.markdown.inline import plain_text
from autobuilds.store.queue.document import DetailsSpan, FieldPlace, FieldSpan, PartSpan, PartStyle, Span
from autobuilds.store.queue.findings import Findings
from autobuilds.store.queue.given import BOX, Given, paragraph_span, read_field
from autobuilds.store.queue.keys import KEYS, Key, fold_key, suggest
from autobuilds.store.queue.taskline import KNOWN_FIELD, KNOWN_KEYS, TaskLine, read_line

#: What looks like a box and is none: `[]`, `[/]`, `[ ]x`, a no-break space, an escaped or full-width bracket.
_ODD_BOX = pattern(r"\[[^\[\]\r\n]{0,2}\](?![(\[:])|\\\[[ xX]?\\?\]|［[^\]］\r\n]{0,2}］")
_ODD_LINE = pattern(rf"[ \t\u00a0]*(?:(?:[-*+•‣◦–—]|\d+[.)])[ \t\u00a0]*)?(?:{_ODD_BOX.pattern})")
_PLAIN_BOX = pattern(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[[ xX]\][ \t]")
_ODD_FIELD = pattern(
    rf"(?:\[[xX]\][ \t]+(?=[*_\w])|(?=[\W_])[^\w`]{{1,8}}){KNOWN_FIELD.pattern}"
    rf"|(?:\*\*|__)(?P<bold>{KNOWN_KEYS})(?:\*\*|__)"
    rf"|[*_]{{0,3}}(?P<wide>{KNOWN_KEYS})[ \t*_]*：",
    re.IGNORECASE,
)
_PLAIN_FIELD = pattern(rf"[ \t]*(?:[-*+]|\d+[.)])[ \t]+{KNOWN_FIELD.pattern}", re.IGNORECASE)
_WRITE = 'write "- [ ] Name"'


@dataclass(slots=True)
class Draft:
    """One task as it is put together."""

    item: Block
    section: TaskSection
    checked: bool
    mark: Span
    paragraph: Span
    line: TaskLine
    name: str
    slug: str
    label: str = ""
    givens: list[Given] = field(default_factory=list)
    parts: list[PartSpan] = field(default_factory=list)
    fields: list[FieldSpan] = field(default_factory=list)
    details: list[DetailsSpan] = field(default_factory=list)
    #: Warnings that wait for the label: kind, offset, message.
    notes: list[tuple[str, int, str]] = field(default_factory=list)
    #: Blocks that are parts of the task beside its item: headings and lists of its headed details.
    others: list[Block] = field(default_factory=list)

    def note(self, kind: str, at: int, message: str) -> None:
        """Keep a warning until the task has its label."""
        self.notes.append((kind, at, message))


def read_entries(body: list[Block], section: TaskSection, blocks: Blocks, findings: Findings, links: frozenset[str]) -> list[Draft]:
    """Return the tasks of one section's body in order; what only looks like a task is warned of."""
    drafts: list[Draft] = []
    before: Block | None = None
    for block in body:
        if block.kind == LIST:
            drafts += _list(block, before, section, blocks, findings, links)
        elif block.kind == PARAGRAPH:
            _odd_lines(block, 0, blocks, findings)
        elif block.kind == HTML and block.level >= 6:
            _hidden(block, blocks, findings)
        before = block
    return drafts


def _list(
    block: Block, before: Block | None, section: TaskSection, blocks: Blocks, findings: Findings, links: frozenset[str]
) -> list[Draft]:
    drafts = []
    beneath = _shallow(block, before, blocks)
    upright: Block | None = None
    for item in block.children:
        indent = _indent(item, blocks)
        # A numbered item that leans towards the one above: indented by two columns or more, but not nested.
        leaning = upright if block.marker in ".)" and indent >= 2 else None
        above = before.children[-1] if beneath and before is not None else leaning
        upright = upright if indent else item
        under = above is not None
        if above is not None:
            message = f"this item is not nested in the numbered one above it; indent it by {above.padding} columns to put it there"
            findings.warn("near-miss", item.marker_at, f"{message}, or not at all to have it stand alone")
        first = item.children[0] if item.children else None
        if first is None or first.kind != PARAGRAPH:
            _plain(item, blocks, findings, quiet=under)
            continue
        span = paragraph_span(first, blocks.text)
        box = BOX.match(blocks.text, *span)
        if box is None or box.end() >= span.end or under:
            _plain(item, blocks, findings, quiet=under)
            continue
        drafts.append(_draft(item, first, span, box, section, blocks, links))
        _odd_lines(first, 1, blocks, findings)
    return drafts


def _shallow(block: Block, before: Block | None, blocks: Blocks) -> bool:
    """Whether a list stands right under a numbered one, indented, but not enough to be nested in it."""
    if before is None or before.kind != LIST or before.marker not in ".)" or block.marker in ".)":
        return False
    indented = block.children[0].marker_at > blocks.starts[block.first]
    return indented and block.first == before.last + 1


def _indent(item: Block, blocks: Blocks) -> int:
    return item.marker_at - blocks.starts[item.first]


def _draft(item: Block, first: Block, span: Span, box: re.Match[str], section: TaskSection, blocks: Blocks, links: frozenset[str]) -> Draft:
    at = box.end()
    while at < span.end and blocks.text[at] in " \t\r\n":
        at += 1
    if blocks.text[at] == "-" and read_line(blocks.text[at - 1 : span.end], links).name_text.strip() == "":
        # No name at all: the white space before the first separator belongs to it.
        at -= 1
    paragraph = Span(at, span.end)
    text = blocks.text[at : span.end]
    line = read_line(text, links)
    name = plain_text(line.name_text, links)
    draft = Draft(item, section, box[1] in "xX", Span(span.start + 1, span.start + 2), paragraph, line, name, slugify(name))
    _parts(draft, at)
    if section is TaskSection.COMPLETED and not draft.checked:
        draft.note("near-miss", item.marker_at, "an open box under Completed: tick it, or move the entry to Active Queue")
    for child in item.children[1:]:
        if child.kind == LIST:
            read_fields(child, blocks, FieldPlace.NESTED, draft)
        elif child.kind == PARAGRAPH:
            odd_fields(child, 0, blocks, draft)
        elif child.kind == HTML:
            hidden_fields(child, blocks, draft)
    odd_fields(first, 1, blocks, draft)
    stray_code(item.children[1:], blocks, draft)
    return draft


def _parts(draft: Draft, base: int) -> None:
    for part in draft.line.parts:
        value = Span(base + part.value.start, base + part.value.end)
        whole = Span(base + part.whole.start, base + part.whole.end)
        if part.key is not None:
            draft.parts.append(PartSpan(key=part.key, style=part.style, whole=whole, value=value))
            draft.givens.append(Given(part.key, value.start, part.text))
        elif part.style is PartStyle.SIGN:
            draft.note("unknown-key", whole.start, f'"{part.written}" is kept but means nothing here')
        else:
            draft.note("unknown-key", base + part.at, unknown("key", part.written))
    for offset, key in draft.line.near:
        draft.note(
            "near-miss", base + offset, f'"{key}" is not read here; write " - {key}: …" with a plain hyphen and a space on both sides'
        )


def unknown(what: str, written: str) -> str:
    """Return the message for a key that is not known, in one line."""
    guess = suggest(written)
    return f'unknown {what} "{" ".join(written.split())}"' + (f' (did you mean "{guess}"?)' if guess else "; it is kept as it is")


def read_fields(block: Block, blocks: Blocks, place: FieldPlace, draft: Draft) -> None:
    """Add the fields among a list's items to a task; what a field holds is never looked at for more fields."""
    empty: Given | None = None
    for item in block.children:
        found = read_field(item, blocks, place)
        if isinstance(found, str):
            draft.note("unknown-key", item.children[0].lines[0][0], unknown("field", found))
            empty = None
        elif found is not None:
            given, span = found
            draft.givens.append(given)
            draft.fields.append(span)
            empty = given if not given.text and not given.nested else None
        elif (odd := _odd_field(item, blocks)) is not None:
            draft.note("near-miss", item.marker_at, f'"{odd}" is not read here; write "- **{odd}:** …", without anything before it')
        elif empty is not None and _boxed(item, blocks):
            draft.note(
                "near-miss", item.marker_at, f'this item does not stand under "{empty.key}"; indent it by two columns to put it there'
            )


def _odd_field(item: Block, blocks: Blocks) -> str | None:
    """Return the known key of an item that is nearly a field: something before the key, or a bold key without a colon."""
    if not item.children or item.children[0].kind != PARAGRAPH:
        return None
    start, end = paragraph_span(item.children[0], blocks.text)
    match = _ODD_FIELD.match(blocks.text, start, end)
    if match is not None:
        return match["key"] or match["bold"] or match["wide"]
    # A key alone, its value nested under it.
    key = KEYS.get(fold_key(blocks.text[start:end])) if end - start < 40 and len(item.children) > 1 else None
    return None if key is None else str(key)


def _boxed(item: Block, blocks: Blocks) -> bool:
    first = item.children[0] if item.children else None
    return first is not None and first.kind == PARAGRAPH and BOX.match(blocks.text, first.lines[0][0], first.lines[-1][1]) is not None


def hidden_fields(block: Block, blocks: Blocks, draft: Draft) -> None:
    """Warn of fields that stand in a block of HTML."""
    for start, end in block.lines if block.level >= 6 else []:
        match = _PLAIN_FIELD.match(blocks.text, start, end)
        if match is not None:
            draft.note("near-miss", start, f'"{match["key"]}" inside an HTML block is not read; put an empty line after the HTML tag')


def odd_fields(block: Block, skip: int, blocks: Blocks, draft: Draft) -> None:
    """Warn of lines of prose that look like a field but have no bullet."""
    taken = {part.at + draft.paragraph.start for part in draft.line.parts}
    for start, end in block.lines[skip:]:
        match = KNOWN_FIELD.match(blocks.text, start, end)
        if match is not None and match.start("key") not in taken:
            draft.note(
                "near-miss", start, f'"{match["key"]}" is not read here; a field needs a bullet of its own ("- **{match["key"]}:** …")'
            )


def stray_code(children: list[Block], blocks: Blocks, draft: Draft) -> None:
    """Warn of a code block beside an empty field instead of in it."""
    for before, block in pairwise(children):
        if block.kind == FENCE_BLOCK and before.kind == LIST and before.children:
            found = read_field(before.children[-1], blocks, FieldPlace.NESTED)
            if isinstance(found, tuple) and not found[0].text and not found[0].nested:
                draft.note(
                    "near-miss",
                    block.marker_at,
                    f'this code block does not stand under "{found[0].key}"; indent it by two columns to put it there',
                )


def _plain(item: Block, blocks: Blocks, findings: Findings, *, quiet: bool) -> None:
    """Look at an item that is no task: near misses of a box, and boxes under it."""
    first = item.children[0] if item.children else None
    if first is not None and first.kind == PARAGRAPH:
        span = paragraph_span(first, blocks.text)
        text = blocks.text[slice(*span)]
        if _ODD_BOX.match(text) and not (quiet and BOX.match(blocks.text, *span)):
            shown = text[: text.find("]") + 1] or text[:3]
            findings.warn("near-miss", span.start, f"{shown!r} is no box, so this is no task; {_WRITE}")
        elif not quiet and KNOWN_FIELD.match(text):
            findings.warn("near-miss", span.start, "a field that belongs to no task; indent it to put it under the task above")
        elif not quiet and any(part.key in {Key.ADDED, Key.PRIORITY} for part in read_line(text).parts):
            findings.warn("near-miss", span.start, f"an entry without a box is no task; {_WRITE}")
        _odd_lines(first, 1, blocks, findings)
    for child in item.children:
        for block in _inner(child):
            if block.kind == ITEM and _boxed(block, blocks):
                findings.warn(
                    "near-miss",
                    block.marker_at,
                    "a box under a plain item is no task; move it to the top level or give the item above it a box",
                )


def _inner(block: Block) -> list[Block]:
    """Return a block and all in it but what a quotation shows."""
    found, waiting = [], [block]
    while waiting:
        at = waiting.pop()
        found.append(at)
        if at.kind != "quote":
            waiting.extend(reversed(at.children))
    return found


def _odd_lines(block: Block, skip: int, blocks: Blocks, findings: Findings) -> None:
    """Warn of lines of a paragraph that look like a task."""
    for start, end in block.lines[skip:]:
        if _ODD_LINE.match(blocks.text, start, end):
            findings.warn("near-miss", start, f"this looks like a task but is part of a paragraph; {_WRITE}, with plain spaces")


def _hidden(block: Block, blocks: Blocks, findings: Findings) -> None:
    for start, end in block.lines:
        if _PLAIN_BOX.match(blocks.text, start, end):
            findings.warn("near-miss", start, "a task inside an HTML block is not read; put an empty line after the HTML tag")
