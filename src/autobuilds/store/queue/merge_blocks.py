"""One version of the queue as its merge sees it: blocks (task entries, headed details) and the text between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from typing import NamedTuple

from autobuilds.records import dataclass
from autobuilds.store.queue.document import Document, SectionKind
from autobuilds.store.queue.splice import end_of_content


class BlockKey(NamedTuple):
    """What a block is called in every version; `where` and `nth` tell the blocks of one label apart."""

    details: bool
    label: str
    where: str = ""
    nth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version: blocks in their order, and the text before, between and after them (one more than blocks)."""

    keys: list[BlockKey]
    gaps: list[str]
    blocks: dict[BlockKey, str]
    sections: dict[BlockKey, SectionKind]
    #: The sections in the order of the file.
    layout: tuple[SectionKind, ...]


class FoundBlock(NamedTuple):
    """A block as it was found: character offsets, section, label."""

    start: int
    end: int
    section: SectionKind
    label: str


def blocks_of(document: Document) -> Iterable[FoundBlock]:
    """Yield the blocks of a document in their order; a block inside another is part of that one."""
    found: list[FoundBlock] = []
    for entry in document.entries:
        section = SectionKind.ACTIVE if entry.task.is_active else SectionKind.COMPLETED
        found.append(FoundBlock(entry.lines.start, entry.lines.end, section, entry.label))
        for details in entry.details:
            end = end_of_content(document, details.heading.start, details.body.end)
            found.append(FoundBlock(details.heading.start, end, SectionKind.DETAILS, entry.label))
    at = 0
    for block in sorted(found):
        if block.start >= at and block.end > block.start:
            yield block
            at = block.end


def block_name(block: FoundBlock) -> tuple[bool, str]:
    """Return whether a block is headed details, and its label: what tells the blocks of one version apart, nearly always."""
    return (block.section is SectionKind.DETAILS, block.label)


def side_of(document: Document, blocks: list[FoundBlock], crowded: Container[tuple[bool, str]]) -> Side:
    """Return a version; blocks whose names are `crowded` are told apart by section and number."""
    side = Side(keys=[], gaps=[], blocks={}, sections={}, layout=tuple(s.kind for s in document.sections))
    seen: Counter[tuple[str, SectionKind]] = Counter()
    at = 0
    for block in blocks:
        details, label = block_name(block)
        key = BlockKey(details, label)
        if (details, label) in crowded or not label:
            key = BlockKey(details, label, str(block.section), seen[label, block.section])
            seen[label, block.section] += 1
        side.keys.append(key)
        side.gaps.append(document.text[at : block.start])
        side.blocks[key] = document.text[block.start : block.end]
        side.sections[key] = block.section
        at = block.end
    side.gaps.append(document.text[at:])
    return side
