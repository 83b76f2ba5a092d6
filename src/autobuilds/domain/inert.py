"""Hostile text made inert: one pure escaping function a sink (Markdown, terminal, prompt), none of them reversible by the text."""

from __future__ import annotations

import re

from autobuilds.domain.patterns import pattern

#: C0, DEL, C1 and lone surrogates: what drives a terminal or can't be encoded. Tab and line ends are decided apart.
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
#: Bidi controls, zero-width characters, fillers that show nothing, tag characters and the variation selectors that smuggle text.
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_REMOVED = pattern(f"[{_CONTROL}{_HIDDEN}]+")
#: A whole escape sequence goes, so that its parameters do not stay behind as litter.
_ESCAPES = pattern(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\x9d]{0,1024}(?:\x07|\x1b\\|\x9c)|\x1b[PX^_][^\x1b]{0,1024}\x1b\\|\x1b[ -/]*[0-~]"
)
_LINE_END = pattern("\r\n|[\r\n\u2028\u2029\x85\x0b\x0c]")
_SPACE = pattern(r"[ \t\r\n\u2028\u2029\x85\x0b\x0c\u00a0]+")

#: Breaks a mention or an address without being seen; `clean` takes it out again.
JOINER = "\u2060"


def clean(text: str) -> str:
    """Return the text without control, bidi, zero-width and tag characters; line ends become LF, tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text)
    return _REMOVED.sub("", _LINE_END.sub("\n", text))


def line(text: str, limit: int | None = None) -> str:
    """Return the text as one clean line, white space folded, cut with an ellipsis at `limit` characters."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip() if limit is None else shorten(text.strip(), limit)
    folded = _SPACE.sub(" ", clean(_LINE_END.sub("\n", text))).strip()
    return folded if limit is None else shorten(folded, limit)


def shorten(text: str, limit: int) -> str:
    """Return the text in at most `limit` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def terminal(text: str) -> str:
    """Return one line that a terminal only shows: nothing in it moves the cursor, colours, renames or links."""
    return line(text)


def terminal_block(text: str, limit: int = 200) -> tuple[str, ...]:
    """Return the last `limit` lines of a text, each inert for a terminal, tabs as spaces."""
    return tuple(row.expandtabs(8).rstrip() for row in clean(text).split("\n"))[-limit:]


#: The common case: words, spaces and signs that mean nothing to Markdown wherever they stand.
_HARMLESS = pattern(
    r"(?!.*(?:www|mailto:|xmpp:))[a-z(](?:[a-z0-9,;'()/?.-]|:(?=[ a-z0-9])| (?=[a-z0-9('-]))*",
    re.IGNORECASE | re.ASCII,
)
_ALWAYS = pattern(r"([\\`*\[\]<|~$])")
_ENTITY = pattern(r"&(?=#?[A-Za-z0-9]+;)")
_UNDERSCORE = pattern(r"(?<![^\W_])_|_(?![^\W_])")
_HASH = pattern(r"(?:(?<=\s)|^)#")
_DOUBLED = pattern(r"(?<=([=%^]))\1|([=%^])(?=\2)")
_SCHEME = pattern(r":(?=//)|(?<=www)\.", re.IGNORECASE)
_MAILTO = pattern(r"(?<=mailto):|(?<=xmpp):", re.IGNORECASE)
_REFERENCE = pattern(r"([@#])(?=\w)")
_LEAD = pattern(r"^([-+>=:])|^(\d{1,9})([.)])")


def _lead(match: re.Match[str]) -> str:
    return f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}"


def markdown(text: str) -> str:
    r"""Return one line of Markdown that shows the text and nothing else, wherever a line, list item or table cell begins.

    Escapes are backslashes only (`\[`), so the source stays readable; a mention, issue number or address is broken by U+2060.
    """
    if _HARMLESS.fullmatch(text):
        return text
    out = _ALWAYS.sub(r"\\\1", line(text))
    out = _UNDERSCORE.sub(r"\\_", out)
    out = _ENTITY.sub(r"\\&", out)
    out = _DOUBLED.sub(lambda m: "\\" + m[0], out)
    out = _SCHEME.sub(lambda m: "\\" + m[0], out)
    out = _MAILTO.sub(r"\\:", out)
    out = _LEAD.sub(_lead, out)
    out = _REFERENCE.sub(rf"\1{JOINER}", out)
    return _HASH.sub(r"\\#", out)


_BACKSLASHED = pattern(r"\\([!-/:-@\[-`{-~])")


def unescaped(markdown_text: str) -> str:
    """Return the text that `markdown` made its source from, as far as plain text goes."""
    return _BACKSLASHED.sub(r"\1", clean(markdown_text))


_BACKTICKS = pattern("`+")


def _fence_length(text: str, least: int) -> int:
    return max(least, 1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))


def code_span(text: str) -> str:
    """Return the text as one Markdown code span, with a delimiter that the text does not hold; not for table cells."""
    shown = line(text) or "(empty)"
    if "`" not in shown:
        return f"`{shown}`"
    ticks = "`" * _fence_length(shown, 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


_SPAN = pattern(r"(?<!`)`([^`]+)`(?!`)")


def said(text: str) -> str:
    """Return one line of Markdown that shows the text, its code spans (single backticks) as code and the rest inert."""
    pieces = _SPAN.split(line(text))
    return "".join(code_span(piece) if n % 2 else _between(piece) for n, piece in enumerate(pieces))


def _between(piece: str) -> str:
    """Return what stands beside code spans, inert, with the spaces that part it from them."""
    words = piece.strip(" ")
    return f"{' ' * piece.startswith(' ')}{markdown(words)}{' ' * piece.endswith(' ')}" if words else piece


def code_block(text: str, indent: int = 0, limit: int = 8000, language: str = "text") -> str:
    """Return the text as a fenced block with a fence longer than any in it; of a long text the last `limit` characters.

    `language` is what the fence names, a word of ours.
    """
    body = clean(text).strip("\n")
    if len(body) > limit:
        body = "[…]\n" + body[-limit:]
    fence = "`" * _fence_length(body, 3)
    pad = " " * indent
    return f"\n{pad}".join([f"{fence}{language}", *body.split("\n"), fence])


def quoted(text: str, nonce: str, limit: int = 20_000) -> str:
    """Return the text as data for a prompt: between two lines with `nonce`, every line behind `| `.

    A fresh `nonce` (letters and digits) makes the end unforgeable; the prefix makes it visible. Raises ValueError for an empty nonce.
    """
    if not nonce.isalnum():
        raise ValueError("a fence needs a fresh nonce of letters and digits")
    # A sign that no nonce holds takes its place, so that what stands around it can't close up to another one.
    body = clean(text).replace(nonce, "…").strip("\n")
    if len(body) > limit:
        body = body[:limit] + "\n[cut here: the text is longer]"
    rows = [f"| {row}".rstrip() for row in body.split("\n")]
    return "\n".join([f"<<<data {nonce}", *rows, f"data {nonce}>>>"])
