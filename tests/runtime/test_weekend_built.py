"""A weekend from its choice to its summary, with real builds: milestones one on the other, and what the ledger says of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.domain.inert import terminal
from autobuilds.ports import Host
from autobuilds.records import replace
from autobuilds.runtime import weekend as weekends
from autobuilds.runtime import weekend_start
from autobuilds.runtime.weekend_view import standing
from tests.runtime.loop import Loop, details, make_loop

MakeRepo = Callable[..., Path]
SATURDAY = datetime.fromisoformat("2026-02-07T10:00:00+00:00")


class At:
    """A host whose clock is set."""

    def __init__(self, host: Host, now: datetime) -> None:
        self._host, self._now = host, now

    def now(self, zone: str | None) -> datetime:
        real = self._host.now(zone)
        return self._now.astimezone(real.tzinfo)

    def __getattr__(self, name: str) -> object:
        return getattr(self._host, name)


def at(loop: Loop, now: datetime) -> Loop:
    """Return the loop at a time."""
    host = At(loop.context.host, now)
    return Loop(context=replace(loop.context, host=host))  # type: ignore[arg-type]


@pytest.mark.slow
def test_milestones_are_built_one_on_the_other_and_summed_up(make_repo: MakeRepo) -> None:
    first = details("Base of it", file="a.txt", extra="- **Estimated Time:** 5 h\n")
    second = details(
        "Top of it", steps="cat a.txt > b.txt", file="b.txt", extra="- **Estimated Time:** 4 h\n- **Depends On:** Base of it\n"
    )
    failing = details("Roof of it", steps="exit 1", file="c.txt", extra="- **Estimated Time:** 2 h\n- **Depends On:** Top of it\n")
    loop = make_loop(make_repo, first, second, failing, more="diary: no\n")
    friday = at(loop, SATURDAY - timedelta(hours=16))
    found = weekends.suggest(friday.context)
    assert [p.kind for p in found.plan.proposals] == ["linked"] and found.plan.proposals[0].minutes == 660
    chosen = weekends.shown(friday.context, "1")
    done = weekend_start.start(friday.context, chosen, "olive@example.org")
    assert done.changed and done.asks == ()
    before = standing(friday.context)
    assert (before.done, before.minutes_left, before.percent) == (0, 660, 0)
    friday.beat()
    assert not friday.context.workspace.ledger().builds, "they wait for the weekend"
    for hour in range(4):
        now = at(loop, SATURDAY + timedelta(hours=hour))
        now.run()
    late = at(loop, SATURDAY + timedelta(hours=34))
    after = standing(late.context)
    states = {mile.label: mile.state for mile in after.milestones}
    assert states == {"base-of-it": "review", "top-of-it": "review", "roof-of-it": "escalated"}, terminal(str(after))
    assert (after.done, after.minutes_done, after.minutes_left, after.percent) == (2, 540, 120, 81)
    base, top, roof = after.milestones
    assert (base.evidence, base.files_changed, base.fix) == ("checked in the clone", 1, "autobuilds review base-of-it")
    assert top.is_done and not roof.is_done and roof.fix == "autobuilds log roof-of-it"
    ledger = late.context.workspace.ledger()
    assert ledger.day is not None and ledger.day.weekends[-1].title.startswith("Roof of it")
