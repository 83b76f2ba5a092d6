"""Words and phrases: a text as tokens, and a fast matcher of the rule tables' phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autobuilds.domain.patterns import pattern
from autobuilds.domain.policy import PhraseRule
from autobuilds.records import dataclass

_TOKEN = pattern(r"\w+(?:['’]\w+)*")
#: Scripts written without spaces: phrases in them are looked for as plain substrings.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrase:
    kind: str
    words: tuple[str, ...]


def without_code(text: str) -> str:
    """Return the text with its code spans blanked out, positions kept."""
    return _CODE.sub(lambda m: " " * len(m.group()), text)


def _fold(text: str) -> str:
    """Return the text in lower case with one sort of apostrophe; of the same length, so that places stay right."""
    lowered = text.lower()
    return (lowered if len(lowered) == len(text) else "".join(c.lower()[:1] for c in text)).replace("’", "'")


class Lexicon:
    """The phrases of some rules, filed for one pass over a text.

    A phrase is one or more words; case and the space or hyphen between words do not matter; `*` at the
    end of a word stands for any ending. Chinese and Japanese phrases match anywhere.
    """

    def __init__(self, rules: Iterable[PhraseRule]) -> None:
        self._words: dict[str, list[_Phrase]] = {}
        self._stems: dict[str, list[_Phrase]] = {}
        self._unspaced: dict[str, str] = {}
        for rule in rules:
            for phrase in rule.phrases:
                self._file(rule.kind, phrase)
        self._known: dict[str, tuple[_Phrase, ...]] = {}
        self._substrings = re.compile("|".join(re.escape(p) for p in sorted(self._unspaced, key=len, reverse=True)) or r"(?!)")

    def _file(self, kind: str, phrase: str) -> None:
        if _UNSPACED.search(phrase):
            self._unspaced[phrase.strip()] = kind
            return
        words = tuple(_fold(w) for w in re.findall(r"\w+(?:['’]\w+)*\*?", phrase))
        if not words:
            return
        filed = self._stems.setdefault(words[0][:-1][:_STEM], []) if words[0].endswith("*") else self._words.setdefault(words[0], [])
        filed.append(_Phrase(kind=kind, words=words))

    def _candidates(self, word: str) -> tuple[_Phrase, ...]:
        """Return the phrases whose first word is this one, longest first; remembered, since texts repeat their words."""
        known = self._known.get(word)
        if known is None:
            filed = [*self._words.get(word, ()), *self._stems.get(word[:_STEM], ())]
            if len(word) >= _STEM:
                filed += self._stems.get(word[: _STEM - 1], ())
            known = tuple(sorted((p for p in filed if _same(p.words[0], word)), key=lambda p: (-len(p.words), p.words)))
            if len(self._known) < _REMEMBERED:
                self._known[word] = known
        return known

    def find(self, text: str) -> list[Hit]:
        """Return the phrases found in a text, in order, without overlap of one kind."""
        matches = list(_TOKEN.finditer(_fold(text)))
        words = [m.group() for m in matches]
        found: list[Hit] = []
        covered: dict[str, int] = {}
        for index, word in enumerate(words):
            candidates = self._known.get(word)
            if candidates is None:
                candidates = self._candidates(word)
            for phrase in candidates:
                length = len(phrase.words)
                start = matches[index].start()
                if covered.get(phrase.kind, 0) > start or not (length == 1 or _continues(phrase.words, words, index)):
                    continue
                end = matches[index + length - 1].end()
                covered[phrase.kind] = end
                found.append(Hit(kind=phrase.kind, text=text[start:end], start=start, end=end))
        found.extend(
            Hit(kind=self._unspaced[m.group()], text=m.group(), start=m.start(), end=m.end()) for m in self._substrings.finditer(text)
        )
        return found


def _same(wanted: str, word: str) -> bool:
    return word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted


def _continues(wanted: tuple[str, ...], words: list[str], index: int) -> bool:
    """Whether the words after the first follow in the text; the first is known to match."""
    return index + len(wanted) <= len(words) and all(_same(wanted[n], words[index + n]) for n in range(1, len(wanted)))
