"""A workspace to type commands in, and a way to run them in this process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autobuilds.cli.app import run

QUEUE = """# Build Queue

## Active Queue
- [ ] Fix the clock - Added: 2026-02-06 15:00 - Priority: High
- [ ] Describe the clock - Added: 2026-02-06 15:05 - Priority: Low

## Task Details

### Fix the clock
- **Description:** `hour(9)` in clock.py returns `9`; return `09`, with a leading zero.
- **Completion Criteria:**
  - [ ] It prints the zero: `grep -q 02d clock.py`
  - [ ] The manual shows it
- **Category:** Bug fixes
- **Blockers:**
  - [ ] The font
  - [ ] The paper
- **Steps:**
  ```sh
  echo 'print("%02d:%02d" % (9, 5))' > clock.py
  ```

## Completed
- [x] Buy a clock - Added: 2026-02-05 09:00 - Priority: High - Completed: 2026-02-05 12:30
"""

HEARTBEAT = """---
timezone: UTC
off_hours: 22:00-06:00
disk_limit: 100
memory_limit: 100
load_limit: 1000
retry_delay: 1s
---
# Heartbeat
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The object on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A workspace, and the command line in it."""

    root: Path
    type: Callable[..., Answered]

    @property
    def queue(self) -> str:
        """The text of the queue."""
        return (self.root / "BUILD_QUEUE.md").read_text(encoding="utf-8")


@pytest.fixture
def typed(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answered]:
    """Return a function that runs a command line in this process, with a text as its standard input."""

    def type_(*args: str, stdin: str = "") -> Answered:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        capfd.readouterr()
        status = run(args)
        captured = capfd.readouterr()
        return Answered(status=status, out=captured.out, err=captured.err)

    return type_


@pytest.fixture
def desk(make_repo: Callable[..., Path], typed: Callable[..., Answered], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a workspace with two open tasks, in whose folder commands are typed, at noon on a Friday."""
    root = make_repo({"BUILD_QUEUE.md": QUEUE, "HEARTBEAT.md": HEARTBEAT, ".gitignore": ".autobuilds/\n"}, name="desk")
    monkeypatch.chdir(root)
    monkeypatch.setenv("AUTOBUILDS_NOW", "2026-02-06T16:00:00+00:00")
    return Desk(root=root, type=typed)
