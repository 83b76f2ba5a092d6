"""Every edit case on the operations themselves: nothing but what the case says is different afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autobuilds.cli.commands.queue_add import add as add_command
from autobuilds.cli.drafting import Drafting, split
from autobuilds.cli.fields import value_of
from autobuilds.cli.formatters.json_ import task_json
from autobuilds.domain.times import parse_when
from autobuilds.errors import AutobuildsError, BadInput
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.operations import Add, Approve, Block, Complete, Reopen, SetField, Tick, Unblock
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.queue.setting import key_named
from tests.edit_cases import EditCase, cases, said

NOON = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)


def read(data: bytes) -> Document:
    return read_queue(data, zone=UTC)


def operation(verb: str, *given: str) -> Operation:
    """Return the operation that a command line asks for."""
    if verb == "add":
        return _add(given)
    label, *rest = given
    if verb == "set":
        return SetField(label=label, field=rest[0], value=value_of(key_named(rest[0]), rest[1:]))
    if verb == "complete":
        at = parse_when(rest[1], UTC) if rest else NOON
        if at is None:
            raise BadInput(f"{rest[1]} is no time")
        return Complete(label=label, at=at, insist=bool(rest))
    if verb == "tick":
        return Tick(label=label, n=int(rest[0]))
    if verb == "block":
        return Block(label=label, text=rest[0])
    if verb == "unblock":
        return Unblock(label=label, n=int(rest[0]) if rest else None)
    return Approve(label=label) if verb == "approve" else Reopen(label=label)


def _add(given: tuple[str, ...]) -> Operation:
    values: dict[str, Any] = add_command.make_context("add", list(given)).params
    values.update({key: split(values[key]) for key in ("depends_on", "touches")})
    known = {key: value for key, value in values.items() if key not in {"jsonl", "workspace", "as_json", "no_commit"}}
    return Add(task=Drafting(zone=UTC, now=NOON).task(known))


#: What is so already: the commands tell it, the operations change nothing.
_QUIET = frozenset(["completing: twice is once", "words: unblock what is not blocked"])


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_nothing_else_changes(case: EditCase) -> None:
    document = read(case.before)
    assert document.data == case.before
    wrong: AutobuildsError | None = None
    for command in case.commands:
        try:
            document = apply(document, [operation(*command)], read, UTC)
        except AutobuildsError as refused:
            wrong = refused
    assert (wrong is None) is (case.status == 0 or case.name in _QUIET), wrong
    assert case.wrong(document.data) == ""
    tasks = [task_json(task) for task in document.queue.tasks]
    assert [(label, path, said(tasks, label, path)) for label, path, _ in case.claims] == case.claims


@pytest.mark.parametrize("case", [case for case in cases() if not case.status], ids=lambda case: case.name)
def test_again_it_is_so_already(case: EditCase) -> None:
    if any(command[0] in {"add", "block", "reopen"} for command in case.commands):
        return
    document = read(case.before)
    for command in case.commands:
        document = apply(document, [operation(*command)], read, UTC)
    last = operation(*case.commands[-1])
    if isinstance(last, Unblock):
        return
    assert apply(document, [last], read, UTC).data == document.data


def test_line_ends_change_nothing_that_is_said() -> None:
    texts = [case.before.decode("utf-8-sig").replace("\r\n", "\n") for case in cases()]
    for text in texts:
        assert "\r" in text or read(text.replace("\n", "\r\n").encode()).queue == read(text.encode()).queue


@pytest.mark.parametrize(
    "command",
    [
        ("add", "New one", "--desc", "x"),
        ("set", "task-50", "notes", "y"),
        ("set", "task-50", "priority", "low"),
        ("tick", "task-50", "1"),
        ("approve", "task-50"),
        ("complete", "task-50"),
        ("reopen", "old-30"),
        ("block", "task-50", "z"),
    ],
    ids=lambda command: f"{command[0]} {command[2]}" if command[0] == "set" else command[0],
)
def test_a_large_file_is_edited_alike_with_either_line_end(command: tuple[str, ...]) -> None:
    tasks = "".join(f"- [ ] Task {n} - Added: 2026-02-06 15:00 - Priority: High\n" for n in range(100))
    details = "".join(f"\n### Task {n}\n- **Description:** Do {n}.\n- **Completion Criteria:**\n  - [ ] Works\n" for n in range(100))
    done = "".join(f"- [x] Old {n} - Completed: 2026-02-05 12:30\n" for n in range(60))
    text = f"## Active Queue\n{tasks}\n## Task Details\n{details}\n## Completed\n{done}"
    after = apply(read(text.encode()), [operation(*command)], read, UTC)
    assert after.text != text
    crlf = apply(read(text.replace("\n", "\r\n").encode()), [operation(*command)], read, UTC)
    assert crlf.text == after.text.replace("\n", "\r\n")
