"""Tables with one task a row, their columns understood by their titles."""

from __future__ import annotations

from datetime import tzinfo

from autobuilds.records import replace
from autobuilds.store.importers.imported import Imported
from autobuilds.store.importers.naming import named
from autobuilds.store.importers.outline import Outline, Table
from autobuilds.store.importers.sense import Account, filled, folded, noted, sense_of, state_of, with_state
from autobuilds.store.markdown.inline import plain_text
from autobuilds.store.queue.compose import NewTask


def read_tables(text: str, zone: tzinfo) -> Imported:
    """Return a task for every row of every table; what stands outside tables is named as left out."""
    outline = Outline(text)
    account = Account()
    tasks: list[NewTask] = []
    tables = {id(table.block): table for table in outline.tables()}
    for part in outline.parts():
        table = tables.get(id(part.block))
        if table is None:
            account.left.append(f"line {outline.line(part.block)}: {outline.shown(part.block)}")
            continue
        states = [state_of(outline.title(heading)) for heading in part.under]
        tasks += _rows(table, "done" in states, zone, account)
    return Imported(shape="table", tasks=tuple(tasks), remarks=tuple(account.remarks), left=tuple(account.left))


def _rows(table: Table, done: bool, zone: tzinfo, account: Account) -> list[NewTask]:
    senses = [sense_of(plain_text(title)) for title in table.titles]
    if "name" not in senses:
        free = next((n for n, sense in enumerate(senses) if sense is None), None)
        if free is None:
            account.left.append(f"line {table.block.first + 1}: a table without a column for the task's name")
            return []
        account.remarks.append(f"line {table.block.first + 1}: the column {table.titles[free]!r} was taken for the task's name")
        senses[free] = "name"
    found = []
    for line, cells in table.rows:
        task = _row(table, senses, line, cells, zone, account)
        if task is not None:
            found.append(task if task.done or not done or "status" in senses else replace(task, done=True))
    return found


def _row(table: Table, senses: list[str | None], line: int, cells: list[str], zone: tzinfo, account: Account) -> NewTask | None:
    where = f"line {line}"
    if not any(cells):
        return None
    at = senses.index("name")
    task = named(cells[at] if at < len(cells) else "", where, account)
    if task is None:
        account.left.append(f"{where}: a row without a name: {' | '.join(cells)[:80]}")
        return None
    used = {"name"}
    for n, cell in enumerate(cells):
        sense = senses[n] if n < len(senses) else None
        if n == at or not cell.strip():
            continue
        if sense is None or sense in used:
            title = table.titles[n] if n < len(table.titles) else "More"
            task = noted(task, plain_text(title) or "More", folded(cell, where, account))
        elif sense == "status":
            changed = with_state(task, plain_text(cell) or cell, where, account)
            if changed is None:
                return None
            task = changed
        else:
            task = filled(task, sense, plain_text(cell) if sense in {"priority", "estimate", "label"} else cell, where, zone, account)
        used.add(sense or "")
    return task
