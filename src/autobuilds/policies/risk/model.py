"""The rule tables compiled: which concept each row is, what pairs count, and what the sum starts from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from autobuilds.domain.policy import PhraseRule
from autobuilds.policies.risk.lexicon import Hit, Lexicon
from autobuilds.policies.risk.text import Sentence

#: The kinds of risk, as DECISION_FRAMEWORK.md and the labelled tasks name them.
KINDS = ("destructive", "external", "sensitive", "financial", "production", "access", "architecture")

_ANYWHERE = frozenset({"risk-acts", "risk-things", "risk-in-other-languages", "risk-harmless"})
_HARMLESS = "risk-harmless"
_PROMISE = "promise"
_QUOTED = re.compile(r'"[^"\n]{0,80}"|“[^”\n]{0,80}”|„[^“”\n]{0,80}[“”]|«[^»\n]{0,80}»|「[^」\n]{0,40}」')


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """One row that counts: its rule and the words that made it count."""

    rule: PhraseRule
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """What was found in one sentence: row numbers and the words of each."""

    part: str
    rows: dict[int, str]


class RiskModel:
    """Rules ready to judge with; made once for a tuple of rules by `compiled`."""

    def __init__(self, rules: Sequence[PhraseRule]) -> None:
        self.rules = tuple(rules)
        by_table: dict[str, dict[int, tuple[str, ...]]] = {"text": {}, "criteria": {}, "steps": {}}
        self._pairs: list[tuple[int, str, str]] = []
        self._sums: list[tuple[int, str]] = []
        self._concepts = [" ".join(r.kind.split()).casefold() for r in self.rules]
        for row, rule in enumerate(self.rules):
            if rule.table in _ANYWHERE:
                by_table["text"][row] = rule.phrases
            elif rule.table == "risk-criteria":
                by_table["criteria"][row] = rule.phrases
            elif rule.table == "risk-steps":
                by_table["steps"][row] = rule.phrases
            elif rule.table == "risk-pairs":
                self._pairs += [(row, *_pair(p)) for p in rule.phrases if "+" in p]
            elif rule.table == "risk-sums":
                self._sums += [(row, p.casefold()) for p in rule.phrases]
        self._lexicons = {part: Lexicon.of(rows) for part, rows in by_table.items()}

    def finds(self, sentences: Iterable[Sentence]) -> list[Find]:
        """Return the rows that count for a task, in the order of the tables; each row counts once."""
        units = [u for s in sentences for u in self._units(s)]
        found: dict[int, tuple[str, ...]] = {}
        for unit in units:
            for row, words in unit.rows.items():
                found.setdefault(row, (words,))
        self._add_pairs(units, found)
        self._add_sums(found)
        return [Find(rule=self.rules[row], words=found[row]) for row in sorted(found)]

    def _units(self, sentence: Sentence) -> list[Unit]:
        units: list[Unit] = []
        if sentence.part in {"criteria", "steps"}:
            units.append(Unit(sentence.part, _first(self._lexicons[sentence.part].hits(sentence))))
        if sentence.part == "steps":
            return units
        rows = _first(self._lexicons["text"].hits(_without_quotes(sentence)))
        if any(self._concepts[row] == _PROMISE for row in rows):
            rows = {row: words for row, words in rows.items() if self.rules[row].table == _HARMLESS}
        units.append(Unit(sentence.part, rows))
        return units

    def _add_pairs(self, units: list[Unit], found: dict[int, tuple[str, ...]]) -> None:
        for unit in units:
            if unit.part == "steps":
                continue
            concepts = {self._concepts[row]: words for row, words in unit.rows.items()}
            for row, left, right in self._pairs:
                if row not in found and left in concepts and right in concepts:
                    found[row] = (concepts[left], concepts[right])

    def _add_sums(self, found: dict[int, tuple[str, ...]]) -> None:
        harmless = any(self.rules[row].table == _HARMLESS or self._concepts[row] == "harmless words" for row in found)
        tested = any(self._concepts[row] in {"checked by a test"} for row in found)
        for row, phrase in self._sums:
            if (
                phrase == "any task"
                or (phrase == "no sign of code work" and not harmless)
                or (phrase.startswith("no criterion") and not tested)
            ):
                found[row] = ()


@lru_cache(maxsize=8)
def compiled(rules: tuple[PhraseRule, ...]) -> RiskModel:
    """Return the model of the risk rows among the rules; cached, since a policy's rules seldom change."""
    return RiskModel([r for r in rules if r.table.startswith("risk-")])


def _pair(phrase: str) -> tuple[str, str]:
    left, _, right = phrase.casefold().partition("+")
    return left.strip(), right.strip()


def _first(hits: Iterable[Hit]) -> dict[int, str]:
    rows: dict[int, str] = {}
    for hit in hits:
        rows.setdefault(hit.row, hit.found)
    return rows


def _without_quotes(sentence: Sentence) -> Sentence:
    if not _QUOTED.search(sentence.text):
        return sentence
    return Sentence.of(sentence.part, _QUOTED.sub(" ", sentence.text))
