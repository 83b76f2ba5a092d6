"""Every key of the configuration: how its text is read, what it may be, and how its value is written back as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.sandbox import Network, Tier
from autobuilds.domain.settings import Window
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.domain.times import format_duration, format_window, parse_duration, parse_window
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


def _write_models(models: dict[str, str]) -> str:
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


#: A branch name that Git accepts (git-check-ref-format), outside the builds' own branches.
_BRANCH = r"(?!build/)(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))[\w](?:[\w./+@-]*[\w+@-])?"
_GLOB = r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[^\x00-\x1f\\]+"

KEYS: dict[str, Key] = {
    "timezone": _matching(r"[A-Za-z][\w+/-]*", "the name of a time zone such as Europe/Berlin", optional=True),
    "interval": _duration("1m", "1d"),
    "off_hours": Key(expects="a span of the day such as 22:00-06:00", read=_read_window, write=format_window),
    "max_concurrent": _integer(1, 64),
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
