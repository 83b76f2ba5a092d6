"""Duties that a heartbeat runs act on the workspace as any command does: the lock is theirs to take meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from autobuilds.runtime.duties import DutyOutcome
from tests.runtime.loop import CONFIG, Loop, details, make_loop

MakeRepo = Callable[..., Path]
UNTIL = datetime.fromisoformat("2126-02-06T10:00:00+00:00")


def loop_with(make_repo: MakeRepo, *duties: str) -> Loop:
    """Return a workspace with a task and these duties."""
    body = "".join(f"\n## Duty {n} (1x daily)\n- `{command}`\n" for n, command in enumerate(duties))
    return make_loop(make_repo, details("Say hello"), **{"HEARTBEAT.md": CONFIG.format(more="duty_timeout: 40s\n") + body})


def test_a_duty_that_acts_for_the_owner_counts_in_the_same_heartbeat(make_repo: MakeRepo) -> None:
    loop = loop_with(make_repo, "autobuilds pause --until '2126-02-06 10:00'")
    beaten = loop.beat()
    assert [run.outcome for run in beaten.duties] == [DutyOutcome.OK], beaten.duties
    pause = loop.context.workspace.ledger().pause
    assert pause is not None and pause.until == UNTIL
    assert not loop.context.workspace.ledger().active, "the pause came before the start"
    assert not loop.git("status", "--porcelain")


def test_a_heartbeat_in_a_duty_is_a_heartbeat(make_repo: MakeRepo) -> None:
    loop = loop_with(make_repo, "autobuilds heartbeat --wait --json")
    beaten = loop.beat()
    assert [run.outcome for run in beaten.duties] == [DutyOutcome.OK], beaten.duties
    inner = json.loads(beaten.duties[0].tail[beaten.duties[0].tail.index("{") :])
    assert "start" in [t["event"] for t in inner["transitions"]] and inner["duties"] == []
    assert beaten.transitions == () and loop.state() == "review"


def test_two_heartbeats_with_one_duty_run_it_once(make_repo: MakeRepo) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    (loop.root / "HEARTBEAT.md").write_text(CONFIG.format(more="") + "\n## Note (1x daily)\n- `sh -c 'echo x >> .git/notes'`\n")
    loop.beat()
    loop.run()
    assert (loop.root / ".git" / "notes").read_text() == "x\n"


@pytest.mark.parametrize("command", ["autobuilds complete say-hello", "autobuilds cancel say-hello"])
def test_words_of_the_owner_need_not_wait_for_the_heartbeat_that_runs_them(make_repo: MakeRepo, command: str) -> None:
    loop = loop_with(make_repo, command)
    beaten = loop.beat()
    assert [run.outcome for run in beaten.duties] == [DutyOutcome.OK], beaten.duties
    assert beaten.duties[0].seconds < 20
    assert not loop.context.workspace.ledger().active
