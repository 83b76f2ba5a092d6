"""Headings with one task each, what stands below them being their details."""

from __future__ import annotations

from datetime import tzinfo

from autobuilds.records import replace
from autobuilds.store.importers.imported import Imported
from autobuilds.store.importers.lists import with_body
from autobuilds.store.importers.naming import named
from autobuilds.store.importers.outline import Outline
from autobuilds.store.importers.sense import Account, folded, noted, state_of
from autobuilds.store.markdown.blocks import HEADING, Block
from autobuilds.store.queue.compose import NewTask


def read_headings(text: str, zone: tzinfo) -> Imported:
    """Return a task for every heading without headings below it; those above them name a state, or go into the notes."""
    outline = Outline(text)
    account = Account()
    tasks: list[NewTask] = []
    leaves = {id(block) for block in outline.leaves()}
    under: list[Block] = []
    blocks = outline.top()
    first = next((n for n, block in enumerate(blocks) if block.kind == HEADING), len(blocks))
    account.left += [f"line {outline.line(block)}: {outline.shown(block)}" for block in blocks[:first]]
    for n, block in enumerate(blocks):
        if block.kind != HEADING:
            continue
        under = [*(one for one in under if one.level < block.level), block]
        end = next((m for m in range(n + 1, len(blocks)) if blocks[m].kind == HEADING), len(blocks))
        body = blocks[n + 1 : end]
        if id(block) not in leaves:
            account.left += [f"line {outline.line(one)}: {outline.shown(one)}" for one in body]
            continue
        task = named(outline.heading(block), f"line {outline.line(block)}", account)
        if task is None:
            account.left.append(f"line {outline.line(block)}: a heading without a name")
            continue
        task = with_body(outline, task, body, f"line {outline.line(block)}", zone, account)
        tasks.append(_under(outline, task, under[:-1], account))
    return Imported(shape="headings", tasks=tuple(tasks), remarks=tuple(account.remarks), left=tuple(account.left))


def _under(outline: Outline, task: NewTask, over: list[Block], account: Account) -> NewTask:
    for heading in over:
        if state_of(outline.title(heading)) == "done":
            task = replace(task, done=True)
        elif heading.level > 1 and not outline.is_group(heading):
            task = noted(task, "Section", folded(outline.title(heading), f"line {outline.line(heading)}", account))
    return task
