"""What `check` says beyond the reader's own problems: lines of the queue that other Markdown readers may take otherwise."""

from __future__ import annotations

from autobuilds.domain.problem import Problem, Severity
from autobuilds.store.markdown.blocks import Blocks, parse_blocks
from autobuilds.store.markdown.second_opinion import Disagreement, second_opinion
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.sections import names_section
from autobuilds.store.queue.trust import front_matter


def second_opinions(document: Document, file: str = "BUILD_QUEUE.md") -> tuple[Problem, ...]:
    """Return a warning for every line of the three sections that Mistune takes for something else than the reader did.

    Lines that have a problem already are left out, as is everything in a file that can't be trusted as a whole.
    """
    if document.queue.fatal:
        return ()
    skip, _ = front_matter(document.text)
    blocks = parse_blocks(document.text, skip)
    odd = second_opinion(blocks, skip)
    if not odd:
        return ()
    known = {problem.line for problem in document.queue.problems}
    return tuple(_problem(one, document, blocks, file) for one in odd if one.line not in known and _ours(one, document, blocks))


def _ours(one: Disagreement, document: Document, blocks: Blocks) -> bool:
    """Whether a line stands in one of the three sections, or would begin one."""
    start, end = blocks.starts[one.line - 1], blocks.ends[one.line - 1]
    inside = any(section.heading.start <= start < section.body.end for section in document.sections)
    return inside or names_section(document.text[start:end]) is not None


def _problem(one: Disagreement, document: Document, blocks: Blocks, file: str) -> Problem:
    start, end = blocks.starts[one.line - 1], blocks.ends[one.line - 1]
    row = document.text[start:end]
    if one.ours == one.theirs:
        difference = f"take {one.ours} here to hold other text than it does"
    else:
        difference = f"take for {one.theirs} what is {one.ours} here"
    return Problem(
        file=file,
        line=one.line,
        column=len(row) - len(row.lstrip(" \t")) + 1,
        kind="near-miss",
        severity=Severity.WARNING,
        message=f"other Markdown readers may read this line differently: they {difference}; an empty line above it mostly settles it",
        label=next((task.label for task in document.queue.tasks if task.line <= one.line <= task.end_line), None),
    )
