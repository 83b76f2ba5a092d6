"""How each kind of block begins and ends: the patterns of CommonMark's block rules and GFM's tables."""

from __future__ import annotations

import re

from autobuilds.domain.patterns import pattern

ATX = pattern(r"(#{1,6})(?:[ \t]+|$)")
ATX_TAIL = pattern(r"(?:^|[ \t]+)#+[ \t]*$")
FENCE = pattern(r"`{3,}(?=[^`\r\n]*$)|~{3,}")
FENCE_CLOSE = pattern(r"(`{3,}|~{3,})[ \t]*$")
SETEXT = pattern(r"(?:=+|-+)[ \t]*$")
RULE = pattern(r"(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$")
LIST_MARKER = pattern(r"(?:[*+-]|[0-9]{1,9}[.)])(?=[ \t]|$)")

_TAG_NAME = r"[A-Za-z][A-Za-z0-9-]*"
_ATTRIBUTE = r"""(?:[ \t]+[A-Za-z_:][A-Za-z0-9_.:-]*(?:[ \t]*=[ \t]*(?:[^"'=<>`\s]+|'[^']*'|"[^"]*"))?)"""
_BLOCK_TAGS = [
    "address",
    "article",
    "aside",
    "base",
    "basefont",
    "blockquote",
    "body",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "iframe",
    "legend",
    "li",
    "link",
    "main",
    "menu",
    "menuitem",
    "nav",
    "noframes",
    "ol",
    "optgroup",
    "option",
    "p",
    "param",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "track",
    "ul",
]
_HTML_STARTS = (
    (1, pattern(r"<(?:script|pre|textarea|style)(?:[ \t]|>|$)", re.IGNORECASE)),
    (2, pattern(r"<!--")),
    (3, pattern(r"<\?")),
    (4, pattern(r"<![A-Za-z]")),
    (5, pattern(r"<!\[CDATA\[")),
    (6, pattern(rf"</?(?:{'|'.join(_BLOCK_TAGS)})(?:[ \t]|/?>|$)", re.IGNORECASE)),
    (7, pattern(rf"(?:<{_TAG_NAME}{_ATTRIBUTE}*[ \t]*/?>|</{_TAG_NAME}[ \t]*>)[ \t]*$", re.IGNORECASE)),
)
#: What ends an HTML block of rules 1 to 5; those of 6 and 7 end at a blank line.
HTML_ENDS = {
    1: pattern(r"</(?:script|pre|textarea|style)>", re.IGNORECASE),
    2: pattern(r"-->"),
    3: pattern(r"\?>"),
    4: pattern(r">"),
    5: pattern(r"\]\]>"),
}

_DELIMITER_ROW = pattern(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_DEFINITION = pattern(
    r"\[(?:[^\[\]\\]|\\.){1,999}\]:[ \t]*\n?[ \t]*"
    r"(?:<(?:[^<>\\\n]|\\.)*>|(?!<)[^\s]+)"
    r"""(?:(?:[ \t]+|[ \t]*\n[ \t]*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)))?[ \t]*(?:\n|$)"""
)
_DEFINITION_SHORT = pattern(r"\[(?:[^\[\]\\]|\\.){1,999}\]:[ \t]*\n?[ \t]*(?:<(?:[^<>\\\n]|\\.)*>|(?!<)[^\s]+)[ \t]*(?:\n|$)")


def html_start(text: str, pos: int, end: int, *, paragraph: bool) -> int:
    """Return the number of the HTML rule by which a block begins at `pos`, 0 for none; rule 7 can't interrupt a paragraph."""
    for number, begins in _HTML_STARTS:
        if begins.match(text, pos, end):
            return 0 if number == 7 and paragraph else number
    return 0


def _cells(row: str) -> int:
    row = row.strip(" \t")
    bars = len(re.findall(r"(?<!\\)\|", row))
    return bars + 1 - row.startswith("|") - (len(row) > 1 and row.endswith("|") and not row.endswith("\\|"))


def table_row(text: str, lines: list[tuple[int, int]]) -> int:
    """Return which line of a paragraph is the delimiter row of a GFM table, 0 for none; the header is the line before."""
    for number in range(1, len(lines)):
        start, end = lines[number]
        row = text[start:end]
        if "-" in row and ("|" in row or ":" in row) and _DELIMITER_ROW.match(row):
            head = text[slice(*lines[number - 1])]
            if _cells(head) == _cells(row):
                return number
    return 0


def is_table(text: str, lines: list[tuple[int, int]]) -> bool:
    """Whether a paragraph holds a GFM table."""
    return len(lines) > 1 and table_row(text, lines) > 0


def skip_definitions(text: str, lines: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return a paragraph's lines without the link reference definitions that it begins with."""
    if not lines or text[lines[0][0]] != "[":
        return lines
    source = "\n".join(text[start:end] for start, end in lines)
    at = 0
    while at < len(source):
        match = _DEFINITION.match(source, at) or _DEFINITION_SHORT.match(source, at)
        label = source[at + 1 : source.find("]", at)] if match else ""
        if match is None or not label.strip():
            break
        at = match.end()
    return lines[source.count("\n", 0, at) :] if at < len(source) else []
