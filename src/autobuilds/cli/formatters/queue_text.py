"""`list`, `show`, `check` and the heartbeat's answer as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autobuilds.cli.formatters.columns import cells, cut, pad, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain import inert
from autobuilds.domain.model import Counts, Queue, Task
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.times import format_estimate, format_when
from autobuilds.runtime.view_values import NeedsYou, count


def task_list(queue: Queue, style: Style, *, completed: bool = False) -> str:
    """Return the tasks that wait (or the completed ones), one a line, in the order of the file."""
    tasks = queue.completed if completed else queue.active
    if queue.fatal:
        return problems(queue.problems, queue.counts, style)
    if not tasks:
        return "No completed task.\n" if completed else 'The queue is empty. Add a task: autobuilds add "What to build" --desc "..."\n'
    width = min(max(cells(t.label) for t in tasks), style.width // 2 - 4)
    return "".join(_task_line(t, width, style) + "\n" for t in tasks)


def _task_line(task: Task, width: int, style: Style) -> str:
    errors = [p for p in task.problems if p.severity is Severity.ERROR]
    when = task.completed if not task.is_active else task.added
    note = f"line {errors[0].line}: {errors[0].message}" if errors else task.name
    lead = f"{'x' if task.checked else '-'} {pad(task.label, width)}  {pad(task.priority.value, 6)}  "
    stamp = f"{format_when(when)}  " if when else " " * 18
    shown = cut(note, max(style.width - cells(lead) - cells(stamp), 10))
    return (lead + stamp + (style.bad(shown) if errors else shown)).rstrip()


def show(task: Task, style: Style) -> str:
    """Return everything that the queue says of one task."""
    rows: list[tuple[str, str | None]] = [
        ("label", task.label),
        ("section", f"{task.section.value}, {'ticked' if task.checked else 'open'}, line {task.line}"),
        ("priority", task.priority.value),
        ("added", format_when(task.added) if task.added else None),
        ("completed", format_when(task.completed) if task.completed else None),
        ("estimate", format_estimate(task.estimate) if task.estimate or task.estimate_text else None),
        ("category", task.category),
        ("tech stack", task.tech_stack),
        ("depends on", ", ".join(task.depends_on) or None),
        ("blockers", "; ".join(task.blockers) or None),
        ("touches", ", ".join(task.touches) or None),
        ("not before", format_when(task.not_before) if task.not_before else None),
        ("window", task.window),
        ("approved", f"yes, line {task.approved_line}" if task.approved else None),
        ("repository", task.repository),
        ("base", task.base),
        ("agent", task.agent),
        ("role", task.role),
        ("source", task.source),
        ("deliverables", ", ".join(task.deliverables) or None),
        ("notes", task.notes),
    ]
    lines = [style.bold(line) for line in wrap(task.name, style.width)]
    for key, value in rows:
        if value:
            lines += wrap(value, style.width, first=f"  {key:<13}")
    if task.description:
        lines += ["", *(wrapped for row in inert.clean(task.description).split("\n") for wrapped in wrap(row, style.width))]
    if task.criteria:
        lines += ["", style.bold("Completion criteria")]
        for number, criterion in enumerate(task.criteria, 1):
            how = "" if criterion.commands else "  (no command: can only be claimed)"
            lines += wrap(criterion.text + how, style.width, first=f"  {number}. [{'x' if criterion.checked else ' '}] ")
    if task.steps:
        lines += ["", style.bold("Steps"), *(f"  {row}" for row in inert.terminal_block(task.steps))]
    if task.problems:
        lines += ["", *_problem_lines(task.problems, style)]
    return "\n".join(lines) + "\n"


def problems(found: Sequence[Problem], counts: Counts, style: Style) -> str:
    """Return each problem as `FILE:LINE:COLUMN: message`, and the sums that account for every item of the file."""
    lines = _problem_lines(found, style)
    errors = sum(p.severity is Severity.ERROR for p in found)
    verdict = f"{count(errors, 'error')}, {count(len(found) - errors, 'warning')}" if found else "no problem"
    sums = f"{count(counts.items, 'item')} = {count(counts.tasks, 'task')} + {count(counts.parts, 'part')} + {count(counts.notes, 'note')}"
    return "\n".join([*lines, f"{sums} + {counts.problems} not readable; {verdict}"]) + "\n"


def _problem_lines(found: Iterable[Problem], style: Style) -> list[str]:
    paint = {Severity.ERROR: style.bad, Severity.WARNING: style.warn}
    return [
        f"{inert.terminal(f'{p.file}:{p.line}:{p.column}')}: {paint[p.severity](p.severity.value)}: {inert.terminal(p.message)}"
        for p in found
    ]


def heartbeat(transitions: Sequence[Mapping[str, Any]], needs_you: Sequence[NeedsYou], style: Style, faults: Sequence[str] = ()) -> str:
    """Return what a heartbeat did, and as its last lines what needs the owner, or `HEARTBEAT_OK`."""
    lines = [
        inert.terminal(f"{t.get('label') or 'workspace'}: {t.get('event')}" + (f": {t['reason']}" if t.get("reason") else ""))
        for t in transitions
    ]
    lines += [inert.terminal(f"warning: {fault}") for fault in faults]
    for item in needs_you:
        lead = f"{item.label}: " if item.label else ""
        lines.append(style.bad("NEEDS YOU") + " " + inert.terminal(f"{lead}{item.reason} -> {item.command}"))
    if not needs_you and not faults:
        lines.append("HEARTBEAT_OK")
    return "\n".join(lines) + "\n"
