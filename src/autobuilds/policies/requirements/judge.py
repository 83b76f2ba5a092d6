"""The judgement: hard findings, then the score over the signals, then what is missing and why in words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from autobuilds import kept
from autobuilds.domain.patterns import pattern
from autobuilds.domain.policy import PhraseRule, Rules
from autobuilds.domain.verdicts import ClarityJudgement, Verdict
from autobuilds.policies.requirements import words
from autobuilds.policies.requirements.contradictions import contradiction_in
from autobuilds.policies.requirements.evidence import evidence_of
from autobuilds.policies.requirements.placeholders import placeholders_in
from autobuilds.policies.requirements.signals import CriterionView, Signals, signals_of
from autobuilds.policies.requirements.size import days_of, projects_in
from autobuilds.policies.requirements.words import Lexicon
from autobuilds.records import dataclass

#: Codes of what can be missing, in the order of telling.
CODES = ("placeholder", "goal", "scope", "criteria", "checkable", "size")
#: An estimate of this many working days is more than one build holds.
_TOO_LONG_DAYS = 10.0
#: What is read of each field, in characters, and how many criteria: nobody's text can make the judgement slow.
_NAME, _TEXT, _CRITERION, _ESTIMATE, _CRITERIA = 300, 6000, 600, 60, 40
_GAP = pattern(r"\s{3,}")
#: Words quoted in one sentence of explanation.
_QUOTED = 4
_VAGUE = ("undecided", "elsewhere", "vogue", "hedge", "wish", "outcome")


#: The rows of a table: a kind and its phrases each.
_Table = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Rules:
    words: Lexicon
    criteria: Lexicon
    size: Lexicon
    weights: dict[str, float]


@lru_cache(maxsize=4)
def _prepared(rules: tuple[PhraseRule, ...]) -> _Rules:
    weights = {name.strip().casefold(): r.weight for r in rules if r.table == "clarity-weights" for name in r.phrases}
    tables = tuple(tuple((r.kind, r.phrases) for r in rules if r.table == f"clarity-{name}") for name in ("words", "criteria", "size"))
    wanted, criteria, size = (Lexicon(rows) for rows in _all_filed(tables, shipped=isinstance(rules, Rules) and rules.shipped))
    return _Rules(words=wanted, criteria=criteria, size=size, weights=weights)


def _all_filed(tables: tuple[_Table, ...], *, shipped: bool) -> list[words.Filed]:
    """Return the phrases of each table filed; those of the packaged file from what an earlier command kept."""

    def filed() -> list[words.Filed]:
        return [words.filed(rows) for rows in tables]

    if not shipped:
        return filed()
    found: list[words.Filed] = kept.made("clarity", (tables, kept.stamp(words.__file__)), filed)
    return found


def judge_requirements(
    name: str,
    description: str,
    criteria: Sequence[str],
    steps: str | None,
    estimated_time: str | None,
    rules: Sequence[PhraseRule],
) -> ClarityJudgement:
    """Judge whether a task is clear enough to start without a question; pure and deterministic.

    The tables `clarity-*` of the rules are used; without them only the hard findings (no criterion, placeholders,
    contradictions, an estimate of weeks) ask.
    """
    name, description, estimated_time = _read(name, _NAME), _read(description, _TEXT), _read(estimated_time or "", _ESTIMATE)
    prepared = _prepared(rules if isinstance(rules, tuple) else tuple(rules))
    stated = tuple(_read(c, _CRITERION).strip() for c in criteria[:_CRITERIA] if c.strip(" \t\r\n-–—.…?"))
    # Steps say what is done as exactly as a command in the text; they are not prose, so their words are not judged.
    evidence = evidence_of("\n".join((name, description, (steps or "")[:_TEXT])))
    why: dict[str, str] = _hard_findings(name, description, stated, estimated_time, evidence.total, prepared)
    if prepared.weights:
        signals = signals_of(f"{name}\n{description}", evidence, stated, (prepared.words, prepared.criteria))
        signals.values["days"] = min(days_of(estimated_time), 5.0)
        if why or score_of(signals, prepared.weights) >= prepared.weights.get("ask-at", 0.0):
            _explain(signals, why)
    missing = tuple(code for code in CODES if code in why)
    return ClarityJudgement(verdict=Verdict.ASK if missing else Verdict.GO, missing=missing, why=tuple(why[code] for code in missing))


def _read(text: str, limit: int) -> str:
    """Return the beginning of a text with long runs of white space shortened."""
    return _GAP.sub(lambda m: "\n\n" if "\n" in m.group() or "\r" in m.group() else " ", text[:limit])


def score_of(signals: Signals, weights: dict[str, float]) -> float:
    """Return the weighted sum of the signals; towards asking is positive."""
    return weights.get("base", 0.0) + sum(weights.get(key, 0.0) * value for key, value in signals.values.items())


def _hard_findings(
    name: str, description: str, criteria: tuple[str, ...], estimate: str | None, evidence: int, prepared: _Rules
) -> dict[str, str]:
    why: dict[str, str] = {}
    left = placeholders_in(name, description, criteria)
    if left:
        named = "; ".join(f'{what}: "{_short(words)}"' for what, words in left[:3])
        why["placeholder"] = (
            f"template text is left where content should be ({named}); replace it by the real value, or put it in backticks if it is meant."
        )
    if not criteria:
        why["criteria"] = (
            "there is no completion criterion; name a command, a test, a figure or something one can look at that shows the task is done."
        )
    clash = contradiction_in(name, description, criteria)
    if clash:
        why["goal"] = (
            f'two demands exclude each other: "{_short(clash[0])}" and "{_short(clash[1])}"; say which one holds, or when each does.'
        )
    projects = projects_in(name, description, criteria, prepared.size, evidence)
    if projects:
        why["size"] = f"this is several projects in one ({', '.join(projects[:6])}); make each its own task, joined by Depends On."
    elif days_of(estimate) >= _TOO_LONG_DAYS:
        why["size"] = f'an estimate of "{estimate}" is more than one build can hold; split it into tasks of a day or less.'
    return why


def _explain(signals: Signals, why: dict[str, str]) -> None:
    """Add what the score found: criteria that cannot be checked, no bounds, no goal."""
    views = signals.criteria
    if views and not any(v.checkable for v in views):
        why.setdefault("checkable", _unchecked(views))
    bounds = _quote(signals, ("everything",))
    little = signals.evidence.total < 2
    if bounds and little:
        why.setdefault(
            "scope", f"it has no bounds ({bounds}); name the files, pages, commands or cases it covers and what is out of scope."
        )
    if why and set(why) != {"criteria"} and set(why) != {"checkable"}:
        return
    vague = _quote(signals, _VAGUE)
    if vague:
        why["goal"] = (
            f"what is wanted is left open by {vague}; say what is there now and what should be there instead, with names and figures."
        )
    elif little:
        why["goal"] = (
            "what is wanted is not said: name and description hold no file, command, value, message or figure; say what is there now and what should be there instead."
        )
    if not why:
        idle = [v for v in views if not v.checkable] or list(views)
        why["checkable"] = _unchecked(tuple(idle))


def _unchecked(views: Sequence[CriterionView]) -> str:
    opinion = next((v for v in views if v.has("opinion")), None)
    if opinion is not None:
        word = next(h.text for h in opinion.hits if h.kind == "opinion")
        said = (
            f'"{_short(opinion.text)}" rests on "{word}", which no check decides'
            if word.casefold() != opinion.text.casefold()
            else f'"{_short(word)}" is an opinion'
        )
    else:
        said = f'"{_short(views[0].text)}" names nothing to run or look at'
    return f"no criterion can be checked: {said}; name a command, a test, a figure or something one can look at."


def _quote(signals: Signals, kinds: Sequence[str]) -> str:
    said = dict.fromkeys(h.text.casefold() for kind in kinds for h in signals.words if h.kind == kind)
    return ", ".join(f'"{word}"' for word in list(said)[:_QUOTED])


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 80 else flat[:79] + "…"
