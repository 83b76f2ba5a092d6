"""Words and phrases: a text as tokens, and a fast matcher of the rule tables' phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from itertools import zip_longest

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass

_TOKEN = pattern(r"\w+(?:['’]\w+)*")
#: Scripts written without spaces: phrases in them are looked for as plain substrings.
_WRITTEN = pattern(r"\w+(?:['’]\w+)*\*?")
_UNSPACED = pattern(r"[\u3040-\u30ff\u3400-\u9fff]")
_CODE = pattern(r"`[^`\n]+`")
#: Phrases that begin with a wildcard word are filed under so many of its first letters.
_STEM = 3
#: Words whose phrases a lexicon remembers; more than a queue's vocabulary, less than a hostile text's.
_REMEMBERED = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A phrase found: the rule's kind, the words as they stand in the text, and where."""

    kind: str
    text: str
    start: int
    end: int


#: A phrase: the kind of its row, and its words.
Phrase = tuple[str, tuple[str, ...]]
#: The phrases of a lexicon as plain data: by their first word, by the beginning of it, and those of unspaced scripts.
Filed = tuple[dict[str, list[Phrase]], dict[str, list[Phrase]], dict[str, str]]


def is_unspaced(text: str) -> bool:
    """Whether a text holds letters of a script that is written without spaces."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def without_code(text: str) -> str:
    """Return the text with its code spans blanked out, positions kept."""
    return _CODE.sub(lambda m: " " * len(m.group()), text)


def _fold(text: str) -> str:
    """Return the text in lower case with one sort of apostrophe; of the same length, so that places stay right."""
    lowered = text.lower()
    return (lowered if len(lowered) == len(text) else "".join(c.lower()[:1] for c in text)).replace("’", "'")


def filed(rules: Iterable[tuple[str, Iterable[str]]]) -> Filed:
    """Return phrases filed for a lexicon; each rule is a kind and its phrases."""
    words: dict[str, list[Phrase]] = {}
    stems: dict[str, list[Phrase]] = {}
    unspaced: dict[str, str] = {}
    for kind, phrases in rules:
        for phrase in phrases:
            if is_unspaced(phrase):
                unspaced[phrase.strip()] = kind
                continue
            parts = tuple(_fold(w) for w in _WRITTEN.findall(phrase))
            if parts:
                stem = parts[0].endswith("*")
                place = stems.setdefault(parts[0][:-1][:_STEM], []) if stem else words.setdefault(parts[0], [])
                place.append((kind, parts))
    return words, stems, unspaced


class Lexicon:
    """The phrases of some rules, filed for one pass over a text.

    A phrase is one or more words; case and the space or hyphen between words do not matter; `*` at the
    end of a word stands for any ending. Chinese and Japanese phrases match anywhere.
    """

    def __init__(self, filed: Filed) -> None:
        self._words, self._stems, self._unspaced = filed
        self._known: dict[str, tuple[Phrase, ...]] = {}
        self._following: dict[tuple[str, str], tuple[Phrase, ...]] = {}

    @cached_property
    def _substrings(self) -> re.Pattern[str]:
        """The phrases of unspaced scripts, the longest first."""
        return re.compile("|".join(re.escape(p) for p in sorted(self._unspaced, key=len, reverse=True)) or r"(?!)")

    def _candidates(self, word: str) -> tuple[Phrase, ...]:
        """Return the phrases whose first word is this one, longest first; remembered, since texts repeat their words."""
        known = self._known.get(word)
        if known is None:
            filed = [*self._words.get(word, ()), *self._stems.get(word[:_STEM], ())]
            if len(word) >= _STEM:
                filed += self._stems.get(word[: _STEM - 1], ())
            known = tuple(sorted((p for p in filed if _same(p[1][0], word)), key=lambda p: (-len(p[1]), p[1])))
            if len(self._known) < _REMEMBERED:
                self._known[word] = known
        return known

    def _beginning(self, word: str, following: str) -> tuple[Phrase, ...]:
        """Return those of them of one word, or that the next word of the text may go on; remembered likewise."""
        found = tuple(p for p in self._candidates(word) if len(p[1]) == 1 or _same(p[1][1], following))
        if len(self._following) < 2 * _REMEMBERED:
            self._following[word, following] = found
        return found

    def find(self, text: str) -> list[Hit]:
        """Return the phrases found in a text, in order, without overlap of one kind."""
        matches = list(_TOKEN.finditer(_fold(text)))
        words = [m.group() for m in matches]
        found: list[Hit] = []
        covered: dict[str, int] = {}
        for index, pair in enumerate(zip_longest(words, words[1:], fillvalue="")):
            candidates = self._following.get(pair)
            for kind, phrase in self._beginning(*pair) if candidates is None else candidates:
                length = len(phrase)
                start = matches[index].start()
                if covered.get(kind, 0) > start or not (length == 1 or _continues(phrase, words, index)):
                    continue
                end = matches[index + length - 1].end()
                covered[kind] = end
                found.append(Hit(kind=kind, text=text[start:end], start=start, end=end))
        if not self._unspaced or not is_unspaced(text):
            return found
        found.extend(
            Hit(kind=self._unspaced[m.group()], text=m.group(), start=m.start(), end=m.end()) for m in self._substrings.finditer(text)
        )
        return found


def _same(wanted: str, word: str) -> bool:
    return word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted


def _continues(wanted: tuple[str, ...], words: list[str], index: int) -> bool:
    """Whether the words after the first follow in the text; the first is known to match."""
    return index + len(wanted) <= len(words) and all(_same(wanted[n], words[index + n]) for n in range(1, len(wanted)))
