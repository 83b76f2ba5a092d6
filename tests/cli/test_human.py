from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.cli.formatters import human
from autobuilds.cli.formatters.columns import ago, bar, cells, clock, cut, fold, pad, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.model import Counts, Queue
from autobuilds.domain.problem import Problem, Severity
from autobuilds.runtime.report_view import report_view
from autobuilds.runtime.status_view import status_view
from autobuilds.runtime.view_values import NeedsYou, StatusView
from tests.runtime.sample_state import ASSESSMENTS, HOUR, MOMENT, NOW, PROGRESS, SNAPSHOT, START, TASKS, gate, task

PLAIN = Style()
COLOUR = Style(colour=True)
HOSTILE = "a\x1b[2J\x1b]0;title\x07\nb\r\x9b31m\u202ec\u200b"


def _view() -> StatusView:
    return status_view(SNAPSHOT, MOMENT, ASSESSMENTS, PROGRESS)


def test_status_on_one_screen() -> None:
    """5 things need you, 1 build is running, 4 tasks wait.

    Needs you
      login  the checks failed
        > autobuilds retry login
      spotify  asks: Which market?
        > autobuilds answer spotify "..."
      spotify  is blocked: the API key is missing
        > autobuilds answer spotify "..."
      remove-old-users  destructive: "remove" + "users"
        > autobuilds approve remove-old-users
      docs  finished (checked in the clone) and waits for your review
        > autobuilds review docs

    Building
      spotify  60 % [######....] attempt 2 with claude, started 2 hours ago
        ready about 19:00 (18:00 to 20:00)
        now: Write the client

    Ready for review
      docs  checked in the clone, 1 of 1 checks passed, 3 files +120 -4, an hour ago

    Queue
      1. workout-playlist  wait: medium: waits for off-hours (22:00-06:00) (opens
         22:00)
      2. remove-old-users  ask: risk, requirements (see above)
      3. cleanup  wait: failed; next try at 18:00 (opens 18:00)
      4. login  ask: state (see above)

    Failed
      login  checks-failed: see above; needs you
      cleanup  no-change: nothing was changed; next try in an hour

    Completed
      old-thing  checked on the merged tree, 1 of 1 checks passed, 2 hours ago
      by-hand  claimed, 3 hours ago

    agents: claude; sandbox: bubblewrap; slots: 1 of 1; load not measured
    """
    expected = re.sub(r"(?m)^    ", "", test_status_on_one_screen.__doc__ or "")
    assert human.status(_view(), NOW, PLAIN) == expected


def test_a_delay_that_has_passed_is_no_next_try() -> None:
    late = human.status(_view(), NOW + timedelta(hours=2), PLAIN)
    assert "cleanup  no-change: nothing was changed; will be tried again\n" in late and "next try" not in late.split("Failed\n")[1]


def test_what_a_build_said_last_comes_without_the_time_of_another_zone() -> None:
    row = replace(_view().building[0], step=None, last="2026-02-07 04:30 Done: 1 check passed.")
    assert "    now: Done: 1 check passed.\n" in human.status(replace(_view(), building=(row,)), NOW, PLAIN)


def test_an_empty_status_is_short() -> None:
    from autobuilds.domain.build import Ledger
    from autobuilds.domain.moment import Moment

    empty = status_view(replace(SNAPSHOT, queue=Queue(), ledger=Ledger()), Moment(now=NOW), (), {})
    text = human.status(empty, NOW, PLAIN)
    assert text.startswith("All quiet: nothing runs, nothing waits, nothing needs you.\n\nagents: not looked for")
    assert text.count("\n") < 6


def test_long_sections_are_counted_not_scrolled() -> None:
    view = _view()
    many = replace(view, queue=tuple(replace(view.queue[0], position=n) for n in range(1, 401)))
    text = human.status(many, NOW, PLAIN)
    assert "  ... and 394 more: autobuilds why\n" in text
    assert text.count("\n") < 60


def test_a_long_reason_takes_two_lines_and_keeps_its_indent() -> None:
    view = _view()
    wordy = replace(view, needs_you=(replace(view.needs_you[0], reason="because " * 60),))
    lines = human.status(wordy, NOW, PLAIN).split("\n")
    assert lines[3].startswith("  login  because") and lines[4].startswith("    because") and lines[4].endswith("because …")
    assert lines[5] == "    > autobuilds retry login" and max(map(len, lines)) <= 80


def test_why_names_the_gate_that_holds_it_and_what_opens_it_first() -> None:
    assert human.why(ASSESSMENTS[:1], NOW, PLAIN) == (
        "workout-playlist  wait: gate priority: medium: waits for off-hours\n"
        "  (22:00-06:00); opens 22:00, in 5 hours\n"
        "  > autobuilds set workout-playlist priority high\n"
        "  wait priority      medium: waits for off-hours (22:00-06:00) (until 22:00)\n"
        "  go   risk          nothing found\n"
    )


def test_why_of_an_open_task_and_of_none() -> None:
    opened = replace(ASSESSMENTS[0], gates=(gate("risk", "go", "nothing found"),))
    assert human.why((opened,), NOW, PLAIN).startswith("workout-playlist  go: every gate is open")
    assert human.why((), NOW, PLAIN) == "No task waits in the queue.\n"
    assert human.why(ASSESSMENTS, NOW, PLAIN, all_gates=False).count("\n  ask") == 0


def test_a_list_shows_a_broken_task_as_broken() -> None:
    problem = Problem(
        file="BUILD_QUEUE.md", line=5, column=17, kind="unknown-priority", severity=Severity.ERROR, message='unknown priority "hgih"'
    )
    queue = Queue(tasks=(TASKS[0], replace(TASKS[1], problems=(problem,)), TASKS[-1]))
    assert human.task_list(queue, PLAIN) == (
        "- spotify           high    2026-02-06 15:00  Spotify Integration\n"
        '- workout-playlist  medium                    line 5: unknown priority "hgih"\n'
    )
    assert human.task_list(queue, PLAIN, completed=True) == "x by-hand  medium  2026-02-06 14:00  By hand\n"
    assert "autobuilds add" in human.task_list(Queue(), PLAIN)


def test_show_says_how_each_criterion_is_proved() -> None:
    text = human.show(TASKS[0], PLAIN)
    assert "  estimate     3 h to 5 h\n" in text
    assert "  1. [ ] OAuth flow works (no command: can only be claimed)\n  2. [ ] Tests pass: `pytest -q`\n" in text


def test_problems_have_a_place_to_jump_to_and_sums() -> None:
    text = human.problems(SNAPSHOT.queue.problems, Counts(tasks=6, parts=2, notes=1, problems=0, items=9), PLAIN)
    assert text == (
        'BUILD_QUEUE.md:30:3: warning: unknown key "Prio"\n9 items = 6 tasks + 2 parts + 1 note + 0 not readable; 0 errors, 1 warning\n'
    )


def test_a_heartbeat_ends_with_its_word() -> None:
    assert human.heartbeat([{"label": "a", "event": "started"}], (), PLAIN) == "a: started\nHEARTBEAT_OK\n"
    needs = NeedsYou(kind="ask", label="a", reason="risky", command="autobuilds approve a")
    text = human.heartbeat([], (needs,), PLAIN)
    assert text == "NEEDS YOU a: risky -> autobuilds approve a\n"


def test_a_timeline_is_in_the_order_of_time() -> None:
    entries = [
        human.TimelineEntry(at=NOW + 5 * HOUR, label="b", what="waits for off-hours"),
        human.TimelineEntry(at=NOW, until=NOW + HOUR, label="a", what="starts"),
    ]
    assert human.timeline(entries, NOW, PLAIN) == "17:00 to 18:00       a  starts\n22:00                b  waits for off-hours\n"
    assert human.timeline((), NOW, PLAIN).startswith("Nothing is planned")


def test_a_report_says_the_bad_news_in_its_first_line() -> None:
    text = human.report(report_view(SNAPSHOT, START.date(), UTC, moment=MOMENT, assessments=ASSESSMENTS), PLAIN)
    assert text.startswith("2026-02-06: 2 builds finished and verified, 1 build finished by claim only, 4\nattempts did not pass.\n")
    assert "  cost: 1.26 USD\n" in text and "  tokens out: not reported\n" in text


def _all_texts(style: Style) -> list[str]:
    view = _view()
    hostile = replace(
        view,
        headline=HOSTILE,
        needs_you=(NeedsYou(kind="ask", label=HOSTILE, reason=HOSTILE, command=HOSTILE),),
        building=(replace(view.building[0], label=HOSTILE, agent=HOSTILE, step=HOSTILE, stalled=True),),
        queue=(replace(view.queue[0], label=HOSTILE, reason=HOSTILE),),
        failed=(replace(view.failed[0], label=HOSTILE, reason=HOSTILE),),
        health=replace(view.health, sandbox=HOSTILE, starts=HOSTILE),
    )
    bad = task("a", name=HOSTILE, description=HOSTILE, steps=HOSTILE, notes=HOSTILE, category=HOSTILE)
    problem = Problem(file=HOSTILE, line=1, column=1, kind="x", severity=Severity.ERROR, message=HOSTILE)
    return [
        human.status(hostile, NOW, style),
        human.why((replace(ASSESSMENTS[0], label=HOSTILE, gates=(gate(HOSTILE, "ask", HOSTILE, fix=HOSTILE),)),), NOW, style),
        human.task_list(Queue(tasks=(bad, replace(bad, problems=(problem,)))), style),
        human.show(replace(bad, problems=(problem,)), style),
        human.problems((problem,), Counts(), style),
        human.heartbeat([{"label": HOSTILE, "event": HOSTILE, "reason": HOSTILE}], hostile.needs_you, style, [HOSTILE]),
        human.timeline([human.TimelineEntry(at=NOW, label=HOSTILE, what=HOSTILE)], NOW, style),
    ]


def test_no_text_drives_the_terminal() -> None:
    for text in _all_texts(PLAIN):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]", text)
    for text in _all_texts(COLOUR):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]", re.sub("\x1b\\[[0-9]{1,2}m", "", text))
        assert text.count("\x1b[0m") * 2 == text.count("\x1b[")


def test_colours_change_nothing_else() -> None:
    for plain, coloured in zip(_all_texts(PLAIN), _all_texts(COLOUR), strict=True):
        assert re.sub("\x1b\\[[0-9]{1,2}m", "", coloured) == plain


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_fit_the_terminal(width: int) -> None:
    style = Style(width=width)
    long = "workout-" * 8 + "x"
    view = _view()
    wide = replace(view, queue=(replace(view.queue[0], label=long, reason="因为" * 60 + " " + "x" * 200),), needs_you=())
    for text in (human.status(wide, NOW, style), human.why(ASSESSMENTS, NOW, style)):
        assert max(cells(line) for line in text.split("\n")) <= width


@given(st.text(max_size=80), st.integers(1, 60))
def test_cut_and_pad_keep_to_their_cells(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= width
    assert cells(pad(text, width)) == width


@given(st.text(alphabet="ab 因é", max_size=120), st.integers(16, 40))
def test_wrapping_loses_no_word(text: str, width: int) -> None:
    lines = wrap(text, width, first="  > ", rest="    ")
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == ">" + "".join(text.split())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (29, "just now"), (120, "2 minutes ago"), (7200, "2 hours ago"), (-300, "in 5 minutes"), (86400 * 3, "3 days ago")],
)
def test_times_as_people_say_them(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(("days", "words"), [(0, "17:00"), (1, "Sat 17:00"), (-6, "Sat 17:00"), (7, "2026-02-13 17:00")])
def test_clock_is_as_short_as_it_stays_clear(days: int, words: str) -> None:
    assert clock(NOW + timedelta(days=days), NOW) == words


def test_a_bar_shows_the_unknown_as_empty() -> None:
    assert (bar(None), bar(0), bar(55), bar(100)) == ("[..........]", "[..........]", "[######....]", "[##########]")


def test_long_lines_are_folded_and_no_colour_is_cut() -> None:
    folded = fold("  why: " + "word " * 30 + "\nshort\n\x1b[1m" + "x" * 100, 60).split("\n")
    assert max(len(row) for row in folded[:-1]) <= 60
    assert folded[0].startswith("  why: word") and all(row.startswith("    word") for row in folded[1:-2])
    assert folded[-2:] == ["short", "\x1b[1m" + "x" * 100]
