"""How the chosen project stands, from the ledger: milestones with their evidence, hours, and what is left."""

from __future__ import annotations

from datetime import datetime, timedelta

from autobuilds.domain.build import Attempt, Build, BuildState, Outcome
from autobuilds.domain.day import Milestone, Weekend
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.times import elapsed
from autobuilds.domain.verdicts import Assessment
from autobuilds.errors import NotSo
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.runtime.looking import Beat, look

#: States in which a milestone needs nothing more to be built.
_OVER = frozenset({"completed", "review", "cancelled", "gone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mile:
    """One milestone as it stands; `state` is that of its build, else `waiting`, `completed` by hand, or `gone` from the queue."""

    label: str
    name: str
    minutes: int
    state: str
    #: Real minutes of building so far.
    ran: int = 0
    evidence: str | None = None
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    #: What holds it, or why it failed, and the command that goes on.
    why: str = ""
    fix: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether its work is there: finished, accepted or not."""
        return self.state in {"completed", "review"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A project as it stands at a moment."""

    weekend: Weekend
    now: datetime
    milestones: tuple[Mile, ...]

    @property
    def done(self) -> int:
        """How many milestones are done."""
        return sum(mile.is_done for mile in self.milestones)

    @property
    def minutes_done(self) -> int:
        """Minutes of the plan that are done."""
        return sum(mile.minutes for mile in self.milestones if mile.is_done)

    @property
    def minutes_left(self) -> int:
        """Minutes of the plan that are still to be built."""
        return sum(mile.minutes for mile in self.milestones if mile.state not in _OVER)

    @property
    def ran(self) -> int:
        """Real minutes of building."""
        return sum(mile.ran for mile in self.milestones)

    @property
    def percent(self) -> int:
        """The part of the plan that is done, in percent of its minutes."""
        whole = sum(mile.minutes for mile in self.milestones)
        return 100 * self.minutes_done // whole if whole else 100


def standing(context: Context) -> Standing:
    """Return how the project chosen last stands; raises NotSo where none was ever chosen."""
    beat = look(context)
    day = beat.loaded.snapshot.ledger.day
    if day is None or not day.weekends:
        raise NotSo("no project was chosen for a weekend; autobuilds weekend suggest proposes some")
    weekend = day.weekends[-1]
    return Standing(weekend=weekend, now=beat.moment.now, milestones=tuple(_mile(m, beat, weekend) for m in weekend.milestones))


def is_over(weekend: Weekend, snapshot: Snapshot) -> bool:
    """Whether no milestone of a project is left to be built."""
    return all(_state(milestone, snapshot, weekend) in _OVER for milestone in weekend.milestones)


def _build(milestone: Milestone, snapshot: Snapshot, weekend: Weekend) -> Build | None:
    """Return the build of a milestone, none of an earlier task of that label."""
    build = snapshot.ledger.find(milestone.label)
    return build if build is not None and build.updated >= weekend.chosen else None


def _state(milestone: Milestone, snapshot: Snapshot, weekend: Weekend) -> str:
    build = _build(milestone, snapshot, weekend)
    if build is not None:
        return build.state.value
    task = snapshot.queue.find(milestone.label)
    if task is None:
        return "gone"
    return "waiting" if task.is_active and not task.checked else "completed"


def _mile(milestone: Milestone, beat: Beat, weekend: Weekend) -> Mile:
    snapshot = beat.loaded.snapshot
    build, task = _build(milestone, snapshot, weekend), snapshot.queue.find(milestone.label)
    name = task.name if task is not None else build.name if build is not None else milestone.label
    state = _state(milestone, snapshot, weekend)
    last = build.last if build is not None else None
    held = next((a for a in beat.assessments if a.label == milestone.label), None)
    why, fix = _why(state, build, held, milestone.label)
    return Mile(
        label=milestone.label,
        name=name,
        minutes=milestone.minutes,
        state=state,
        ran=_ran(build.attempts, beat.moment.now) if build is not None else 0,
        evidence=last.evidence.value if last is not None and last.evidence is not None else None,
        files_changed=(last.files_changed or 0) if last is not None else 0,
        lines_added=(last.lines_added or 0) if last is not None else 0,
        lines_removed=(last.lines_removed or 0) if last is not None else 0,
        why=why,
        fix=fix,
    )


def _ran(attempts: tuple[Attempt, ...], now: datetime) -> int:
    begun = [a for a in attempts if a.outcome is not Outcome.NOT_STARTED]
    spans = (max(elapsed(a.started, a.ended or now), timedelta()) for a in begun)
    return int(sum(spans, timedelta()).total_seconds() // 60)


def _why(state: str, build: Build | None, held: Assessment | None, label: str) -> tuple[str, str | None]:
    if state == BuildState.REVIEW.value:
        return "waits for your review", f"autobuilds review {label}"
    if state == BuildState.ESCALATED.value:
        return (build.reason if build is not None else None) or "handed over to you", f"autobuilds log {label}"
    if state == "gone":
        return "it is not in the queue any more", None
    first = held.obstacles[0] if state == "waiting" and held is not None and held.obstacles else None
    if first is not None:
        return f"{first.gate}: {first.reason}", first.fix
    return (build.reason or "" if build is not None and state == BuildState.RETRYING.value else ""), None
