"""Merging two versions of the queue task by task: tasks are matched by their labels, wherever they stand.

Each version is seen as blocks (task entries, details) and the text between them. The order of the blocks is decided
first, then every version is laid out in that order, and blocks and texts are merged place by place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Sequence
from datetime import tzinfo
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from autobuilds.domain.labels import known_as
from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass, field
from autobuilds.store.files.three_way import marked, merge_text, rows_of
from autobuilds.store.queue.document import BOM, Document, SectionKind
from autobuilds.store.queue.merge_blocks import BlockKey, Side, block_name, blocks_of, side_of
from autobuilds.store.queue.merge_deleted import disputed, put_back
from autobuilds.store.queue.reader import read_queue

_LINE_ENDS = ("\n", "\r\n", "\r")
_LINE_END = pattern(r"\r\n|\r|\n")


class Merged(NamedTuple):
    """The merged file; `conflicts` counts the places that are marked in it, `deletions` those that one side deleted and the other changed."""

    data: bytes
    conflicts: int
    deletions: int = 0


@dataclass(slots=True, kw_only=True)
class _Arrangement:
    """The order of the blocks in the merged file, the version each place is taken from, and their merged texts."""

    order: list[BlockKey]
    source: dict[BlockKey, Side]
    #: Blocks that are marked because one side deleted them, and that side.
    disputed: dict[BlockKey, Side]
    texts: dict[BlockKey, str] = field(default_factory=dict)
    conflicts: int = 0

    def section(self, key: BlockKey) -> SectionKind:
        """Return the section that a block stands in when all is merged."""
        return self.source[key].sections[key]


def merge_queue(base: bytes, ours: bytes, theirs: bytes, zone: tzinfo) -> Merged:
    """Return the merge of two versions that began from `base`; a file that can't be read as a queue is merged line by line.

    A block that one side changed is taken; one that both changed is merged by lines, and what clashes is marked there. A
    task that one side deleted and the other changed is a conflict in its line and its details, never lost.
    """
    if ours == theirs or theirs == base:
        return Merged(ours, 0)
    if ours == base:
        return Merged(theirs, 0)
    texts = _of_one_line_end([_ended(data) for data in (base, ours, theirs)])
    documents = [read_queue(text.encode("utf-8", "surrogateescape"), zone=zone) for text in texts]
    ending = _Ending.of(base, ours, theirs)
    if any(document.queue.fatal for document in documents):
        return ending.finish(*merge_text(texts[0], texts[1], texts[2], documents[1].newline))
    plan, text, expected = _by_task(documents)
    if plan.conflicts or _tasks(read_queue(text.encode(), zone=zone)) == expected:
        return ending.finish(text, plan.conflicts, len(plan.disputed))
    newline = documents[1].newline
    text, conflicts = merge_text(texts[0], texts[1], texts[2], newline)
    found = _tasks(read_queue(_unmarked(text).encode(), zone=zone))
    if (not conflicts and found != expected) or {label for _, label in expected} - {label for _, label in found}:
        text, conflicts = marked(texts[1], texts[2], newline), 1
    return ending.finish(text, conflicts)


def _unmarked(text: str) -> str:
    """Return a text with both sides of its conflicts, without the marks."""
    return "".join(row for row in rows_of(text) if not row.startswith(("<<<<<<< ours", "=======", ">>>>>>> theirs")))


def _ended(data: bytes) -> str:
    """Return the text without a byte order mark, with a line end at its end unless it is empty."""
    text = data.removeprefix(BOM).decode("utf-8", "surrogateescape")
    if not text or text.endswith(("\n", "\r")):
        return text
    return text + ("\r\n" if "\r\n" in text else "\n")


def _of_one_line_end(texts: Sequence[str]) -> list[str]:
    """Return the three versions with the line ends of the side that changed them, where they differ: no line is another one for that."""
    was, here, there = kinds = [max(_LINE_ENDS, key=Counter(_LINE_END.findall(text)).__getitem__) for text in texts]
    if len(set(kinds)) == 1:
        return list(texts)
    wanted = there if here == was else here
    return [_LINE_END.sub(wanted, text) for text in texts]


class _Ending(NamedTuple):
    """Whether the merged file begins with a byte order mark and ends with a line end."""

    bom: bool
    newline: bool

    @classmethod
    def of(cls, base: bytes, ours: bytes, theirs: bytes) -> _Ending:
        """Return what the side that changed it says."""
        states = [(data.startswith(BOM), data.endswith((b"\n", b"\r"))) for data in (base, ours, theirs)]
        return cls(*(there if here == was else here for was, here, there in zip(*states, strict=True)))

    def finish(self, text: str, conflicts: int, deletions: int = 0) -> Merged:
        """Return the file's bytes."""
        if not self.newline and not conflicts:
            text = text.removesuffix("\n").removesuffix("\r")
        # Before a mark it would hide that from whoever looks for marks at the beginning of a line, Git's drivers included.
        bom = self.bom and not (conflicts and text.startswith("<<<<<<< "))
        return Merged((BOM if bom else b"") + text.encode("utf-8", "surrogateescape"), conflicts, deletions)


def _by_task(documents: Sequence[Document]) -> tuple[_Arrangement, str, Counter[tuple[str, str]]]:
    """Return the arrangement with its conflicts, the merged text, and the tasks that must stand in it (section and label)."""
    labels = {known_as(entry.task) for document in documents for entry in document.entries if entry.details}
    found = [list(blocks_of(document, labels)) for document in documents]
    crowded = {name for blocks in found for name, n in Counter(block_name(block) for block in blocks).items() if n > 1}
    base, ours, theirs = (side_of(document, blocks, crowded) for document, blocks in zip(documents, found, strict=True))
    newline = documents[1].newline
    plan = _arranged(base, ours, theirs, newline)
    settled = (_in_order(theirs, plan), _in_order(ours, plan))
    laid = [_laid_out(side, plan, ours, settled) for side in (base, ours, theirs)]
    parts: list[str] = []
    for number, (was, here, there) in enumerate(zip(*laid, strict=True)):
        text, conflicts = merge_text(was, here, there, newline)
        plan.conflicts += conflicts
        parts.append(text)
        if number < len(plan.order):
            parts.append(plan.texts[plan.order[number]])
    expected = Counter((str(plan.section(key)), key.label) for key in plan.order if not key.details)
    return plan, "".join(parts), expected


def _arranged(base: Side, ours: Side, theirs: Side, newline: str) -> _Arrangement:
    """Return what stands in the merged file in which order: that of the side that changed the order, else ours."""
    host, guest = (theirs, ours) if _reordered(base, theirs) and not _reordered(base, ours) else (ours, theirs)
    plan = _Arrangement(order=[], source={}, disputed=disputed(base, ours, theirs))
    for key in dict.fromkeys((*host.keys, *guest.keys)):
        texts = base.blocks.get(key), ours.blocks.get(key), theirs.blocks.get(key)
        text, conflicts = (marked(texts[1] or "", texts[2] or "", newline), 1) if key in plan.disputed else _merged_block(*texts, newline)
        if text is not None:
            plan.texts[key] = text
            plan.conflicts += conflicts
            plan.source[key] = guest if _placed_by_guest(key, base, host, guest) else host
    plan.order = [key for key in host.keys if plan.source.get(key) is host]
    for key in guest.keys:
        if plan.source.get(key) is guest:
            plan.order.insert(_place(key, plan, host, guest), key)
    return plan


def _merged_block(base: str | None, ours: str | None, theirs: str | None, newline: str) -> tuple[str | None, int]:
    """Return a block's text, None where it is gone, and its conflicts."""
    if ours is not None and theirs is not None:
        return merge_text(base or "", ours, theirs, newline)
    return (None if base is not None else ours if ours is not None else theirs), 0


def _reordered(base: Side, side: Side) -> bool:
    kept = [key for key in base.keys if side.sections.get(key) is base.sections[key]]
    places = {key: n for n, key in enumerate(side.keys)}
    return any(places[one] > places[two] for one, two in pairwise(kept))


def _placed_by_guest(key: BlockKey, base: Side, host: Side, guest: Side) -> bool:
    if key not in host.blocks or key not in guest.blocks:
        return key in guest.blocks
    was = base.sections.get(key)
    return guest.sections[key] is not was and host.sections[key] is was


def _place(key: BlockKey, plan: _Arrangement, host: Side, guest: Side) -> int:
    """Return where in the order a block of the guest goes: behind the one that it follows there, and what the host put behind that."""
    order, at, section = plan.order, guest.keys.index(key), guest.sections[key]
    places = {known: n for n, known in enumerate(order)}

    def stays(other: BlockKey) -> bool:
        return other in places and plan.source[other].sections[other] is guest.sections[other]

    before = next((k for k in reversed(guest.keys[:at]) if guest.sections[k] is section and stays(k)), None)
    if before is not None:
        number = places[before] + 1
        while number < len(order) and order[number] not in guest.blocks and plan.section(order[number]) is section:
            number += 1
        return number
    after = next((k for k in guest.keys[at + 1 :] if guest.sections[k] is section and stays(k)), None)
    if after is not None:
        return places[after]
    # No neighbour of the guest stands in the section: its blocks go to its end, or to where the section is in the file.
    ranks = {kind: n for n, kind in enumerate(dict.fromkeys((*host.layout, *guest.layout)))}
    return max((n + 1 for n, known in enumerate(order) if ranks[plan.section(known)] <= ranks[section]), default=0)


def _laid_out(side: Side, plan: _Arrangement, ours: Side, settled: Sequence[set[BlockKey]]) -> list[str]:
    """Return the text between the blocks of one version as if its blocks stood in the merged order.

    `settled` are the blocks that stand in that order already, in theirs and in ours.
    """
    kept = _in_order(side, plan)
    gaps: dict[BlockKey | None, list[str]] = {None: []}
    last: BlockKey | None = None
    for number, gap in enumerate(side.gaps):
        gaps[last] += rows_of(gap)
        if number < len(side.keys) and side.keys[number] in kept:
            last = side.keys[number]
            gaps[last] = []
    present = set(kept)
    last = None
    for key in plan.order:
        if key not in present:
            reference = plan.source[key]
            before, after = _around(reference, key, present & settled[reference is ours])
            if plan.disputed.get(key) is side:
                at = reference.keys.index(key)
                near = reference.gaps[at], reference.gaps[at + 1]
                gaps[last], gaps[key] = put_back(side, gaps[last], before, after, near)
            else:
                cut = _cut(gaps[last], before, after)
                gaps[key], gaps[last] = gaps[last][cut:], gaps[last][:cut]
            present.add(key)
        last = key
    return ["".join(gaps[key]) for key in (None, *plan.order)]


def _in_order(side: Side, plan: _Arrangement) -> set[BlockKey]:
    """Return as many blocks of a version as stand in its own section and in the merged order already."""
    places = {key: n for n, key in enumerate(plan.order)}
    wanted = [key for key in side.keys if key in places and side.sections[key] is plan.section(key)]
    ends: list[int] = []
    tails: list[BlockKey] = []
    before: dict[BlockKey, BlockKey | None] = {}
    for key in wanted:
        at = bisect_left(ends, places[key])
        before[key] = tails[at - 1] if at else None
        ends[at : at + 1] = [places[key]]
        tails[at : at + 1] = [key]
    kept: set[BlockKey] = set()
    key_or_none = tails[-1] if tails else None
    while key_or_none is not None:
        kept.add(key_or_none)
        key_or_none = before[key_or_none]
    return kept


def _around(side: Side, key: BlockKey, present: Container[BlockKey]) -> tuple[list[str], list[str]]:
    """Return the rows before and after a block, as far as to the next blocks that are present elsewhere."""
    at = side.keys.index(key)
    first, last = at, at + 1
    while first > 0 and side.keys[first - 1] not in present:
        first -= 1
    while last < len(side.keys) and side.keys[last] not in present:
        last += 1
    return rows_of("".join(side.gaps[first : at + 1])), rows_of("".join(side.gaps[at + 1 : last + 1]))


def _cut(rows: Sequence[str], before: list[str], after: list[str]) -> int:
    """Return at which of the rows a block goes that elsewhere stands between `before` and `after`."""
    cut = 0
    for match in SequenceMatcher(None, [*before, *after], rows, autojunk=False).get_matching_blocks():
        if match.a >= len(before) or not match.size:
            break
        cut = match.b + min(match.size, len(before) - match.a)
    return cut


def _tasks(document: Document) -> Counter[tuple[str, str]]:
    kinds = (SectionKind.COMPLETED, SectionKind.ACTIVE)
    return Counter((str(kinds[entry.task.is_active]), known_as(entry.task)) for entry in document.entries)
