"""Patterns that are compiled late are the patterns that `re` makes."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.patterns import pattern

_TEXTS = [r"(a+)(?P<b>b)?", r"\d{1,3}", r"^x|y$", r"[^\s]+"]


@given(st.sampled_from(_TEXTS), st.sampled_from([0, re.IGNORECASE, re.MULTILINE | re.DOTALL]), st.text("abAxy1 \n", max_size=20))
def test_a_late_pattern_answers_as_one_that_was_compiled(text: str, flags: int, subject: str) -> None:
    late, plain = pattern(text, flags), re.compile(text, flags)
    assert [m.group() for m in late.finditer(subject)] == [m.group() for m in plain.finditer(subject)]
    assert late.sub("-", subject) == plain.sub("-", subject)
    assert late.split(subject) == plain.split(subject)
    assert bool(late.search(subject)) is bool(plain.search(subject))
    assert (late.pattern, late.flags, late.groups, dict(late.groupindex)) == (plain.pattern, plain.flags, plain.groups, plain.groupindex)


def test_a_pattern_of_bytes() -> None:
    assert pattern(rb"a+").findall(b"aabaa") == [b"aa", b"aa"]


def test_a_wrong_pattern_is_told_when_it_is_first_used() -> None:
    wrong = pattern("(")
    assert wrong.pattern == "("
    with pytest.raises(re.error, match="unterminated"):
        wrong.search("x")


def test_what_a_pattern_has_not_is_missing_before_and_after_its_first_use() -> None:
    late = pattern("a")
    assert not hasattr(late, "__no_such_protocol__")
    for _ in range(2):
        with pytest.raises(AttributeError):
            late.no_such_method  # type: ignore[attr-defined]  # noqa: B018
        assert not hasattr(late, "__no_such_protocol__")
        assert copy.copy(late).search("ba") is not None
        assert late.match("a") is not None
