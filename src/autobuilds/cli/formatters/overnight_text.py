"""The overnight session as text for a terminal, and what was taken back as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autobuilds.cli.formatters.columns import wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.moment import as_json
from autobuilds.domain.times import format_minutes, format_when
from autobuilds.runtime.night_view import COMPLETED, FAILED, IN_PROGRESS, Attempted, NightView, of_kind
from autobuilds.runtime.view_values import count

if TYPE_CHECKING:
    from autobuilds.runtime.night import Overnight, Started
    from autobuilds.runtime.night_undo import Undoing


def started(begun: Started, style: Style) -> str:
    """Return what to say of a session that began."""
    night, kept, beat = begun.night, begun.snapshot, begun.beat
    lines = wrap(f"overnight session {night.id} is on until {format_when(night.ends)}", style.width)
    if kept.tag is not None:
        rest = f"; {count(kept.files, 'file')} of the evening in {kept.archive}" if kept.archive else ""
        lines += wrap(f"the evening's commit {(kept.commit or '')[:12]} is tagged {kept.tag}{rest}", style.width, first="  ")
    lines += [line for path in kept.left_out for line in wrap(f"left out of the archive: {path}", style.width, first="  ")]
    for phase in night.phases if beat is None else _phases(begun):
        lines += wrap(f"{phase.name}: {phase.state}: {phase.note}", style.width, first="  ")
    if beat is None:
        lines += wrap("another heartbeat is at work; it, or the next one, goes on with the session", style.width, first="  ")
    else:
        starts = [t["label"] for t in beat.transitions if t["event"] == "start"]
        held = [t["reason"] for t in beat.transitions if t["event"] == "night-throttled"]
        said = f"started: {', '.join(starts)}" if starts else "nothing could start now; autobuilds why says what holds each task"
        lines += [line for row in (*held, said) for line in wrap(row, style.width, first="  ")]
    lines += wrap(f"`autobuilds overnight undo {night.id}` takes the whole night back", style.width, first="  ")
    return "\n".join(lines) + "\n"


def _phases(begun: Started) -> Sequence[Any]:
    assert begun.beat is not None, "asked for after its first heartbeat"
    day = begun.beat.loaded.snapshot.ledger.day
    return day.night.phases if day is not None and day.night is not None else ()


def report(view: NightView, style: Style) -> str:
    """Return the report of a night, its first line one sentence that hides nothing."""
    end = view.ended or view.ends
    figures = [
        f"{format_when(view.started)} to {format_when(end)}{' (still on)' if view.on else ''}, {format_minutes(view.minutes)}",
        f"{view.spawned} spawned" + (f", {view.carried} begun before" if view.carried else ""),
        f"{view.completed} completed ({view.verified} verified, {view.claimed} by claim only)",
        f"{view.failed} failed, {view.in_progress} in progress",
        f"{count(view.problems_found, 'problem')} found, {view.problems_fixed} fixed",
        _throttled(view),
        f"{_span(view.shipped_minutes, view.shipped_seconds)} of work shipped",
    ]
    blocks = [
        [style.bold(line) for line in wrap(f"Night {view.id}: {view.headline}", style.width)],
        [line for row in figures for line in wrap(row, style.width, first="  ")],
        _block("Completed", [_done(row) for row in of_kind(view, COMPLETED)], style),
        _block("Failed", [_failed(row) for row in of_kind(view, FAILED)], style),
        _block(
            "In progress",
            [f"{r.label}: attempt {r.number}, {_span(r.minutes, r.seconds)} so far" for r in of_kind(view, IN_PROGRESS)],
            style,
        ),
        _block("Phases", [f"{p.name}: {p.state}" + (f": {p.note}" if p.note else "") for p in view.phases], style),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _throttled(view: NightView) -> str:
    if view.throttled_since is not None:
        return f"throttled since {format_when(view.throttled_since)}, {format_minutes(view.throttled_minutes)} in all: nothing new starts"
    return f"throttled for {format_minutes(view.throttled_minutes)}" if view.throttled_minutes else "never throttled"


def _block(title: str, rows: Sequence[str], style: Style) -> list[str]:
    if not rows:
        return []
    return [style.bold(title), *(line for row in rows for line in wrap(row, style.width, first="  ", rest="    "))]


def _done(row: Attempted) -> str:
    checks = f", {row.checks_passed} of {row.checks_total} checks passed" if row.checks_total else ""
    where = f"; merged into {row.delivered_to}" if row.delivered_to else f"; branch {row.branch}" if row.branch else ""
    where = "; taken back" if row.taken_back else where
    return f"{row.label}: {row.proof}{checks}, {_span(row.minutes, row.seconds)}{where}"


def _span(minutes: int, seconds: int) -> str:
    """Return a time in minutes, below one in seconds."""
    return format_minutes(minutes) if minutes else f"{seconds} s"


def _failed(row: Attempted) -> str:
    return f"{row.label}, attempt {row.number} after {_span(row.minutes, row.seconds)}: {row.outcome}: {row.reason or 'no reason recorded'}"


def status(view: NightView | None, style: Style) -> str:
    """Return how the session stands."""
    if view is None:
        return "there was no overnight session yet; `autobuilds overnight start` begins one\n"
    if view.on:
        return "\n".join(wrap(f"the overnight session is on until {format_when(view.ends)}", style.width)) + "\n" + report(view, style)
    return "no overnight session is on; the last one:\n" + report(view, style)


def is_overnight(found: Overnight) -> str:
    """Return whether it is overnight, and why, in one line."""
    if found.session is not None and found.until is not None:
        return f"yes: the overnight session {found.session} is on until {format_when(found.until)}"
    if found.overnight:
        return f"yes: it is {found.now:%H:%M}, within {found.hours}; no session is on (autobuilds overnight start)"
    return f"no: it is {found.now:%H:%M}, outside of {found.hours}, and no session is on"


def undoing(planned: Undoing, style: Style) -> str:
    """Return what taking a night back would do."""
    night = planned.night
    title = f"the night {night.id} ({format_when(night.started)} to {format_when(night.ended or night.ends)}) would be taken back:"
    rows = [f"revert {m.commit[:12]} of {m.label} in {m.branch}" for m in planned.merges]
    rows += [f"stop {label}, which still runs" for label in planned.running]
    merged = {m.label for m in planned.merges}
    rows += [f"{label} counts as not built, and waits for your word" for label in planned.held if label not in merged]
    refused = [f"as things stand it would be refused: {planned.obstacle}"] if planned.obstacle is not None else []
    return _undo_text(title, [*(rows or ["nothing of it is left to be taken back"]), *refused], planned, style)


def undone(done: Undoing, style: Style) -> str:
    """Return what was done to take a night back."""
    rows = [f"{m.label}: taken out of {m.branch}" for m in done.merges]
    merged = {m.label for m in done.merges}
    rows += [
        f"{label}: not built any more" + ("; it was stopped" if label in done.running else "") for label in done.held if label not in merged
    ]
    if done.held:
        rows.append("their tasks stand in Active Queue and wait for you: autobuilds retry LABEL builds one again")
    rows += [f"put back: {one}" for one in done.restored]
    rows += [f"not done: {fault}" for fault in done.faults]
    return _undo_text(f"the night {done.night.id} was taken back", rows, done, style)


def _undo_text(title: str, rows: Sequence[str], found: Undoing, style: Style) -> str:
    rows = [*rows, *(f"{label} stays: {why}" for label, why in found.kept)]
    if found.gone:
        shown = ", ".join(found.gone[:5]) + (f" and {len(found.gone) - 5} more" if len(found.gone) > 5 else "")
        rows = [*rows, f"gone since the evening, and in no commit: {shown}; `tar -xzf {found.night.archive} PATH` brings one back"]
    return (
        "\n".join([*wrap(title, style.width), *(line for row in rows for line in wrap(row, style.width, first="  ", rest="    "))]) + "\n"
    )


def undo_json(found: Undoing, *, dry_run: bool) -> dict[str, Any]:
    """Return what was, or would be, taken back as one JSON object (docs/reference/json.md)."""
    plain: dict[str, Any] = as_json(found)
    night = plain.pop("night")
    plain["kept"] = [{"label": label, "reason": why} for label, why in found.kept]
    return {"schema": 1, "kind": "overnight-undo", "session": night["id"], "dry_run": dry_run, "undone": night["undone"], **plain}
