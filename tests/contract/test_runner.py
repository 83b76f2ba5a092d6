"""What every runner promises, the fake one included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from autobuilds.adapters.runners.local import LocalRunner
from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending, RunState, RunStatus
from autobuilds.ports import Job, Runner
from tests.adapters.attempts import DEMO, job_for, wait_until
from tests.fakes.runner import FakeRunner


@dataclass
class Bench:
    """A runner, jobs for it that wait for a sign, and the sign."""

    runner: Runner
    workspace: Path

    def job(self, attempt_id: str = DEMO) -> Job:
        sign = self.workspace / f"go-{attempt_id}"
        return job_for(self.workspace, f"echo up; until test -f {sign}; do sleep 0.05; done; echo x > x", attempt_id=attempt_id)

    def finish(self, attempt_id: str) -> RunStatus:
        if isinstance(self.runner, FakeRunner):
            self.runner.outputs[attempt_id] = "up\n"
            self.runner.end(attempt_id, Ending(outcome=Outcome.PASSED, reason="fine", ended=self.runner.now))
        else:
            (self.workspace / f"go-{attempt_id}").touch()
        assert wait_until(lambda: self.runner.poll(attempt_id).state is not RunState.RUNNING)
        return self.runner.poll(attempt_id)


@pytest.fixture(params=["fake", "local"])
def bench(request: pytest.FixtureRequest, make_repo: Callable[..., Path]) -> Bench:
    workspace = make_repo({".gitignore": ".autobuilds/\nsubagents/\ngo-*\n"}, name="workspace")
    return Bench(FakeRunner() if request.param == "fake" else LocalRunner(workspace), workspace)


def test_an_attempt_runs_and_ends(bench: Bench) -> None:
    status = bench.runner.submit(bench.job())
    assert (status.state, status.ending) == (RunState.RUNNING, None)
    assert status.pid is not None and status.pid_created is not None and status.active_at is not None
    ended = bench.finish(DEMO)
    assert ended.state is RunState.ENDED
    assert ended.ending is not None and ended.ending.outcome is Outcome.PASSED
    assert bench.runner.poll(DEMO) == ended
    assert bench.runner.logs(DEMO) == "up\n"
    assert bench.runner.logs(DEMO, raw=True) == "up\n"
    assert bench.runner.logs(DEMO, 1) == "\n"


def test_an_id_is_started_once(bench: Bench) -> None:
    first = bench.runner.submit(bench.job())
    assert bench.runner.submit(bench.job()).pid == first.pid
    ended = bench.finish(DEMO)
    assert bench.runner.submit(bench.job()) == ended


def test_an_unknown_attempt_never_begins(bench: Bench) -> None:
    assert bench.runner.poll(DEMO).state is RunState.NOT_STARTED
    assert bench.runner.submit(bench.job()).state is RunState.NOT_STARTED
    assert bench.runner.poll(DEMO).state is RunState.NOT_STARTED
    assert bench.runner.logs(DEMO) == ""


def test_cancel_ends_with_the_given_words(bench: Bench) -> None:
    bench.runner.submit(bench.job())
    status = bench.runner.cancel(DEMO, Outcome.STALLED, "silent for 8 hours")
    assert status.ending is not None
    assert (status.ending.outcome, status.ending.reason) == (Outcome.STALLED, "silent for 8 hours")
    assert bench.runner.poll(DEMO) == status


def test_cancel_of_an_ended_attempt_changes_nothing(bench: Bench) -> None:
    bench.runner.submit(bench.job())
    ended = bench.finish(DEMO)
    assert bench.runner.cancel(DEMO, Outcome.STOPPED, "too late") == ended


def test_attempts_do_not_touch_each_other(bench: Bench) -> None:
    for attempt_id in ("a-1", "b-1"):
        bench.runner.submit(bench.job(attempt_id))
    bench.runner.cancel("a-1", Outcome.STOPPED, "enough")
    assert bench.runner.poll("b-1").state is RunState.RUNNING
    ended = bench.finish("b-1").ending
    assert ended is not None and ended.outcome is Outcome.PASSED


def test_sweep_keeps_what_is_asked_to_be_kept_and_what_runs(bench: Bench) -> None:
    bench.runner.submit(bench.job("a-1"))
    bench.runner.submit(bench.job("b-1"))
    ended = bench.finish("a-1")
    assert bench.runner.sweep({"a-1"}) == 0
    assert bench.runner.sweep(set()) >= 0
    assert bench.runner.poll("a-1") == ended
    assert bench.runner.poll("b-1").state is RunState.RUNNING
    bench.runner.cancel("b-1", Outcome.STOPPED, "enough")


def test_capacity_is_a_number_or_no_limit(bench: Bench) -> None:
    free = bench.runner.capacity()
    assert free is None or free >= 0
