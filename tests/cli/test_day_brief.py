"""`autobuilds brief`: one screen, a page, a message, JSON; and the script of old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.cli.formatters import brief_text
from autobuilds.cli.formatters.columns import cells
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.historical import run_script
from autobuilds.runtime.brief_values import Ahead, BriefView, Failed, Shipped, Turn, Underway, Waiting
from autobuilds.runtime.view_values import NeedsYou
from tests.cli.conftest import Desk
from tests.conftest import git

AT = datetime(2026, 2, 7, 7, 0, tzinfo=UTC)
SHIPPED = Shipped(
    label="spotify-login",
    name="Spotify login",
    evidence="checked in the clone",
    checks_passed=3,
    checks_total=3,
    finished=AT,
    then="waits for your review",
    command="autobuilds review spotify-login",
    files_changed=4,
    lines_added=120,
    lines_removed=8,
)
FAILED = Failed(label="oauth", name="OAuth", reason="pytest -q: exit status 1", attempts=3, then="handed over to you", command="x")
RUNS = Underway(label="docs", name="Docs", percent=60, ready=AT + timedelta(hours=1, minutes=40))
NEED = NeedsYou(kind="ask", label="drop-users", reason='destructive: "drop" + "users"', command="autobuilds approve drop-users")
TODAY = Ahead(label="tidy", name="Tidy", start=AT + timedelta(hours=12), end=AT + timedelta(hours=14))
VIEW = BriefView(
    day=date(2026, 2, 7),
    zone="UTC",
    since=AT - timedelta(hours=8),
    until=AT,
    nights=("2026-02-06",),
    headline="1 build shipped, 1 failed.",
    shipped=(SHIPPED,),
    failed=(FAILED,),
    building=(RUNS,),
    needs_you=(NEED,),
    found=3,
    fixed=2,
    throttled_minutes=90,
    context="sleeping",
    turns=(Turn(at=AT + timedelta(hours=2), context="weekend"),),
    today=(TODAY,),
    queue=Waiting(ready=1, held=2, asking=1, building=1, review=1),
)
EMPTY = replace(VIEW, shipped=(), failed=(), building=(), needs_you=(), found=0, fixed=0, context=None, turns=(), today=(), nights=())


def test_the_screen() -> None:
    assert brief_text.screen(VIEW, Style()) == (
        "Saturday 7 February: 1 build shipped, 1 failed.\n"
        "night 2026-02-06 (throttled for 1 h 30 min), told since 2026-02-06 23:00\n"
        "Shipped    spotify-login: 3 of 3 checks, 4 files +120 −8, in review\n"
        "Failed     oauth (3 attempts): pytest -q: exit status 1; handed over to you\n"
        "Building   docs: 60 %, ready about 08:40\n"
        'Needs you  drop-users: destructive: "drop" + "users"\n'
        "           > autobuilds approve drop-users\n"
        "Fixed      2 of 3 problems; the rest: autobuilds problems list\n"
        "Today      19:00 tidy, ready about 21:00\n"
        "You        sleeping now, weekend from 09:00\n"
        "Queue      1 can start, 2 wait, 1 ask you; 1 running, 1 in review\n"
    )


def test_a_day_of_many_turns_is_told_whole() -> None:
    hours = (("working", 1), ("away", 9), ("available", 11), ("sleeping", 15))
    busy = replace(VIEW, context="away", turns=tuple(Turn(at=AT + timedelta(hours=n), context=word) for word, n in hours))
    assert (
        "You        away now, working from 08:00, away from 16:00, available from 18:00,\n           sleeping from 22:00\n"
    ) in brief_text.screen(busy, Style())


def test_the_screen_of_an_idle_night() -> None:
    assert brief_text.screen(replace(EMPTY, headline="Nothing ran and nothing shipped."), Style()).split("\n")[:2] == [
        "Saturday 7 February: Nothing ran and nothing shipped.",
        "no overnight session; told since 2026-02-06 23:00",
    ]


def test_the_message() -> None:
    assert brief_text.message(VIEW) == (
        "Brief 2026-02-07: 1 build shipped, 1 failed.\n"
        "Shipped: Spotify login (3 of 3 checks)\n"
        "Failed: OAuth, handed over to you\n"
        "Building: Docs 60 %\n"
        "Needs you: drop-users (autobuilds approve drop-users)\n"
        "Fixed: 2 problems\n"
        "Today: 19:00 Tidy\n"
        "Queue: 1 can start, 2 wait, 1 ask you; 1 running, 1 in review"
    )


def test_acts_in_words_and_details_of_running_builds() -> None:
    word = replace(NEED, label=None, reason="HEARTBEAT.md: unknown key", command="edit HEARTBEAT.md line 3")
    late = replace(RUNS, percent=None, ready=AT - timedelta(days=1), late=True, stalled=True)
    soon = replace(TODAY, soon=True, guessed=True)
    merged = replace(SHIPPED, then="merged into main", command=None)
    view = replace(VIEW, needs_you=(word,), building=(late,), today=(soon,), shipped=(merged,), past=True)
    text = brief_text.screen(view, Style())
    assert "Needs you  HEARTBEAT.md: unknown key\n           you: edit HEARTBEAT.md line 3\n" in text
    assert "Building   docs: percent unknown, was expected about Fri 07:00, no sign of life\n" in text
    assert (
        "Today      next heartbeat tidy\n" in text
        and "8, merged into main\n" in text
        and "until 2026-02-07 07:00" in " ".join(text.split())
    )
    assert "soon Tidy" in brief_text.message(view) and "Docs ? %" in brief_text.message(view)


@given(
    st.integers(0, 40), st.integers(0, 40), st.integers(0, 20), st.integers(0, 30), st.integers(0, 30), st.text(max_size=200), st.booleans()
)
def test_it_is_one_screen_and_one_message_however_much_there_is(
    shipped: int, failed: int, building: int, needs: int, today: int, text: str, context: bool
) -> None:
    view = replace(
        VIEW,
        headline="1 build shipped.",
        shipped=(replace(SHIPPED, label=f"s{text}", name=text),) * shipped,
        failed=(replace(FAILED, name=text, reason=text),) * failed,
        building=(replace(RUNS, name=text),) * building,
        needs_you=tuple(replace(NEED, reason=text, command=f"autobuilds approve drop-{n}") for n in range(needs)),
        today=(replace(TODAY, name=text),) * today,
        context="sleeping" if context else None,
    )
    rows = brief_text.screen(view, Style()).split("\n")[:-1]
    assert len(rows) <= 24 and all(cells(row) <= 80 for row in rows)
    shown = [row for row in rows if "autobuilds approve" in row]
    assert all(row.endswith(tuple(need.command for need in view.needs_you)) for row in shown)
    assert not needs or shown
    message = brief_text.message(view)
    assert len(message) <= 600 and not any(sign in message for sign in "`\x1b\x00\r")
    assert message.count("\n") <= 7


def test_what_does_not_fit_is_counted() -> None:
    view = replace(VIEW, shipped=(SHIPPED,) * 30, today=(TODAY,) * 30, needs_you=(NEED,) * 9)
    text = brief_text.screen(view, Style())
    assert text.count("\n") == 24
    shown = text.count("spotify-login:")
    assert f"and {30 - shown} more: autobuilds brief --markdown" in text
    assert "more: autobuilds status" in text and "more: autobuilds schedule" in text


def test_a_message_for_a_chat_calls_nobody() -> None:
    name = "`@here` see https://evil.example #general"
    text = brief_text.message(replace(VIEW, shipped=(replace(SHIPPED, name=name),)))
    assert "@here" not in text and "https://evil" not in text and "#general" not in text and "`" not in text


def test_the_command_prints_writes_and_answers(desk: Desk) -> None:
    said = desk.type("brief")
    assert said.status == 0 and said.out.split("\n")[0] == "Friday 6 February: Nothing ran and nothing shipped."
    assert git(desk.root, "status", "--porcelain") == ""
    found = desk.type("brief", "--json").json
    assert (found["schema"], found["kind"], found["day"], found["shipped"]) == (1, "brief", "2026-02-06", [])
    assert desk.type("brief", "--text").out.startswith("Brief 2026-02-06: Nothing ran")
    assert desk.type("brief", "--markdown").out.startswith("# Morning brief 2026-02-06\n")
    written = desk.type("brief", "--write", "--date", "2026-02-05")
    assert "written to build-reports/brief-2026-02-05.md" in written.err
    assert "unchanged in" in desk.type("brief", "--write", "--date", "2026-02-05").err
    assert git(desk.root, "log", "-1", "--format=%s") == "autobuilds: brief of 2026-02-05"


def test_wrong_usage(desk: Desk) -> None:
    assert desk.type("brief", "--date", "soon").status == 2
    assert desk.type("brief", "--text", "--json").status == 2
    ahead = desk.type("brief", "--write", "--date", "2026-02-07")
    assert ahead.status == 2 and "2026-02-07 has not begun: today is 2026-02-06" in ahead.err
    assert "0001-01-01 lies before everything" in desk.type("brief", "--date", "0001-01-01").err
    assert not (desk.root / "build-reports").exists()


def test_a_broken_template_is_told(desk: Desk) -> None:
    (desk.root / "templates").mkdir()
    (desk.root / "templates" / "brief.md.j2").write_text("{{ nothing }}\n")
    assert "templates/brief.md.j2:1" in desk.type("brief").err


def test_the_script_of_old(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    script = str(Path(__file__).resolve().parents[2] / "scripts" / "generate-morning-brief.py")
    assert run_script("generate-morning-brief", ["--stdout", "--date", "2026-02-05"], script) == 0
    assert capfd.readouterr().out.startswith("# Morning brief 2026-02-05\n")
    assert not (desk.root / "build-reports").exists()
    assert run_script("generate-morning-brief", [], script) == 0
    assert (desk.root / "build-reports" / "brief-2026-02-06.md").exists()
    assert run_script("generate-morning-brief", ["--date", "soon"], script) == 2
