"""The tree of a text's blocks, and the places of its lines."""

from __future__ import annotations

from collections.abc import Iterator

from autobuilds.domain.patterns import pattern

_LINE = pattern(r"\r\n|\n|\r")
DOCUMENT, QUOTE, LIST, ITEM = "document", "quote", "list", "item"
PARAGRAPH, HEADING, FENCE_BLOCK, CODE, HTML, THEMATIC = "paragraph", "heading", "fence", "code", "html", "rule"
#: A paragraph of nothing but link reference definitions.
DEFINITION = "definition"
CONTAINERS = frozenset([DOCUMENT, QUOTE, LIST, ITEM])


class Block:
    """One block; `first` and `last` are 0-based lines, `last` being the last that is not blank (or closes the block)."""

    __slots__ = (
        "children",
        "closed",
        "first",
        "info",
        "kind",
        "last",
        "level",
        "lines",
        "marker",
        "marker_at",
        "open",
        "padding",
        "parent",
        "setext",
    )

    def __init__(self, kind: str, first: int, parent: Block | None) -> None:
        self.kind = kind
        self.first = self.last = first
        self.parent = parent
        self.open = True
        self.children: list[Block] = []
        #: Of a leaf, per line the offsets of its text, without the indentation that is not part of it and the line end.
        self.lines: list[tuple[int, int]] = []
        #: Of a heading 1-6, of a fence the length of its marker, of HTML the number of its rule.
        self.level = 0
        #: Of a heading: whether it is underlined.
        self.setext = False
        #: The marker of a list, an item or a fence: `-`, `.`, `)`, a backtick, …
        self.marker = ""
        #: The offset of the marker.
        self.marker_at = 0
        #: Columns that a line needs to belong to an item; of a fence its indentation.
        self.padding = 0
        #: The info string of a fence.
        self.info = ""
        #: Whether a fence or an HTML block was ended by its own end mark.
        self.closed = False

    def walk(self) -> Iterator[Block]:
        """Yield this block and every block in it, in the order of the text."""
        waiting = [self]
        while waiting:
            block = waiting.pop()
            yield block
            waiting.extend(reversed(block.children))

    def __repr__(self) -> str:
        return f"<{self.kind} {self.first + 1}-{self.last + 1}>"


class Blocks:
    """A text's blocks with the places of its lines (LF, CRLF and CR end a line, nothing else does)."""

    __slots__ = ("ends", "root", "starts", "text")

    def __init__(self, text: str, root: Block, starts: list[int], ends: list[int]) -> None:
        self.text = text
        self.root = root
        #: Offset of each line's first character, and of its line end; `starts` has one more, the length of the text.
        self.starts = starts
        self.ends = ends


def split_lines(text: str) -> tuple[list[int], list[int]]:
    """Return the offsets of the lines' first characters, with the text's length at the end, and of their line ends."""
    starts, ends = [0], []
    if "\r" not in text:
        at = text.find("\n")
        while at >= 0:
            ends.append(at)
            starts.append(at + 1)
            at = text.find("\n", at + 1)
    else:
        for match in _LINE.finditer(text):
            ends.append(match.start())
            starts.append(match.end())
    if starts[-1] < len(text):
        ends.append(len(text))
        starts.append(len(text))
    return starts, ends
