"""The keys of the configuration that describe the owner's day: contexts, windows, slots by context, interruptions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autobuilds.domain.day import TIMETABLE, Context, Rule
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.domain.times import format_minutes, parse_estimate
from autobuilds.domain.week import format_span, parse_span, span_length, window_key
from autobuilds.domain.windows import WINDOWS, DayWindow, Span
from autobuilds.store.config_values import BadValue, key_of, one_value, piece, refused
from autobuilds.store.front_matter import Located

#: What a number of slots may be.
_SLOTS = "a whole number from 1 to 64"


def _context(text: str, where: Located, expects: str) -> Context:
    word = text.strip().casefold()
    if word not in list(Context):
        raise refused(where, expects, did_you_mean(word, list(Context)))
    return Context(word)


def read_slots(given: Mapping[str, Located]) -> dict[str, int]:
    """Return the slots of contexts by their names, and of all others under `default`; raises BadValue."""
    slots: dict[str, int] = {}
    for name, item in given.items():
        text, key = one_value(item, _SLOTS), name.strip().casefold()
        if not re.fullmatch(r"\d{1,2}", text, re.ASCII) or not 1 <= int(text) <= 64:
            raise refused(item, _SLOTS)
        if key != "default":
            key = _context(name, key_of(name, item), f"default, {', '.join(Context)}").value
        if key in slots:
            raise BadValue(f"names {quoted(name)} twice; delete one of the two", key_of(name, item))
        slots[key] = int(text)
    return {"default": 1, **slots}


def _spans(item: Located, expects: str) -> tuple[Span, ...]:
    """Return the spans of one line: `Mon-Fri 09:00-17:00, Sat 10:00-12:00`, or a list of such; none for `none`."""
    parts = item.value if isinstance(item.value, list) else [piece(item, p) for p in _span_texts(one_value(item, expects))]
    found: list[Span] = []
    for part in parts:
        text = one_value(part, expects)
        if len(parts) == 1 and text.casefold() in {"none", "never"}:
            return ()
        span = parse_span(text)
        if span is None:
            raise refused(part, "days and hours such as `Mon-Fri 09:00-17:00`, `Sat, Sun` or `23:00-07:00`")
        found.append(span)
    return tuple(found)


def _span_texts(text: str) -> list[str]:
    """Return the spans of a text: a comma behind hours parts two of them, one between days does not."""
    return re.split(r"(?<=\d:\d\d)\s*,\s*", text.strip())


def read_contexts(where: Located, expects: str) -> tuple[Rule, ...]:
    """Return the timetable: lines with hours before whole days, the owner's before the defaults of contexts that he does not name."""
    if not isinstance(where.value, dict):
        raise BadValue(f"has to be {expects}", where)
    rules: list[Rule] = []
    given: set[Context] = set()
    for name, item in where.value.items():
        context = _context(name, key_of(name, item), f"one of {', '.join(Context)}")
        given.add(context)
        rules += [Rule(context=context, span=span) for span in _spans(item, expects)]
    every = (*rules, *(r for r in TIMETABLE if r.context not in given))
    return tuple(sorted(every, key=lambda rule: rule.span.start == rule.span.end))


def write_contexts(rules: tuple[Rule, ...]) -> str:
    """Return a timetable as one line."""
    named = list(dict.fromkeys(r.context for r in rules))
    return "; ".join(f"{c.value}: {', '.join(format_span(r.span) for r in rules if r.context is c)}" for c in named)


_WINDOW_NAME = r"[a-z0-9][a-z0-9-]{0,31}"


def read_windows(where: Located, expects: str) -> tuple[DayWindow, ...]:
    """Return the windows: the defaults, each changed or taken away where it is named, and those of other names."""
    if not isinstance(where.value, dict):
        raise BadValue(f"has to be {expects}", where)
    made = {w.name: w for w in WINDOWS}
    for name, item in where.value.items():
        key = window_key(name)
        if not re.fullmatch(_WINDOW_NAME, key):
            raise refused(key_of(name, item), "a name of letters, digits and `-`")
        text = one_value(item, expects)
        if text.casefold() in {"none", "never"}:
            made.pop(key, None)
            continue
        made[key] = _window_of(key, text, item)
    return tuple(made.values())


def _window_of(name: str, text: str, item: Located) -> DayWindow:
    """Return the window that days, hours and, behind the last comma, a length of builds describe."""
    spans, _, tail = text.rpartition(",")
    measured = bool(spans) and tail.strip()[:1].isdigit() and ":" not in tail
    span = parse_span(spans if measured else text)
    length = parse_estimate(tail) if measured else None
    if span is None or (measured and length is None):
        raise refused(item, "days and hours and what fits, such as `Mon-Fri 19:00-23:00, 1-2 h`")
    if length is not None:
        low = 0 if length.min_minutes == length.max_minutes else length.min_minutes
        return DayWindow(name=name, span=span, least=low, most=length.max_minutes)
    return DayWindow(name=name, span=span, least=0, most=int(span_length(span).total_seconds() // 60))


def write_windows(windows: tuple[DayWindow, ...]) -> str:
    """Return windows as one line."""
    return "; ".join(f"{w.name}: {format_span(w.span)}, {_length_of(w)}" for w in windows)


def _length_of(window: DayWindow) -> str:
    most = format_minutes(window.most)
    return f"{format_minutes(window.least)} to {most}" if window.least else most


def read_interrupt(where: Located, expects: str) -> tuple[Context, ...]:
    """Return the contexts in which the owner may be interrupted; none for `never`."""
    items = where.value if isinstance(where.value, list) else [piece(where, p) for p in one_value(where, expects).split(",") if p.strip()]
    named = [one_value(item, expects) for item in items]
    if [n.casefold() for n in named] == ["never"]:
        return ()
    return tuple(dict.fromkeys(_context(name, item, expects) for name, item in zip(named, items, strict=True)))


def write_interrupt(contexts: tuple[Context, ...]) -> str:
    """Return contexts as one line."""
    return ", ".join(c.value for c in contexts) or "never"
