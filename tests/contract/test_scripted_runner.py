"""The runner of a simulation: what a script says of an attempt becomes work, checks, a merge and an ending like a real one's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.runners.scripted import ScriptedRunner, _path_of
from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import DeliverMode, Evidence, Outcome
from autobuilds.domain.moment import RunState, RunStatus
from autobuilds.domain.sandbox import Confinement, Tier
from autobuilds.ports import Job
from autobuilds.ports.staging import Run, Turn
from autobuilds.records import replace
from tests.adapters.attempts import job_for
from tests.conftest import git

BEGIN = datetime(2026, 2, 6, 23, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
#: The same in UTC and to the second, as a record has it.
BEGUN = datetime(2026, 2, 6, 22, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Stage:
    """A clock that is set, a workspace, and what the next attempt does."""

    def __init__(self, workspace: Path) -> None:
        self.workspace, self.now, self.turn, self.opened = workspace, BEGIN, Turn(length=4 * MINUTE), list[Path]()
        self.runner = ScriptedRunner(clock=lambda: self.now, open_repo=self._open, script=lambda _: self.turn)

    def _open(self, path: Path) -> GitRepo:
        self.opened.append(path)
        return GitRepo(path)

    def job(self, attempt_id: str = "demo-1", **more: Any) -> Job:
        limits = replace(job_for(self.workspace, "true").limits, timeout=10 * MINUTE, silence=3 * MINUTE)
        return job_for(self.workspace, "true", attempt_id=attempt_id, **{"limits": limits, **more})

    def after(self, minutes: float) -> None:
        self.now = BEGIN + minutes * MINUTE

    def ended(self, turn: Turn, minutes: float = 60, **more: Any) -> tuple[RunStatus, Run]:
        """Play one attempt to its end and return what is known of it."""
        self.turn = turn
        job = self.job(**more)
        assert self.runner.submit(job).state is RunState.RUNNING
        self.after(minutes)
        status = self.runner.poll(job.attempt_id)
        assert status.ending is not None
        return status, self.runner.runs()[-1]


@pytest.fixture
def stage(make_repo: Callable[..., Path]) -> Stage:
    return Stage(make_repo({"README.md": "# Repo\n", ".gitignore": ".autobuilds/\nsubagents/\n"}, name="workspace"))


def test_an_attempt_takes_its_time_and_says_how_far_it_is(stage: Stage) -> None:
    status = stage.runner.submit(stage.job())
    assert status == RunStatus(state=RunState.RUNNING, pid=10_000, pid_created=1.0, active_at=BEGUN, percent=0)
    for minutes, percent in ((1, 25), (122 / 60, 50), (3, 75), (3.98, 99)):
        stage.after(minutes)
        status = stage.runner.peek("demo-1")
        assert (status.state, status.percent) == (RunState.RUNNING, percent)
        assert status.active_at == BEGUN + timedelta(seconds=int(60 * minutes + 0.25))
    assert stage.runner.next_end() == BEGUN + 4 * MINUTE
    stage.now = BEGIN.replace(microsecond=0) + 4 * MINUTE - timedelta(microseconds=1)
    assert stage.runner.poll("demo-1").state is RunState.RUNNING
    stage.now = BEGIN.replace(microsecond=0) + 4 * MINUTE
    assert stage.runner.poll("demo-1").state is RunState.ENDED
    assert stage.runner.next_end() is None
    text = (stage.workspace / "subagents" / "demo-progress.md").read_text()
    assert "begun (simulated)" in text and "ended (simulated): 0 of 0 criteria met" in text


def test_an_id_is_begun_once_and_every_submission_is_counted(stage: Stage) -> None:
    assert stage.runner.poll("demo-1") == RunStatus(state=RunState.NOT_STARTED)
    assert stage.runner.cancel("demo-1", Outcome.STOPPED, "none") == RunStatus(state=RunState.NOT_STARTED)
    assert stage.runner.logs("demo-1") == ""
    first = stage.runner.submit(stage.job())
    assert stage.runner.submit(stage.job()) == first
    stage.turn = Turn(length=MINUTE)
    assert stage.runner.submit(stage.job("other-1")).pid == 10_001
    assert stage.runner.next_end() == BEGUN + MINUTE
    assert [(run.attempt, run.label, run.number, run.agent, run.begun, run.submitted) for run in stage.runner.runs()] == [
        ("demo-1", "demo", 1, "command", BEGUN, 2),
        ("other-1", "other", 1, "command", BEGUN, 1),
    ]
    assert stage.runner.logs("demo-1") == "simulated: passed\n"
    assert stage.runner.capacity() is None
    assert stage.runner.sweep(set()) == 0


def test_work_that_passes_is_a_commit_on_top_of_where_it_began(stage: Stage) -> None:
    status, run = stage.ended(Turn(length=4 * MINUTE), touches=("src/*.py", "docs/"), checks=["true"], claims=["It works"])
    ending = status.ending
    assert ending is not None and ending.head_commit is not None
    assert (status.state, status.pid, status.pid_created, run.over, run.outcome) == (RunState.ENDED, 10_000, 1.0, True, Outcome.PASSED)
    assert (ending.outcome, ending.reason, ending.evidence) == (Outcome.PASSED, "1 check passed, 1 criterion claimed", Evidence.CHECKED)
    assert (ending.ended, ending.exit_code, ending.sandbox, ending.failure, ending.resets_at) == (BEGUN + 4 * MINUTE, 0, "none", None, None)
    assert (ending.merged_commit, ending.merged_onto) == (None, None)
    assert [(check.text, check.passed) for check in ending.checks] == [("`true`", True), ("It works", True)]
    assert (ending.usage.cpu_seconds, ending.usage.peak_rss_bytes) == (96.0, 209_715_200)
    assert (ending.changed_paths, ending.files_changed, ending.lines_added, ending.lines_removed) == (("docs/demo.txt",), 1, 1, 0)
    told = git(stage.workspace, "show", "-s", "--format=%an %ae|%s|%b|%P", ending.head_commit)
    assert told == f"A simulated agent agent@localhost|Demo|Simulated work.\n|{git(stage.workspace, 'rev-parse', 'main')}"
    assert git(stage.workspace, "show", f"{ending.head_commit}:docs/demo.txt") == "Demo: attempt 1, simulated."
    assert git(stage.workspace, "branch", "--format=%(refname:short)") == "main"
    assert set(stage.opened) == {stage.workspace}
    log = (stage.workspace / "subagents" / "demo-progress.md").read_text()
    assert "ended (simulated): 2 of 2 criteria met" in log and "It works" in log
    again: dict[str, Any] = {"attempt_id": "demo-2", "number": 2, "start_commit": ending.head_commit, "touches": ("docs/",)}
    second = stage.ended(Turn(length=MINUTE), minutes=120, **again)[0].ending
    assert second is not None and second.head_commit is not None
    text = git(stage.workspace, "show", f"{second.head_commit}:docs/demo.txt")
    assert text == "Demo: attempt 1, simulated.\nDemo: attempt 2, simulated."


@pytest.mark.parametrize(
    ("turn", "checks", "outcome", "reason", "code", "works"),
    [
        (Turn(length=MINUTE, outcome=Outcome.CHECKS_FAILED), ["true"], Outcome.CHECKS_FAILED, "1 of 1 check failed", 0, True),
        (
            Turn(length=MINUTE, outcome=Outcome.CHECKS_FAILED, reason="in its words"),
            ["true"],
            Outcome.CHECKS_FAILED,
            "in its words",
            0,
            True,
        ),
        (Turn(length=MINUTE, outcome=Outcome.AGENT_FAILED), ["true"], Outcome.AGENT_FAILED, "exit status 1", 1, False),
        (Turn(length=MINUTE, outcome=Outcome.NO_CHANGE), ["true"], Outcome.NO_CHANGE, "changed nothing", 0, False),
        (Turn(length=11 * MINUTE), ["true"], Outcome.TIMEOUT, "stopped at its time limit", 0, False),
        (
            Turn(length=MINUTE, silent_after=2 * MINUTE),
            [],
            Outcome.STALLED,
            "stopped after too long without output, progress or CPU use",
            0,
            False,
        ),
    ],
)
def test_attempts_that_do_not_pass(
    stage: Stage, turn: Turn, checks: list[str], outcome: Outcome, reason: str, code: int, works: bool
) -> None:
    status, run = stage.ended(turn, checks=checks)
    ending = status.ending
    assert ending is not None
    assert (status.state, ending.outcome, run.outcome, run.over) == (RunState.ENDED, outcome, outcome, True)
    assert reason in ending.reason
    assert (ending.exit_code, ending.head_commit is not None, len(ending.checks), ending.files_changed) == (
        code,
        works,
        len(checks) * works,
        int(works),
    )
    assert ending.merged_commit is None and ending.evidence is None and (ending.changed_paths != ()) is works


def test_a_failure_has_its_class_and_says_when_it_is_over(stage: Stage) -> None:
    turn = Turn(length=MINUTE, outcome=Outcome.AGENT_FAILED, failure=FailureClass.RATE_LIMIT, reason="used up", resets_after=5 * MINUTE)
    ending = stage.ended(turn)[0].ending
    assert ending is not None
    assert (ending.outcome, ending.reason, ending.failure, ending.resets_at) == (
        Outcome.AGENT_FAILED,
        "used up",
        FailureClass.RATE_LIMIT,
        BEGUN + 6 * MINUTE,
    )


@pytest.mark.parametrize(
    ("turn", "ends", "outcome"),
    [
        (Turn(length=10 * MINUTE), 600, Outcome.PASSED),
        (Turn(length=10 * MINUTE + timedelta(seconds=1)), 600, Outcome.TIMEOUT),
        (Turn(length=timedelta(seconds=90.7)), 90, Outcome.PASSED),
        (Turn(length=MINUTE, silent_after=timedelta(seconds=61.7)), 241, Outcome.STALLED),
        (Turn(length=MINUTE, silent_after=7 * MINUTE), 600, Outcome.TIMEOUT),
        (Turn(length=MINUTE, silent_after=7 * MINUTE - timedelta(seconds=1)), 599, Outcome.STALLED),
    ],
)
def test_when_an_attempt_ends_if_nobody_stops_it(stage: Stage, turn: Turn, ends: int, outcome: Outcome) -> None:
    stage.turn = turn
    stage.runner.submit(stage.job())
    run = stage.runner.runs()[0]
    assert (run.ends - BEGUN, run.outcome) == (timedelta(seconds=ends), outcome)
    assert stage.runner.next_end() == BEGUN + timedelta(seconds=ends)


def test_a_silent_attempt_gives_no_sign_from_then_on(stage: Stage) -> None:
    stage.turn = Turn(length=4 * MINUTE, silent_after=2 * MINUTE)
    stage.runner.submit(stage.job())
    stage.after(1)
    assert (found := stage.runner.poll("demo-1")).active_at == BEGUN + MINUTE and found.percent == 25
    stage.after(4)
    assert (found := stage.runner.poll("demo-1")).active_at == BEGUN + 2 * MINUTE and found.percent == 50
    stage.turn = Turn(length=MINUTE, silent_after=3 * MINUTE)
    stage.runner.submit(stage.job("other-1"))
    stage.after(6)
    assert stage.runner.poll("other-1").percent == 99
    stage.turn = Turn(length=timedelta(), silent_after=MINUTE)
    assert stage.runner.submit(stage.job("third-1")).percent == 0


def test_who_is_stopped_ends_then_with_the_given_words(stage: Stage) -> None:
    confinement = Confinement(tier=Tier.LANDLOCK)
    stage.runner.submit(stage.job(confinement=confinement))
    stage.runner.submit(stage.job("other-1"))
    stage.after(2)
    status = stage.runner.cancel("demo-1", Outcome.STALLED, "silent")
    assert (status.state, status.pid, status.pid_created) == (RunState.ENDED, 10_000, 1.0)
    assert status.ending is not None
    assert (status.ending.outcome, status.ending.reason, status.ending.ended, status.ending.sandbox) == (
        Outcome.STALLED,
        "silent",
        BEGUN + 2 * MINUTE,
        "landlock",
    )
    run = stage.runner.runs()[0]
    assert (run.ends, run.outcome, run.over) == (BEGUN + 2 * MINUTE, Outcome.STALLED, True)
    assert stage.runner.next_end() == BEGUN + 4 * MINUTE
    stage.after(3)
    assert stage.runner.cancel("demo-1", Outcome.STOPPED, "again") == status == stage.runner.poll("demo-1")
    assert git(stage.workspace, "branch", "--format=%(refname:short)") == "main"


def test_a_machine_that_goes_down_loses_what_runs(stage: Stage) -> None:
    for attempt_id in ("a-1", "b-1"):
        stage.runner.submit(stage.job(attempt_id))
    stage.runner.cancel("a-1", Outcome.STOPPED, "enough")
    stage.after(1)
    assert stage.runner.power_off() == ("b",)
    status = stage.runner.poll("b-1")
    assert status.state is RunState.LOST and status.ending is not None
    assert (status.ending.outcome, status.ending.reason) == (
        Outcome.LOST,
        "the supervisor ended without an exit record (reboot or kill)",
    )
    assert stage.runner.poll("a-1").state is RunState.ENDED
    assert stage.runner.power_off() == ()


def test_a_merge_is_made_where_it_is_wanted_and_the_work_passes(stage: Stage) -> None:
    merge: dict[str, Any] = {"deliver": DeliverMode.MERGE, "checks": ["true"], "name": "n" * 61}
    first = stage.job()
    ending = stage.ended(Turn(length=MINUTE), **merge)[0].ending
    assert ending is not None and ending.merged_commit is not None
    assert (ending.evidence, ending.merged_onto) == (Evidence.MERGED, first.base_commit)
    assert [check.merged for check in ending.checks] == [False, True]
    scratch = stage.workspace / ".autobuilds" / "runs" / "demo-1" / "merge"
    assert git(scratch, "show", "-s", "--format=%B", ending.merged_commit) == f"Merge build demo: {'n' * 59}…\n\nBuild: demo\nAttempt: 1"
    assert git(scratch, "rev-list", "--parents", "-n1", ending.merged_commit).split()[1:] == [first.base_commit, ending.head_commit]
    for number, (turn, more) in enumerate(
        [
            (Turn(length=MINUTE, outcome=Outcome.CHECKS_FAILED), merge),
            (Turn(length=MINUTE), {**merge, "base_branch": None}),
            (Turn(length=MINUTE), {**merge, "deliver": DeliverMode.REVIEW}),
            (Turn(length=MINUTE), {**merge, "may_change_nothing": True}),
        ]
    ):
        stage.now = BEGIN
        ending = stage.ended(turn, attempt_id=f"more-{number}", **more)[0].ending
        assert ending is not None and (ending.merged_commit, ending.merged_onto) == (None, None), number
        assert len(ending.checks) == 1
    stage.now = BEGIN
    claimed = stage.ended(Turn(length=MINUTE), attempt_id="claimed-1", deliver=DeliverMode.MERGE, claims=["It works"])[0].ending
    assert claimed is not None and claimed.merged_onto is not None
    assert (claimed.evidence, claimed.merged_commit) == (Evidence.CLAIMED, None), "a merge that nothing has checked is none"


def test_a_merge_that_conflicts_or_can_not_be_tried_is_left_for_review(stage: Stage) -> None:
    job = stage.job(deliver=DeliverMode.MERGE, checks=["true"])
    stage.runner.submit(job)
    (stage.workspace / "simulated").mkdir()
    (stage.workspace / "simulated" / "demo.txt").write_text("the owner's\n")
    git(stage.workspace, "add", "-A")
    git(stage.workspace, "commit", "-q", "-m", "own")
    stage.after(9)
    ending = stage.runner.poll("demo-1").ending
    assert ending is not None
    assert (ending.outcome, ending.evidence, ending.merged_commit) == (Outcome.PASSED, Evidence.CHECKED, None)
    assert "it does not merge cleanly" in ending.reason and "simulated/demo.txt" in ending.reason
    assert ending.merged_onto == git(stage.workspace, "rev-parse", "main")
    assert len(ending.checks) == 1
    stage.now = BEGIN
    other = stage.ended(Turn(length=MINUTE), attempt_id="other-1", base_branch="gone", deliver=DeliverMode.MERGE, checks=["true"])[0].ending
    assert other is not None and "the merge could not be tried: " in other.reason
    assert (other.merged_commit, other.merged_onto) == (None, git(stage.workspace, "rev-parse", "main"))


def test_a_task_that_may_change_nothing_changes_nothing(stage: Stage) -> None:
    ending = stage.ended(Turn(length=MINUTE), may_change_nothing=True, checks=["true"])[0].ending
    assert ending is not None
    assert (ending.outcome, ending.head_commit, ending.files_changed, ending.changed_paths) == (Outcome.PASSED, None, 0, ())
    assert (ending.lines_added, ending.lines_removed) == (0, 0)
    stage.now = BEGIN
    status, run = stage.ended(Turn(length=MINUTE), attempt_id="other-1", may_change_nothing=True, claims=["It works"])
    assert status.ending is not None
    assert status.ending.outcome is run.outcome is Outcome.NO_CHANGE, "what the judgement says counts, not the script"


def test_what_an_earlier_run_left_on_the_branch_is_in_nobodys_way(stage: Stage) -> None:
    old = git(stage.workspace, "commit-tree", "HEAD^{tree}", "-m", "old")
    git(stage.workspace, "branch", "build/demo.simulated", old)
    ending = stage.ended(Turn(length=MINUTE))[0].ending
    assert ending is not None and ending.head_commit is not None
    assert git(stage.workspace, "rev-parse", f"{ending.head_commit}^") == git(stage.workspace, "rev-parse", "main")
    assert git(stage.workspace, "branch", "--format=%(refname:short)") == "main"


def test_a_progress_log_that_is_gone_stops_nothing(stage: Stage) -> None:
    job = stage.job()
    stage.runner.submit(job)
    Path(job.progress_file).unlink()
    stage.after(9)
    assert stage.runner.poll("demo-1").state is RunState.ENDED


@pytest.mark.parametrize(
    ("touches", "path"),
    [
        ((), "simulated/demo.txt"),
        (("src/main.py", "docs"), "src/main.py"),
        (("/src/",), "src/demo.txt"),
        (("a/b.d/sub",), "a/b.d/sub/demo.txt"),
        (("src/*.py", "x?", "[ab]", "docs"), "docs/demo.txt"),
        ((".github/x.yml", "docs"), "simulated/demo.txt"),
        (("*",), "simulated/demo.txt"),
    ],
)
def test_the_file_that_the_work_is_in(stage: Stage, touches: tuple[str, ...], path: str) -> None:
    assert _path_of(stage.job(touches=touches)) == path
