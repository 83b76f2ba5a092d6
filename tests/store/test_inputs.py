"""What a start was decided on: written compactly, read back whole, in every version."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.build import Ledger, Usage
from autobuilds.domain.day import Busy, Context
from autobuilds.domain.moment import AgentStatus, Moment, Resources, RunState, RunStatus
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.domain.settings import Settings
from autobuilds.store import inputs
from autobuilds.store.ledger import NotALedger, encode_line
from tests.store.ledgers import full

NOW = datetime(2026, 2, 6, 22, 0, 0, 123456, tzinfo=UTC)
MOMENT = Moment(
    now=NOW,
    resources=Resources(disk_percent=12.5, memory_free_mib=900),
    runs={"x-1": RunStatus(state=RunState.RUNNING, usage=Usage(tokens_in=7, cost_usd=0.5))},
    agents=(
        AgentStatus(name="claude", found=True, limited_until=NOW + timedelta(hours=1), reserve_mib=500, nests=True),
        AgentStatus(name="codex", found=False, install="npm install codex"),
    ),
    tiers=(TierProbe(tier=Tier.BWRAP, works=False, why="not there", fix="apt install bubblewrap"), TierProbe(tier=Tier.NONE, works=True)),
    hand_approved=frozenset({"b", "a"}),
    proven=frozenset({"c"}),
    doubted=frozenset({"d"}),
)


def kept(moment: Moment, settings: Settings | None = None, **more: object) -> dict[str, object]:
    """Return inputs after their way through a commit's message."""
    given_ = {"wanted": {"codex"}, "digests": {"BUILD_QUEUE.md": "ab"}, "changes": {}, "gates": {"state": "not started"}, **more}
    plain = inputs.encode(moment, settings or Settings(), **given_)  # type: ignore[arg-type]
    line = encode_line(plain)
    assert "\n" not in line
    found: dict[str, object] = json.loads(line)
    return found


def test_everything_a_gate_looks_at_comes_back() -> None:
    found = inputs.decode(kept(MOMENT, Settings(retries=2, retry_delay=timedelta(minutes=1)), at_once=True, agent="claude", head="f" * 40))
    assert found.moment == MOMENT
    assert (found.at_once, found.agent, found.head, found.missing) == (True, "claude", "f" * 40, ())
    assert found.settings == {"retries": 2, "retry_delay": 60} and found.gates == {"state": "not started"}
    assert found.digests == {"BUILD_QUEUE.md": "ab"}


def test_events_come_back_without_their_titles_and_those_that_count_alone() -> None:
    def event(first: float, last: float, **more: object) -> Busy:
        return Busy(start=NOW + timedelta(hours=first), end=NOW + timedelta(hours=last), context=Context.AWAY, summary="Secret", **more)  # type: ignore[arg-type]

    events = (event(-9, 0), event(-30, 1, all_day=True), event(2, 3), event(47, 60), event(48, 60))
    plain = kept(replace(MOMENT, busy=events))
    assert "Secret" not in json.dumps(plain)
    found = inputs.decode(plain).moment.busy
    assert [b.summary for b in found] == [""] * 3
    # Kept to the second, as every time of a commit.
    assert [replace(b, summary="Secret") for b in found] == [_whole(b) for b in events[1:4]]


def _whole(event: Busy) -> Busy:
    return replace(event, start=event.start.replace(microsecond=0), end=event.end.replace(microsecond=0))


def test_an_agent_that_nothing_asks_for_is_a_name_alone() -> None:
    assert kept(MOMENT, wanted=set())["agents"][1] == "codex"  # type: ignore[index]
    assert inputs.decode(kept(MOMENT, wanted=set())).moment.agents[1] == AgentStatus(name="codex", found=False)


def test_a_quiet_moment_takes_little_room() -> None:
    quiet = Moment(now=NOW, agents=(AgentStatus(name="command", found=True),))
    assert len(encode_line(kept(quiet))) < 300


def test_inputs_of_the_first_version_say_what_they_lack() -> None:
    old = {"now": "2026-02-06T22:00:00+00:00", "agents": ["command"], "settings": {"retries": 3}, "gates": {"state": "not started"}}
    found = inputs.decode(old)
    assert found.moment.agents == (AgentStatus(name="command", found=True),)
    assert "approvals" in found.missing and found.settings is None


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"now": 3},
        {"now": "yesterday"},
        {"now": "2026-02-06T22:00:00"},
        {"now": NOW.isoformat(), "version": "1", "tiers": [{"tier": "x"}]},
    ],
)
def test_what_are_no_inputs_is_said(plain: dict[str, object]) -> None:
    with pytest.raises(NotALedger, match="can't be read"):
        inputs.decode(plain)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_change_makes_the_new_text_of_the_old(old: str, new: str) -> None:
    before, after = old.encode("utf-8", "replace"), new.encode("utf-8", "replace")
    change = inputs.difference(before, after)
    if change is None:
        assert inputs.digest(before) == inputs.digest(after)
    else:
        assert inputs.digest(inputs.changed(before, change)) == inputs.digest(after)


def test_a_change_that_is_too_much_or_no_text_is_left_out() -> None:
    assert inputs.difference(b"", b"x" * 20_000) is None
    assert inputs.difference(b"a", b"\xff") is None
    assert inputs.difference(b"a", None) is None
    assert inputs.changed(b"\xff", (0, 0, "x")) is None


def test_digests_tell_texts_and_ledgers_apart() -> None:
    assert inputs.digest(b"a\r\nb") == inputs.digest(b"a\nb") != inputs.digest(b"a b")
    assert inputs.digest(None) == ""
    assert inputs.digest_of_ledger(Ledger()) != inputs.digest_of_ledger(full()) == inputs.digest_of_ledger(full())
