"""The week on a terminal: legible at every width, and right on the days that have no 24 hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autobuilds.cli.formatters.columns import cells
from autobuilds.cli.formatters.schedule_text import schedule
from autobuilds.cli.formatters.stats_text import progress, stats
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.formatters.unreached_text import unreached
from autobuilds.domain.duties import parse_cadence
from autobuilds.domain.lengths import Learned, Lengths, kind_of
from autobuilds.domain.model import Estimate, Priority, Task
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.settings import Settings
from autobuilds.planning import forecast as planning
from autobuilds.planning.forecast import forecast
from autobuilds.planning.nights import Nightly
from autobuilds.planning.reach import reach
from autobuilds.policies.autonomous_queue import QueueProgress, Running, Share
from autobuilds.policies.build_scheduler import stats as figures
from tests.builders import NOW, a_build, a_moment, a_snapshot, a_task, an_attempt

BERLIN = ZoneInfo("Europe/Berlin")


def sized(name: str, hours: float = 1, **changes: Any) -> Task:
    minutes = int(hours * 60)
    return a_task(name, estimate=Estimate(min_minutes=minutes, max_minutes=minutes), **changes)


def shown(
    *tasks: Task, now: datetime = NOW, hours: int = 24, width: int = 80, nightly: bool = False, settings: Settings | None = None
) -> str:
    files, moment = a_snapshot(*tasks, settings=settings or Settings()), a_moment(now=now)
    kwargs: dict[str, Any] = {"nightly": Nightly(start=parse_cadence("daily at 23:00")) if nightly else None}
    found = forecast(files, moment, hours, **kwargs)
    style = Style(width=width)
    return schedule(found, style) + unreached(found, reach(found, files, moment, **kwargs), style)


def row(text: str, begins: str) -> str:
    return next(line for line in text.split("\n") if line.startswith(begins))


@pytest.mark.parametrize("width", [20, 23, 24, 30, 36, 40, 59, 60, 61, 80, 100])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    long = "A very long name of a task that goes on and on and never comes to an end at all"
    tasks = [
        sized(long, 3),
        sized("漢字 " * 9, 2),
        *(sized(f"Tiny {n}", 0.1) for n in range(9)),
        sized("Low", priority=Priority.LOW),
        sized("Big", 30),
    ]
    text = shown(*tasks, a_task("Unknown"), width=width, hours=96, nightly=True)
    assert max(map(cells, text.split("\n"))) <= width
    assert "tiny-8" in text


def test_cells_become_coarser_and_then_there_are_lines_alone() -> None:
    for width, cell in ((60, 48), (59, 24), (36, 24), (35, 12), (24, 12)):
        text = shown(sized("One", 12), now=NOW.replace(hour=0), width=width)
        assert len(row(text, "slot 1").rstrip()) - 12 == cell, width
    assert "slot 1" not in shown(sized("One"), width=23)


@pytest.mark.parametrize(("month", "day", "cells_"), [(3, 29, 46), (10, 25, 50), (6, 7, 48)])
def test_a_day_has_as_many_hours_as_it_has(month: int, day: int, cells_: int) -> None:
    text = shown(sized("All", 30), now=datetime(2026, month, day, 0, 0, tzinfo=BERLIN), hours=30)
    assert row(text, "slot 1") == f"{'slot 1':<12}{'a' * cells_}"
    axis = text.split("\n")[2][12:]
    assert axis.startswith("00") and axis[{46: 4, 48: 6, 50: 8}[cells_] :].startswith("03")


def test_short_builds_in_one_cell_are_one_sign() -> None:
    text = shown(*(sized(f"Tiny {n}", 0.1) for n in range(3)), sized("Long", 2))
    assert row(text, "slot 1").split()[-1].startswith("+dddd")


def test_a_build_that_goes_on_is_told_of_once() -> None:
    text = shown(sized("Long", 30), hours=72)
    assert text.count("30 h (its estimate)") == 1
    assert "  a Fri 12:00-18:00  long  goes on\n" in text


def test_what_its_timeout_would_stop_says_so() -> None:
    assert "  a 12:00-Sat 18:00  long  30 h (its estimate), its timeout stops it after 8 h\n" in shown(sized("Long", 30), hours=6)


def test_contexts_stand_over_the_slots_and_a_night_says_so() -> None:
    text = shown(sized("One", 40), now=NOW.replace(hour=0), hours=48, nightly=True)
    contexts = text.split("\n")[3][12:]
    assert contexts == "sleeping night|awa|working        |awa|availab|s"
    assert row(text, "slot 3").split() == ["slot", "3", "..............", ".."]


def test_more_slots_than_are_free_are_not_drawn() -> None:
    text = shown(*(sized(f"Task {n}", 3) for n in range(5)), settings=Settings(max_concurrent={"default": 9}), hours=6)
    assert "slot 5" in text and "slot 6" not in text
    assert "slot 4" not in shown(sized("One"), settings=Settings(max_concurrent={"default": 9}), hours=6)


def test_more_builds_than_letters() -> None:
    text = shown(*(sized(f"Task {n}", 0.2) for n in range(60)), settings=Settings(review_limit=1000))
    assert "  Z " in text and "  * " in text


def test_what_runs_already_says_so() -> None:
    busy, slow = sized("Busy", 4), sized("Slow", 0.5)
    files = a_snapshot(busy, slow, builds=(a_build(busy, attempts=(an_attempt(),)), a_build(slow, attempts=(an_attempt(2),))))
    text = schedule(forecast(files, a_moment(), 12), Style())
    assert text.startswith("Fri 06 Feb 12:00 to Sat 07 Feb 00:00: nothing starts, 2 builds run already.\n")
    assert "  a 11:00-15:00  busy  4 h (its estimate), runs now, work-hours\n" in text
    assert "  b 11:00-13:00  slow  2 h (longer than expected already), runs now, work-hours\n" in text


def test_what_was_not_looked_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MAX_STEPS", 1)
    assert "There is more to come in this time than was looked at; ask for fewer days.\n" in shown(sized("One"), sized("Two"))


def test_quiet_days_between_are_one_line() -> None:
    later = sized("Later", not_before=NOW + timedelta(days=4))
    text = shown(sized("Now"), later, hours=24 * 7)
    assert "\nSat 07 Feb to Mon 09 Feb: nothing runs\n" in text
    assert "\nWed 11 Feb to Fri 13 Feb: nothing runs\n" in text
    assert "\nSat 07 Feb: nothing runs\n" in shown(sized("Now"), sized("Later", not_before=NOW + timedelta(days=2)), hours=24 * 3)


def test_progress_names_what_runs() -> None:
    running = (Running(label="busy", name="Busy", percent=40), Running(label="mute", name="Mute", percent=None))
    share = Share(name="Docs", done=0, left=2, hours_left=2.5)
    found = QueueProgress(
        tasks=3, done=1, percent=33, running=running, review=1, ready=0, waiting=0, asking=0, hours_left=2.5, unsized=0, categories=(share,)
    )
    assert progress(found, Style()) == (
        "[#######.............] 33 %: 1 of 3 tasks done\n"
        "  building busy: 40 %\n"
        "  building mute: ? %\n"
        "  1 of those done wait for your review\n"
        "  2.5 hours of building are left\n"
        "  Docs     0 done    2 left     2.5 h\n"
    )


def test_shares_of_estimates_and_groups_without_an_end_are_told() -> None:
    kind = kind_of("Docs", "claude")
    known = Lengths(kinds={kind: Learned(median=timedelta(minutes=90), builds=12, share=0.75, estimated=11)})
    open_build = a_build(a_task("Open"), attempts=(an_attempt(ended=None),), category="Docs")
    text = stats(figures((open_build,), (), NOW), known, Style())
    assert text.startswith("1 build, 0 hours built\n  1 building\n  length of a build that passed: none known\n")
    assert "  Docs  none settled" in text
    assert text.endswith("  docs with claude: median 1 h 30 min of 12 builds, 0.75 of the estimate\n")
    assert "Lengths are not learned yet" in stats(figures((open_build,), (), NOW), Lengths(), Style())


def test_two_tasks_of_one_label_are_both_told_of() -> None:
    wrong = Problem(file="BUILD_QUEUE.md", line=2, column=7, kind="same-label", severity=Severity.ERROR, message="2 tasks have it")
    text = shown(a_task("A b", problems=(wrong,)), a_task("A b", line=3, problems=(wrong,)), a_task("Crowd"), a_task("Other"))
    assert "Not before you act (2):" in text
    assert text.count("\na-b ") == 2
