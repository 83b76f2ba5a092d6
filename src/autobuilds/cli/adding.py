"""Answering to what was written into the queue: what stands there now, and what happens next."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from autobuilds.cli.formatters import json_
from autobuilds.cli.formatters.columns import clock, way
from autobuilds.cli.session import say, say_json, tell
from autobuilds.domain.inert import terminal
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.verdicts import Assessment, GateResult
from autobuilds.errors import AutobuildsError
from autobuilds.runtime.context import Context
from autobuilds.runtime.queueing import Written

if TYPE_CHECKING:
    from autobuilds.runtime.outlook import Outlook


#: Seconds after which a person at a terminal is told what takes so long.
_LONG = 2.0


@contextmanager
def told_when_long(doing: str, seconds: float = _LONG) -> Iterator[None]:
    """Tell on stderr what is being done where it takes longer than some seconds and a person sits at the terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from threading import Timer

    timer = Timer(seconds, tell, [f"{doing} ..."])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def remarks(said: Iterable[str], written: Written) -> None:
    """Tell on stderr what was not taken over, and what is not quite right with the tasks that were written."""
    for remark in said:
        tell(f"note: {terminal(remark)}")
    for task in written.tasks:
        for problem in task.problems:
            tell(f"warning: {terminal(str(problem))}")


def later(trouble: str) -> str:
    """Return the message about a commit that could not be made now."""
    return f"warning: written, but not committed yet: {trouble}"


def answer_many(written: Written, *, as_json: bool) -> None:
    """Print the tasks that were added."""
    if written.trouble:
        tell(later(written.trouble))
    if as_json:
        say_json({**json_.envelope("add"), "tasks": [json_.task_json(task) for task in written.tasks]})
        return
    for task in written.tasks:
        say(_added(task))
    say("autobuilds why says what happens to them next")


def answer_one(context: Context, written: Written, *, as_json: bool) -> None:
    """Print the task that was added with what happens to it next: the first gate that does not say go."""
    task = written.task
    found = _outlook(context, task)
    if found is not None:
        tell_hints(context, task, found.loaded.snapshot)
    if as_json:
        step = None if found is None else {"verdict": found.assessment.verdict.value, **_gate(_first(found.assessment))}
        say_json({**json_.show_json(task, "add"), "next": step})
        return
    say(_added(task))
    if found is not None:
        say(_next(found.assessment, context.now(found.loaded.zone)))


def tell_hints(context: Context, task: Task, snapshot: Snapshot, field: str | None = None) -> None:
    """Tell on stderr of each name of a task that nothing knows, or of that of one field."""
    if (task.category, task.agent, task.window, task.repository) == (None, None, None, None):
        return
    from autobuilds.cli.hints import hints

    for hint in hints(context, task, snapshot, field):
        tell(f"note: {hint}")


def _outlook(context: Context, task: Task) -> Outlook | None:
    """Return the outlook of an open task; where it can't be said, the task is added all the same."""
    from autobuilds.runtime.outlook import outlook

    if not task.is_active:
        return None
    try:
        return outlook(context, task.label)
    except AutobuildsError as fault:
        tell(f"warning: {task.label} is added, but what happens next can't be said: {fault}")
        return None


def _added(task: Task) -> str:
    where = "Completed" if not task.is_active else f"{task.priority.value} priority"
    return terminal(f"{task.label} added ({where}, BUILD_QUEUE.md:{task.line}): {task.name}")


def _first(found: Assessment) -> GateResult | None:
    return found.obstacles[0] if found.obstacles else None


def _gate(gate: GateResult | None) -> dict[str, object]:
    if gate is None:
        return {"gate": None, "reason": None, "until": None, "fix": None}
    return {"gate": gate.gate, "reason": gate.reason, "until": gate.until and gate.until.isoformat(timespec="seconds"), "fix": gate.fix}


def _next(found: Assessment, now: datetime) -> str:
    first = _first(found)
    if first is None:
        return "next: it starts at the next heartbeat with a free slot (autobuilds heartbeat)"
    until = f"; opens {clock(first.until, now)}" if first.until is not None else ""
    others = len(found.obstacles) - 1
    more = f" (and {others} more: autobuilds why {found.label})" if others else ""
    fix = f"\n  {way(first.fix)}{terminal(first.fix)}" if first.fix else ""
    return f"next: {first.verdict.value}: {first.gate}: {terminal(first.reason)}{until}{more}{fix}"
