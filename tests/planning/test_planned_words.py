"""What a plan and a forecast hold in full: reasons, times and agents that go into records, and every task beyond the first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, BuildState, Outcome
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.model import Estimate, Priority, Section
from autobuilds.domain.moment import RunState, RunStatus
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Claim
from autobuilds.domain.verdicts import Verdict
from autobuilds.planning.decision import Alert, Close, Confirm, RecordApproval, Settle, StopAttempt, assess_all, plan, situate
from autobuilds.planning.forecast import forecast
from tests.builders import NOW, a_build, a_moment, a_snapshot, a_task, an_attempt, an_ending

HOUR = timedelta(hours=1)
RUNNING = RunStatus(state=RunState.RUNNING, pid=1, active_at=NOW)
BROKEN = Problem(file="BUILD_QUEUE.md", line=1, column=1, kind="bad-value", severity=Severity.ERROR, message="bad")


def run_of(status: RunStatus, **changes):
    task = a_task()
    return plan(a_snapshot(task, builds=(a_build(task, **changes),)), a_moment(runs={"a1": status})).actions


def test_every_build_is_looked_at_though_one_before_has_no_open_attempt() -> None:
    tasks = [a_task(name) for name in ("One", "Two", "Three")]
    builds = (
        a_build(tasks[0], attempts=()),
        a_build(tasks[1], attempts=(replace(an_attempt(1), ended=NOW, outcome=Outcome.PASSED),)),
        a_build(tasks[2], attempts=(an_attempt(3),)),
    )
    found = plan(a_snapshot(*tasks, builds=builds), a_moment(runs={"a3": RUNNING, "a1": RUNNING})).actions
    assert [(type(one), one.label) for one in found] == [(Confirm, "three")]


@pytest.mark.parametrize(
    ("state", "outcome", "reason"),
    [
        (RunState.NOT_STARTED, Outcome.NOT_STARTED, "it was recorded, but a crash came before its start"),
        (RunState.LOST, Outcome.LOST, "its supervisor is gone without a record (a reboot, or it was killed)"),
    ],
)
def test_what_ends_without_a_record_says_so(state: RunState, outcome: Outcome, reason: str) -> None:
    (settle,) = run_of(RunStatus(state=state))
    assert isinstance(settle, Settle)
    assert (settle.ending.outcome, settle.ending.reason, settle.ending.ended) == (outcome, reason, NOW)


def test_a_removed_entry_is_the_reason_with_that_of_the_attempt_behind_it() -> None:
    ended = RunStatus(state=RunState.ENDED, ending=an_ending(Outcome.CHECKS_FAILED))
    build = a_build(a_task())
    (settle,) = plan(a_snapshot(builds=(build,)), a_moment(runs={"a1": ended})).actions
    assert settle.decision.event is Event.CANCELLED
    assert settle.decision.reason == "its entry was removed from the queue (it was checks-failed)"


def test_an_attempt_that_runs_is_confirmed_and_stopped_for_its_reason() -> None:
    silent = replace(RUNNING, active_at=NOW - timedelta(days=2))
    found = run_of(silent, attempts=(an_attempt(started=NOW - timedelta(days=3)),))
    assert [type(one) for one in found] == [Confirm, StopAttempt]
    assert found[1].outcome is Outcome.STALLED
    assert found[1].reason == "no output, no progress and no CPU use for twice stall_after"
    done = a_task(section=Section.COMPLETED)
    stopped = plan(a_snapshot(done, builds=(a_build(done, attempts=(an_attempt(pid=1),)),)), a_moment(runs={"a1": silent})).actions
    assert [(type(one), one.outcome, one.reason) for one in stopped] == [
        (StopAttempt, Outcome.STOPPED, "its entry was moved to Completed by hand")
    ]


def test_an_alert_is_given_once() -> None:
    silent = replace(RUNNING, active_at=NOW - Settings().stall_after)
    attempt = an_attempt(pid=1, started=NOW - timedelta(days=1))
    assert [type(one) for one in run_of(silent, attempts=(attempt,))] == [Alert]
    assert run_of(silent, attempts=(attempt,), stall_alerted=True) == ()


def test_a_process_that_is_known_is_not_confirmed_again() -> None:
    assert run_of(RUNNING, attempts=(an_attempt(pid=1),)) == ()
    assert run_of(replace(RUNNING, pid=None)) == ()


@pytest.mark.parametrize(
    ("tasks", "event", "reason"),
    [
        ((), Event.CANCELLED, "its entry was removed from the queue"),
        ((a_task(section=Section.COMPLETED),), Event.COMPLETED, "its entry was moved to Completed by hand"),
    ],
)
def test_a_build_that_would_be_tried_again_is_closed_by_hand(tasks, event: Event, reason: str) -> None:
    build = a_build(a_task(), BuildState.RETRYING, retry_at=NOW)
    assert plan(a_snapshot(*tasks, builds=(build,)), a_moment()).actions == (Close(label="fix-the-clock", event=event, reason=reason),)


def test_an_approval_typed_by_hand_is_recorded_with_its_text_and_time() -> None:
    task, other = a_task(approved=True), a_task("Other", approved=True)
    (record,) = plan(a_snapshot(task, other), a_moment(hand_approved=frozenset({task.label}))).actions
    assert record == RecordApproval(
        label=task.label, approval=Approval(label=task.label, fingerprint=fingerprint(task), by="owner", at=NOW, how="hand")
    )


def test_each_of_several_tasks_is_put_in_order() -> None:
    ticked, new = a_task("One", checked=True), a_task("Two", added=None)
    wrong = a_task("Three", added=None, checked=True, problems=(BROKEN,))
    found = plan(a_snapshot(ticked, wrong, new), a_moment()).actions
    assert [(type(one).__name__, one.label) for one in found] == [("CompleteByHand", "one"), ("FillAdded", "two")]


def test_a_start_claims_its_paths_and_its_repository_from_those_behind_it() -> None:
    one, two = a_task("One", touches=("src/a.py",)), a_task("Two", touches=("src/a.py",))
    far = a_task("Three", touches=("src/a.py",), repository="../other")
    assessments, starts = assess_all(a_snapshot(one, two, far, settings=Settings(max_concurrent={"default": 9})), a_moment())
    assert [start.label for start in starts] == ["one", "three"]
    assert [found.label for found in assessments] == ["one", "two", "three"]
    assert assessments[1].obstacles[0].reason == "one starts first and touches src/a.py too"


def test_a_running_build_claims_what_its_entry_says() -> None:
    busy = a_task("Busy", touches=("src/a.py",), repository="../other")
    gone = a_build(a_task("Gone"), attempts=(an_attempt(7),))
    free = a_task("Free")
    found = situate(free, a_snapshot(busy, free, builds=(a_build(busy), gone)), a_moment())
    assert found.claims == (
        Claim(label="busy", name="Busy", repository="../other", touches=("src/a.py",), running=True),
        Claim(label="gone", name="Gone", repository=".", touches=(), running=True),
    )
    assert (found.slots_taken, found.at_once) == (2, False)


def test_a_running_build_is_passed_over_and_those_behind_it_are_assessed() -> None:
    busy, free = a_task("Busy"), a_task("Free")
    assessments, starts = assess_all(a_snapshot(busy, free, builds=(a_build(busy),)), a_moment())
    assert [found.label for found in assessments] == ["free"]
    assert starts == ()
    assert assessments[0].verdict is Verdict.WAIT


class TestForecast:
    def slots(self, *tasks, builds=(), now: datetime = NOW, hours: int = 12, **settings):
        found = forecast(a_snapshot(*tasks, builds=builds, settings=Settings(**settings)), a_moment(now=now), hours)
        return [(s.label, s.start, s.end, s.running, s.guessed) for s in found.slots]

    def test_a_slot_says_how_long_and_how_sure(self) -> None:
        known = a_task("Known", estimate=Estimate(min_minutes=10, max_minutes=90))
        assert self.slots(known, a_task("Guess")) == [
            ("known", NOW, NOW + timedelta(minutes=90), False, False),
            ("guess", NOW + timedelta(minutes=90), NOW + timedelta(minutes=150), False, True),
        ]

    def test_a_running_build_ends_after_its_estimate_or_the_next_doubling_of_it(self) -> None:
        busy = a_task("Busy", estimate=Estimate(min_minutes=10, max_minutes=10))
        build = a_build(busy, created=NOW - 9 * HOUR)
        assert self.slots(busy, builds=(build,)) == [("busy", NOW - HOUR, NOW + timedelta(minutes=20), True, False)]
        assert self.slots(busy, builds=(replace(build, attempts=(), created=NOW),)) == [
            ("busy", NOW, NOW + timedelta(minutes=10), True, False)
        ]

    def test_the_horizon_is_no_longer_reached(self) -> None:
        tasks = [a_task(name, estimate=Estimate(min_minutes=60, max_minutes=60)) for name in ("One", "Two", "Three")]
        found = forecast(a_snapshot(*tasks), a_moment(), 2)
        assert [slot.label for slot in found.slots] == ["one", "two"]
        assert (found.start, found.end) == (NOW, NOW + 2 * HOUR)
        assert [one.label for one in found.not_reached] == ["three"]

    def test_twelve_hours_are_looked_at_if_nobody_says_otherwise(self) -> None:
        assert forecast(a_snapshot(), a_moment()).end == NOW + 12 * HOUR

    def test_a_build_of_many_attempts_passes_with_its_last_one(self) -> None:
        busy, after = a_task("Busy"), a_task("After", depends_on=("busy",))
        tries = tuple(replace(an_attempt(n), ended=NOW, outcome=Outcome.CHECKS_FAILED) for n in (1, 2))
        build = a_build(busy, attempts=(*tries, an_attempt(3)))
        slots = self.slots(busy, after, builds=(build,), attempts_per_day=4)
        assert [slot[:2] for slot in slots] == [("busy", NOW - HOUR), ("after", NOW + HOUR)]
        assert [slot[0] for slot in self.slots(busy, after, builds=(build,), attempts_per_day=3)] == ["busy"]

    def test_slots_stand_in_the_order_of_their_start(self) -> None:
        night = a_task("Night", priority=Priority.MEDIUM)
        assert [slot[0] for slot in self.slots(night, a_task("Day"))] == ["day", "night"]

    def test_two_at_a_time_where_there_are_two_slots(self) -> None:
        hour = Estimate(min_minutes=60, max_minutes=60)
        tasks = [a_task(name, estimate=hour) for name in ("One", "Two", "Three")]
        assert [slot[1] for slot in self.slots(*tasks, max_concurrent={"default": 2})] == [NOW, NOW, NOW + HOUR]

    def test_two_that_end_together_end_both(self) -> None:
        hour = Estimate(min_minutes=60, max_minutes=60)
        tasks = [a_task(name, estimate=hour) for name in ("One", "Two")]
        last = a_task("Last", depends_on=("one", "two"))
        found = forecast(a_snapshot(*tasks, last, settings=Settings(max_concurrent={"default": 2})), a_moment(), reviewed=True)
        assert [(slot.label, slot.start) for slot in found.slots][2:] == [("last", NOW + HOUR)]
