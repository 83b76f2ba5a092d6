"""Conservation: every list item, heading and table row of the three sections is a task, a part of one, a note or a problem."""

from __future__ import annotations

from autobuilds.domain.model import Counts
from autobuilds.store.markdown.blocks import HEADING, ITEM, PARAGRAPH, Block, Blocks
from autobuilds.store.markdown.starts import table_row
from autobuilds.store.queue.drafts import Draft
from autobuilds.store.queue.sections import Section


def count(sections: list[Section], drafts: list[Draft], problem_lines: set[int], blocks: Blocks) -> Counts:
    """Return the sums; `problem_lines` are the 1-based lines at which a problem was found."""
    tasks = {id(draft.item) for draft in drafts}
    parts = {id(block) for draft in drafts for top in (draft.item, *draft.others) for block in top.walk()} - tasks
    sums = {"tasks": 0, "parts": 0, "notes": 0, "problems": 0}
    for section in sections:
        for top in (section.heading, *section.blocks):
            for block in top.walk():
                kind, rows = _kind(block, tasks, parts), _rows(block, blocks)
                if block.kind in (ITEM, HEADING):
                    sums["problems" if kind == "notes" and block.first + 1 in problem_lines else kind] += 1
                for row in rows:
                    sums["problems" if kind == "notes" and row in problem_lines else kind] += 1
    return Counts(**sums, items=sum(sums.values()))


def _kind(block: Block, tasks: set[int], parts: set[int]) -> str:
    return "tasks" if id(block) in tasks else "parts" if id(block) in parts else "notes"


def _rows(block: Block, blocks: Blocks) -> list[int]:
    """Return the 1-based lines of a table's rows, the delimiter row left out."""
    delimiter = table_row(blocks.text, block.lines) if block.kind == PARAGRAPH else 0
    if not delimiter:
        return []
    first = block.last - len(block.lines) + 1
    return [first + n + 1 for n in range(delimiter - 1, len(block.lines)) if n != delimiter]
