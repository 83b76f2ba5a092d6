"""The Gantt chart: what Mermaid reads, and the page's, which is the same as long as nothing changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.build import Ledger, Pause
from autobuilds.domain.day import Context, Day, Night, Word
from autobuilds.domain.lengths import Lengths
from autobuilds.domain.model import Estimate, Priority, Task
from autobuilds.domain.moment import Resources, Snapshot
from autobuilds.planning.forecast import forecast
from autobuilds.planning.timeline import Forecast
from autobuilds.runtime.chart import MOST, gantt, page_chart
from tests.builders import NOW, a_build, a_moment, a_snapshot, a_task, an_attempt

HOUR = timedelta(hours=1)


def sized(name: str, hours: float = 1, **changes: Any) -> Task:
    return a_task(name, estimate=Estimate(min_minutes=int(hours * 60), max_minutes=int(hours * 60)), **changes)


def drawn(found: Forecast) -> list[str]:
    lines = gantt(found, found.start, found.end).split("\n")
    assert lines[:3] == ["gantt", "    dateFormat YYYY-MM-DD HH:mm", "    axisFormat %a %H:%M"]
    return [line.strip() for line in lines[3:] if line]


def page(snapshot: Snapshot, now: datetime = NOW, **changes: Any) -> str:
    return page_chart(snapshot, a_moment(now=now, **changes), lengths=Lengths(), nightly=None)


def test_a_section_a_slot_and_a_bar_a_build() -> None:
    busy = sized("Busy", 3)
    builds = (a_build(busy, attempts=(an_attempt(started=NOW - HOUR),)),)
    files = a_snapshot(busy, sized("Section"), sized("Long", 30), builds=builds)
    files = replace(files, settings=replace(files.settings, max_concurrent={"default": 2}))
    assert drawn(forecast(files, a_moment(), 12)) == [
        "title 2026-02-06 12.00 to 2026-02-07 00.00",
        "section Slot 1",
        "1 busy :active, 2026-02-06 12:00, 2026-02-06 14:00",
        "section Slot 2",
        "2 section :2026-02-06 12:00, 2026-02-06 13:00",
        "3 long :2026-02-06 13:00, 2026-02-07 00:00",
    ]


def test_a_build_that_runs_too_long_stands_out() -> None:
    busy = sized("Busy", 0.5)
    found = drawn(forecast(a_snapshot(busy, builds=(a_build(busy),)), a_moment()))
    assert found[2] == "1 busy :crit, 2026-02-06 12:00, 2026-02-06 13:00"


def test_a_day_without_a_build_says_so() -> None:
    assert drawn(forecast(a_snapshot(), a_moment()))[1:] == [
        "section Slot 1",
        "0 nothing starts by itself :milestone, 2026-02-06 12:00, 0m",
    ]


def test_where_clocks_are_set_back_the_length_says_it() -> None:
    now = datetime(2026, 10, 25, 2, 40, tzinfo=ZoneInfo("Europe/Berlin"))
    found = drawn(forecast(a_snapshot(sized("One", 0.5), sized("Two", 0.5)), a_moment(now=now), 3))
    assert found[2:] == ["1 one :2026-10-25 02:40, 30m", "2 two :2026-10-25 02:10, 2026-10-25 02:40"]


def test_of_very_many_the_first_are_drawn() -> None:
    tasks = [sized(f"Task {n}", 0.05) for n in range(MOST + 5)]
    files = a_snapshot(*tasks)
    files = replace(files, settings=replace(files.settings, review_limit=1000))
    found = drawn(forecast(files, a_moment(), 24))
    assert (len(found), found[-1]) == (MOST + 3, "%% 5 more are left out")


WAITS = (sized("Night", priority=Priority.MEDIUM), sized("Low", priority=Priority.LOW), sized("Later", not_before=NOW + 30 * HOUR))


def test_the_page_of_an_idle_day_does_not_change_until_midnight() -> None:
    files = a_snapshot(*WAITS)
    pages = {page(files, NOW + n * timedelta(minutes=29), resources=Resources(disk_percent=10, memory_percent=4 * n)) for n in range(20)}
    assert len(pages) == 1
    assert "title 2026-02-06 00.00 to 2026-02-08 00.00" in page(files)
    assert page(files, NOW + 13 * HOUR) not in pages


def test_what_could_start_at_once_moves_with_the_hour_alone() -> None:
    files = a_snapshot(sized("Now"), *WAITS)
    assert page(files, NOW.replace(minute=1)) == page(files, NOW.replace(minute=59)) == page(files)
    assert page(files, NOW + HOUR) != page(files)


def test_a_running_build_is_drawn_from_its_start_and_not_moved_by_the_time() -> None:
    busy = sized("Busy", 5)
    files = a_snapshot(busy, sized("After"), builds=(a_build(busy, attempts=(an_attempt(started=NOW - HOUR),), updated=NOW - HOUR),))
    pages = {page(files, NOW + n * HOUR / 3) for n in range(11)}
    assert len(pages) == 1
    assert "1 busy :active, 2026-02-06 11:00, 2026-02-06 16:00" in pages.pop()


@pytest.mark.parametrize(
    "ledger",
    [
        Ledger(pause=Pause(since=NOW + HOUR / 2, until=NOW + HOUR)),
        Ledger(day=Day(night=Night(id="n", started=NOW + HOUR / 2, ends=NOW + 3 * HOUR))),
        Ledger(day=Day(word=Word(context=Context.AWAY, since=NOW + HOUR / 2))),
        Ledger(builds=(a_build(a_task("Other"), updated=NOW + HOUR / 2, attempts=(an_attempt(started=NOW + HOUR / 2),)),)),
    ],
)
def test_nothing_is_drawn_as_starting_before_the_newest_entry_of_the_ledger(ledger: Ledger) -> None:
    files = a_snapshot(sized("Now"), ledger=ledger)
    files = replace(files, settings=replace(files.settings, max_concurrent={"default": 2}))
    later = NOW + HOUR if ledger.pause is not None else NOW + HOUR / 2
    assert f" now :{later:%Y-%m-%d %H:%M}, " in page(files, NOW + 0.9 * HOUR)


def test_an_entry_of_the_future_is_not_believed() -> None:
    files = a_snapshot(sized("Now"), ledger=Ledger(day=Day(since=NOW + 9 * HOUR)))
    assert " now :2026-02-06 12:00, " in page(files, NOW.replace(minute=5))
