"""Tasks whose names hold no letter or digit: their labels only say in which line they stand, and change with it."""

from __future__ import annotations

from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Task

_PREFIX = "task-at-line-"


def label_at(line: int) -> str:
    """Return the label of a task without a name in a line (from 1)."""
    return f"{_PREFIX}{line}"


def tells_line(label: str) -> bool:
    """Whether a label has the form of those that say a line; a task may have such a name, too."""
    return label.startswith(_PREFIX)


def is_nameless(task: Task) -> bool:
    """Whether a task goes by its line, as neither its name nor a Label of its own gives it a label."""
    if not task.label.startswith(_PREFIX) or slugify(task.name):
        return False
    line = task.label.removeprefix(_PREFIX)
    return line.isdecimal() and task.line <= int(line) <= task.end_line


def known_as(task: Task) -> str:
    """Return what a task is known by in every version of the file: its label, else its name as it stands, which is no label."""
    return f"{_PREFIX}{task.name}" if is_nameless(task) else task.label
