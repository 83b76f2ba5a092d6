"""The signals of a task: how much of it is concrete, how much is praise, hedging, wishes or somebody's opinion."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from autobuilds.domain.patterns import pattern
from autobuilds.policies.requirements.evidence import Evidence, evidence_of
from autobuilds.policies.requirements.words import Hit, Lexicon, without_code
from autobuilds.records import dataclass

#: Sorts of evidence that name one thing.
_NAMED = ("code", "file", "flag", "name", "route")
#: Sorts of evidence that fix a value or a transition.
_MEASURED = ("figure", "exit", "change")
#: Kinds of the word table that become a signal each.
WORD_KINDS = ("vogue", "wish", "hedge", "undecided", "elsewhere", "outcome", "people", "everything", "we", "ought", "absolute", "act")
_SENTENCE = pattern(r"(?<=[.!?;:。！？])\s+|[\r\n]+|(?<=[。！？])")
_WORD = pattern(r"\w+")
#: A sentence of fewer words is a fragment: neither prose nor fact.
_PROSE_WORDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionView:
    """One criterion: its text, the evidence and the words found in it."""

    text: str
    evidence: Evidence
    hits: tuple[Hit, ...]

    def has(self, kind: str) -> bool:
        """Whether a phrase of a kind was found."""
        return any(h.kind == kind for h in self.hits)

    @property
    def concrete(self) -> bool:
        """Whether it names a thing, a value or a literal text."""
        return self.evidence.total > 0 or self.evidence.of("number") > 0

    @property
    def tested(self) -> bool:
        """Whether it names a test that says something of the task: that the tests pass is true of every task."""
        return self.has("test") and (self.concrete or not self.has("routine"))

    @property
    def checkable(self) -> bool:
        """Whether a command, a test or a look could decide it, as far as words tell."""
        return self.concrete or self.tested or (self.has("state") and not self.has("opinion"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Everything measured on one task: the figures by name, and the words behind them."""

    values: dict[str, float]
    words: tuple[Hit, ...]
    criteria: tuple[CriterionView, ...]
    evidence: Evidence


def signals_of(text: str, evidence: Evidence, criteria: Sequence[str], lexicons: tuple[Lexicon, Lexicon]) -> Signals:
    """Measure one task: `text` is name and description, `lexicons` are those of the word table and of the criteria table."""
    words = tuple(lexicons[0].find(without_code(text)))
    views = tuple(
        CriterionView(text=c, evidence=evidence_of(c), hits=tuple(lexicons[1].find(without_code(c)))) for c in criteria if c.strip()
    )
    values = _text_values(text, evidence, words) | _criteria_values(views)
    return Signals(values=values, words=words, criteria=views, evidence=evidence)


def _log(count: float) -> float:
    return log2(1.0 + count)


def _text_values(text: str, evidence: Evidence, words: Sequence[Hit]) -> dict[str, float]:
    values = {
        "named": _log(min(evidence.of(*_NAMED), 7)),
        "measured": _log(min(evidence.of(*_MEASURED), 7)),
        "literal": _log(min(evidence.of("message"), 3)),
        "number": _log(min(evidence.of("number") + evidence.of("acronym") / 2, 7)),
    }
    for kind in WORD_KINDS:
        distinct = len({h.text.casefold() for h in words if h.kind == kind})
        values[kind] = _log(min(distinct, 7))
    prose = bare = 0
    at = 0
    for sentence in _SENTENCE.split(text):
        start = text.find(sentence, at)
        at = start + len(sentence)
        if len(_WORD.findall(sentence)) >= _PROSE_WORDS:
            prose += 1
            bare += not any(start <= s < at for sort, s, _ in evidence.spans if sort != "acronym")
    values["bare"] = _log(min(bare, 7))
    values["thin"] = 1.0 if len(_WORD.findall(text)) < 12 and evidence.total == 0 else 0.0
    return values


def _criteria_values(views: Sequence[CriterionView]) -> dict[str, float]:
    count = max(len(views), 1)
    return {
        "criteria-named": sum(v.evidence.of(*_NAMED, "message") > 0 for v in views) / count,
        "criteria-measured": sum(v.evidence.of(*_MEASURED, "number") > 0 for v in views) / count,
        "criteria-test": sum(v.tested for v in views) / count,
        "criteria-tested": 1.0 if any(v.tested and not v.has("opinion") for v in views) else 0.0,
        "criteria-state": sum(v.has("state") for v in views) / count,
        "criteria-opinion": sum(v.has("opinion") for v in views) / count,
        "criteria-vague": sum(v.has("opinion") and not v.concrete and not v.tested for v in views) / count,
        "criteria-idle": sum(not v.checkable for v in views) / count,
        "criteria-none": 0.0 if any(v.checkable for v in views) else 1.0,
    }
