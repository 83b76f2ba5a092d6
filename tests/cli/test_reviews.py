"""The story of a build as text: complete, bounded, and harmless for the terminal whatever stands in it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from autobuilds.cli.formatters.change_text import file_bars
from autobuilds.cli.formatters.reviews import review_text, waiting_text
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import BuildState, Check, DeliverMode, Evidence, Outcome, Usage
from autobuilds.ports import FileStat
from autobuilds.runtime.story import Prompt, commands_for
from tests.cli.test_json_reviews import STORY
from tests.runtime.sample_state import NOW, attempt, build

EVIL = "evil\x1b]0;title\x07\x1b[2J\r\u202e\x9b31m"
PLAIN = Style()
FAILED = attempt(
    "docs",
    1,
    ended=NOW,
    outcome=Outcome.AGENT_FAILED,
    reason="the agent ended with exit status 1",
    failure=FailureClass.RATE_LIMIT,
    model="m",
)
PASSED = attempt(
    "docs",
    2,
    ended=NOW,
    outcome=Outcome.PASSED,
    evidence=Evidence.CHECKED,
    checks=(
        Check(text="Tests pass", passed=True, command="pytest -q", exit_code=0, seconds=1.25, tail="3 passed\n"),
        Check(text="The manual shows it", passed=True, tail="see docs/manual.md"),
    ),
    usage=Usage(tokens_in=1200, tokens_out=34, cost_usd=0.125),
    said="All done.",
)
BUILD = build("docs", BuildState.REVIEW, FAILED, PASSED, name="Docs", deliver=DeliverMode.PR)
TOLD = replace(
    STORY, build=BUILD, attempt=PASSED, commands=commands_for(BUILD), prompt=Prompt(file="p.md", text="\n".join(map(str, range(20))))
)


def test_the_story_reads_from_what_was_asked_to_what_can_be_done() -> None:
    text = review_text(TOLD, PLAIN)
    parts = ["Docs (docs)", "Asked", "Attempts", "Prompt (p.md)", "What it did", "Change:", "Checks", "Cost", "Diff", "Next"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "  1  agent-failed (rate-limit), claude (m), sandbox bubblewrap, 2026-02-06 15:00, took 2.0 h" in " ".join(
        text.split("\n    ")
    ).replace("120 min", "2.0 h")
    assert "passed in 1.2 s: Tests pass\n    $ pytest -q\n    3 passed" in text
    assert "claimed: The manual shows it\n    see docs/manual.md" in text
    assert "0.12 USD, 1,200 tokens in, 34 out" in text
    assert "  ... 12 more lines: autobuilds review docs --prompt" in text
    assert "Next\n  autobuilds pr docs\n  autobuilds accept docs\n" in text


def test_options_show_more_or_less() -> None:
    assert "  19\n" in review_text(TOLD, PLAIN, prompt=True)
    assert "+x" not in review_text(TOLD, PLAIN, diff=False)
    assert review_text(TOLD, PLAIN, stat_only=True) == "  a.py   1 +\n  b.png  not text\n"


@pytest.mark.parametrize("colour", [False, True])
def test_no_text_of_others_drives_the_terminal(colour: bool) -> None:
    check = Check(text=EVIL, passed=False, command=EVIL, exit_code=1, seconds=1.0, tail=EVIL)
    bad = replace(PASSED, reason=EVIL, said=EVIL, notes=(EVIL,), checks=(check,), branch=EVIL, model=EVIL, pull_request=EVIL, outcome=None)
    evil = replace(
        TOLD,
        build=replace(BUILD, name=EVIL, reason=EVIL, attempts=(bad,)),
        attempt=bad,
        prompt=Prompt(file="p.md", text=EVIL),
        did=(EVIL,),
        files=(FileStat(path=EVIL, added=1, removed=1),),
        diff=f"+{EVIL}\n",
        log_tail=EVIL,
        faults=(EVIL,),
    )
    text = review_text(evil, Style(colour=colour), prompt=True) + waiting_text([evil.build], NOW, Style(colour=colour))
    for sign in ("\x1b]", "\x1b[2J", "\r", "\u202e", "\x9b", "\x07"):
        assert sign not in text
    assert ("\x1b" in text) is colour


def test_bars_are_in_proportion_and_fit() -> None:
    files = [
        FileStat(path="a.py", added=1000, removed=0),
        FileStat(path="b" * 90 + ".py", added=1, removed=1),
        FileStat(path="c", added=0, removed=500),
    ]
    rows = file_bars(files, PLAIN)
    assert [row.count("+") for row in rows] == [30, 1, 0]
    assert [row.count("-") for row in rows][2] == 15
    assert rows[1].lstrip().startswith("…bbb")


def test_what_waits_is_a_line_each() -> None:
    rows = waiting_text([BUILD, BUILD], NOW, PLAIN).split("\n")
    assert rows[0] == rows[1]
    assert rows[0].startswith("docs  checked in the clone, 1 of 1 checks, 0.12 USD")
    assert waiting_text([], NOW, PLAIN) == "Nothing waits for your review.\n"


def test_no_line_but_the_change_itself_is_wider_than_the_terminal() -> None:
    told = replace(
        TOLD,
        build=replace(TOLD.build, reason="because " * 30),
        did=("2026-02-06 15:00 " + "says a lot " * 30,),
        prompt=replace(TOLD.prompt, text="a long line " * 30),
        faults=("what is gone " * 20,),
    )
    text = review_text(told, PLAIN, diff=False)
    assert max(len(row) for row in text.split("\n")) <= 80
    coloured = review_text(told, Style(colour=True), diff=False)
    assert re.sub("\x1b\\[[0-9]*m", "", coloured) == text
