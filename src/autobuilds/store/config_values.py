"""What values of the configuration are made of: numbers, lengths of time, spans of the day, names; read with the place of each for messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from autobuilds.domain.settings import Window
from autobuilds.domain.spelling import quoted
from autobuilds.domain.times import format_duration, parse_duration, parse_window
from autobuilds.records import dataclass
from autobuilds.store.front_matter import Located


class BadValue(Exception):
    """A value can't be read; the message completes `"retries" ...` and says what is allowed."""

    def __init__(self, message: str, where: Located) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, where.line, where.column


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """How one key is read; `expects` says in words what its value may be (for messages and the reference)."""

    expects: str
    read: Callable[[Located, str], Any]
    write: Callable[[Any], str]
    #: Whether nothing written, or `none`, means the default without a word.
    optional: bool = False
    #: How the default is written where it is no value.
    nothing: str = ""


def one_value(where: Located, expects: str) -> str:
    """Return the text of a key that has one value; raises BadValue for a list or lines below it."""
    if not isinstance(where.value, str):
        raise BadValue(f"has to be one value: {expects}", where)
    return where.value.strip()


def refused(where: Located, expects: str, why: str = "") -> BadValue:
    """Return what to raise for a value that can't be meant; `why` follows the value."""
    return BadValue(f"can't be {quoted(str(where.value))}{why}; it has to be {expects}", where)


def plain(value: Any) -> str:
    """Return a number or a word as it is written."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def integer(low: int, high: int, unit: str = "", *suffixes: str, optional: bool = False) -> Key:
    """Return the key of a whole number, its unit allowed behind it; `unit` is for the messages."""

    def read(where: Located, expects: str) -> int:
        text = one_value(where, expects)
        for suffix in suffixes:
            text = text.removesuffix(suffix).strip()
        if not re.fullmatch(r"\d{1,15}(?:_\d{1,15})*", text, re.ASCII) or not low <= int(text) <= high:
            raise refused(where, expects)
        return int(text)

    return Key(expects=f"a whole number{unit} from {low} to {high}", read=read, write=plain, optional=optional)


def number(low: float, high: float, unit: str = "", *, prefix: str = "", optional: bool = False) -> Key:
    """Return the key of a number; `unit` is for the messages, `prefix` may stand before it."""

    def read(where: Located, expects: str) -> float:
        text = one_value(where, expects).removeprefix(prefix)
        if not re.fullmatch(r"\d{1,12}(?:\.\d{1,6})?", text, re.ASCII) or not low <= float(text) <= high:
            raise refused(where, expects)
        return float(text)

    return Key(expects=f"a number{unit} from {low:.10g} to {high:.10g}", read=read, write=plain, optional=optional)


def duration(low: str, high: str) -> Key:
    """Return the key of a length of time between two others."""

    def read(where: Located, expects: str) -> timedelta:
        span = parse_duration(one_value(where, expects))
        if span is None and re.fullmatch(r"\d+(\.\d+)?", one_value(where, expects)):
            raise refused(where, expects, " without a unit")
        shortest, longest = parse_duration(low), parse_duration(high)
        assert shortest is not None
        assert longest is not None
        if span is None or not shortest <= span <= longest or span.microseconds:
            raise refused(where, expects)
        return span

    return Key(expects=f"a duration such as `45s`, `30m`, `4h`, `1h30m` or `1d`, from {low} to {high}", read=read, write=format_duration)


def read_window(where: Located, expects: str) -> Window:
    """Return a span of the local day."""
    window = parse_window(one_value(where, expects))
    if window is None:
        raise refused(where, expects)
    return window


def matching(pattern: str, expects: str, *, meant: Mapping[str, str] | None = None, optional: bool = False) -> Key:
    """Return the key of a text that matches a pattern; `meant` says what is meant by words that look like values."""

    def read(where: Located, expects: str) -> str:
        text = one_value(where, expects)
        if text.casefold() in (meant or {}):
            raise refused(where, expects, f' (did you mean "{(meant or {})[text.casefold()]}"?)')
        if not re.fullmatch(pattern, text):
            raise refused(where, expects)
        return text

    return Key(expects=expects, read=read, write=plain, optional=optional)


def names(pattern: str, expects: str) -> Key:
    """Return the key of a list of texts that match a pattern."""

    def read(where: Located, expects: str) -> tuple[str, ...]:
        if isinstance(where.value, dict):
            raise BadValue(f"has to be a list: {expects}", where)
        items = (
            where.value if isinstance(where.value, list) else [piece(where, p) for p in one_value(where, expects).split(",") if p.strip()]
        )
        found: list[str] = []
        for item in items:
            text = one_value(item, expects)
            if not re.fullmatch(pattern, text):
                raise refused(item, expects)
            found.append(text)
        return tuple(dict.fromkeys(found))

    return Key(expects=expects, read=read, write=", ".join, optional=True)


def piece(where: Located, text: str) -> Located:
    """Return a part of a value, at the place of the whole, for messages about it."""
    return Located(value=text, line=where.line, column=where.column, key_line=where.key_line)


def key_of(name: str, item: Located) -> Located:
    """Return a key of a mapping as a value, for messages about it."""
    return Located(value=name, line=item.key_line, column=item.key_column, key_line=item.key_line, key_column=item.key_column)


def read_flag(where: Located, expects: str) -> bool:
    """Return a yes or no."""
    word = one_value(where, expects).casefold()
    if word not in {"yes", "no", "true", "false", "on", "off"}:
        raise refused(where, expects)
    return word in {"yes", "true", "on"}


def flag() -> Key:
    """Return the key of a yes or no."""
    return Key(expects="yes or no", read=read_flag, write=lambda value: "yes" if value else "no")
