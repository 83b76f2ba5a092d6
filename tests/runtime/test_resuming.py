"""When an agent's session goes on, and when the next attempt begins anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Attempt, Build, BuildState, Ledger, Outcome
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import _sweep
from autobuilds.runtime.resuming import Interrupted, home_of, interrupted

NOW = datetime(2026, 2, 6, 15, tzinfo=UTC)


def attempt(number: int, outcome: Outcome | None = Outcome.TIMEOUT, **more: Any) -> Attempt:
    given: dict[str, Any] = {"session": "s-1", "base_commit": "b" * 40, "head_commit": "c" * 40, **more}
    return Attempt(number=number, id=f"demo-{number}-x", agent="robot", started=NOW, outcome=outcome, **given)


def build(*attempts: Attempt, **more: Any) -> Build:
    return Build(label="demo", name="Demo", state=BuildState.RETRYING, created=NOW, updated=NOW, attempts=attempts, **more)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    made = cast("Context", SimpleNamespace(workspace=SimpleNamespace(root=tmp_path)))
    home_of(made, "demo").mkdir(parents=True)
    return made


def test_a_session_that_was_cut_off_goes_on_where_it_began(context: Context, tmp_path: Path) -> None:
    clones = tmp_path / ".autobuilds" / "clones"
    for cut in (attempt(1), attempt(1, Outcome.LOST), attempt(1, Outcome.AGENT_FAILED, failure=FailureClass.RATE_LIMIT)):
        assert interrupted(context, build(cut), "robot") == Interrupted(session="s-1", clone=clones / "demo-1-x", commit="c" * 40)
    chain = build(attempt(1), attempt(2, resumed=True), attempt(3, Outcome.NOT_STARTED), attempt(4, Outcome.LOST, resumed=True))
    found = interrupted(context, chain, "robot")
    assert found is not None and found.clone == clones / "demo-1-x"


@pytest.mark.parametrize(
    "last",
    [
        attempt(1, Outcome.CHECKS_FAILED),
        attempt(1, Outcome.AGENT_FAILED, failure=FailureClass.CRASH),
        attempt(1, Outcome.REJECTED),
        attempt(1, Outcome.STALLED),
        attempt(1, session=None),
    ],
)
def test_any_other_ending_begins_anew(context: Context, last: Attempt) -> None:
    assert interrupted(context, build(last), "robot") is None


def test_what_the_owner_wants_begins_anew(context: Context) -> None:
    cut = build(attempt(1))
    assert interrupted(context, cut, "robot") is not None
    assert interrupted(context, cut, "other") is None
    assert interrupted(context, replace(cut, fresh=True), "robot") is None
    assert interrupted(context, replace(cut, counted_from=1), "robot") is None
    assert interrupted(context, None, "robot") is None
    home_of(context, "demo").rmdir()
    assert interrupted(context, cut, "robot") is None


def test_a_start_that_never_was_takes_no_home_away() -> None:
    kept: list[set[str]] = []
    chain = build(
        attempt(1, Outcome.CHECKS_FAILED, ended=NOW), attempt(2, Outcome.LOST, ended=NOW), attempt(3, Outcome.NOT_STARTED, ended=NOW)
    )
    over = replace(build(attempt(1, ended=NOW)), label="over", state=BuildState.ESCALATED)
    loaded = SimpleNamespace(snapshot=SimpleNamespace(ledger=Ledger(builds=(chain, over))))
    _sweep(cast("Context", SimpleNamespace(runner=SimpleNamespace(sweep=kept.append))), cast("Any", loaded))
    assert kept == [{"demo-2-x"}]
