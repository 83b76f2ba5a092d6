"""The patterns of template text: each with what it is called and the signs without which it cannot match."""

from __future__ import annotations

import re

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True)
class Blank:
    """One sort of blank: what people call it, its pattern, and signs of which the text (in lower case) must hold one."""

    what: str
    pattern: re.Pattern[str]
    signs: tuple[str, ...]


#: First words of a bracketed instruction, in the languages people write tasks in.
_FILL = (
    r"(?:insert|describe|description|enter|add|fill|your|name of|the name|title|customer|company|client|project|product|feature|component|module|package|date|deadline|role|persona"
    r"|number|amount|value|figure|link|text|todo|tbd|tba|tbc|placeholder|something|goal|benefit|reason|why|what|who|where|when|how|here|steps?|owner|team|provider|partner|vendor|supplier"
    r"|version|limit|colou?r|metric|expected|actual|capability|behaviou?r|action|outcome|context|user type|type of user|service|table|field"
    r"|kurze|beschreibung|titel|datum|kunde|wert|hier|ihr\w*|grund|ziel|nom|titre|décri\w*|votre|valeur|insér\w*|nombre|título|descri\w*|valor|fecha|cliente|inserir|inserire"
    r"|nome|titolo|valore|data|naam|beschrijving|datum|waarde|namn|beskriv\w*|värde|nimi|kuvaus|arvo|nazwa|opis|wartość|isim|açıklama|değer|tarih|название|описание|дата|значение|имя)"
)
#: Capitals between brackets that are usage, log levels or labels rather than blanks.
_USAGE = r"(?:OPTIONS?|FILES?|ARGS?|ARGUMENTS?|PATHS?|COMMAND|DIR|INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL|OK|FAIL|FAILED|PASS|SKIP|WIP|RFC|NEW|DRAFT)"
_FIELD = r"^[ \t]{0,8}(?:[-*#>]{1,6}[ \t]{0,4}|\d{1,3}[.)][ \t]{0,4}){0,3}(?:\*\*)?[^\W\d][\w /'’-]{1,40}:(?:\*\*)?"
_UNIT = r"(?:%|percent\b|ms\b|sec(?:ond)?s?\b|minutes?\b|hours?\b|days?\b|users\b|requests\b|€|\$|[kMG]B\b|px\b)"

#: What two rules find.
FIELD = "a field in square brackets"

#: Not looked for when the task is about TODO comments and the like.
MARKERS: tuple[Blank, ...] = (
    Blank(
        "a TODO in place of content",
        pattern(
            r"(?:^|[:(\[–—]\s{0,8}|\*\*\s{0,8})(?:TODO|FIXME|TO DO|ToDo)\b"
            r"(?![ \t]*(?:comments?|markers?|lists?|items?|apps?|tags?|file|board|column|entr\w+|txt|\.\w))|\b(?:TODO|FIXME)\s*(?::|\()|^[ \t]{0,8}todo[ \t]{0,8}$|:[ \t]{0,8}todo\b",
            re.MULTILINE,
        ),
        ("todo", "fixme", "to do"),
    ),
    Blank(
        "XXX in place of a name or value",
        pattern(
            r"(?<![\w/.$#-])(?:X{3,}|x{3,}|Y{3}|Z{3}|N{3,}|(?:X{2}|N{2}|M{2}|Y{2})(?=\s?[%€$]|\s(?:ms|px|days)\b)|x{1,3}[.,]x{2})(?![\w/.-])"
            r"|\b[A-Z]{2,6}-(?:X{2,}|N{2,}|\?{2,})\b|\bYYYY-N+\b|#(?:X{2,}|N{2,})\b"
        ),
        ("xx", "yy", "zzz", "nn", "mm", "??", "x.x", "x,x"),
    ),
)
#: Not looked for when the task is about templates.
BRACES: tuple[Blank, ...] = (
    Blank(
        "a template field",
        pattern(
            r"\{\{[\w .|-]{0,60}\}\}|\{%[^%\n]{0,80}%\}|<%[^%\n]{0,80}%>|(?<![\w$`{])\{[A-Z][A-Z_ ]{2,}\}|\$\{[A-Z_]{3,}\}|%[A-Z_]{3,}%"
            r"|\{[a-z]+(?: [a-z]+){1,4}\}|(?:(?<=\s)|^)\{[a-z_]+\}(?=\s|[.,;]?$)",
            re.MULTILINE,
        ),
        ("{", "<%", "%"),
    ),
)
ALWAYS: tuple[Blank, ...] = (
    Blank(
        "a blank to fill in",
        pattern(
            r"(?<![\w/.])_{2,}(?![\w(])|(?<!\.)\.{5,}|\[[ \t]?\.\.\.[ \t]?\]|\[…\]|<[ \t]?(?:\.\.\.|…)\s*>|\([ \t]?(?:…|\.\.\.|\?{1,9})[ \t]?\)|\[[ \t]{2,60}\](?!\w)"
            r"|\b(?:from|to|of|by|as of|until|group|for|is|von|bis|ab|auf|de|à|du|a|da|van|tot|från|till|od|do) (?:\.\.\.|…)(?=\s{0,4}(?:[%€$.,;]|$|to\b|of\b|as\b|for\b))|(?:\.\.\.|…)\s?[%€$]",
            re.MULTILINE,
        ),
        ("__", ".....", "...", "…", "(?", "[  "),
    ),
    Blank("question marks in place of a value", pattern(r"\?{2,}"), ("??",)),
    Blank(
        "filler text",
        pattern(
            r"\blorem\s+ipsum\s+dolor|\bdolor sit amet\b|\bconsectetur adipiscing|^\W{0,8}lorem ipsum\W{0,8}$|:\s{0,8}lorem ipsum\b|\bfoo ?bar ?baz\b"
            r"|\b(?:blah|bla)(?:[ ,]*bla\w*)+|\basdf\w*\b|\bqwert[yz]u?i?o?p?\b(?! ?(?:layout|keyboard|tastatur|/))",
            re.IGNORECASE | re.MULTILINE,
        ),
        ("lorem", "dolor", "consectetur", "foo", "bla", "asdf", "qwert"),
    ),
    Blank("“to be done” in place of content", pattern(r"\b(?:tbd|tba|tbc|t\.b\.d\.?|tk\s?tk)\b", re.IGNORECASE), ("tb", "t.b", "tk")),
    Blank(
        "a remark that something is to be filled in",
        pattern(
            r"\bto be (?:filled(?: in)?|completed|supplied|inserted)\b(?! (?:to|when|if|after|into|automatically))|\b(?:please )?fill (?:this |me |it )?in\b(?=[\s.)\]]*(?:$|[)\].,:;]|later|here|by))"
            r"|\b(?:insert|describe|enter|put|write) (?:[\w' ]{1,30} )?here\b|\b(?:text|description|content|title|value|details?) (?:goes )?here\b|\bgoes here\b",
            re.IGNORECASE | re.MULTILINE,
        ),
        ("to be ", "fill ", " here"),
    ),
    Blank(
        "a remark that something is to be filled in",
        pattern(
            r"\b(?:hier|bitte) (?:\w+ ){0,2}(?:einfügen|eintragen|ergänzen|ausfüllen|beschreiben)\b|\bwird (?:noch )?(?:nachgereicht|ergänzt|eingetragen)\b|\bnoch (?:einzutragen|einzufügen|auszufüllen)\b"
            r"|\bà (?:compléter|remplir|renseigner)\b|\b(?:por|a) (?:completar|rellenar|preencher)\b|\bda (?:compilare|completare|inserire)\b|\bin te vullen\b|\bfylls i\b|\btäydennet?ä\w*\b"
            r"|\bdo uzupełnienia\b|\buzupełnić\b|\bdoldurulacak\b|\bзаполнить\b|\bвписать\b|記入してください|ここに記入|未記入|待填|填写此处|此处填写|待补充",
            re.IGNORECASE,
        ),
        (
            "ein",
            "eintr",
            "ergänz",
            "ausf",
            "beschr",
            "nachger",
            "à ",
            " complet",
            "rell",
            "preench",
            "da ",
            "te vul",
            "fylls",
            "täyd",
            "uzupełn",
            "doldur",
            "заполн",
            "впис",
            "記入",
            "填",
            "补充",
        ),
    ),
    Blank(
        "a field of a form left empty",
        pattern(
            rf"{_FIELD}[ \t]*(?:…|\.{{3}}|-+|–|n/?a|xx+|\?+|\(?empty\)?)?[ \t]*$(?=\s{0, 40}(?:\x00|\Z|{_FIELD}))|(?:\d[.)]\s{{0,4}}(?:…|\.\.\.)\s{{0,4}}){{2,9}}",
            re.MULTILINE,
        ),
        (":", "1.", "1)"),
    ),
    Blank(
        "a field in angle brackets",
        pattern(
            rf"(?<![\w/=.\-<>])<\s*(?:{_FILL}\b(?![=\w])[^<>\n=]{{0,60}}|[^\W\d_][\w'’-]*(?: [\w'’,/-]+){{1,8}})\s*>(?![\w/.(<:_-])",
            re.IGNORECASE,
        ),
        ("<",),
    ),
    Blank(
        FIELD,
        pattern(rf"(?<![\w\]\[)])\[\s*(?:(?i:{_FILL})\b(?!,)[^\[\]\n=,]{{0,60}}|(?!{_USAGE}\])[A-Z][A-Z_ -]{{3,30}})\](?![(\[\w:])"),
        ("[",),
    ),
    Blank(
        "a letter in place of a figure",
        pattern(
            rf"(?<![\w.`-])X\s?{_UNIT}|(?<![\w.`-])[B-HJ-Z]\s(?:%|€|\$|[MG]B\b|px\b|ms\b)|\b(?:version|below|above|to|from|than) [vV]?X\.Y\b(?!\.Z)|\b[€$]\s?X\b"
        ),
        ("x", " %", " €", " mb", " gb", " px", " ms", " $"),
    ),
    Blank(
        "a date left as its pattern",
        pattern(
            r"\b(?:by|on|until|from|before|after|due|dal|al|entro|bis|am|ab|vom|zum|le|avant|du|el|desde|hasta|até|op|vanaf|den|do|od|с|до|к|partire dal|partir du) "
            r"(?:dd|tt|gg|jj|DD|TT|GG|JJ|XX|xx)[./-](?:mm|MM|xx|XX)(?:[./-](?:[yjaYJA]{2,4}|[xX]{2,4}|гггг))?"
        ),
        (".mm", "/mm", "-mm", "xx"),
    ),
)
