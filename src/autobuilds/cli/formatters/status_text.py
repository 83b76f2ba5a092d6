"""`status` on one screen of a terminal: what needs the owner first, and nothing that scrolls away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from autobuilds.cli.formatters.columns import ago, bar, cells, clock, cut, way, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.patterns import pattern
from autobuilds.runtime.status_view import NO_TIER
from autobuilds.runtime.view_values import AgentRow, BuildingRow, DoneRow, FailedRow, Health, NeedsYou, QueueRow, StatusView

Row = TypeVar("Row")

#: The time before an entry of a progress log, of the clock of whoever wrote it.
_STAMP = pattern(r"^\d{4}-\d\d-\d\d \d\d:\d\d ")
#: Rows shown of each section; what is left out is counted, with the command that shows it.
_SHOWN = {"needs": 6, "building": 4, "review": 4, "queue": 6, "failed": 3, "completed": 3}


def status(view: StatusView, now: datetime, style: Style) -> str:
    """Return the status as plain text, its first line one sentence that says what is going on."""
    above = frozenset(n.label for n in view.needs_you[: _SHOWN["needs"]] if n.kind in {"ask", "escalated"})
    blocks = [
        [style.bold(line) for line in wrap(view.headline, style.width)],
        _section("Needs you", view.needs_you, _SHOWN["needs"], "status --json", lambda r: _needs(r, style), style),
        _section("Building", view.building, _SHOWN["building"], "list", lambda r: _building(r, now, style), style),
        _section("Ready for review", view.review, _SHOWN["review"], "review", lambda r: _done(r, now, style), style),
        _section("Queue", view.queue, _SHOWN["queue"], "why", lambda r: _queue(r, now, above, style), style),
        _section("Failed", view.failed, _SHOWN["failed"], "report", lambda r: _failed(r, now, above, style), style),
        _section("Completed", view.completed, _SHOWN["completed"], "list", lambda r: _done(r, now, style), style),
        _health(view.health, now, style),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def part(view: StatusView, name: str, now: datetime, style: Style) -> str:
    """Return every row of one part of the status: `building`, `queue` or `completed`."""
    if name == "building":
        rows = [line for row in view.building for line in _building(row, now, style)]
        return "\n".join(rows) + "\n" if rows else "No build is running.\n"
    if name == "queue":
        rows = [line for row in view.queue for line in _queue(row, now, frozenset(), style)]
        return "\n".join(rows) + "\n" if rows else "No task waits.\n"
    rows = [line for row in view.completed for line in _done(row, now, style)]
    return "\n".join(rows) + "\n" if rows else "No build is completed yet.\n"


def _section(title: str, rows: Sequence[Row], shown: int, more: str, lines: Callable[[Row], list[str]], style: Style) -> list[str]:
    if not rows:
        return []
    found = [style.bold(title)]
    for row in rows[:shown]:
        found += lines(row)
    if len(rows) > shown:
        found.append(style.dim(f"  ... and {len(rows) - shown} more: autobuilds {more}"))
    return found


def _headed(label: str, text: str, style: Style, paint: Callable[[str], str]) -> list[str]:
    """Return `  label  text`, wrapped beside the label, at most two lines."""
    name = cut(label, style.width // 2)
    lines = _two(wrap(text, style.width, first=" " * (cells(name) + 4), rest="    "), style)
    return [f"  {paint(name)}  {lines[0].lstrip()}", *lines[1:]]


def _two(lines: list[str], style: Style) -> list[str]:
    """Return the first two lines, the second with an ellipsis where more was said."""
    if len(lines) <= 2:
        return lines
    second = lines[1]
    while cells(second) + 2 > style.width and " " in second.strip():
        second = second.rpartition(" ")[0]
    return [lines[0], f"{second} …"]


def _command(command: str, style: Style) -> list[str]:
    return [style.dim(line) for line in wrap(command, style.width, first=f"    {way(command)}")]


def _needs(row: NeedsYou, style: Style) -> list[str]:
    return [*_headed(row.label or row.kind, row.reason, style, style.bad), *_command(row.command, style)]


def _building(row: BuildingRow, now: datetime, style: Style) -> list[str]:
    percent = "percent unknown" if row.percent is None else f"{row.percent} % {bar(row.percent)}"
    lines = _headed(row.label, f"{percent} attempt {row.attempt} with {row.agent}, started {ago(row.started, now)}", style, style.good)
    if row.ready and row.ready_from and row.ready_to:
        late = ", over its estimate" if row.ready_to < now else ""
        sure = f" ({clock(row.ready_from, now)} to {clock(row.ready_to, now)})" if row.ready_from != row.ready_to else ""
        lines += wrap(f"ready about {clock(row.ready, now)}{sure}{late}", style.width, first="    ")
    if row.over:
        lines += wrap(row.over, style.width, first="    ")
    elif row.stalled:
        lines.append("    " + style.bad("no sign of life for too long"))
    used = [f"{row.live_tokens:,} tokens"] if row.live_tokens is not None else []
    used += [f"{row.live_cost_usd:.2f} USD"] if row.live_cost_usd is not None else []
    if used:
        lines.append(f"    used so far: {', '.join(used)}")
    step = row.step or (None if row.last is None else _STAMP.sub("", row.last))
    return [*lines, "    " + cut(f"now: {step}", style.width - 4)] if step else lines


def _done(row: DoneRow, now: datetime, style: Style) -> list[str]:
    checks = f", {row.checks_passed} of {row.checks_total} checks passed" if row.checks_total else ""
    files = "1 file" if row.files_changed == 1 else f"{row.files_changed} files"
    size = "" if row.files_changed is None else f", {files} +{row.lines_added or 0} -{row.lines_removed or 0}"
    when = f", {ago(row.finished, now)}" if row.finished else ""
    offered = f", pull request {row.pull_request}" if row.pull_request and not row.delivered else ""
    return _headed(row.label, f"{row.evidence}{checks}{size}{when}{offered}", style, style.good)


def _queue(row: QueueRow, now: datetime, above: frozenset[str | None], style: Style) -> list[str]:
    opens = f" (opens {clock(row.opens, now)})" if row.opens else ""
    verdict = row.verdict.value
    lead = f"  {row.position}. {cut(row.label, style.width // 2)}  "
    reason = f"{', '.join((row.gate or '', *row.others))} (see above)" if row.label in above else f"{row.reason}{opens}"
    lines = wrap(f"{verdict}: {reason}", style.width, first=" " * cells(lead), rest="     ")
    lines = _two(lines, style)
    head = lines[0].lstrip().removeprefix(verdict)
    return [lead + style.verdict(verdict) + head, *lines[1:]]


def _failed(row: FailedRow, now: datetime, above: frozenset[str | None], style: Style) -> list[str]:
    then = (
        "needs you"
        if row.state == "escalated"
        else f"next try {ago(row.retry_at, now)}"
        if row.retry_at and row.retry_at > now
        else "will be tried again"
    )
    reason = "see above" if row.label in above else row.reason
    return _headed(row.label, f"{row.outcome or 'failed'}: {reason}; {then}", style, style.bad)


def _agent(row: AgentRow, now: datetime) -> str:
    if row.held is None:
        return row.name if row.signed_in is not False else f"{row.name} (not signed in, as far as can be told)"
    return f"{row.name} (limited until {clock(row.limited_until, now)})" if row.limited_until else f"{row.name} (held: sign in)"


def _health(health: Health, now: datetime, style: Style) -> list[str]:
    found = [_agent(a, now) for a in health.agents if a.found]
    told = "nothing starts" if health.sandbox == NO_TIER else "weaker than it could be"
    weaker = f" ({told}: autobuilds agents)" if health.sandbox_weaker else ""
    parts = [
        f"agents: {', '.join(found) or ('none found' if health.agents else 'not looked for')}",
        f"sandbox: {health.sandbox or 'no build yet'}{weaker}",
        f"slots: {health.slots_used} of {health.slots}",
        *([f"overnight session {health.session}"] if health.session else []),
        *(f"{name} {word}" for name, word in health.limits if word != "ok"),
    ]
    lines = [style.dim(line) for line in wrap("; ".join(parts), style.width)]
    if health.starts != "running":
        lines.insert(0, style.bad(cut(f"starts: {health.starts}", style.width)))
    return lines
