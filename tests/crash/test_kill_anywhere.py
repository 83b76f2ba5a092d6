"""SIGKILL at state-changing calls of the heartbeat and of the supervisor: two heartbeats later all is well.

Every attempt starts at most once, every task is done, failed or waiting, no lock has to be removed by hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import git

INJECT = Path(__file__).parent / "inject"
QUEUE = """# Build Queue

## Active Queue
- [ ] Write the greeting - Added: 2026-02-06 15:00 - Priority: High
- [ ] Ticked by hand - Added: 2026-02-06 15:00 - Priority: High
- [ ] Second greeting - Priority: High

## Task Details

### Write the greeting
- **Description:** `greeting.txt` of the project holds the line `hello`, read by `app.py`.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello greeting.txt`
- **Category:** Bug fixes
- **Steps:**
  ```sh
  echo "$AUTOBUILDS_ATTEMPT" >> "{count}"
  echo hello > greeting.txt
  ```

### Second greeting
- **Description:** `second.txt` of the project holds the line `hello`, read by `app.py`.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello second.txt`
- **Category:** Bug fixes
- **Depends On:** Write the greeting
- **Steps:**
  ```sh
  echo "$AUTOBUILDS_ATTEMPT" >> "{count}"
  echo hello > second.txt
  ```

## Completed
"""
CONFIG = "---\ntimezone: UTC\nsandbox: none\nretry_delay: 0s\nretries: 5\ndeliver: merge\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n---\n# Heartbeat\n"


class Bench:
    """A workspace of its own and the environment to crash it."""

    def __init__(self, folder: Path) -> None:
        self.root, self.count = folder / "workspace", folder / "count"
        self.fired, self.counted = folder / "fired", folder / "counted"
        self.root.mkdir(parents=True)
        git(self.root, "init", "-q", "-b", "main")
        queue = QUEUE.format(count=self.count).replace("- [ ] Ticked", "- [x] Ticked")
        for name, text in {"BUILD_QUEUE.md": queue, "HEARTBEAT.md": CONFIG, "app.py": "print(open('greeting.txt').read())\n"}.items():
            (self.root / name).write_text(text)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "first")

    def beat(self, crash_at: str = "") -> int:
        environment = {
            **os.environ,
            "AUTOBUILDS_CRASH_FIRED": str(self.fired),
            "AUTOBUILDS_CRASH_COUNT": str(self.counted),
            "AUTOBUILDS_CRASH_AT": crash_at,
        }
        if crash_at:
            environment["PYTHONPATH"] = str(INJECT)
        argv = [sys.executable, "-m", "autobuilds", "heartbeat", "--wait", "--workspace", str(self.root)]
        return subprocess.run(argv, env=environment, capture_output=True, timeout=100, check=False, stdin=subprocess.DEVNULL).returncode

    def builds(self) -> dict[str, str]:
        ledger = json.loads((self.root / "subagents" / "active.json").read_text())
        return {b["label"]: b["state"] for b in ledger["builds"]}

    def check(self) -> None:
        """Assert what must hold after two heartbeats."""
        starts = Counter(self.count.read_text().split() if self.count.exists() else [])
        assert all(n == 1 for n in starts.values()), f"an attempt started twice: {starts}"
        states = self.builds()
        assert set(states.values()) <= {"completed", "review", "retrying", "escalated"}, states
        queue = (self.root / "BUILD_QUEUE.md").read_text()
        for name in ("Write the greeting", "Ticked by hand", "Second greeting"):
            assert sum(line.startswith(("- [ ] ", "- [x] ")) and name in line for line in queue.split("\n")) == 1, (
                f"{name} lost or doubled:\n{queue}"
            )
        git(self.root, "fsck", "--strict")

    def settle(self) -> None:
        """Two heartbeats, as promised; then up to three more bring the rest of the chain to its end."""
        for _ in range(2):
            assert self.beat() == 0
        self.check()
        for _ in range(3):
            if self.builds() == {"write-the-greeting": "completed", "second-greeting": "completed"}:
                break
            assert self.beat() == 0
        self.check()
        assert self.builds() == {"write-the-greeting": "completed", "second-greeting": "completed"}
        assert (self.root / "second.txt").read_text() == "hello\n"
        assert git(self.root, "status", "--porcelain") == ""


def calls_of(role: str, folder: Path) -> int:
    bench = Bench(folder)
    bench.beat(f"{role}:1000000")
    return int(bench.counted.read_text())


def sweep(role: str, points: int, tmp_path: Path) -> None:
    total = calls_of(role, tmp_path / "measured")
    assert total > 20, f"the {role} made only {total} state-changing calls: the hook did not see it"
    chosen = sorted({round(1 + n * (total - 1) / (points - 1)) for n in range(points)})
    fired = 0
    for at in chosen:
        bench = Bench(tmp_path / f"{role}-{at}")
        bench.beat(f"{role}:{at}")
        fired += bench.fired.exists()
        bench.settle()
    assert fired >= len(chosen) - max(1, len(chosen) // 10) >= 1, f"only {fired} of {len(chosen)} kills fired"


@pytest.mark.slow
def test_killed_at_the_first_and_the_last_point(tmp_path: Path) -> None:
    sweep("heartbeat", 2, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("role", ["heartbeat", "supervisor"])
def test_killed_at_many_points(role: str, tmp_path: Path) -> None:
    sweep(role, int(os.environ.get("CRASH_POINTS", "20")), tmp_path)
