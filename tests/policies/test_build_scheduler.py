"""Figures on builds, and which tasks are meant for which window."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from autobuilds.domain.build import Build, BuildState, Outcome
from autobuilds.domain.situation import Shared
from autobuilds.domain.windows import WINDOWS
from autobuilds.policies.build_scheduler import Group, Spread, Stats, Week, WindowRow, by_window, stats
from tests.builders import NOW, a_build, a_moment, a_snapshot, a_task, an_attempt

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def passed(name: str, hours: float, *, ended: datetime = NOW, category: str | None = "Bug fixes", **changes: Any) -> Build:
    attempt = an_attempt(agent="claude", started=ended - hours * HOUR, ended=ended, outcome=Outcome.PASSED)
    values: dict[str, Any] = {"category": category, "attempts": (attempt,), "created": attempt.started, "updated": ended, **changes}
    return a_build(a_task(name), BuildState.COMPLETED, **values)


def some(*builds: Build, **more: Any) -> Stats:
    return stats(builds, (), NOW, **more)


class TestWindows:
    def rows(self, *tasks: tuple[str, int, str | None], now: datetime = NOW) -> dict[str | None, WindowRow]:
        lengths = {a_task(name).label: minutes * MINUTE for name, minutes, _ in tasks}
        shared = Shared(a_snapshot(), a_moment(now=now))
        openings = [shared.opening(window) for window in WINDOWS]
        found = by_window([a_task(name, window=window) for name, _, window in tasks], openings, lambda t: lengths[t.label])
        return {row.name: row for row in found}

    def test_a_task_belongs_to_the_window_for_its_length(self) -> None:
        rows = self.rows(("Quick", 90, None), ("Night", 300, None), ("Short", 5, None), ("Long", 600, None), ("Huge", 3000, None))
        assert {name: row.tasks for name, row in rows.items()} == {
            "quick-win": ("quick",),
            "overnight": ("night",),
            "work-hours": ("short",),
            "weekend": ("long",),
            None: ("huge",),
        }

    def test_its_own_word_wins_unless_there_is_no_such_window(self) -> None:
        rows = self.rows(("Quick", 90, "Over night"), ("Late", 90, "overnight"))
        assert (rows["overnight"].tasks, rows["quick-win"].tasks) == (("late",), ("quick",))

    def test_when_each_is_open(self) -> None:
        rows = self.rows()
        assert list(rows) == ["quick-win", "overnight", "work-hours", "weekend"]
        assert (rows["work-hours"].is_open, rows["work-hours"].until) == (True, NOW.replace(hour=17))
        quick = rows["quick-win"]
        assert (quick.is_open, quick.until, quick.least, quick.most) == (False, NOW.replace(hour=19), 60, 120)


class TestStats:
    def test_nothing_gives_no_figures(self) -> None:
        found = some()
        assert (found.total, found.since) == (
            Group(name="all", builds=0, settled=0, passed=0, first_try=0, length=Spread(), hours=0.0),
            None,
        )
        assert found.total.percent is None
        assert (found.states, found.outcomes, found.categories, found.agents, found.weeks) == ((), (), (), (), ())
        assert found.wait_for_start == found.wait_for_review == Spread()

    def test_how_often_builds_pass(self) -> None:
        failed = an_attempt(1, ended=NOW, outcome=Outcome.CHECKS_FAILED)
        second = replace(passed("Second", 1), attempts=(failed, *passed("x", 1).attempts))
        handed = a_build(a_task("Handed"), BuildState.ESCALATED, attempts=(failed,))
        by_hand = a_build(a_task("Hand"), BuildState.COMPLETED, attempts=(failed,))
        never = replace(an_attempt(1, ended=NOW, outcome=Outcome.NOT_STARTED))
        delayed = replace(passed("Delayed", 1), attempts=(never, *passed("x", 1).attempts))
        found = some(passed("First", 1), second, handed, by_hand, delayed)
        assert (found.total.builds, found.total.settled, found.total.passed, found.total.first_try, found.total.percent) == (5, 4, 3, 2, 75)
        assert found.states == (("completed", 4), ("escalated", 1))
        assert found.outcomes == (("passed", 3), ("checks-failed", 3))

    def test_a_build_taken_back_with_its_night_neither_passed_nor_failed(self) -> None:
        undone = replace(passed("Undone", 1), state=BuildState.ESCALATED, reason="taken back with the night 2026-02-06")
        found = some(passed("First", 1), undone)
        assert (found.total.builds, found.total.settled, found.total.passed, found.total.percent) == (2, 1, 1, 100)

    def test_how_long_they_take(self) -> None:
        found = some(passed("One", 1), passed("Two", 2), passed("Six", 6))
        assert found.total.length == Spread(number=3, median=120, mean=180, longest=360)
        assert found.total.hours == 9.0

    def test_how_long_they_wait(self) -> None:
        builds = (passed("One", 1, reviewed=NOW + 3 * HOUR), passed("Two", 1), passed("Odd", 1))
        tasks = (
            a_task("One", added=NOW - 4 * HOUR),
            a_task("Two", added=NOW - 2 * HOUR),
            a_task("Odd", added=NOW),
            a_task("Two", added=None),
        )
        found = stats(builds, tasks[:3], NOW)
        assert found.wait_for_start == Spread(number=2, median=120, mean=120, longest=180)
        assert found.wait_for_review == Spread(number=1, median=180, mean=180, longest=180)
        assert stats(builds, tasks[3:], NOW).wait_for_start == Spread()

    def test_by_category_and_by_agent_the_largest_first(self) -> None:
        found = some(passed("A", 1, category=None), passed("B", 1), passed("C", 2), a_build(a_task("D"), attempts=(), category="Docs"))
        assert [(g.name, g.builds) for g in found.categories] == [("Bug fixes", 2), ("Docs", 1), ("no category", 1)]
        assert [(g.name, g.builds, g.hours) for g in found.agents] == [("claude", 3, 4.0), ("none", 1, 0.0)]

    def test_of_the_last_days_alone(self) -> None:
        found = some(passed("Old", 1, ended=NOW - 9 * DAY), passed("New", 1, ended=NOW - 6 * DAY), days=7)
        assert (found.total.builds, found.since) == (1, NOW - 7 * DAY)

    def test_by_week_from_monday_in_the_local_zone(self) -> None:
        zone = ZoneInfo("Pacific/Auckland")
        sunday = datetime(2026, 2, 1, 11, 30, tzinfo=ZoneInfo("UTC"))  # Monday there
        found = stats((passed("A", 1, ended=sunday), passed("B", 2, ended=sunday - 2 * HOUR)), (), NOW.astimezone(zone))
        assert found.weeks == (
            Week(monday=date(2026, 1, 26), finished=1, attempts=1, hours=2.0),
            Week(monday=date(2026, 2, 2), finished=1, attempts=1, hours=1.0),
        )

    def test_weeks_begin_with_the_first_that_saw_something_and_quiet_ones_stay(self) -> None:
        never = a_build(a_task("N"), attempts=(an_attempt(ended=NOW - 20 * DAY, outcome=Outcome.NOT_STARTED),))
        found = some(passed("A", 1, ended=NOW - 14 * DAY), never, passed("Ancient", 1, ended=NOW - 100 * DAY))
        assert [(w.finished, w.attempts) for w in found.weeks] == [(1, 1), (0, 0), (0, 0)]
