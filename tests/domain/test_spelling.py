"""Suggestions for words, and how a person's words are quoted back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.spelling import did_you_mean, near, nearest, quoted, slips

_KNOWN = ("High", "Medium", "Low", "Depends On")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("hihg", "High"), ("MEDIUM", "Medium"), ("depends  on", "Depends On"), ("depend on", "Depends On"), ("xyzzy", None), ("", None)],
)
def test_the_nearest_word(word: str, meant: str | None) -> None:
    assert nearest(word, _KNOWN) == meant
    assert did_you_mean(word, _KNOWN) == ("" if meant is None else f' (did you mean "{meant}"?)')


def test_nothing_is_near_where_nothing_is_known() -> None:
    assert nearest("high", ()) is None


@pytest.mark.parametrize(
    ("one", "other", "number"),
    [
        ("status", "status", 0),
        ("stauts", "status", 1),
        ("stauts", "stats", 1),
        ("retyr", "retry", 1),
        ("ca", "abc", None),
        ("", "ab", 2),
        ("kitten", "sitting", None),
        ("kitten", "sittin", 2),
        ("word", "other", None),
    ],
)
def test_slips_are_letters_missing_too_many_others_or_swapped(one: str, other: str, number: int | None) -> None:
    assert slips(one, other, 2) == slips(other, one, 2) == number


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("stauts", ("status", "stats")),
        ("STAUTS", ("status", "stats")),
        ("statt", ("stats", "start")),
        ("stat", ("stats", "start")),
        ("sched", ("schedule",)),
        ("xyzzy", ()),
    ],
)
def test_words_that_are_equally_near_are_all_named_the_likeliest_first(word: str, meant: tuple[str, ...]) -> None:
    assert near(word, ("stats", "start", "schedule", "status")) == meant


def test_a_word_nearer_than_those_before_it_is_named_alone() -> None:
    assert near("overview", ("overveiws", "overviews")) == ("overviews",)


def test_a_choice_is_put_in_words_and_names_three_at_most() -> None:
    assert did_you_mean("stauts", ("stats", "status")) == ' (did you mean "status" or "stats"?)'
    assert did_you_mean("task-9", [f"task-{n}" for n in range(1, 6)]) == ' (did you mean "task-1", "task-2" or "task-3"?)'


def test_a_long_word_is_looked_at_by_its_beginning() -> None:
    assert nearest("a" * 100 + "b" * 10_000, ("a" * 100,)) == "a" * 100


@given(st.text(), st.integers(min_value=2, max_value=80))
def test_a_quotation_is_one_line_in_quotes_of_at_most_its_limit(text: str, limit: int) -> None:
    said = quoted(text, limit)
    inner = said[1:-1]
    assert said[0] == said[-1] == '"'
    assert len(inner) <= limit
    assert inner.isprintable()
    whole = " ".join(text.split())
    assert inner.endswith("…") or len(inner) == len(whole)


def test_what_a_terminal_would_obey_is_a_question_mark() -> None:
    assert quoted("a\x1b[2Jb\n\n c") == '"a?[2Jb c"'
    assert quoted("x" * 61) == '"' + "x" * 59 + '…"'
    assert quoted("x" * 60) == '"' + "x" * 60 + '"'
