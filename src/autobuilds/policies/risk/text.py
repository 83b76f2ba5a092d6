"""A task's text as sentences of words, the form in which the risk rules read it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass

#: A word with inner apostrophes, a shell flag, or one sign that phrases may name.
_TOKEN = pattern(r"(?<![^\s`'\"(=])--?\w[\w-]*|\w+(?:'\w+)*|[^\w\s]")
_IGNORED = frozenset("-,.()[]{}\"`*_…“”„«»!?:;'")
_SENTENCE_END = pattern(r"(?<=[.!?;。！？；])\s+|\n+|(?<=[。！？；])")
_CJK = pattern(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

#: Named shapes that a phrase can ask for as `<name>`; they are looked for in the sentence as it was typed.
SHAPES: dict[str, re.Pattern[str]] = {
    "repo path": pattern(
        r"(?<![\w/~.$-])(?:\.?[\w-]{1,40}/){1,12}[\w.*-]{0,80}\.(?!example\b|com\b|org\b|net\b)[a-z]\w{0,5}\b"
        r"|(?<![\w/~.])(?:src|docs?|tests?|testdata|lib|tools|scripts|fixtures|examples?|bench|cmd|pkg|internal|assets)/"
    ),
    "code file": pattern(
        r"(?<![/~\w-])[\w-]{1,60}\.(?:py|ts|tsx|js|jsx|mjs|go|rs|c|h|cc|cpp|hpp|java|kt|rb|php|css|scss|svelte|vue|lua|dart|swift|proto|ex|hs|cs|gd"
        r"|toml|ya?ml|html?|j2|ipynb|glsl|sh)\b|\bmakefile\b|\bdockerfile\b",
        re.IGNORECASE,
    ),
    "identifier": pattern(
        r"\b\w{1,60}\(\)|\b[a-z]{1,40}_[a-z_]{1,60}\b|\b[a-z]{1,40}[A-Z][a-z]\w|\b[A-Z][a-z]{1,40}[A-Z][a-z]\w|\b\w{1,60}::\w|`[^`\s(]{1,60}\([^`]{0,80}\)`|\b[A-Z]{1,40}_[A-Z_]{1,60}\b"
    ),
    "outside path": pattern(
        r"(?<![\w.])(?:~(?=\w{0,40}/|\s|$)|/(?:srv|mnt|home|var|data|volume\d|media|backups?|etc|opt|dev|users|pool|tank))/?[\w{}.*/-]{0,200}",
        re.IGNORECASE,
    ),
    "money": pattern(
        r"[€$£¥]\s?\d|\d\s?(?:€|\$|£|¥|eur\b|euros?\b|usd\b|chf\b|btc\b|eth\b|zł|kr\b|dollars?\b|cents?\b|dkk\b|sek\b|₽)", re.IGNORECASE
    ),
    "clock time": pattern(r"\b(?:[01]?\d|2[0-3]):[0-5]\d(?!:?\d)(?: ?(?:utc|cet|h))?\b|\b\d{1,2} ?(?:am|pm|uhr|o'clock)\b", re.IGNORECASE),
    "host": pattern(
        r"\b(?:web|www|db|mx|gw|app|srv|server|prod|live|node|host|vm|pi|proxy|edge|nas|mail|cache|redis|ns|fw|box|bastion|shop|mq|lb|runner|build)-?\d+\b"
        r"|\b\w{1,40}@[\w-]{1,60}:|\bssh [\w@.-]{1,80}",
        re.IGNORECASE,
    ),
    "address": pattern(
        r"(?<![\d.])(?!127\.|0\.)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b|\*\.\w{1,60}\.\w|(?<![\w-])[\w-]{1,60}\.(?:acme|school|club)\.\w"
    ),
    "title": pattern(r"\b(?:Mr|Mrs|Ms|Dr|Herrn?|Frau|Sr|Sra|Mme|Pan|Pani)\.? [A-Z]|\b(?:mr|mrs)\.? [a-z]"),
    "bound": pattern(r"[<≤±≥]=?\s?[\d.]{1,20}\s?(?:ms|µs|us|ns|fps|x|%|kb|mb|allocs)?\b|\bO\([^)]{0,40}\)", re.IGNORECASE),
    "exit code": pattern(r"(?:→|->|=|\bexits?|\bexit (?:code|status))\s?\d\b", re.IGNORECASE),
    "arrow": pattern(r"→|->|=>"),
    "flag": pattern(r"(?<!\S)`?--[a-z][\w-]{1,60}"),
}

_DIGITS = frozenset("0123456789")
#: Signs without which a shape cannot stand in a text; a cheap look before the search.
SHAPE_SIGNS: dict[str, frozenset[str]] = {
    "repo path": frozenset("/"),
    "outside path": frozenset("/~"),
    "money": _DIGITS,
    "clock time": _DIGITS,
    "address": _DIGITS | frozenset("."),
    "bound": _DIGITS | frozenset("("),
    "exit code": _DIGITS,
    "arrow": frozenset(">→"),
    "flag": frozenset("-"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence, list item, criterion or shell line; `part` is `name`, `text`, `criteria` or `steps`."""

    part: str
    text: str
    words: tuple[str, ...]

    @classmethod
    def of(cls, part: str, text: str) -> Sentence:
        """Return the sentence of a text."""
        return cls(part=part, text=text, words=words_of(text))


def is_unspaced(text: str) -> bool:
    """Return whether a text holds letters of a script that puts no spaces between words."""
    return not text.isascii() and _CJK.search(text) is not None


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, without ordinary punctuation; inner hyphens separate words."""
    plain = text.replace("’", "'").replace("‑", "-").casefold()
    return tuple(t for t in _TOKEN.findall(plain) if t not in _IGNORED)


def sentences_of(name: str, description: str, criteria: Sequence[str], steps: str | None) -> tuple[Sentence, ...]:
    """Return a task's sentences in reading order; a description's first sentence stays apart from the name."""
    found = [("name", name)]
    found += [("text", s) for s in _SENTENCE_END.split(description)]
    found += [("criteria", c) for c in criteria]
    found += [("steps", line) for line in re.split(r"\r\n|\n|\r", steps or "")]
    return tuple(Sentence.of(part, text) for part, text in found if text and text.strip())
