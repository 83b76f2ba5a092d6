"""The table of legal moves, retry and stall decisions, approvals and labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, Build, BuildState, DeliverMode, Ledger, Outcome
from autobuilds.domain.lifecycle import MOVES, Event, IllegalMove, begin, legal, move, new_tries
from autobuilds.domain.model import Criterion, Section
from autobuilds.domain.retry import MAX_NOT_STARTED, decide
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import ApprovalState, approval_state, is_earlier_life
from autobuilds.domain.stall import Stall, stall
from tests.builders import NOW, a_build, a_moment, a_task, an_attempt, an_ending, failed_attempt


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", BuildState)
def test_a_move_is_in_the_table_or_refused(event: Event, state: BuildState) -> None:
    build = a_build(a_task(), state)
    if state in MOVES[event]:
        assert legal(build, event)
        moved = move(build, event, NOW, reason="because")
        assert (moved.state, moved.updated, moved.reason) == (MOVES[event][state], NOW, "because")
    else:
        assert not legal(build, event)
        with pytest.raises(IllegalMove, match=state.value):
            move(build, event, NOW)


def test_a_new_build_begins_with_its_attempt() -> None:
    task = a_task()
    build = begin(task, NOW, an_attempt(), DeliverMode.MERGE)
    assert (build.label, build.state, build.deliver, build.tries_used) == (task.label, BuildState.BUILDING, DeliverMode.MERGE, 0)
    assert build.is_active
    assert build.last == an_attempt()


def test_attempts_that_never_began_or_were_stopped_cost_no_try() -> None:
    outcomes = [Outcome.CHECKS_FAILED, Outcome.NOT_STARTED, Outcome.STOPPED, Outcome.LOST]
    build = replace(a_build(a_task()), attempts=tuple(failed_attempt(n, o) for n, o in enumerate(outcomes, 1)))
    assert build.tries_used == 2
    assert new_tries(build).tries_used == 0
    assert new_tries(build).fresh
    assert not new_tries(build, fresh=False).fresh


def test_an_attempt_is_replaced_by_its_id_or_appended() -> None:
    build = a_build(a_task())
    ended = replace(build.attempts[0], ended=NOW)
    assert build.with_attempt(ended).attempts == (ended,)
    assert build.with_attempt(an_attempt(2)).attempts == (*build.attempts, an_attempt(2))


def test_the_ledger_keeps_one_build_of_a_life_and_the_newest_of_a_label() -> None:
    build = a_build(a_task())
    ledger = Ledger().with_build(build).with_build(replace(build, state=BuildState.REVIEW))
    assert [b.state for b in ledger.builds] == [BuildState.REVIEW]
    later = replace(build, created=NOW)
    ledger = ledger.with_build(later)
    assert ledger.find(build.label) == later
    assert ledger.active == (later,)
    assert Ledger().find("x") is None


class TestRetry:
    settings = Settings(retries=3, retry_delay=timedelta(minutes=5))

    def building(self, *outcomes: Outcome) -> Build:
        past = tuple(failed_attempt(n, o) for n, o in enumerate(outcomes, 1))
        return a_build(a_task(), attempts=(*past, an_attempt(len(past) + 1)))

    def test_success(self) -> None:
        assert decide(self.building(), an_ending(Outcome.PASSED), self.settings, NOW).event is Event.DONE

    @pytest.mark.parametrize(
        "outcome",
        [Outcome.CHECKS_FAILED, Outcome.AGENT_FAILED, Outcome.TIMEOUT, Outcome.STALLED, Outcome.LOST, Outcome.REJECTED],
    )
    def test_failures_are_retried_until_the_tries_are_used_up(self, outcome: Outcome) -> None:
        first = decide(self.building(), an_ending(outcome), self.settings, NOW)
        assert (first.event, first.retry_at) == (Event.FAILED, NOW + timedelta(minutes=5))
        second = decide(self.building(outcome), an_ending(outcome), self.settings, NOW)
        assert second.event is Event.FAILED
        third = decide(self.building(outcome, outcome), an_ending(outcome), self.settings, NOW)
        assert (third.event, third.retry_at) == (Event.ESCALATED, None)
        assert "failed 3 times" in third.reason

    @pytest.mark.parametrize("outcome", [Outcome.SETUP, Outcome.OUT_OF_BOUNDS, Outcome.STOPPED])
    def test_what_a_retry_cannot_mend_escalates_at_once(self, outcome: Outcome) -> None:
        assert decide(self.building(), an_ending(outcome), self.settings, NOW).event is Event.ESCALATED

    def test_a_start_that_never_happened_costs_no_try_but_not_for_ever(self) -> None:
        again = decide(self.building(), an_ending(Outcome.NOT_STARTED), self.settings, NOW)
        assert (again.event, again.retry_at) == (Event.FAILED, NOW)
        worn = self.building(*[Outcome.NOT_STARTED] * MAX_NOT_STARTED)
        assert decide(worn, an_ending(Outcome.NOT_STARTED), self.settings, NOW).event is Event.ESCALATED
        assert decide(self.building(Outcome.NOT_STARTED), an_ending(Outcome.LOST), self.settings, NOW).event is Event.FAILED


@pytest.mark.parametrize(("hours", "expected"), [(3.99, Stall.NO), (4, Stall.ALERT), (7.99, Stall.ALERT), (8, Stall.STOP)])
def test_stall(hours: float, expected: Stall) -> None:
    sign = NOW - timedelta(hours=hours)
    assert stall(sign, NOW - timedelta(days=2), NOW, timedelta(hours=4)) is expected
    assert stall(None, sign, NOW, timedelta(hours=4)) is expected
    assert stall(sign, NOW, NOW, timedelta(hours=4)) is expected, "a sign before the start: the clock was set back since"


class TestApproval:
    def test_binds_what_is_built_and_nothing_else(self) -> None:
        task = a_task()
        for same in (
            replace(task, priority="low"),
            replace(task, estimate_text="x"),
            replace(task, source="a plan"),
            replace(task, description=task.description.replace(" ", "\n  ")),
        ):
            assert fingerprint(same) == fingerprint(task)
        changes = [
            {"name": "Other"},
            {"description": "Other"},
            {"criteria": (Criterion(text="Other"),)},
            {"criteria": ()},
            {"steps": "false"},
            {"repository": "../x"},
            {"agent": "claude"},
            {"base": "release"},
            {"notes": "and mail it"},
            {"role": "operator"},
            {"tech_stack": "curl"},
            {"deliverables": ("none",)},
            {"touches": ("/etc",)},
            {"category": "Bug fixes, merged at once"},
        ]
        prints = {fingerprint(replace(task, **c)) for c in changes}
        assert len(prints) == len(changes)
        assert fingerprint(task) not in prints

    def test_states(self) -> None:
        task = a_task(approved=True)
        right = Approval(label=task.label, fingerprint=fingerprint(task), by="x", at=NOW)
        label = frozenset({task.label})
        proven, typed, nothing = a_moment(proven=label), a_moment(hand_approved=label), a_moment()
        assert approval_state(task, right, proven) is ApprovalState.VALID
        assert approval_state(task, right, typed) is ApprovalState.UNPROVEN, "a line by hand proves nothing of what the ledger says"
        assert approval_state(task, replace(right, fingerprint="0"), proven) is ApprovalState.LAPSED
        assert approval_state(task, None, typed) is ApprovalState.VALID
        assert approval_state(task, None, proven) is ApprovalState.UNTRUSTED
        assert approval_state(task, None, replace(typed, doubted=label)) is ApprovalState.DOUBTED
        assert approval_state(replace(task, approved=False), right, proven) is ApprovalState.NONE
        assert approval_state(task, None, nothing) is ApprovalState.UNTRUSTED


def test_an_earlier_life_is_over_before_the_entry_was_added() -> None:
    done = a_build(a_task(), BuildState.COMPLETED)
    assert is_earlier_life(done, a_task(added=NOW))
    assert not is_earlier_life(done, a_task(added=None))
    assert not is_earlier_life(done, a_task(added=NOW - timedelta(days=1)))
    assert not is_earlier_life(a_build(a_task(), BuildState.BUILDING), a_task(added=NOW))
    assert not is_earlier_life(done, a_task(added=NOW, section=Section.COMPLETED))
