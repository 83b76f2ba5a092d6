"""Real agent programs through the whole loop: a line of the queue, `autobuilds heartbeat`, the program itself, a stub for its model.

What they claim is never believed: a build is done when its file is there and its check has run.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import BuildState, Evidence, Outcome
from tests.agents.conftest import agents, need
from tests.agents.rig import CANARIES, Rig, spilled
from tests.agents.setups import KEY
from tests.agents.stub_model import CONTENT, FILE, Scenario, StubModel, dead_port, hang_number, marker

pytestmark = [pytest.mark.timeout(900)]
RigMaker = Callable[..., Rig]
every_agent = pytest.mark.parametrize("name", agents())
#: Seconds for one heartbeat that waits; the slowest program needs 60 for a task, and several times that on a busy machine.
LONG = 400.0
#: They run no commands of the model's, or their own limit ends a command long before a test would.
WITHOUT_TOOLS = frozenset({"aider"})
#: Their output names no tokens.
WITHOUT_TOKENS = frozenset({"copilot", "mini-swe-agent"})


def _done(rig: Rig) -> bool:
    return rig.build().state in {BuildState.REVIEW, BuildState.COMPLETED}


@every_agent
def test_a_line_of_the_queue_becomes_a_checked_build(name: str, stub: StubModel, real_rig: RigMaker) -> None:
    word = marker(Scenario.OK)
    rig = real_rig(name, stub.url, word)
    beat = rig.heartbeat(seconds=LONG)
    build, last = rig.build(), rig.last()
    assert (build.state, last.outcome) == (BuildState.REVIEW, Outcome.PASSED), f"{rig.story()}\n{beat.stdout}{beat.stderr}"
    assert last.evidence is Evidence.CHECKED
    assert [(c.passed, c.exit_code) for c in last.checks] == [(True, 0)]
    assert rig.git("show", f"build/say-hello:{FILE}") == CONTENT
    assert rig.git("diff", "--name-only", "main...build/say-hello") == FILE, "only the file that was asked for"
    assert stub.asked(word), "the program asked the stub"
    if name not in WITHOUT_TOKENS:
        assert (last.usage.tokens_in or 0) > 0, rig.log()
        assert (last.usage.tokens_out or 0) > 0, rig.log()
    assert rig.processes() == []


@every_agent
def test_no_secret_of_the_owner_is_told_to_anybody(name: str, stub: StubModel, real_rig: RigMaker) -> None:
    rig = real_rig(name, stub.url, marker(Scenario.SPILL if name not in WITHOUT_TOOLS else Scenario.OK), check=f"test -s {FILE}")
    rig.heartbeat(seconds=LONG)
    branch = rig.git("log", "-p", "build/say-hello")
    # What an agent is given itself its commands may see; written into the work it puts the build out of bounds.
    assert rig.last().outcome is (Outcome.OUT_OF_BOUNDS if KEY in branch else Outcome.PASSED), rig.story()
    texts = {str(path.relative_to(rig.root)): path.read_text(errors="replace") for path in rig.files() if ".git" not in path.parts}
    told = {
        "what the model was sent": stub.everything(),
        "the branch": branch,
        "the pages": rig.git("log", "-p", "main"),
        **texts,
    }
    assert spilled(told, CANARIES) == []
    assert spilled({"the pages": rig.git("log", "-p", "main"), **{n: t for n, t in texts.items() if n.endswith(".md")}}, [KEY]) == []


@every_agent
def test_a_refused_key_is_the_owners_matter(name: str, stub: StubModel, real_rig: RigMaker) -> None:
    rig = real_rig(name, stub.url, marker(Scenario.AUTH), retries=3)
    rig.heartbeat(seconds=LONG)
    build, last = rig.build(), rig.last()
    assert (build.state, last.outcome, last.failure) == (
        BuildState.ESCALATED,
        Outcome.AGENT_FAILED,
        FailureClass.AUTHENTICATION,
    ), rig.story()
    assert len(build.attempts) == 1, "it is not tried again"
    assert rig.processes() == []


@every_agent
def test_a_short_limit_is_waited_for(name: str, stub: StubModel, real_rig: RigMaker) -> None:
    word = marker(Scenario.LIMIT_ONCE)
    rig = real_rig(name, stub.url, word)
    rig.heartbeat(seconds=LONG)
    assert [s.status for s in stub.asked(word)].count(429) == 1
    assert rig.build().state is BuildState.REVIEW, rig.story()


@every_agent
@pytest.mark.parametrize("scenario", [Scenario.NOOP, Scenario.WRONG, Scenario.REFUSE])
def test_a_claim_is_not_believed(name: str, scenario: Scenario, stub: StubModel, real_rig: RigMaker) -> None:
    rig = real_rig(name, stub.url, marker(scenario))
    rig.heartbeat(seconds=LONG)
    last = rig.last()
    assert not _done(rig), rig.story()
    wanted = {
        Scenario.NOOP: {Outcome.NO_CHANGE},
        Scenario.WRONG: {Outcome.CHECKS_FAILED},
        Scenario.REFUSE: {Outcome.NO_CHANGE, Outcome.AGENT_FAILED, Outcome.CHECKS_FAILED},
    }
    assert last.outcome in wanted[scenario], rig.story()


@every_agent
def test_nobody_there_is_not_done(name: str, real_rig: RigMaker) -> None:
    rig = real_rig(name, f"http://127.0.0.1:{dead_port()}", marker(Scenario.OK), timeout="40s")
    rig.heartbeat(seconds=LONG)
    last = rig.last()
    assert not _done(rig), rig.story()
    assert last.failure is FailureClass.NETWORK or last.outcome in {Outcome.TIMEOUT, Outcome.STALLED}, rig.story()
    assert rig.processes() == []


@every_agent
def test_a_program_that_hangs_is_stopped_with_all_it_started(name: str, stub: StubModel, real_rig: RigMaker) -> None:
    word = marker(Scenario.HANG if name not in WITHOUT_TOOLS else Scenario.MUTE)
    rig = real_rig(name, stub.url, word, stall="5s")
    rig.heartbeat(seconds=LONG)
    last = rig.last()
    assert not _done(rig)
    assert last.outcome in {Outcome.STALLED, Outcome.TIMEOUT}, rig.story()
    assert stub.asked(word), rig.story()
    assert rig.processes(str(hang_number(word))) == []


@every_agent
def test_a_killed_supervisor_leaves_nothing_and_the_next_heartbeat_goes_on(name: str, stub: StubModel, real_rig: RigMaker) -> None:
    word = marker(Scenario.HANG if name not in WITHOUT_TOOLS else Scenario.MUTE)
    rig = real_rig(name, stub.url, word, retries=3, stall="10m", timeout="10m")
    rig.heartbeat(wait=False, seconds=LONG)
    busy = rig.wait_for(str(hang_number(word)), 90) if name not in WITHOUT_TOOLS else _asked(stub, word)
    assert busy, rig.story()
    supervisor = rig.last().pid
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    stub.let_go[word] = None
    rig.heartbeat(seconds=LONG)
    build = rig.build()
    assert build.attempts[0].outcome is Outcome.LOST, rig.story()
    assert build.state is BuildState.REVIEW, rig.story()
    assert len(build.attempts) == 2, rig.story()
    assert rig.processes(str(hang_number(word))) == []


def _asked(stub: StubModel, word: str) -> bool:
    import time

    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not stub.asked(word):
        time.sleep(0.1)
    return bool(stub.asked(word))


@every_agent
def test_the_program_is_of_the_version_that_its_preset_was_verified_with(name: str, real_rig: RigMaker) -> None:
    program = need(name)
    rig = real_rig(name, "http://127.0.0.1:9", "")
    said = rig.command("agents", "--json").stdout
    assert program.version in said
