"""`next`: a line a task, and below it what starts it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from autobuilds.cli.formatters.columns import cells, cut, pad
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.formatters.why_text import why
from autobuilds.domain.inert import terminal
from autobuilds.domain.lengths import Basis
from autobuilds.domain.times import format_estimate, format_minutes
from autobuilds.domain.verdicts import Verdict
from autobuilds.planning.ready import Candidate, Ready


def next_tasks(found: Ready, now: datetime, style: Style) -> str:
    """Return what could be started now, or that nothing could, with what holds the first tasks and what opens that."""
    if not found.candidates:
        return _nothing(found) + (why(found.held, now, style, all_gates=False) if found.held else "")
    going = [c for c in found.candidates if c.verdict is Verdict.GO]
    asking = found.candidates[len(going) :]
    columns = _Columns(found.candidates, style)
    lines: list[str] = []
    for number, candidate in enumerate(going):
        lines.append(columns.line(candidate))
        if number == 0:
            beat = "" if found.minutes is not None else "  # so does the next heartbeat"
            lines.append(f"  > autobuilds spawn {terminal(candidate.task.label)}{beat}")
    if asking:
        lines += [
            *([""] if going else []),
            style.bold(f"{'These wait' if going else 'Nothing that fits is ready; these wait'} only for a word of yours:"),
        ]
    for candidate in asking:
        lines += [columns.line(candidate), *(f"  > {terminal(command)}" for command in candidate.needs)]
    return "\n".join(lines) + "\n"


class _Columns:
    """The lines of some tasks, one below the other."""

    def __init__(self, candidates: Sequence[Candidate], style: Style) -> None:
        self._style = style
        self._label = min(max(cells(c.task.label) for c in candidates), style.width // 2 - 8)
        self._estimate = max(cells(_length(c)) for c in candidates)
        self._agent = min(max(cells(c.agent or "") for c in candidates), style.width // 6)

    def line(self, candidate: Candidate) -> str:
        """Return label, estimate, agent and name of a task."""
        task = candidate.task
        label = pad(task.label, self._label)
        rest = f"  {pad(_length(candidate), self._estimate)}  {pad(candidate.agent or '', self._agent)}  "
        name = cut(task.name, max(self._style.width - cells(label) - cells(rest), 10))
        return (self._style.bold(label) + rest + name).rstrip()


def _length(candidate: Candidate) -> str:
    """Return the estimate, or what builds of its kind took where that is learned."""
    length = candidate.length
    if length is None or length.basis is not Basis.LEARNED:
        return format_estimate(candidate.task.estimate)
    return f"{format_minutes(round(length.span.total_seconds() / 60))} learned"


def _nothing(found: Ready) -> str:
    if not found.waiting:
        return "Nothing is ready: no task waits.\n"
    if found.minutes is None:
        return f"Nothing is ready: {_tasks(found.waiting)}.\n"
    span = format_minutes(found.minutes)
    if found.fitting:
        return f"Nothing that fits into {span} is ready: {_tasks(found.fitting)} that {'fits' if found.fitting == 1 else 'fit'}.\n"
    said = f"Nothing that waits fits into {span}: {_tasks(found.waiting)}"
    if not found.unsized:
        return f"{said}, and every estimate is longer.\n"
    first = terminal(found.unsized[0])
    return f'{said}, {len(found.unsized)} without an estimate.\n  > autobuilds set {first} estimated-time "1 hour"\n'


def _tasks(number: int) -> str:
    return "1 task waits" if number == 1 else f"{number} tasks wait"
