"""`autobuilds context`: what it says, the owner's word, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from autobuilds.cli.formatters import context_text
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.day import Busy, Context
from autobuilds.domain.moment import Moment
from autobuilds.domain.settings import Settings
from autobuilds.policies.context_scheduler import detect, summary, upcoming
from tests.builders import NOW
from tests.cli.conftest import Desk
from tests.conftest import git

JSON = Path(__file__).parents[2] / "docs" / "reference" / "json.md"

DETECTED = """\
working
  because    your timetable (working: Mon-Fri 09:00-17:00)
  holds      since 2026-02-06 09:00, until 2026-02-06 17:00
  builds     1 build at the same time
  intensity  light: new builds yield to your own work
  interrupt  no: what can wait is kept for the next brief
  windows    quick-win   closed  opens 2026-02-06 19:00
             overnight   closed  opens 2026-02-06 23:00
             work-hours  open    until 2026-02-06 17:00
             weekend     closed  opens 2026-02-07 00:00
"""


@pytest.mark.parametrize("command", [("context",), ("context", "detect")])
def test_detect_explains_its_answer_and_changes_nothing(desk: Desk, command: tuple[str, ...]) -> None:
    before = git(desk.root, "rev-parse", "HEAD")
    said = desk.type(*command)
    assert (said.status, said.out) == (0, DETECTED)
    assert git(desk.root, "rev-parse", "HEAD") == before
    assert git(desk.root, "status", "--porcelain") == ""


def test_a_word_until_a_time(desk: Desk) -> None:
    said = desk.type("context", "set", "away", "--until", "18:00")
    assert said.status == 0
    assert "because    your word (autobuilds context set)\n  holds      since 2026-02-06 16:00, until 2026-02-06 18:00\n" in said.out
    assert "overnight   open    until 2026-02-06 18:00  while away, by your word, against its hours" in said.out
    assert git(desk.root, "log", "-1", "--format=%s%n%(trailers:key=Event)").strip() == (
        "autobuilds: away by the owner's word, until 2026-02-06 18:00\nEvent: context-word"
    )
    assert "## [16:00] Context: away" in (desk.root / "memory/2026-02-06.md").read_text()


def test_a_word_for_a_while_and_without_an_end(desk: Desk) -> None:
    found = desk.type("context", "set", "Weekend", "--for", "2h", "--json").json
    assert (found["kind"], found["context"], found["source"]) == ("context-set", "weekend", "word")
    assert found["until"] == "2026-02-06T18:00:00+00:00"
    found = desk.type("context", "set", "sleeping", "--json").json
    assert (found["context"], found["until"]) == ("sleeping", None)
    assert "until you take it back (autobuilds context clear)" in " ".join(desk.type("context").out.split())


@pytest.mark.parametrize("back", [("clear",), ("set", "auto")])
def test_a_word_is_taken_back(desk: Desk, back: tuple[str, ...]) -> None:
    desk.type("context", "set", "away")
    found = desk.type("context", *back, "--json").json
    assert (found["kind"], found["context"], found["source"]) == ("context-clear", "working", "timetable")
    again = desk.type("context", *back)
    assert again.status == 1
    assert "you gave no word that still holds" in again.err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("set", "awya"), 2, "'away'"),
        (("set", "away", "--until", "noonish"), 2, '--until "noonish" is no time'),
        (("set", "away", "--for", "a while"), 2, '--for "a while" is no length of time: write it as 90 min, 2h or 3d'),
        (("set", "away", "--for", "2h", "--until", "18:00"), 2, "--until and --for say the same"),
        (("set", "auto", "--for", "2h"), 2, "auto takes your word back; it has no end"),
        (("set", "away", "--until", "2026-02-06 15:00"), 2, "2026-02-06 15:00 has passed"),
        (("upcoming", "0"), 2, "0 is not in the range"),
    ],
)
def test_what_can_not_be_meant(desk: Desk, arguments: tuple[str, ...], status: int, message: str) -> None:
    said = desk.type("context", *arguments)
    assert said.status == status, said.err
    assert message in said.err
    assert git(desk.root, "status", "--porcelain") == ""


def test_the_day_so_far_and_what_comes(desk: Desk) -> None:
    assert desk.type("context", "summary").out == (
        "2026-02-06, until 16:00\n"
        "  00:00-07:00  sleeping  your timetable (sleeping: 23:00-07:00)\n"
        "  07:00-09:00  away      no line of your timetable covers this time\n"
        "  09:00-16:00  working   your timetable (working: Mon-Fri 09:00-17:00)\n"
        "in all: sleeping 7 h, working 7 h, away 2 h\n"
    )
    assert desk.type("context", "upcoming", "2").out == (
        "Fri 2026-02-06 17:00  working -> away\n"
        "  because  no line of your timetable covers this time\n"
        "  then     1 build at the same time, intensity full, no interruptions; windows\n"
        "           open: none\n"
    )
    assert desk.type("context", "upcoming", "--hours", "1").out == "the context stays as it is for the next 1 h\n"
    assert len(desk.type("context", "upcoming", "--json").json["changes"]) == 4


def test_options_may_stand_before_the_subcommand(desk: Desk) -> None:
    assert desk.type("context", "--json", "summary").json["kind"] == "context-summary"


def test_a_build_may_look_but_not_speak_for_the_owner(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "a1")
    monkeypatch.delenv("AUTOBUILDS_NOW")
    assert desk.type("context").status == 0
    for arguments in (("set", "away"), ("set", "auto"), ("clear",)):
        said = desk.type("context", *arguments)
        assert said.status == 2, arguments
        assert "build" in said.err


def test_every_key_of_the_answers_is_documented(desk: Desk) -> None:
    text = JSON.read_text(encoding="utf-8")

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return {k for k in value if k not in list(Context)} | {k for v in value.values() for k in keys(v)}
        return {k for v in value for k in keys(v)} if isinstance(value, list) else set()

    for command in (("detect",), ("summary",), ("upcoming",), ("set", "away"), ("clear",)):
        answer = desk.type("context", *command, "--json").json
        assert f"`{answer['kind']}`" in text
        assert {k for k in keys(answer) if f"`{k}`" not in text} == set()


def test_the_names_of_events_are_shown_as_text_and_a_fault_is_told() -> None:
    event = Busy(start=NOW, end=NOW + timedelta(hours=1), context=Context.AWAY, summary="Den\x1b[2Jtist\nline")
    moment = Moment(now=NOW, busy=(event,), calendar_fault="me.ics:\x1b[2J is gone")
    texts = [
        context_text.detected(detect(Settings(), None, moment), Style()),
        context_text.summary(summary(Settings(), None, Moment(now=NOW + timedelta(hours=2), busy=(event,))), Style()),
        context_text.upcoming(upcoming(Settings(), None, Moment(now=NOW - timedelta(hours=1), busy=(event,)), 2), 2, Style()),
    ]
    for text in texts:
        assert "in your calendar" in text
        assert "\x1b" not in text
    assert "the calendar says nothing: me.ics:" in texts[0]
    early = Moment(now=NOW.replace(hour=0, minute=0))
    assert context_text.summary(summary(Settings(), None, early), Style()).endswith("the day has just begun\n")
