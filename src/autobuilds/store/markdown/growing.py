"""The growing tree of a text's blocks: opening and closing them, and giving lines of text to the one that is open."""

from __future__ import annotations

from autobuilds.store.markdown.cursor import Cursor
from autobuilds.store.markdown.starts import FENCE_CLOSE, HTML_ENDS, skip_definitions
from autobuilds.store.markdown.tree import (
    CODE,
    CONTAINERS,
    DEFINITION,
    DOCUMENT,
    FENCE_BLOCK,
    HTML,
    ITEM,
    LIST,
    PARAGRAPH,
    Block,
)


class Growing(Cursor):
    """The open blocks of one pass; `tip` is the innermost of them."""

    #: Set as each line begins.
    line: int
    lazy: bool

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.root = Block(DOCUMENT, 0, None)
        self.tip = self.root
        self.depth = 0

    # -- text

    def _text(self, container: Block) -> None:
        """Give the rest of the line to the block that it belongs to."""
        self._look()
        if self.lazy and not self.blank:
            self.tip.lines.append((self.next, self.end))
            self.tip.last = self.line
            return
        if self.tip is not container:
            self._close_to(container)
        kind = container.kind
        if kind == PARAGRAPH:
            container.lines.append((self.next, self.end))
            container.last = self.line
        elif kind == FENCE_BLOCK:
            self._fence_line(container)
        elif kind == CODE:
            container.lines.append((self.pos, self.end))
            if not self.blank:
                container.last = self.line
        elif kind == HTML:
            container.lines.append((self.pos, self.end))
            if not self.blank:
                container.last = self.line
            end = HTML_ENDS.get(container.level)
            if end is not None and end.search(self.text, self.pos, self.end):
                container.closed = True
                self._close(container)
        elif not self.blank:
            block = self._add(container, PARAGRAPH)
            block.lines.append((self.next, self.end))

    def _fence_line(self, block: Block) -> None:
        text = self.text
        if self.indent <= 3 and not self.blank and text[self.next] == block.marker:
            match = FENCE_CLOSE.match(text, self.next, self.end)
            if match is not None and len(match[1]) >= block.level:
                block.last, block.closed = self.line, True
                self._close(block)
                return
        for _ in range(block.padding):
            if self.pos < self.end and text[self.pos] in " \t":
                self._advance(1)
            else:
                break
        block.lines.append((self.pos, self.end))
        if not self.blank:
            block.last = self.line

    # -- the tree

    def _add(self, container: Block, kind: str) -> Block:
        """Open a block in the nearest container that may hold it, closing what stands in the way."""
        while container.kind not in CONTAINERS or (container.kind == LIST and kind != ITEM):
            assert container.parent is not None, "the document holds every block"
            container = container.parent
        self._close_to(container)
        self.lazy = False
        block = Block(kind, self.line, container)
        container.children.append(block)
        self.tip = block
        if kind in CONTAINERS:
            self.depth += 1
        return block

    def _define(self, block: Block) -> None:
        """Take the link reference definitions off a paragraph's beginning."""
        rest = skip_definitions(self.text, block.lines)
        if not rest:
            block.kind = DEFINITION
        else:
            block.first += len(block.lines) - len(rest)
            block.lines = rest

    def _close_to(self, block: Block) -> None:
        while self.tip is not block:
            self._close(self.tip)

    def _close(self, block: Block) -> None:
        block.open = False
        if block.kind == PARAGRAPH and self.text[block.lines[0][0]] == "[":
            self._define(block)
        parent = block.parent
        assert parent is not None, "the document is never closed"
        if block.last > parent.last:
            parent.last = block.last
        if block.kind in CONTAINERS:
            self.depth -= 1
        self.tip = parent
