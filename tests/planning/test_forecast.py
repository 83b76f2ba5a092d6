"""The forecast: the same gates, moved along the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.build import Ledger
from autobuilds.domain.day import Context, Day, Word
from autobuilds.domain.model import Estimate, Priority
from autobuilds.domain.moment import RunState, RunStatus
from autobuilds.domain.times import after
from autobuilds.planning import forecast as module
from autobuilds.planning.forecast import UNKNOWN_LENGTH, forecast
from tests.builders import NOW, a_build, a_moment, a_snapshot, a_task, an_attempt

HOUR = Estimate(min_minutes=60, max_minutes=60)


def starts(found):
    return [(s.label, s.start) for s in found.slots]


def test_one_after_the_other_in_one_slot() -> None:
    found = forecast(a_snapshot(a_task("One", estimate=HOUR), a_task("Two", estimate=HOUR)), a_moment())
    assert starts(found) == [("one", NOW), ("two", NOW + timedelta(hours=1))]
    assert found.not_reached == ()


def test_a_dependency_starts_after_what_it_depends_on() -> None:
    found = forecast(a_snapshot(a_task("Two", depends_on=("one",)), a_task("One", estimate=HOUR)), a_moment())
    assert starts(found) == [("one", NOW), ("two", NOW + timedelta(hours=1))]


def test_medium_waits_for_off_hours_and_says_so_when_they_are_too_far() -> None:
    task = a_task(priority=Priority.MEDIUM, estimate=HOUR)
    assert starts(forecast(a_snapshot(task), a_moment())) == [(task.label, NOW.replace(hour=22))]
    short = forecast(a_snapshot(task), a_moment(), hours=3)
    assert short.slots == ()
    assert [a.label for a in short.not_reached] == [task.label]


def test_what_needs_the_owner_is_not_reached() -> None:
    found = forecast(a_snapshot(a_task(priority=Priority.LOW)), a_moment())
    assert found.slots == ()
    assert found.not_reached[0].obstacles[0].gate == "priority"


def test_a_running_build_holds_its_slot_until_its_estimated_end() -> None:
    busy, free = a_task("Busy", estimate=Estimate(min_minutes=120, max_minutes=120)), a_task("Free")
    build = a_build(busy, attempts=(an_attempt(pid=1),))
    moment = a_moment(runs={"a1": RunStatus(state=RunState.RUNNING, pid=1)})
    found = forecast(a_snapshot(busy, free, builds=(build,)), moment)
    assert [(s.label, s.running, s.start) for s in found.slots] == [
        ("busy", True, NOW - timedelta(hours=1)),
        ("free", False, NOW + timedelta(hours=1)),
    ]
    assert found.slots[1].guessed
    assert found.slots[1].end - found.slots[1].start == UNKNOWN_LENGTH


def test_an_overdue_build_is_taken_to_end_soon() -> None:
    busy = a_task("Busy", estimate=Estimate(min_minutes=1, max_minutes=1))
    found = forecast(a_snapshot(busy, builds=(a_build(busy),)), a_moment())
    assert found.slots[0].end > NOW


def test_the_hour_that_comes_twice_is_gone_through_in_its_order() -> None:
    """One build of an hour after the other; by the clock on the wall the second would begin before the first has begun."""
    now = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    tasks = [a_task(name, estimate=HOUR) for name in ("One", "Two", "Three")]
    found = forecast(a_snapshot(*tasks), a_moment(now=now), 6)
    assert starts(found) == [("one", now), ("two", after(now, timedelta(hours=1))), ("three", after(now, timedelta(hours=2)))]


def test_it_gives_up_after_many_steps_and_says_what_it_did_not_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STEPS", 2)
    minute = Estimate(min_minutes=1, max_minutes=1)
    found = forecast(a_snapshot(*(a_task(name, estimate=minute) for name in ("One", "Two", "Three", "Four"))), a_moment())
    assert starts(found) == [("one", NOW), ("two", NOW + timedelta(minutes=1))]
    assert [a.label for a in found.not_reached] == ["three", "four"]


def test_a_word_given_on_a_clock_that_was_set_back_holds_from_now_on() -> None:
    day = Day(word=Word(context=Context.AWAY, since=NOW + timedelta(hours=2)))
    found = forecast(a_snapshot(ledger=Ledger(day=day)), a_moment(), hours=24)
    assert [span.context for span in found.spans] == [Context.AWAY]
