"""The day's duties that `init` writes, run by heartbeats with the real commands, over a night, a sleep and a Friday evening."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git

MakeRepo = Callable[..., Path]
NO_LIMITS = "disk_limit: 100\nmemory_limit: 100\nload_limit: 1000\novernight_throttle: 100\nsandbox: none\ninterval: 30m"


class Days:
    """A workspace as init makes it, and heartbeats at times that are given."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.env = {"HOME": str(home), "PATH": os.environ["PATH"], "TZ": "UTC"}

    def call(self, at: str, *args: str) -> str:
        """Run a command at a time and return what it printed."""
        env = {**self.env, "AUTOBUILDS_NOW": f"{at}:00Z"}
        done = subprocess.run(
            [sys.executable, "-m", "autobuilds", *args], cwd=self.root, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        return done.stdout

    def duties(self, at: str) -> list[tuple[str, str]]:
        """Run a heartbeat and return which duties it ran, and how they ended."""
        said = json.loads(self.call(at, "heartbeat", "--json"))
        return [(run["duty"], run["outcome"]) for run in said["duties"]]

    def day(self) -> dict[str, object]:
        """Return what the ledger remembers of the days."""
        ledger: dict[str, dict[str, object]] = json.loads((self.root / "subagents" / "active.json").read_text())
        return ledger["day"]


@pytest.fixture
def days(make_repo: MakeRepo, tmp_path: Path) -> Days:
    home = tmp_path / "olive"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Olive Owner\n\temail = olive@example.org\n")
    found = Days(make_repo({"README.md": "# x\n", "src/a.txt": "a\n"}), home)
    told = found.call("2026-03-26T20:00", "init", ".", "--yes")
    assert "23:00 a session of builds overnight" in told and "delete those that you do not want" in told
    config = found.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("interval: 30m", NO_LIMITS))
    queue = found.root / "BUILD_QUEUE.md"
    queue.write_text("# Build Queue\n\n## Active Queue\n\n## Task Details\n\n## Completed\n")
    git(found.root, "add", "-A")
    git(found.root, "commit", "-q", "-m", "settings")
    return found


@pytest.mark.slow
def test_a_night_a_sleep_and_a_friday(days: Days) -> None:
    assert days.duties("2026-03-26T20:05") == [("Check of the queue", "ok")], "what has a time waits for it"
    # Asleep from then until one o'clock: the night is begun late, by a command that takes the heartbeat's own lock.
    assert days.duties("2026-03-27T01:00") == [("Check of the queue", "ok"), ("Overnight session", "ok")]
    night = days.day()["night"]
    assert isinstance(night, dict) and (night["id"], night["ended"]) == ("2026-03-26", None)
    assert days.duties("2026-03-27T01:30") == []
    # The report before the brief, both late.
    assert days.duties("2026-03-27T08:10") == [("Night report", "ok"), ("Morning brief", "ok")]
    assert (days.root / "build-reports" / "night-2026-03-26.md").exists() and (days.root / "build-reports" / "brief-2026-03-27.md").exists()
    assert days.duties("2026-03-27T18:10") == [("Weekend", "ok")]
    assert "Weekend of 2026-03-28" in (days.root / "build-reports" / "weekend-2026-03-28.md").read_text()
    # Asleep over the whole night: by day none is begun, and there is a report of the one before.
    assert days.duties("2026-03-28T09:00") == [("Check of the queue", "ok"), ("Night report", "ok"), ("Morning brief", "ok")]
    night = days.day()["night"]
    assert isinstance(night, dict) and night["id"] == "2026-03-26"
    assert not git(days.root, "status", "--porcelain")
