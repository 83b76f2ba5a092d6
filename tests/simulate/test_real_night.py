"""A real night in minutes: real processes, real Git, the clock set by AUTOBUILDS_NOW; one build passes, one fails, one hangs, and the disk is full for hours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

from autobuilds.domain.moment import AgentStatus, Resources, RunState
from autobuilds.ports import Host
from autobuilds.runtime import night
from autobuilds.runtime.looking import Beat
from tests.runtime.loop import Loop, details, make_loop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONFIG = """---
timezone: America/Chicago
sandbox: none
retries: 1
timeout: 15s
disk_limit: 80
---
# Heartbeat
"""
#: Steps that go on when the test says so, and then end well.
WHEN_TOLD = "until test -f {go}; do sleep 0.05; done; echo hello > NAME.txt"


@dataclass
class Machine:
    """The machine itself, but for its load, which is always light, and its disk, which is as full as it is told to be."""

    real: Host
    disk: float = 10.0
    asked: list[datetime] = field(default_factory=list)

    def now(self, zone: str | None) -> datetime:
        return self.real.now(zone)

    def resources(self, path: Path) -> Resources:
        return Resources(disk_percent=self.disk, memory_percent=10.0, load_per_core=0.1, memory_free_mib=100_000)

    def agents(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        return self.real.agents(wanted)

    def examine(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        return self.real.examine(wanted)


@dataclass(frozen=True, kw_only=True)
class Night:
    """A workspace with four tasks in the night that loses an hour."""

    loop: Loop
    machine: Machine
    monkeypatch: pytest.MonkeyPatch

    def at(self, clock: str) -> None:
        """Set the clock, for this process and for all that it starts: `2026-03-08T03:30:00-05:00`."""
        self.monkeypatch.setenv("AUTOBUILDS_NOW", clock)

    def beat(self, clock: str) -> Beat:
        """Run a heartbeat at a time."""
        self.at(clock)
        return self.loop.beat()

    def states(self) -> dict[str, str]:
        """Return what the ledger says of every build."""
        return {b.label: b.state.value for b in self.loop.context.workspace.ledger().builds}

    def running(self) -> set[str]:
        """Return the builds whose processes run."""
        active = self.loop.context.workspace.ledger().active
        return {b.label for b in active if b.last is not None and self.loop.context.runner.peek(b.last.id).state is RunState.RUNNING}

    def ended(self, *labels: str) -> None:
        """Wait until the processes of these builds have ended."""
        deadline = time.monotonic() + 120
        while self.running() & set(labels):
            assert time.monotonic() < deadline, self.running()
            time.sleep(0.1)

    def command(self, clock: str, *args: str) -> tuple[int, str]:
        """Run a command as a process of its own at a time, and return its exit status and answer."""
        environment = {**os.environ, "AUTOBUILDS_NOW": clock}
        argv = [sys.executable, "-m", "autobuilds", *args]
        done = subprocess.run(argv, cwd=self.loop.root, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout or done.stderr


@pytest.fixture
def evening(make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Night:
    when_told = {name: WHEN_TOLD.replace("NAME", name) for name in ("good", "bad", "late")}
    blocks = (
        details("Good one", file="good.txt", steps=when_told["good"]),
        details("Bad one", file="bad.txt", steps=when_told["bad"], check="grep -qx goodbye bad.txt"),
        details("Hanging one", file="hang.txt", steps="echo begun; sleep 600"),
        details("Late one", file="late.txt", steps=when_told["late"]),
    )
    loop = make_loop(make_repo, *blocks)
    (loop.root / "HEARTBEAT.md").write_text(CONFIG)
    loop.git("commit", "-q", "-m", "settings", "--", "HEARTBEAT.md")
    machine = Machine(loop.context.host)
    return Night(loop=Loop(context=replace(loop.context, host=machine)), machine=machine, monkeypatch=monkeypatch)


def test_report_and_brief_tell_what_a_real_night_was(evening: Night) -> None:
    evening.at("2026-03-07T23:00:00-06:00")
    night.start(evening.loop.context)
    assert evening.running() == {"good-one", "bad-one", "hanging-one"}, "three at once, the fourth waits"

    evening.loop.tell()
    evening.ended("good-one", "bad-one")
    evening.machine.disk = 97.0
    held = evening.beat("2026-03-07T23:30:00-06:00")
    assert evening.states()["good-one"] == "review" and evening.states()["bad-one"] == "escalated"
    assert "late-one" not in evening.states()
    late = next(a for a in held.assessments if a.label == "late-one")
    assert [(g.gate, "97 %" in g.reason) for g in late.obstacles] == [("resources", True)]

    evening.ended("hanging-one")
    evening.beat("2026-03-08T01:00:00-06:00")
    build = evening.loop.build("hanging-one")
    assert build.last is not None and build.last.outcome is not None
    assert (build.state.value, build.last.outcome.value) == ("escalated", "timeout")

    # The clocks go from 02:00 to 03:00.
    evening.machine.disk = 10.0
    evening.beat("2026-03-08T03:30:00-05:00")
    evening.ended("late-one")
    evening.beat("2026-03-08T04:00:00-05:00")
    assert evening.states()["late-one"] == "review"
    assert evening.command("2026-03-08T05:00:00-05:00", "overnight", "is-overnight")[0] == 0

    code, said = evening.command("2026-03-08T06:30:00-05:00", "overnight", "report", "--json")
    assert code == 0, said
    told = json.loads((evening.loop.root / "build-reports" / "night-2026-03-07.json").read_text())
    figures = {key: told[key] for key in ("spawned", "carried", "completed", "verified", "claimed", "failed", "in_progress")}
    assert figures == {"spawned": 4, "carried": 0, "completed": 2, "verified": 2, "claimed": 0, "failed": 2, "in_progress": 0}
    assert told["minutes"] == 390, "from 23:00 to 06:30 on a night that loses an hour"
    assert told["throttled_minutes"] == 180, "from 23:30 to 03:30"
    outcomes = {row["label"]: (row["came"], row["outcome"]) for row in told["attempts"]}
    assert outcomes == {
        "good-one": ("completed", "passed"),
        "bad-one": ("failed", "checks-failed"),
        "hanging-one": ("failed", "timeout"),
        "late-one": ("completed", "passed"),
    }
    assert "2 builds completed (2 verified, 0 by claim only), 2 attempts failed." in said
    assert evening.command("2026-03-08T07:01:00-05:00", "overnight", "is-overnight")[0] == 1

    code, brief = evening.command("2026-03-08T07:00:00-05:00", "brief")
    assert code == 0, brief
    assert "2 builds shipped, 2 failed" in brief
    for label in ("good-one", "bad-one", "hanging-one", "late-one"):
        assert label in brief, brief
    assert evening.running() == set()
