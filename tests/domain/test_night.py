"""The overnight session as values: when it is on, what it is called, what it allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain import night
from autobuilds.domain.day import Context, Day, Night, Phase
from autobuilds.domain.moment import Resources
from autobuilds.domain.settings import Settings, Window
from autobuilds.domain.times import elapsed
from autobuilds.policies.overnight_runner import is_over

BERLIN = ZoneInfo("Europe/Berlin")
EVENING = datetime(2026, 2, 6, 23, 0, tzinfo=UTC)
ONE = Night(id="2026-02-06", started=EVENING, ends=EVENING + timedelta(hours=8))
WINDOW = Window(start=time(23), end=time(7))


@pytest.mark.parametrize(
    ("changes", "hours", "on"),
    [
        ({}, 0, True),
        ({}, 7.99, True),
        ({}, 8, False),
        ({}, -2, True),
        ({}, -17, True),
        ({}, -19, False),
        ({"ended": EVENING}, 1, False),
    ],
)
def test_a_session_is_on_until_its_end_and_never_for_longer_than_the_longest_day(
    changes: dict[str, datetime], hours: float, on: bool
) -> None:
    day = Day(night=replace(ONE, **changes))
    assert night.is_on(day, EVENING + timedelta(hours=hours)) is on


def test_without_a_night_none_is_on() -> None:
    assert not night.is_on(None, EVENING)
    assert night.running(Day(), EVENING) is None
    assert night.unfinished(None) is None and night.unfinished(Day(night=replace(ONE, ended=EVENING))) is None
    assert night.unfinished(Day(night=ONE)) is ONE


def test_a_session_has_three_slots_or_more_where_the_context_has_more() -> None:
    settings = Settings(max_concurrent={"default": 1, "sleeping": 5})
    day = Day(night=ONE)
    assert night.slots(settings, None, Context.WORKING, EVENING) == 1
    assert night.slots(settings, day, Context.WORKING, EVENING) == 3
    assert night.slots(settings, day, Context.SLEEPING, EVENING) == 5
    assert night.slots(settings, day, None, EVENING + timedelta(hours=9)) == 1


def test_a_session_narrows_every_limit_to_the_throttle_and_widens_none() -> None:
    day = Day(night=ONE)
    assert night.limits(Settings(), None, EVENING) == night.Limits(disk=80, memory=90, load=4.0)
    assert night.limits(Settings(), day, EVENING) == night.Limits(disk=80, memory=80, load=0.8, night=True)
    narrow = Settings(disk_limit=50, load_limit=0.5)
    assert night.limits(narrow, day, EVENING) == night.Limits(disk=50, memory=80, load=0.5, night=True)


def test_what_is_over_is_named_and_what_is_not_measured_is_not() -> None:
    allowed = night.limits(Settings(), Day(night=ONE), EVENING)
    assert night.over(Resources(), allowed) == ()
    assert night.over(Resources(disk_percent=79.9, memory_percent=79.9, load_per_core=0.79), allowed) == ()
    assert night.over(Resources(disk_percent=80, memory_percent=80, load_per_core=0.8), allowed) == (
        "disk 80 % full (limit 80 %)",
        "memory 80 % used (limit 80 %)",
        "load 0.8 per core (limit 0.8)",
    )


def test_a_session_closes_with_its_window_and_a_whole_day_after_24_hours() -> None:
    assert night.closes(EVENING, WINDOW) == EVENING + timedelta(hours=8)
    assert night.closes(EVENING + timedelta(hours=10), WINDOW) is None
    assert night.closes(EVENING, Window(start=time(0), end=time(0))) == EVENING + timedelta(hours=24)


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 28), 7), ((2026, 10, 24), 9), ((2026, 10, 25), 8)])
def test_a_night_in_which_clocks_change_is_as_long_as_it_is(date: tuple[int, int, int], hours: int) -> None:
    now = datetime(*date, 23, 0, tzinfo=BERLIN)
    end = night.closes(now, WINDOW)
    assert end is not None and end.hour == 7
    assert elapsed(now, end) == timedelta(hours=hours)


def test_a_session_is_named_after_its_evening() -> None:
    assert night.identity(None, EVENING, WINDOW) == "2026-02-06"
    assert night.identity(None, EVENING + timedelta(hours=3), WINDOW) == "2026-02-06"
    assert night.identity(None, EVENING + timedelta(hours=9), WINDOW) == "2026-02-07"
    assert night.identity(None, EVENING, Window(start=time(9), end=time(17))) == "2026-02-06"


def test_a_further_session_of_an_evening_has_a_name_of_its_own() -> None:
    day = Day(night=ONE)
    assert night.identity(day, EVENING, WINDOW) == "2026-02-06-2"
    day = night.with_night(day, replace(ONE, id="2026-02-06-2"))
    assert night.identity(day, EVENING, WINDOW) == "2026-02-06-3"


def test_a_night_takes_the_place_of_the_one_of_its_name() -> None:
    first = night.with_night(Day(), ONE)
    assert first == Day(night=ONE)
    second = night.with_night(first, replace(ONE, id="2026-02-07"))
    assert [n.id for n in night.every(second)] == ["2026-02-06", "2026-02-07"]
    undone = night.with_night(second, replace(ONE, undone=EVENING))
    assert night.find(undone, "2026-02-06") == replace(ONE, undone=EVENING)
    ended = night.with_night(undone, replace(ONE, id="2026-02-07", ended=EVENING))
    assert ended.night is not None and ended.night.ended == EVENING
    assert night.find(ended, "2026-02-09") is None and night.every(None) == ()


def test_nights_of_long_ago_are_forgotten() -> None:
    day = Day()
    phases = (Phase(name="health", state="done", at=EVENING),)
    for number in range(17):
        day = night.with_night(day, replace(ONE, id=f"night-{number:02}", phases=phases))
    assert night.every(day)[0].id == "night-02" and len(night.every(day)) == 15
    assert [bool(n.phases) for n in night.every(day)] == [False] * 11 + [True] * 4
    later = night.with_night(day, replace(ONE, id="night-17"))
    assert [n.id for n in night.forgotten(night.every(day), later)] == ["night-02"]


def test_a_session_that_began_with_25_hours_ahead_is_on() -> None:
    """The clocks are put back: the same time of the next day is 25 hours away, and `--until` may name it."""
    began = datetime(2026, 10, 24, 20, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    for ends in (datetime(2026, 10, 25, 20, 0, tzinfo=began.tzinfo), night.closes(began, Window(start=time(0), end=time(0)))):
        assert ends is not None
        day = Day(night=Night(id="2026-10-24", started=began, ends=ends))
        assert night.is_on(day, began) and not is_over(day.night or Night(id="", started=began, ends=ends), began)
