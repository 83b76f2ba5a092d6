"""The rule tables compiled: which concept each row is, what pairs count, and what the sum starts from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from autobuilds import kept
from autobuilds.domain.patterns import pattern
from autobuilds.domain.policy import PhraseRule, Rules
from autobuilds.policies.risk import lexicon, text
from autobuilds.policies.risk.lexicon import Filed, Hit, Lexicon, filed
from autobuilds.policies.risk.text import Sentence
from autobuilds.records import dataclass, replace

#: The kinds of risk, as DECISION_FRAMEWORK.md and the labelled tasks name them.
KINDS = ("destructive", "external", "sensitive", "financial", "production", "access", "architecture")

_ANYWHERE = frozenset({"risk-acts", "risk-things", "risk-in-other-languages", "risk-harmless"})
_HARMLESS = "risk-harmless"
_LEANINGS = "risk-words"
_LOCAL = "local line"
#: Words in name and description from or below which a text is short, long, very long; long texts hold more harmless words by chance.
_SHORT, _LONG, _VERY_LONG = 10, 30, 70
_PROMISE = "promise"
_TESTED = "checked by a test"
#: A rewrite of a thing is an act even though the thing is an artefact.
_WHOLE = "architecture"
#: Stands where the words of an idiom were.
_MASK = "\x00"
#: How many words after an order in a task's name may lie before the thing it names.
_NAME_REACH = 3
_QUOTED = pattern(r'"[^"\n]{0,80}"|“[^”\n]{0,80}”|„[^“”\n]{0,80}[“”]|«[^»\n]{0,80}»|「[^」\n]{0,40}」')


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """One row that counts, the words that made it count, and what it adds to the sum."""

    rule: PhraseRule
    words: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Unit:
    """What was found in one sentence: row numbers and the words of each."""

    part: str
    rows: dict[int, str]


@dataclass(frozen=True, slots=True)
class Read:
    """One sentence, with what the tables of concepts and that of single words find in it."""

    sentence: Sentence
    units: tuple[Unit, ...]
    leanings: tuple[Hit, ...]


class RiskModel:
    """Rules ready to judge with; made once for a tuple of rules by `compiled`. Those of the packaged file are found filed already."""

    def __init__(self, rules: Sequence[PhraseRule], *, shipped: bool = False) -> None:
        self.rules = tuple(rules)
        by_table: dict[str, dict[int, tuple[str, ...]]] = {"text": {}, "criteria": {}, "steps": {}}
        for name in ("risk-artefacts", _LEANINGS, "risk-idioms"):
            by_table[name] = {i: r.phrases for i, r in enumerate(self.rules) if r.table == name}
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
        self._lexicons = {part: Lexicon(rows) for part, rows in _all_filed(by_table, shipped=shipped).items()}

    def read(self, sentences: Iterable[Sentence]) -> tuple[Read, ...]:
        """Return what is found in each sentence of a task."""
        leanings = self._lexicons[_LEANINGS]
        return tuple(Read(s, tuple(self._units(s)), () if s.part == "steps" else tuple(leanings.hits(s))) for s in sentences)

    def finds(self, read: Sequence[Read]) -> list[Find]:
        """Return the rows that count for a task, in the order of the tables.

        Each row counts once, but for those of the table of single words, which count once for each of their words.
        """
        units = [u for r in read for u in r.units]
        found: dict[int, tuple[str, ...]] = {}
        for unit in units:
            for row, words in unit.rows.items():
                found.setdefault(row, (words,))
        self._add_pairs(units, found)
        self._add_sums(units, found, sum(len(r.sentence.words) for r in read if r.sentence.part in {"name", "text"}))
        finds = [Find(rule=self.rules[row], words=found[row], weight=self.rules[row].weight) for row in sorted(found)]
        return finds + self._single_words(read)

    def finds_alone(self, read: Read) -> list[Find]:
        """Return the rows that count for a sentence as if there were no other, without what is said of a whole task."""
        return [f for f in self.finds((read,)) if f.rule.table != "risk-sums"]

    def _single_words(self, read: Iterable[Read]) -> list[Find]:
        words: dict[int, set[str]] = {}
        for one in read:
            for hit in one.leanings:
                words.setdefault(hit.row, set()).add(hit.found)
        return [
            Find(rule=self.rules[row], words=tuple(sorted(found)), weight=self.rules[row].weight * len(found))
            for row, found in sorted(words.items())
        ]

    def _units(self, sentence: Sentence) -> list[Unit]:
        units: list[Unit] = []
        if sentence.part in {"criteria", "steps"}:
            rows = _first(self._lexicons[sentence.part].hits(sentence))
            local = {row: words for row, words in rows.items() if self._concepts[row] == _LOCAL}
            units.append(Unit(sentence.part, local or rows))
        if sentence.part == "steps":
            return units
        rows = self._text_rows(_without_quotes(sentence))
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

    def _text_rows(self, sentence: Sentence) -> dict[int, str]:
        """Rows found in a sentence, without the orders that only name a thing ("Order form", "Delete account button")."""
        rows: dict[int, str] = {}
        named: dict[int, Hit] | None = None
        sentence, idioms = self._without_idioms(sentence)
        rows.update(idioms)
        for hit in self._lexicons["text"].hits(sentence):
            if hit.order:
                if named is None:
                    named = {h.end - len(h.found.split()): h for h in self._lexicons["risk-artefacts"].hits(sentence)}
                reach = _NAME_REACH if sentence.part == "name" else 1
                thing = next((named[at] for at in range(hit.end, hit.end + reach) if at in named), None)
                if thing is not None and not self._concepts[hit.row].startswith(_WHOLE):
                    rows.setdefault(thing.row, f"{hit.found} … {thing.found}")
                    continue
            rows.setdefault(hit.row, hit.found)
        return rows

    def _without_idioms(self, sentence: Sentence) -> tuple[Sentence, dict[int, str]]:
        hits = self._lexicons["risk-idioms"].hits(sentence)
        if not hits:
            return sentence, {}
        words = list(sentence.words)
        for hit in hits:
            for at in range(hit.end - len(hit.found.split()), hit.end):
                words[at] = _MASK
        return replace(sentence, words=tuple(words)), _first(hits)

    def _add_sums(self, units: list[Unit], found: dict[int, tuple[str, ...]], length: int) -> None:
        harmless = sum(1 for row in found if self._is_harmless(row))
        named = any(self._is_harmless(row) for unit in units if unit.part == "name" for row in unit.rows)
        signs = 0
        for unit in units:
            if unit.part in {"name", "text"}:
                dangers = sum(1 for row in unit.rows if self._is_danger(row))
                softened = sum(1 for row in unit.rows if self._is_harmless(row))
                signs = max(signs, dangers - softened)
        tested = any(self._concepts[row] == _TESTED for row in found)
        facts = {
            "any task": True,
            "no harmless words": harmless == 0,
            "harmless words of one row alone": harmless == 1,
            "no test in the criteria": not tested,
            "tested and calm": tested and signs < 2,
            "two signs in a sentence": signs >= 2,
            "three signs in a sentence": signs >= 3,
            "four signs in a sentence": signs >= 4,
            "name without harmless words": not named,
            "short text": length < _SHORT,
            "long text": length >= _LONG,
            "very long text": length >= _VERY_LONG,
        }
        for row, phrase in self._sums:
            if facts.get(phrase, False):
                found[row] = ()

    def _is_harmless(self, row: int) -> bool:
        return self.rules[row].table in {_HARMLESS, "risk-artefacts", "risk-idioms"} or self._concepts[row] == "harmless words"

    def _is_danger(self, row: int) -> bool:
        return self.rules[row].table in _ANYWHERE and not self._is_harmless(row)


@lru_cache(maxsize=8)
def compiled(rules: tuple[PhraseRule, ...]) -> RiskModel:
    """Return the model of the risk rows among the rules; cached, since a policy's rules seldom change."""
    shipped = isinstance(rules, Rules) and rules.shipped
    return RiskModel([r for r in rules if r.table.startswith("risk-")], shipped=shipped)


def _all_filed(tables: dict[str, dict[int, tuple[str, ...]]], *, shipped: bool) -> dict[str, Filed]:
    """Return the phrases of each table filed; those of the packaged file from what an earlier command kept."""

    def all_filed() -> dict[str, Filed]:
        return {name: filed(rows) for name, rows in tables.items()}

    if not shipped:
        return all_filed()
    found: dict[str, Filed] = kept.made("risk", (tables, kept.stamp(lexicon.__file__, text.__file__)), all_filed)
    return found


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
