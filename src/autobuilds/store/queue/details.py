"""Headed details: headings in Task Details that match a task by label, and the fields under them."""

from __future__ import annotations

from autobuilds.domain.labels import slugify
from autobuilds.store.markdown.blocks import HEADING, HTML, LIST, PARAGRAPH, Block, Blocks
from autobuilds.store.markdown.inline import plain_text
from autobuilds.store.queue.document import DetailsSpan, FieldPlace, SectionKind, Span
from autobuilds.store.queue.drafts import Draft, hidden_fields, odd_fields, read_fields, stray_code
from autobuilds.store.queue.findings import Findings
from autobuilds.store.queue.given import BOX, read_field, whole_lines
from autobuilds.store.queue.keys import KEYS, fold_key
from autobuilds.store.queue.nearest import Nearest
from autobuilds.store.queue.sections import heading_text, section_of
from autobuilds.store.queue.taskline import read_line


def read_details(body: list[Block], end: int, drafts: dict[str, Draft], blocks: Blocks, findings: Findings, links: frozenset[str]) -> None:
    """Give every headed block of one Task Details section to its task; `drafts` finds a task by name slug and by label."""
    headings = [(n, block) for n, block in enumerate(body) if block.kind == HEADING]
    _loose(body[: headings[0][0]] if headings else body, blocks, findings)
    owners = [_owner(block, drafts, blocks, links) for _, block in headings]
    nearest = Nearest(drafts, 0.75)
    current: tuple[Draft, int] | None = None
    for index, (at, heading) in enumerate(headings):
        stop = headings[index + 1][0] if index + 1 < len(headings) else len(body)
        inside = body[at + 1 : stop]
        if current is not None and heading.level <= current[1]:
            current = None
        owner = owners[index]
        if owner is not None:
            current = (owner, heading.level)
            owner.details.append(DetailsSpan(heading=whole_lines(heading, blocks), body=_body(index, headings, blocks, end)))
        if current is None:
            if not _groups(index, headings, owners, inside):
                _orphan(heading, nearest, drafts, blocks, findings)
            continue
        current[0].others += [heading, *inside]
        if owner is None:
            _odd_heading(heading, current[0], blocks)
        _fields(inside, blocks, current[0])


def _body(index: int, headings: list[tuple[int, Block]], blocks: Blocks, end: int) -> Span:
    """Return where a heading's block stands: up to the next heading of its level or a higher one."""
    heading = headings[index][1]
    later = (headings[number][1] for number in range(index + 1, len(headings)))
    after = next((block for block in later if block.level <= heading.level), None)
    return Span(blocks.starts[heading.last + 1], blocks.starts[after.first] if after else end)


def _owner(heading: Block, drafts: dict[str, Draft], blocks: Blocks, links: frozenset[str]) -> Draft | None:
    text = heading_text(heading, blocks.text)
    box = BOX.match(text)
    text = text[box.end() :] if box else text
    owner = drafts.get(slugify(plain_text(text, links)))
    return owner or drafts.get(slugify(plain_text(read_line(text, links).name_text, links)))


def _fields(inside: list[Block], blocks: Blocks, draft: Draft) -> None:
    for block in inside:
        if block.kind == LIST:
            read_fields(block, blocks, FieldPlace.HEADED, draft)
        elif block.kind == PARAGRAPH:
            odd_fields(block, 0, blocks, draft)
        elif block.kind == HTML:
            hidden_fields(block, blocks, draft)
    stray_code(inside, blocks, draft)


def _odd_heading(heading: Block, draft: Draft, blocks: Blocks) -> None:
    """Warn of a heading inside a task's details that is named like a field."""
    key = KEYS.get(fold_key(plain_text(heading_text(heading, blocks.text)).rstrip(" :")))
    if key is not None:
        at = heading.lines[0][0]
        draft.note("near-miss", at, f'"{key}" is not read here; a field is a list item ("- **{key}:** …"), not a heading')


def high_headings(drafts: dict[str, Draft], blocks: Blocks, findings: Findings, links: frozenset[str]) -> None:
    """Warn of headings after Task Details that name a task, but at the sections' own level, so that they end the section."""
    below = False
    for block in blocks.root.children:
        if block.kind != HEADING or block.level > 2:
            continue
        text = heading_text(block, blocks.text)
        kind = section_of(text)
        below = below or kind is SectionKind.DETAILS
        owner = drafts.get(slugify(plain_text(text, links))) if below and kind is None and not block.setext else None
        if owner is not None:
            message = (
                f'"{owner.name}" is a level-{block.level} heading and begins a section of its own; write "### {owner.name}" for details'
            )
            findings.warn("near-miss", block.lines[0][0], message, owner.label)


def _groups(index: int, headings: list[tuple[int, Block]], owners: list[Draft | None], inside: list[Block]) -> bool:
    """Whether a heading that names no task only groups headings that do."""
    if any(block.kind == LIST for block in inside):
        return False
    level = headings[index][1].level
    for number in range(index + 1, len(headings)):
        if headings[number][1].level <= level:
            return False
        if owners[number] is not None:
            return True
    return False


def _orphan(heading: Block, nearest: Nearest, drafts: dict[str, Draft], blocks: Blocks, findings: Findings) -> None:
    """Warn of a heading that names no task."""
    name = plain_text(heading_text(heading, blocks.text))
    near = nearest.to(slugify(name))
    hint = f' (did you mean "{drafts[near].name}"?)' if near else "; a heading in Task Details is the name of a task"
    findings.warn("orphan-details", heading.lines[0][0], f'details for "{name}", but there is no such task{hint}')


def _loose(body: list[Block], blocks: Blocks, findings: Findings) -> None:
    """Warn of fields that stand in the section before any heading."""
    for block in body:
        if block.kind == LIST:
            for item in block.children:
                if isinstance(read_field(item, blocks, FieldPlace.HEADED), tuple):
                    findings.warn("orphan-details", item.marker_at, "a field without a task; put it under a heading with the task's name")
