"""Checks outside an attempt."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path

from autobuilds.adapters import processes
from autobuilds.adapters.runners.checker import LocalChecker
from autobuilds.domain.model import Criterion
from autobuilds.ports import Limits

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def test_every_command_is_run_and_claims_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    criteria = [Criterion(text="both", commands=("test -f here", "echo no; false")), Criterion(text="claimed")]
    found = LocalChecker().check(tmp_path, criteria, Limits(), ENVIRONMENT)
    assert [(c.command, c.passed, c.tail, c.merged) for c in found] == [
        ("test -f here", True, "", True),
        ("echo no; false", False, "no\n", True),
    ]


def test_a_check_that_hangs_is_stopped_and_strangers_are_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        limits = Limits(check_timeout=timedelta(seconds=0.4))
        criteria = [Criterion(text="hangs", commands=("setsid sleep 300 & sleep 300",))]
        (found,) = LocalChecker().check(tmp_path, criteria, limits, ENVIRONMENT)
        assert not found.passed
        assert "check_timeout" in found.tail
        assert not processes.working_below(tmp_path)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_control_characters_do_not_come_through(tmp_path: Path) -> None:
    criteria = [Criterion(text="loud", commands=(r"printf '\033[31mred\033]0;title\007\n'; yes | head -c 100000; exit 1",))]
    (found,) = LocalChecker().check(tmp_path, criteria, Limits(), ENVIRONMENT)
    assert "\x1b" not in found.tail
    assert len(found.tail) <= 4096
