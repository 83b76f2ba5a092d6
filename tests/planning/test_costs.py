"""What deciding costs, in counts: the rules read only the texts whose answer matters, and the rest grows with the tasks alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial

import pytest
from benchmarks.reader import queue_text

from autobuilds.domain import gates
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.settings import Settings
from autobuilds.domain.verdicts import Verdict
from autobuilds.planning import plan
from autobuilds.planning.decision import situate
from autobuilds.planning.forecast import forecast
from autobuilds.planning.judging import judged_clarity, judged_risk
from autobuilds.runtime.assessing import policy_of
from autobuilds.runtime.status_view import AHEAD, status_view
from autobuilds.store.queue.reader import read_queue
from tests.builders import NOW, a_build, a_moment, a_snapshot, a_task
from tests.counting import calls

POLICY = policy_of(None)


def _snapshot(tasks: int, slots: int = 1) -> Snapshot:
    queue = read_queue(queue_text(tasks).encode(), zone=UTC).queue
    return a_snapshot(queue=queue, policy=POLICY, settings=Settings(max_concurrent={"default": slots}, agent="claude"))


def _judged(work: Callable[[], object]) -> tuple[int, int]:
    """Return how many texts the risk and the requirements rules read for some work."""
    judged_risk.cache_clear()
    judged_clarity.cache_clear()
    work()
    return judged_risk.cache_info().misses, judged_clarity.cache_info().misses


def test_a_heartbeat_reads_no_more_texts_when_ten_times_as_many_wait() -> None:
    def beat(snapshot: Snapshot) -> None:
        found = plan(snapshot, a_moment())
        status_view(snapshot, a_moment(), found.assessments, {})

    few, many = (_judged(partial(beat, _snapshot(tasks))) for tasks in (60, 600))
    assert few[0] == few[1] <= AHEAD + 2
    assert many[0] == many[1] <= AHEAD + 2


def test_deciding_reads_only_texts_of_tasks_that_could_start() -> None:
    busy = a_snapshot(*(a_task(f"Task {n}") for n in range(50)), builds=(a_build(a_task("Busy")),), policy=POLICY)
    assert _judged(lambda: plan(busy, a_moment())) == (0, 0)
    free = a_snapshot(*(a_task(f"Task {n}") for n in range(50)), policy=POLICY)
    assert _judged(lambda: plan(free, a_moment())) == (1, 1)


@pytest.mark.parametrize("work", [plan, partial(forecast, hours=2)], ids=["plan", "forecast"])
def test_deciding_grows_with_the_tasks_and_no_faster(work: Callable[..., object]) -> None:
    small, large = _snapshot(40), _snapshot(400)
    work(small, a_moment())  # what is made once in a process is made
    work(large, a_moment())
    assert calls(lambda: work(large, a_moment())) <= 11 * calls(lambda: work(small, a_moment()))


def test_a_forecast_reads_only_texts_of_tasks_that_could_start() -> None:
    tasks = (*(a_task(f"Later {n}", not_before=NOW + timedelta(days=9)) for n in range(50)), a_task("Now"))
    assert _judged(lambda: forecast(a_snapshot(*tasks, policy=POLICY), a_moment(), 24)) == (1, 1)


def test_a_week_of_many_tasks_is_some_looks_at_a_few_each() -> None:
    small, large = (replace(s, settings=replace(s.settings, review_limit=1000)) for s in (_snapshot(20, slots=3), _snapshot(100, slots=3)))

    def week(snapshot: Snapshot) -> None:
        assert forecast(snapshot, a_moment(), 7 * 24, reviewed=True).complete

    week(large)
    assert calls(lambda: week(large)) <= min(10 * calls(lambda: week(small)), 250_000)


def test_deciding_grows_with_the_history_and_no_faster() -> None:
    old = tuple(a_build(a_task(f"Old {n}"), created=NOW) for n in range(400))
    tasks = [a_task(f"Task {n}") for n in range(100)]
    short, long = (
        a_snapshot(*tasks, builds=old[:size], policy=POLICY, settings=Settings(max_concurrent={"default": 1000})) for size in (40, 400)
    )
    plan(short, a_moment())
    assert calls(lambda: plan(long, a_moment())) <= 11 * calls(lambda: plan(short, a_moment()))


@pytest.mark.parametrize("hour", [12, 23])
def test_the_answers_are_those_of_every_gate_asked_at_once(hour: int) -> None:
    snapshot = _snapshot(40, slots=3)
    moment = a_moment(now=NOW.replace(hour=hour))
    found = plan(snapshot, moment)
    sketches = {a.label: a.sketch for a in found.assessments}
    for assessment in found.assessments:
        task = snapshot.queue.find(assessment.label)
        assert task is not None
        asked = {g.gate: g for g in gates.assess(situate(task, snapshot, moment)).gates if g.gate in gates.COSTLY}
        assert [g.gate for g in assessment.gates] == list(gates.GATES)
        assert {g.gate: g for g in assessment.gates if g.gate in gates.COSTLY} == asked
        known = {g.gate for g in sketches[assessment.label].gates}
        assert known == set(gates.GATES) - gates.COSTLY or known == set(gates.GATES)
        if sketches[assessment.label].verdict is Verdict.GO:
            assert known == set(gates.GATES)
        assert assessment.sketch == assessment
    assert any(len(a.gates) == len(gates.GATES) - 2 for a in sketches.values())
