"""Attempts on this machine, with real processes and real Git."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autobuilds.adapters.runners.local import LocalRunner
from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending, RunState, RunStatus
from autobuilds.ports import Job
from tests.adapters.attempts import job_for, left, wait_until


@pytest.fixture
def workspace(make_repo: Callable[..., Path]) -> Path:
    return make_repo({"README.md": "# Repo\n", ".gitignore": ".autobuilds/\nsubagents/\n"}, name="workspace")


@pytest.fixture
def runner(workspace: Path) -> Iterator[LocalRunner]:
    made = LocalRunner(workspace)
    yield made
    assert wait_until(lambda: not left_in(workspace)), "processes of a build were left behind"


def left_in(workspace: Path) -> bool:
    runs = workspace / ".autobuilds" / "runs"
    return runs.is_dir() and any(left(p.name) for p in runs.iterdir())


def ended(runner: LocalRunner, attempt_id: str) -> RunStatus:
    """Wait for the end of an attempt."""
    found: list[RunStatus] = []

    def look() -> bool:
        found[:] = [runner.poll(attempt_id)]
        return found[0].state not in {RunState.RUNNING, RunState.UNKNOWN}

    assert wait_until(look, 40.0), found
    return found[0]


def ending_of(runner: LocalRunner, job: Job) -> Ending:
    runner.submit(job)
    ending = ended(runner, job.attempt_id).ending
    assert ending is not None
    return ending


def test_a_build_that_passes_its_check(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, "echo hello; echo new > new.txt", checks=["grep -q new new.txt"])
    status = runner.submit(job)
    assert status.pid is not None
    ending = ended(runner, job.attempt_id).ending
    assert ending is not None
    assert (ending.outcome, ending.reason) == (Outcome.PASSED, "1 check passed")
