"""The phrases of the requirements rules, found in one pass over a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.policies.requirements import words as module
from autobuilds.policies.requirements.words import Lexicon


def _lexicon(*phrases: str) -> Lexicon:
    return Lexicon(module.filed([("vague", phrases)]))


def _found(lexicon: Lexicon, text: str) -> list[str]:
    return [hit.text for hit in lexicon.find(text)]


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("up to date", "keep UP-TO date", ["UP-TO date"]),
        ("improv*", "Improve it, improvements, improbable", ["Improve", "improvements"]),
        ("go*", "go gone goes ago a g", ["go", "gone", "goes"]),
        ("etc", "a etc. b", ["etc"]),
        ("don't", "Don\u2019t do it", ["Don\u2019t"]),
        ("--", "a -- b", []),
        ("", "a b", []),
        ("いい感じ", "いい感じにする", ["いい感じ"]),
        ("and so", "and", []),
    ],
)
def test_the_notation_of_phrases(phrase: str, text: str, found: list[str]) -> None:
    assert _found(_lexicon(phrase), text) == found


@given(st.lists(st.sampled_from(["fast", "fas*", "fast lane", "as", "a", "a*", "asap"]), max_size=5), st.text("afst ", max_size=40))
def test_a_lexicon_that_has_seen_a_text_finds_the_same_again(phrases: list[str], text: str) -> None:
    lexicon = _lexicon(*phrases)
    first = lexicon.find(text)
    assert lexicon.find(text) == first == _lexicon(*phrases).find(text)


def test_finds_of_one_kind_do_not_overlap_and_the_longest_counts() -> None:
    assert _found(_lexicon("nice", "nice to have", "have"), "nice to have a nice day") == ["nice to have", "nice"]


def test_more_words_than_are_remembered_change_nothing_but_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    lexicon = _lexicon("fast", "improv*")
    text = " ".join(f"w{n} fast improved" for n in range(20))
    assert _found(lexicon, text) == ["fast", "improved"] * 20
    assert len(lexicon._known) == 3
