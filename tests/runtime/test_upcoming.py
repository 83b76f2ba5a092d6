"""What could be started now, on a real workspace: sandboxes are tried out last, and what they allow decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.errors import FatalQueue
from autobuilds.ports import Sandbox
from autobuilds.runtime.context import Context
from autobuilds.runtime.upcoming import upcoming
from autobuilds.wiring import make_context

TASK = """## Active Queue
- [ ] Area - Added: 2026-02-06 15:00 - Priority: High{more}

## Task Details

### Area
- **Description:** `area(w, h)` in shapes.py returns `w * h`.
- **Completion Criteria:** it is tested: `python3 -m unittest`
- **Category:** Bug fixes
- **Estimated Time:** 1 hour
- **Steps:** `true`

## Completed
"""
HEARTBEAT = "---\ntimezone: UTC\nrequire_sandbox: bubblewrap\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n---\n"


@dataclass
class Trials:
    """A sandbox of which it is counted how often it is tried out."""

    works: bool
    asked: list[str] = field(default_factory=list)

    def tried(self) -> tuple[TierProbe, ...]:
        self.asked.append("tried")
        return (TierProbe(tier=Tier.BWRAP, works=self.works, why="none here"),)


def _context(make_repo: Callable[..., Path], trials: Trials, more: str = "") -> Context:
    root = make_repo({"BUILD_QUEUE.md": TASK.format(more=more), "HEARTBEAT.md": HEARTBEAT, ".gitignore": ".autobuilds/\n"})
    return replace(make_context(root), sandbox=cast("Sandbox", trials))


@pytest.mark.parametrize("minutes", [None, 60])
def test_no_sandbox_is_tried_where_something_else_holds_every_task(make_repo: Callable[..., Path], minutes: int | None) -> None:
    trials = Trials(works=True)
    found = upcoming(_context(make_repo, trials, " - Blockers: the vendor"), minutes, 3).ready
    assert (found.candidates, [a.obstacles[0].gate for a in found.held], trials.asked) == ((), ["blockers"], [])


def test_a_task_that_nothing_else_holds_is_ready_where_the_sandbox_works(make_repo: Callable[..., Path]) -> None:
    trials = Trials(works=True)
    found = upcoming(_context(make_repo, trials), None, 3).ready
    assert ([c.task.label for c in found.candidates], trials.asked) == (["area"], ["tried"])


@pytest.mark.parametrize("minutes", [None, 60])
def test_and_is_held_where_it_does_not(make_repo: Callable[..., Path], minutes: int | None) -> None:
    trials = Trials(works=False)
    found = upcoming(_context(make_repo, trials), minutes, 3).ready
    assert (found.candidates, [a.obstacles[0].gate for a in found.held], trials.asked) == ((), ["agent"], ["tried"])


def test_a_queue_that_cant_be_trusted_is_not_answered_from(make_repo: Callable[..., Path]) -> None:
    context = _context(make_repo, Trials(works=True))
    (context.workspace.root / "BUILD_QUEUE.md").write_bytes(b"## Active Queue\n- [ ] A\x00B\n")
    with pytest.raises(FatalQueue, match=r"BUILD_QUEUE\.md"):
        upcoming(context, None, 3)
