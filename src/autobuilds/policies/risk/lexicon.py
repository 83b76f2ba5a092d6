"""The phrases of the rule tables, indexed so that one pass over a task's words finds them all.

The notation of a phrase: words, in any case; `word*` is any word that begins so; `…` stands for up to five words;
`^` in front demands the place of an order (the beginning of a sentence or after words such as *and*, *then*, *please*);
`<name>` is a shape of `text.SHAPES`; letters of scripts without spaces are looked for anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from autobuilds.domain.patterns import pattern
from autobuilds.policies.risk.text import SHAPE_SIGNS, SHAPES, Sentence, is_unspaced, words_of

_GAP = "…"
_MAX_GAP = 5
_STEM = 3
#: Pairs of words whose phrases a lexicon remembers; more than a queue's vocabulary, less than a hostile text's.
_REMEMBERED = 16384
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


#: Rows and phrases as written, by what they begin with.
Written = dict[str, list[tuple[int, str]]]
#: The phrases of a lexicon as plain data: by their first word, by the beginning of it, the shapes, and those of unspaced scripts.
Filed = tuple[Written, Written, list[tuple[int, str]], list[tuple[int, str]]]


def filed(rows: Mapping[int, Iterable[str]]) -> Filed:
    """Return the phrases of each row number filed for a lexicon; a shape that does not exist matches nothing."""
    words: Written = {}
    stems: Written = {}
    shapes: list[tuple[int, str]] = []
    unspaced: list[tuple[int, str]] = []
    for row, phrases in rows.items():
        for text in phrases:
            begins = _BEGINS.match(text)
            if begins is None and text.startswith("<") and text.endswith(">"):
                shapes.append((row, text[1:-1].strip()))
                continue
            if begins is None and is_unspaced(text):
                unspaced.append((row, text))
                continue
            first = begins[1].lower() + begins[2] if begins is not None else (*phrase_words(text.removeprefix("^")), "")[0]
            if first.endswith("*") and len(first) > _STEM:
                stems.setdefault(first[:_STEM], []).append((row, text))
            elif first:
                words.setdefault(first, []).append((row, text))
    return words, stems, shapes, unspaced


class Lexicon:
    """Phrases of many rows; build it with `of`, or of what `filed` returned, then ask `hits`."""

    __slots__ = ("_exact", "_following", "_shapes", "_stems", "_unspaced", "_waiting", "_waiting_stems")

    def __init__(self, filed: Filed) -> None:
        #: As written, until a text has their first word: few of thousands are ever taken apart.
        self._waiting, self._waiting_stems, shapes, self._unspaced = filed
        self._shapes = [(row, name, SHAPE_SIGNS.get(name, frozenset())) for row, name in shapes if name in SHAPES]
        self._exact: dict[str, list[Phrase]] = {}
        self._stems: dict[str, list[Phrase]] = {}
        self._following: dict[tuple[str, str], tuple[Phrase, ...]] = {}

    @classmethod
    def of(cls, rows: Mapping[int, Iterable[str]]) -> Lexicon:
        """Return the lexicon of the phrases of each row number."""
        return cls(filed(rows))

    def _beginning(self, word: str, following: str) -> tuple[Phrase, ...]:
        """Return the phrases that may begin with a word and the one after it, in the order of their rows; remembered, as words recur."""
        stem = word[:_STEM]
        for waiting, taken, key in ((self._waiting, self._exact, word), (self._waiting_stems, self._stems, stem)):
            if key in waiting:
                taken[key] = [_phrase(row, text) for row, text in waiting.pop(key)]
        filed = self._exact.get(word, [])
        if stem in self._stems:
            filed = [*filed, *(p for p in self._stems[stem] if word.startswith(p.words[0][:-1]))]
        found = tuple(p for p in filed if not p.literal or len(p.words) == 1 or p.words[1] == following)
        if len(self._following) < _REMEMBERED:
            self._following[word, following] = found
        return found

    def hits(self, sentence: Sentence) -> list[Hit]:
        """Return every find in a sentence, in the order of its words; shapes and unspaced scripts come last."""
        found: list[Hit] = []
        words, known = sentence.words, self._following
        for at, pair in enumerate(zip_longest(words, words[1:], fillvalue="")):
            phrases = known.get(pair)
            for phrase in self._beginning(*pair) if phrases is None else phrases:
                _match(phrase, words, at, found)
        for row, name, signs in self._shapes:
            if signs and signs.isdisjoint(sentence.text):
                continue
            shape = _shape(name, sentence.text)
            if shape is not None:
                found.append(Hit(row, shape))
        if self._unspaced and is_unspaced(sentence.text):
            found += [Hit(row, text) for row, text in self._unspaced if text in sentence.text]
        return found


@lru_cache(maxsize=1024)
def _shape(name: str, text: str) -> str | None:
    """Return where a shape stands in a text; remembered, since several tables ask for the same."""
    found = SHAPES[name].search(text)
    return found[0].strip() if found is not None else None


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
