"""How long a build will take: learned from ten finished builds of its kind, else estimated, else guessed, and said so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from autobuilds.domain.build import Build, BuildState, Outcome
from autobuilds.domain.lengths import ENOUGH, NEWEST, UNKNOWN_LENGTH, Basis, Lengths, kind_of, learn, median, running_time, taught
from autobuilds.domain.model import Estimate, Task
from tests.builders import NOW, a_build, a_task, an_attempt

MINUTE = timedelta(minutes=1)


def passed(
    number: int, minutes: int, *, category: str | None = "Bug fixes", agent: str = "claude", state: BuildState = BuildState.COMPLETED
) -> Build:
    begun = NOW - timedelta(days=30) + number * timedelta(hours=3)
    attempt = an_attempt(agent=agent, started=begun, ended=begun + minutes * MINUTE, outcome=Outcome.PASSED)
    return a_build(a_task(f"Old {number}"), state, category=category, attempts=(attempt,), updated=begun + minutes * MINUTE)


def estimated(number: int, minutes: int) -> Task:
    return a_task(f"Old {number}", estimate=Estimate(min_minutes=1, max_minutes=minutes))


def test_without_history_the_estimate_counts_its_upper_end() -> None:
    found = Lengths().of(a_task(estimate=Estimate(min_minutes=10, max_minutes=90)), "claude")
    assert (found.span, found.basis, found.words) == (90 * MINUTE, Basis.ESTIMATE, "its estimate")


def test_without_either_it_is_a_guess_and_says_so() -> None:
    for task in (a_task(), None):
        found = Lengths().of(task, "claude")
        assert (found.span, found.basis, found.words) == (UNKNOWN_LENGTH, Basis.GUESS, "it has no estimate: taken as 1 h")


def test_nine_builds_teach_nothing_ten_do() -> None:
    nine = [passed(n, 30) for n in range(ENOUGH - 1)]
    assert learn(nine, ()).kinds == {}
    ten = learn([*nine, passed(9, 50)], ())
    found = ten.of(a_task(), "claude")
    assert (found.span, found.basis, found.words) == (30 * MINUTE, Basis.LEARNED, "the median of 10 builds of bug fixes with claude")


def test_a_kind_is_a_category_however_written_and_an_agent() -> None:
    known = learn([passed(n, 30, category="bug  FIXES") for n in range(ENOUGH)], ())
    assert known.of(a_task(category="Bug fixes"), "claude").basis is Basis.LEARNED
    assert known.of(a_task(category="Bug fixes"), "codex").basis is Basis.GUESS
    assert known.of(a_task(category="Documentation"), "claude").basis is Basis.GUESS
    assert str(kind_of(None, "codex")) == "no category with codex"


def test_an_estimate_is_corrected_by_what_such_estimates_were_worth() -> None:
    builds = [passed(n, 30 + n) for n in range(ENOUGH)]
    known = learn(builds, [estimated(n, 60) for n in range(ENOUGH)])
    found = known.of(a_task(estimate=Estimate(min_minutes=60, max_minutes=240)), "claude")
    assert (found.span, found.basis) == (138 * MINUTE, Basis.LEARNED)
    assert found.words == "0.57 of its estimate, as 10 builds of bug fixes with claude"


def test_an_estimate_stands_where_too_few_of_the_builds_had_one() -> None:
    known = learn([passed(n, 30) for n in range(ENOUGH)], [estimated(n, 60) for n in range(ENOUGH - 1)])
    found = known.of(a_task(estimate=Estimate(min_minutes=5, max_minutes=5)), "claude")
    assert (found.span, found.basis) == (5 * MINUTE, Basis.ESTIMATE)
    kind = known.kinds[kind_of("Bug fixes", "claude")]
    assert (kind.share, kind.estimated, kind.builds) == (None, 0, ENOUGH)


def test_the_newest_count() -> None:
    old = [passed(n, 600) for n in range(NEWEST)]
    new = [passed(NEWEST + n, 10) for n in range(NEWEST)]
    found = learn([*new, *old], ()).of(a_task(), "claude")
    assert (found.span, found.words.split(" builds")[0]) == (10 * MINUTE, f"the median of {NEWEST}")


def test_no_length_is_below_a_minute() -> None:
    known = learn([passed(n, 0) for n in range(ENOUGH)], [estimated(n, 60) for n in range(ENOUGH)])
    assert known.of(a_task(), "claude").span == MINUTE
    assert known.of(a_task(estimate=Estimate(min_minutes=60, max_minutes=60)), "claude").span == MINUTE


@pytest.mark.parametrize(
    ("state", "outcome", "teaches"),
    [
        (BuildState.COMPLETED, Outcome.PASSED, True),
        (BuildState.REVIEW, Outcome.PASSED, True),
        (BuildState.COMPLETED, Outcome.CHECKS_FAILED, False),
        (BuildState.ESCALATED, Outcome.PASSED, False),
        (BuildState.BUILDING, None, False),
    ],
)
def test_only_what_passed_teaches(state: BuildState, outcome: Outcome | None, teaches: bool) -> None:
    assert taught(a_build(a_task(), state, attempts=(an_attempt(outcome=outcome),))) is teaches


def test_a_build_without_an_attempt_teaches_nothing() -> None:
    assert not taught(a_build(a_task(), BuildState.COMPLETED, attempts=()))


def test_all_attempts_that_ran_count() -> None:
    failed = an_attempt(1, started=NOW, ended=NOW + 20 * MINUTE, outcome=Outcome.CHECKS_FAILED)
    never = an_attempt(2, started=NOW, ended=NOW + 500 * MINUTE, outcome=Outcome.NOT_STARTED)
    set_back = an_attempt(3, started=NOW, ended=NOW - 5 * MINUTE, outcome=Outcome.LOST)
    last = an_attempt(4, started=NOW, ended=NOW + 15 * MINUTE, outcome=Outcome.PASSED)
    build = a_build(a_task(), BuildState.REVIEW, attempts=(failed, never, set_back, last))
    assert running_time(build) == 35 * MINUTE
    assert running_time(replace(build, attempts=(replace(last, ended=None),))) == timedelta()


def test_the_middle_of_an_even_number_lies_between_two() -> None:
    assert median([4 * MINUTE, MINUTE, 2 * MINUTE, 9 * MINUTE]) == 3 * MINUTE
    assert median([4 * MINUTE, MINUTE, 2 * MINUTE]) == 2 * MINUTE
