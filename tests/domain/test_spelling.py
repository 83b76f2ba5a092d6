"""Suggestions for words, and how a person's words are quoted back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.spelling import did_you_mean, nearest, quoted

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
