"""The phrases of the rule tables, indexed so that one pass over a task's words finds them all.

The notation of a phrase: words, in any case; `word*` is any word that begins so; `…` stands for up to five words;
`^` in front demands the place of an order (the beginning of a sentence or after words such as *and*, *then*, *please*);
`<name>` is a shape of `text.SHAPES`; letters of scripts without spaces are looked for anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from autobuilds.domain.patterns import pattern
from autobuilds.policies.risk.text import SHAPE_SIGNS, SHAPES, Sentence, is_unspaced, words_of
from autobuilds.records import dataclass, field

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


#: A phrase that begins with one plain word, which is all that has to be known of it until a text has that word.
_BEGINS = pattern(r"\^?([A-Za-z0-9]+)(\*?)(?= |\Z)")


class Phrase(NamedTuple):
    """One phrase of a row: `row` is the row's place, `words` its words (a gap is `…`), `order` whether it must stand as an order."""

    row: int
    words: tuple[str, ...]
    order: bool
    #: Whether its words must stand in a text just so: no gap among them and no open end.
    literal: bool


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
    #: Rows and phrases as written, by their first word or stem, until a text has it: few of thousands are ever taken apart.
    _waiting: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _waiting_stems: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
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
        begins = _BEGINS.match(text)
        if begins is not None:
            self._wait(begins[1].lower() + begins[2], row, text)
        elif text.startswith("<") and text.endswith(">"):
            name = text[1:-1].strip()
            if name in SHAPES:
                self._shapes.append((row, SHAPES[name], SHAPE_SIGNS.get(name, frozenset())))
        elif is_unspaced(text):
            self._unspaced.append((row, text))
        else:
            words = phrase_words(text.removeprefix("^"))
            self._wait(words[0] if words else "", row, text)

    def _wait(self, first: str, row: int, text: str) -> None:
        """File a phrase as written under its first word, or the beginning of that."""
        if first.endswith("*") and len(first) > _STEM:
            self._waiting_stems.setdefault(first[:_STEM], []).append((row, text))
        elif first:
            self._waiting.setdefault(first, []).append((row, text))

    def _index(self, phrase: Phrase) -> None:
        first = phrase.words[0]
        if first.endswith("*") and len(first) > _STEM:
            self._stems.setdefault(first[:_STEM], []).append(phrase)
        else:
            self._exact.setdefault(first, []).append(phrase)

    def _take(self, written: Iterable[tuple[int, str]]) -> None:
        """Take phrases apart, in the order of their rows."""
        for row, text in written:
            self._index(_phrase(row, text))

    def hits(self, sentence: Sentence) -> list[Hit]:
        """Return every find in a sentence, in the order of its words; shapes and unspaced scripts come last."""
        found: list[Hit] = []
        words = sentence.words
        exact, stems, waiting, waiting_stems = self._exact, self._stems, self._waiting, self._waiting_stems
        for at, word in enumerate(words):
            if word in waiting:
                self._take(waiting.pop(word))
            for phrase in exact.get(word, ()):
                _match(phrase, words, at, found)
            stem = word[:_STEM]
            if stem in waiting_stems:
                self._take(waiting_stems.pop(stem))
            for phrase in stems.get(stem, ()):
                if word.startswith(phrase.words[0][:-1]):
                    _match(phrase, words, at, found)
        for row, looks, signs in self._shapes:
            if signs and signs.isdisjoint(sentence.text):
                continue
            shape = looks.search(sentence.text)
            if shape is not None:
                found.append(Hit(row, shape[0].strip()))
        if self._unspaced and is_unspaced(sentence.text):
            found += [Hit(row, text) for row, text in self._unspaced if text in sentence.text]
        return found


def _phrase(row: int, text: str) -> Phrase:
    """Return a phrase as written, taken apart."""
    words = phrase_words(text.removeprefix("^"))
    literal = not any(word == _GAP or word.endswith("*") for word in words)
    return Phrase(row, words, order=text.startswith("^"), literal=literal)


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
    wanted = phrase.words
    end: int | None = at + len(wanted)
    if len(wanted) > 1:
        if not phrase.literal:
            end = _end(wanted, words, at + 1)
        elif words[at:end] != wanted:
            return
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
