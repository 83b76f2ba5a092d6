"""A task without a name holds itself and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.runtime.loop import details, make_loop

PARTY = "- [ ] \U0001f389 - Priority: High\n"


def test_a_finished_build_is_moved_to_completed_above_a_task_without_a_name(make_repo: Callable[..., Path]) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    loop.replace("\n## Task Details", f"{PARTY}\n## Task Details")
    loop.git("commit", "-q", "-am", "a task without a name")
    last = loop.run()
    assert loop.state() == "review" and not last.faults
    active, _, completed = loop.queue.read_text().partition("## Completed")
    assert "- [x] Say hello" in completed and "] Say hello" not in active
    assert PARTY in active
