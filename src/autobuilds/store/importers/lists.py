"""Lists with one task an item, with or without boxes, under any headings."""

from __future__ import annotations

import re
from datetime import tzinfo

from autobuilds.domain.patterns import pattern
from autobuilds.records import replace
from autobuilds.store.importers.imported import Imported
from autobuilds.store.importers.naming import named
from autobuilds.store.importers.outline import BOX, Outline, Part
from autobuilds.store.importers.sense import Account, filled, folded, noted, priority_of, sense_of, state_of
from autobuilds.store.markdown.blocks import ITEM, LIST, PARAGRAPH, Block
from autobuilds.store.markdown.inline import plain_text
from autobuilds.store.queue.compose import NewTask
from autobuilds.store.queue.taskline import read_line

_FIELD = pattern(r"[*_]{0,2}(?P<key>[A-Za-z][A-Za-z _-]{0,30}?)[*_]{0,2}\s*:[*_]{0,2}\s*(?P<value>.*)", re.DOTALL)


def read_checklist(text: str, zone: tzinfo) -> Imported:
    """Return a task for every item of a top-level list (only those with boxes where there are any)."""
    outline = Outline(text)
    account = Account()
    tasks: list[NewTask] = []
    boxed = outline.has_boxes()
    for part in outline.parts():
        if part.block.kind != LIST:
            account.left.append(f"line {outline.line(part.block)}: {outline.shown(part.block)}")
            continue
        for item in part.block.children:
            if boxed and outline.box(item) is None:
                account.left.append(f"line {outline.line(item)}: {outline.shown(item)}")
                continue
            task = _item(outline, item, zone, account)
            if task is not None:
                tasks.append(_under(outline, part, task, account))
    return Imported(shape="checklist", tasks=tuple(tasks), remarks=tuple(account.remarks), left=tuple(account.left))


def _item(outline: Outline, item: Block, zone: tzinfo, account: Account) -> NewTask | None:
    where = f"line {outline.line(item)}"
    first = item.children[0] if item.children else None
    if first is None or first.kind != PARAGRAPH:
        account.left.append(f"{where}: an item without a name: {outline.shown(item)}")
        return None
    text = " ".join(outline.paragraph(first).split())
    box = BOX.match(text)
    lead, rest = (text[: box.end()], text[box.end() :]) if box else ("", text)
    line = read_line(rest)
    known = [part for part in line.parts if part.key is not None]
    task = named(lead + (line.name_text if known else rest), where, account)
    if task is None:
        account.left.append(f"{where}: an item without a name: {outline.shown(item)}")
        return None
    for part in line.parts if known else []:
        sense = sense_of(part.key or part.written)
        if sense is None:
            task = noted(task, part.written, folded(part.text, where, account))
        else:
            task = filled(task, sense, part.text, where, zone, account)
    return with_body(outline, task, item.children[1:], where, zone, account)


def _under(outline: Outline, part: Part, task: NewTask, account: Account) -> NewTask:
    """Return the task with what the headings over it say: a state, a priority, or a word for the notes."""
    for heading in part.under:
        text = outline.title(heading)
        state = state_of(text)
        priority, _ = priority_of(re.sub(r"\bpriority\b", "", text, flags=re.IGNORECASE).strip())
        if state == "done":
            task = replace(task, done=True)
        elif priority is not None and task.priority is None:
            task = replace(task, priority=priority)
        elif state is None and heading.level > 1 and not outline.is_group(heading):
            task = noted(task, "Section", folded(text, f"line {outline.line(heading)}", account))
    return task


def with_body(outline: Outline, task: NewTask, body: list[Block], where: str, zone: tzinfo, account: Account) -> NewTask:
    """Return the task with the blocks below its name: fields by their sense, boxes as criteria, prose as description."""
    prose: list[str] = []
    for block in body:
        if block.kind == PARAGRAPH:
            rest: list[str] = []
            for row in outline.paragraph(block).split("\n"):
                changed = _field(task, row, where, zone, account)
                task, rest = (changed, rest) if changed is not None else (task, [*rest, row])
            prose += [" ".join(rest)] if rest else []
        elif block.kind == LIST:
            task, more = _list(outline, task, block, zone, account)
            prose += more
        else:
            account.left.append(f"line {outline.line(block)}: {outline.shown(block)}")
    text = folded("\n".join(prose), where, account) if prose else ""
    return replace(task, description=f"{task.description} {text}".strip()) if text else task


def _list(outline: Outline, task: NewTask, block: Block, zone: tzinfo, account: Account) -> tuple[NewTask, list[str]]:
    prose: list[str] = []
    for item in (child for child in block.children if child.kind == ITEM):
        where = f"line {outline.line(item)}"
        first = item.children[0] if item.children and item.children[0].kind == PARAGRAPH else None
        text = folded(outline.paragraph(first).replace("\n", " "), where, account) if first is not None else ""
        box = BOX.match(text)
        if box and text[box.end() :].strip():
            task = replace(
                task,
                criteria=(*task.criteria, text[box.end() :].strip()),
                ticked=task.ticked | {len(task.criteria) + 1} if box["mark"] in "xX" else task.ticked,
            )
            account.left += [f"line {outline.line(more)}: {outline.shown(more)}" for more in item.children[1:]]
            continue
        nested = _nested(outline, item)
        changed = _field(task, text + nested, where, zone, account)
        boxes = [child for child in item.children[1:] if child.kind == LIST and any(outline.box(one) for one in child.children)]
        if boxes and (changed is not None or sense_of(plain_text(text).rstrip(":")) == "criteria"):
            for child in boxes:
                task, more = _list(outline, task, child, zone, account)
                prose += more
        elif changed is not None:
            task = changed
        else:
            prose.append((text + nested).strip())
    return task, prose


def _nested(outline: Outline, item: Block) -> str:
    """Return what is nested in an item as one line behind its own text."""
    rows = [" ".join(outline.source(child).split()) for child in item.children[1:] if not any(outline.box(one) for one in child.children)]
    return "".join(f" {row}" for row in rows)


def _field(task: NewTask, text: str, where: str, zone: tzinfo, account: Account) -> NewTask | None:
    """Return the task with the field that a text is, or None where it is none that is known here."""
    match = _FIELD.fullmatch(text.strip())
    sense = sense_of(match["key"]) if match else None
    if match is None or sense is None or sense == "name":
        return None
    if sense == "status":
        state = state_of(match["value"])
        if state is None:
            return noted(task, "Status", folded(match["value"], where, account))
        if state == "dropped":
            account.remarks.append(f"{where}: the state {match['value']!r} stands in the notes; take the task out if it is not wanted")
            return noted(task, "Status", folded(match["value"], where, account))
        return replace(task, done=task.done or state == "done")
    return filled(task, sense, match["value"], where, zone, account)
