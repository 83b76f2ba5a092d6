"""Every key of the configuration: how its text is read, what it may be, and how its value is written back as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.day import TIMETABLE, Context, Rule
from autobuilds.domain.sandbox import Network, Tier
from autobuilds.domain.settings import Window
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.domain.times import (
    format_duration,
    format_minutes,
    format_window,
    parse_duration,
    parse_estimate,
    parse_window,
    window_length,
)
from autobuilds.domain.week import format_span, parse_span
from autobuilds.domain.windows import WINDOWS, DayWindow, Span
from autobuilds.records import dataclass
from autobuilds.store.front_matter import Located

#: What people write for "no limit" or "none of it".
_NONE = frozenset({"none", "no limit", "unlimited"})


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


def _text(where: Located, expects: str) -> str:
    if not isinstance(where.value, str):
        raise BadValue(f"has to be one value: {expects}", where)
    return where.value.strip()


def _refuse(where: Located, expects: str, why: str = "") -> BadValue:
    return BadValue(f"can't be {quoted(str(where.value))}{why}; it has to be {expects}", where)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _integer(low: int, high: int, unit: str = "", *suffixes: str, optional: bool = False) -> Key:
    def read(where: Located, expects: str) -> int:
        text = _text(where, expects)
        for suffix in suffixes:
            text = text.removesuffix(suffix).strip()
        if not re.fullmatch(r"\d{1,15}(?:_\d{1,15})*", text, re.ASCII) or not low <= int(text) <= high:
            raise _refuse(where, expects)
        return int(text)

    return Key(expects=f"a whole number{unit} from {low} to {high}", read=read, write=_plain, optional=optional)


def _number(low: float, high: float, unit: str = "", *, prefix: str = "", optional: bool = False) -> Key:
    def read(where: Located, expects: str) -> float:
        text = _text(where, expects).removeprefix(prefix)
        if not re.fullmatch(r"\d{1,12}(?:\.\d{1,6})?", text, re.ASCII) or not low <= float(text) <= high:
            raise _refuse(where, expects)
        return float(text)

    return Key(expects=f"a number{unit} from {low:.10g} to {high:.10g}", read=read, write=_plain, optional=optional)


def _duration(low: str, high: str) -> Key:
    def read(where: Located, expects: str) -> timedelta:
        span = parse_duration(_text(where, expects))
        if span is None and re.fullmatch(r"\d+(\.\d+)?", _text(where, expects)):
            raise _refuse(where, expects, " without a unit")
        shortest, longest = parse_duration(low), parse_duration(high)
        assert shortest is not None
        assert longest is not None
        if span is None or not shortest <= span <= longest or span.microseconds:
            raise _refuse(where, expects)
        return span

    return Key(expects=f"a duration such as `45s`, `30m`, `4h`, `1h30m` or `1d`, from {low} to {high}", read=read, write=format_duration)


def _read_window(where: Located, expects: str) -> Window:
    window = parse_window(_text(where, expects))
    if window is None:
        raise _refuse(where, expects)
    return window


def _matching(pattern: str, expects: str, *, refused: Mapping[str, str] | None = None, optional: bool = False) -> Key:
    def read(where: Located, expects: str) -> str:
        text = _text(where, expects)
        if text.casefold() in (refused or {}):
            raise _refuse(where, expects, f' (did you mean "{(refused or {})[text.casefold()]}"?)')
        if not re.fullmatch(pattern, text):
            raise _refuse(where, expects)
        return text

    return Key(expects=expects, read=read, write=_plain, optional=optional)


def _names(pattern: str, expects: str) -> Key:
    def read(where: Located, expects: str) -> tuple[str, ...]:
        if isinstance(where.value, dict):
            raise BadValue(f"has to be a list: {expects}", where)
        items = where.value if isinstance(where.value, list) else [_part(where, p) for p in _text(where, expects).split(",") if p.strip()]
        names: list[str] = []
        for item in items:
            text = _text(item, expects)
            if not re.fullmatch(pattern, text):
                raise _refuse(item, expects)
            names.append(text)
        return tuple(dict.fromkeys(names))

    return Key(expects=expects, read=read, write=", ".join, optional=True)


def _part(where: Located, text: str) -> Located:
    return Located(value=text, line=where.line, column=where.column, key_line=where.key_line)


def _read_deliver(where: Located, expects: str) -> dict[str, DeliverMode]:
    modes = {"default": DeliverMode.REVIEW}
    given = where.value if isinstance(where.value, dict) else {"default": where}
    for category, item in given.items():
        word = _text(item, expects).casefold()
        if word not in list(DeliverMode):
            raise _refuse(item, expects, did_you_mean(word, list(DeliverMode)))
        name = " ".join(category.split()).casefold()
        if name in modes and name != "default":
            raise BadValue(f"names {quoted(category)} twice; delete one of the two", item)
        modes[name] = DeliverMode(word)
    return modes


def _write_deliver(modes: dict[str, DeliverMode]) -> str:
    return ", ".join(f"{category}: {mode.value}" for category, mode in modes.items())


_MODEL = r"[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,127}"


def _read_models(where: Located, expects: str) -> dict[str, str]:
    given = where.value if isinstance(where.value, dict) else {"default": where}
    models: dict[str, str] = {}
    for agent, item in given.items():
        text = _text(item, expects)
        if not re.fullmatch(_MODEL, text):
            raise _refuse(item, expects)
        models[agent.strip()] = text
    return models


def _write_models(models: Mapping[str, object]) -> str:
    return ", ".join(f"{agent}: {model}" for agent, model in models.items())


def _read_tier(where: Located, expects: str) -> Tier | None:
    return None if _text(where, expects).casefold() == "auto" else _read_demand(where, expects)


def _read_demand(where: Located, expects: str) -> Tier:
    word = _text(where, expects).casefold()
    word = {"bwrap": Tier.BWRAP.value, "off": Tier.NONE.value, "no": Tier.NONE.value, "false": Tier.NONE.value}.get(word, word)
    if word not in list(Tier):
        raise _refuse(where, expects, did_you_mean(word, list(Tier)))
    return Tier(word)


def _read_network(where: Located, expects: str) -> Network:
    word = _text(where, expects).casefold()
    if word not in list(Network):
        raise _refuse(where, expects, did_you_mean(word, list(Network)))
    return Network(word)


def _read_flag(where: Located, expects: str) -> bool:
    word = _text(where, expects).casefold()
    if word not in {"yes", "no", "true", "false", "on", "off"}:
        raise _refuse(where, expects)
    return word in {"yes", "true", "on"}


def _context(text: str, where: Located, expects: str) -> Context:
    word = text.strip().casefold()
    if word not in list(Context):
        raise _refuse(where, expects, did_you_mean(word, list(Context)))
    return Context(word)


def _read_slots(where: Located, expects: str) -> dict[str, int]:
    given = where.value if isinstance(where.value, dict) else {"default": where}
    slots = {"default": 1}
    for name, item in given.items():
        text = _text(item, expects)
        if not re.fullmatch(r"\d{1,2}", text, re.ASCII) or not 1 <= int(text) <= 64:
            raise _refuse(item, "a whole number from 1 to 64")
        key = name.strip().casefold()
        slots[key if key == "default" else _context(name, _key_of(name, item), f"default, {', '.join(Context)}").value] = int(text)
    return slots


def _key_of(name: str, item: Located) -> Located:
    """Return a key of a mapping as a value, for messages about it."""
    return Located(value=name, line=item.key_line, column=item.key_column, key_line=item.key_line, key_column=item.key_column)


def _spans(item: Located, expects: str) -> tuple[Span, ...]:
    """Return the spans of one line: `Mon-Fri 09:00-17:00, Sat 10:00-12:00`, or a list of such; none for `none`."""
    parts = item.value if isinstance(item.value, list) else [_part(item, p) for p in _span_texts(_text(item, expects))]
    found: list[Span] = []
    for part in parts:
        text = _text(part, expects)
        if len(parts) == 1 and text.casefold() in {"none", "never"}:
            return ()
        span = parse_span(text)
        if span is None:
            raise _refuse(part, "days and hours such as `Mon-Fri 09:00-17:00`, `Sat, Sun` or `23:00-07:00`")
        found.append(span)
    return tuple(found)


def _span_texts(text: str) -> list[str]:
    """Return the spans of a text: a comma behind hours parts two of them, one between days does not."""
    return re.split(r"(?<=\d:\d\d)\s*,\s*", text.strip())


def _read_contexts(where: Located, expects: str) -> tuple[Rule, ...]:
    if not isinstance(where.value, dict):
        raise BadValue(f"has to be {expects}", where)
    rules: list[Rule] = []
    given: set[Context] = set()
    for name, item in where.value.items():
        context = _context(name, _key_of(name, item), f"one of {', '.join(Context)}")
        given.add(context)
        rules += [Rule(context=context, span=span) for span in _spans(item, expects)]
    return (*rules, *(r for r in TIMETABLE if r.context not in given))


def _write_contexts(rules: tuple[Rule, ...]) -> str:
    named = list(dict.fromkeys(r.context for r in rules))
    return "; ".join(f"{c.value}: {', '.join(format_span(r.span) for r in rules if r.context is c)}" for c in named)


_LENGTH = re.compile(r"(.*?)(?:,\s*)(\d+(?:\.\d+)?\s*(?:-|to|–)\s*\d+(?:\.\d+)?\s*[a-z]+|\d+(?:\.\d+)?\s*[a-z]+)\s*", re.IGNORECASE)
_WINDOW_NAME = r"[a-z0-9][a-z0-9-]{0,31}"


def _read_windows(where: Located, expects: str) -> tuple[DayWindow, ...]:
    if not isinstance(where.value, dict):
        raise BadValue(f"has to be {expects}", where)
    made = {w.name: w for w in WINDOWS}
    for name, item in where.value.items():
        key = re.sub(r"[\s_]+", "-", name.strip().casefold())
        if not re.fullmatch(_WINDOW_NAME, key):
            raise _refuse(_key_of(name, item), "a name of letters, digits and `-`")
        text = _text(item, expects)
        if text.casefold() in {"none", "never"}:
            made.pop(key, None)
            continue
        made[key] = _window_of(key, text, item)
    return tuple(made.values())


def _window_of(name: str, text: str, item: Located) -> DayWindow:
    found = _LENGTH.fullmatch(text)
    span = parse_span(found[1] if found else text)
    length = parse_estimate(found[2]) if found else None
    if span is None or (found and length is None):
        raise _refuse(item, "days and hours and what fits, such as `Mon-Fri 19:00-23:00, 1-2 h`")
    if length is not None:
        low = 0 if length.min_minutes == length.max_minutes else length.min_minutes
        return DayWindow(name=name, span=span, least=low, most=length.max_minutes)
    hours = window_length(Window(start=span.start, end=span.end))
    return DayWindow(name=name, span=span, least=0, most=int(hours.total_seconds() // 60))


def _write_windows(windows: tuple[DayWindow, ...]) -> str:
    return "; ".join(f"{w.name}: {format_span(w.span)}, {_length_of(w)}" for w in windows)


def _length_of(window: DayWindow) -> str:
    most = format_minutes(window.most)
    return f"{format_minutes(window.least)} to {most}" if window.least else most


def _read_interrupt(where: Located, expects: str) -> tuple[Context, ...]:
    items = where.value if isinstance(where.value, list) else [_part(where, p) for p in _text(where, expects).split(",") if p.strip()]
    named = [_text(item, expects) for item in items]
    if [n.casefold() for n in named] == ["never"]:
        return ()
    return tuple(dict.fromkeys(_context(name, item, expects) for name, item in zip(named, items, strict=True)))


def _write_interrupt(contexts: tuple[Context, ...]) -> str:
    return ", ".join(c.value for c in contexts) or "never"


#: A branch name that Git accepts (git-check-ref-format), outside the builds' own branches.
_BRANCH = r"(?!build/)(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))[\w](?:[\w./+@-]*[\w+@-])?"
_GLOB = r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[^\x00-\x1f\\]+"

KEYS: dict[str, Key] = {
    "timezone": _matching(r"[A-Za-z][\w+/-]*", "the name of a time zone such as Europe/Berlin", optional=True),
    "interval": _duration("1m", "1d"),
    "off_hours": Key(expects="a span of the day such as 22:00-06:00", read=_read_window, write=format_window),
    "max_concurrent": Key(
        expects="a whole number from 1 to 64, or lines `context: number` below it", read=_read_slots, write=_write_models
    ),
    "contexts": Key(
        expects="lines `context: days and hours` such as `working: Mon-Fri 09:00-17:00`", read=_read_contexts, write=_write_contexts
    ),
    "calendar": _names(r"https://[^\s,]+|(?!\w+://)[^\x00-\x1f,]+", "paths or https addresses of calendars, as a list or with commas"),
    "windows": Key(
        expects="lines `name: days and hours, shortest-longest` such as `quick-win: Mon-Fri 19:00-23:00, 1-2 h`",
        read=_read_windows,
        write=_write_windows,
    ),
    "interrupt": Key(
        expects=f"contexts ({', '.join(Context)}), as a list or with commas, or `never`", read=_read_interrupt, write=_write_interrupt
    ),
    "overnight": Key(expects="a span of the day such as 23:00-07:00", read=_read_window, write=format_window),
    "overnight_builds": _integer(1, 64),
    "overnight_throttle": _integer(10, 100, " of percent", "%"),
    "status_chart": Key(expects="yes or no", read=_read_flag, write=lambda value: "yes" if value else "no"),
    "diary": Key(expects="yes or no", read=_read_flag, write=lambda value: "yes" if value else "no"),
    "housekeeping": _names(r"[^\x00-\x1f,]+", "folders, as a list or with commas"),
    "log_limit": _integer(1, 4096, " of MiB", "MiB", "MB"),
    "log_age": _duration("1h", "3650d"),
    "stall_after": _duration("1s", "30d"),
    "retries": _integer(1, 20),
    "retry_delay": _duration("0s", "7d"),
    "agent": _matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "the name of an agent such as claude or command", optional=True),
    "timeout": _duration("1s", "30d"),
    "check_timeout": _duration("1s", "1d"),
    "duty_timeout": _duration("1s", "1d"),
    "output_limit": _integer(1, 4096, " of MiB", "MiB", "MB"),
    "deliver": Key(expects="`review`, `merge` or `pr`, or lines `category: review` below it", read=_read_deliver, write=_write_deliver),
    "forge": _matching(r"gh|glab|tea", "gh, glab or tea", optional=True),
    "review_limit": _integer(1, 1000),
    "disk_limit": _integer(1, 100, " of percent", "%"),
    "memory_limit": _integer(1, 100, " of percent", "%"),
    "load_limit": _number(0.1, 1000),
    "attempts_per_day": _integer(1, 10_000, optional=True),
    "hours_per_day": _number(0.1, 10_000, " of hours", optional=True),
    "cost_per_day": _number(0.01, 1_000_000, " of USD", prefix="$", optional=True),
    "cost_per_task": _number(0.01, 1_000_000, " of USD", prefix="$", optional=True),
    "tokens_per_day": _integer(1, 1_000_000_000_000, optional=True),
    "cost_per_night": _number(0.01, 1_000_000, " of USD", prefix="$", optional=True),
    "tokens_per_night": _integer(1, 1_000_000_000_000, optional=True),
    "tokens_per_task": _integer(1, 1_000_000_000_000, optional=True),
    "model": Key(expects="a model's name, or lines `agent: model` below it", read=_read_models, write=_write_models, optional=True),
    "sandbox": Key(expects="`auto`, bubblewrap+landlock, bubblewrap, landlock or none", read=_read_tier, write=_plain, nothing="auto"),
    "require_sandbox": Key(expects="bubblewrap+landlock, bubblewrap, landlock or none", read=_read_demand, write=_plain),
    "network": Key(expects="`open`, `web` or `none`", read=_read_network, write=_plain),
    "process_limit": _integer(16, 1_000_000),
    "build_memory": _integer(64, 10_000_000, " of MiB", "MiB", "MB", optional=True),
    "file_limit": _integer(1, 1_048_576, " of MiB", "MiB", "MB"),
    "commits": _matching(
        _BRANCH,
        "`current`, `none`, or the name of a branch",
        refused={"no": "none", "off": "none", "false": "none", "never": "none", "yes": "current", "on": "current", "true": "current"},
    ),
    "approvers": _names(r"[^\s@<>,]+@[^\s@<>,]+", "e-mail addresses such as olive@example.org, as a list or with commas"),
    "environment": _names(r"[A-Za-z_][A-Za-z0-9_]*", "names of environment variables such as PIP_INDEX_URL, as a list or with commas"),
    "protected": _names(_GLOB, "path globs inside the repository such as deploy/**, as a list or with commas"),
}


def read_value(name: str, where: Located) -> Any:
    """Return the value that the text of a known key means, or None where it leaves the default; raises BadValue."""
    key = KEYS[name]
    if where.value is None or where.value == "":
        if key.optional:
            return None
        raise BadValue(f"has no value; it has to be {key.expects} (or delete the line)", where)
    if key.optional and isinstance(where.value, str) and where.value.strip().casefold() in _NONE:
        return None
    return key.read(where, key.expects)


def write_value(name: str, value: Any) -> str:
    """Return a value in the notation of the configuration; empty for none."""
    return KEYS[name].nothing if value is None else KEYS[name].write(value)
