"""The conformance list of docs/reference/queue-format.md: every number is a case file with an input and what is read from it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.model import Criterion, Estimate, Task
from autobuilds.store.queue.reader import read_queue

CASES = sorted((Path(__file__).parents[2] / "data" / "queue").glob("*.txt"))
FORMAT = Path(__file__).parents[3] / "docs" / "reference" / "queue-format.md"
_SIGNS = {"{nbsp}": "\u00a0", "{cr}": "\r", "{bom}": "\ufeff", "{nul}": "\0"}


def encode(text: str) -> bytes:
    """Return the bytes of a case's input, in which characters that editors hide are spelled out."""
    for sign, char in _SIGNS.items():
        text = text.replace(sign, char)
    return text.encode().replace(b"{latin}", b"\xe9")


def shown(data: bytes) -> str:
    """Return what is read, a line for each task, value and problem."""
    queue = read_queue(data, zone=ZoneInfo("America/Chicago")).queue
    rows = ["fatal"] if queue.fatal else []
    for task in queue.tasks:
        rows.append(
            f"{task.section} [{'x' if task.checked else ' '}] {task.label} = {task.name!r} {task.priority} {task.line}-{task.end_line}"
        )
        rows += [f"    {field.name}: {_value(getattr(task, field.name))}" for field in fields(Task)[5:] if _told(task, field.name)]
    rows += [
        f"{problem.line}:{problem.column} {problem.severity} {problem.kind} {problem.label}: {problem.message}"
        for problem in queue.problems
    ]
    counts = queue.counts
    rows.append(f"{counts.tasks} tasks + {counts.parts} parts + {counts.notes} notes + {counts.problems} problems = {counts.items}")
    return "\n".join(rows) + "\n"


def _told(task: Task, name: str) -> bool:
    return name not in {"problems", "line", "end_line"} and getattr(task, name) not in (None, (), "", False)


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return " | ".join(_value(part) for part in value)
    if isinstance(value, Criterion):
        commands = "".join(f" $ {command}" for command in value.commands)
        return f"[{'x' if value.checked else ' '}] {value.text!r}{commands}" + (f" + {value.details!r}" if value.details else "")
    if isinstance(value, Estimate):
        return f"{value.min_minutes}-{value.max_minutes} min"
    return repr(value) if isinstance(value, str) else str(value)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    _, source, expected = re.split(r"^=== (?:input|expected)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert shown(encode(source[:-1])) == expected


def test_every_number_of_the_list_is_a_case() -> None:
    listed = re.findall(r"^\d+\. .*$", FORMAT.read_text(encoding="utf-8").partition("## Conformance list")[2], flags=re.MULTILINE)
    assert listed == [path.read_text(encoding="utf-8").split("\n")[0] for path in CASES]
