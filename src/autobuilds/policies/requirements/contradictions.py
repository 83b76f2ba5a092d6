"""Demands that exclude each other, as far as the words show it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autobuilds.domain.patterns import pattern

_WORD = pattern(r"[\w'’]+")
_NEGATIVE = frozenset(
    [
        "no",
        "not",
        "never",
        "none",
        "without",
        "isn't",
        "doesn't",
        "don't",
        "can't",
        "cannot",
        "won't",
        "aren't",
        "nothing",
        "nobody",
        "kein",
        "keine",
        "keinen",
        "nicht",
        "nie",
        "ohne",
        "pas",
        "aucun",
        "jamais",
        "sans",
        "sin",
        "nunca",
        "ningún",
        "não",
        "nunca",
        "sem",
        "non",
        "mai",
        "senza",
        "niet",
        "geen",
        "nooit",
        "utan",
        "inte",
        "aldrig",
        "ei",
        "не",
        "нет",
        "без",
        "никогда",
    ]
)
_FILLER = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "be",
        "been",
        "it",
        "its",
        "in",
        "on",
        "of",
        "to",
        "at",
        "and",
        "or",
        "with",
        "for",
        "from",
        "by",
        "as",
        "that",
        "this",
        "when",
        "if",
        "so",
        "than",
        "then",
        "there",
        "any",
        "all",
        "each",
        "every",
        "der",
        "die",
        "das",
        "ein",
        "eine",
        "ist",
        "sind",
        "wird",
        "le",
        "la",
        "les",
        "un",
        "une",
        "est",
        "el",
        "los",
        "las",
        "o",
        "os",
        "um",
        "uma",
        "il",
        "lo",
        "i",
        "gli",
    ]
)
_OPPOSITES: tuple[tuple[str, str], ...] = (
    ("newest", "oldest"), ("first", "last"), ("ascending", "descending"), ("always", "never"), ("enabled", "disabled"), ("visible", "hidden"),
    ("shown", "hidden"), ("top", "bottom"), ("online", "offline"), ("required", "optional"), ("mandatory", "optional"), ("public", "private"),
    ("synchronous", "asynchronous"), ("removed", "kept"), ("deleted", "kept"), ("larger", "smaller"), ("shorter", "longer"), ("open", "closed"),
    ("on", "off"), ("before", "after"), ("accepted", "rejected"), ("allowed", "forbidden"), ("unchanged", "changed"), ("light", "dark"), ("left", "right"),
    ("anonymous", "identified"), ("mutable", "immutable"), ("lossless", "lossy"), ("empty", "filled"), ("ascending", "descending"), ("increases", "decreases"),
)  # fmt: skip
_CLASH = pattern(
    r"\b(?:read[- ]only|immutable|locked)\b(?=.{0,60}\b(?:where users can (?:edit|write|change)|(?:can|may) (?:be )?edit|editable|writable)\b)"
    r"|\boffline[- ]only\b(?=.{0,60}\b(?:sync|cloud|online|upload)\w*)|\bno network\b(?=.{0,160}\b(?:sync\w*|upload\w*|cloud|within (?:\w+ )?seconds)\b)"
    r"|\bremove\b(?=.{0,80}\band (?:always|still|keep)\b)|\b(?:newest|latest) first\b(?=.{0,30}\boldest (?:on top|first|at the top)\b)"
    r"|\boldest first\b(?=.{0,30}\b(?:newest|latest) (?:on top|first|at the top)\b)|\bstateless\b(?=.{0,60}\b(?:remember|session|keeps? state)\w*)"
    r"|\bthe (?:one and only|sole|single) (\w+)\b(?=.{0,120}\bthe (?:one and only|sole|single) \1\b)"
    r"|\b(?:to|for|by) \w+ only\b(?=.{0,120}\b(?:every|all) (?:user|visitor|member|customer|employee|reader|guest)s? (?:can |may )?(?:see|compare|read|edit|access|use|open)s?\b)"
    r"|\bremove the (\w+ \w+)\b(?=.{0,160}\b(?:start|starts|shown?|begin|opens?|use|uses) (?:in|with|as)?\s?(?:the )?\2\b)"
    r"|\banonym\w*\b(?=.{0,60}\b(?:with|by|per|show\w*) (?:the )?(?:full )?(?:name|author|user|e-?mail)s?\b)|\bwithout (?:any )?(?:javascript|js)\b(?=.{0,60}\b(?:react|vue|svelte|animated in js)\b)",
    re.IGNORECASE | re.DOTALL,
)


_EXACT = pattern(
    r"\b(?:exactly|at most|max(?:imum|\.)?|no more than|under|below|less than|within|up to|≤|<)\s*(\d+(?:\.\d+)?)\s*([a-z%]*)\b[^.!?\n]{0,60}"
    r"\b(?:at least|min(?:imum|\.)?|no less than|over|above|more than|never before|≥|>)\s*(\d+(?:\.\d+)?)\s*([a-z%]*)",
    re.IGNORECASE,
)


def _figures_clash(text: str) -> tuple[str, str] | None:
    """Two bounds of one unit in one sentence, the lower above the upper."""
    match = _EXACT.search(text)
    if match and match[2] and match[2].casefold() == match[4].casefold() and float(match[3]) > float(match[1]):
        return f"{match[1]} {match[2]}", f"{match[3]} {match[4]}"
    return None


def _content(text: str) -> tuple[list[str], bool]:
    words = [w.casefold().replace("’", "'") for w in _WORD.findall(text)]
    negative = sum(w in _NEGATIVE for w in words) % 2 == 1
    return [w for w in words if w not in _NEGATIVE and w not in _FILLER], negative


#: Places and parts that only one thing can have.
_UNIQUE = pattern(
    r"^\W{0,3}(?:the )?(?P<who>.{2,60}?) (?:is|are|comes?|stands?|appears?|goes)(?: always)?"
    r" (?P<place>(?:on top|first|last|at the top|at the bottom|the (?:primary key|default|only one|source of truth)))\W{0,3}$",
    re.IGNORECASE,
)
_NONE_OF = pattern(r"\b(?:no|never any|without any|none of the)\s+(?:\w+\s+)?(\w{4,})", re.IGNORECASE)
_ALL_OF = pattern(r"\b(?:all|every|each|both)\s+(?:the\s+)?(?:\w+\s+)?(\w{4,})", re.IGNORECASE)


def _places_clash(one: str, other: str) -> bool:
    first, second = _UNIQUE.match(one), _UNIQUE.match(other)
    return bool(
        first and second and first["place"].casefold() == second["place"].casefold() and first["who"].casefold() != second["who"].casefold()
    )


def _amounts_clash(one: str, other: str) -> bool:
    """None of something in one, all of it in the other, and no condition that would tell the two apart."""
    if re.search(r"\b(?:if|when|while|unless|after|before|with|without|for|until|once|otherwise|\d+)\b", f"{one} {other}", re.IGNORECASE):
        return False
    denied = {w.casefold().rstrip("s") for w in _NONE_OF.findall(one)}
    return bool(denied & {w.casefold().rstrip("s") for w in _ALL_OF.findall(other)})


def _pair_clashes(one: str, other: str) -> bool:
    if _places_clash(one, other) or _amounts_clash(one, other) or _amounts_clash(other, one):
        return True
    first, negative_first = _content(one)
    second, negative_second = _content(other)
    a, b = set(first), set(second)
    if min(len(a), len(b)) < 2:
        return False
    if negative_first != negative_second and (a <= b or b <= a):
        return True
    only_a, only_b = a - b, b - a
    return len(only_a) == len(only_b) == 1 and negative_first == negative_second and any({x, y} == only_a | only_b for x, y in _OPPOSITES)


def contradiction_in(name: str, description: str, criteria: Sequence[str]) -> tuple[str, str] | None:
    """Return two passages that cannot both hold, or None; only what the words themselves show is found."""
    for index, one in enumerate(criteria):
        for other in criteria[index + 1 :]:
            if _pair_clashes(one, other):
                return one, other
    bounds = _figures_clash(name)
    if bounds:
        return bounds
    for text in (name, description):
        match = _CLASH.search(text)
        if match:
            return match.group(), text[match.end() : match.end() + 60].strip()
    return None
