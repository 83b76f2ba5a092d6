"""BUILD_QUEUE.md, read: bytes to a document of tasks, problems and places. Nothing that a person writes raises here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import tzinfo

from autobuilds.domain.model import Counts, Queue, Task
from autobuilds.domain.model import Section as TaskSection
from autobuilds.domain.problem import Problem, Severity
from autobuilds.records import replace
from autobuilds.store.markdown.blocks import Blocks, parse_blocks, split_lines
from autobuilds.store.markdown.inline import definitions
from autobuilds.store.queue.counts import count
from autobuilds.store.queue.details import high_headings, read_details
from autobuilds.store.queue.document import BOM, Document, Entry, Places, SectionKind, Span
from autobuilds.store.queue.drafts import Draft, read_entries
from autobuilds.store.queue.findings import Findings
from autobuilds.store.queue.given import whole_lines
from autobuilds.store.queue.plain import read_plain
from autobuilds.store.queue.relations import check_relations
from autobuilds.store.queue.sections import Section, find_sections
from autobuilds.store.queue.tasks import Reading, TaskReader, label_of
from autobuilds.store.queue.trust import Distrust, distrust, front_matter


def read_queue(data: bytes, *, zone: tzinfo, file: str = "BUILD_QUEUE.md", had_tasks: bool = False) -> Document:
    """Return the document that the bytes hold; with `queue.fatal` they can't be trusted as a whole.

    `zone` is the workspace's, for times without an offset; `had_tasks` says that the last commit of the file held tasks,
    so that an empty file is half-written rather than new.
    """
    bom = data.startswith(BOM)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _not_utf8(data, error.start, file, bom)
    doubt: Distrust | None = None
    if "\0" in text:
        doubt = Distrust("nul-bytes", text.index("\0"), "the file holds NUL bytes and can't be trusted; restore it from Git")
    elif had_tasks and not text.strip():
        doubt = Distrust("half-written", 0, "the file is empty, but it held tasks when it was last committed; restore it from Git")
    if doubt is None:
        lines = text.replace("\r\n", "\n") if "\r" in text else text  # tasks and problems hold lines, not offsets
        quick = read_plain(lines, zone, lambda piece: read_thoroughly(piece.encode(), piece, zone, file, bom=False).queue)
        if quick is not None:
            return Document(
                data=data, text=text, queue=quick, bom=bom, find=lambda: read_thoroughly(data, text, zone, file, bom=bom).places
            )
    else:
        return _fatal(data, text, doubt, file, bom)
    return read_thoroughly(data, text, zone, file, bom=bom)


def read_thoroughly(data: bytes, text: str, zone: tzinfo, file: str, *, bom: bool) -> Document:
    """Return the document of a decoded text, block by block; `read_queue` gives the same in less time."""
    skip, doubt = front_matter(text)
    if doubt is not None:
        return _fatal(data, text, doubt, file, bom)
    blocks = parse_blocks(text, skip)
    doubt, harmless = distrust(blocks, skip)
    if doubt is not None:
        return _fatal(data, text, doubt, file, bom)
    return _Reader(data, blocks, zone, file, bom).read(harmless)


def _not_utf8(data: bytes, at: int, file: str, bom: bool) -> Document:
    start = len(BOM) if bom else 0
    before = data[start : start + at] if bom else data[:at]
    byte = data[start + at] if start + at < len(data) else data[-1]
    message = f"the file is not UTF-8 (byte 0x{byte:02x}); save it as UTF-8"
    rows = before.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    problem = Problem(
        file=file,
        line=len(rows),
        column=len(rows[-1].decode(errors="replace")) + 1,
        kind="not-utf8",
        severity=Severity.ERROR,
        message=message,
    )
    return Document(data=data, text="", queue=Queue(problems=(problem,), fatal=True, counts=Counts(problems=1, items=1)), bom=bom)


def _fatal(data: bytes, text: str, doubt: Distrust, file: str, bom: bool) -> Document:
    starts, _ = split_lines(text)
    line = bisect_right(starts, doubt.at)
    problem = Problem(
        file=file,
        line=line,
        column=doubt.at - starts[line - 1] + 1,
        kind=doubt.kind,
        severity=Severity.ERROR,
        message=doubt.message,
    )
    queue = Queue(problems=(problem,), fatal=True, counts=Counts(problems=1, items=1))
    places = Places(line_starts=_line_starts(starts, text))
    return Document(data=data, text=text, queue=queue, bom=bom, find=lambda: places)


def _line_starts(starts: list[int], text: str) -> tuple[int, ...]:
    """Return the offsets of the lines' first characters; after a final line end an empty last line begins."""
    return tuple(starts) if not text or text[-1] in "\r\n" else tuple(starts[:-1])


class _Reader:
    """One reading of one trusted file."""

    def __init__(self, data: bytes, blocks: Blocks, zone: tzinfo, file: str, bom: bool) -> None:
        self.data = data
        self.blocks = blocks
        self.bom = bom
        self.line_starts = _line_starts(blocks.starts, blocks.text)
        self.findings = Findings(file, self._position)
        self.links = definitions(blocks.text)
        self.reading = Reading(blocks, zone, self.findings, self.links)

    def _position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def read(self, harmless: list[Distrust]) -> Document:
        """Return the document."""
        for doubt in harmless:
            self.findings.warn(doubt.kind, doubt.at, doubt.message)
        sections = find_sections(self.blocks, self.findings)
        drafts = self._drafts(sections)
        self._label(drafts)
        by_slug = _by_slug(drafts)
        for section in sections:
            if section.kind is SectionKind.DETAILS:
                read_details(section.blocks, section.end, by_slug, self.blocks, self.findings, self.links)
        self._label(drafts, last=True)
        high_headings(by_slug, self.blocks, self.findings, self.links)
        readers = [TaskReader(draft, self.reading) for draft in drafts]
        tasks = check_relations([reader.read() for reader in readers], drafts, self.findings)
        return self._document(sections, drafts, readers, tasks)

    def _drafts(self, sections: list[Section]) -> list[Draft]:
        found = []
        for section in sections:
            if section.kind is not SectionKind.DETAILS:
                kind = TaskSection.ACTIVE if section.kind is SectionKind.ACTIVE else TaskSection.COMPLETED
                found += read_entries(section.blocks, kind, self.blocks, self.findings, self.links)
        return found

    def _label(self, drafts: list[Draft], *, last: bool = False) -> None:
        """Give every task its label; before the details are read only to find them by."""
        quiet = Findings(self.findings.file, self._position)
        for draft in drafts:
            draft.label = label_of(draft, self.findings if last else quiet)

    def _document(self, sections: list[Section], drafts: list[Draft], readers: list[TaskReader], tasks: list[Task]) -> Document:
        problems = sorted(self.findings.problems, key=lambda problem: (problem.line, problem.column))
        counts = count(sections, drafts, self.findings.lines, self.blocks)
        own: dict[str, list[Problem]] = {}
        for problem in problems:
            if problem.label is not None:
                own.setdefault(problem.label, []).append(problem)
        shared = Counter(task.label for task in tasks)
        tasks = [replace(task, problems=tuple(_own(task, drafts[n], own, shared[task.label] > 1))) for n, task in enumerate(tasks)]
        entries = tuple(self._entry(draft, reader, task) for draft, reader, task in zip(drafts, readers, tasks, strict=True))
        places = Places(entries=entries, sections=tuple(section.span(self.blocks) for section in sections), line_starts=self.line_starts)
        queue = Queue(tasks=tuple(tasks), problems=tuple(problems), counts=counts)
        return Document(data=self.data, text=self.blocks.text, queue=queue, bom=self.bom, find=lambda: places)

    def _entry(self, draft: Draft, reader: TaskReader, task: Task) -> Entry:
        at = draft.paragraph.start
        return Entry(
            label=task.label,
            task=task,
            lines=whole_lines(draft.item, self.blocks),
            paragraph=draft.paragraph,
            name=Span(at + draft.line.name.start, at + draft.line.name.end),
            mark=draft.mark,
            indent=draft.item.padding,
            parts=tuple(draft.parts),
            fields=tuple(draft.fields),
            criteria=reader.spans,
            details=tuple(draft.details),
        )


def _own(task: Task, draft: Draft, own: dict[str, list[Problem]], shared: bool) -> list[Problem]:
    """Return a task's problems; where several entries share its label only those that stand in its own text."""
    found = own.get(task.label, [])
    if not found or not shared:
        return found
    mine: list[Problem] = []
    for block in (draft.item, *draft.others):
        start = bisect_left(found, block.first + 1, key=_line_of)
        mine += found[start : bisect_right(found, block.last + 1, key=_line_of)]
    return sorted(dict.fromkeys(mine), key=lambda problem: (problem.line, problem.column))


def _line_of(problem: Problem) -> int:
    return problem.line


def _by_slug(drafts: list[Draft]) -> dict[str, Draft]:
    """Return the tasks by their label, else by the slug of their name; active ones come first, then the first in the file."""
    found: dict[str, Draft] = {}
    for wanted in (TaskSection.ACTIVE, TaskSection.COMPLETED):
        for draft in drafts:
            if draft.section is wanted:
                found.setdefault(draft.label, draft)
    for wanted in (TaskSection.ACTIVE, TaskSection.COMPLETED):
        for draft in drafts:
            if draft.section is wanted and draft.slug:
                found.setdefault(draft.slug, draft)
    found.pop("", None)
    return found
