"""What one version of the queue deleted although the other changed it: which blocks are in dispute, and what stood around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile

from autobuilds.store.files.three_way import rows_of
from autobuilds.store.queue.document import SectionKind
from autobuilds.store.queue.merge_blocks import BlockKey, Side
from autobuilds.store.queue.sections import names_section


def disputed(base: Side, ours: Side, theirs: Side) -> dict[BlockKey, Side]:
    """Return the blocks that one side deleted and the other did not, where that changed them or their task, and who deleted each.

    A task is its line with what is nested in it, its section and its headed details: who changed any of these wants all.
    """
    found: dict[BlockKey, Side] = {}
    for gone, kept in ((ours, theirs), (theirs, ours)):
        for key, text in base.blocks.items():
            if key in kept.blocks and key not in gone.blocks and kept.blocks[key] != text:
                found[key] = gone
        for task in _deleted(base, gone, kept):
            details = [key for side in (base, kept) for key, owner in side.owners.items() if owner == task]
            if any(_differs(key, base, kept) for key in (task, *details)):
                found |= {key: gone for key in (task, *details) if key in kept.blocks and key not in gone.blocks}
    return found


def _deleted(base: Side, gone: Side, kept: Side) -> Iterator[BlockKey]:
    """Yield the task lines that one side deleted and the other has; of a label with several tasks one that moved is not deleted."""
    before, after = (Counter(key.label for key in side.keys if not key.details) for side in (base, gone))
    for key in base.keys:
        if not key.details and key in kept.blocks and key not in gone.blocks and after[key.label] < before[key.label]:
            yield key


def _differs(key: BlockKey, base: Side, side: Side) -> bool:
    return base.blocks.get(key) != side.blocks.get(key) or base.sections.get(key) is not side.sections.get(key)


def put_back(
    side: Side, rows: Sequence[str], before: Sequence[str], after: Sequence[str], near: tuple[str, str]
) -> tuple[list[str], list[str]]:
    """Return the rows of a side between which a block goes that it deleted, with what went with it.

    Elsewhere the block stands between `before` and `after`, right between the texts `near`: blank lines next to it come back,
    and headings of sections that the side has no more.
    """
    whole = [*before, *after]
    shown: list[str] = []
    cut: int | None = None
    for tag, start, end, first, last in SequenceMatcher(None, whole, rows, autojunk=False).get_opcodes():
        for number in range(start, end):
            cut = len(shown) if number == len(before) else cut
            if tag == "equal" or _is_missing(names_section(whole[number]), side.layout):
                shown.append(whole[number])
        if tag != "equal":
            shown += rows[first:last]
    above, below = (shown, []) if cut is None else (shown[:cut], shown[cut:])
    ends = [[*takewhile(_is_blank, rows)] for rows in (reversed(rows_of(near[0])), rows_of(near[1]))]
    return above + _lacking(ends[0], reversed(above)), _lacking(ends[1], below) + below


def _lacking(blank: Sequence[str], rows: Iterable[str]) -> list[str]:
    """Return as many of the blank lines as are more than those with which the rows begin."""
    return list(blank[len([*takewhile(_is_blank, rows)]) :])


def _is_blank(row: str) -> bool:
    return not row.strip()


def _is_missing(section: SectionKind | None, layout: Container[SectionKind]) -> bool:
    return section is not None and section not in layout
