"""Making jobs and looking at processes: what the tests of a running build share."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from autobuilds.adapters import processes
from autobuilds.domain.model import Criterion
from autobuilds.domain.paths import protected_patterns
from autobuilds.ports import Job, Limits
from tests.conftest import git

SHORT = Limits(timeout=timedelta(seconds=20), silence=timedelta(seconds=20), check_timeout=timedelta(seconds=10), output_bytes=1_000_000)


#: An attempt of this test process alone: what runs for it is found by its name, whoever else tests on the machine.
DEMO = f"demo-{os.getpid()}"


def job_for(
    workspace: Path, steps: str, *, attempt_id: str = DEMO, checks: Sequence[str] = (), claims: Sequence[str] = (), **more: Any
) -> Job:
    """Return a job of the `command` agent that runs `steps` in a clone of the workspace."""
    base = git(workspace, "rev-parse", "HEAD")
    label = attempt_id.rpartition("-")[0] or attempt_id
    values: dict[str, Any] = {
        "attempt_id": attempt_id,
        "label": label,
        "name": "Demo",
        "number": 1,
        "agent": "command",
        "argv": ("/bin/sh", "-e", "-c", steps),
        "prompt": "Please build it.\n",
        "environment": {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
        "workspace": str(workspace),
        "repository": str(workspace),
        "base_branch": "main",
        "base_commit": base,
        "start_commit": base,
        "branch": f"build/{label}",
        "criteria": (*(Criterion(text=f"`{c}`", commands=(c,)) for c in checks), *(Criterion(text=c) for c in claims)),
        "protected": protected_patterns(in_workspace=True),
        "limits": SHORT,
        "progress_file": str(workspace / "subagents" / f"{label}-progress.md"),
        "log_file": str(workspace / "subagents" / "logs" / f"{attempt_id}.log"),
    }
    return Job(**{**values, **more})


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Return whether a condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def kill_group(leader: int) -> int:
    """Kill a process of ours with all its group, wait until none of them lives, as after a crash, and return its wait status."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    status = os.waitpid(leader, 0)[1]
    assert wait_until(lambda: not any(_belongs(one, leader) for one in psutil.process_iter()))
    return status


def _belongs(one: psutil.Process, leader: int) -> bool:
    try:
        return os.getpgid(one.pid) == leader and one.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def left(attempt_id: str) -> set[processes.Identity]:
    """Return the processes of an attempt that still live."""
    return processes.marked(attempt_id)
