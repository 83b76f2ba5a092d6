"""Gates by the owner's day: slots by context, and the window that a task names."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from autobuilds.domain import gates
from autobuilds.domain.build import Ledger
from autobuilds.domain.day import Busy, Context, Day, Night, Word
from autobuilds.domain.model import Estimate, Priority, Task
from autobuilds.domain.moment import Moment
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Situation
from autobuilds.domain.windows import DayWindow, Span
from tests.builders import a_moment, a_situation, a_snapshot, a_task

#: A Friday; 2026-02-06 12:00 UTC, so the owner works.
NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLOTS = {"default": 1, "working": 2, "away": 4}


def situation(
    task: Task | None = None,
    *,
    now: datetime = NOON,
    day: Day | None = None,
    busy: tuple[Busy, ...] = (),
    settings: dict[str, Any] | None = None,
    **more: Any,
) -> Situation:
    task = task or a_task()
    snapshot = a_snapshot(task, settings=Settings(**(settings or {})), ledger=Ledger(day=day))
    return a_situation(task, snapshot=snapshot, moment=a_moment(now=now, busy=busy), **more)


def said(gate: str, found: Situation) -> str:
    answer = gates.GATES[gate](found)
    until = f" | until {answer.until:%d %H:%M}" if answer.until is not None else ""
    fix = f" | {answer.fix}" if answer.fix is not None else ""
    return f"{answer.verdict.value}: {answer.reason}{until}{fix}"


def spoken(context: Context, until: datetime | None = None, since: datetime = NOON - HOUR) -> Day:
    return Day(word=Word(context=context, since=since, until=until))


def windowed(name: str, hours: int | None = 1, **changes: Any) -> Task:
    estimate = None if hours is None else Estimate(min_minutes=60, max_minutes=60 * hours)
    return a_task(window=name, estimate=estimate, estimate_text=None if hours is None else f"{hours} h", **changes)


class TestCapacity:
    @pytest.mark.parametrize(
        ("now", "day", "taken", "answer"),
        [
            (NOON, None, 1, "go: 1 of 2 slots taken (while working, by the timetable)"),
            (NOON, None, 2, "wait: 2 of 2 slots taken by  (while working, by the timetable) | max_concurrent in HEARTBEAT.md"),
            (NOON, spoken(Context.AWAY), 3, "go: 3 of 4 slots taken (while away, by your word)"),
            (NOON + 6 * HOUR, None, 3, "go: 3 of 4 slots taken (while away, outside your timetable)"),
            (NOON + 24 * HOUR, None, 0, "go: 0 of 1 slots taken (on a weekend, by the timetable)"),
        ],
    )
    def test_slots_are_those_of_the_context(self, now: datetime, day: Day | None, taken: int, answer: str) -> None:
        assert said("capacity", situation(now=now, day=day, settings={"max_concurrent": SLOTS}, slots_taken=taken)) == answer

    def test_one_number_is_for_all_and_says_nothing_of_contexts(self) -> None:
        assert said("capacity", situation(day=spoken(Context.AWAY), slots_taken=0)) == "go: 0 of 1 slots taken"

    def test_a_session_has_slots_of_its_own(self) -> None:
        day = Day(night=Night(id="2026-02-06", started=NOON - HOUR, ends=NOON + HOUR))
        assert said("capacity", situation(day=day, slots_taken=2)) == "go: 2 of 3 slots taken (in the overnight session)"
        assert said("capacity", situation(day=day, slots_taken=3)).endswith("| overnight_builds in HEARTBEAT.md")

    def test_the_calendar_counts_too(self) -> None:
        busy = (Busy(start=NOON - HOUR, end=NOON + HOUR, context=Context.AWAY, summary="Secret meeting"),)
        assert (
            said("capacity", situation(busy=busy, settings={"max_concurrent": SLOTS}))
            == "go: 0 of 4 slots taken (while away, by your calendar)"
        )


class TestWindow:
    @pytest.mark.parametrize(
        ("task", "now", "answer"),
        [
            (windowed("work-hours"), NOON, "go: its window work-hours is open until 2026-02-06 17:00 (Mon-Fri 09:00-17:00)"),
            (windowed("Work Hours", None), NOON, "go: its window work-hours is open until 2026-02-06 17:00 (Mon-Fri 09:00-17:00)"),
            (
                windowed("overnight"),
                NOON,
                'wait: its window overnight is closed (23:00-07:00) | until 06 23:00 | autobuilds set fix-the-clock window ""',
            ),
            (
                windowed("quick-win"),
                NOON + 24 * HOUR,
                'wait: its window quick-win is closed (Mon-Fri 19:00-23:00) | until 09 19:00 | autobuilds set fix-the-clock window ""',
            ),
            (
                windowed("work-hours", 6),
                NOON,
                (
                    "wait: estimated 6 h, but its window work-hours closes at 2026-02-06 17:00 (Mon-Fri 09:00-17:00) | until 09 09:00 | "
                    'autobuilds set fix-the-clock window ""'
                ),
            ),
            # As long as the window itself: it starts in the first hour of it.
            (windowed("work-hours", 8), NOON - 2 * HOUR, "go: its window work-hours is open until 2026-02-06 17:00 (Mon-Fri 09:00-17:00)"),
            (
                windowed("quick-win", 5),
                NOON,
                (
                    "ask: estimated 5 h, but its window quick-win is 4 h long | autobuilds set fix-the-clock window overnight, "
                    "or change windows in HEARTBEAT.md"
                ),
            ),
            (
                windowed("weekend", 50),
                NOON,
                "ask: estimated 50 h, but its window weekend is 48 h long | split the task, or change windows in HEARTBEAT.md",
            ),
            (
                windowed("overnigt"),
                NOON,
                (
                    'ask: no window "overnigt" in HEARTBEAT.md (did you mean "overnight"?); there are quick-win, overnight, work-hours, weekend | '
                    "autobuilds set fix-the-clock window overnight, or add it to windows in HEARTBEAT.md"
                ),
            ),
            (
                windowed("zzz\x1b[2J"),
                NOON,
                (
                    'ask: no window "zzz?[2J" in HEARTBEAT.md; there are quick-win, overnight, work-hours, weekend | '
                    'autobuilds set fix-the-clock window "", or add it to windows in HEARTBEAT.md'
                ),
            ),
            (windowed("overnight", not_before=NOON + HOUR), NOON, "wait: not before 2026-02-06 13:00 | until 06 13:00"),
        ],
    )
    def test_by_the_clock(self, task: Task, now: datetime, answer: str) -> None:
        assert said("window", situation(task, now=now)) == answer

    def test_at_the_owners_word_no_window_holds(self) -> None:
        assert said("window", situation(windowed("overnight"), at_once=True)) == "go: started by the owner's word"

    @pytest.mark.parametrize(
        ("task", "day", "answer"),
        [
            (
                windowed("overnight"),
                spoken(Context.AWAY, NOON + 3 * HOUR),
                "go: its window overnight is open until 2026-02-06 15:00 (while away, by your word)",
            ),
            (windowed("overnight"), spoken(Context.SLEEPING), "go: its window overnight is open (while sleeping, by your word)"),
            (
                windowed("overnight", 4),
                spoken(Context.AWAY, NOON + 3 * HOUR),
                (
                    "wait: estimated 4 h, but its window overnight closes at 2026-02-06 15:00 (while away, by your word) | until 06 23:00 | "
                    'autobuilds set fix-the-clock window ""'
                ),
            ),
            (
                windowed("work-hours"),
                spoken(Context.WEEKEND, NOON + 3 * HOUR),
                "wait: its window work-hours is closed (on a weekend, by your word) | until 06 15:00 | autobuilds context clear",
            ),
            (
                windowed("work-hours"),
                spoken(Context.WEEKEND),
                "wait: its window work-hours is closed (on a weekend, by your word) | autobuilds context clear",
            ),
            # A word that has ended moves nothing.
            (
                windowed("work-hours"),
                spoken(Context.WEEKEND, NOON),
                "go: its window work-hours is open until 2026-02-06 17:00 (Mon-Fri 09:00-17:00)",
            ),
            # One that was given on a clock which was set back since holds from now.
            (
                windowed("overnight"),
                spoken(Context.AWAY, NOON + 3 * HOUR, NOON + HOUR),
                "go: its window overnight is open until 2026-02-06 15:00 (while away, by your word)",
            ),
        ],
    )
    def test_by_the_owners_word(self, task: Task, day: Day, answer: str) -> None:
        assert said("window", situation(task, day=day)) == answer

    def test_by_the_calendar(self) -> None:
        busy = (Busy(start=NOON + HOUR, end=NOON + 2 * HOUR, context=Context.WORKING, summary="Interview"),)
        evening = NOON + 8 * HOUR
        assert said("window", situation(windowed("work-hours"), busy=busy)) == (
            "go: its window work-hours is open until 2026-02-06 17:00 (Mon-Fri 09:00-17:00)"
        )
        late = (Busy(start=evening - HOUR, end=evening + HOUR, context=Context.WORKING, summary="Interview"),)
        assert said("window", situation(windowed("quick-win"), now=evening, busy=late)) == (
            "wait: its window quick-win is closed (while working, by your calendar) | until 06 21:00 | "
            'autobuilds set fix-the-clock window ""'
        )

    def test_a_window_of_the_owners_own_is_moved_by_no_context(self) -> None:
        own = {"windows": (DayWindow(name="lunch", span=Span(start=time(12), end=time(13)), least=0, most=60),)}
        found = situation(windowed("lunch"), day=spoken(Context.WEEKEND), settings=own)
        assert said("window", found) == "go: its window lunch is open until 2026-02-06 13:00 (12:00-13:00)"
        assert said("window", situation(windowed("overnight"), settings={"windows": ()})).startswith(
            'ask: no window "overnight" in HEARTBEAT.md; there are none'
        )

    def test_a_window_that_is_always_open(self) -> None:
        own = {"windows": (DayWindow(name="any", span=Span(start=time(0), end=time(0)), least=0, most=60),)}
        assert said("window", situation(windowed("any", 24), settings=own)) == "go: its window any is open (00:00-00:00)"


class TestPriority:
    def test_the_window_of_a_medium_task_takes_the_place_of_off_hours(self) -> None:
        medium = windowed("work-hours", priority=Priority.MEDIUM)
        assert said("priority", situation(medium)) == "go: medium: its window work-hours says when"
        assert said("priority", situation(windowed("nope", priority=Priority.MEDIUM))).startswith("wait: medium: waits for off-hours")

    def test_a_low_one_needs_a_word_all_the_same(self) -> None:
        assert said("priority", situation(windowed("work-hours", priority=Priority.LOW))).startswith("ask: low")


def test_what_is_the_same_for_all_is_found_once() -> None:
    found = situation(windowed("overnight"), settings={"max_concurrent": SLOTS})
    window = found.shared.window("overnight")
    assert window is not None
    assert found.shared.opening(window) is found.shared.opening(window)
    assert found.shared.slots is found.shared.slots
    assert isinstance(found.moment, Moment)
