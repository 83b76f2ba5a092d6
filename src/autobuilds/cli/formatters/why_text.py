"""`why` and `plan`: a line a gate, the first line the one that matters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from autobuilds.cli.formatters.columns import ago, cells, clock, cut, pad, way, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.verdicts import Assessment, GateResult, Verdict
from autobuilds.records import dataclass
from autobuilds.runtime.became import Became

_GATE = 13
#: Cells of a reason from which on it is not said twice.
_LONG = 56


def why(assessments: Sequence[Assessment], now: datetime, style: Style, *, all_gates: bool = True) -> str:
    """Return for each task which gate holds it and what opens it, and with `all_gates` a line for every gate."""
    if not assessments:
        return "No task waits in the queue.\n"
    return "\n".join("\n".join(_one(a, now, style, all_gates)) + "\n" for a in assessments)


def became(over: Became, style: Style) -> str:
    """Return what became of a task that no gate holds."""
    label = cut(over.label, style.width // 2)
    lines = wrap(over.said, style.width, first=" " * (cells(label) + 2), rest="  ")
    return "\n".join([f"{style.bold(label)}  {lines[0].lstrip()}", *lines[1:], *wrap(over.fix, style.width, first="  > ")]) + "\n"


def _one(found: Assessment, now: datetime, style: Style, all_gates: bool) -> list[str]:
    held = found.obstacles
    label = cut(found.label, style.width // 2)
    if not held:
        summary = "go: every gate is open; it starts at the next heartbeat with a free slot"
    else:
        summary = f"{found.verdict.value}: gate {held[0].gate}: {held[0].reason}{_opening(found, now)}"
    lines = wrap(summary, style.width, first=" " * (cells(label) + 2), rest="  ")
    head = lines[0].lstrip().removeprefix(found.verdict.value)
    lines = [f"{style.bold(label)}  {style.verdict(found.verdict.value)}{head}", *lines[1:]]
    if held and held[0].fix:
        lines += wrap(held[0].fix, style.width, first=f"  {way(held[0].fix)}")
    if all_gates:
        for gate in (*held, *(g for g in found.gates if g.verdict is Verdict.GO)):
            lines += _gate(gate, now, style, told=gate is held[0] if held else False)
    return lines


def _opening(found: Assessment, now: datetime) -> str:
    until = found.obstacles[0].until
    if found.opens_at is not None:
        return f"; opens {clock(found.opens_at, now)}, {ago(found.opens_at, now)}"
    return f"; this gate opens {clock(until, now)}" if until is not None else ""


def _gate(gate: GateResult, now: datetime, style: Style, *, told: bool) -> list[str]:
    """Return the line of a gate; a long reason that was `told` above is not told again."""
    word = gate.verdict.value
    until = f" (until {clock(gate.until, now)})" if gate.until is not None else ""
    if told and cells(gate.reason) > _LONG:
        lead = f"  {pad(word, 5)}{pad(gate.gate, _GATE)} "
        return [f"{lead.replace(word, style.verdict(word), 1)}see above{until}"]
    lead = f"  {pad(word, 5)}{pad(gate.gate, _GATE)} "
    lines = wrap(f"{gate.reason}{until}", style.width, first=lead, rest=" " * cells(lead))
    return [lines[0].replace(word, style.verdict(word), 1), *lines[1:]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that is planned: from `at` until `until` (None: a moment), `what` in words."""

    at: datetime
    label: str
    what: str
    until: datetime | None = None


def timeline(entries: Sequence[TimelineEntry], now: datetime, style: Style) -> str:
    """Return what is planned, in the order of time, a line each."""
    if not entries:
        return "Nothing is planned: no task can start by itself in this time.\n"
    lines = []
    rows = sorted(entries, key=lambda e: (e.at.timestamp(), e.label))
    spans = [clock(e.at, now) + (f" to {clock(e.until, now)}" if e.until else "") for e in rows]
    widest = max(20, *map(cells, spans))
    for entry, span in zip(rows, spans, strict=True):
        lead = f"{pad(span, widest)} {cut(entry.label, style.width // 3)}  "
        lines += wrap(entry.what, style.width, first=lead, rest=" " * (widest + 1))
    return "\n".join(lines) + "\n"
