"""The hours that are free of a weekend: in real time, without what sleeps, is busy or was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.day import TIMETABLE, Busy, Context, Word
from autobuilds.domain.week import parse_span
from autobuilds.domain.weekend import FreeTime, Rate, Record, Step, free_time, weekend_of, weekend_window
from autobuilds.domain.windows import WINDOWS, DayWindow

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 2, 6, 18, tzinfo=BERLIN)
WEEKEND = weekend_window(WINDOWS)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def busy(start: str, end: str, context: Context = Context.AWAY) -> Busy:
    return Busy(start=at(start), end=at(end), context=context, summary="Brunch")


def spans(free: FreeTime) -> list[str]:
    return [f"{s.start:%a %H:%M}-{s.end:%a %H:%M}" for s in free.free]


def window(text: str) -> DayWindow:
    span = parse_span(text)
    assert span is not None
    return DayWindow(name="weekend", span=span, least=480, most=720)


def test_the_hours_of_two_days_without_the_nights() -> None:
    free = free_time(FRIDAY, WEEKEND, None, (), TIMETABLE)
    assert (free.id, free.minutes, free.taken) == ("2026-02-07", 32 * 60, ())
    assert spans(free) == ["Sat 07:00-Sat 23:00", "Sun 07:00-Sun 23:00"]
    assert (free.starts, free.ends) == (at("2026-02-07 00:00"), at("2026-02-09 00:00"))


def test_what_the_calendar_takes() -> None:
    events = (busy("2026-02-07 10:00", "2026-02-07 12:30"), busy("2026-02-08 00:00", "2026-02-09 00:00"))
    free = free_time(FRIDAY, WEEKEND, None, events, TIMETABLE)
    assert spans(free) == ["Sat 07:00-Sat 10:00", "Sat 12:30-Sat 23:00"]
    assert [(f"{t.start:%a %H:%M}-{t.end:%a %H:%M}", t.why) for t in free.taken] == [
        ("Sat 10:00-Sat 12:30", "Brunch"),
        ("Sun 00:00-Mon 00:00", "Brunch"),
    ]
    assert free.minutes == 13 * 60 + 30


def test_what_the_owners_word_takes_or_gives() -> None:
    away = Word(context=Context.AWAY, since=at("2026-02-06 17:00"), until=at("2026-02-08 12:00"))
    assert spans(free_time(FRIDAY, WEEKEND, away, (), TIMETABLE)) == ["Sun 12:00-Sun 23:00"]
    there = Word(context=Context.AVAILABLE, since=at("2026-02-06 17:00"))
    everything = free_time(FRIDAY, WEEKEND, there, (busy("2026-02-07 10:00", "2026-02-07 12:00"),), TIMETABLE)
    assert everything.minutes == 48 * 60


def test_a_timetable_without_a_weekend_leaves_the_window() -> None:
    free = free_time(FRIDAY, WEEKEND, None, (), TIMETABLE[:2])
    assert free.minutes == 32 * 60


@pytest.mark.parametrize(
    ("now", "expected", "minutes"),
    [
        ("2026-02-07 22:00", "2026-02-07", 17 * 60),
        ("2026-02-08 22:59", "2026-02-07", 1),
        ("2026-02-08 23:30", "2026-02-07", 0),
        ("2026-02-09 00:00", "2026-02-14", 32 * 60),
        ("2026-02-04 12:00", "2026-02-07", 32 * 60),
    ],
)
def test_the_weekend_that_is_or_comes(now: str, expected: str, minutes: int) -> None:
    free = free_time(at(now), WEEKEND, None, (), TIMETABLE)
    assert (free.id, free.minutes) == (expected, minutes)


@pytest.mark.parametrize(("friday", "hours"), [("2026-03-27 18:00", 47), ("2026-10-23 18:00", 49), ("2026-02-06 18:00", 48)])
def test_hours_are_real_where_clocks_change(friday: str, hours: int) -> None:
    free = free_time(at(friday), WEEKEND, None, (), ())
    assert free.minutes == hours * 60
    assert len(free.free) == 1


def test_windows_of_some_hours_and_over_midnight() -> None:
    assert spans(free_time(FRIDAY, window("Sat, Sun 10:00-18:00"), None, (), TIMETABLE)) == ["Sat 10:00-Sat 18:00", "Sun 10:00-Sun 18:00"]
    assert spans(free_time(FRIDAY, window("Fri, Sat 20:00-02:00"), None, (), ())) == ["Fri 20:00-Sat 02:00", "Sat 20:00-Sun 02:00"]
    whole = free_time(at("2026-02-05 12:00"), window("00:00-24:00"), None, (), TIMETABLE)
    assert (whole.id, whole.minutes) == ("2026-02-07", 32 * 60), "a window of every day means its weekend"


def test_to_which_weekend_a_moment_belongs() -> None:
    assert weekend_of(at("2026-02-08 23:59"), WEEKEND.span) == "2026-02-07"
    assert weekend_of(at("2026-02-09 00:00"), WEEKEND.span) is None


def test_the_packaged_window_where_the_owner_has_none() -> None:
    assert weekend_window(()) == WEEKEND
    mine = window("Fri-Sun 08:00-20:00")
    assert weekend_window((mine,)) is mine


def test_rates_by_category_however_it_is_written() -> None:
    record = Record(weekends={}, rates={"bug fixes": Rate(ended=3, finished=2), "": Rate(ended=1)})
    assert record.rate("Bug  Fixes") == Rate(ended=3, finished=2)
    assert (record.rate(None), record.rate("Docs")) == (Rate(ended=1), Rate())


def test_a_step_is_ready_when_nothing_is_missing() -> None:
    step = Step(label="a", name="A", minutes=60)
    assert step.ready
    assert not Step(label="a", name="A", minutes=60, missing=("a criterion",)).ready
    assert not Step(label="a", name="A", minutes=60, risks=("deploy",)).ready


@settings(max_examples=30)
@given(st.integers(0, 60 * 24 * 380), st.lists(st.tuples(st.integers(0, 96), st.integers(1, 40)), max_size=4))
def test_free_hours_never_overlap_each_other_or_an_event(start: int, events: list[tuple[int, int]]) -> None:
    now = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)).astimezone(BERLIN)
    bare = free_time(now, WEEKEND, None, (), TIMETABLE)
    taken = tuple(
        Busy(
            start=(bare.starts.astimezone(UTC) + timedelta(minutes=30 * a)).astimezone(BERLIN),
            end=(bare.starts.astimezone(UTC) + timedelta(minutes=30 * (a + b))).astimezone(BERLIN),
            context=Context.AWAY,
            summary="x",
        )
        for a, b in events
    )
    free = free_time(now, WEEKEND, None, taken, TIMETABLE)
    assert free.minutes <= bare.minutes
    ends = now.astimezone(UTC)
    for spell in free.free:
        low, high = spell.start.astimezone(UTC), spell.end.astimezone(UTC)
        assert ends <= low < high
        ends = high
        assert not any(event.start.astimezone(UTC) < high and low < event.end.astimezone(UTC) for event in taken)


def test_a_word_given_on_a_clock_that_was_set_back_takes_all_of_it() -> None:
    now = datetime(2026, 2, 7, 10, tzinfo=UTC)
    word = Word(context=Context.AWAY, since=now + timedelta(hours=5))
    assert free_time(now, weekend_window(WINDOWS), word, (), TIMETABLE).free == ()
