"""How far the queue has come."""

from __future__ import annotations

from datetime import timedelta

from autobuilds.domain.build import BuildState
from autobuilds.domain.lengths import Lengths
from autobuilds.domain.model import Estimate, Section
from autobuilds.domain.verdicts import Assessment, GateResult, Verdict
from autobuilds.policies.autonomous_queue import QueueProgress, Running, Share, progress
from tests.builders import a_build, a_snapshot, a_task

HOUR = timedelta(hours=1)


def verdict(label: str, word: Verdict) -> Assessment:
    return Assessment(label=label, gates=(GateResult(gate="state", verdict=word, reason=""),))


def test_an_empty_queue_has_no_percent() -> None:
    found = progress(a_snapshot(), (), {}, lambda task: Lengths().of(task, ""))
    assert (found.tasks, found.percent, found.hours_left, found.categories) == (0, None, 0.0, ())


def test_what_is_done_what_runs_and_what_is_left() -> None:
    done = a_task("Done", section=Section.COMPLETED, checked=True)
    busy, go = a_task("Busy", estimate=Estimate(min_minutes=60, max_minutes=150)), a_task("Go")
    wait, asks = a_task("Wait", category=None), a_task("Ask", category="Docs")
    builds = (a_build(done, BuildState.REVIEW), a_build(busy))
    found = progress(
        a_snapshot(done, busy, go, wait, asks, builds=builds),
        [verdict("go", Verdict.GO), verdict("wait", Verdict.WAIT), verdict("ask", Verdict.ASK)],
        {"busy": 40},
        lambda task: Lengths().of(task, "claude"),
    )
    assert found == QueueProgress(
        tasks=5,
        done=1,
        percent=20,
        running=(Running(label="busy", name="Busy", percent=40),),
        review=1,
        ready=1,
        waiting=1,
        asking=1,
        hours_left=5.5,
        unsized=3,
        categories=(
            Share(name="Bug fixes", done=1, left=2, hours_left=3.5),
            Share(name="Docs", done=0, left=1, hours_left=1.0),
            Share(name="no category", done=0, left=1, hours_left=1.0),
        ),
    )


def test_a_build_without_a_word_has_no_percent() -> None:
    busy = a_task("Busy")
    found = progress(a_snapshot(busy, builds=(a_build(busy),)), (), {}, lambda task: Lengths().of(task, ""))
    assert found.running == (Running(label="busy", name="Busy", percent=None),)
