"""What became of a task that waits for no gate any more: it runs, waits for the review, is completed or cancelled. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from autobuilds.domain.build import Build, BuildState
from autobuilds.domain.moment import RunStatus, Snapshot
from autobuilds.domain.times import format_when
from autobuilds.records import dataclass, replace
from autobuilds.runtime.needs_view import done_row
from autobuilds.runtime.view_values import DoneRow, count


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """Where a task stands that no gate holds, in words, and the command that shows or changes it."""

    label: str
    #: `building`, `review`, `completed`, or `by hand` for one that was never built.
    state: str
    said: str
    fix: str


def became(snapshot: Snapshot, label: str, runs: Mapping[str, RunStatus] | None = None) -> Became | None:
    """Return what became of a task, or None for one that waits or is not known; `runs` says how attempts stand right now."""
    build, task = snapshot.ledger.find(label), snapshot.queue.find(label)
    if build is not None and build.state is BuildState.BUILDING:
        return _running(build, runs or {})
    if build is not None and build.state is BuildState.REVIEW:
        said = f"finished {_when(done_row(build))}: {_proof(done_row(build))}; waits for your review"
        return Became(label=label, state="review", said=said, fix=f"autobuilds review {label}")
    if build is not None and build.state is BuildState.COMPLETED:
        return _completed(build)
    if task is not None and not task.is_active:
        when = f" on {format_when(task.completed)}" if task.completed else ""
        said = f"completed by hand{when}; nothing was built or checked"
        return Became(label=label, state="by hand", said=said, fix=f"autobuilds reopen {label}")
    return None


def _running(build: Build, runs: Mapping[str, RunStatus]) -> Became:
    last = build.last
    how = f": attempt {last.number} with {last.agent} since {format_when(last.started)}" if last else ""
    run = runs.get(last.id) if last else None
    if run is not None and run.over is not None:
        return Became(label=build.label, state="building", said=f"is being built{how}; {run.over}", fix="autobuilds heartbeat")
    return Became(label=build.label, state="building", said=f"is being built{how}", fix=f"autobuilds log -f {build.label}")


def _completed(build: Build) -> Became:
    row = done_row(build)
    said = f"completed {_when(row)}: {_proof(row)}"
    if build.delivered_commit is not None and build.delivered_branch is not None:
        said += f"; delivered to {build.delivered_branch} as {build.delivered_commit[:10]}"
        return Became(label=build.label, state="completed", said=said, fix=f"autobuilds undo {build.label}")
    return Became(label=build.label, state="completed", said=said, fix=f"autobuilds reopen {build.label}")


def _when(row: DoneRow) -> str:
    return format_when(row.finished) if row.finished else "at an unknown time"


def _proof(row: DoneRow) -> str:
    parts = [row.evidence]
    if row.checks_total:
        parts.append(f"{row.checks_passed} of {row.checks_total} checks passed")
    if row.files_changed is not None:
        parts.append(f"{count(row.files_changed, 'file')} +{row.lines_added or 0} -{row.lines_removed or 0}")
    return ", ".join(parts)


def with_build(snapshot: Snapshot, build: Build) -> Snapshot:
    """Return a snapshot whose ledger has one build more, from an archive: the newest of its label."""
    return replace(snapshot, ledger=replace(snapshot.ledger, builds=(*snapshot.ledger.builds, build)))
