"""A sandbox that worked an hour ago and does not any more: nothing is started on what was kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.domain.build import BuildState, Outcome
from autobuilds.domain.moment import Ending
from autobuilds.domain.sandbox import Tier
from autobuilds.errors import Refused
from autobuilds.runtime.heartbeat import Beat, beat
from autobuilds.runtime.looking import look
from autobuilds.runtime.owner import find_task
from autobuilds.runtime.spawn import spawn
from autobuilds.runtime.starting import base_of
from autobuilds.runtime.upcoming import upcoming
from tests.fakes.runner import FakeRunner
from tests.fakes.sandbox import FakeSandbox, tiers
from tests.runtime.loop import Loop, details, make_loop

GONE = (Tier.BWRAP_LANDLOCK, Tier.BWRAP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A workspace with one task, whose runner and sandbox are in memory."""

    loop: Loop
    runner: FakeRunner
    sandbox: FakeSandbox

    def beat(self, *, start: bool = True) -> Beat:
        """Run one heartbeat in a process of its own."""
        self.sandbox.next_process()
        return beat(self.loop.context, start=start)

    def ends(self, outcome: Outcome, reason: str) -> None:
        """Let the newest attempt end."""
        last = self.loop.build().last
        assert last is not None
        self.runner.end(last.id, Ending(outcome=outcome, reason=reason, ended=self.runner.now))

    @property
    def started(self) -> list[str]:
        """In which tiers attempts were started."""
        return [job.confinement.tier.value for job in self.runner.jobs]


@pytest.fixture
def make_stale(make_repo: Callable[..., Path]) -> Callable[..., Stale]:
    def make(more: str = "", extra: str = "") -> Stale:
        loop = make_loop(make_repo, details("Say hello", extra=extra), more=more)
        config = loop.root / "HEARTBEAT.md"
        config.write_text(config.read_text().replace("sandbox: none\n", "sandbox: auto\n", 1))
        loop.git("commit", "-qam", "any sandbox")
        runner, sandbox = FakeRunner(now=datetime.now(UTC)), FakeSandbox(kept=tiers(), now=tiers(*GONE))
        context = replace(loop.context, runner=runner, sandbox=sandbox)
        return Stale(loop=Loop(context=context), runner=runner, sandbox=sandbox)

    return make


def test_a_heartbeat_starts_in_the_tier_that_works_now(make_stale: Callable[..., Stale]) -> None:
    stale = make_stale()
    found = stale.beat()
    assert (stale.started, stale.sandbox.trials) == ([Tier.LANDLOCK.value], 1)
    assert found.sandbox is not None and found.sandbox.tier is Tier.LANDLOCK
    assert stale.loop.state() == "building"


def test_or_asks_where_that_one_is_not_allowed(make_stale: Callable[..., Stale]) -> None:
    stale = make_stale("require_sandbox: bubblewrap\n")
    found = stale.beat()
    assert (stale.started, stale.sandbox.trials) == ([], 1)
    (held,) = found.assessments
    assert [gate.gate for gate in held.obstacles] == ["agent"]
    assert stale.loop.context.workspace.ledger().builds == (), "no attempt was used up, nothing is to be retried"
    stale.sandbox.now = tiers()
    stale.beat()
    assert stale.started == [Tier.BWRAP_LANDLOCK.value]


def test_what_works_is_tried_out_once_before_a_start(make_stale: Callable[..., Stale]) -> None:
    stale = make_stale()
    stale.sandbox.now = tiers()
    stale.beat()
    assert (stale.started, stale.sandbox.trials) == ([Tier.BWRAP_LANDLOCK.value], 1)
    stale.beat()
    assert stale.sandbox.trials == 1, "with nothing to start nothing is tried out"


def test_looks_and_heartbeats_without_a_start_try_nothing_out(make_stale: Callable[..., Stale]) -> None:
    stale = make_stale(extra="- **Blockers:** the vendor\n")
    stale.beat()
    stale.loop.replace("- **Blockers:** the vendor\n", "")
    stale.beat(start=False)
    assert look(stale.loop.context).pending
    assert upcoming(stale.loop.context, None, 3).ready.candidates
    assert (stale.started, stale.sandbox.trials) == ([], 0)


def test_the_owners_word_starts_nothing_on_what_was_kept(make_stale: Callable[..., Stale]) -> None:
    stale = make_stale()
    spawn(stale.loop.context, "say-hello", None, None)
    assert (stale.started, stale.sandbox.trials) == ([Tier.LANDLOCK.value], 1)


def test_nor_does_it_go_past_what_must_be_there(make_stale: Callable[..., Stale]) -> None:
    held = make_stale("require_sandbox: bubblewrap\n")
    with pytest.raises(Refused, match="bubblewrap"):
        spawn(held.loop.context, "say-hello", None, None)
    assert (held.started, held.sandbox.trials) == ([], 1)


def test_an_attempt_whose_tier_broke_before_its_start_costs_no_try_and_is_decided_anew(make_stale: Callable[..., Stale]) -> None:
    stale = make_stale()
    stale.sandbox.now = tiers()
    stale.beat()
    stale.sandbox.now = tiers(*GONE)
    stale.ends(Outcome.NOT_STARTED, "the sandbox bubblewrap+landlock does not work any more: it is gone.")
    # In the process of the heartbeat that found it working, as with --wait.
    beat(stale.loop.context)
    build = stale.loop.build()
    assert (build.state, build.tries_used, stale.started) == (BuildState.BUILDING, 0, ["bubblewrap+landlock", "landlock"])
    assert stale.sandbox.kept is None


def test_what_was_done_and_said_before_counts_over_a_start_that_never_was(make_stale: Callable[..., Stale]) -> None:
    stale = make_stale()
    stale.sandbox.now = tiers()
    stale.beat()
    stale.ends(Outcome.AGENT_FAILED, "exit status 3")
    stale.beat()
    assert stale.loop.build().feedback == "exit status 3"
    stale.ends(Outcome.NOT_STARTED, "the sandbox landlock does not work any more.")
    stale.beat()
    assert (stale.loop.build().feedback, stale.loop.build().tries_used) == ("exit status 3", 1)


def test_and_the_next_attempt_goes_on_from_the_work_before_it(make_stale: Callable[..., Stale]) -> None:
    stale = make_stale()
    stale.beat()
    loop = stale.loop
    build, base = loop.build(), loop.git("rev-parse", "HEAD")
    work = loop.git("commit-tree", "-p", base, "-m", "work", f"{base}^{{tree}}")
    (first,) = build.attempts
    failed = replace(first, agent="claude", outcome=Outcome.CHECKS_FAILED, base_commit=base, head_commit=work)
    never = replace(failed, number=2, outcome=Outcome.NOT_STARTED, head_commit=None)
    loaded = loop.context.load()
    task = find_task(loaded, "say-hello")
    for attempts, start in ((failed, never), work), ((never,), base):
        assert base_of(loop.context, loaded, task, replace(build, attempts=attempts)).start == start
