"""Inline Markdown: what in a text is opaque (code, links, comments), and what is left when it is reduced to plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.markdown.emphasis import strip_emphasis

#: Longest text that is looked at for links and emphasis; what is longer is taken as it stands.
MAX_INLINE = 100_000

_PUNCTUATION = r"!-/:-@\[-`{-~"
_TOKEN = pattern(
    rf"\\[{_PUNCTUATION}]"
    r"|`+"
    r"|<!--(?:-?>)?"
    r"|<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]+@[^\s<>@]+)>"
    r"""|</?[A-Za-z][A-Za-z0-9-]*(?:\s+[A-Za-z_:][\w:.-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*\s*/?>"""
    r"|!?\[\[[^\[\]\r\n]{1,500}\]\]"
    r"|!?\[",
    re.DOTALL,
)
_LABEL = r"(?:[^\[\]\\`]|\\.|`[^`]*`|\[(?:[^\[\]\\]|\\.){0,300}\]){0,500}"
_LINK = pattern(
    rf"!?\[({_LABEL})\]"
    r"""\(\s*(?:<(?:[^<>\\\r\n]|\\.)*>|(?:[^\s()<\\]|\\.|\((?:[^\s()\\]|\\.){0,300}\)){0,2000})"""
    r"""(?:\s+(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)))?\s*\)""",
    re.DOTALL,
)
_REFERENCE = pattern(rf"!?\[({_LABEL})\](?:\[((?:[^\[\]\\]|\\.){{0,300}})\])?", re.DOTALL)
_ENTITY = pattern(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DEFINITIONS = pattern(r"(?<![^\r\n])[ ]{0,3}\[((?:[^\[\]\\\r\n]|\\.){1,300})\]:")
_SPECIAL = pattern(r"[\\`<\[*_~&]")
_BREAK = pattern(r"\\(?=[\r\n])")


@dataclass(frozen=True, slots=True)
class Piece:
    """Something opaque at `start`..`end` of a text; `kind` is escape, code, comment, html, autolink, wiki, link or image."""

    kind: str
    start: int
    end: int
    #: Of code its content, of a link or an image its label, of a wiki link what is between the brackets.
    text: str


def definitions(text: str) -> frozenset[str]:
    """Return the folded labels of the link reference definitions of a text."""
    if "]:" not in text:
        return frozenset()
    return frozenset(fold_space(match[1]).casefold() for match in _DEFINITIONS.finditer(text))


def fold_space(text: str) -> str:
    """Return a text with one space for every run of white space, and none around it."""
    return " ".join(text.split())


def pieces(text: str, known: frozenset[str] = frozenset()) -> list[Piece]:
    """Return what is opaque in a text, outermost, in order; `known` are the defined link references."""
    found: list[Piece] = []
    if len(text) > MAX_INLINE or not _SPECIAL.search(text):
        return found
    ticks = _tick_runs(text) if "`" in text else {}
    at = 0
    while match := _TOKEN.search(text, at):
        piece = _piece(text, match, ticks, known)
        at = match.end() if piece is None else piece.end
        if piece is not None:
            found.append(piece)
    return found


def _tick_runs(text: str) -> dict[int, list[int]]:
    """Return the offsets of the runs of backticks by their length, last first."""
    runs: dict[int, list[int]] = {}
    for match in re.finditer(r"`+", text):
        runs.setdefault(match.end() - match.start(), []).append(match.start())
    for offsets in runs.values():
        offsets.reverse()
    return runs


def _piece(text: str, match: re.Match[str], ticks: dict[int, list[int]], known: frozenset[str]) -> Piece | None:
    token, start, end = match[0], match.start(), match.end()
    if token[0] == "\\":
        return Piece("escape", start, end, token[1])
    if token[0] == "`":
        offsets = ticks.get(len(token), [])
        while offsets and offsets[-1] < end:
            offsets.pop()
        if not offsets:
            return None
        return Piece("code", start, offsets[-1] + len(token), text[end : offsets[-1]])
    if token.startswith("<!--"):
        close = end - 3 if token[-1] == ">" else text.find("-->", end) if text.rfind("-->") >= end else -1
        return Piece("comment", start, close + 3, "") if close >= 0 else None
    if token[0] == "<":
        plain = token[1:-1]
        return Piece("autolink" if re.match(r"[^\s/]+[:@]", plain) and " " not in plain else "html", start, end, plain)
    if token.endswith("]]"):
        return Piece("wiki", start, end, token.lstrip("!")[2:-2])
    return _link(text, start, known)


def _link(text: str, start: int, known: frozenset[str]) -> Piece | None:
    kind = "image" if text[start] == "!" else "link"
    match = _LINK.match(text, start)
    if match is not None:
        return Piece(kind, start, match.end(), match[1])
    if not known:
        return None
    match = _REFERENCE.match(text, start)
    if match is None:
        return None
    label = fold_space(match[2] or match[1]).casefold()
    return Piece(kind, start, match.end(), match[1]) if label in known else None


def mask(text: str, places: Iterable[tuple[int, int]]) -> str:
    """Return the text with NULs from start to end of every place, so that offsets stay; places are in order."""
    parts: list[str] = []
    at = 0
    for start, end in places:
        parts += (text[at:start], "\0" * (end - start))
        at = end
    return "".join(parts) + text[at:]


def code_text(raw: str) -> str:
    """Return the content of a code span as it is shown: line ends are spaces, one space on both sides goes."""
    text = re.sub(r"\r\n|\n|\r", " ", raw)
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == " " and text.strip() else text


def without_comments(text: str) -> str:
    """Return a text without its HTML comments; those shown in code stay."""
    if "<!--" not in text:
        return text
    at, kept = 0, []
    for piece in pieces(text):
        if piece.kind == "comment":
            kept.append(text[at : piece.start])
            at = piece.end
    return "".join(kept) + text[at:]


def plain_text(text: str, known: frozenset[str] = frozenset()) -> str:
    """Return a text without its inline Markdown, white space folded."""
    if not _SPECIAL.search(text):
        return fold_space(text)
    text = _BREAK.sub(" ", text)
    found = pieces(text, known)
    shown: list[str] = []
    parts: list[str] = []
    at = 0
    for piece in found:
        shown.append(_shown(piece, known))
        parts += (_entities(text[at : piece.start]), f"\0{len(shown) - 1}\0")
        at = piece.end
    parts.append(_entities(text[at:]))
    rest = strip_emphasis("".join(parts))
    return fold_space(re.sub("\0(\\d+)\0", lambda match: shown[int(match[1])], rest))


def _entities(text: str) -> str:
    if "&" not in text:
        return text
    from html import unescape

    return _ENTITY.sub(lambda match: unescape(match[0]), text)


def _shown(piece: Piece, known: frozenset[str]) -> str:
    if piece.kind == "code":
        return code_text(piece.text)
    if piece.kind in {"comment", "html"}:
        return ""
    if piece.kind == "wiki":
        name, _, alias = piece.text.partition("|")
        return (alias or name).strip()
    if piece.kind in {"link", "image"}:
        return plain_text(piece.text, known)  # a label holds brackets one deep, so this ends soon
    return piece.text
