"""The settings of the owner's day: contexts, windows, slots by context, interruptions, calendars, the night, housekeeping."""

from __future__ import annotations

import subprocess
import sys
from datetime import time, timedelta

import pytest

from autobuilds.domain.day import INTERRUPT, TIMETABLE, Context, Rule
from autobuilds.domain.settings import Settings, Window
from autobuilds.domain.windows import WINDOWS, DayWindow, Span
from autobuilds.store.config import explain, read_settings

WEEKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})


def settings(*lines: str) -> Settings:
    config = read_settings("\n".join(("---", *lines, "---", "")).encode())
    assert [str(p) for p in config.problems] == []
    return config.settings


def complaint(*lines: str) -> str:
    config = read_settings("\n".join(("---", *lines, "---", "")).encode())
    assert config.settings == Settings()
    assert len(config.problems) == 1
    return str(config.problems[0])


def rule(context: Context, start: int, end: int, days: frozenset[int] = frozenset(range(7))) -> Rule:
    return Rule(context=context, span=Span(days=days, start=time(start), end=time(end)))


def test_slots_by_context() -> None:
    found = settings("max_concurrent:", "  default: 2", "  Sleeping: 4")
    assert found.max_concurrent == {"default": 2, "sleeping": 4}
    assert (found.slots(), found.slots(Context.SLEEPING), found.slots(Context.AWAY)) == (2, 4, 2)
    assert settings("max_concurrent: {away: 3}").max_concurrent == {"default": 1, "away": 3}
    assert settings("max_concurrent: 3").slots(Context.AWAY) == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "max_concurrent: {slepping: 2}",
            'HEARTBEAT.md:2:18: "max_concurrent" can\'t be "slepping" (did you mean "sleeping"?); it has to be default, sleeping',
        ),
        ("max_concurrent: {away: 0}", 'can\'t be "0"; it has to be a whole number from 1 to 64'),
        ("max_concurrent: {away: 2, AWAY: 3}", 'names "AWAY" twice; delete one of the two'),
        ("max_concurrent: {away: [2]}", "has to be one value"),
        ("contexts: working", '"contexts" has to be lines `context: days and hours`'),
        ("contexts: {wroking: Mon 09:00-17:00}", 'can\'t be "wroking" (did you mean "working"?); it has to be one of sleeping, working'),
        ("contexts: {working: someday}", 'can\'t be "someday"; it has to be days and hours such as `Mon-Fri 09:00-17:00`'),
        ("contexts: {working: 9-17}", "days and hours such as"),
        ("contexts: {working: {a: b}}", "has to be one value"),
        ("contexts:", '"contexts" has no value'),
        ("windows: overnight", '"windows" has to be lines `name: days and hours, shortest-longest`'),
        ("windows: {'a/b': 23:00-07:00}", 'can\'t be "a/b"; it has to be a name of letters, digits and `-`'),
        ("windows: {late: at night}", "days and hours and what fits, such as `Mon-Fri 19:00-23:00, 1-2 h`"),
        ("windows: {late: '22:00-23:00, 5 bananas'}", "days and hours and what fits"),
        ("windows: {late: [22:00-23:00]}", "has to be one value"),
        ("interrupt: allways", "it has to be contexts (sleeping, working, available, away, weekend)"),
        ("interrupt: [away, {a: b}]", "has to be one value"),
        ("calendar: http://example.org/a.ics", "paths or https addresses of calendars"),
        ("calendar: ftp://example.org/a.ics", "paths or https addresses of calendars"),
        ("calendar: {a: b}", "has to be a list: paths or https addresses"),
        ("overnight: at night", "a span of the day such as 23:00-07:00"),
        ("overnight_builds: 0", "a whole number from 1 to 64"),
        ("overnight_throttle: 5", "a whole number of percent from 10 to 100"),
        ("status_chart: maybe", 'can\'t be "maybe"; it has to be yes or no'),
        ("diary: sometimes", "it has to be yes or no"),
        ("log_limit: 0", "a whole number of MiB from 1 to 4096"),
        ("log_age: 5m", "from 1h to 3650d"),
    ],
)
def test_what_is_said_about_a_bad_value(line: str, message: str) -> None:
    assert message in complaint(line)


def test_a_week_of_ones_own_keeps_the_lines_that_it_does_not_name() -> None:
    found = settings("contexts:", "  working: Mon-Thu 08:00-16:30, Fri 08:00-12:00", "  away: [Tue 18:00-20:00]").contexts
    assert found[:3] == (
        Rule(context=Context.WORKING, span=Span(days=frozenset(range(4)), start=time(8), end=time(16, 30))),
        rule(Context.WORKING, 8, 12, frozenset({4})),
        rule(Context.AWAY, 18, 20, frozenset({1})),
    )
    assert found[3:] == tuple(r for r in TIMETABLE if r.context is not Context.WORKING)


def test_hours_go_before_whole_days_whatever_the_order_of_the_lines() -> None:
    found = settings("contexts:", "  weekend: Fri, Sat, Sun", "  sleeping: 22:00-06:00").contexts
    assert [r.context for r in found] == [Context.SLEEPING, Context.WORKING, Context.AVAILABLE, Context.WEEKEND]
    assert settings("contexts: {weekend: 'Sat, Sun'}").contexts[-1].context is Context.WEEKEND


def test_a_context_can_be_left_out_of_the_week() -> None:
    assert all(r.context is not Context.AVAILABLE for r in settings("contexts: {available: none}").contexts)


def test_windows_are_changed_taken_away_and_added() -> None:
    found = settings(
        "windows:", "  overnight: 22:00-06:00, 3-5 h", "  Quick win: none", "  lunch: Mon-Fri 12:00-13:00, 30 min", "  spare: Sat, Sun"
    ).windows
    assert [w.name for w in found] == ["overnight", "work-hours", "weekend", "lunch", "spare"]
    assert found[0] == DayWindow(name="overnight", span=Span(start=time(22), end=time(6)), least=180, most=300)
    assert found[3] == DayWindow(name="lunch", span=Span(days=WEEKDAYS, start=time(12), end=time(13)), least=0, most=30)
    assert (found[4].span.days, found[4].least, found[4].most) == (WEEKEND, 0, 48 * 60)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("never", ()), ("away", (Context.AWAY,)), ("[Away, working]", (Context.AWAY, Context.WORKING)), ("away, away", (Context.AWAY,))],
)
def test_interruptions(line: str, expected: tuple[Context, ...]) -> None:
    assert settings(f"interrupt: {line}").interrupt == expected


def test_the_other_keys_of_the_day() -> None:
    found = settings(
        *(
            "calendar: ~/me.ics, https://example.org/cal.ics?token=1, webcal://example.org/b.ics",
            "overnight: 22:30-06:30",
            "overnight_builds: 2",
            "overnight_throttle: 70%",
        ),
        *("status_chart: yes", "diary: off", "housekeeping: [~/logs, ../other]", "log_limit: 20 MiB", "log_age: 7d"),
    )
    assert found.calendar == ("~/me.ics", "https://example.org/cal.ics?token=1", "webcal://example.org/b.ics")
    assert found.overnight == Window(start=time(22, 30), end=time(6, 30))
    assert (found.overnight_builds, found.overnight_throttle, found.status_chart, found.diary) == (2, 70, True, False)
    assert (found.housekeeping, found.log_limit, found.log_age) == (("~/logs", "../other"), 20, timedelta(days=7))


def test_the_defaults_are_shown_as_they_would_be_written() -> None:
    shown = {key: (value, origin) for key, value, origin, _ in explain(read_settings(None))}
    assert shown["contexts"] == (
        "sleeping: 23:00-07:00; working: Mon-Fri 09:00-17:00; available: Mon-Fri 19:00-23:00; weekend: Sat, Sun",
        "default",
    )
    assert shown["windows"][0] == (
        "quick-win: Mon-Fri 19:00-23:00, 1 h to 2 h; overnight: 23:00-07:00, 4 h to 6 h; "
        "work-hours: Mon-Fri 09:00-17:00, 8 h; weekend: Sat, Sun, 8 h to 12 h"
    )
    assert shown["interrupt"][0] == "available, weekend"
    assert {key: value for key, value, *_ in explain(read_settings(b"---\ninterrupt: never\n---\n"))}["interrupt"] == "never"


def test_what_is_shown_is_read_back() -> None:
    shown = {key: value for key, value, *_ in explain(read_settings(None))}
    lines = [f"  {part}" for part in shown["windows"].split("; ")]
    assert settings("windows:", *lines).windows == WINDOWS
    assert settings("contexts:", *(f"  {part}" for part in shown["contexts"].split("; "))).contexts == TIMETABLE
    assert settings(f"interrupt: {shown['interrupt']}").interrupt == INTERRUPT


def test_the_keys_of_the_day_are_imported_only_where_they_are_given() -> None:
    look = "import sys; from autobuilds.store.config import read_settings; read_settings({!r}); print('autobuilds.store.config_day' in sys.modules)"
    for text, expected in ((b"---\nmax_concurrent: 2\n---\n", "False"), (b"---\nmax_concurrent: {away: 2}\n---\n", "True")):
        assert subprocess.check_output([sys.executable, "-c", look.format(text)], text=True).strip() == expected
