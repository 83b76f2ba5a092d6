"""`why --at`: the answer for people and for programs, and its messages."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.cli.conftest import Desk
from tests.conftest import git


def started(desk: Desk) -> str:
    """Start the task of the desk and return the commit that records it."""
    desk.type("unblock", "fix-the-clock", "--all")
    desk.type("set", "fix-the-clock", "criteria", "It prints the zero: `grep -q 02d clock.py`")
    assert desk.type("heartbeat", "--wait").status == 0
    return git(desk.root, "log", "--format=%H", "--grep=^Event: start$")


def test_a_start_is_asked_in_words_and_as_json(desk: Desk) -> None:
    sha = started(desk)
    told = desk.type("why", "Fix the clock", "--at", sha)
    assert told.status == 0 and told.err == ""
    words = " ".join(told.out.split())
    assert words.startswith(
        f"At 2026-02-06 16:00, commit {sha[:12]}, which started fix-the-clock; all its gates say what was recorded then:"
    )
    assert "fix-the-clock go: every gate is open" in words and "note:" not in words
    other = desk.type("why", "--at", sha[:10]).out
    assert "describe-the-clock  ask: gate" in other
    found = desk.type("why", "fix-the-clock", "--at", sha, "--json").json
    assert (found["kind"], found["tasks"][0]["verdict"]) == ("why", "go")
    assert (found["at"]["commit"], found["at"]["started"], found["at"]["differing"]) == (sha, "fix-the-clock", [])
    assert found["at"]["recorded"]["state"] == "not started" and found["at"]["files"] == git(desk.root, "rev-parse", f"{sha}^")
    later = desk.type("why", "fix-the-clock", "--at", "HEAD")
    assert later.status == 0 and "waits for your review" in later.out and "note:" in later.out
    assert desk.type("why", "fix-the-clock", "--at", "HEAD", "--json").json["became"]["state"] == "review"


def test_before_anything_was_started_what_is_not_known_is_said(desk: Desk) -> None:
    told = desk.type("why", "fix-the-clock", "--at", "main")
    assert told.status == 0 and "the gates on them can't be asked" in " ".join(told.out.split())
    assert "  wait blockers" in told.out and "  go   agent" not in told.out
    assert desk.type("why", "--at", "main", "--json").json["at"]["unknown"] == ["agent", "resources"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["fix-the-clock", "--at", "nowhere"], 2, '--at "nowhere": no commit, branch or tag of that name'),
        (["fix-the-clock", "--at", "1999-01-01"], 2, "there is no commit of that time or before it"),
        (["fix-the-clok", "--at", "main"], 1, '(did you mean "fix-the-clock"?)'),
    ],
)
def test_what_can_not_be_asked_is_one_line(desk: Desk, arguments: list[str], status: int, said: str) -> None:
    told = desk.type("why", *arguments)
    assert (told.status, told.out) == (status, "")
    assert said in told.err and told.err.count("\n") == 1


def test_a_gate_that_says_something_else_now_is_named(desk: Desk) -> None:
    sha = started(desk)
    text = git(desk.root, "log", "-1", "--format=%B", sha).replace('"state":"not started"', '"state":"\\u001b[31mforged"')
    forged = git(desk.root, "commit-tree", f"{sha}^{{tree}}", "-p", f"{sha}^", "-m", text)
    told = desk.type("why", "fix-the-clock", "--at", forged).out
    assert "Asked again, these gates do not say what was recorded then: state said:" in " ".join(told.split())
    assert "\x1b" not in told and "forged" in told


def test_another_task_is_told_as_the_start_left_it(desk: Desk) -> None:
    sha = started(desk)
    told = " ".join(desk.type("why", "describe-the-clock", "--at", sha).out.split())
    assert f"commit {sha[:12]}, which started fix-the-clock; describe-the-clock as that commit left it:" in told
    assert "1 of " in told and "was recorded then" not in told
    found = desk.type("why", "describe-the-clock", "--at", sha, "--json").json["at"]
    assert (found["started"], found["recorded"], found["files"]) == ("fix-the-clock", {}, sha)
    every = " ".join(desk.type("why", "--at", sha).out.split())
    assert "all its gates say what was recorded then; all other tasks as that commit left them:" in every
    whole = desk.type("why", "--at", sha, "--json").json
    assert [t["label"] for t in whole["tasks"]][:2] == ["fix-the-clock", "describe-the-clock"]
    assert whole["at"]["recorded"] and whole["tasks"][0]["verdict"] == "go"


def test_the_time_that_an_answer_prints_leads_back_to_its_commit(desk: Desk) -> None:
    """Commits are made at any second of a minute, and in the hour that comes twice the minute alone would not do."""
    config = desk.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("timezone: UTC", "timezone: America/Chicago"))
    assert "America/Chicago" in config.read_text()
    for when in ("2025-10-31T12:00:40", "2025-11-02T06:30:40", "2025-11-02T07:30:40", "2025-11-02T08:30:40"):
        _commit(desk, when)
        sha = git(desk.root, "rev-parse", "HEAD")
        printed = " ".join(desk.type("why", "--at", sha).out.split()).partition(", commit ")[0].removeprefix("At ")
        assert printed.endswith({"06": "01:30-05:00", "07": "01:30-06:00", "08": "02:30", "12": "07:00"}[when[11:13]])
        assert f"commit {sha[:12]}" in desk.type("why", "--at", printed).out


def _commit(desk: Desk, when: str) -> None:
    environment = {**os.environ, "GIT_COMMITTER_DATE": f"{when}+0000"}
    argv = ["git", "-c", "user.name=o", "-c", "user.email=o@example.org", "commit", "-qam", "later", "--allow-empty"]
    subprocess.run(argv, cwd=desk.root, env=environment, check=True)
