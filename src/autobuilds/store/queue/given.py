"""What a task was given: keys with their values as they stand in the text, on the line or in the details."""

from __future__ import annotations

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass, field
from autobuilds.store.markdown.blocks import CODE, FENCE_BLOCK, ITEM, LIST, PARAGRAPH, Block, Blocks
from autobuilds.store.markdown.inline import fold_space, without_comments
from autobuilds.store.queue.document import FieldPlace, FieldSpan, Span
from autobuilds.store.queue.keys import KEYS, Key, fold_key
from autobuilds.store.queue.taskline import FIELD

BOX = pattern(r"\[([ \txX])\](?=[ \t\r\n])[ \t]*")
_HARD = pattern(r"(?: {2,}|\\)(?:\r\n|\n|\r)[ \t]*")
_SOFT = pattern(r"[ \t]*(?:\r\n|\n|\r)[ \t]*")
_BLANKS = " \t\r\n\u00a0"


@dataclass(frozen=True, slots=True)
class Item:
    """One list item of a value; `mark` is the offset of the character in its box."""

    text: str
    lines: Span
    at: int
    mark: int | None
    checked: bool
    details: str


@dataclass(frozen=True, slots=True)
class Given:
    """One key as given; `text` is the value's first paragraph, `nested` the blocks that follow it."""

    key: Key
    at: int
    text: str
    place: FieldPlace | None = None
    nested: tuple[Block, ...] = ()
    lines: Span = field(default=Span(0, 0))
    #: Whether a blank line stands between the paragraph and what is nested.
    apart: bool = False


def paragraph_text(block: Block, text: str) -> str:
    """Return a paragraph's text, without the indentation of its lines, line ends kept."""
    return "\n".join(text[start:end] for start, end in block.lines)


def paragraph_span(block: Block, text: str) -> Span:
    """Return where a paragraph's text stands, without white space around it."""
    start, end = block.lines[0][0], block.lines[-1][1]
    while end > start and text[end - 1] in " \t":
        end -= 1
    return Span(start, end)


def whole_lines(block: Block, blocks: Blocks) -> Span:
    """Return the whole lines of a block, line ends included."""
    return Span(blocks.starts[block.first], blocks.starts[block.last + 1])


def soft(text: str) -> str:
    """Return prose with its soft line ends as spaces and its hard ones as line ends, comments gone."""
    if "<" in text:
        text = without_comments(text)
    if "\n" in text or "\r" in text:
        text = _SOFT.sub(" ", _HARD.sub("\0", text)).replace("\0", "\n")
    return text.strip(_BLANKS)


def read_field(item: Block, blocks: Blocks, place: FieldPlace) -> tuple[Given, FieldSpan] | str | None:
    """Return the field that a list item is, the key that it has where that is not known, or None for any other item."""
    if not item.children or item.children[0].kind != PARAGRAPH:
        return None
    first = item.children[0]
    start, end = paragraph_span(first, blocks.text)
    match = FIELD.match(blocks.text, start, end)
    if match is None:
        return None
    key = KEYS.get(fold_key(match["key"]))
    if key is None:
        return match["key"] if match["after"] or match["em"] or match.end() == end else None
    at = match.start("after")
    while at < end and blocks.text[at] in _BLANKS:
        at += 1
    raw = blocks.text[at:end]
    em = match["em"]
    if em and match[0].count(em) == 1 and raw.endswith(em):
        raw = raw[: -len(em)]
    lines = whole_lines(item, blocks)
    line_end = blocks.ends[first.first]
    value_end = blocks.ends[item.last]
    while value_end > at and blocks.text[value_end - 1] in " \t":
        value_end -= 1
    while line_end > at and blocks.text[line_end - 1] in " \t":
        line_end -= 1
    nested = tuple(item.children[1:])
    apart = bool(nested) and nested[0].first > first.last + 1
    given = Given(key, at, raw, place, nested, lines, apart)
    span = FieldSpan(
        key=key,
        place=place,
        lines=lines,
        value=Span(at, max(at, value_end)),
        first=Span(at, max(at, line_end)),
        name=Span(*match.span("key")),
    )
    return given, span


def value_text(given: Given, blocks: Blocks) -> str:
    """Return the whole value as Markdown: prose without soft line ends, nested blocks without their indentation."""
    parts = [soft(given.text)]
    apart = given.apart
    last = None
    for block in given.nested:
        apart = block.first > last + 1 if last is not None else apart
        shown = soft(paragraph_text(block, blocks.text)) if block.kind == PARAGRAPH else _dedented(block, blocks)
        parts.append(("\n\n" if apart or block.kind == PARAGRAPH else "\n") + shown)
        last = block.last
    return "".join(parts).strip()


def _dedented(block: Block, blocks: Blocks) -> str:
    rows = [blocks.text[blocks.starts[n] : blocks.ends[n]].expandtabs(4) for n in range(block.first, block.last + 1)]
    margin = min((len(row) - len(row.lstrip(" ")) for row in rows if row.strip()), default=0)
    return without_comments("\n".join(row[margin:].rstrip() for row in rows))


def code_lines(block: Block, blocks: Blocks) -> str:
    """Return the content of a fenced or indented code block, with LF at the end of every line."""
    return "".join(blocks.text[start:end] + "\n" for start, end in block.lines).rstrip("\n") + "\n"


def fences(given: Given) -> list[Block]:
    """Return the code blocks of a value, those in its lists included."""
    return [block for top in given.nested for block in top.walk() if block.kind in (FENCE_BLOCK, CODE)]


def list_items(given: Given, blocks: Blocks) -> list[Item]:
    """Return the items of the lists that stand directly in a value; what is nested in an item belongs to it."""
    return [list_item(item, blocks) for block in given.nested if block.kind == LIST for item in block.children if item.kind == ITEM]


def list_item(item: Block, blocks: Blocks) -> Item:
    """Return one item: its first paragraph, its box, and the rest as text."""
    lines = whole_lines(item, blocks)
    if not item.children or item.children[0].kind != PARAGRAPH:
        rest = "\n".join(_dedented(child, blocks) for child in item.children)
        return Item("", lines, item.marker_at + 1, None, False, rest)
    first = item.children[0]
    start, end = paragraph_span(first, blocks.text)
    box = BOX.match(blocks.text, start, end)
    rest = "\n".join(_dedented(child, blocks) for child in item.children[1:])
    at = box.end() if box else start
    mark = start + 1 if box else None
    checked = box is not None and box[1] in "xX"
    return Item(soft(blocks.text[at:end]), lines, at, mark, checked, rest)


_NONE = frozenset(["", "-", "–", "—", "none", "n/a", "nothing", "no", "nil"])
#: How any of them begins, marks of emphasis around it.
_NONE_BEGINS = pattern(r"[\s*_`.–—-]*(?:[nN]|\Z)")


def is_none(text: str) -> bool:
    """Whether a value says that there is none: nothing, `None`, `-`, `n/a`."""
    return _NONE_BEGINS.match(text) is not None and fold_space(text).casefold().rstrip(".").strip("*_` ") in _NONE
