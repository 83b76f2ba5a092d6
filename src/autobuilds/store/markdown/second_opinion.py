"""Another Markdown reader's view of a text: where Mistune sees other headings, items or boxes than our block parser.

A queue is also read on forges, in editors and by chat assistants. What they all take for the same is safe to write; what
Mistune takes otherwise is worth a word to its author. The parser of the project decides; this only tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.markdown.blocks import DEFINITION, HEADING, ITEM, PARAGRAPH, QUOTE, Block, Blocks

if TYPE_CHECKING:
    from mistune.core import BlockState
    from mistune.markdown import Markdown

#: Lists in lists that are compared; Mistune reads no deeper than six.
_DEPTH = 4
#: Characters up to which a text gets a second opinion; Mistune takes about a second for as many of short list items.
_LARGEST = 200_000
#: Marks between the first and the last difference up to which they are aligned; of more only the first is told.
_ALIGNED = 600
_BOX = pattern(r"\[([ xX])\]\s+(?=\S)")
_BOX_FOLDED = pattern(r"\A\[[xX]?\]")
_SPACE = pattern(r"\s+")
_NAMES = {"heading": "a heading", "item": "an item of a list", "box": "a box", "tick": "a ticked box"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One heading or list item: what it is, how deep it stands, and its first paragraph without white space."""

    kind: str
    depth: int
    text: str
    #: The 1-based line; 0 where the reader does not tell lines.
    line: int = 0

    @property
    def key(self) -> tuple[str, int, str]:
        """What two readers are compared by."""
        return self.kind, self.depth, self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One 1-based line that the other reader takes for something else, with what it is to either."""

    line: int
    ours: str
    theirs: str


def second_opinion(blocks: Blocks, first_line: int = 0) -> tuple[Disagreement, ...]:
    """Return the lines that Mistune reads otherwise, in order; `first_line` is the 0-based line after the front matter.

    Texts of more than 200 000 characters get no opinion.
    """
    text = blocks.text[blocks.starts[first_line] :] if first_line < len(blocks.starts) else ""
    if len(text) > _LARGEST:
        return ()
    found = _compare(list(our_marks(blocks)), list(their_marks(text)), blocks, first_line)
    return tuple(sorted(found, key=lambda one: one.line))


def our_marks(blocks: Blocks) -> Iterator[Mark]:
    """Yield the headings and list items of our reading; what a quotation shows is left out."""
    waiting: list[tuple[Block, int]] = [(blocks.root, 0)]
    while waiting:
        block, depth = waiting.pop()
        if block.kind == QUOTE:
            continue
        if block.kind == HEADING:
            yield Mark("heading", depth * 10 + block.level, _folded(_raw(block, blocks)), block.first + 1)
        elif block.kind == ITEM:
            depth += 1
            if depth > _DEPTH:
                continue
            first = next((child for child in block.children if child.kind != DEFINITION), None)
            text = _raw(first, blocks) if first is not None and first.kind == PARAGRAPH else ""
            box = _BOX.match(text)
            kind = "item" if box is None else "box" if box[1] == " " else "tick"
            yield Mark(kind, depth, _folded(text[box.end() :] if box else text), block.first + 1)
        waiting.extend((child, depth) for child in reversed(block.children))


def _raw(block: Block, blocks: Blocks) -> str:
    return "\n".join(blocks.text[start:end] for start, end in block.lines)


def their_marks(text: str) -> Iterator[Mark]:
    """Yield the same of Mistune's reading, with its plug-in for task lists."""
    import mistune

    seen: list[Mark] = []

    def look(_: Markdown, state: BlockState) -> list[dict[str, Any]]:
        # Before the inline pass the tokens still hold the text as written; after it there are only words in pieces.
        seen.extend(_marks(state.tokens, 0))
        return state.tokens

    reader = mistune.create_markdown(renderer=None, plugins=["task_lists"])
    reader.before_render_hooks.append(look)
    reader.parse(text.replace("\r\n", "\n").replace("\r", "\n"))
    yield from seen


def _marks(tokens: list[dict[str, Any]], depth: int) -> Iterator[Mark]:
    for token in tokens:
        kind = token["type"]
        if kind == "heading":
            yield Mark("heading", depth * 10 + token["attrs"]["level"], _folded(token.get("text", "")))
        elif kind in ("list_item", "task_list_item"):
            if depth + 1 > _DEPTH:
                continue
            children = [child for child in token["children"] if child["type"] != "blank_line"]
            first = children[0] if children and children[0]["type"] in ("block_text", "paragraph") else {}
            shown = "item" if kind == "list_item" else "tick" if token["attrs"]["checked"] else "box"
            yield Mark(shown, depth + 1, _folded(first.get("text", "")))
            yield from _marks(token["children"], depth + 1)
        elif kind == "list":
            yield from _marks(token["children"], depth)


def _folded(text: str) -> str:
    return _SPACE.sub("", text)


def _compare(mine: list[Mark], others: list[Mark], blocks: Blocks, first_line: int) -> Iterator[Disagreement]:
    """Yield one disagreement a line: from what stands on either side where the two readings part."""
    first = 0
    while first < min(len(mine), len(others)) and mine[first].key == others[first].key:
        first += 1
    last = 0
    while last < min(len(mine), len(others)) - first and mine[-1 - last].key == others[-1 - last].key:
        last += 1
    low = mine[first - 1].line if first else first_line + 1
    high = mine[len(mine) - last].line if last else len(blocks.ends) + 1
    mine, others = mine[first : len(mine) - last], others[first : len(others) - last]
    if max(len(mine), len(others)) > _ALIGNED:
        mine, others = mine[:1], others[:1]
    told: set[int] = set()
    matcher = SequenceMatcher(None, [mark.key for mark in mine], [mark.key for mark in others], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            around = mine[a - 1].line if a else low, mine[b].line if b < len(mine) else high
            for one in _parted(mine[a:b], others[c:d], around, blocks):
                if one.line not in told:
                    told.add(one.line)
                    yield one


def _parted(mine: list[Mark], others: list[Mark], around: tuple[int, int], blocks: Blocks) -> Iterator[Disagreement]:
    """Yield the disagreements of one stretch; a mark meets the other reader's with the same text, or with the same beginning."""
    left = list(others)
    for mark in mine:
        same = (theirs for theirs in left if theirs.text == mark.text)
        like = (theirs for theirs in left if _alike(theirs.text, mark.text))
        other = next(same, None) or next(like, None)
        if other is not None:
            left.remove(other)
        yield Disagreement(line=mark.line, ours=_named(mark), theirs=_named(other))
    for theirs in left:
        line = _find(theirs, *around, blocks)
        if line is not None or not mine:
            yield Disagreement(line=line or around[0], ours=_named(None), theirs=_named(theirs))


def _alike(one: str, other: str) -> bool:
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def _find(mark: Mark, low: int, high: int, blocks: Blocks) -> int | None:
    """Return the line between two others on which a mark of the other reader begins, None where none fits."""
    for line in range(low, min(high, len(blocks.ends)) + 1):
        row = _folded(blocks.text[blocks.starts[line - 1] : blocks.ends[line - 1]]).lstrip("-*+#0123456789.)")
        row = _BOX_FOLDED.sub("", row)
        if _alike(row, mark.text):
            return line
    return None


def _named(mark: Mark | None) -> str:
    if mark is None:
        return "text"
    if mark.kind == "heading":
        return f"a heading of level {mark.depth % 10}"
    return _NAMES[mark.kind] + (" nested in another item" if mark.depth > 1 else "")
