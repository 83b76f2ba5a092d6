"""What the lines of an older text say that was saved over a newer one: the marks that it lacks, and the tasks that they name."""

from __future__ import annotations

from datetime import tzinfo

from autobuilds.domain.labels import known_as
from autobuilds.domain.model import Queue, Task
from autobuilds.domain.patterns import pattern
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.queue.taskline import read_line

_BOX = pattern(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[.\][ \t]+(.*)")


def marks_lost(base: bytes, ours: bytes, theirs: bytes, zone: tzinfo) -> bool:
    """Whether `ours` completed a task or ticked a criterion that is as open in `theirs` as it was in `base`."""
    was, here, there = (read_queue(data, zone=zone).queue for data in (base, ours, theirs))
    if was.fatal or here.fatal or there.fatal:
        return False
    found = [_known(queue) for queue in (was, here, there)]
    shared = found[0].keys() & found[1].keys() & found[2].keys()
    return any(_lost(*(tasks[name] for tasks in found)) for name in shared)


def task_named(line: bytes) -> str | None:
    """Return the name of the task that a line with a box stands for; None for any other line."""
    found = _BOX.fullmatch(line.decode("utf-8", "replace"))
    return read_line(found[1]).name_text.strip() or None if found else None


def _known(queue: Queue) -> dict[str, Task]:
    """Return the tasks by what they are known by: of several the first active one, else the first completed one."""
    return {known_as(task): task for task in (*reversed(queue.completed), *reversed(queue.active))}


def _lost(before: Task, after: Task, now: Task) -> bool:
    if _done(after) and not _done(before) and not _done(now):
        return True
    ticked = _ticked(after) - _ticked(before) - _ticked(now)
    return any(criterion.text in ticked for criterion in now.criteria)


def _done(task: Task) -> bool:
    return task.checked or not task.is_active


def _ticked(task: Task) -> set[str]:
    return {criterion.text for criterion in task.criteria if criterion.checked}
