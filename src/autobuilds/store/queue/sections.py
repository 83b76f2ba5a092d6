"""The three sections of a queue: which heading begins one, and what stands in it."""

from __future__ import annotations

import re
import unicodedata

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass, field
from autobuilds.store.markdown.blocks import HEADING, Block, Blocks
from autobuilds.store.markdown.inline import fold_space, plain_text
from autobuilds.store.queue.document import SectionKind, SectionSpan, Span
from autobuilds.store.queue.findings import Findings
from autobuilds.store.queue.given import whole_lines

NAMES = {SectionKind.ACTIVE: "Active Queue", SectionKind.DETAILS: "Task Details", SectionKind.COMPLETED: "Completed"}
_MISSING = {
    SectionKind.ACTIVE: "the file holds no tasks; add the heading above the list of tasks",
    SectionKind.DETAILS: "details under headings have no place; add it below the list of tasks",
    SectionKind.COMPLETED: "it is made when a task is completed; add it at the end of the file",
}
_KINDS = {name.casefold(): kind for kind, name in NAMES.items()}
_NAME = pattern(r"(active queue|task details|completed)(?!\w)")
_SHORTCODE = pattern(r":[a-z0-9_+-]{1,40}:", re.IGNORECASE)
_KEYCAP = pattern("[0-9#*]\ufe0f?\u20e3")
#: Headings that are meant: text that a writer's eye skips before and inside them.
_SYMBOLS = frozenset(["So", "Sk", "Cf", "Cn", "Co", "Me"])
_EDGE = pattern(r"^[\W_]+")
_SECTION_LINE = pattern(r"[ ]{0,3}#{1,6}[ \t]+(?P<text>[^\r\n]*)")


@dataclass(slots=True)
class Section:
    """One part of a section: its heading and the blocks after it."""

    kind: SectionKind
    heading: Block
    blocks: list[Block] = field(default_factory=list)
    end: int = 0

    def span(self, blocks: Blocks) -> SectionSpan:
        """Return where it stands."""
        heading = whole_lines(self.heading, blocks)
        return SectionSpan(kind=self.kind, heading=heading, body=Span(heading.end, self.end))


def heading_text(block: Block, text: str) -> str:
    """Return a heading's text as written, on one line."""
    return " ".join(text[start:end].strip() for start, end in block.lines)


def section_of(heading: str) -> SectionKind | None:
    """Return the section that a heading's text begins with the name of, case, emoji and what follows disregarded."""
    text = plain_text(heading)
    if not text.isascii():
        text = _KEYCAP.sub(" ", text)
        text = "".join(" " if unicodedata.category(char) in _SYMBOLS or char == "\ufe0f" else char for char in text)
    match = _NAME.match(_EDGE.sub("", fold_space(_SHORTCODE.sub(" ", text))).casefold())
    return _KINDS[match[1]] if match else None


def names_section(line: str) -> SectionKind | None:
    """Return the section that a line's ATX heading would begin, wherever the line stands."""
    match = _SECTION_LINE.match(line)
    return section_of(match["text"].rstrip("# \t")) if match else None


def find_sections(blocks: Blocks, findings: Findings) -> list[Section]:
    """Return the parts of the three sections in the order of the file, with warnings for what is odd about their headings."""
    headings = [block for block in blocks.root.children if block.kind == HEADING]
    kinds = {id(block): section_of(heading_text(block, blocks.text)) for block in headings}
    proper = {kinds[id(block)] for block in headings if block.level == 2}
    found: list[Section] = []
    seen: set[SectionKind] = set()
    current: Section | None = None
    other = False
    for block in blocks.root.children:
        if block.kind != HEADING:
            if current is not None:
                current.blocks.append(block)
            continue
        kind = kinds[id(block)]
        limit = max(2, current.heading.level) if current else 2
        begins = kind is not None and (block.level <= limit or (current is None and not (other and kind in proper)))
        if kind is not None and begins:
            _end(current, block, blocks)
            current, other = Section(kind, block), False
            found.append(current)
            _odd(block, kind, seen, findings, proper)
            seen.add(kind)
        elif block.level <= limit:
            _ends(block, current, blocks, findings)
            _end(current, block, blocks)
            current, other = None, block.level == 2
        elif current is not None:
            current.blocks.append(block)
            if kind is not None and current.kind is not SectionKind.DETAILS:
                _deeper(block, kind, findings, proper)
    if current is not None:
        current.end = len(blocks.text)
    for kind in NAMES:
        if kind not in seen:
            findings.missing("missing-section", f'no "## {NAMES[kind]}" heading: {_MISSING[kind]}')
    return found


def _end(current: Section | None, block: Block, blocks: Blocks) -> None:
    if current is not None:
        current.end = blocks.starts[block.first]


def _odd(block: Block, kind: SectionKind, seen: set[SectionKind], findings: Findings, proper: set[SectionKind | None]) -> None:
    at, name = block.lines[0][0], NAMES[kind]
    if kind in seen:
        findings.warn("duplicate-section", at, f'a second "{name}" section: it continues the first, new entries go to the first')
    elif block.level != 2:
        what = "duplicate-section" if kind in proper else "missing-section"
        findings.warn(what, at, f'"{name}" is a level-{block.level} heading here; a section is a level-2 heading ("## {name}")')


def _deeper(block: Block, kind: SectionKind, findings: Findings, proper: set[SectionKind | None]) -> None:
    what = "duplicate-section" if kind in proper else "missing-section"
    name = NAMES[kind]
    message = (
        f'"{name}" is a level-{block.level} heading inside another section and only groups; a section is a level-2 heading ("## {name}")'
    )
    findings.warn(what, block.lines[0][0], message)


def _ends(block: Block, current: Section | None, blocks: Blocks, findings: Findings) -> None:
    """Warn of prose right above `---`, which is a heading and ends the section."""
    if not block.setext or block.level != 2:
        return
    underline = blocks.text[blocks.starts[block.last] : blocks.ends[block.last]].strip()
    if current is not None or len(underline) <= 3:
        message = "text right above a line of dashes is a heading in Markdown"
        message += " and ends the section" if current else ""
        findings.warn("near-miss", block.lines[0][0], f"{message}; put an empty line between them if a rule is meant")
