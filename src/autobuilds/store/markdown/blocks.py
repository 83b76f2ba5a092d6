"""Markdown text to a tree of blocks with exact places: GFM's block rules, one pass over the lines.

The rules are those of CommonMark 0.31 with GFM's tables; containers deeper than `MAX_DEPTH` are read as text, so that the
time taken grows with the length of the text alone. Inline Markdown is not looked at here.
"""

from __future__ import annotations

from autobuilds.store.markdown.growing import Growing
from autobuilds.store.markdown.starts import (
    ATX,
    ATX_TAIL,
    FENCE,
    LIST_MARKER,
    RULE,
    SETEXT,
    html_start,
    is_table,
    skip_definitions,
)
from autobuilds.store.markdown.tree import (
    CODE,
    CONTAINERS,
    DEFINITION,
    FENCE_BLOCK,
    HEADING,
    HTML,
    ITEM,
    LIST,
    PARAGRAPH,
    QUOTE,
    THEMATIC,
    Block,
    Blocks,
    split_lines,
)

__all__ = [
    "CODE",
    "DEFINITION",
    "FENCE_BLOCK",
    "HEADING",
    "HTML",
    "ITEM",
    "LIST",
    "PARAGRAPH",
    "QUOTE",
    "THEMATIC",
    "Block",
    "Blocks",
    "parse_blocks",
    "split_lines",
]

#: How many containers (lists and their items, quotations) may stand in each other.
MAX_DEPTH = 60

#: A line that begins with none of these characters begins no block but a paragraph.
_SPECIAL = frozenset("#`~*+_=<>-0123456789")


def parse_blocks(text: str, first_line: int = 0) -> Blocks:
    """Return the blocks of a text from a line on (the lines before it are front matter)."""
    starts, ends = split_lines(text)
    parser = _Parser(text)
    for line in range(first_line, len(ends)):
        parser.feed(line, starts[line], ends[line])
    return Blocks(text, parser.finish(), starts, ends)


class _Parser(Growing):
    """The pass over the lines: which open blocks a line continues, and which it begins."""

    def feed(self, line: int, start: int, end: int) -> None:
        """Read one line."""
        self.line, self.pos, self.end, self.col = line, start, end, 0
        container, matched = self._match()
        self.lazy = not matched and self.tip.kind == PARAGRAPH
        if container.kind == PARAGRAPH or container.kind in CONTAINERS:
            opened = self._open(container)
            if opened is None:
                return
            container = opened
        self._text(container)

    def finish(self) -> Block:
        """Close everything and return the document."""
        self._close_to(self.root)
        return self.root

    # -- blocks that go on

    def _match(self) -> tuple[Block, bool]:
        """Return the deepest open block that this line continues, and whether that is all of them."""
        block = self.root
        while block.children and block.children[-1].open:
            child = block.children[-1]
            self._look()
            if not self._continues(child):
                return block, False
            block = child
        self._look()
        return block, True

    def _continues(self, block: Block) -> bool:
        kind = block.kind
        if kind == LIST:
            return True
        if kind == ITEM:
            if self.blank:
                if not block.children:
                    return False
                self._skip()
                return True
            if self.indent >= block.padding:
                self._advance(block.padding)
                return True
            return False
        if kind == PARAGRAPH:
            return not self.blank
        if kind == QUOTE:
            return self._quote_mark()
        if kind == FENCE_BLOCK:
            return True
        if kind == CODE:
            if self.indent >= 4:
                self._advance(4)
                return True
            if self.blank:
                self._skip()
                return True
            return False
        return kind == HTML and not (self.blank and block.level >= 6)

    def _quote_mark(self) -> bool:
        if self.indent > 3 or self.blank or self.text[self.next] != ">":
            return False
        self._skip()
        self.pos += 1
        self.col += 1
        if self.pos < self.end and self.text[self.pos] in " \t":
            self._advance(1)
        return True

    # -- blocks that begin

    def _open(self, container: Block) -> Block | None:
        """Open what begins here and return the block that takes the rest of the line, None where nothing is left."""
        while True:
            self._look()
            if self.blank or (self.indent < 4 and self.text[self.next] not in _SPECIAL):
                break
            if self.indent >= 4:
                if self.tip.kind != PARAGRAPH:
                    self._advance(4)
                    container = self._add(container, CODE)
                break
            opened, leaf = self._start(container)
            if opened is None:
                break
            if leaf:
                return opened if opened.kind in (HTML, PARAGRAPH) else None
            container = opened
        return container

    def _start(self, container: Block) -> tuple[Block | None, bool]:
        """Open one block and return it, and whether nothing can begin inside it; None where a paragraph goes on or begins."""
        char = self.text[self.next]
        if char == ">":
            if self.depth >= MAX_DEPTH:
                return None, False
            self._quote_mark()
            return self._add(container, QUOTE), False
        if char == "#":
            return self._atx(container)
        if char in "`~":
            return self._fence(container)
        if char == "<":
            return self._html(container)
        if char in "=-" and container.kind == PARAGRAPH:
            heading = self._setext(container)
            if heading is not None:
                return heading, True
        if char in "*-_" and RULE.match(self.text, self.next, self.end):
            return self._add(container, THEMATIC), True
        if char not in "=_" and self.depth < MAX_DEPTH:
            return self._item(container), False
        return None, False

    def _atx(self, container: Block) -> tuple[Block | None, bool]:
        match = ATX.match(self.text, self.next, self.end)
        if match is None:
            return None, False
        block = self._add(container, HEADING)
        block.level = len(match[1])
        start = match.end()
        content = self.text[start : self.end]
        block.lines.append((start, start + len(ATX_TAIL.sub("", content).rstrip(" \t"))))
        return block, True

    def _fence(self, container: Block) -> tuple[Block | None, bool]:
        match = FENCE.match(self.text, self.next, self.end)
        if match is None:
            return None, False
        indent = self.indent
        block = self._add(container, FENCE_BLOCK)
        block.marker, block.level, block.padding = match[0][0], len(match[0]), indent
        block.marker_at = self.next
        block.info = self.text[match.end() : self.end].strip(" \t")
        return block, True

    def _html(self, container: Block) -> tuple[Block | None, bool]:
        rule = html_start(self.text, self.next, self.end, paragraph=container.kind == PARAGRAPH or self.lazy)
        if not rule:
            return None, False
        block = self._add(container, HTML)
        block.level = rule
        block.marker_at = self.next
        return block, True

    def _setext(self, container: Block) -> Block | None:
        if not SETEXT.match(self.text, self.next, self.end):
            return None
        if is_table(self.text, container.lines):
            return None
        rest = skip_definitions(self.text, container.lines)
        if not rest:
            return None
        container.first += len(container.lines) - len(rest)
        container.kind, container.lines, container.setext = HEADING, rest, True
        container.level = 1 if self.text[self.next] == "=" else 2
        container.last = self.line
        return container

    def _item(self, container: Block) -> Block | None:
        match = LIST_MARKER.match(self.text, self.next, self.end)
        if match is None:
            return None
        marker = match[0]
        if container.kind == PARAGRAPH and (match.end() == self.end or not self.text[match.end() : self.end].strip(" \t")):
            return None
        if container.kind == PARAGRAPH and len(marker) > 1 and int(marker[:-1]) != 1:
            return None
        indent, at = self.indent, self.next
        self._skip()
        self.pos += len(marker)
        self.col += len(marker)
        padding = self._spaces_after(len(marker))
        kind = marker[-1]
        if container.kind != LIST or container.marker != kind:
            container = self._add(container, LIST)
            container.marker = kind
        item = self._add(container, ITEM)
        item.marker, item.marker_at, item.padding = kind, at, indent + padding
        return item

    def _spaces_after(self, width: int) -> int:
        pos, col = self.pos, self.col
        while self.col - col < 5 and self.pos < self.end and self.text[self.pos] in " \t":
            self._advance(1)
        spaces = self.col - col
        if 1 <= spaces < 5 and self.pos < self.end:
            return width + spaces
        self.pos, self.col = pos, col
        if self.pos < self.end and self.text[self.pos] in " \t":
            self._advance(1)
        return width + 1
