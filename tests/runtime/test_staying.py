"""`heartbeat --wait` stays until everything that it started is settled, in whatever order and however close together it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending, RunState, RunStatus
from autobuilds.runtime.heartbeat import Beat, beat, stay
from tests.fakes.runner import FakeRunner
from tests.proofs._life import Life, begin
from tests.runtime.loop import details

NAMES = ("One", "Two")
#: Looks after which a wait is without end.
ENOUGH = 100


@dataclass(slots=True)
class Scripted(FakeRunner):
    """A runner that calls the test where attempts end in life: while they are waited for, and late in a heartbeat."""

    #: Called before each look of the waiting, and when a heartbeat has taken its last look at what runs.
    looked: Callable[[], None] = lambda: None
    late: Callable[[], None] = lambda: None
    #: Attempts whose ending is there, but can't be had: nothing can be written into their folders.
    stuck: set[str] = field(default_factory=set)
    looks: int = 0

    def poll(self, attempt_id: str) -> RunStatus:
        """Return what is known, or nothing of one that is stuck and over."""
        known = FakeRunner.poll(self, attempt_id)
        return RunStatus(state=RunState.UNKNOWN) if attempt_id in self.stuck and known.ending else known

    def peek(self, attempt_id: str) -> RunStatus:
        """Call the test, and return what is known."""
        self.looks += 1
        assert self.looks < ENOUGH, "it waits without end"
        self.looked()
        return FakeRunner.peek(self, attempt_id)

    def sweep(self, keep: set[str]) -> int:
        """Call the test."""
        self.late()
        return 0


@dataclass(slots=True, kw_only=True)
class Waiting:
    """A workspace whose tasks `one` and `two` were started by the heartbeat `first`, with one attempt each."""

    life: Life
    runner: Scripted
    first: Beat

    def attempt(self, label: str) -> str:
        """Return the id of the attempt of a label."""
        build = self.life.context.workspace.ledger().find(label)
        assert build is not None and build.last is not None
        return build.last.id

    def end(self, label: str) -> None:
        """Let an attempt end, unless it has."""
        attempt = self.attempt(label)
        if self.runner.runs[attempt].ending is None:
            self.runner.end(attempt, Ending(outcome=Outcome.AGENT_FAILED, reason="it failed", ended=self.life.machine.at))

    @property
    def states(self) -> list[str]:
        """Where `one` and `two` stand."""
        found = {b.label: b.state.value for b in self.life.context.workspace.ledger().builds}
        return [found[name.lower()] for name in NAMES]

    def stay(self) -> list[Beat]:
        """Stay, and return the heartbeats after the first."""
        told: list[Beat] = []
        last = stay(self.life.context, self.first, told.append)
        return [*told[1:], last]


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    """Two builds that run and end when the test says so."""
    life, runner = begin(tmp_path, 1), Scripted()
    life.context = replace(life.context, runner=runner)
    rows = "\n".join(f"- [ ] {name} - Added: 2026-01-06 15:00 - Priority: High" for name in NAMES)
    blocks = "".join(details(name, file=f"{name}.txt") for name in NAMES)
    life.queue.write_text(f"# Build Queue\n\n## Active Queue\n{rows}\n\n## Task Details\n{blocks}\n## Completed\n")
    config = life.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("retries: 2", "retries: 1"))
    life.git("commit", "-qam", "tasks")
    first = beat(life.context)
    assert [t["label"] for t in first.transitions if t["event"] == "start"] == ["one", "two"]
    return Waiting(life=life, runner=runner, first=first)


@pytest.mark.parametrize(("early", "late"), [("one", "two"), ("two", "one")])
def test_one_that_ends_right_after_the_look_that_settles_the_other_is_settled_too(waiting: Waiting, early: str, late: str) -> None:
    waiting.runner.looked = lambda: waiting.end(early)
    waiting.runner.late = lambda: waiting.end(late)
    settled = [[t["label"] for t in b.transitions if t["event"] == "escalated"] for b in waiting.stay()]
    assert settled == [[early], [late]]
    assert waiting.states == ["escalated", "escalated"]


def test_both_that_end_at_once_need_one_heartbeat(waiting: Waiting) -> None:
    def both() -> None:
        waiting.end("one")
        waiting.end("two")

    waiting.runner.looked = both
    assert len(waiting.stay()) == 1
    assert waiting.states == ["escalated", "escalated"]


def test_what_can_not_be_settled_ends_the_wait(waiting: Waiting) -> None:
    waiting.runner.stuck = {waiting.attempt("one"), waiting.attempt("two")}
    waiting.runner.looked = lambda: waiting.end("one")
    waiting.runner.late = lambda: waiting.end("two")
    waiting.end("two")
    assert 2 <= len(waiting.stay()) <= 3
    assert waiting.states == ["building", "building"]


def test_what_can_not_be_settled_makes_no_heartbeats_while_another_runs(waiting: Waiting) -> None:
    waiting.runner.stuck = {waiting.attempt("one")}

    def later() -> None:
        waiting.end("one")
        if waiting.runner.looks > 20:
            waiting.end("two")

    waiting.runner.looked = later
    assert len(waiting.stay()) == 3
    assert waiting.states == ["building", "escalated"]


def test_what_could_not_be_settled_at_first_is_tried_again(waiting: Waiting) -> None:
    waiting.runner.stuck = {waiting.attempt("one")}

    def over() -> None:
        waiting.end("one")
        waiting.end("two")

    waiting.runner.looked = over
    waiting.runner.late = waiting.runner.stuck.clear
    assert len(waiting.stay()) == 2
    assert waiting.states == ["escalated", "escalated"]
