"""From the files and the moment to the status view: pure, and without a figure that changes while nothing happens."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from autobuilds.domain.build import Attempt, Build, BuildState, Evidence, Outcome
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.night import limits, running
from autobuilds.domain.progress import Progress
from autobuilds.domain.sandbox import Choice
from autobuilds.domain.situation import Shared
from autobuilds.domain.times import after, format_when
from autobuilds.domain.verdicts import Assessment, GateResult, Verdict, ways
from autobuilds.records import replace
from autobuilds.runtime.agents_view import agent_rows, sandbox_ahead
from autobuilds.runtime.needs_view import cost_of, done_row, needs_you, settled, tokens_of
from autobuilds.runtime.view_values import (
    BuildingRow,
    DoneRow,
    FailedRow,
    Health,
    QueueRow,
    StatusView,
    headline,
)

#: Gates that open and close by the clock or the machine's load alone; what else holds a task is named before them.
PASSING = frozenset({"priority", "window", "resources", "budget"})
#: Finished builds and errors shown; the rest is in the queue, the reports and the history.
RECENT, ERRORS = 10, 5
#: So many waiting tasks, in the order of starting, are looked at as a whole; of a later one that waits for something else anyway,
#: what the rules say of its text is found when its turn comes, or when somebody asks.
AHEAD = 20
#: What stands for a tier where the one that is set or demanded does not work.
NO_TIER = "none that will do"


def status_view(snapshot: Snapshot, moment: Moment, assessments: Sequence[Assessment], progress: Mapping[str, Progress]) -> StatusView:
    """Return what is going on; `assessments` are of the active tasks, `progress` holds the logs of running builds by label."""
    assessments = [*assessments[:AHEAD], *(a.sketch for a in assessments[AHEAD:])]
    builds = newest(snapshot)
    building = tuple(building_row(snapshot, moment, b, progress.get(b.label)) for b in builds if b.is_active)
    review = tuple(done_row(b) for b in builds if b.state is BuildState.REVIEW)
    needs = needs_you(snapshot, assessments, builds, progress)
    told = {n.label for n in needs if n.kind in {"ask", "escalated"}}
    queue = tuple(replace(row, told=row.label in told) for row in queue_rows(snapshot, assessments))
    pressed = any(a.verdict is Verdict.WAIT and any(g.gate == "resources" for g in a.obstacles) for a in assessments)
    health = _health(snapshot, moment, builds, pressed=pressed)
    return StatusView(
        headline=headline(needs=needs, building=building, queue=queue, starts=health.starts),
        needs_you=needs,
        building=building,
        review=review,
        queue=queue,
        completed=_completed(snapshot, builds),
        failed=tuple(_failed(b, told) for b in builds if _has_failed(b)),
        health=health,
    )


def newest(snapshot: Snapshot) -> tuple[Build, ...]:
    """Return the newest build of each label in the order of the ledger."""
    newest = {b.label: b for b in snapshot.ledger.builds}
    return tuple(b for b in snapshot.ledger.builds if newest[b.label] is b)


def building_row(snapshot: Snapshot, moment: Moment, build: Build, progress: Progress | None) -> BuildingRow:
    """Return the row of a running build; its expected end comes from the task's estimate and the attempt's start alone."""
    attempt, task = build.last, snapshot.queue.find(build.label)
    started = attempt.started if attempt else build.created
    number = attempt.number if attempt else 1
    if progress is not None and progress.attempt not in {None, number}:
        progress = None
    run = moment.runs.get(attempt.id) if attempt else None
    percent = progress.percent if progress is not None and progress.percent is not None else (run.percent if run else None)
    used = run.usage if run is not None else None
    low = high = middle = None
    if task is not None and task.estimate is not None:
        low = after(started, timedelta(minutes=task.estimate.min_minutes))
        high = after(started, timedelta(minutes=task.estimate.max_minutes))
        middle = after(started, timedelta(minutes=(task.estimate.min_minutes + task.estimate.max_minutes) // 2))
    return BuildingRow(
        label=build.label,
        name=build.name,
        attempt=number,
        agent=attempt.agent if attempt else "",
        started=started,
        percent=percent,
        step=progress.current_step if progress else None,
        last=progress.log[-1] if progress and progress.log else None,
        ready=middle,
        ready_from=low,
        ready_to=high,
        stalled=build.stall_alerted,
        over=run.over if run is not None else None,
        sandbox=attempt.sandbox if attempt else "none",
        branch=attempt.branch if attempt else None,
        model=attempt.model if attempt else None,
        tokens=tokens_of(build),
        cost_usd=cost_of(build),
        live_tokens=None if used is None or used.tokens_in is used.tokens_out is None else (used.tokens_in or 0) + (used.tokens_out or 0),
        live_cost_usd=used.cost_usd if used is not None else None,
    )


def queue_rows(snapshot: Snapshot, assessments: Sequence[Assessment]) -> tuple[QueueRow, ...]:
    """Return the rows of the tasks that wait, in the order of the assessments; running ones are left out."""
    running = {b.label for b in snapshot.ledger.active}
    tasks = {t.label: t for t in reversed(snapshot.queue.active)}
    rows: list[QueueRow] = []
    for found in assessments:
        task = tasks.get(found.label)
        if task is None or found.label in running:
            continue
        verdict = found.verdict
        held = sorted(found.obstacles, key=lambda g: (g.verdict is not verdict, _passes(g)))
        first = held[0] if held else None
        rows.append(
            QueueRow(
                position=len(rows) + 1,
                label=task.label,
                name=task.name,
                priority=task.priority.value,
                verdict=verdict,
                gate=first.gate if first else None,
                reason=settled(first) if first else "starts at the next heartbeat",
                opens=found.opens_at,
                fix=first.fix if first else None,
                ways=ways(first.fix) if first else (),
                others=tuple(dict.fromkeys(g.gate for g in held[1:] if not _passes(g))),
            )
        )
    return tuple(rows)


def _passes(gate: GateResult) -> bool:
    """Whether a gate's answer changes by itself, so that naming it beside others would change the page while nothing happens."""
    return gate.verdict is Verdict.WAIT and gate.gate in PASSING


def _completed(snapshot: Snapshot, builds: Sequence[Build]) -> tuple[DoneRow, ...]:
    rows = [done_row(b) for b in builds if b.state is BuildState.COMPLETED]
    built = {b.label for b in builds}
    rows += [
        DoneRow(label=t.label, name=t.name, evidence=Evidence.CLAIMED.value, finished=t.completed)
        for t in snapshot.queue.completed
        if t.label not in built and t.completed is not None
    ]
    return tuple(sorted(rows, key=_when, reverse=True)[:RECENT])


def _when(row: DoneRow) -> float:
    return row.finished.timestamp() if row.finished else 0.0


def _has_failed(build: Build) -> bool:
    """Whether the last attempt failed; one that passed and was taken back, or that the owner rejected, did what it could."""
    outcome = build.last.outcome if build.last is not None else None
    if build.state is BuildState.ESCALATED:
        return outcome is not Outcome.PASSED
    return build.state is BuildState.RETRYING and outcome not in {Outcome.PASSED, Outcome.REJECTED}


def _failed(build: Build, told: Container[str | None]) -> FailedRow:
    last = build.last
    return FailedRow(
        label=build.label,
        name=build.name,
        state=build.state.value,
        outcome=last.outcome.value if last and last.outcome else None,
        reason=build.reason or (last.reason if last else None) or "no reason recorded",
        attempts=build.tries_used,
        ended=last.ended if last else None,
        retry_at=build.retry_at,
        log=last.log if last else None,
        failure=last.failure.value if last and last.failure else None,
        told=build.label in told,
    )


def _starts(snapshot: Snapshot, moment: Moment) -> str:
    pause = snapshot.ledger.pause
    if moment.stop_file:
        return "stopped by the file STOP"
    if pause is not None and (pause.until is None or pause.until > moment.now):
        return "paused" if pause.until is None else f"paused until {format_when(pause.until)}"
    if snapshot.queue.fatal:
        return "nothing starts until BUILD_QUEUE.md is mended"
    if not snapshot.may_start:
        return "nothing starts until the configuration is mended"
    return "running"


def _health(snapshot: Snapshot, moment: Moment, builds: Sequence[Build], *, pressed: bool) -> Health:
    """Return the system's state; memory and load come and go, so they count as over their limits only where they hold a task."""
    now, day = moment.resources, snapshot.ledger.day
    allowed = limits(snapshot.settings, day, moment.now)
    measured = (
        ("disk", now.disk_percent, allowed.disk),
        ("memory", now.memory_percent, allowed.memory),
        ("load", now.load_per_core, allowed.load),
    )
    attempts = sorted((a for b in builds for a in b.attempts), key=lambda a: a.started.astimezone(UTC))
    ahead = sandbox_ahead(snapshot, moment)
    sandbox = " and ".join(sorted({b.last.sandbox for b in builds if b.is_active and b.last}))
    return Health(
        starts=_starts(snapshot, moment),
        agents=agent_rows(snapshot.ledger, moment),
        sandbox=_tier(ahead) if ahead is not None else sandbox or (attempts[-1].sandbox if attempts else None),
        sandbox_weaker=ahead.words if ahead is not None else "",
        sandbox_fix=ahead.fix if ahead is not None else "",
        limits=tuple(
            (name, "not measured" if value is None else "over its limit" if value >= limit and (pressed or name == "disk") else "ok")
            for name, value, limit in measured
        ),
        slots_used=sum(b.is_active for b in builds),
        slots=Shared(snapshot, moment).slots[0],
        session=f"{night.id}, until {format_when(night.ends)}" if (night := running(day, moment.now)) is not None else "",
        errors=(*(str(p) for p in snapshot.problems), *_notes(builds), *_last_errors(builds))[:ERRORS],
    )


def _notes(builds: Sequence[Build]) -> list[str]:
    """Return what is odd about running builds, and about the work of those that wait for the owner."""
    told = [b for b in builds if b.state in {BuildState.BUILDING, BuildState.REVIEW, BuildState.ESCALATED}]
    return [f"{b.label}, attempt {b.last.number}: {note}" for b in told if b.last is not None for note in b.last.notes]


def _tier(choice: Choice) -> str:
    return choice.tier.value if choice.tier is not None else NO_TIER


def _last_errors(builds: Sequence[Build]) -> list[str]:
    """Return the last failures, one a build, the newest first."""
    failed: list[tuple[datetime, str]] = []
    for build in builds:
        bad = [a for a in build.attempts if a.ended is not None and a.outcome not in {Outcome.PASSED, Outcome.NOT_STARTED, Outcome.STOPPED}]
        if bad and build.state not in {BuildState.CANCELLED, BuildState.COMPLETED}:
            failed.append(_said(build, bad[-1]))
    return [words for _, words in sorted(failed, reverse=True)]


def _said(build: Build, attempt: Attempt) -> tuple[datetime, str]:
    ended = attempt.ended or attempt.started
    outcome = attempt.outcome.value if attempt.outcome else "unknown"
    return ended.astimezone(UTC), f"{format_when(ended)} {build.label}, attempt {attempt.number}: {attempt.reason or outcome}"
