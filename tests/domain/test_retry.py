"""What follows a failure by its class, and how long an agent is held."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Attempt, Build, BuildState, Ledger, Outcome
from autobuilds.domain.holds import held
from autobuilds.domain.lifecycle import Event, new_tries
from autobuilds.domain.resets import MAX_AHEAD
from autobuilds.domain.retry import FIRST_WAIT, MAX_LIMITED, MAX_TOLD, MAX_WAIT, decide, limited_until
from autobuilds.domain.settings import Settings
from tests.builders import NOW, a_build, a_task, an_attempt, an_ending, failed_attempt

SETTINGS = Settings(retries=3, retry_delay=timedelta(minutes=5))
_F = FailureClass
_MINUTE = timedelta(minutes=1)


def _building(*past: tuple[Outcome, FailureClass | None]) -> Build:
    attempts = tuple(failed_attempt(n, outcome, failure=failure) for n, (outcome, failure) in enumerate(past, 1))
    return a_build(a_task(), attempts=(*attempts, an_attempt(len(past) + 1, agent="claude")))


@pytest.mark.parametrize(
    ("outcome", "failure", "event", "words"),
    [
        (Outcome.AGENT_FAILED, _F.AUTHENTICATION, Event.ESCALATED, "sign in to claude"),
        (Outcome.AGENT_FAILED, _F.BUDGET, Event.ESCALATED, "raise the limit"),
        (Outcome.AGENT_FAILED, _F.REFUSED, Event.ESCALATED, "reword the task"),
        (Outcome.BLOCKED, None, Event.ESCALATED, "what it was denied"),
        (Outcome.AGENT_FAILED, _F.NETWORK, Event.FAILED, ""),
        (Outcome.AGENT_FAILED, _F.CRASH, Event.FAILED, ""),
        (Outcome.AGENT_FAILED, None, Event.FAILED, ""),
        (Outcome.NO_CHANGE, None, Event.FAILED, ""),
        (Outcome.PASSED, None, Event.DONE, ""),
        (Outcome.STOPPED, _F.AUTHENTICATION, Event.ESCALATED, ""),
    ],
)
def test_each_class_has_its_policy(outcome: Outcome, failure: FailureClass | None, event: Event, words: str) -> None:
    decision = decide(_building(), an_ending(outcome, failure=failure), SETTINGS, NOW)
    assert decision.event is event
    assert words in decision.reason
    if words:
        assert "`autobuilds retry fix-the-clock`" in decision.reason
    assert decision.retry_at == (NOW + SETTINGS.retry_delay if event is Event.FAILED else None)


def test_a_usage_limit_waits_for_the_reset_that_was_told() -> None:
    limited = an_ending(Outcome.AGENT_FAILED, failure=_F.RATE_LIMIT, resets_at=NOW + timedelta(hours=3))
    decision = decide(_building(*[(Outcome.CHECKS_FAILED, None)] * 2), limited, SETTINGS, NOW)
    assert (decision.event, decision.retry_at) == (Event.FAILED, NOW + timedelta(hours=3) + _MINUTE)


@pytest.mark.parametrize("told", [None, NOW, NOW - timedelta(hours=1), NOW + MAX_AHEAD + timedelta(days=1)])
def test_without_a_reset_to_be_believed_it_backs_off(told: datetime | None) -> None:
    waits = []
    for row in range(8):
        past = [(Outcome.CHECKS_FAILED, None), *[(Outcome.AGENT_FAILED, _F.RATE_LIMIT)] * row]
        decision = decide(_building(*past), an_ending(Outcome.AGENT_FAILED, failure=_F.RATE_LIMIT, resets_at=told), SETTINGS, NOW)
        assert decision.event is Event.FAILED and decision.retry_at is not None
        waits.append((decision.retry_at - NOW) / _MINUTE)
    assert waits == [15, 30, 60, 120, 240, 300, 300, 300]


def test_usage_limits_cost_no_try_but_not_for_ever() -> None:
    limited = an_ending(Outcome.AGENT_FAILED, failure=_F.RATE_LIMIT)
    worn = _building(*[(Outcome.AGENT_FAILED, _F.RATE_LIMIT)] * MAX_LIMITED)
    assert worn.tries_used == 0
    assert decide(worn, limited, SETTINGS, NOW).event is Event.ESCALATED
    assert decide(replace(worn, counted_from=MAX_LIMITED), limited, SETTINGS, NOW).event is Event.FAILED
    after = decide(worn, an_ending(Outcome.CHECKS_FAILED), SETTINGS, NOW)
    assert after.event is Event.FAILED


def test_a_run_without_a_change_is_retried_once() -> None:
    nothing = an_ending(Outcome.NO_CHANGE)
    assert decide(_building((Outcome.CHECKS_FAILED, None)), nothing, Settings(retries=9), NOW).event is Event.FAILED
    again = decide(_building((Outcome.NO_CHANGE, None)), nothing, Settings(retries=9), NOW)
    assert again.event is Event.ESCALATED
    assert "it was no-change" in again.reason


@given(st.integers(-5, 60), st.none() | st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_the_wait_is_bounded(row: int, ahead: timedelta | None) -> None:
    until = limited_until(None if ahead is None else NOW + ahead, NOW, row)
    assert _MINUTE < until - NOW <= MAX_TOLD + _MINUTE
    if ahead is None or ahead <= timedelta():
        assert FIRST_WAIT <= until - NOW <= MAX_WAIT


def _ended(number: int, minutes: int, outcome: Outcome = Outcome.AGENT_FAILED, **changes: object) -> Attempt:
    """Return an attempt of claude that ended so many minutes before NOW."""
    return failed_attempt(number, outcome, **{"agent": "claude", "id": f"a{number}-{minutes}", "ended": NOW - minutes * _MINUTE, **changes})


def _ledger(*builds: tuple[BuildState, tuple[Attempt, ...]]) -> Ledger:
    return Ledger(builds=tuple(a_build(a_task(f"Task {n}"), state, attempts=made) for n, (state, made) in enumerate(builds, 1)))


_RETRYING, _ESCALATED = BuildState.RETRYING, BuildState.ESCALATED


class TestHolds:
    def test_nothing_is_known(self) -> None:
        assert held(Ledger(), "claude", NOW) is None
        assert held(_ledger((BuildState.BUILDING, (an_attempt(agent="claude"),))), "claude", NOW) is None

    def test_a_usage_limit_holds_until_its_reset(self) -> None:
        ledger = _ledger((_RETRYING, (_ended(1, 10, failure=_F.RATE_LIMIT, resets_at=NOW + timedelta(hours=1)),)))
        hold = held(ledger, "claude", NOW)
        assert hold is not None
        assert (hold.until, hold.label) == (NOW + timedelta(hours=1) + _MINUTE, "task-1")
        assert held(ledger, "claude", NOW + timedelta(hours=1) + _MINUTE) is None
        assert held(ledger, "codex", NOW) is None

    def test_a_reset_a_month_ahead_is_asked_for_again_after_a_week(self) -> None:
        ledger = _ledger((_RETRYING, (_ended(1, 0, failure=_F.RATE_LIMIT, resets_at=NOW + timedelta(days=31)),)))
        hold = held(ledger, "claude", NOW)
        assert hold is not None and hold.until == NOW + MAX_TOLD + _MINUTE
        assert held(ledger, "claude", hold.until) is None

    def test_the_owners_retry_ends_a_limit_that_was_told(self) -> None:
        limited = _ended(1, 10, failure=_F.RATE_LIMIT, resets_at=NOW + timedelta(days=3))
        ledger = _ledger((_RETRYING, (limited,)))
        assert held(ledger, "claude", NOW) is not None
        assert held(ledger.with_build(new_tries(ledger.builds[0])), "claude", NOW) is None

    def test_a_limit_written_by_a_clock_that_was_ahead_holds_nothing(self) -> None:
        wrong = NOW + timedelta(days=400)
        limited = _ended(1, 0, failure=_F.RATE_LIMIT, ended=wrong, resets_at=wrong + timedelta(hours=2))
        assert held(_ledger((_RETRYING, (limited,))), "claude", NOW) is None

    def test_an_unknown_reset_holds_as_long_as_the_retry_waits(self) -> None:
        first, second = (_ended(n, 10 - n, failure=_F.RATE_LIMIT) for n in (1, 2))
        hold = held(_ledger((_RETRYING, (first, second))), "claude", NOW)
        assert hold is not None and hold.until == NOW - 8 * _MINUTE + timedelta(minutes=30)

    def test_what_another_agent_does_in_the_build_shortens_no_hold(self) -> None:
        limited = [_ended(n, 10 - n, failure=_F.RATE_LIMIT) for n in (1, 2, 3)]
        until = NOW - 7 * _MINUTE + timedelta(hours=1)
        for other in (an_attempt(4, agent="codex"), _ended(4, 1, Outcome.CHECKS_FAILED, agent="codex")):
            hold = held(_ledger((BuildState.BUILDING, (*limited, other))), "claude", NOW)
            assert hold is not None and hold.until == until

    def test_an_ending_that_says_nothing_of_the_agent_shortens_no_hold(self) -> None:
        limited = [_ended(n, 10 - n, failure=_F.RATE_LIMIT) for n in (1, 2)]
        for said in ((Outcome.AGENT_FAILED, _F.NETWORK), (Outcome.LOST, None)):
            silent = _ended(3, 1, said[0], failure=said[1])
            hold = held(_ledger((_RETRYING, (*limited, silent))), "claude", NOW)
            assert hold is not None and hold.until == NOW - 8 * _MINUTE + timedelta(minutes=30)

    @pytest.mark.parametrize(
        ("outcome", "failure", "lifted"),
        [
            (Outcome.PASSED, None, True),
            (Outcome.CHECKS_FAILED, None, True),
            (Outcome.NO_CHANGE, None, True),
            (Outcome.AGENT_FAILED, _F.CRASH, True),
            (Outcome.AGENT_FAILED, _F.NETWORK, False),
            (Outcome.NOT_STARTED, None, False),
            (Outcome.STOPPED, None, False),
            (Outcome.LOST, None, False),
            (Outcome.TIMEOUT, None, False),
        ],
    )
    def test_only_what_says_something_lifts_it(self, outcome: Outcome, failure: FailureClass | None, lifted: bool) -> None:
        limited = _ended(1, 30, failure=_F.RATE_LIMIT, resets_at=NOW + timedelta(hours=1))
        ledger = _ledger((_RETRYING, (limited,)), (_RETRYING, (_ended(1, 5, outcome, failure=failure),)))
        assert (held(ledger, "claude", NOW) is None) is lifted

    def test_a_missing_sign_in_holds_for_the_owner(self) -> None:
        refused = _ended(1, 10, failure=_F.AUTHENTICATION)
        hold = held(_ledger((_ESCALATED, (refused,))), "claude", NOW + timedelta(days=100))
        assert hold is not None and hold.until is None and hold.label == "task-1"
        assert held(_ledger((_RETRYING, (refused,))), "claude", NOW) is None
        assert held(_ledger((BuildState.CANCELLED, (refused,))), "claude", NOW) is None
        assert held(_ledger((_ESCALATED, (refused,)), (_RETRYING, (_ended(1, 5, Outcome.PASSED),))), "claude", NOW) is None
