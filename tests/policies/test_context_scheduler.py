"""The answers of `autobuilds context`: what it is and changes, the day so far, what comes next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from autobuilds.domain.context import with_word
from autobuilds.domain.day import Busy, Context, Day, Night, Source, Word
from autobuilds.domain.manner import Intensity
from autobuilds.domain.moment import Moment
from autobuilds.domain.settings import Settings
from autobuilds.policies.context_scheduler import detect, summary, turned, upcoming

#: A Friday.
NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SETTINGS = Settings(max_concurrent={"default": 1, "sleeping": 3})


def moment(now: datetime = NOON, *busy: Busy, fault: str | None = None) -> Moment:
    return Moment(now=now, busy=busy, calendar_fault=fault)


def test_what_it_is_and_what_it_changes() -> None:
    found = detect(SETTINGS, None, moment(fault="me.ics is gone"))
    assert (found.answer.context, found.answer.source) == (Context.WORKING, Source.TIMETABLE)
    assert (found.slots, found.night, found.intensity, found.interrupt) == (1, False, Intensity.LIGHT, False)
    assert [(w.window.name, w.open) for w in found.windows] == [
        ("quick-win", False),
        ("overnight", False),
        ("work-hours", True),
        ("weekend", False),
    ]
    assert found.calendar_fault == "me.ics is gone"


def test_a_word_changes_all_of_it() -> None:
    found = detect(SETTINGS, Day(word=Word(context=Context.SLEEPING, since=NOON, until=NOON + HOUR)), moment())
    assert (found.answer.source, found.slots, found.intensity, found.interrupt) == (Source.WORD, 3, Intensity.FULL, False)
    assert {w.window.name for w in found.windows if w.open} == {"overnight", "work-hours"}
    assert {w.window.name: w.until for w in found.windows}["overnight"] == NOON + HOUR


def test_a_session_has_slots_of_its_own() -> None:
    found = detect(SETTINGS, Day(night=Night(id="n", started=NOON - HOUR, ends=NOON + HOUR)), moment())
    assert (found.slots, found.night) == (3, True)


def test_what_it_is_began_where_a_word_was_taken_back() -> None:
    day = with_word(with_word(Day(), Word(context=Context.AWAY, since=NOON), NOON), None, NOON + HOUR)
    assert detect(SETTINGS, day, moment(NOON + 2 * HOUR)).answer.since == NOON + HOUR
    assert detect(SETTINGS, day, moment(NOON + 6 * HOUR)).answer.since == NOON + 5 * HOUR


def test_the_day_so_far() -> None:
    day = with_word(Day(), Word(context=Context.AWAY, since=NOON - HOUR, until=NOON + 10 * HOUR), NOON - HOUR)
    day = with_word(day, None, NOON)
    busy = Busy(start=NOON - 3 * HOUR, end=NOON - 2 * HOUR, context=Context.AVAILABLE, summary="Coffee")
    found = summary(SETTINGS, day, moment(NOON + HOUR, busy))
    assert [(f"{p.start:%H:%M}", f"{p.end:%H:%M}", p.context, p.why) for p in found.parts] == [
        ("00:00", "07:00", Context.SLEEPING, "sleeping: 23:00-07:00"),
        ("07:00", "09:00", Context.AWAY, "no line of your timetable covers this time"),
        ("09:00", "10:00", Context.AVAILABLE, "Coffee"),
        ("10:00", "11:00", Context.WORKING, "working: Mon-Fri 09:00-17:00"),
        ("11:00", "12:00", Context.AWAY, "you said so"),
        ("12:00", "13:00", Context.WORKING, "working: Mon-Fri 09:00-17:00"),
    ]
    assert found.totals == (
        (Context.SLEEPING, 7 * HOUR),
        (Context.AWAY, 3 * HOUR),
        (Context.WORKING, 2 * HOUR),
        (Context.AVAILABLE, HOUR),
    )


def test_a_word_given_on_a_clock_that_was_set_back_is_part_of_no_past() -> None:
    day = Day(word=Word(context=Context.AWAY, since=NOON + HOUR))
    assert detect(SETTINGS, day, moment()).answer.context is Context.AWAY
    assert summary(SETTINGS, day, moment()).parts[-1].context is Context.WORKING
    assert upcoming(SETTINGS, day, moment(), 24) == (), "it holds, without an end"


def test_a_day_of_25_hours_adds_up_and_a_day_that_begins_is_empty() -> None:
    zone = ZoneInfo("Europe/Berlin")
    evening = datetime(2026, 10, 25, 23, tzinfo=zone)
    found = summary(SETTINGS, None, moment(evening))
    assert sum((spent for _, spent in found.totals), timedelta()) == 24 * HOUR
    assert dict(found.totals)[Context.SLEEPING] == 8 * HOUR
    assert summary(SETTINGS, None, moment(datetime(2026, 10, 25, tzinfo=zone))).parts == ()


def test_what_comes_next() -> None:
    busy = Busy(start=NOON + HOUR, end=NOON + 2 * HOUR, context=Context.AWAY, summary="Dentist")
    found = upcoming(SETTINGS, None, moment(NOON, busy), 12)
    assert [(f"{a.change.at:%H:%M}", a.change.after, a.slots, a.intensity, a.interrupt, a.windows) for a in found] == [
        ("13:00", Context.AWAY, 1, Intensity.FULL, False, ("overnight", "work-hours")),
        ("14:00", Context.WORKING, 1, Intensity.LIGHT, False, ("work-hours",)),
        ("17:00", Context.AWAY, 1, Intensity.FULL, False, ()),
        ("19:00", Context.AVAILABLE, 1, Intensity.LIGHT, True, ("quick-win",)),
        ("23:00", Context.SLEEPING, 3, Intensity.FULL, False, ("overnight",)),
    ]
    assert upcoming(SETTINGS, Day(word=Word(context=Context.AWAY, since=NOON)), moment(), 200) == ()


def test_a_change_is_one_against_what_was_told_last() -> None:
    assert turned(SETTINGS, None, moment()) is not None
    assert turned(SETTINGS, Day(context=Context.WORKING), moment()) is None
    found = turned(SETTINGS, Day(context=Context.SLEEPING), moment())
    assert found is not None
    assert found.context is Context.WORKING
