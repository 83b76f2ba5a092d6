"""Operations on queues of any bytes: refused in words, or made with every line kept that stands outside of the task."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from autobuilds.domain.model import Priority
from autobuilds.errors import AutobuildsError, FatalQueue
from autobuilds.store.files.merge import split_lines
from autobuilds.store.queue.document import Document, Entry
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.operations import Add, Approve, Block, Complete, FillAdded, NewTask, Reopen, SetField, Tick, Unapprove, Unblock
from autobuilds.store.queue.reader import read_queue, read_thoroughly

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 2, 7, 10, 30, tzinfo=ZONE)

OPERATIONS: tuple[Callable[[str, int], Operation], ...] = (
    lambda label, n: Complete(label=label, at=NOW),
    lambda label, n: Reopen(label=label),
    lambda label, n: FillAdded(label=label, at=NOW),
    lambda label, n: Tick(label=label, n=n % 4 + 1, checked=n % 2 == 0),
    lambda label, n: SetField(label=label, field="priority", value=("High", "Low", "")[n % 3]),
    lambda label, n: SetField(label=label, field="description", value=("Do it.", "a - b: `c`", "")[n % 3]),
    lambda label, n: SetField(label=label, field="criteria", value=("x", "y: `true`")),
    lambda label, n: SetField(label=label, field="steps", value=("make\n\nmake test\n", "```\na\n```", "")[n % 3]),
    lambda label, n: SetField(label=label, field="name", value="Alpha " * (n % 3 + 1)),
    lambda label, n: Approve(label=label) if n % 2 else Unapprove(label=label),
    lambda label, n: Block(label=label, text="waits for c"),
    lambda label, n: Unblock(label=label, n=n % 3 or None),
    lambda label, n: Add(task=NewTask(name=f"New one {n}", priority=Priority.HIGH, added=NOW, description="Do.", criteria=("a", "b"))),
)


def check_edit(data: bytes) -> None:
    """Apply the operation that the first three bytes name to the queue that the others are."""
    if len(data) < 4:
        return
    number, which, n = data[:3]
    read = partial(read_queue, zone=ZONE)
    document = read(data[3:])
    labels = list(dict.fromkeys(task.label for task in document.queue.tasks)) or ["none"]
    operation = OPERATIONS[number % len(OPERATIONS)](labels[which % len(labels)], n)
    try:
        after = apply(document, [operation], read, ZONE)
    except AutobuildsError as refused:
        if document.queue.fatal and not isinstance(refused, FatalQueue):
            raise AssertionError(f"a queue that can't be trusted was edited: {refused}") from refused
        return
    if document.queue.fatal:
        raise AssertionError("a queue that can't be trusted was edited")
    if wrong := lost(document, after, operation.label):
        raise AssertionError(wrong)


def lost(before: Document, after: Document, label: str) -> str | None:
    """Return which line outside of a task is gone or in another place after an edit; None where all are as before."""
    whole = read_thoroughly(before.data, before.text, ZONE, "BUILD_QUEUE.md", bom=before.bom)
    own = [entry for entry in whole.entries if entry.label == label]
    if before.bom != after.data.startswith(b"\xef\xbb\xbf"):
        return "the byte order mark"
    outside = _outside(before.text, own)
    there = iter(row.strip() for row in split_lines(after.text.encode()))
    for row in outside:
        if row not in there:
            return f"{row!r} is gone or stands elsewhere"
    return None


def _outside(text: str, own: list[Entry]) -> list[bytes]:
    """Return the lines of a text, without those of these entries and without empty ones."""
    spans = [(entry.lines.start, entry.lines.end) for entry in own]
    spans += [(field.lines.start, field.lines.end) for entry in own for field in entry.fields]
    rows: list[bytes] = []
    at = 0
    for row in split_lines(text.encode()):
        width = len(row.decode())
        if row.strip() and not any(start < at + width and at < end for start, end in spans):
            rows.append(row.strip())
        at += width
    return rows
