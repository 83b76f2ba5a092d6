"""A fake agent through the whole loop: it lies, hangs, leaves daemons, floods, spies, and no build of it is done that is not."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import BuildState, Evidence, Outcome
from autobuilds.domain.sandbox import STRENGTH, Tier
from tests.adapters.attempts import wait_until
from tests.agents import fake_agent
from tests.agents.rig import CANARIES, Rig, spilled

PRESET = Path(__file__).with_name("fake.toml")
RigMaker = Callable[..., Rig]
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def fake(rig_for: RigMaker) -> RigMaker:
    """Return a function that makes a workspace whose task makes the fake agent behave in a way."""

    def make(deed: str, **given: object) -> Rig:
        rig = rig_for(agent="fake", words=f"fake-{deed}", variables={"FAKE_KEY": "fake-key-canary"}, files={"agents.toml": ""}, **given)
        filled = PRESET.read_text().replace("@PYTHON@", sys.executable).replace("@FAKE@", str(Path(fake_agent.__file__).resolve()))
        (rig.root / "agents.toml").write_text(filled.replace("@WORKSPACE@", str(rig.root)))
        rig.git("commit", "-q", "-a", "-m", "the fake agent")
        return rig

    return make


def _slow(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.slow)


def _needs(rig: Rig, weakest: Tier) -> None:
    """Skip what this machine can't contain."""
    if STRENGTH[Tier(rig.last().sandbox)] < STRENGTH[weakest]:
        pytest.skip(f"the strongest sandbox here is {rig.last().sandbox}; this needs {weakest}")


def _left(rig: Rig) -> list[tuple[int, str]]:
    """Return what lives on; on a busy machine a supervisor that has said its last word is there for a moment."""
    wait_until(lambda: not rig.processes(fake_agent.CHILD_SECONDS), 5)
    return rig.processes(fake_agent.CHILD_SECONDS)


def test_work_that_is_done_is_a_checked_build(fake: RigMaker) -> None:
    rig = fake("succeed")
    beat = rig.heartbeat()
    build, last = rig.build(), rig.last()
    assert (build.state, last.outcome, last.evidence) == (BuildState.REVIEW, Outcome.PASSED, Evidence.CHECKED), beat.stdout + rig.story()
    assert rig.git("show", "build/say-hello:hello.txt") == "hello"
    assert (last.usage.tokens_in, last.usage.tokens_out, last.usage.cost_usd) == (1200, 34, 0.0125)
    assert last.said == "I wrote the file."
    assert last.model == "fake-1"
    assert last.session
    progress = (rig.root / "subagents" / "say-hello-progress.md").read_text()
    assert "writes hello.txt" in progress
    assert "write the file" in progress


@pytest.mark.parametrize(
    ("deed", "outcome", "failure"),
    [
        ("lie", Outcome.NO_CHANGE, None),
        _slow("ruin", Outcome.CHECKS_FAILED, None),
        _slow("denied", Outcome.BLOCKED, None),
        _slow("refuse", Outcome.AGENT_FAILED, FailureClass.REFUSED),
        ("auth", Outcome.AGENT_FAILED, FailureClass.AUTHENTICATION),
        _slow("network", Outcome.AGENT_FAILED, FailureClass.NETWORK),
        _slow("fail", Outcome.AGENT_FAILED, FailureClass.CRASH),
        _slow("crash", Outcome.AGENT_FAILED, FailureClass.CRASH),
    ],
)
def test_what_achieves_nothing_is_never_done(fake: RigMaker, deed: str, outcome: Outcome, failure: FailureClass | None) -> None:
    rig = fake(deed)
    rig.heartbeat()
    last = rig.last()
    assert (rig.build().state, last.outcome, last.failure) == (BuildState.ESCALATED, outcome, failure), rig.story()
    assert _left(rig) == []


@pytest.mark.slow
def test_a_usage_limit_waits_for_its_reset_and_costs_no_try(fake: RigMaker) -> None:
    rig = fake("limited", retries=1)
    rig.heartbeat()
    build, last = rig.build(), rig.last()
    assert (build.state, last.failure, build.tries_used) == (BuildState.RETRYING, FailureClass.RATE_LIMIT, 0), rig.story()
    assert build.retry_at is not None
    assert timedelta(hours=1) < build.retry_at - datetime.now(UTC) < timedelta(hours=3)
    rig.heartbeat()
    assert len(rig.build().attempts) == 1, "not before that"


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["hang", "stubborn"])
def test_one_that_hangs_is_stopped_with_all_its_children(fake: RigMaker, deed: str) -> None:
    rig = fake(deed, timeout="2s")
    rig.heartbeat()
    assert rig.last().outcome is Outcome.TIMEOUT, rig.story()
    assert _left(rig) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "used"),
    [("cost_per_task: 0.60", "of 0.60 USD used by this task"), _slow("tokens_per_day: 2500", "of 2,500 tokens used today")],
)
def test_one_that_goes_over_a_budget_is_stopped_and_its_work_kept(fake: RigMaker, line: str, used: str) -> None:
    rig = fake("spend", retries=3, more=f"{line}\n")
    rig.heartbeat()
    build, last = rig.build(), rig.last()
    assert (build.state, last.outcome, last.failure) == (BuildState.ESCALATED, Outcome.AGENT_FAILED, FailureClass.BUDGET), rig.story()
    assert used in last.reason
    assert f"raise {line.partition(':')[0]} in HEARTBEAT.md" in last.reason
    assert rig.git("show", "build/say-hello:hello.txt") == "hello"
    assert 0.5 <= (last.usage.cost_usd or 0.0) < 5.0, "in the ledger"
    assert ("--most=0.60" if "cost" in line else "no limit") in rig.log()
    assert _left(rig) == []


@pytest.mark.slow
def test_what_it_spends_shows_while_it_runs(fake: RigMaker) -> None:
    rig = fake("spend")
    rig.heartbeat(wait=False)
    deadline = time.monotonic() + 40
    while "used so far: " not in (shown := rig.command("status").stdout) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert re.search(r"used so far: [\d,]+ tokens, \d+\.\d\d USD", shown), shown
    rig.command("cancel", "say-hello", "--yes")


def test_one_that_writes_its_key_into_its_work_is_out_of_bounds(fake: RigMaker) -> None:
    rig = fake("leak", retries=3)
    rig.heartbeat()
    build, last = rig.build(), rig.last()
    assert (build.state, last.outcome) == (BuildState.ESCALATED, Outcome.OUT_OF_BOUNDS), rig.story()
    assert "settings.bin (the value of FAKE_KEY)" in last.reason
    assert "fake-key-canary" not in (rig.root / "BUILD_STATUS.md").read_text() + last.reason


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["mutter", _slow("patient")])
def test_one_that_waits_for_its_model_until_its_time_is_up_costs_no_try(fake: RigMaker, deed: str) -> None:
    rig = fake(deed, timeout="3s", retries=1)
    rig.heartbeat()
    build, last = rig.build(), rig.last()
    assert (last.outcome, last.failure) == (Outcome.TIMEOUT, FailureClass.RATE_LIMIT), rig.story()
    assert (build.state, build.tries_used) == (BuildState.RETRYING, 0)
    assert "429" in last.reason


@pytest.mark.parametrize("deed", [_slow("setsid"), "daemon"])
def test_what_it_leaves_behind_is_stopped(fake: RigMaker, deed: str) -> None:
    rig = fake(deed)
    rig.heartbeat()
    assert rig.last().outcome is Outcome.PASSED, rig.story()
    assert _left(rig) == []


@pytest.mark.slow
def test_a_flood_of_output_is_cut_off(fake: RigMaker) -> None:
    rig = fake("flood", more="output_limit: 1\n")
    rig.heartbeat()
    last = rig.last()
    assert last.outcome is Outcome.TIMEOUT, rig.story()
    assert last.log is not None
    assert (rig.root / last.log).stat().st_size <= 1024 * 1024
    assert (rig.root / "subagents" / "say-hello-progress.md").stat().st_size < 200_000


@pytest.mark.slow
def test_a_file_over_the_quota_is_not_written(fake: RigMaker) -> None:
    rig = fake("fill", more="file_limit: 8\n")
    rig.heartbeat()
    last = rig.last()
    assert last.outcome is Outcome.AGENT_FAILED, rig.story()
    assert not any(path.stat().st_size > 8 * 1024 * 1024 for path in rig.files())


@pytest.mark.slow
def test_a_question_is_parked_with_its_default(fake: RigMaker) -> None:
    rig = fake("ask")
    rig.heartbeat()
    assert rig.last().outcome is Outcome.PASSED, rig.story()
    assert "full stop" in (rig.root / "subagents" / "say-hello-progress.md").read_text()


@pytest.mark.slow
def test_commits_of_its_own_are_its_work(fake: RigMaker) -> None:
    rig = fake("commit")
    rig.heartbeat()
    assert rig.last().outcome is Outcome.PASSED, rig.story()
    assert rig.git("show", "build/say-hello:hello.txt") == "hello"


@pytest.mark.slow
def test_hooks_and_filters_that_it_plants_never_run(fake: RigMaker) -> None:
    rig = fake("hooks")
    rig.heartbeat()
    rig.heartbeat()
    names = {path.name for path in rig.top.rglob("*")}
    assert {n for n in names if "planted" in n} == set()
    assert rig.git("status", "--short") == ""


def test_the_owners_files_are_out_of_reach(fake: RigMaker) -> None:
    rig = fake("queue")
    rig.heartbeat()
    _needs(rig, Tier.LANDLOCK)
    assert "Planted" not in (rig.root / "BUILD_QUEUE.md").read_text(), rig.story()
    assert not (rig.root / "planted.txt").exists()


@pytest.mark.slow
def test_escape_sequences_drive_no_terminal(fake: RigMaker) -> None:
    rig = fake("escape")
    rig.heartbeat()
    shown = "".join(rig.command(*words).stdout for words in (["status"], ["log", "say-hello"], ["review", "say-hello"], ["list"]))
    pages = "".join(path.read_text(errors="replace") for path in rig.files() if path.suffix == ".md" and ".git" not in path.parts)
    for text in (shown, pages):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert re.search(r"(?<!\\)<script>", pages) is None
    assert "Approved: yes\n" not in (rig.root / "BUILD_QUEUE.md").read_text()


@pytest.mark.slow
def test_it_sees_no_secret_that_is_not_its_own(fake: RigMaker) -> None:
    rig = fake("env", home_files={".fake/auth.json": '{"key": "its own"}'})
    rig.heartbeat()
    _needs(rig, Tier.BWRAP)
    assert rig.last().outcome is Outcome.PASSED, rig.story()
    log = rig.last().log
    assert log is not None
    output = (rig.root / log).read_text()
    assert "FAKE_UPDATES=off" in output
    texts = {str(path.relative_to(rig.root)): path.read_text(errors="replace") for path in rig.files()}
    assert spilled(texts, CANARIES) == []


@pytest.mark.slow
def test_a_killed_supervisor_leaves_nothing_and_the_session_goes_on(fake: RigMaker) -> None:
    rig = fake("once", retries=3)
    rig.heartbeat(wait=False)
    assert rig.wait_for(f"fake_agent.py {rig.last().session or ''}"), rig.story()
    deadline = time.monotonic() + 30
    while "uses think" not in rig.log() and time.monotonic() < deadline:
        time.sleep(0.1)
    first = rig.last()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    rig.heartbeat()
    build = rig.build()
    assert (build.attempts[0].outcome, build.state) == (Outcome.LOST, BuildState.REVIEW), rig.story()
    assert build.attempts[1].resumed
    assert build.attempts[1].session == build.attempts[0].session
    assert _left(rig) == []
