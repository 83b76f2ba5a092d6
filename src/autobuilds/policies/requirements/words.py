"""Words and phrases: a text as tokens, and a fast matcher of the rule tables' phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from autobuilds.domain.policy import PhraseRule

_TOKEN = re.compile(r"\w+(?:['’]\w+)*")
#: Scripts written without spaces: phrases in them are looked for as plain substrings.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_CODE = re.compile(r"`[^`\n]+`")
#: Phrases are filed under the first letters of their first word; a wildcard needs at least this many.
_STEM = 2


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


def _fold(word: str) -> str:
    return word.casefold().replace("’", "'")


class Lexicon:
    """The phrases of some rules, filed for one pass over a text.

    A phrase is one or more words; case and the space or hyphen between words do not matter; `*` at the
    end of a word stands for any ending. Chinese and Japanese phrases match anywhere.
    """

    def __init__(self, rules: Iterable[PhraseRule]) -> None:
        self._filed: dict[str, list[_Phrase]] = {}
        self._unspaced: dict[str, str] = {}
        for rule in rules:
            for phrase in rule.phrases:
                self._file(rule.kind, phrase)
        for phrases in self._filed.values():
            phrases.sort(key=lambda p: (-len(p.words), p.words))
        self._substrings = re.compile("|".join(re.escape(p) for p in sorted(self._unspaced, key=len, reverse=True)) or r"(?!)")

    def _file(self, kind: str, phrase: str) -> None:
        if _UNSPACED.search(phrase):
            self._unspaced[phrase.strip()] = kind
            return
        words = tuple(_fold(w) for w in re.findall(r"\w+(?:['’]\w+)*\*?", phrase))
        if words:
            self._filed.setdefault(words[0].rstrip("*")[:_STEM], []).append(_Phrase(kind=kind, words=words))

    def find(self, text: str) -> list[Hit]:
        """Return the phrases found in a text, in order, longest first and without overlap of one kind."""
        tokens = [(_fold(m.group()), m.start(), m.end()) for m in _TOKEN.finditer(text)]
        found: list[Hit] = []
        covered: dict[str, int] = {}
        for index, (word, start, _) in enumerate(tokens):
            filed = self._filed.get(word[:_STEM], ())
            single = self._filed.get(word[:1], ()) if len(word) > 1 else ()
            for phrase in (*filed, *single):
                if covered.get(phrase.kind, 0) > start or not _matches(phrase.words, tokens, index):
                    continue
                end = tokens[index + len(phrase.words) - 1][2]
                covered[phrase.kind] = end
                found.append(Hit(kind=phrase.kind, text=text[start:end], start=start, end=end))
        found.extend(
            Hit(kind=self._unspaced[m.group()], text=m.group(), start=m.start(), end=m.end()) for m in self._substrings.finditer(text)
        )
        return found


def _matches(words: tuple[str, ...], tokens: list[tuple[str, int, int]], index: int) -> bool:
    if index + len(words) > len(tokens):
        return False
    for offset, wanted in enumerate(words):
        word = tokens[index + offset][0]
        if wanted.endswith("*"):
            if not word.startswith(wanted[:-1]):
                return False
        elif word != wanted:
            return False
    return True
