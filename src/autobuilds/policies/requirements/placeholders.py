"""Template text left where content should be, told apart from tasks that are about placeholders."""

from __future__ import annotations

import re

_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`", re.DOTALL)
_QUOTED = re.compile(r'"[^"\n]{1,90}"|“[^”\n]{1,90}”|„[^“”"\n]{1,90}[“”"]|«[^»\n]{1,90}»|「[^」\n]{1,60}」')
#: The text says of itself that such signs are meant.
_LITERAL = re.compile(r"\b(?:literal(?:ly)?|verbatim|wörtlich|literalmente|as is|stays as it is)\b", re.IGNORECASE)
#: The task is about templates or markers, so braces and markers are its subject.
_ABOUT_TEMPLATES = re.compile(
    r"\b(?:templat\w*|jinja\w*|mustache|handlebars|liquid|vue|angular|render\w*|escap\w*|interpolat\w*|substitut\w*|braces?|placeholder\w*|mail[- ]?merge"
    r"|syntax|filters?|unescaped|delimiters?|variables?|platzhalter\w*|vorlage\w*|plantilla\w*|modèle\w*|szablon\w*|шаблон\w*)\b|テンプレート|模板|变量",
    re.IGNORECASE,
)
_ABOUT_MARKERS = re.compile(
    r"\b(?:comments?|markers?|scann?\w*|grep|finds?|list(?:s|ed)? (?:all|every)|tags?|keywords?|lint\w*|report\w*|count\w*|highlight\w*|tickets?|kommentar\w*|commentaires?|todo[- ](?:list|app|item|txt)\w*)\b",
    re.IGNORECASE,
)
_FILL_WORDS = (
    r"(?:insert|describe|description|enter|add|fill|your|name of|the name|title|customer|company|client|project|product|feature|component|module|date|deadline|role|persona"
    r"|number|amount|value|figure|url|link|text|todo|tbd|tba|tbc|placeholder|something|goal|benefit|reason|why|what|who|where|when|how|here|steps?|owner|team|version|limit|colou?r|page|screen|metric|expected|actual"
    r"|kurze|beschreibung|name|titel|datum|kunde|wert|hier|ihr\w*|text|grund|ziel|nom|titre|décri\w*|votre|valeur|insér\w*|nombre|título|descri\w*|valor|fecha|cliente|su|inserir|inserire|descrizione|nome|titolo|valore|data|cliente"
    r"|naam|beschrijving|datum|waarde|namn|beskriv\w*|värde|nimi|kuvaus|arvo|nazwa|opis|wartość|data|isim|açıklama|değer|tarih|название|описание|дата|значение|имя)"
)
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a blank to fill in",
        re.compile(
            r"(?<![\w/.])_{2,}(?![\w(])|(?<!\.)\.{5,}|\(\s*\)(?=\s|$)(?<=\s\(\))|\[\s*\.\.\.\s*\]|\[…\]|<\s*(?:\.\.\.|…)\s*>|\(\s*(?:…|\.\.\.|\?+)\s*\)"
        ),
    ),
    ("question marks in place of a value", re.compile(r"\?{2,}")),
    (
        "filler text",
        re.compile(
            r"\blorem\s+ipsum\s+dolor|\bdolor sit amet\b|\bconsectetur adipiscing|\bfoo ?bar ?baz\b|\b(?:blah|bla)(?:[ ,]*bla\w*)+|\basdf\w*\b|\bqwert[yz]\w*\b",
            re.IGNORECASE,
        ),
    ),
    ("“to be done” in place of content", re.compile(r"\b(?:tbd|tba|tbc|t\.b\.d\.?)\b|\btk\s*tk\b|\bTKTK?\b", re.IGNORECASE)),
    (
        "a remark that something is to be filled in",
        re.compile(
            r"\bto be (?:filled(?: in)?|completed|added|supplied|inserted|provided|written)\b(?! (?:to|when|if|after|into))|\b(?:please )?fill (?:this |me |it )?in\b(?=[\s.)\]]*(?:$|[)\].,:;]|later|here|by))"
            r"|\b(?:insert|add|describe|enter|put|write) (?:[\w' ]{1,30} )?here\b|\b(?:text|description|content|name|title|value|details?) (?:goes )?here\b|\bgoes here\b"
            r"|\b(?:replace|change|delete) (?:this|me) (?:text|line|placeholder|before)\b|\bplaceholder (?:text|name)$"
            r"|\b(?:hier|bitte) (?:\w+ ){0,2}(?:einfügen|eintragen|ergänzen|ausfüllen|beschreiben)\b|\bwird (?:noch )?(?:nachgereicht|ergänzt|eingetragen)\b|\bnoch (?:einzutragen|einzufügen|auszufüllen)\b"
            r"|\bà (?:compléter|remplir|renseigner)\b|\b(?:por|a) (?:completar|rellenar|preencher|definir por)\b|\bda (?:compilare|completare|inserire)\b|\b(?:nog )?in te vullen\b|\bfylls i\b|\btäydennetään\b|\btäydennä\b"
            r"|\bdo uzupełnienia\b|\buzupełnić\b|\bdoldurulacak\b|\bзаполнить\b|\bвписать\b|\bдополнить позже\b|記入してください|ここに|未記入|待填|填写此处|此处填写|待补充",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        "a field of a form left empty",
        re.compile(
            r"^[ \t]*(?:[-*#>]+[ \t]*|\d+[.)][ \t]*)*(?:\*\*)?[\w /'’-]{2,40}:(?:\*\*)?[ \t]*(?:…|\.{3}|-+|–|n/?a|none yet|xx+|\?+|\(?empty\)?)?[ \t]*$(?=\s*(?:\Z|^[ \t]*(?:[-*#>]+[ \t]*)*(?:\*\*)?[\w /'’-]{2,40}:))|(?:\d[.)]\s*(?:…|\.\.\.)\s*){2,}",
            re.MULTILINE,
        ),
    ),
    (
        "a field in angle brackets",
        re.compile(
            rf"(?<![\w/=.\-<])<\s*(?:{_FILL_WORDS}\b(?![=\w])[^<>\n=]{{0,60}}|[A-Za-zÀ-ÿ][\w'’-]*(?: [\w'’,/-]+){{1,8}})\s*>(?![\w/.(])",
            re.IGNORECASE,
        ),
    ),
    ("a field in square brackets", re.compile(rf"(?<![\w\]])\[\s*{_FILL_WORDS}\b[^\[\]\n]{{0,60}}\](?![(\[\w:])", re.IGNORECASE)),
    (
        "XXX in place of a name or value",
        re.compile(
            r"(?<![\w/.$#])(?:X{3,}|x{3,}|X{2}(?=\s?(?:%|€|\$|ms|px|days|%))|Y{3}|Z{3}|N{3,})(?![\w/.])|\b[A-Z]{2,6}-(?:X{2,}|N{2,}|\?{2,})\b|\bYYYY-N+\b|#(?:X{2,}|N{2,})\b"
        ),
    ),
    (
        "a letter in place of a figure",
        re.compile(
            r"(?<![\w.`-])X\s?(?:%|percent\b|ms\b|sec(?:ond)?s?\b|minutes?\b|hours?\b|days?\b|users\b|requests\b|items\b|times\b|€|\$|MB\b|GB\b|px\b)|\b(?:version|below|above|to|from|than) [vV]?X\.Y\b(?!\.Z)|\b[€$]\s?X\b"
        ),
    ),
    (
        "a date left as its pattern",
        re.compile(
            r"\b(?:by|on|until|from|before|after|due|dal|al|entro|bis|am|ab|vom|zum|le|avant|du|el|desde|hasta|até|op|vanaf|den|do|od|с|до|к) (?:dd|tt|gg|jj|DD|TT|GG|JJ|XX|xx)[./-](?:mm|MM|xx|XX)(?:[./-](?:[yjaYJA]{2,4}|[xX]{2,4}|гггг))?"
        ),
    ),
)
_BRACES = re.compile(r"\{\{\s*[\w .|-]*\s*\}\}|\{%.*?%\}|<%=?.*?%>|(?<![\w$`{])\{[A-Z][A-Z_ ]{2,}\}|\$\{[A-Z_]{3,}\}|%[A-Z_]{3,}%")
_MARKER = re.compile(
    r"(?:^|[:(\[–—-]\s*|\*\*\s*)(?:TODO|FIXME|TO DO|ToDo)\b(?!\s*(?:comments?|markers?|lists?|items?|apps?|tags?|file|board|column|txt|\.))(?=\s*(?:[:)\].,–—-]|$|\w))|\b(?:TODO|FIXME)\s*(?::|\()|^\s*todo\s*$|:\s*todo\b",
    re.MULTILINE,
)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda m: " " * len(m.group()), text)


def placeholders_in(name: str, description: str, criteria: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return what looks like template text, as pairs of what it is and the words; code and quotations are not looked at."""
    fields = [_blank(_QUOTED, _blank(_CODE, f)) for f in (name, description, *criteria)]
    whole = " ".join((name, description, *criteria))
    if _LITERAL.search(whole):
        return ()
    found: list[tuple[str, str]] = []
    markers = [m.group().strip() for f in fields for m in _MARKER.finditer(f)]
    about_markers = bool(_ABOUT_MARKERS.search(whole))
    if markers and not about_markers:
        found.append(("a TODO in place of content", markers[0]))
    if not _ABOUT_TEMPLATES.search(whole):
        braces = next((m.group() for f in fields for m in _BRACES.finditer(f)), None)
        if braces:
            found.append(("a template field", braces))
    for what, pattern in _RULES:
        if what.startswith(("XXX", "“to")) and about_markers and re.search(r"\b(?:TODO|FIXME)\b", whole):
            continue
        hit = next((m.group().strip() for f in fields for m in pattern.finditer(f)), None)
        if hit:
            found.append((what, " ".join(hit.split()) or "(blank)"))
    return tuple(found)
