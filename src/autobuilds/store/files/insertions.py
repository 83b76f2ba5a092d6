"""What two sides inserted at one place: all of it, and what is the same once."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autobuilds.domain.patterns import pattern

#: What begins an item or a heading.
OPENS = pattern(rb"(?:[-*+]|\d{1,9}[.)])[ \t]|#{1,6}[ \t]")
_WORD = pattern(rb"\w")
#: Below the six levels of headings come items, then other lines.
_PLAIN_RANK = 8


class _Block(NamedTuple):
    """Lines that belong to the first of them, and the heading above, if one stands among the lines that were looked at."""

    section: bytes | None
    lines: list[bytes]


def both(ours: list[bytes], theirs: list[bytes], *, whole: bool) -> list[bytes]:
    """Return what both sides inserted at one place, ours first; what both inserted stands once.

    Lines are compared within their blocks, an item or a heading with what follows it: two tasks may have the same criterion.
    Items are compared within their sections: two may hold the same.
    """
    if _within(theirs, ours):
        return ours
    if _within(ours, theirs):
        return theirs
    if whole:
        return [*ours, *theirs]
    blocks = _blocks(ours)
    index = _Index(blocks)
    before: defaultdict[int, list[_Block]] = defaultdict(list)
    pending: list[_Block] = []
    last = -1
    for block in _blocks(theirs):
        at = index.same(block)
        if at is None:
            pending.append(block)
            continue
        for one, place in _placed(pending, blocks, last, at):
            before[place].append(one)
        pending, last = [], at
        lines = blocks[at].lines
        left = Counter(lines)
        for line in block.lines[1:]:
            if left[line] == 0:
                lines.append(line)
            elif _WORD.search(line):
                left[line] -= 1
    for one, place in _placed(pending, blocks, last, len(blocks)):
        before[place].append(one)
    whole_blocks = [one for at in range(len(blocks) + 1) for one in (*before[at], *blocks[at : at + 1])]
    return [line for block in whole_blocks for line in block.lines]


def _placed(pending: list[_Block], blocks: Sequence[_Block], last: int, following: int) -> Iterator[tuple[_Block, int]]:
    """Yield blocks of the other side with the place before which each comes: before the one that follows them there, but in the section of the last one."""
    at = last + 1 if 0 <= last < following else following
    for block in pending:
        rank = _rank(block)
        while at < following and _rank(blocks[at]) >= rank:
            at += 1
        yield block, at if rank < _PLAIN_RANK else following


def _rank(block: _Block) -> int:
    """Return how deep a block stands: a heading by its level, below them items, then any other line."""
    first = block.lines[0]
    if OPENS.match(first) is None:
        return _PLAIN_RANK
    return len(first) - len(first.lstrip(b"#")) or _PLAIN_RANK - 1


class _Index:
    """Finds the block that another side's is: of the same first line, in the same section as far as both name theirs; each once."""

    def __init__(self, blocks: Sequence[_Block]) -> None:
        self._taken: set[int] = set()
        #: Places by first line and section, and by first line alone.
        self._placed: defaultdict[tuple[bytes, bytes | None], deque[int]] = defaultdict(deque)
        self._all: defaultdict[bytes, deque[int]] = defaultdict(deque)
        for at, block in enumerate(blocks):
            self._placed[block.lines[0], block.section].append(at)
            self._all[block.lines[0]].append(at)

    def same(self, block: _Block) -> int | None:
        """Return the place of a block's counterpart, None if there is none (left). A line without a word is the counterpart of many."""
        first = block.lines[0]
        among = [self._placed[first, block.section], self._all[first] if block.section is None else self._placed[first, None]]
        for places in among:
            while places and places[0] in self._taken:
                places.popleft()
            if places:
                if _WORD.search(first):
                    self._taken.add(places[0])
                return places[0]
        return None


def _within(part: list[bytes], whole: list[bytes]) -> bool:
    """Whether a run of pieces stands in another one."""
    starts = range(len(whole) - len(part) + 1)
    return not part or any(whole[at] == part[0] and whole[at : at + len(part)] == part for at in starts)


def _blocks(lines: list[bytes]) -> list[_Block]:
    """Return lines as blocks: an item or a heading with the lines behind it; any other line is one of its own."""
    blocks: list[_Block] = []
    section: bytes | None = None
    inside = False
    for line in lines:
        opens = OPENS.match(line) is not None
        if blocks and not opens and (inside or line[:1] in b" \t"):
            blocks[-1].lines.append(line)
        elif opens and line.startswith(b"#"):
            blocks.append(_Block(None, [line]))
            section = line
        else:
            blocks.append(_Block(section, [line]))
        inside = inside or opens
    return blocks
