"""The report of a day as plain text for a terminal; the page in `build-reports/` says more."""

from __future__ import annotations

from collections.abc import Sequence

from autobuilds.cli.formatters.columns import wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.runtime.agent_use import AgentUse
from autobuilds.runtime.report_view import ReportView
from autobuilds.runtime.view_values import DoneRow, count


def report(view: ReportView, style: Style) -> str:
    """Return the report, its first line one sentence that hides nothing."""
    blocks = [
        [style.bold(line) for line in wrap(f"{view.day}: {view.headline}", style.width)],
        _rows("Needs you", [f"{n.label or n.kind}: {n.reason} -> {n.command}" for n in view.needs_you], style),
        _rows("Completed and verified", _done(view.verified), style),
        _rows("Completed by claim only", _done(view.claimed), style),
        _rows("Failures and retries", [f"{f.label}, attempt {f.number}: {f.outcome}: {f.reason}; {f.then}" for f in view.failures], style),
        _rows("Sent back by you", [f"{f.label}, attempt {f.number}: {f.reason}; {f.then}" for f in view.rejected], style),
        _rows("Remarks", [f"{label}: {note}" for label, note in view.notes], style),
        _rows(
            "Still building", [f"{b.label}: {'?' if b.percent is None else b.percent} %, attempt {b.attempt}" for b in view.active], style
        ),
        _rows("Queue", [f"{q.label}: {q.verdict.value}: {q.reason}" for q in view.queue], style),
        _rows(
            "Cost and resources",
            [f"{r.what}: {'not reported' if r.value is None else f'{r.value:g} {r.unit}'}" for r in view.resources],
            style,
        ),
        _rows("Agents", [_use(u) for u in view.agents], style),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _use(use: AgentUse) -> str:
    """Return what an agent used in one line."""
    parts = [f"{use.agent}: {count(use.attempts, 'attempt')}, {use.passed} passed, {use.minutes} min"]
    if use.tokens_in is not None or use.tokens_out is not None:
        parts.append(f"{use.tokens_in or 0:,} tokens in, {use.tokens_out or 0:,} out")
    if use.cost_usd is not None:
        parts.append(f"{use.cost_usd:.2f} USD")
    if use.limited_minutes:
        parts.append(f"{use.limited_minutes} min at its usage limit")
    return ", ".join(parts)


def _rows(title: str, rows: Sequence[str], style: Style) -> list[str]:
    if not rows:
        return []
    return [style.bold(title), *(line for row in rows for line in wrap(row, style.width, first="  ", rest="    "))]


def _done(rows: Sequence[DoneRow]) -> list[str]:
    return [f"{r.label}: {r.evidence}" + (f", {r.checks_passed} of {r.checks_total} checks passed" if r.checks_total else "") for r in rows]
