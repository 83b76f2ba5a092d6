"""Template text left where content should be, told apart from tasks that are about placeholders."""

from __future__ import annotations

import re

from autobuilds.domain.patterns import pattern
from autobuilds.policies.requirements.blanks import ALWAYS, BRACES, FIELD, MARKERS

_MEANT = pattern(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`"
    r"|\"[^\"\n]{1,90}\"|“[^”\n]{1,90}”|„[^“”\"\n]{1,90}[“”\"]|«[^»\n]{1,90}»|「[^」\n]{1,60}」",
    re.DOTALL,
)
#: A quotation that is nothing but a blank is one all the same.
_ONLY_BLANK = pattern(r"[\s\"“”„«»]*(?:_{2,}|\?{2,}|X{3,}|\.{3,}|…|tbd|TBD|TODO)[\s\"“”„«»]*")
_LABELS = pattern(r"\s*(?:\[[^\]\n]{1,24}\]\s*)+(?=\S)")
_BRACKETED = pattern(r"(?<![\w/.\]])\[([a-z][a-z_]*\d?)\](?![\w(\[.:/])")
_SECTIONS = pattern(r"\b(?:sections?|toml|ini|markers?|tags?|log|checkbox\w*|array|index|regex)\b", re.IGNORECASE)
#: The text says of itself that such signs are meant.
_LITERAL = pattern(r"\b(?:literal(?:ly)?|verbatim|wörtlich|literalmente|littéralement)\b", re.IGNORECASE)
_ABOUT_TEMPLATES = pattern(
    r"\b(?:templat\w*|jinja\w*|mustache|handlebars|liquid|vue|angular|render\w*|escap\w*|interpolat\w*|substitut\w*|braces?|placeholder\w*|mail[- ]?merge"
    r"|syntax|unescaped|delimiters?|variables?|platzhalter\w*|vorlage\w*|plantilla\w*|modèle\w*|szablon\w*|шаблон\w*)\b|テンプレート|模板|变量",
    re.IGNORECASE,
)
_ABOUT_MARKERS = pattern(
    r"\b(?:TODO|FIXME|HACK)s?\b\W+(?:\w+\W+){0,3}(?:comments?|markers?|tags?|items?|lists?|entries|lines?|kommentar\w*|commentaires?|comentarios?)\b"
    r"|\bXXX (?:comments?|markers?|tags?)\b|\b(?:comments?|markers?|grep|rg|finds?|lists?|counts?|scans?|forbids?)\b\W+(?:\w+\W+){0,4}(?:TODO|FIXME|todo)s?\b"
    r"|\btodo\.(?:txt|md)\b|\btodo[- ](?:app|list)\b",
    re.IGNORECASE,
)
#: Between two fields of a task; no pattern reaches across it.
_SEAM = "\n\x00\n"


def _blanked(match: re.Match[str]) -> str:
    return match.group() if _ONLY_BLANK.fullmatch(match.group()) and not match.group().startswith("`") else "\x01" * len(match.group())


def placeholders_in(name: str, description: str, criteria: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return what looks like template text, as pairs of what it is and the words; code and quotations are not looked at."""
    whole = "\n".join((name, description, *criteria))
    text = _SEAM.join(_MEANT.sub(_blanked, f) for f in (_LABELS.sub("", name, count=1), description, *criteria))
    lowered = text.casefold()
    rules = [b for b in (*MARKERS, *BRACES, *ALWAYS) if any(sign in lowered for sign in b.signs)]
    found: list[tuple[str, str]] = []
    for rule in rules:
        match = rule.pattern.search(text)
        if match is None:
            continue
        if (rule in MARKERS and _ABOUT_MARKERS.search(whole)) or (rule in BRACES and _ABOUT_TEMPLATES.search(whole)):
            continue
        words = " ".join(match.group().replace("\x00", " ").split())
        found.append((rule.what, words if words.endswith("]") else words.strip(":([–— ") or words or "(blank)"))
    bracketed = list(dict.fromkeys(m.group() for m in _BRACKETED.finditer(text)))
    if len(bracketed) > 1 and not _SECTIONS.search(whole):
        found = [*(one for one in found if one[0] != FIELD), (FIELD, " ".join(bracketed))]
    return () if found and _LITERAL.search(whole) else tuple(found)
