"""A foreign Markdown text by its blocks: what headings stand over what, with lines for the account."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.importers.sense import state_of
from autobuilds.store.markdown.blocks import DEFINITION, HEADING, ITEM, LIST, PARAGRAPH, THEMATIC, Block, parse_blocks
from autobuilds.store.markdown.inline import plain_text
from autobuilds.store.markdown.starts import is_table, table_row
from autobuilds.store.queue.document import SectionKind
from autobuilds.store.queue.sections import heading_text, section_of

BOX = pattern(r"\[(?P<mark>[ \txX])\](?=[ \t\r\n]|$)[ \t]*")
_FRONT = pattern(r"\A---[ \t]*(?:\r\n|\r|\n).*?(?:\r\n|\r|\n)(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)", re.DOTALL)
_CELL = pattern(r"(?<!\\)\|")
_GROUPS = frozenset(
    [
        "todo",
        "to do",
        "backlog",
        "open",
        "in progress",
        "doing",
        "next",
        "later",
        "soon",
        "now",
        "ideas",
        "tasks",
        "queue",
        "bugs",
        "features",
    ]
)


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its titles, and its rows with their 1-based lines."""

    block: Block
    titles: list[str]
    rows: list[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True)
class Part:
    """One top-level block with the headings that it stands under, outermost first."""

    block: Block
    under: tuple[Block, ...]


class Outline:
    """The blocks of one text."""

    def __init__(self, text: str) -> None:
        front = _FRONT.match(text)
        skipped = len(re.findall(r"\r\n|\r|\n", front[0])) if front else 0
        self.blocks = parse_blocks(text, skipped)
        self.text = text
        self.has_front = front is not None

    def top(self) -> list[Block]:
        """Return the top-level blocks that say something."""
        return [block for block in self.blocks.root.children if block.kind not in {THEMATIC, DEFINITION}]

    def parts(self) -> Iterator[Part]:
        """Yield every top-level block but headings, with the headings over it."""
        under: list[Block] = []
        for block in self.top():
            if block.kind == HEADING:
                under = [*(one for one in under if one.level < block.level), block]
            else:
                yield Part(block, tuple(under))

    def line(self, block: Block) -> int:
        """Return the 1-based line at which a block begins."""
        return block.first + 1

    def shown(self, block: Block) -> str:
        """Return the beginning of a block for the account."""
        text = " ".join(self.source(block).split())
        return text if len(text) <= 60 else text[:59] + "…"

    def source(self, block: Block) -> str:
        """Return a block's lines as they stand."""
        return self.text[self.blocks.starts[block.first] : self.blocks.ends[block.last]]

    def paragraph(self, block: Block) -> str:
        """Return the text of a paragraph or heading, one line a row."""
        return "\n".join(self.text[start:end].strip() for start, end in block.lines)

    def heading(self, block: Block) -> str:
        """Return a heading's text as written."""
        return heading_text(block, self.text)

    def title(self, block: Block) -> str:
        """Return a heading's text without its Markdown."""
        return plain_text(self.heading(block))

    def headings(self) -> list[Block]:
        """Return the headings in order."""
        return [block for block in self.top() if block.kind == HEADING]

    def is_queue(self) -> bool:
        """Whether the text is a queue of ours."""
        return any(section_of(self.heading(block)) is SectionKind.ACTIVE for block in self.headings())

    def items(self) -> list[Block]:
        """Return the items of top-level lists."""
        return [item for part in self.parts() if part.block.kind == LIST for item in part.block.children if item.kind == ITEM]

    def box(self, item: Block) -> re.Match[str] | None:
        """Return the match of the box that an item's first paragraph begins with."""
        first = item.children[0] if item.children and item.children[0].kind == PARAGRAPH else None
        return BOX.match(self.paragraph(first)) if first is not None else None

    def has_boxes(self) -> bool:
        """Whether an item of a top-level list has a box."""
        return any(self.box(item) for item in self.items())

    def is_group(self, heading: Block) -> bool:
        """Whether a heading only names a state or a kind of what stands below."""
        text = self.title(heading).casefold().strip(" :")
        return state_of(text) is not None or text in _GROUPS

    def leaves(self) -> list[Block]:
        """Return the headings that are tasks: those with no heading below them that name no state, and are not the title."""
        found = self.headings()
        leaves = []
        for block, after in zip(found, [*found[1:], None], strict=False):
            if (after is None or after.level <= block.level) and not self.is_group(block):
                leaves.append(block)
        return leaves

    def boxes_are_details(self) -> bool:
        """Whether every box stands under a heading that looks like a task, as one of several such."""
        leaves = [leaf for leaf in self.leaves() if leaf.level > 1]
        under = [part.under[-1] if part.under else None for part in self.parts() if part.block.kind == LIST]
        return len(leaves) > 1 and all(one is not None and one in leaves for one in under) and self.leaf_headings_have_text()

    def leaf_headings_have_text(self) -> bool:
        """Whether prose or a field stands right under a heading that may be a task, or nothing stands under any of them."""
        leaves = self.leaves()
        own = [part for part in self.parts() if part.under and part.under[-1] in leaves]
        prose = any(part.block.kind == PARAGRAPH for part in own)
        fields = any(
            ":" in self.paragraph(item.children[0])
            for part in own
            if part.block.kind == LIST
            for item in part.block.children
            if item.children
        )
        return bool(leaves) and (prose or fields or not own)

    def tables(self) -> list[Table]:
        """Return the top-level tables."""
        return [self._table(block) for block in self.top() if block.kind == PARAGRAPH and is_table(self.text, block.lines)]

    def _table(self, block: Block) -> Table:
        at = table_row(self.text, block.lines)
        rows = [(block.first + n + 1, self._cells(n, block)) for n in range(at + 1, len(block.lines))]
        return Table(block, self._cells(at - 1, block), rows)

    def _cells(self, number: int, block: Block) -> list[str]:
        row = self.text[slice(*block.lines[number])].strip()
        row = row.removeprefix("|")
        row = row[:-1] if row.endswith("|") and not row.endswith("\\|") else row
        return [cell.strip().replace("\\|", "|") for cell in _CELL.split(row)]
