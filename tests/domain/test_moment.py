"""The world at one instant, and values as plain JSON data."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.build import Outcome
from autobuilds.domain.model import Estimate, Priority, Queue
from autobuilds.domain.moment import RunState, RunStatus, as_json
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.times import Window
from tests.builders import NOW, a_build, a_snapshot, a_task, an_ending


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ("a", "a"),
        (Priority.HIGH, "high"),
        (datetime(2026, 2, 6, 12, 0, 1, 999, tzinfo=UTC), "2026-02-06T12:00:01+00:00"),
        (time(7, 5), "07:05"),
        (timedelta(minutes=90), 5400),
        (("a", (Priority.LOW,)), ["a", ["low"]]),
        ([time(1)], ["01:00"]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({3, 1, 2}, [1, 2, 3]),
        ({Priority.HIGH: time(1), 2: ()}, {"high": "01:00", "2": []}),
        (Estimate(min_minutes=1, max_minutes=2), {"min_minutes": 1, "max_minutes": 2}),
        (Window(start=time(23), end=time(7)), {"start": "23:00", "end": "07:00"}),
    ],
)
def test_a_value_as_plain_data(value: object, plain: object) -> None:
    assert as_json(value) == plain


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.times() | st.timedeltas() | st.sampled_from(Outcome),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_TREES)
def test_whatever_is_in_it_comes_out_as_json(value: Any) -> None:
    plain = as_json(value)
    assert json.loads(json.dumps(plain)) == plain


def test_the_values_of_the_domain_come_out_whole() -> None:
    for value in (a_task(), a_build(a_task()), an_ending(Outcome.PASSED), a_snapshot(a_task())):
        plain = as_json(value)
        assert json.loads(json.dumps(plain)) == plain
    assert as_json(a_build(a_task()))["attempts"][0]["started"] == (NOW - timedelta(hours=1)).isoformat(timespec="seconds")


_WRONG = Problem(file="HEARTBEAT.md", line=3, column=1, kind="bad-value", severity=Severity.ERROR, message="bad")


@pytest.mark.parametrize(
    ("problems", "fatal", "may"),
    [((), False, True), ((replace(_WRONG, severity=Severity.WARNING),), False, True), ((_WRONG,), False, False), ((), True, False)],
)
def test_nothing_new_starts_on_files_that_can_not_be_trusted(problems: tuple[Problem, ...], fatal: bool, may: bool) -> None:
    assert a_snapshot(queue=Queue(tasks=(), problems=(_WRONG,) if fatal else (), fatal=fatal), problems=problems).may_start is may


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RunState.QUEUED, None),
        (RunState.RUNNING, None),
        (RunState.UNKNOWN, None),
        (RunState.ENDED, "it has ended; the next heartbeat takes it up"),
        (RunState.LOST, "its supervisor is gone; the next heartbeat takes it up"),
        (RunState.NOT_STARTED, "it never began; the next heartbeat takes it up"),
    ],
)
def test_an_attempt_that_runs_no_more_says_so(state: RunState, said: str | None) -> None:
    assert RunStatus(state=state).over == said
