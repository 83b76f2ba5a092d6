"""Tasks whose fields are worked out when they are first asked for."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.model import Priority, Section, Task, know, later_of, waiting_task

_FOUND = {"description": "what it is", "touches": ("src/**",), "timeout_minutes": 5}
_WHOLE = Task(label="a", name="A", section=Section.ACTIVE, checked=False, priority=Priority.LOW, line=3, end_line=5, **_FOUND)  # type: ignore[arg-type]


def _work(name: str, found: Mapping[str, object], asked: list[str]) -> Mapping[str, object]:
    asked.append(name)
    return {name: found[name]} if name in found else {}


def _waiting(asked: list[str] | None = None) -> Task:
    return waiting_task("a", "A", Section.ACTIVE, False, Priority.LOW, (3, 5), (_work, _FOUND, [] if asked is None else asked))


@given(st.permutations([field.name for field in fields(Task)]))
def test_nobody_can_tell_fields_that_wait_from_those_that_are_there(order: list[str]) -> None:
    task = _waiting()
    assert [getattr(task, name) for name in order] == [getattr(_WHOLE, name) for name in order]


def test_a_field_is_worked_out_once_and_not_before_it_is_asked_for() -> None:
    asked: list[str] = []
    task = _waiting(asked)
    assert (task.label, task.line, task.end_line, task.problems) == ("a", 3, 5, ())
    assert asked == []
    assert (task.notes, task.notes, task.description, task.description) == (None, None, "what it is", "what it is")
    assert asked == ["notes", "description"]


def test_a_task_that_waits_is_a_value_like_another() -> None:
    assert _waiting() == _WHOLE
    assert hash(_waiting()) == hash(_WHOLE)
    assert repr(_waiting()) == repr(_WHOLE)
    assert replace(_waiting(), notes="x") == replace(_WHOLE, notes="x")
    assert asdict(_waiting()) == asdict(_WHOLE)
    assert copy.copy(_waiting()) == pickle.loads(pickle.dumps(_waiting())) == _WHOLE
    with pytest.raises(FrozenInstanceError):
        _waiting().notes = "x"  # type: ignore[misc]


def test_what_is_known_by_now_is_not_worked_out() -> None:
    asked: list[str] = []
    task = _waiting(asked)
    know(task, {"category": "Bug fixes", "description": "known"})
    assert (task.category, task.description, asked) == ("Bug fixes", "known", [])


@pytest.mark.parametrize("task", [_waiting(), _WHOLE], ids=["waiting", "whole"])
def test_what_a_task_does_not_have_is_missing(task: Task) -> None:
    with pytest.raises(AttributeError, match="no_such_field"):
        task.no_such_field  # type: ignore[attr-defined]  # noqa: B018


def test_what_finds_the_fields_is_known_of_a_waiting_task_alone() -> None:
    later = (_work, _FOUND, [])
    assert later_of(waiting_task("a", "A", Section.ACTIVE, False, Priority.LOW, (3, 5), later)) is later
    assert later_of(Task(label="a", name="A", section=Section.ACTIVE, checked=False)) is None
