"""The report of one day: what was finished, what failed, what it cost. Pure, and honest on a bad night."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from autobuilds.domain.build import Attempt, Build, BuildState, Evidence, Outcome
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.progress import Progress
from autobuilds.domain.times import at_clock, elapsed
from autobuilds.domain.verdicts import Assessment
from autobuilds.records import dataclass
from autobuilds.runtime.agent_use import AgentUse, uses
from autobuilds.runtime.needs_view import done_row, needs_you
from autobuilds.runtime.status_view import building_row, newest, queue_rows
from autobuilds.runtime.view_values import BuildingRow, DoneRow, NeedsYou, QueueRow, count

#: Tokens from which on a sum is shown in thousands.
_LARGE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """An attempt that ended on the day without passing; `then` says what followed."""

    label: str
    name: str
    number: int
    agent: str
    outcome: str
    reason: str
    started: datetime
    ended: datetime
    minutes: int
    then: str
    log: str | None = None
    #: Why the agent failed, by its own output: a class of failure.
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What the attempts that ended on the day used; `measured` says how many of them told."""

    what: str
    value: float | None
    unit: str
    measured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """One day in the workspace's zone, from midnight to midnight."""

    day: date
    zone: str
    headline: str
    #: Finished on the day with every command checked.
    verified: tuple[DoneRow, ...]
    #: Finished on the day by the word of the agent or the owner.
    claimed: tuple[DoneRow, ...]
    active: tuple[BuildingRow, ...]
    queue: tuple[QueueRow, ...]
    needs_you: tuple[NeedsYou, ...]
    failures: tuple[AttemptRow, ...]
    #: Attempts that ended on the day.
    attempts: int
    resources: tuple[Resource, ...]
    #: (what, figure) in the order shown.
    figures: tuple[tuple[str, int], ...]
    #: (label, branch, log) of every attempt that ended on the day; None where there is none.
    links: tuple[tuple[str, str | None, str | None], ...]
    #: (label, what could not be taken of its work or looks odd) of every attempt that ended on the day.
    notes: tuple[tuple[str, str], ...] = ()
    #: What each agent used, of the attempts that ended on the day.
    agents: tuple[AgentUse, ...] = ()
    #: Attempts that ended on the day whose work the owner sent back.
    rejected: tuple[AttemptRow, ...] = ()


def report_view(
    snapshot: Snapshot,
    day: date,
    zone: tzinfo,
    *,
    moment: Moment,
    assessments: Sequence[Assessment] = (),
    progress: Mapping[str, Progress] | None = None,
) -> ReportView:
    """Return the report of `day`; running builds, queue and what needs the owner are as of the snapshot."""
    start, end = at_clock(day, time(), zone), at_clock(day + timedelta(days=1), time(), zone)

    def within(when: datetime | None) -> bool:
        return when is not None and start.astimezone(UTC) <= when.astimezone(UTC) < end.astimezone(UTC)

    logs = progress or {}
    builds = snapshot.ledger.builds
    done = _finished(snapshot, within)
    verified = tuple(row for row in done if row.evidence != Evidence.CLAIMED.value)
    claimed = tuple(row for row in done if row.evidence == Evidence.CLAIMED.value)
    ended = [(b, a) for b in builds for a in b.attempts if within(a.ended) and a.outcome is not Outcome.NOT_STARTED]
    failures = tuple(_failure(b, a) for b, a in ended if a.outcome not in {Outcome.PASSED, Outcome.REJECTED})
    rejected = tuple(_failure(b, a) for b, a in ended if a.outcome is Outcome.REJECTED)
    passed = frozenset(a.id for _, a in ended if a.outcome is Outcome.PASSED)
    started = sum(within(a.started) for b in builds for a in b.attempts)
    figures = (
        ("attempts started", started),
        ("attempts ended", len(ended)),
        ("attempts that passed", len(passed)),
        ("attempts that did not pass", len(failures)),
        ("attempts that you sent back", len(rejected)),
        ("builds finished and verified", len(verified)),
        ("builds finished by claim only", len(claimed)),
        ("lines added", sum(row.lines_added or 0 for row in done)),
        ("lines removed", sum(row.lines_removed or 0 for row in done)),
    )
    return ReportView(
        day=day,
        zone=str(zone),
        headline=_headline(verified, claimed, failures, started),
        verified=verified,
        claimed=claimed,
        active=tuple(building_row(snapshot, moment, b, logs.get(b.label)) for b in newest(snapshot) if b.is_active),
        queue=queue_rows(snapshot, assessments),
        needs_you=needs_you(snapshot, assessments, newest(snapshot), logs),
        failures=tuple(sorted(failures, key=lambda row: row.ended.astimezone(UTC))),
        attempts=len(ended),
        resources=_resources([a for _, a in ended]),
        figures=figures,
        links=tuple((b.label, a.branch, a.log) for b, a in ended if a.branch or a.log),
        notes=tuple((b.label, note) for b, a in ended for note in a.notes),
        agents=uses(ended, start, min(end, moment.now, key=_instant), passed),
        rejected=rejected,
    )


def _instant(moment: datetime) -> float:
    return moment.timestamp()


def _finished(snapshot: Snapshot, within: Callable[[datetime | None], bool]) -> list[DoneRow]:
    rows = [done_row(b) for b in newest(snapshot) if b.state in {BuildState.REVIEW, BuildState.COMPLETED}]
    built = {b.label for b in snapshot.ledger.builds}
    rows += [
        DoneRow(label=t.label, name=t.name, evidence=Evidence.CLAIMED.value, finished=t.completed)
        for t in snapshot.queue.completed
        if t.label not in built
    ]
    return [row for row in rows if within(row.finished)]


def _headline(verified: Sequence[DoneRow], claimed: Sequence[DoneRow], failures: Sequence[AttemptRow], started: int) -> str:
    """Return one sentence that hides nothing."""
    if not (verified or claimed or failures):
        return "Nothing was finished and nothing failed." if started else "Nothing ran and nothing was finished."
    parts = []
    if verified:
        parts.append(f"{count(len(verified), 'build')} finished and verified")
    if claimed:
        parts.append(f"{count(len(claimed), 'build')} finished by claim only")
    if not parts:
        parts.append("nothing was finished")
    if failures:
        parts.append(f"{count(len(failures), 'attempt')} did not pass")
    sentence = ", ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."


def _failure(build: Build, attempt: Attempt) -> AttemptRow:
    ended = attempt.ended or attempt.started
    return AttemptRow(
        label=build.label,
        name=build.name,
        number=attempt.number,
        agent=attempt.agent,
        outcome=attempt.outcome.value if attempt.outcome else "unknown",
        reason=attempt.reason or "no reason recorded",
        started=attempt.started,
        ended=ended,
        minutes=round(elapsed(attempt.started, ended).total_seconds() / 60),
        then=_then(build, attempt),
        log=attempt.log,
        failure=attempt.failure.value if attempt.failure else None,
    )


def _then(build: Build, attempt: Attempt) -> str:
    later = next((a for a in build.attempts if a.number > attempt.number), None)
    if later is not None:
        return f"tried again as attempt {later.number}"
    words = {
        BuildState.RETRYING: "will be tried again",
        BuildState.ESCALATED: "handed over to you",
        BuildState.CANCELLED: "cancelled",
        BuildState.COMPLETED: "completed by your word",
        BuildState.REVIEW: "waits for your review",
        BuildState.BUILDING: "being tried again",
    }
    return words[build.state]


def _time(hours: float) -> tuple[float, str]:
    """Return a time and its unit: minutes below two hours, so that a short night is no row of zeros."""
    return (round(hours, 1), "h") if hours >= 2 else (round(hours * 60, 1), "min")


def _resources(attempts: Sequence[Attempt]) -> tuple[Resource, ...]:
    hours = sum(elapsed(a.started, a.ended).total_seconds() for a in attempts if a.ended) / 3600
    value, unit = _time(hours)
    rows = [Resource(what="building time", value=value, unit=unit, measured=len(attempts))]

    def add(what: str, unit: str, values: Sequence[float | int | None], scale: float, *, peak: bool = False) -> None:
        told = [v for v in values if v is not None]
        total = None if not told else (max(told) if peak else sum(told)) / scale
        rows.append(
            Resource(
                what=what, value=None if total is None else round(total, 2 if unit != "tokens" else None), unit=unit, measured=len(told)
            )
        )

    seconds = [a.usage.cpu_seconds for a in attempts if a.usage.cpu_seconds is not None]
    cpu, unit = _time(sum(seconds) / 3600)
    rows.append(Resource(what="CPU time", value=cpu if seconds else None, unit=unit, measured=len(seconds)))
    add("highest memory of an attempt", "MiB", [a.usage.peak_rss_bytes for a in attempts], 1024 * 1024, peak=True)
    for what, told in (("tokens in", [a.usage.tokens_in for a in attempts]), ("tokens out", [a.usage.tokens_out for a in attempts])):
        large = sum(n or 0 for n in told) >= _LARGE
        add(what, "thousand" if large else "tokens", told, 1000 if large else 1)
    add("cost", "USD", [a.usage.cost_usd for a in attempts], 1)
    return tuple(rows)
