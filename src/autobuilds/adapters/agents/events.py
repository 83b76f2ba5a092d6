"""Values within events: dotted paths, conditions, numbers as agents write them. Everything here is total: hostile events yield nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from autobuilds.domain.agents import Scalar
from autobuilds.domain.patterns import pattern

#: Parts of a dotted path; the table's reader refuses more, so that keys with dots stay cheap to find.
MAX_PARTS = 10
T = TypeVar("T")
#: Types of events whose rules are kept at hand; a hostile stream has more.
_MAX_TYPES = 200
#: A session's id becomes an argument of the next command line.
SESSION = pattern(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
#: Texts in one line, divided by carriage returns as progress bars are, that are looked at.
_MAX_ROWS = 200
_MAX_NUMBER = 1e15
_NUMBER = pattern(r"\s*\$?\s*(\d[\d,_]{0,20}(?:\.\d{1,12})?|\.\d{1,12})\s*([kKmMbB]?)\s*", re.ASCII)
_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


def decode(text: str | bytes) -> Any:
    """Return the JSON value that a text is, or None; what JSON does not know (NaN, Infinity) is null."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def rows_of(line: bytes) -> list[str]:
    """Return what a line shows one after the other where carriage returns overwrite it: the last of it, however often that was."""
    return line.decode("utf-8", "replace").rstrip("\r").rsplit("\r", _MAX_ROWS)


def found(value: Any, path: str) -> Any:
    """Return what a dotted path leads to, or None.

    A part is a key, or in a list an index (`-1` is the last). A key that holds dots itself is found too: shorter keys are tried first.
    """
    parts = path.split(".")
    inner = value
    for part in parts:
        inner = inner.get(part) if isinstance(inner, dict) else None
        if inner is None:
            return _found(value, parts, 0) if len(parts) > 1 or isinstance(value, list) else None
    return inner


def _found(value: Any, parts: list[str], at: int) -> Any:
    if at == len(parts):
        return value
    if isinstance(value, list):
        index = _index(parts[at])
        if index is None or not -len(value) <= index < len(value):
            return None
        return _found(value[index], parts, at + 1)
    if not isinstance(value, dict):
        return None
    for end in range(at + 1, len(parts) + 1):
        key = ".".join(parts[at:end])
        if key in value and (inner := _found(value[key], parts, end)) is not None:
            return inner
    return None


def _index(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,6}", text, re.ASCII) else None


def same(value: Any, wanted: Scalar) -> bool:
    """Whether a value is the wanted scalar; true is not 1, but 1 is 1.0."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return type(value) in {str, int, float, type(None)} and bool(value == wanted)


def matches(value: Any, conditions: tuple[tuple[str, Scalar], ...]) -> bool:
    """Whether all conditions hold of a value; a path of `.` is the value itself."""
    for path, wanted in conditions:  # noqa: SIM110 - a generator costs as much as the comparison
        if not same(value if path == "." else found(value, path), wanted):
            return False
    return True


class ByType(Generic[T]):
    """Rules in their order, of which an event is only tried on those that its `type` does not rule out."""

    def __init__(self, rules: Iterable[tuple[T, tuple[tuple[tuple[str, Scalar], ...], ...]]]) -> None:
        """Take rules, each with its alternatives: lists of conditions of which one has to hold."""
        self._rules = [(rule, _types(alternatives)) for rule, alternatives in rules]
        self._known: dict[str, list[T]] = {}

    def of(self, event: Any) -> list[T]:
        """Return the rules that may concern an event."""
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str):
            return [rule for rule, types in self._rules if types is None]
        known = self._known.get(kind)
        if known is None:
            known = [rule for rule, types in self._rules if types is None or kind in types]
            if len(self._known) < _MAX_TYPES:
                self._known[kind] = known
        return known


def _types(alternatives: tuple[tuple[tuple[str, Scalar], ...], ...]) -> frozenset[str] | None:
    """Return the types of which an event must have one, None where any does."""
    kinds = [next((w for path, w in conditions if path == "type" and isinstance(w, str)), None) for conditions in alternatives]
    return None if None in kinds else frozenset(kind for kind in kinds if kind is not None)


def text_of(value: Any) -> str | None:
    """Return a scalar as text, None for null, an empty text, a list or an object."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if abs(value) < _MAX_NUMBER else None
    return None


def number_of(value: Any) -> float | None:
    """Return a number that is not negative, also written as `2.8k`, `1,204` or `$0.12`, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if 0 <= value < _MAX_NUMBER and math.isfinite(value) else None
    if not isinstance(value, str) or (match := _NUMBER.fullmatch(value)) is None:
        return None
    return float(match[1].replace(",", "").replace("_", "")) * _SCALE[match[2].lower()]
