"""What contexts change: the windows that they open and close, and when those open next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from autobuilds.domain.context import context_at, stretches
from autobuilds.domain.day import TIMETABLE, Busy, Context, Source, Word
from autobuilds.domain.manner import AHEAD, MANNERS, Intensity, Opening, doing, opening, reopens, shift
from autobuilds.domain.week import window_named
from autobuilds.domain.windows import WINDOWS, DayWindow

#: A Friday.
NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(name: str) -> DayWindow:
    found = window_named(name, WINDOWS)
    assert found is not None
    return found


def stands(name: str, word: Word | None = None, now: datetime = NOON, busy: tuple[Busy, ...] = ()) -> tuple[Opening, datetime | None]:
    ahead = stretches(now, now + AHEAD, word, busy, TIMETABLE)
    found = opening(now, window(name), context_at(now, word, busy, TIMETABLE), ahead)
    return found, reopens(now, found, ahead)


def test_every_context_has_a_manner_of_known_windows() -> None:
    assert set(MANNERS) == set(Context)
    known = {w.name for w in WINDOWS}
    for manner in MANNERS.values():
        assert set(manner.opens) | set(manner.closes) <= known
        assert not set(manner.opens) & set(manner.closes)
    assert {c for c, manner in MANNERS.items() if manner.intensity is Intensity.LIGHT} == {Context.WORKING, Context.AVAILABLE}


@pytest.mark.parametrize(
    ("source", "name", "moved"),
    [
        (Source.WORD, "overnight", True),
        (Source.CALENDAR, "overnight", True),
        (Source.TIMETABLE, "overnight", None),
        (Source.DEFAULT, "overnight", None),
        (Source.WORD, "quick-win", False),
        (Source.WORD, "work-hours", None),
        (Source.WORD, "lunch", None),
    ],
)
def test_a_word_and_an_event_move_windows_the_timetable_does_not(source: Source, name: str, moved: bool | None) -> None:
    assert shift(Context.AWAY, source, name) is moved


def test_contexts_in_words() -> None:
    assert doing(Context.WORKING, Source.TIMETABLE) == "while working, by the timetable"
    assert doing(Context.WEEKEND, Source.WORD) == "on a weekend, by your word"


def test_a_window_by_its_hours() -> None:
    found, again = stands("work-hours")
    assert (found.open, found.by_clock, found.until, found.why) == (True, True, NOON + 5 * HOUR, "Mon-Fri 09:00-17:00")
    assert again == datetime(2026, 2, 9, 9, tzinfo=UTC)
    found, again = stands("overnight")
    assert (found.open, found.until, again) == (False, NOON + 11 * HOUR, NOON + 11 * HOUR)


def test_a_window_that_a_word_opens_closes_with_it_unless_its_own_hours_begin() -> None:
    found, again = stands("overnight", Word(context=Context.AWAY, since=NOON, until=NOON + 2 * HOUR))
    assert (found.open, found.by_clock, found.until, again) == (True, False, NOON + 2 * HOUR, NOON + 11 * HOUR)
    found, _ = stands("overnight", Word(context=Context.AWAY, since=NOON, until=NOON + 12 * HOUR))
    assert found.until == datetime(2026, 2, 7, 7, tzinfo=UTC)
    found, again = stands("overnight", Word(context=Context.AWAY, since=NOON))
    assert (found.open, found.until, again) == (True, None, None)


def test_a_window_that_a_word_closes_opens_with_its_end_where_its_hours_go_on() -> None:
    found, _ = stands("work-hours", Word(context=Context.WEEKEND, since=NOON, until=NOON + 2 * HOUR))
    assert (found.open, found.by_clock, found.until, found.why) == (False, False, NOON + 2 * HOUR, "on a weekend, by your word")
    found, _ = stands("work-hours", Word(context=Context.WEEKEND, since=NOON, until=NOON + 6 * HOUR))
    assert found.until == datetime(2026, 2, 9, 9, tzinfo=UTC)


def test_a_word_that_says_what_the_hours_say_moves_nothing() -> None:
    found, _ = stands("work-hours", Word(context=Context.WORKING, since=NOON, until=NOON + 7 * HOUR))
    assert (found.open, found.by_clock, found.until, found.why) == (True, True, NOON + 7 * HOUR, "Mon-Fri 09:00-17:00")
    found, _ = stands("overnight", Word(context=Context.WORKING, since=NOON, until=NOON + 12 * HOUR))
    assert (found.open, found.by_clock, found.until) == (False, True, NOON + 12 * HOUR)


def test_an_event_to_come_shortens_a_window() -> None:
    busy = (Busy(start=NOON + 8 * HOUR, end=NOON + 9 * HOUR, context=Context.WORKING, summary="Interview"),)
    found, again = stands("quick-win", busy=busy, now=NOON + 7 * HOUR)
    assert (found.open, found.until, again) == (True, NOON + 8 * HOUR, NOON + 9 * HOUR)


def test_without_words_and_events_the_hours_alone_are_asked() -> None:
    answer = context_at(NOON, None, (), TIMETABLE)
    assert opening(NOON, window("work-hours"), answer) == stands("work-hours")[0]
    assert reopens(NOON, opening(NOON, window("work-hours"), answer)) == datetime(2026, 2, 9, 9, tzinfo=UTC)
