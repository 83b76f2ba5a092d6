"""Projects for the weekend: what belongs together, what fits, and why the rest does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.day import TIMETABLE, Busy, Context
from autobuilds.domain.model import Criterion, Estimate, Priority, Section, Task
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement, Verdict
from autobuilds.domain.weekend import FreeTime, Proposal, Rate, Record, free_time, weekend_window
from autobuilds.domain.windows import WINDOWS
from autobuilds.policies.weekend_milestones import Judges
from autobuilds.policies.weekend_planner import Plan, propose
from autobuilds.records import replace

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 2, 6, 18, tzinfo=BERLIN)
WINDOW = weekend_window(WINDOWS)
FREE = free_time(FRIDAY, WINDOW, None, (), TIMETABLE)
NOTHING = Record(weekends={}, rates={})


def task(name: str, hours: float | None = 3, *, criteria: int = 1, category: str | None = None, **more: object) -> Task:
    estimate = None if hours is None else Estimate(min_minutes=int(60 * hours), max_minutes=int(60 * hours))
    made = Task(
        label=name.lower().replace(" ", "-"),
        name=name,
        section=Section.ACTIVE,
        checked=False,
        description=f"{name} does what it says.",
        criteria=tuple(Criterion(text=f"check {n}: `true`", commands=("true",), checked=n == 1) for n in range(1, criteria + 1)),
        estimate=estimate,
        category=category,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def judges() -> Judges:
    """A vague task has no criterion, a dangerous one says so."""

    def clarity(one: Task) -> ClarityJudgement:
        if one.criteria:
            return ClarityJudgement(verdict=Verdict.GO)
        return ClarityJudgement(verdict=Verdict.ASK, missing=("criteria",), why=("there is no completion criterion",))

    def risk(one: Task) -> RiskJudgement:
        if "deploy" in one.name.lower():
            return RiskJudgement(verdict=Verdict.ASK, kinds=("production",), matched=("deploy",))
        return RiskJudgement(verdict=Verdict.GO)

    return Judges(clarity=clarity, risk=risk, fingerprint=lambda one: f"f:{one.label}")


def plan(*tasks: Task, free: FreeTime = FREE, record: Record = NOTHING) -> Plan:
    return propose([replace(t, line=n) for n, t in enumerate(tasks, 1)], free, WINDOW, record, judges())


def steps(proposal: Proposal) -> list[tuple[str, int]]:
    return [(s.label, s.minutes) for s in proposal.steps]


def short_weekend(hours: int) -> FreeTime:
    """Return a weekend of which so many hours of Saturday are free."""
    first = Busy(start=FREE.starts + timedelta(hours=7 + hours), end=FREE.ends, context=Context.AWAY, summary="Trip")
    return free_time(FRIDAY, WINDOW, None, (first,), TIMETABLE)


def test_nothing_is_proposed_where_nothing_is_open() -> None:
    found = plan()
    assert (found.proposals, found.limit) == ((), 720)
    assert found.why == "the window is for projects of 8 h to 12 h"
    assert plan(task("Small", 3)).proposals == (), "one small task is no project"


def test_a_large_task_is_parted_by_its_criteria_and_ends_with_itself() -> None:
    found = plan(task("Rewrite", 10, criteria=5)).proposals[0]
    assert (found.kind, found.title, found.minutes) == ("task", "Rewrite", 600)
    assert steps(found) == [
        ("rewrite-part-1-of-4", 120),
        ("rewrite-part-2-of-4", 120),
        ("rewrite-part-3-of-4", 120),
        ("rewrite", 240),
    ]
    first, second, _, last = found.steps
    assert (first.new, first.part_of, first.depends_on) == (True, "rewrite", ())
    assert second.depends_on == ("rewrite-part-1-of-4",)
    assert [c for s in found.steps[:3] for c in s.criteria] == [f"check {n}: `true`" for n in range(1, 4)]
    assert "This is part 1 of 4" in first.description and first.description.startswith("Rewrite does")
    assert (last.new, last.part_of, last.depends_on) == (False, None, ("rewrite-part-3-of-4",))
    assert last.fingerprint == "f:rewrite"
    assert len(last.criteria) == 5, "the owner's task is checked as a whole"


def test_a_task_that_was_parted_before_goes_on_where_it_was() -> None:
    whole = task("Huge", 9, criteria=7, depends_on=("huge-part-4-of-7", "huger-part-6-of-7", "else"))
    found = plan(whole).proposals[0]
    assert steps(found) == [("huge-part-5-of-7", 180), ("huge-part-6-of-7", 180), ("huge", 180)]
    assert [s.criteria for s in found.steps[:2]] == [("check 5: `true`",), ("check 6: `true`",)]
    assert found.steps[0].depends_on == whole.depends_on
    fewer = task("Cut", 9, criteria=3, depends_on=("cut-part-4-of-7",))
    assert [s.label for s in plan(fewer).proposals[0].steps] == ["cut-part-5-of-7", "cut"]
    last = task("Last", 9, criteria=7, depends_on=("last-part-6-of-7",))
    assert steps(plan(last).proposals[0]) == [("last", 540)]


def test_labels_of_parts_that_can_not_be() -> None:
    for label in ("odd-part-5-of-0", "odd-part-9-of-3", "odd-part-0-of-3"):
        assert [s.label for s in plan(task("Odd", 9, depends_on=(label,))).proposals[0].steps] == ["odd"]
    small = [task("Tiny", 0.25, criteria=9, category="x", depends_on=("tiny-part-1-of-9",)), task("Other", 1, category="x")]
    tiny = next(p for p in plan(*small).proposals if p.kind == "category")
    assert [m for label, m in steps(tiny) if label.startswith("tiny")] == [5] * 8


def test_what_can_not_be_parted() -> None:
    assert steps(plan(task("With steps", 9, criteria=5, steps="true")).proposals[0]) == [("with-steps", 540)]
    assert steps(plan(task("One criterion", 9)).proposals[0]) == [("one-criterion", 540)]


def test_only_the_parts_that_fit() -> None:
    found = plan(task("Huge", 20, criteria=10)).proposals[0]
    assert found.minutes <= 720 and found.minutes + 180 > 720
    assert all(step.new for step in found.steps)
    assert (
        found.left_out[0].why == f"{len(found.steps)} of 7 parts fit; 11 h of it stay for later"
        or "stay for later" in found.left_out[0].why
    )


def test_what_does_not_fit_at_all() -> None:
    found = plan(task("Long", 5, category="Docs"), task("Longer", 11, category="docs"), free=short_weekend(8)).proposals
    together = next(p for p in found if p.kind in {"category", "task"} and p.steps[0].label == "long")
    assert together.minutes == 300
    if together.kind == "category":
        assert together.left_out[0].why == "takes 11 h, 3 h are left"


def test_linked_tasks_in_their_order() -> None:
    found = plan(
        task("Third", 3, depends_on=("second",)),
        task("Second", 3, depends_on=("first", "elsewhere")),
        task("First", 3),
        task("Alone", 3),
    ).proposals[0]
    assert (found.kind, found.title) == ("linked", "Third, with 2 tasks linked to it")
    assert [(s.label, s.depends_on) for s in found.steps] == [
        ("first", ()),
        ("second", ("first", "elsewhere")),
        ("third", ("second",)),
    ]
    pair = plan(task("B", 4.5, depends_on=("a",)), task("A", 4)).proposals
    assert "B, with 1 task linked to it" in [p.title for p in pair]


def test_a_circle_is_no_project() -> None:
    assert plan(task("A", 3, depends_on=("b",)), task("B", 3, depends_on=("a",))).proposals == ()


def test_tasks_of_a_category_are_built_one_on_the_other() -> None:
    found = plan(
        task("One", 4, category="Bug  fixes", priority=Priority.LOW),
        task("Two", 3, category="bug fixes", priority=Priority.HIGH),
        task("Other", 3, category="bug fixes", repository="../there"),
    ).proposals[0]
    assert (found.kind, found.title) == ("category", "Bug  fixes: 2 tasks")
    assert [(s.label, s.depends_on) for s in found.steps] == [("two", ()), ("one", ("two",))]


def test_of_many_tasks_the_first_that_fit_are_taken_and_few_are_named() -> None:
    found = plan(*(task(f"T{n}", 3, category="Docs") for n in range(40))).proposals
    assert [p.title for p in found] == ["Docs: 4 of 40 tasks"]
    assert (len(found[0].left_out), found[0].evidence[-1]) == (12, "36 tasks are not in it; the first 12 are named")


def test_the_backlog_of_low_tasks() -> None:
    found = plan(task("Idea", None, priority=Priority.LOW, criteria=0), task("Dream", 3, priority=Priority.LOW)).proposals[0]
    assert (found.kind, found.title, found.minutes) == ("backlog", "Backlog: 2 low-priority tasks", 300)
    vague = found.steps[0]
    assert (vague.guessed, vague.ready, vague.missing) == (True, False, ("there is no completion criterion",))
    assert "1 of 2 milestones have no estimate and count 2 h each" in found.evidence
    assert "1 of 2 milestones need you before they can start" in found.evidence


def test_what_is_held_is_named() -> None:
    held = [
        task("Blocked", 2, category="x", blockers=("the key",)),
        task("Later", 2, category="x", not_before=datetime(2026, 3, 1, tzinfo=BERLIN)),
        task("By night", 2, category="x", window="Overnight"),
        task("After it", 2, category="x", depends_on=("blocked",)),
        task("Fine", 2, category="x", window="Weekend"),
        task("Deploy it", 2, category="x"),
    ]
    found = next(p for p in plan(*held).proposals if p.kind == "category")
    assert [s.label for s in found.steps] == ["fine", "deploy-it"]
    assert found.steps[1].risks == ("deploy",)
    assert {left.label: left.why for left in found.left_out} == {
        "blocked": "blocked by: the key",
        "later": "not before 2026-03-01 00:00",
        "by-night": "it is for the window Overnight",
        "after-it": "waits for blocked, which is not in it",
    }


def test_a_task_that_waits_for_another_project_is_left_out() -> None:
    found = plan(task("Base", 9), task("On top", 2, category="x", depends_on=("base",)), task("Beside", 2, category="x"))
    one = next(p for p in found.proposals if p.kind == "category")
    assert ([s.label for s in one.steps], one.left_out[0].why) == (["beside"], "waits for base, which is not in it")


def test_history_bounds_a_project_and_is_told() -> None:
    record = Record(
        weekends={"2026-01-03": 500, "2026-01-10": 540, "2026-01-17": 100},
        rates={"docs": Rate(ended=4, finished=3, estimated=600, took=420)},
    )
    found = plan(task("A", 5, category="Docs"), task("B", 4, category="Docs"), task("C", 2, category="Docs"), record=record)
    assert (found.limit, found.why) == (540, "the best of the last 3 weekends with finished builds had 9 h")
    one = found.proposals[0]
    assert one.minutes == 540
    assert "Docs: 3 of 4 builds were finished, in 70 % of their estimated time" in one.evidence
    assert "3 of the last 8 weekends had finished builds: 6 h 20 min on average, 9 h at most" in one.evidence
    assert one.left_out[0].why == "takes 2 h, 0 min are left"
    poor = Record(weekends={f"2026-01-{d:02}": 60 for d in (3, 10, 17)}, rates={})
    assert plan(record=poor).limit == 480, "never less than the window is for"
    rich = Record(weekends={f"2026-01-{d:02}": 900 for d in (3, 10, 17)}, rates={})
    assert plan(record=rich).limit == 720


def test_a_short_weekend_bounds_it_too() -> None:
    found = plan(free=short_weekend(5))
    assert (found.limit, found.why) == (300, "only 5 h are free")


def test_what_fills_the_weekend_and_asks_for_least_comes_first() -> None:
    found = plan(
        task("Vague", 9, criteria=0),
        task("Clear", 9),
        task("Tried", 9, category="Docs"),
        task("Failed", 9, category="Web"),
        task("Half", 5),
        record=Record(weekends={}, rates={"docs": Rate(ended=8, finished=8), "web": Rate(ended=8, finished=0)}),
    )
    assert [p.title for p in found.proposals] == ["Tried", "Clear", "Failed"]


def test_projects_of_the_same_tasks_are_proposed_once() -> None:
    tasks = [task(f"T{n}", 3, category="Docs", priority=Priority.LOW, depends_on=(f"t{n - 1}",) if n else ()) for n in range(3)]
    assert len(plan(*tasks).proposals) == 1


def test_an_id_changes_with_what_would_be_written() -> None:
    one, other = plan(task("A", 9)).proposals[0], plan(task("A", 10)).proposals[0]
    assert one.id != other.id and one.id == plan(task("A", 9)).proposals[0].id
    assert one.id.startswith("a-")


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 30),
            st.integers(0, 9),
            st.sampled_from(["Docs", "Web", None]),
            st.integers(0, 6),
            st.sampled_from(list(Priority)),
        ),
        max_size=9,
    ),
    st.integers(0, 12),
)
def test_whatever_is_proposed_fits_and_holds_together(rows: list[tuple[float, int, str | None, int, Priority]], hours: int) -> None:
    tasks = [
        task(f"T{n}", length, criteria=criteria, category=category, priority=priority, depends_on=(f"t{before}",) if before < n else ())
        for n, (length, criteria, category, before, priority) in enumerate(rows)
    ]
    free = short_weekend(hours)
    found = plan(*tasks, free=free)
    known = {t.label for t in tasks}
    assert len(found.proposals) <= 3 and found.limit <= free.minutes
    for proposal in found.proposals:
        assert 0 < proposal.minutes <= found.limit
        labels = [s.label for s in proposal.steps]
        assert len(set(labels)) == len(labels)
        for place, step in enumerate(proposal.steps):
            assert (step.label in known) is not step.new
            assert not set(step.depends_on) & set(labels[place:]), "what it waits for stands before it"
            if place and not step.depends_on:
                raise AssertionError("a milestone waits for the one before it")
