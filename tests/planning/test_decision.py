"""The decision of one heartbeat: what follows from files and world, in which order, and that it comes to rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, Attempt, BuildState, DeliverMode, Ledger, Outcome
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.model import Priority, Queue, Section
from autobuilds.domain.moment import RunState, RunStatus
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.settings import Settings
from autobuilds.domain.verdicts import Verdict
from autobuilds.planning import (
    Alert,
    CompleteByHand,
    Confirm,
    DropApproval,
    FillAdded,
    RecordApproval,
    Settle,
    Start,
    StopAttempt,
    plan,
)
from autobuilds.planning.decision import Close, Propose
from tests.builders import NOW, a_build, a_moment, a_snapshot, a_task, an_attempt, an_ending, failed_attempt

ERROR = Problem(file="BUILD_QUEUE.md", line=1, column=1, kind="bad-value", severity=Severity.ERROR, message="bad")


def running(status: RunStatus, **build_changes):
    task = a_task()
    build = a_build(task, **build_changes)
    return plan(a_snapshot(task, builds=(build,)), a_moment(runs={"a1": status})).actions


def test_nothing_to_do() -> None:
    assert plan(a_snapshot(), a_moment()).actions == ()


def test_a_ready_task_starts_with_its_agent() -> None:
    (start,) = plan(a_snapshot(a_task()), a_moment()).actions
    assert isinstance(start, Start)
    assert (start.label, start.agent) == ("fix-the-clock", "command")


def test_priority_comes_first_then_the_order_of_the_file() -> None:
    tasks = [a_task("One", priority=Priority.MEDIUM), a_task("Two"), a_task("Three")]
    night = a_moment(now=NOW.replace(hour=23))
    snapshot = a_snapshot(*tasks, settings=Settings(max_concurrent={"default": 3}))
    assert [a.label for a in plan(snapshot, night).actions] == ["two", "three", "one"]


def test_only_as_many_start_as_there_are_slots() -> None:
    tasks = [a_task(n) for n in ("One", "Two", "Three")]
    busy = a_build(a_task("Busy"))
    snapshot = a_snapshot(*tasks, builds=(busy,), settings=Settings(max_concurrent={"default": 2}))
    found = plan(snapshot, a_moment(runs={"a1": RunStatus(state=RunState.RUNNING, pid=1)}))
    assert [a.label for a in found.actions] == ["one"] or [type(a) for a in found.actions] == [Confirm]
    assert [a.verdict for a in found.assessments] == [Verdict.GO, Verdict.WAIT, Verdict.WAIT]


def test_two_tasks_on_the_same_paths_do_not_start_together() -> None:
    tasks = [a_task("One", touches=("src/**",)), a_task("Two", touches=("src/x.py",))]
    found = plan(a_snapshot(*tasks, settings=Settings(max_concurrent={"default": 2})), a_moment())
    assert [a.label for a in found.actions] == ["one"]
    assert found.assessments[1].obstacles[0].gate == "conflict"


def test_bad_configuration_or_policy_stops_starts_but_not_care() -> None:
    task, other = a_task(), a_task("Other")
    snapshot = a_snapshot(task, other, builds=(a_build(task),), problems=(ERROR,))
    ended = RunStatus(state=RunState.ENDED, ending=an_ending(Outcome.PASSED))
    actions = plan(snapshot, a_moment(runs={"a1": ended})).actions
    assert [type(a) for a in actions] == [Settle]
    assert plan(a_snapshot(other, problems=(ERROR,)), a_moment()).actions == ()


def test_a_queue_that_cannot_be_trusted_stops_starts_and_keeps_approvals() -> None:
    approval = Approval(label="fix-the-clock", fingerprint="0", by="x", at=NOW)
    snapshot = a_snapshot(ledger=Ledger(approvals=(approval,)))
    snapshot = replace(snapshot, queue=Queue(fatal=True, problems=(ERROR,)))
    assert plan(snapshot, a_moment()).actions == ()


class TestReconcile:
    def test_an_ending_is_settled_with_its_decision(self) -> None:
        (settle,) = running(RunStatus(state=RunState.ENDED, ending=an_ending(Outcome.CHECKS_FAILED)))
        assert isinstance(settle, Settle)
        assert (settle.decision.event, settle.decision.retry_at) == (Event.FAILED, NOW + timedelta(minutes=5))

    def test_gone_without_a_record(self) -> None:
        (lost,) = running(RunStatus(state=RunState.LOST))
        (never,) = running(RunStatus(state=RunState.NOT_STARTED))
        assert isinstance(lost, Settle)
        assert isinstance(never, Settle)
        assert (lost.ending.outcome, never.ending.outcome) == (Outcome.LOST, Outcome.NOT_STARTED)

    def test_unknown_and_queued_are_left_alone(self) -> None:
        assert list(running(RunStatus(state=RunState.UNKNOWN))) == []
        assert list(running(RunStatus(state=RunState.QUEUED))) == []

    def test_a_process_that_was_not_recorded_is_adopted(self) -> None:
        (confirm,) = running(RunStatus(state=RunState.RUNNING, pid=7, pid_created=1.0, active_at=NOW))
        assert isinstance(confirm, Confirm)
        recorded = (an_attempt(pid=7),)
        assert list(running(RunStatus(state=RunState.RUNNING, pid=7, active_at=NOW), attempts=recorded)) == []

    def test_a_stall_alerts_once_and_then_stops(self) -> None:
        started = (an_attempt(pid=7, started=NOW - timedelta(days=1)),)
        quiet = RunStatus(state=RunState.RUNNING, pid=7, active_at=NOW - timedelta(hours=5))
        assert [type(a) for a in running(quiet, attempts=started)] == [Alert]
        assert list(running(quiet, attempts=started, stall_alerted=True)) == []
        dead = replace(quiet, active_at=NOW - timedelta(hours=9))
        (stop,) = running(dead, attempts=started, stall_alerted=True)
        assert isinstance(stop, StopAttempt)
        assert stop.outcome is Outcome.STALLED

    def test_a_build_without_an_open_attempt_is_left_alone(self) -> None:
        ended = RunStatus(state=RunState.ENDED, ending=an_ending(Outcome.PASSED))
        assert list(running(ended, attempts=())) == []
        assert list(running(ended, attempts=(failed_attempt(1),))) == []

    def test_an_attempt_that_the_runner_does_not_speak_of_is_left_alone(self) -> None:
        task, other = a_task(), a_task("Other")
        snapshot = a_snapshot(task, other, builds=(a_build(task), a_build(other, attempts=(an_attempt(id="b1"),))))
        actions = plan(snapshot, a_moment(runs={"b1": RunStatus(state=RunState.LOST)})).actions
        assert [(type(a), a.label) for a in actions] == [(Settle, "other")]

    def test_what_the_owner_did_to_the_entry_decides_about_an_attempt_that_failed(self) -> None:
        task = a_task()
        build = a_build(task)
        failed = RunStatus(state=RunState.ENDED, ending=an_ending(Outcome.CHECKS_FAILED))
        (settle,) = plan(a_snapshot(builds=(build,)), a_moment(runs={"a1": failed})).actions
        assert isinstance(settle, Settle)
        assert (settle.decision.event, settle.decision.retry_at) == (Event.CANCELLED, None)
        assert settle.decision.reason == "its entry was removed from the queue (it was checks-failed)"
        moved = replace(task, section=Section.COMPLETED, checked=True)
        (settle,) = plan(a_snapshot(moved, builds=(build,)), a_moment(runs={"a1": failed})).actions
        assert isinstance(settle, Settle)
        assert settle.decision.event is Event.COMPLETED
        passed = RunStatus(state=RunState.ENDED, ending=an_ending(Outcome.PASSED))
        (settle,) = plan(a_snapshot(moved, builds=(build,)), a_moment(runs={"a1": passed})).actions
        assert isinstance(settle, Settle)
        assert settle.decision.event is Event.DONE, "work that passed is never thrown away"

    def test_moved_to_completed_while_it_runs_stops_it(self) -> None:
        task = a_task()
        moved = replace(task, section=Section.COMPLETED, checked=True)
        status = RunStatus(state=RunState.RUNNING, pid=7, active_at=NOW)
        build = a_build(task, attempts=(an_attempt(pid=7),))
        (stop,) = plan(a_snapshot(moved, builds=(build,)), a_moment(runs={"a1": status})).actions
        assert isinstance(stop, StopAttempt)
        assert (stop.outcome, stop.reason) == (Outcome.STOPPED, "its entry was moved to Completed by hand")
        assert plan(a_snapshot(builds=(build,)), a_moment(runs={"a1": status})).actions == (), "a removed entry lets its attempt end"


class TestProposals:
    passed = failed_attempt(1, Outcome.PASSED, branch="autobuilds/fix-the-clock", base_commit="c0ffee", head_commit="beef")

    def proposed(self, **changes) -> list[str]:
        finished = a_build(a_task(), BuildState.REVIEW, deliver=DeliverMode.PR, attempts=(self.passed,))
        build = replace(finished, **changes)
        moved = a_task(section=Section.COMPLETED, checked=True)
        actions = plan(a_snapshot(moved, builds=(build,)), a_moment()).actions
        assert all(isinstance(action, Propose) for action in actions)
        return [action.label for action in actions]

    def test_finished_work_that_is_delivered_by_a_pull_request_is_proposed(self) -> None:
        assert self.proposed() == ["fix-the-clock"]

    @pytest.mark.parametrize(
        "attempt",
        [
            replace(passed, pull_request="https://forge.example/1"),
            replace(passed, outcome=Outcome.CHECKS_FAILED),
            replace(passed, branch=None),
            replace(passed, head_commit=None),
            replace(passed, head_commit="c0ffee"),
        ],
        ids=["proposed before", "not passed", "no branch", "no commit", "no change"],
    )
    def test_what_can_not_be_proposed(self, attempt: Attempt) -> None:
        assert self.proposed(attempts=(attempt,)) == []

    def test_what_is_not_asked_for(self) -> None:
        assert self.proposed(deliver=DeliverMode.REVIEW) == []
        assert self.proposed(attempts=()) == []
        assert self.proposed(state=BuildState.COMPLETED) == []


class TestTidy:
    def only(self, task, **moment):
        return [type(a) for a in plan(a_snapshot(task), a_moment(**moment)).actions]

    def test_missing_time_is_filled_in_before_anything_starts(self) -> None:
        assert self.only(a_task(added=None)) == [FillAdded]

    def test_a_ticked_entry_is_completed(self) -> None:
        assert self.only(a_task(checked=True, added=None)) == [CompleteByHand]

    def test_an_entry_with_an_error_is_not_touched(self) -> None:
        assert self.only(a_task(checked=True, added=None, problems=(ERROR,))) == []

    def test_approvals_typed_by_hand_are_bound_to_the_text(self) -> None:
        task = a_task(approved=True)
        (record,) = plan(a_snapshot(task), a_moment(hand_approved=frozenset({task.label}))).actions
        assert isinstance(record, RecordApproval)
        assert (record.approval.fingerprint, record.approval.how) == (fingerprint(task), "hand")
        assert self.only(task) == [Start], "an untrusted yes is neither recorded nor in the way of a task that needs none"

    def test_approvals_without_their_line_are_dropped(self) -> None:
        task = a_task()
        approval = Approval(label=task.label, fingerprint=fingerprint(task), by="x", at=NOW)
        snapshot = a_snapshot(task, ledger=Ledger(approvals=(approval,)))
        assert [type(a) for a in plan(snapshot, a_moment()).actions] == [DropApproval]
        gone = a_snapshot(ledger=Ledger(approvals=(approval,)))
        assert [type(a) for a in plan(gone, a_moment()).actions] == [DropApproval]
        kept = a_snapshot(replace(task, approved=True), ledger=Ledger(approvals=(approval,)))
        assert [type(a) for a in plan(kept, a_moment()).actions] == [Start]

    @pytest.mark.parametrize("state", [BuildState.RETRYING, BuildState.ESCALATED])
    def test_a_build_whose_entry_the_owner_closed_ends(self, state: BuildState) -> None:
        task = a_task()
        build = a_build(task, state, retry_at=NOW)
        (removed,) = plan(a_snapshot(builds=(build,)), a_moment()).actions
        assert removed == Close(label=task.label, event=Event.CANCELLED, reason="its entry was removed from the queue")
        moved = replace(task, section=Section.COMPLETED, checked=True)
        (completed,) = plan(a_snapshot(moved, builds=(build,)), a_moment()).actions
        assert completed == Close(label=task.label, event=Event.COMPLETED, reason="its entry was moved to Completed by hand")

    @pytest.mark.parametrize("state", [BuildState.REVIEW, BuildState.COMPLETED, BuildState.CANCELLED])
    def test_a_build_that_has_ended_stays_as_it_is(self, state: BuildState) -> None:
        assert plan(a_snapshot(builds=(a_build(a_task(), state),)), a_moment()).actions == ()

    def test_only_the_newest_build_of_a_label_counts(self) -> None:
        earlier = a_build(a_task(), BuildState.ESCALATED)
        later = replace(earlier, state=BuildState.COMPLETED, created=NOW)
        assert plan(a_snapshot(builds=(earlier, later)), a_moment()).actions == ()


def test_a_running_build_is_not_assessed() -> None:
    task = a_task()
    found = plan(a_snapshot(task, builds=(a_build(task),)), a_moment(runs={"a1": RunStatus(state=RunState.RUNNING, pid=1)}))
    assert found.assessments == ()


def test_a_retry_starts_when_its_time_has_come() -> None:
    task = a_task()
    build = a_build(task, BuildState.RETRYING, retry_at=NOW)
    assert [type(a) for a in plan(a_snapshot(task, builds=(build,)), a_moment()).actions] == [Start]
