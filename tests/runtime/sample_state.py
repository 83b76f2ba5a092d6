"""One rich state of a workspace, shared by the tests of views, pages and answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autobuilds.domain.build import Attempt, Build, BuildState, Check, Evidence, Ledger, Outcome, Usage
from autobuilds.domain.model import Counts, Criterion, Estimate, Priority, Queue, Section, Task
from autobuilds.domain.moment import AgentStatus, Moment, Resources, RunState, RunStatus, Snapshot
from autobuilds.domain.policy import Policy
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.progress import Progress, ProgressStatus, Question, Step
from autobuilds.domain.settings import Settings
from autobuilds.domain.verdicts import Assessment, GateResult, Verdict

START = datetime(2026, 2, 6, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = START + 2 * HOUR


def attempt(label: str, number: int = 1, **fields: object) -> Attempt:
    """Return an attempt that started at START unless told otherwise."""
    given: dict[str, object] = {
        "number": number,
        "id": f"{label}-{number}",
        "agent": "claude",
        "started": START,
        "branch": f"build/{label}",
        "log": f"subagents/logs/{label}-{number}.log",
        "sandbox": "bubblewrap",
    }
    return Attempt(**{**given, **fields})  # type: ignore[arg-type]


def build(label: str, state: BuildState, *attempts: Attempt, **fields: object) -> Build:
    """Return a build of those attempts."""
    given: dict[str, object] = {"name": label.replace("-", " ").capitalize(), "created": START, "updated": START}
    return Build(label=label, state=state, attempts=attempts, **{**given, **fields})  # type: ignore[arg-type]


def task(label: str, **fields: object) -> Task:
    """Return an active task."""
    given: dict[str, object] = {"name": label.replace("-", " ").capitalize(), "section": Section.ACTIVE, "checked": False}
    return Task(label=label, **{**given, **fields})  # type: ignore[arg-type]


def gate(name: str, verdict: str, reason: str, **fields: object) -> GateResult:
    """Return one gate's answer."""
    return GateResult(gate=name, verdict=Verdict(verdict), reason=reason, **fields)  # type: ignore[arg-type]


PASSED = Check(text="Tests pass: `pytest -q`", passed=True, command="pytest -q", exit_code=0)
BROKEN = Check(text="Tests pass: `pytest -q`", passed=False, command="pytest -q", exit_code=1, tail="3 collected\n1 failed, 2 passed\n")

RUNNING = build("spotify", BuildState.BUILDING, attempt("spotify", 2), name="Spotify Integration")
ESCALATED = build(
    "login",
    BuildState.ESCALATED,
    *(
        attempt(
            "login",
            n,
            ended=START + n * HOUR,
            outcome=Outcome.CHECKS_FAILED,
            reason="pytest -q: exit status 1",
            checks=(BROKEN,),
            usage=Usage(cost_usd=0.42, tokens_in=12_000, cpu_seconds=90.0),
        )
        for n in (1, 2, 3)
    ),
    reason="the checks failed",
)
REVIEW = build(
    "docs",
    BuildState.REVIEW,
    attempt(
        "docs",
        ended=START + HOUR,
        outcome=Outcome.PASSED,
        evidence=Evidence.CHECKED,
        checks=(PASSED,),
        files_changed=3,
        lines_added=120,
        lines_removed=4,
    ),
)
RETRYING = build(
    "cleanup",
    BuildState.RETRYING,
    attempt("cleanup", ended=START + HOUR, outcome=Outcome.NO_CHANGE, reason="nothing was changed"),
    reason="nothing was changed",
    retry_at=NOW + HOUR,
)
MERGED = build(
    "old-thing",
    BuildState.COMPLETED,
    attempt("old-thing", ended=START, outcome=Outcome.PASSED, evidence=Evidence.MERGED, checks=(PASSED,)),
    delivered_branch="main",
)

TASKS = (
    task(
        "spotify",
        name="Spotify Integration",
        priority=Priority.HIGH,
        added=START,
        estimate=Estimate(min_minutes=180, max_minutes=300),
        estimate_text="3-5 hours",
        description="Build OAuth integration.",
        criteria=(Criterion(text="OAuth flow works"), Criterion(text="Tests pass: `pytest -q`", commands=("pytest -q",))),
        line=4,
        end_line=9,
    ),
    task("workout-playlist", line=10, end_line=10),
    task("remove-old-users", line=11, end_line=11),
    task("cleanup", line=12, end_line=12),
    task("login", line=13, end_line=13),
    task("by-hand", section=Section.COMPLETED, checked=True, completed=START - HOUR, line=20, end_line=20),
)

ASSESSMENTS = (
    Assessment(
        label="workout-playlist",
        gates=(
            gate(
                "priority",
                "wait",
                "medium: waits for off-hours (22:00-06:00)",
                until=START + 7 * HOUR,
                fix="autobuilds set workout-playlist priority high",
            ),
            gate("risk", "go", "nothing found"),
        ),
    ),
    Assessment(
        label="remove-old-users",
        gates=(
            gate("risk", "ask", 'destructive: "remove" + "users"', fix="autobuilds approve remove-old-users"),
            gate("requirements", "ask", "no criterion that can be checked", fix="add one"),
            gate("resources", "wait", "memory 95 % used (limit 90 %)"),
        ),
    ),
    Assessment(label="cleanup", gates=(gate("state", "wait", "failed; next try at 18:00", until=NOW + HOUR),)),
    Assessment(label="login", gates=(gate("state", "ask", "escalated: the checks failed", fix="autobuilds retry login"),)),
)

PROGRESS = {
    "spotify": Progress(
        label="spotify",
        attempt=2,
        percent=60,
        status=ProgressStatus.WORKING,
        breakdown=(Step(text="Read the code", checked=True), Step(text="Write the client")),
        log=("2026-02-06 16:30 Half way.",),
        questions=(Question(text="Which market?", default="DE"),),
        blockers=("the API key is missing",),
    )
}

SNAPSHOT = Snapshot(
    queue=Queue(
        tasks=TASKS,
        problems=(
            Problem(
                file="BUILD_QUEUE.md",
                line=30,
                column=3,
                kind="unknown-key",
                severity=Severity.WARNING,
                message='unknown key "Prio"',
                label="login",
            ),
        ),
        counts=Counts(tasks=6, parts=2, notes=1, items=9),
    ),
    ledger=Ledger(builds=(RUNNING, ESCALATED, REVIEW, RETRYING, MERGED)),
    settings=Settings(),
    policy=Policy(),
)

MOMENT = Moment(
    now=NOW,
    resources=Resources(disk_percent=40.0, memory_percent=95.0),
    runs={"spotify-2": RunStatus(state=RunState.RUNNING, percent=30)},
    agents=(AgentStatus(name="claude", found=True, version="2.0"), AgentStatus(name="codex", found=False, install="npm install -g codex")),
)
