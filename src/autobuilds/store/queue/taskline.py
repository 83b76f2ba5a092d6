"""The first paragraph of a task: its name, and the parts that follow it in one of three styles."""

from __future__ import annotations

import re
from bisect import bisect_left

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.markdown.inline import Piece, mask, pieces
from autobuilds.store.queue.document import PartStyle, Span
from autobuilds.store.queue.keys import KEYS, Key, fold_key, inline_key

WS = r"[ \t\u00a0\r\n]"
#: White space from its first character on, so that a search does not begin anew at each of a long run.
_RUN = rf"(?<!{WS}){WS}+"
_EMPHASIS = r"(?P<em>\*{1,3}|_{1,3}|)"
_COLON = rf"{WS}*(?:(?P=em){WS}*:|:{WS}*(?P=em)|:)"
_FIRST = r"[^\W\d_][\w'/&.]*"
_WORD = r"[^\W_][\w'/&.]*"
_JOIN = rf"(?:{WS}+|[_-])"
#: Any ` - Key:`; whether the key is known is asked afterwards. A key has at most three words.
_SEPARATOR = pattern(rf"{_RUN}-{WS}+{_EMPHASIS}(?P<key>{_FIRST}(?:{_JOIN}{_WORD}){{0,2}}){_COLON}(?P<after>{WS}|$|)", re.IGNORECASE)
KNOWN_KEYS = "|".join(re.escape(key).replace(r"\ ", rf"(?:{WS}|[_-])+") for key in sorted(KEYS, key=len, reverse=True))
#: The start of a field of the details: `**Key:**`, `Key:`, `__Key__ :`.
FIELD = pattern(rf"{_EMPHASIS}(?P<key>{_FIRST}(?:{_JOIN}{_WORD}){{0,2}}){_COLON}(?P<after>{WS}|$|)", re.IGNORECASE)
KNOWN_FIELD = pattern(rf"{_EMPHASIS}(?P<key>{KNOWN_KEYS}){_COLON}", re.IGNORECASE)
#: A separator that is not quite one, before a known key.
_NEAR_DASH = pattern(
    rf"(?:(?:[\u2010-\u2015\u2212]|(?<!-)--+){WS}*|(?<={WS})-(?=\S)|(?<=[^\s-])-{WS}+){_EMPHASIS}(?P<key>{KNOWN_KEYS}){_COLON}",
    re.IGNORECASE,
)
_NEAR_MARK = pattern(rf"[,;|·•(]{WS}*{_EMPHASIS}(?P<key>Priority|Added){_COLON}", re.IGNORECASE)
_NEAR_COLON = pattern(
    rf"{_RUN}-{WS}+{_EMPHASIS}(?P<key>{KNOWN_KEYS})(?P=em){WS}*(?:[：=]|(?<=[Pp]riority){WS}+(?:high|medium|low)\b)", re.IGNORECASE
)
_INLINE = pattern(
    r"\[(?P<key>[^\W_][\w \t-]{0,30})::(?P<value>(?:\[\[[^\[\]]*\]\]|[^\[\]])*)\](?!\()"
    r"|\((?P<key2>[^\W_][\w \t-]{0,30})::(?P<value2>(?:\[\[[^\[\]]*\]\]|[^\[\]()])*)\)"
)
_DATE = r"(?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?)"
_SIGN = pattern(
    r"(?P<level>[🔺⏫🔼🔽⏬])\ufe0f?"
    r"|(?P<id>🆔)\ufe0f?\s*(?P<idv>[\w-]+)"
    r"|(?P<on>⛔)\ufe0f?\s*(?P<onv>[\w-]+(?:\s*,\s*[\w-]+)*)"
    rf"|(?P<when>[➕🛫⏳⌛📅📆🗓✅❌])\ufe0f?\s*{_DATE}"
    r"|🔁\ufe0f?[ \t]*(?P<every>every[^➕🛫⏳⌛📅📆🗓✅❌🔺⏫🔼🔽⏬🆔⛔🏁\[(\r\n]*)"
    r"|🏁\ufe0f?\s*(?P<then>delete|keep)"
)
_LEVELS = {"🔺": "High", "⏫": "High", "🔼": "Medium", "🔽": "Low", "⏬": "Low"}
#: Keys whose value is prose: an unknown `- Key:` in it is part of it.
_FREE = frozenset([Key.DESCRIPTION, Key.NOTES, Key.CRITERIA, Key.STEPS, Key.DELIVERABLES, Key.BLOCKERS])
_DATES = {"➕": Key.ADDED, "🛫": Key.NOT_BEFORE, "⏳": Key.NOT_BEFORE, "⌛": Key.NOT_BEFORE, "✅": Key.COMPLETED}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the line; `key` is None where its key is not known. Spans are offsets into the paragraph."""

    key: Key | None
    written: str
    style: PartStyle
    whole: Span
    value: Span
    text: str
    #: The offset of the key or sign.
    at: int


@dataclass(slots=True)
class TaskLine:
    """A first paragraph, taken apart."""

    name: Span
    #: The name as written, without the parts that stand inside it.
    name_text: str
    parts: list[Part]
    #: Offset and key of separators that are not quite one.
    near: list[tuple[int, str]]


def read_line(text: str, known_links: frozenset[str] = frozenset()) -> TaskLine:
    """Take the first paragraph of a task apart."""
    text = _unwrapped(text)
    plain = not any(char in text for char in "`<[\\")
    fields = [] if "::" not in text else _inline_fields(text)
    opaque = [] if plain else _outside(pieces(text, known_links), fields)
    masked = mask(text, opaque)
    if fields:
        masked = mask(masked, [part.whole for part in fields])
    if not text.isascii():
        signs = _signs(text, masked)
        fields += signs
        masked = mask(masked, [part.whole for part in signs])
    dashes = _dashes(text, masked, fields)
    first = min((part.whole.start for part in dashes if part.key), default=len(text))
    near = [(_after_space(masked, m.start()), m["key"]) for p in (_NEAR_DASH, _NEAR_MARK, _NEAR_COLON) for m in p.finditer(masked)]
    cuts = [part.whole for part in fields if part.whole.start < first]
    end = first
    for cut in sorted(cuts, reverse=True):
        if text[cut.end : end].strip():
            break
        end = cut.start
    parts = sorted([*fields, *dashes], key=lambda part: part.whole)
    return TaskLine(_trim(text, Span(0, end)), _without(text, first, cuts), parts, near)


def _unwrapped(text: str) -> str:
    """Return a text that is emphasized as a whole, parts included, with spaces for the marks."""
    for em in ("**", "__", "*", "_"):
        inner = text[len(em) : -len(em)]
        if text.startswith(em) and text.endswith(em) and " - " in inner and em not in inner and inner == inner.strip():
            return " " * len(em) + inner + " " * len(em)
    return text


def _outside(found: list[Piece], fields: list[Part]) -> list[tuple[int, int]]:
    """Return where pieces stand, without those that overlap an inline field; what is code keeps its precedence in `_inline_fields`."""
    starts = [part.whole.start for part in fields]
    kept = []
    for piece in found:
        at = bisect_left(starts, piece.end) - 1
        if at < 0 or fields[at].whole.end <= piece.start:
            kept.append((piece.start, piece.end))
    return kept


def _inline_fields(text: str) -> list[Part]:
    code = {"code", "comment", "escape", "html", "autolink"}
    hidden = mask(text, [(piece.start, piece.end) for piece in pieces(text) if piece.kind in code])
    found = []
    for match in _INLINE.finditer(hidden):
        name = "key" if match["key"] is not None else "key2"
        value = "value" if name == "key" else "value2"
        written = match[name].strip()
        span = _trim(text, Span(*match.span(value)))
        found.append(Part(inline_key(written), written, PartStyle.INLINE, Span(*match.span()), span, text[slice(*span)], match.start()))
    starts = {part.written.casefold() for part in found}
    if "start" in starts:
        found = [p if p.written.casefold() != "scheduled" else Part(None, *_rest(p)) for p in found]
    return found


def _rest(part: Part) -> tuple[str, PartStyle, Span, Span, str, int]:
    return part.written, part.style, part.whole, part.value, part.text, part.at


def _signs(text: str, masked: str) -> list[Part]:
    found = []
    started = "🛫" in masked
    for match in _SIGN.finditer(masked):
        sign = match["level"] or match["id"] or match["on"] or match["when"] or match[0][0]
        key: Key | None = None
        span = Span(*match.span())
        value = Span(match.start(), match.start() + 1)
        shown = sign
        if match["level"]:
            key, shown = Key.PRIORITY, _LEVELS[sign]
        elif match["id"]:
            key, value = Key.LABEL, Span(*match.span("idv"))
        elif match["on"]:
            key, value = Key.DEPENDS_ON, Span(*match.span("onv"))
        elif match["when"]:
            key, value = _DATES.get(sign), Span(*match.span("date"))
            if started and sign in "⏳⌛":
                key = None
        if not match["level"]:
            shown = text[slice(*value)]
        found.append(Part(key, sign, PartStyle.SIGN, span, value, shown, span.start))
    return found


def _dashes(text: str, masked: str, cuts: list[Part]) -> list[Part]:
    """Return the ` - Key: value` parts from the first known key on; before it only those that are not known."""
    matches: list[tuple[re.Match[str], Key | None]] = []
    free = False
    at = 0
    while match := _SEPARATOR.search(masked, at):
        key = KEYS.get(fold_key(match["key"]))
        if key is not None or match["after"] or match["em"]:
            if key is not None or not free:
                matches.append((match, key))
            free = key in _FREE if key is not None else free
            at = match.end("key")
        else:
            at = match.start() + 1
    parts = []
    places = sorted(cut.whole.start for cut in cuts)
    ends = [*(match.start() for match, _ in matches), len(text)][1:]
    seen = False
    for (match, key), end in zip(matches, ends, strict=True):
        seen = seen or key is not None
        colon = match.start("after")
        after = bisect_left(places, colon)
        stop = min(places[after], end) if after < len(places) else end
        value = _trim(text, Span(colon, stop))
        raw = text[slice(*value)]
        em = match["em"]
        if em and match[0].rstrip().endswith(":") and raw.endswith(em) and match[0].count(em) == 1:
            raw = raw[: -len(em)]
        parts.append(Part(key, match["key"], PartStyle.DASH, Span(match.start(), end if seen else colon), value, raw, match.start("key")))
    return parts


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\u00a0\r\n":
        at += 1
    return at


def _trim(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _without(text: str, end: int, cuts: list[Span]) -> str:
    parts, at = [], 0
    for cut in sorted(cuts):
        parts.append(text[at : cut.start])
        at = max(at, cut.end)
    return " ".join([*parts, text[at:end]])
