"""Several projects in one entry, or more than one build can hold."""

from __future__ import annotations

import re

from autobuilds.domain.patterns import pattern
from autobuilds.policies.requirements.words import Lexicon

#: So many projects named in one task are several projects.
_SEVERAL = 5
#: Fewer are enough when the text comes as one wish for a whole product.
_WHOLE = 3
_LONG = pattern(
    r"(?P<n>\d+(?:[.,]\d+)?|a|an|one|two|three|several|few|many|ein\w*|zwei|drei|une?|deux|trois|una?|dos|tres|due|tre|twee|drie|två)?\s*(?:-|–|to|bis)?\s*(?P<m>\d+)?\s*"
    r"(?P<unit>d(?:ays?)?|nights?|w(?:ee)?ks?|w|months?|quarters?|sprints?|years?|Tage?n?|Wochen?|Monate?n?|jours?|semaines?|mois|días?|dias?|semanas?|mes(?:es)?|m[eê]s|giorni|giorno|settiman[ae]|mes[ei]|dagen|weken|maand\w*|dag\w*|veckor?|månad\w*|päivä\w*|viikko\w*|kuukau\w*|dni|tygodni\w*|miesi\w*|gün|hafta|ay|дн\w*|недел\w*|месяц\w*)\b",
    re.IGNORECASE,
)
_WORDS = {
    "a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "zwei": 2.0, "deux": 2.0, "dos": 2.0, "due": 2.0, "twee": 2.0, "två": 2.0,
    "three": 3.0, "drei": 3.0, "trois": 3.0, "tres": 3.0, "tre": 3.0, "drie": 3.0, "several": 3.0, "few": 3.0, "many": 5.0,
}  # fmt: skip
_WEEKS = ("w", "sem", "sett", "week", "veck", "viik", "tyg", "haf", "нед", "sprint")
_MONTHS = ("month", "mona", "moi", "mes", "mê", "maand", "måna", "kuuk", "miesi", "ay", "мес", "quarter", "year")


def days_of(estimate: str | None) -> float:
    """Return an estimate in days, 0.0 if it is in hours, unknown or not readable."""
    if not estimate:
        return 0.0
    match = _LONG.search(estimate)
    if match is None:
        return 0.0
    said = (match["m"] or match["n"] or "1").replace(",", ".").casefold()
    count = _WORDS.get(said, 1.0) if not said[:1].isdigit() else float(said)
    unit = match["unit"].casefold()
    if unit.startswith(_MONTHS):
        return count * 20
    if unit.startswith(_WEEKS):
        return count * 5
    return count


#: Everything of a whole product at one stroke.
_AT_ONE_STROKE = pattern(
    r"\b(?:port|rewrite|migrate|convert|translate|re-?implement|replace|move)\s+(?:\w+\s+){0,3}?(?:whole|entire|complete|all(?: of)?(?: the| our)?)\s+(?:\w+\s+)?"
    r"(?:back-?end|front-?end|system|app(?:lication)?s?|code ?base|platform|product|monolith|services?|stack|software)\b"
    r"|\b(?:build|write|create|make|develop|implement)\s+(?:an?|our own|my own|the)\s+(?:\w+\s+){0,2}?"
    r"(?:operating system|web browser|social network|game engine|office suite|competitor|marketplace|erp|crm)\b"
    r"|\b(?:competitor|clone)[ \t]{0,8}$|^[ \t]{0,8}(?:an? )?(?:operating system|social network|game engine|marketplace|erp|office suite)\b",
    re.IGNORECASE | re.MULTILINE,
)
#: An enumeration of this many short nouns, in a text that names nothing concrete, is a list of projects.
_LISTED = 7
_ITEM_WORDS = 5
_COUNTED = pattern(
    r"\b(?:columns?|fields?|keys?|values?|options?|types?|tags?|names?|icons?|words?|units?|countries|languages|colou?rs|characters|formats?|codes?|letters"
    r"|spalten|felder|colonnes|champs|columnas|campos|colonne|campi|kolommen|velden|kolumner|fält|sarake\w*|kolumn\w*|пол[яе]|列|字段)\b",
    re.IGNORECASE,
)
_DIGITS = pattern(r"(?<!\w)\d")
_SENTENCE_END = pattern(r"[.!?:。]\s|[\r\n]+")


def _enumerated(description: str) -> tuple[str, ...]:
    """Return the items of the longest enumeration of short noun phrases, unless it lists fields or the like."""
    if _COUNTED.search(description):
        return ()
    best: list[str] = []
    for sentence in _SENTENCE_END.split(description):
        items = [i.strip() for i in re.split(r"[,;、,]|\s(?:and|und|et|y|e|en|och|ja|i|ve|и)\s", sentence) if i.strip()]
        short = [i for i in items if len(i.split()) <= _ITEM_WORDS]
        if len(short) > len(best) and len(short) >= len(items) - 2 and not _DIGITS.search(sentence):
            best = short
    return tuple(best) if len(best) >= _LISTED else ()


def projects_in(name: str, description: str, criteria: tuple[str, ...], lexicon: Lexicon, evidence: int) -> tuple[str, ...]:
    """Return the projects that a task names if they are too many for one build, else nothing.

    `evidence` is how many concrete things the name and description hold: a specification that enumerates is not a list of projects.
    """
    text = "\n".join((name, description))
    stroke = _AT_ONE_STROKE.search(text)
    if stroke:
        return (" ".join(stroke.group().split()),)
    hits = lexicon.find("\n".join((text, *criteria)))
    projects = list(dict.fromkeys(h.text.casefold() for h in hits if h.kind == "product"))
    whole = [h.text for h in hits if h.kind == "whole"]
    if (len(projects) >= _SEVERAL and evidence < _SEVERAL) or (whole and len(projects) >= _WHOLE):
        return tuple(dict.fromkeys((*whole, *projects)))
    return _enumerated(description) if evidence < _WHOLE else ()
