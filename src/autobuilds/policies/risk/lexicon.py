"""The phrases of the rule tables, indexed so that one pass over a task's words finds them all.

The notation of a phrase: words, in any case; `word*` is any word that begins so; `…` stands for up to five words;
`^` in front demands the place of an order (the beginning of a sentence or after words such as *and*, *then*, *please*);
`<name>` is a shape of `text.SHAPES`; letters of scripts without spaces are looked for anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from autobuilds.policies.risk.text import SHAPE_SIGNS, SHAPES, Sentence, is_unspaced, words_of

_GAP = "…"
_MAX_GAP = 5
_STEM = 3
_BEFORE_ORDER = frozenset(
    [
        "and",
        "then",
        "please",
        "also",
        "just",
        "first",
        "next",
        "now",
        "to",
        "kindly",
        "und",
        "dann",
        "bitte",
        "et",
        "puis",
        "y",
        "luego",
        "e",
        "poi",
        "en",
        "och",
        "ja",
        "i",
        "&",
        "+",
    ]
    + [str(n) for n in range(1, 10)]
)


class Phrase(NamedTuple):
    """One phrase of a row: `row` is the row's place, `words` its words (a gap is `…`), `order` whether it must stand as an order."""

    row: int
    words: tuple[str, ...]
    order: bool


class Hit(NamedTuple):
    """One find: the row, the words as found, where they end in the sentence (-1 for a shape), whether they stood as an order."""

    row: int
    found: str
    end: int = -1
    order: bool = False


@dataclass(slots=True)
class Lexicon:
    """Phrases of many rows; build it with `of`, then ask `hits`."""

    _exact: dict[str, list[Phrase]] = field(default_factory=dict)
    _stems: dict[str, list[Phrase]] = field(default_factory=dict)
    _shapes: list[tuple[int, re.Pattern[str], frozenset[str]]] = field(default_factory=list)
    _unspaced: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Mapping[int, Iterable[str]]) -> Lexicon:
        """Index the phrases of each row number; a shape that does not exist matches nothing."""
        lexicon = cls()
        for row, phrases in rows.items():
            for phrase in phrases:
                lexicon._add(row, phrase)
        return lexicon

    def _add(self, row: int, text: str) -> None:
        if text.isascii() and text.replace(" ", "").isalnum():
            self._index(Phrase(row, tuple(text.lower().split()), order=False))
        elif text.startswith("<") and text.endswith(">"):
            name = text[1:-1].strip()
            if name in SHAPES:
                self._shapes.append((row, SHAPES[name], SHAPE_SIGNS.get(name, frozenset())))
        elif is_unspaced(text):
            self._unspaced.append((row, text))
        else:
            self._index(Phrase(row, phrase_words(text.removeprefix("^")), order=text.startswith("^")))

    def _index(self, phrase: Phrase) -> None:
        first = phrase.words[0] if phrase.words else ""
        if first.endswith("*") and len(first) > _STEM:
            self._stems.setdefault(first[:_STEM], []).append(phrase)
        elif first:
            self._exact.setdefault(first, []).append(phrase)

    def hits(self, sentence: Sentence) -> list[Hit]:
        """Return every find in a sentence, in the order of its words; shapes and unspaced scripts come last."""
        found: list[Hit] = []
        words = sentence.words
        for at, word in enumerate(words):
            for phrase in self._exact.get(word, ()):
                _match(phrase, words, at, found)
            for phrase in self._stems.get(word[:_STEM], ()):
                if word.startswith(phrase.words[0][:-1]):
                    _match(phrase, words, at, found)
        for row, pattern, signs in self._shapes:
            if signs and signs.isdisjoint(sentence.text):
                continue
            shape = pattern.search(sentence.text)
            if shape is not None:
                found.append(Hit(row, shape[0].strip()))
        if self._unspaced and is_unspaced(sentence.text):
            found += [Hit(row, text) for row, text in self._unspaced if text in sentence.text]
        return found


def phrase_words(text: str) -> tuple[str, ...]:
    """Return a phrase's words in the form of `words_of`, with `*` at a word's end and `…` for a gap kept."""
    parts: list[str] = []
    for chunk in text.split():
        if chunk in {_GAP, "..."}:
            parts.append(_GAP)
            continue
        words = words_of(chunk)
        parts += words
        if chunk.endswith("*") and words:
            parts[-1] += "*"
    return tuple(parts)


def _match(phrase: Phrase, words: tuple[str, ...], at: int, found: list[Hit]) -> None:
    if phrase.order and at > 0 and words[at - 1] not in _BEFORE_ORDER:
        return
    end = at + 1 if len(phrase.words) == 1 else _end(phrase.words, words, at + 1)
    if end is not None:
        found.append(Hit(phrase.row, " ".join(words[at:end]), end, phrase.order))


def _end(wanted: tuple[str, ...], words: tuple[str, ...], place: int) -> int | None:
    index = 1
    while index < len(wanted):
        part = wanted[index]
        if part == _GAP:
            last = min(len(words), place + _MAX_GAP + 1)
            following = wanted[index + 1] if index + 1 < len(wanted) else ""
            place = next((p for p in range(place, last) if _same(following, words[p])), -1)
            if place < 0:
                return None
            index += 1
        elif place >= len(words) or not _same(part, words[place]):
            return None
        index += 1
        place += 1
    return place


def _same(part: str, word: str) -> bool:
    return word.startswith(part[:-1]) if part.endswith("*") else part == word
