"""Workspaces in the middle of their lives, made once and put back before each point of a sweep."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.proofs._ground import CONFIG, Ground, environment
from tests.proofs.forkserver import ForkServer

QUEUE = """# Build Queue

A line of the owner's that stays.

## Active Queue
- [ ] Write alpha - Added: 2026-02-06 15:00 - Priority: High
- [ ] Write beta - Added: 2026-02-06 15:00 - Priority: High
- [ ] Ask first - Added: 2026-02-06 15:00 - Priority: Low

## Task Details

### Write alpha
- **Description:** `alpha.txt` of the project holds the line `hello`, read by `app.py`.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello alpha.txt`
- **Category:** Bug fixes
- **Steps:**
  ```sh
  echo hello > alpha.txt
  ```

### Write beta
- **Description:** `beta.txt` of the project holds the line `hello`, read by `app.py`.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello beta.txt`
- **Category:** Bug fixes
- **Steps:**
  ```sh
  echo no > beta.txt
  ```

### Ask first
- **Description:** `ask.txt` of the project holds the line `hello`, read by `app.py`.
- **Blockers:** [ ] the owner's word
- **Category:** Bug fixes

## Completed
- [x] Old one - Added: 2026-02-01 10:00 - Priority: High - Completed: 2026-02-01 12:00
"""
_MORE = "max_concurrent: 2\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The workspaces, kept in `kept`; the one that is worked on is always at the same place, since records name it."""

    ground: Ground
    place: Path
    kept: Path

    def put(self, name: str) -> None:
        """Put a stage in place: the workspace and the home; the place itself may be a mount."""
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.kept / name, self.place, symlinks=True, dirs_exist_ok=True)

    def keep(self, name: str) -> None:
        """Keep what stands in place as a stage."""
        shutil.copytree(self.place, self.kept / name, symlinks=True)

    @classmethod
    def make(cls, folder: Path, place: Path, server: Callable[[dict[str, str]], ForkServer]) -> tuple[Stages, ForkServer]:
        """Make all stages in `place` and keep them below `folder`, with a fork server that is already started."""
        env = environment(place / "home")
        running = server(env)
        root = place / "workspace"
        ground = Ground(root=root, env=env)
        stages = cls(ground=ground, place=place, kept=folder / "kept")
        root.mkdir(parents=True)
        ground.git("init", "-q", "-b", "main")
        files = {
            "BUILD_QUEUE.md": QUEUE,
            "HEARTBEAT.md": CONFIG.format(more=_MORE).replace("retries: 5", "retries: 1"),
            "app.py": "print(open('a.txt').read())\n",
        }
        for name, text in files.items():
            (root / name).write_text(text, encoding="utf-8")
        ground.git("add", "-A")
        ground.git("commit", "-q", "-m", "first")
        stages.keep("new")
        _do(running, root, "pause")
        stages.keep("paused")
        _do(running, root, "resume")
        stages.keep("queued")
        queue = root / "BUILD_QUEUE.md"
        queue.write_text(queue.read_text(encoding="utf-8").replace("owner's that stays", "owner's that was edited"), encoding="utf-8")
        stages.keep("edited")
        stages.put("queued")
        _do(running, root, "heartbeat", code="tests.proofs._stages:without_runs")
        stages.keep("submitted")
        stages.put("queued")
        _do(running, root, "heartbeat", code="tests.proofs._stages:without_next")
        stages.keep("ended")
        _do(running, root, "heartbeat")
        stages.keep("reviewable")
        _do(running, root, "accept", "write-alpha")
        stages.keep("accepted")
        (root / "subagents" / "active.json").unlink()
        stages.keep("ledgerless")
        return stages, running


def _do(server: ForkServer, root: Path, *argv: str, code: str = "autobuilds.cli.app:run") -> None:
    done = server.run(root, *argv, code=code)
    assert done.status == 0, f"{argv} ended with {done.status}: {done.said}"


def without_next(argv: list[str]) -> int:
    """Run a command line whose builds run no heartbeat at their end."""
    from autobuilds import wiring
    from autobuilds.cli.app import run

    real = wiring.make_context

    def alone(root: Path, **more: Any) -> Any:
        return replace(real(root, **more), heartbeat_argv=())

    wiring.make_context = alone
    return run(argv)


def without_runs(argv: list[str]) -> int:
    """Run a command line that ends, as by a crash, where the first supervisor would be started."""
    from autobuilds.adapters.runners.local import LocalRunner

    LocalRunner._spawn = lambda *_: os._exit(0)  # type: ignore[method-assign]
    return without_next(argv)


_VARYING = re.compile(r"[0-9a-f]{7,}|\d+")


def plain(text: str) -> str:
    """Return a text without what differs from run to run: times, ids, process numbers."""
    return _VARYING.sub("#", text)
