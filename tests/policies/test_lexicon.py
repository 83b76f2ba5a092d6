"""Phrases are taken apart only when a text has their first word, and found as if each had been looked for everywhere."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from autobuilds.domain.policy import PhraseRule
from autobuilds.policies.risk import lexicon as module
from autobuilds.policies.risk.lexicon import Hit, Lexicon, phrase_words
from autobuilds.policies.risk.text import Sentence, is_unspaced, sentences_of
from autobuilds.runtime.assessing import policy_of

LABELS = Path(__file__).resolve().parents[1] / "data" / "labels"


@cache
def _rules() -> tuple[PhraseRule, ...]:
    return tuple(rule for rule in policy_of(None).rules if rule.table in {"risk-acts", "risk-things", "risk-harmless", "risk-artefacts"})


def _rows() -> dict[int, tuple[str, ...]]:
    return {row: rule.phrases for row, rule in enumerate(_rules())}


@cache
def _taken_apart() -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    plain = ((row, phrase) for row, phrases in _rows().items() for phrase in phrases if not phrase.startswith("<"))
    return tuple((row, phrase, phrase_words(phrase.removeprefix("^"))) for row, phrase in plain if not is_unspaced(phrase))


def _everywhere(sentence: Sentence) -> set[Hit]:
    """Return what is found when every phrase is looked for at every word."""
    found = set()
    for row, phrase, wanted in _taken_apart():
        for at, word in enumerate(sentence.words):
            # A stem of one or two letters says nothing, so it is none.
            if not wanted or wanted[0].endswith("*") > (len(wanted[0]) > 3) or not module._same(wanted[0], word):
                continue
            order = phrase.startswith("^")
            if order and at and sentence.words[at - 1] not in module._BEFORE_ORDER:
                continue
            end = module._end(wanted, sentence.words, at + 1)
            if end is not None:
                found.add(Hit(row, " ".join(sentence.words[at:end]), end, order))
    return found


def _sentences() -> list[Sentence]:
    records = [json.loads(line) for path in sorted(LABELS.glob("risk-*.jsonl")) for line in path.read_text().split("\n") if line.strip()]
    return [s for record in records[::150] for s in sentences_of(record["name"], record.get("description") or "", (), None)]


def test_what_is_found_is_what_is_there() -> None:
    lexicon = Lexicon.of(_rows())
    sentences = _sentences()
    assert len(sentences) > 20
    for sentence in sentences:
        first = lexicon.hits(sentence)
        assert {hit for hit in first if hit.end >= 0} == _everywhere(sentence)
        assert lexicon.hits(sentence) == first == Lexicon.of(_rows()).hits(sentence)


def test_a_task_takes_few_phrases_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    apart = module._phrase
    monkeypatch.setattr(module, "_phrase", lambda row, text: taken.append(text) or apart(row, text))
    lexicon = Lexicon.of(_rows())
    assert not taken
    text = "Show the seconds of the clock with two digits and delete the old header"
    lexicon.hits(Sentence.of("text", text))
    assert 0 < len(taken) < sum(map(len, _rows().values())) / 10
    before = len(taken)
    lexicon.hits(Sentence.of("text", text))
    assert len(taken) == before


def test_what_is_remembered_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = _sentences()
    whole = [Lexicon.of(_rows()).hits(sentence) for sentence in sentences]
    monkeypatch.setattr(module, "_REMEMBERED", 5)
    lexicon = Lexicon.of(_rows())
    assert [lexicon.hits(sentence) for sentence in sentences] == whole
    assert len(lexicon._following) == 5


def test_what_holds_no_word_is_never_found() -> None:
    nothing = Lexicon.of({0: ("", "^", "--", "<no such shape>")})
    for text in ("", "a -- b", "^", "<no such shape>", "delete it all"):
        assert nothing.hits(Sentence.of("text", text)) == []
    assert [hit.row for hit in Lexicon.of({0: ("",), 1: ("delete",)}).hits(Sentence.of("text", "delete it"))] == [1]
