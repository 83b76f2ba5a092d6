"""The policy as a value: DECISION_FRAMEWORK.md's tables, read by the gates."""

from __future__ import annotations

from collections.abc import Mapping

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.model import Priority
from autobuilds.domain.problem import Problem
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRule:
    """What may run without asking in one category; each answer is `auto`, `own` (auto for the owner's own task) or `ask`."""

    category: str
    high: str = "ask"
    medium: str = "ask"
    low: str = "ask"
    #: What happens to a finished build of the category; None leaves it to the configuration.
    deliver: DeliverMode | None = None

    def answer(self, priority: Priority) -> str:
        """Return the answer for a priority: `auto`, `own` or `ask`."""
        return {Priority.HIGH: self.high, Priority.MEDIUM: self.medium, Priority.LOW: self.low}[priority]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseRule:
    """One row of a rule table: phrases that count for or against a finding.

    `table` is the table's heading slug (`risk-acts`), `kind` its first column, `phrases` the words or
    patterns of the row in the notation of docs/reference/decision-framework.md, `weight` the row's figure.
    """

    table: str
    kind: str
    phrases: tuple[str, ...]
    weight: float = 1.0
    note: str = ""
    line: int = 0


class Rules(tuple[PhraseRule, ...]):
    """The rows of all rule tables; its hash is counted once, since every judgement looks up what was made of the rules."""

    _hash: int
    #: Whether every row is of the packaged file, so that what is made of them may be kept beside the program (`kept`).
    shipped: bool = False

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = super().__hash__()
            return self._hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Category rules (looked up without regard to case) and the phrase tables of the risk and requirements rules."""

    categories: tuple[CategoryRule, ...] = ()
    rules: tuple[PhraseRule, ...] = ()
    problems: tuple[Problem, ...] = ()

    def category(self, name: str | None) -> CategoryRule | None:
        """Return the rule of a category, that of the row `*` where it has none of its own, or None."""
        if name is None:
            return None
        wanted = " ".join(name.split()).casefold()
        rules = {c.category.casefold(): c for c in reversed(self.categories)}
        return rules.get(wanted) or rules.get("*")

    def delivery(self, category: str | None, by_category: Mapping[str, DeliverMode]) -> DeliverMode:
        """Return what happens to a finished build: its line in the configuration's `deliver`, its row's Deliver, or `default`."""
        rule = self.category(category or "No category")
        told = by_category.get(" ".join((category or "").split()).casefold()) if category else None
        return told or (rule.deliver if rule else None) or by_category.get("default", DeliverMode.REVIEW)
