"""What holds of every forecast, whatever waits: no slot twice, no build twice, none outside its window, the same as the gates say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.day import Busy, Context
from autobuilds.domain.duties import parse_cadence
from autobuilds.domain.model import Estimate, Priority, Task
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.settings import Settings
from autobuilds.domain.verdicts import Verdict
from autobuilds.domain.week import in_span, window_named
from autobuilds.domain.windows import WINDOWS
from autobuilds.planning.decision import assess_all
from autobuilds.planning.forecast import forecast
from autobuilds.planning.nights import Nightly
from tests.builders import a_moment, a_snapshot, a_task

pytestmark = pytest.mark.slow

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
#: The evenings before nights on which clocks change in some of them, and one on which they do not.
DAYS = tuple(datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 7), (3, 28), (10, 3), (10, 24), (6, 3)))
_MINUTES = st.sampled_from([None, 5, 30, 60, 90, 240, 420, 900])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Snapshot, Moment, Nightly | None]:
    """Draw files and a moment around one of the nights on which clocks change."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    day = draw(st.sampled_from(DAYS))
    now = (day + timedelta(minutes=draw(st.integers(0, 2000)))).astimezone(zone)
    tasks: list[Task] = []
    for n in range(draw(st.integers(1, 9))):
        minutes = draw(_MINUTES)
        tasks.append(
            a_task(
                f"Task {n}",
                priority=draw(st.sampled_from(list(Priority))),
                estimate=None if minutes is None else Estimate(min_minutes=minutes, max_minutes=minutes),
                depends_on=(f"task-{draw(st.integers(0, n - 1))}",) if n and draw(st.booleans()) else (),
                window=draw(st.sampled_from([None, None, "quick-win", "overnight", "weekend"])),
                touches=draw(st.sampled_from([(), ("src/a/**",), ("src/b/**",)])),
                not_before=draw(st.sampled_from([None, None, now + timedelta(hours=30)])),
            )
        )
    chosen = Settings(
        max_concurrent={"default": draw(st.integers(1, 2)), "sleeping": draw(st.integers(1, 3))},
        deliver={"default": draw(st.sampled_from([DeliverMode.REVIEW, DeliverMode.MERGE]))},
        review_limit=draw(st.integers(1, 9)),
        attempts_per_day=draw(st.sampled_from([None, 3])),
    )
    busy = Busy(start=now + timedelta(hours=5), end=now + timedelta(hours=9), context=Context.SLEEPING, summary="rest")
    moment = a_moment(now=now, busy=draw(st.sampled_from([(), (busy,)])))
    nightly = Nightly(start=parse_cadence("daily at 23:00"), report=parse_cadence("daily at 06:30"))
    return a_snapshot(*tasks, settings=chosen), moment, draw(st.sampled_from([None, nightly]))


@settings(max_examples=80, deadline=None)
@given(worlds())
def test_what_holds_of_every_forecast(world: tuple[Snapshot, Moment, Nightly | None]) -> None:
    snapshot, moment, nightly = world
    found = forecast(snapshot, moment, 96, nightly=nightly)
    tasks = {t.label: t for t in snapshot.queue.active}
    ends = {s.label: s.end.timestamp() for s in found.slots}
    starts = [s.start.timestamp() for s in found.slots]
    assert found.complete and starts == sorted(starts)
    assert sorted([*ends, *(a.label for a in found.not_reached)]) == sorted(tasks)
    assert len(ends) == len(found.slots)
    for slot in found.slots:
        begins, task = slot.start.timestamp(), tasks[slot.label]
        together = [o for o in found.slots if o.start.timestamp() <= begins < o.end.timestamp()]
        assert len({o.slot for o in together}) == len(together)
        span = next(s for s in found.spans if s.start.timestamp() <= begins < s.end.timestamp())
        assert len(together) <= span.slots and (slot.context, slot.night) == (span.context, span.night)
        assert all(ends[d] <= begins for d in task.depends_on)
        assert task.not_before is None or task.not_before.timestamp() <= begins
        window = window_named(task.window, WINDOWS) if task.window is not None else None
        if window is not None and not moment.busy:
            assert in_span(slot.start, window.span) and slot.window == window.name
    edges = [(s.start, s.end) for s in found.spans]
    assert edges[0][0] == found.start and edges[-1][1] == found.end
    assert all(one[1] == other[0] for one, other in pairwise(edges))


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_its_first_starts_are_those_of_a_heartbeat(world: tuple[Snapshot, Moment, Nightly | None]) -> None:
    snapshot, moment, _ = world
    _, now = assess_all(snapshot, moment)
    found = forecast(snapshot, moment, 48)
    assert [s.label for s in found.slots if s.start == moment.now] == [s.label for s in now]


@settings(max_examples=40, deadline=None)
@given(worlds(), st.integers(1, 60))
def test_a_shorter_look_is_the_beginning_of_a_longer_one(world: tuple[Snapshot, Moment, Nightly | None], hours: int) -> None:
    snapshot, moment, nightly = world
    short, long = (forecast(snapshot, moment, h, nightly=nightly) for h in (hours, 96))
    assert list(short.slots) == [s for s in long.slots if s.start.timestamp() < short.end.timestamp()]


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_who_asks_never_starts_and_who_starts_could_when_it_did(world: tuple[Snapshot, Moment, Nightly | None]) -> None:
    snapshot, moment, _ = world
    found = forecast(snapshot, moment, 96)
    asking = {a.label for a in assess_all(snapshot, moment)[0] if a.verdict is Verdict.ASK}
    assert not asking & {s.label for s in found.slots}
    assert asking <= set(found.asking)
    for slot in found.slots[:1]:
        alone = replace(
            snapshot, queue=replace(snapshot.queue, tasks=tuple(t for t in snapshot.queue.tasks if t.label == slot.label or t.checked))
        )
        task = alone.queue.find(slot.label)
        assert task is not None
        if not task.depends_on:
            assert assess_all(alone, replace(moment, now=slot.start))[1]
