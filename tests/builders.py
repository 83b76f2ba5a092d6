"""Values for tests of the pure core: a task that every gate lets through, and what stands around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from autobuilds.domain.build import Attempt, Build, BuildState, Ledger, Outcome
from autobuilds.domain.model import Criterion, Priority, Queue, Section, Task
from autobuilds.domain.moment import AgentStatus, Ending, Moment, Resources, Snapshot
from autobuilds.domain.policy import CategoryRule, Policy
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Claim, Situation
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement, Verdict

#: A Friday at noon, outside of off-hours.
NOW = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)
CLEAR = ClarityJudgement(verdict=Verdict.GO)
SAFE = RiskJudgement(verdict=Verdict.GO)
COMMAND = AgentStatus(name="command", found=True)
CLAUDE = AgentStatus(name="claude", found=True)
POLICY = Policy(
    categories=(
        CategoryRule(category="Bug fixes", high="auto", medium="auto", low="auto"),
        CategoryRule(category="New features", high="own", medium="ask", low="ask"),
        CategoryRule(category="External actions"),
        CategoryRule(category="No category", high="own", medium="own", low="ask"),
    )
)


def a_task(name: str = "Fix the clock", **changes: Any) -> Task:
    """Return an active high-priority task that every gate lets through, with changes."""
    from autobuilds.domain.labels import slugify

    task = Task(
        label=slugify(name),
        name=name,
        section=Section.ACTIVE,
        checked=False,
        priority=Priority.HIGH,
        added=NOW - timedelta(days=1),
        description="clock.py shows the seconds with two digits, `12:03:05`.",
        criteria=(Criterion(text="Tests pass: `python3 -m unittest`", commands=("python3 -m unittest",)),),
        category="Bug fixes",
        steps="true",
        line=4,
        end_line=4,
    )
    return replace(task, **changes)


def an_attempt(number: int = 1, **changes: Any) -> Attempt:
    """Return a running attempt that began an hour ago, with changes."""
    return replace(Attempt(number=number, id=f"a{number}", agent="command", started=NOW - timedelta(hours=1)), **changes)


def failed_attempt(number: int, outcome: Outcome = Outcome.CHECKS_FAILED, **changes: Any) -> Attempt:
    """Return an attempt that ended half an hour ago without success."""
    return an_attempt(number, **{"ended": NOW - timedelta(minutes=30), "outcome": outcome, **changes})


def a_build(task: Task, state: BuildState = BuildState.BUILDING, **changes: Any) -> Build:
    """Return a build of a task, with one running attempt if it is building."""
    attempts = (an_attempt(),) if state is BuildState.BUILDING else (failed_attempt(1),)
    begun = NOW - timedelta(hours=1)
    build = Build(label=task.label, name=task.name, state=state, created=begun, updated=begun, attempts=attempts)
    return replace(build, **changes)


def an_ending(outcome: Outcome, **changes: Any) -> Ending:
    """Return an exit record of now."""
    return replace(Ending(outcome=outcome, reason=f"it was {outcome.value}", ended=NOW), **changes)


def a_snapshot(*tasks: Task, builds: tuple[Build, ...] = (), **changes: Any) -> Snapshot:
    """Return files with these tasks and builds, with changes (`settings`, `ledger`, `policy`, `problems`)."""
    snapshot = Snapshot(queue=Queue(tasks=tasks), ledger=Ledger(builds=builds), settings=Settings(), policy=POLICY)
    return replace(snapshot, **changes)


def a_moment(**changes: Any) -> Moment:
    """Return a quiet moment at NOW with the agents `command` and `claude`, with changes."""
    return replace(
        Moment(now=NOW, resources=Resources(disk_percent=10, memory_percent=10, load_per_core=0.1), agents=(COMMAND, CLAUDE)), **changes
    )


def a_situation(
    task: Task | None = None,
    *others: Task,
    builds: tuple[Build, ...] = (),
    claims: tuple[Claim, ...] = (),
    moment: Moment | None = None,
    snapshot: Snapshot | None = None,
    **changes: Any,
) -> Situation:
    """Return the situation of a task among others, with changes (`risk`, `clarity`, `slots_taken`, `at_once`)."""
    task = task or a_task()
    situation = Situation(
        task=task,
        snapshot=snapshot or a_snapshot(task, *others, builds=builds),
        moment=moment or a_moment(),
        risk=SAFE,
        clarity=CLEAR,
        claims=claims,
    )
    return replace(situation, **changes)
