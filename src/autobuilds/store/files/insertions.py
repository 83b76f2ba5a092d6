"""What two sides inserted at one place: all of it, and what is the same once."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autobuilds.domain.patterns import pattern
from autobuilds.store.files.merge import WORD

#: What begins an item or a heading.
OPENS = pattern(rb"(?:[-*+]|\d{1,9}[.)])[ \t]|#{1,6}[ \t]")
#: Below the six levels of headings come items and other lines.
_LOWEST = 7


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
    sections = _Sections(blocks)
    pending: list[_Block] = []
    last = -1
    for block in _blocks(theirs):
        at = index.same(block, last)
        if at is None:
            pending.append(block)
            continue
        sections.place(pending, last, at)
        pending, last = [], at
        lines = blocks[at].lines
        left = Counter(lines[1:])
        for line in block.lines[1:]:
            if left[line] == 0:
                lines.append(line)
            elif WORD.search(line):
                left[line] -= 1
    sections.place(pending, last, len(blocks))
    return [line for block in sections.whole() for line in block.lines]


class _Sections:
    """Our blocks, and where those belong among them that the other side inserted."""

    def __init__(self, blocks: Sequence[_Block]) -> None:
        self._blocks = blocks
        #: By place, what comes before it.
        self._before: defaultdict[int, list[_Block]] = defaultdict(list)
        ranks = [_rank(block) for block in blocks]
        #: For each rank and place the first place from there on of a heading above that rank.
        self._ends = {rank: self._above(ranks, rank) for rank in range(1, _LOWEST + 1)}

    @staticmethod
    def _above(ranks: Sequence[int], rank: int) -> list[int]:
        found = [len(ranks)]
        for at in range(len(ranks) - 1, -1, -1):
            found.append(at if ranks[at] < rank else found[-1])
        return found[::-1]

    def place(self, pending: Iterable[_Block], last: int, following: int) -> None:
        """Put blocks in: at most before the one that follows them there, in the section of the last one."""
        at = last + 1 if 0 <= last < following else following
        for block in pending:
            at = min(following, self._ends[_rank(block)][at])
            self._before[at].append(block)

    def whole(self) -> list[_Block]:
        """Return our blocks with those that were put in."""
        return [one for at in range(len(self._blocks) + 1) for one in (*self._before[at], *self._blocks[at : at + 1])]


def _rank(block: _Block) -> int:
    """Return how deep a block stands: a heading by its level, below them everything else."""
    return level(block.lines[0]) or _LOWEST


def level(line: bytes) -> int:
    """Return the level of a heading, 0 for any other line."""
    return len(line) - len(line.lstrip(b"#")) if OPENS.match(line) else 0


class _Index:
    """Finds the block that another side's is: of the same first line, in the same section as far as both name theirs; each once."""

    def __init__(self, blocks: Sequence[_Block]) -> None:
        self._taken: set[int] = set()
        #: Places by first line and section, and by first line alone.
        self._placed: defaultdict[tuple[bytes, bytes | None], list[int]] = defaultdict(list)
        self._all: defaultdict[bytes, list[int]] = defaultdict(list)
        for at, block in enumerate(blocks):
            self._placed[block.lines[0], block.section].append(at)
            self._all[block.lines[0]].append(at)

    def same(self, block: _Block, last: int) -> int | None:
        """Return the place of a block's counterpart, behind `last` if there is one, None if there is none (left).

        Lines without a word are the counterparts of many.
        """
        first = block.lines[0]
        for places in (self._placed[first, block.section], self._all[first] if block.section is None else self._placed[first, None]):
            at = self._free(places, last)
            if at is not None:
                if any(map(WORD.search, block.lines)):
                    self._taken.add(at)
                return at
        return None

    def _free(self, places: list[int], last: int) -> int | None:
        while places:
            n = bisect_right(places, last) if places[-1] > last else 0
            if places[n] not in self._taken:
                return places[n]
            del places[n]
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
        elif level(line):
            blocks.append(_Block(None, [line]))
            section = line
        else:
            blocks.append(_Block(section, [line]))
        inside = inside or opens
    return blocks
