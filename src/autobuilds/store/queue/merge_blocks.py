"""One version of the queue as its merge sees it: blocks (task entries, headed details) and the text between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from typing import NamedTuple

from autobuilds.domain.labels import known_as, slugify
from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.queue.document import Document, SectionKind
from autobuilds.store.queue.splice import end_of_content

_HEADING = pattern(r" {0,3}#{1,6}[ \t]+([^\r\n]*?)[ \t]*#*[ \t]*(?=[\r\n]|\Z)")


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
    #: The task entries that headed details belong to.
    owners: dict[BlockKey, BlockKey]
    #: The sections in the order of the file.
    layout: tuple[SectionKind, ...]


class FoundBlock(NamedTuple):
    """A block as it was found: character offsets, section, label, and where the entry of headed details begins."""

    start: int
    end: int
    section: SectionKind
    label: str
    owner: int | None = None


def blocks_of(document: Document, labels: Container[str] = ()) -> Iterable[FoundBlock]:
    """Yield the blocks of a document in their order; a block inside another is part of that one.

    Details without a task are a block where their heading gives one of the `labels`, which tasks of other versions have.
    """
    found: list[FoundBlock] = []
    for entry in document.entries:
        section = SectionKind.ACTIVE if entry.task.is_active else SectionKind.COMPLETED
        label = known_as(entry.task)
        found.append(FoundBlock(entry.lines.start, entry.lines.end, section, label))
        for details in entry.details:
            end = end_of_content(document, details.heading.start, details.body.end)
            found.append(FoundBlock(details.heading.start, end, SectionKind.DETAILS, label, entry.lines.start))
    found += _orphans(document, labels)
    at = 0
    for block in sorted(found):
        if block.start >= at and block.end > block.start:
            yield block
            at = block.end


def _orphans(document: Document, labels: Container[str]) -> Iterable[FoundBlock]:
    """Yield the headed details whose task is not there, up to the next details or the end of their section."""
    lines = sorted({problem.line for problem in document.queue.problems if problem.kind == "orphan-details"})
    if not lines:
        return
    starts = sorted({document.line_starts[line - 1] for line in lines} | {d.heading.start for e in document.entries for d in e.details})
    for line in lines:
        at = document.line_starts[line - 1]
        section = next((s for s in document.sections if s.kind is SectionKind.DETAILS and s.body.start <= at < s.body.end), None)
        heading = _HEADING.match(document.text, at)
        label = slugify(heading[1]) if heading else ""
        if section is not None and label and label in labels:
            after = next((start for start in starts if start > at), section.body.end)
            yield FoundBlock(at, end_of_content(document, at, min(after, section.body.end)), SectionKind.DETAILS, label)


def block_name(block: FoundBlock) -> tuple[bool, str]:
    """Return whether a block is headed details, and its label: what tells the blocks of one version apart, nearly always."""
    return (block.section is SectionKind.DETAILS, block.label)


def side_of(document: Document, blocks: list[FoundBlock], crowded: Container[tuple[bool, str]]) -> Side:
    """Return a version; blocks whose names are `crowded` are told apart by section and number."""
    side = Side(keys=[], gaps=[], blocks={}, sections={}, owners={}, layout=tuple(s.kind for s in document.sections))
    seen: Counter[tuple[str, SectionKind]] = Counter()
    entries: dict[int, BlockKey] = {}
    owned: list[tuple[BlockKey, int]] = []
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
        if not details:
            entries[block.start] = key
        elif block.owner is not None:
            owned.append((key, block.owner))
        at = block.end
    side.gaps.append(document.text[at:])
    side.owners.update((key, entries[owner]) for key, owner in owned if owner in entries)
    return side
