"""What could be started now: in which order, what fits into a time, what waits for the owner's word alone, and what asking costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from autobuilds.domain import gates
from autobuilds.domain.build import BuildState, Ledger, Pause
from autobuilds.domain.lengths import Basis, Learned, Lengths, kind_of
from autobuilds.domain.model import Estimate, Priority, Task
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.settings import Settings
from autobuilds.domain.verdicts import Verdict
from autobuilds.planning import plan
from autobuilds.planning.judging import judged_clarity, judged_risk
from autobuilds.planning.ready import Ready, ready
from autobuilds.runtime.assessing import policy_of
from tests.builders import NOW, a_build, a_moment, a_situation, a_snapshot, a_task
from tests.counting import calls

NIGHT = a_moment(now=NOW.replace(hour=23))
ERROR = Problem(file="HEARTBEAT.md", line=3, column=1, kind="bad-value", severity=Severity.ERROR, message="bad")


def _sized(name: str, minutes: int, **changes: Any) -> Task:
    return a_task(name, estimate=Estimate(min_minutes=minutes // 2, max_minutes=minutes), **changes)


def _labels(found: Ready) -> list[str]:
    return [c.task.label for c in found.candidates]


def test_priority_comes_first_then_the_order_of_the_file() -> None:
    tasks = [a_task("One", priority=Priority.MEDIUM), a_task("Two"), a_task("Three"), a_task("Four", priority=Priority.MEDIUM)]
    found = ready(a_snapshot(*tasks), NIGHT, limit=4)
    assert _labels(found) == ["two", "three", "one", "four"]
    assert {(c.verdict, c.agent, c.needs) for c in found.candidates} == {(Verdict.GO, "command", ())}
    assert (found.any_go, found.held, found.waiting, found.fitting, found.minutes) == (True, (), 4, 4, None)
    assert _labels(ready(a_snapshot(*tasks), NIGHT)) == ["two", "three", "one"]
    assert _labels(ready(a_snapshot(*tasks), NIGHT, limit=1)) == ["two"]


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_the_first_are_those_that_a_heartbeat_starts(slots: int) -> None:
    tasks = [
        a_task("Low", priority=Priority.LOW),
        a_task("One", touches=("src/**",)),
        a_task("Same paths", touches=("src/x.py",)),
        a_task("Blocked", blockers=("the vendor",)),
        replace(a_task("One again"), name="the one"),
        a_task("Two"),
        a_task("Unclear", description="", criteria=()),
        a_task("Medium", priority=Priority.MEDIUM),
    ]
    snapshot = a_snapshot(*tasks, settings=Settings(max_concurrent={"default": slots}))
    started = [a.label for a in plan(snapshot, NIGHT).actions]
    assert _labels(ready(snapshot, NIGHT, limit=9))[: len(started)] == started
    assert _labels(ready(snapshot, NIGHT, limit=9)) == ["one", "two", "medium"]


def test_what_runs_is_ticked_or_is_completed_is_no_candidate() -> None:
    running = a_task("Running")
    tasks = [running, a_task("Ticked", checked=True), a_task("Other")]
    found = ready(a_snapshot(*tasks, builds=(a_build(running),), settings=Settings(max_concurrent={"default": 2})), a_moment())
    assert (_labels(found), found.waiting) == (["other"], 1)


@pytest.mark.parametrize(
    ("gate", "changes"),
    [
        ("capacity", {"builds": (a_build(a_task("Busy")),)}),
        ("paused", {"ledger": Ledger(pause=Pause(since=NOW))}),
        ("paused", {"problems": (ERROR,)}),
        ("review", {"builds": (a_build(a_task("Done"), BuildState.REVIEW),), "settings": Settings(review_limit=1)}),
    ],
)
@pytest.mark.parametrize("minutes", [None, 60])
def test_nothing_is_ready_where_nothing_may_start(gate: str, changes: dict[str, Any], minutes: int | None) -> None:
    tasks = [_sized(n, 30) for n in ("One", "Two", "Three")]
    found = ready(a_snapshot(*tasks, **changes), a_moment(), minutes=minutes)
    assert (found.candidates, found.any_go) == ((), False)
    assert [(a.label, a.obstacles[0].gate) for a in found.held] == [("one", gate), ("two", gate)]


def test_an_empty_queue() -> None:
    found = ready(a_snapshot(), a_moment(), minutes=60)
    assert (found.candidates, found.held, found.waiting, found.fitting) == ((), (), 0, 0)


def test_in_a_time_the_longest_that_fits_comes_first_within_a_priority() -> None:
    tasks = [
        _sized("Medium", 90, priority=Priority.MEDIUM),
        _sized("Short", 15),
        _sized("Exact", 90),
        _sized("Long", 91),
        a_task("Unsized"),
        _sized("Half", 45),
        _sized("Half too", 45),
    ]
    found = ready(a_snapshot(*tasks), NIGHT, minutes=90, limit=9)
    assert _labels(found) == ["exact", "half", "half-too", "short", "medium"]
    assert (found.waiting, found.fitting, found.unsized) == (7, 5, ("unsized",))


def test_in_a_time_what_waits_for_the_owners_word_alone_comes_last_with_the_word() -> None:
    tasks = [
        _sized("Low", 30, priority=Priority.LOW),
        _sized("Off hours", 30, priority=Priority.MEDIUM),
        _sized("Both", 20, priority=Priority.MEDIUM, category="New features"),
        _sized("Feature", 30, category="New features", source="a routine"),
        _sized("Later", 30, not_before=NOW + timedelta(hours=1)),
        _sized("Blocked", 30, priority=Priority.LOW, blockers=("the vendor",)),
        _sized("Empty", 30, description="", criteria=()),
        _sized("Go", 10),
    ]
    found = ready(a_snapshot(*tasks), a_moment(), minutes=60, limit=9)
    assert [(c.task.label, c.verdict.value, c.needs) for c in found.candidates] == [
        ("go", "go", ()),
        ("feature", "ask", ("autobuilds approve feature",)),
        ("off-hours", "wait", ("autobuilds set off-hours priority high",)),
        ("both", "ask", ("autobuilds approve both", "autobuilds set both priority high")),
        ("low", "ask", ("autobuilds approve low",)),
    ]
    assert _labels(ready(a_snapshot(*tasks), a_moment(), minutes=60, limit=2)) == ["go", "feature"]
    assert _labels(ready(a_snapshot(*tasks), a_moment(), limit=9)) == ["go"]


def test_a_word_is_not_enough_where_a_task_that_goes_claims_the_same_paths() -> None:
    tasks = [_sized("Low", 30, priority=Priority.LOW, touches=("src/**",)), _sized("Go", 10, touches=("src/x.py",))]
    assert _labels(ready(a_snapshot(*tasks), a_moment(), minutes=60)) == ["go"]


def test_what_only_waits_for_a_word_is_not_ready() -> None:
    found = ready(a_snapshot(_sized("Low", 30, priority=Priority.LOW)), a_moment(), minutes=60)
    assert (_labels(found), found.any_go, found.held) == (["low"], False, ())


def test_the_quick_question_is_about_every_gate() -> None:
    assert sorted(gates._QUICKEST) == sorted(gates.GATES)
    assert gates.GATES.keys() >= gates.COMMON | gates.OWNERS
    assert gates.open_to(a_situation())


@pytest.mark.parametrize(
    "task",
    [a_task(), a_task(priority=Priority.LOW), a_task(blockers=("x",)), a_task(agent="nobody"), a_task(not_before=NOW + timedelta(days=1))],
)
def test_the_quick_question_has_the_answer_of_all_gates(task: Task) -> None:
    situation = a_situation(task)
    assert gates.open_to(situation) == (gates.assess(situation).verdict is Verdict.GO)


def test_no_gate_is_asked_after_one_that_holds() -> None:
    def never() -> Any:
        raise AssertionError("a text was read")

    assert not gates.open_to(a_situation(a_task(blockers=("x",)), risk=never, clarity=never))


def test_only_texts_of_tasks_that_could_start_are_read() -> None:
    policy = policy_of(None)
    tasks = [*(a_task(f"Blocked {n}", blockers=("x",)) for n in range(50)), *(a_task(f"Task {n}") for n in range(50))]
    judged_risk.cache_clear()
    judged_clarity.cache_clear()
    assert len(ready(a_snapshot(*tasks, policy=policy), a_moment(), limit=3).candidates) == 3
    assert (judged_risk.cache_info().misses, judged_clarity.cache_info().misses) == (3, 3)


def test_no_text_is_read_of_a_task_that_no_word_lets_start() -> None:
    later = (_sized(f"Task {n}", 30, not_before=NOW + timedelta(days=1)) for n in range(50))
    judged_risk.cache_clear()
    found = ready(a_snapshot(*later, _sized("Low", 30, priority=Priority.LOW), policy=policy_of(None)), a_moment(), minutes=60)
    assert (_labels(found), judged_risk.cache_info().misses) == (["low"], 1)


def test_the_search_ends_where_enough_are_found() -> None:
    few, many = (a_snapshot(*(a_task(f"Task {n}") for n in range(count))) for count in (100, 1000))
    ready(few, a_moment())
    ready(many, a_moment())
    # What is left is to put them in order.
    assert calls(lambda: ready(many, a_moment())) - calls(lambda: ready(few, a_moment())) < 900 * 10


def test_a_whole_search_grows_with_the_tasks_and_no_faster() -> None:
    small, large = (a_snapshot(*(_sized(f"Task {n}", 30, priority=Priority.MEDIUM, blockers=("x",)) for n in range(k))) for k in (40, 400))
    for minutes in (None, 60):
        ready(small, a_moment(), minutes=minutes)
        ready(large, a_moment(), minutes=minutes)
        assert calls(lambda m=minutes: ready(large, a_moment(), minutes=m)) <= 11 * calls(
            lambda m=minutes: ready(small, a_moment(), minutes=m)
        )


def test_a_word_that_opens_two_gates_is_named_once() -> None:
    task = _sized("Ship it", 30, priority=Priority.LOW, category="External actions")
    (found,) = ready(a_snapshot(task), NIGHT, minutes=60).candidates
    assert found.needs == ("autobuilds approve ship-it",)
    assert len([g for g in gates.assess(a_situation(task)).obstacles if "autobuilds approve ship-it" in (g.fix or "")]) == 2


def test_what_is_not_clear_waits_for_more_than_a_word() -> None:
    task = _sized("Make it better", 30, priority=Priority.LOW, description="", criteria=())
    found = ready(a_snapshot(task), NIGHT, minutes=60)
    assert found.candidates == () and [a.label for a in found.held] == ["make-it-better"]


def test_in_a_time_what_builds_of_its_kind_took_counts_before_its_estimate() -> None:
    kind = kind_of("Bug fixes", "command")
    known = Lengths(kinds={kind: Learned(median=timedelta(minutes=40), builds=10, share=0.5, estimated=10)})
    tasks = (_sized("Long", 150), _sized("Too long", 200), a_task("No estimate"))
    assert _labels(ready(a_snapshot(*tasks), a_moment(), minutes=90)) == []
    found = ready(a_snapshot(*tasks), a_moment(), minutes=90, lengths=known)
    assert [(c.task.label, c.length.span, c.length.basis) for c in found.candidates if c.length is not None] == [
        ("long", timedelta(minutes=75), Basis.LEARNED),
        ("no-estimate", timedelta(minutes=40), Basis.LEARNED),
    ]
    assert (found.unsized, found.fitting) == ((), 2)


def test_in_a_time_a_closed_window_is_opened_by_a_word_and_an_open_one_counts() -> None:
    quick = _sized("Quick", 60, window="quick-win")
    (found,) = ready(a_snapshot(quick), a_moment(), minutes=90).candidates
    assert (found.verdict, found.needs) == (Verdict.WAIT, ('autobuilds set quick window ""',))
    evening = a_moment(now=NOW.replace(hour=20))
    (found,) = ready(a_snapshot(quick), evening, minutes=90).candidates
    assert (found.verdict, found.needs) == (Verdict.GO, ())


def test_more_may_be_started_in_a_context_with_more_slots() -> None:
    busy = _sized("Busy", 60)
    files = a_snapshot(busy, _sized("Free", 60), builds=(a_build(busy),), settings=Settings(max_concurrent={"default": 1, "sleeping": 2}))
    assert not ready(files, a_moment(), minutes=90).any_go
    assert ready(files, a_moment(now=NOW.replace(hour=23)), minutes=90).any_go
