"""What stops a build or holds a start: limits, stalls, bounds, pauses, missing agents; and starts that follow at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.domain.build import BuildState, Outcome
from autobuilds.runtime import owner
from autobuilds.runtime.heartbeat import beat
from autobuilds.wiring import make_context
from tests.fakes.runner import FakeRunner
from tests.runtime.loop import UNTIL_TOLD, Loop, details, make_loop
from tests.runtime.test_loop_trouble import at

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

Make = Callable[..., Path]


@pytest.mark.parametrize(
    ("more", "steps", "outcome", "words"),
    [
        ("timeout: 1s\n", "echo hello > a.txt; sleep 60", Outcome.TIMEOUT, "1 seconds"),
        ("output_limit: 1\n", "echo hello > a.txt; yes", Outcome.TIMEOUT, "limit of 1048576 bytes"),
        ("stall_after: 1s\n", "echo hello > a.txt; sleep 60", Outcome.STALLED, "without output"),
        ("", "echo x > .github", Outcome.OUT_OF_BOUNDS, ".github"),
        ("", "echo x > HEARTBEAT.md", Outcome.OUT_OF_BOUNDS, "HEARTBEAT.md"),
        ("", "echo hello > a.txt; echo x > other.txt", Outcome.OUT_OF_BOUNDS, "paths outside Touches: other.txt"),
        ("", "exit 3", Outcome.AGENT_FAILED, "exit status 3"),
        ("", "true", Outcome.NO_CHANGE, "changed nothing"),
    ],
)
def test_an_attempt_that_may_not_go_on_is_stopped_and_named(make_repo: Make, more: str, steps: str, outcome: Outcome, words: str) -> None:
    touches = "- **Touches:** a.txt\n" if "other" in steps else ""
    loop = make_loop(make_repo, details("Say hello", steps=steps, extra=touches), more=more)
    loop.beat()
    loop.ended()
    loop.beat(start=False)
    build = loop.build()
    (attempt,) = build.attempts
    assert attempt.outcome is outcome and words in (attempt.reason or ""), attempt.reason
    expected = BuildState.ESCALATED if outcome is Outcome.OUT_OF_BOUNDS else BuildState.RETRYING
    assert build.state is expected
    if "hello" in steps:
        assert loop.git("show", "build/say-hello.attempt-1:a.txt") == "hello", "what was done is kept"


def test_a_silent_build_is_told_of_once_and_stopped_at_twice_the_time(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"), more="stall_after: 4h\n")
    noon = datetime(2026, 2, 6, 12, tzinfo=UTC)
    runner = FakeRunner(now=noon)
    loop = Loop(context=replace(loop.context, runner=runner))
    at(loop, noon).beat()
    assert not at(loop, noon + timedelta(hours=3, minutes=59)).beat().transitions
    alerted = at(loop, noon + timedelta(hours=4)).beat()
    assert [t["event"] for t in alerted.transitions] == ["stalled"]
    assert [n.kind for n in alerted.needs_you] == ["stalled"]
    assert not at(loop, noon + timedelta(hours=5)).beat().transitions
    last = loop.build().last
    assert last is not None
    runner.shows_life(last.id, noon + timedelta(hours=6))
    assert not at(loop, noon + timedelta(hours=13)).beat().transitions
    stopped = at(loop, noon + timedelta(hours=14)).beat(start=False)
    assert [t["event"] for t in stopped.transitions] == ["failed"]
    assert loop.build().attempts[0].outcome is Outcome.STALLED


def test_nothing_starts_while_paused_or_stopped_and_what_runs_is_looked_after(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello", steps=UNTIL_TOLD), details("Greet again", file="b.txt", steps="echo hello > b.txt"))
    loop.beat()
    (loop.root / "STOP").touch()
    loop.tell()
    loop.ended()
    held = loop.beat()
    assert loop.state() == "review" and held.view.health.starts == "stopped by the file STOP"
    (loop.root / "STOP").unlink()
    owner.pause(loop.context, None, "tired")
    assert loop.beat().assessments[0].obstacles[0].gate == "paused"
    owner.resume(loop.context)
    loop.run()
    assert loop.state("greet-again") == "review"


def test_a_missing_agent_asks_and_holds_nothing_else(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello", extra="- **Agent:** nobody\n"), details("Greet again"))
    last = loop.run()
    assert loop.state("greet-again") == "review"
    asked = next(n for n in last.needs_you if n.kind == "ask")
    assert asked.label == "say-hello" and "nobody" in asked.reason


def test_the_next_task_starts_at_the_ending_and_three_merge_side_by_side(make_repo: Make) -> None:
    """The supervisors' own heartbeats do it all: five tasks, three at a time, every merge checked on what came before."""
    names = ["One", "Two", "Three", "Four", "Five"]
    blocks = [
        details(n, file=f"{n}.txt", steps=f"sleep 0.2; echo hello > {n}.txt", check=f"grep -qx hello {n}.txt").replace(
            "as app.py reads it", f"as step {n} of app.py reads it"
        )
        for n in names
    ]
    loop = make_loop(make_repo, *blocks, more="max_concurrent: 3\ndeliver: merge\n")
    context = make_context(loop.root)
    beat(context)
    deadline = time.monotonic() + 60
    while sum(b.state is BuildState.COMPLETED for b in context.workspace.ledger().builds) < 5:
        assert time.monotonic() < deadline, [(b.label, b.state.value, b.reason) for b in context.workspace.ledger().builds]
        time.sleep(0.1)
    with context.workspace.lock("heartbeat", "the end", 30):
        assert all((loop.root / f"{n}.txt").read_text() == "hello\n" for n in names)
        assert all(len(b.attempts) == 1 for b in context.workspace.ledger().builds)
    beat(context, patience=30)
    assert loop.git("status", "--porcelain") == ""
    assert loop.git("branch", "--list", "build/*") == ""
    assert os.environ.get("AUTOBUILDS_ATTEMPT") is None


ARGUMENT = """
[speaker]
argv = ["/bin/sh", "-e", "-c", 'printf "%s" "$1" > a-prompt.txt; echo hello > a.txt', "sh", "{prompt}"]
prompt = "arg"
version = []
"""


@pytest.mark.parametrize("long", [False, True])
def test_a_prompt_is_an_argument_whole_or_not_at_all(make_repo: Make, long: bool) -> None:
    """Each part of a prompt has at most 20 000 characters, which are more bytes in other alphabets."""
    more = "\n".join(["  " + "\u5b57" * 960] * 30) if long else "  Nothing else."
    task = details("Say hello", extra=f"- **Agent:** speaker\n- **Notes:** as follows\n{more}\n")
    loop = make_loop(make_repo, task.replace("as app.py reads it.", f"as app.py reads it.\n{more}"), **{"agents.toml": ARGUMENT})
    owner.approve(loop.context, "say-hello", "olive@example.org")
    loop.run()
    build = loop.build()
    last = build.last
    assert last is not None
    if long:
        assert (build.state, last.outcome) == (BuildState.ESCALATED, Outcome.SETUP), last.reason
        assert "'speaker' takes it as an argument, which holds 120000" in (last.reason or "")
    else:
        assert last.outcome is Outcome.PASSED, last.reason
        assert "a.txt` of the project holds" in loop.git("show", "build/say-hello:a-prompt.txt")
