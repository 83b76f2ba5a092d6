"""Plainly written details: the shape of what stands under a task, seen by one pattern; what it says is read when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from autobuilds.domain.model import Task, later_of
from autobuilds.domain.patterns import pattern
from autobuilds.store.queue.plain_values import ONE_LINE, PlainValues, is_code

_BOXES = rf"(?:  - \[[ xX]\] {ONE_LINE}\n)++"
_FENCED = r"(?:  (?! *(?:`{3}|\n))[^\n]*+\n|\n)*+"
#: The fields in the order in which `add` writes them, and what each is to a task.
_NAMES = {
    "Description": "description",
    "Completion Criteria": "criteria",
    "Tech Stack": "tech_stack",
    "Estimated Time": "estimate",
    "Category": "category",
    "Blockers": "blockers",
    "Depends On": "depends_on",
    "Touches": "touches",
    "Not Before": "not_before",
    "Window": "window",
    "Approved": "approved",
    "Repository": "repository",
    "Base": "base",
    "Agent": "agent",
    "Role": "role",
    "Timeout": "timeout_minutes",
    "Steps": "steps",
    "Deliverables": "deliverables",
    "Source": "source",
    "Notes": "notes",
}
_LISTED = {
    "Completion Criteria": f"\n(%s{_BOXES})",
    "Steps": rf"(?:(?P<fence>\n  ```[a-z]*+\n)| )(%s(?(fence){_FENCED}|{ONE_LINE}))(?(fence)  ```)",
}
_LINED = f" (%s{ONE_LINE})"


def _field(key: str) -> str:
    name = _NAMES[key]
    value = _LISTED.get(key, _LINED) % f"?P<{name}>"
    return rf"(?:- \*\*{key}:\*\*{value}" + (")?" if key == "Completion Criteria" else r"\n)?")


#: Details in the usual order, with empty lines and a rule around them.
_USUAL = pattern(rf"\n*+(?P<all>{''.join(map(_field, _NAMES))})(?:\n++---\n)?\n*+")
_LINE_KEYS = "|".join(key for key in _NAMES if key != "Completion Criteria")
_ONE = (
    rf"- (?:\*\*(?:{_LINE_KEYS}):\*\*|(?:{_LINE_KEYS}):) {ONE_LINE}\n"
    rf"|- \*\*Completion Criteria:\*\*\n{_BOXES}|- \*\*Steps:\*\*\n  ```[a-z]*+\n{_FENCED}  ```\n"
)
_ANY = pattern(rf"\n*+(?P<all>(?:{_ONE})*+)(?:\n++---\n)?\n*+")
_EACH = pattern(rf"- (?:\*\*)?([A-Z][A-Za-z ]*):(?:\*\*)?(?: ([^\n]*)\n|\n(?:  ```[a-z]*+\n({_FENCED})  ```\n|({_BOXES})))")
#: Fields of which the text can be wrong, so that it is looked at before anybody asks.
_CHECKED = ("estimate", "not_before", "approved", "timeout_minutes")
_NOT_GIVEN = (None, None, None)

#: What the fields of one task are given as: their texts by the name that they have in a task, None where one is not given.
Given = re.Match[str] | dict[str, str | None]


def given_in(text: str, start: int, end: int) -> tuple[Given, int, int] | None:
    """Return the fields that stand plainly in a text, how many items they are and how many lines they take, or None."""
    found: Given
    match = found = _USUAL.fullmatch(text, start, end)  # type: ignore[assignment]
    if match is None:
        match = _ANY.fullmatch(text, start, end)
        if match is None:
            return None
        found = dict.fromkeys(_NAMES.values())
        for key, line, code, boxes in _EACH.findall(match["all"]):
            name = _NAMES[key]
            if found[name] is not None:
                return None
            found[name] = boxes or line or code
        if found["approved"] is not None:
            return None
    lines = text.count("\n", *match.span("all"))
    steps = found["steps"]
    return found, lines - steps.count("\n") - 2 if steps is not None and is_code(steps) else lines, lines


def is_sound(given: Given, values: PlainValues) -> bool:
    """Whether the thorough way has nothing to say against these fields."""
    texts = given.group(*_CHECKED) if isinstance(given, re.Match) else tuple([given[name] for name in _CHECKED])
    if texts[1:] == _NOT_GIVEN:
        return texts[0] is None or values.sound("estimate", texts[0])
    return all(text is None or values.sound(name, text) for name, text in zip(_CHECKED, texts, strict=True))


def later(name: str, given: Given | None, added: str | None, completed: str | None, values: PlainValues) -> Mapping[str, Any]:
    """Return a field of a task, and what else is found on the way: from its line, else from its details; nothing where not given."""
    if name == "added" or name == "completed":
        text = added if name == "added" else completed
    elif given is None:
        return {}
    else:
        key = "estimate" if name == "estimate_text" else name
        text = given[key] if key in _WRITTEN else None
    return {} if text is None else values.of(name, text)


def written_alike(one: Task, other: Task) -> bool:
    """Whether two tasks surely say the same, since both were seen in the plain shape with the same texts; none of these is read for that."""
    mine, its = later_of(one), later_of(other)
    if mine is None or its is None or mine[0] is not later or its[0] is not later:
        return False
    (_, given, *dates, values), (_, others_given, *others_dates, others_values) = mine, its
    if dates != others_dates or values.zone != others_values.zone or _texts(given) != _texts(others_given) or _line(one) != _line(other):
        return False
    # Which labels are meant rests on the other tasks as well.
    return given is None or given["depends_on"] is None or one.depends_on == other.depends_on


def _texts(given: Given | None) -> object:
    return given.groups() if isinstance(given, re.Match) else given


_line = attrgetter("label", "name", "section", "checked", "priority")
_WRITTEN = frozenset(_NAMES.values())
