"""Every key of the configuration: how its text is read, what it may be, and how its value is written back as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.day import Context
from autobuilds.domain.sandbox import Network, Tier
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.domain.times import format_window
from autobuilds.store.config_values import (
    BadValue,
    Key,
    duration,
    flag,
    integer,
    matching,
    names,
    number,
    one_value,
    plain,
    read_window,
    refused,
)
from autobuilds.store.front_matter import Located

#: What people write for "no limit" or "none of it".
_NONE = frozenset({"none", "no limit", "unlimited"})


def _read_deliver(where: Located, expects: str) -> dict[str, DeliverMode]:
    modes = {"default": DeliverMode.REVIEW}
    given = where.value if isinstance(where.value, dict) else {"default": where}
    for category, item in given.items():
        word = one_value(item, expects).casefold()
        if word not in list(DeliverMode):
            raise refused(item, expects, did_you_mean(word, list(DeliverMode)))
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
        text = one_value(item, expects)
        if not re.fullmatch(_MODEL, text):
            raise refused(item, expects)
        models[agent.strip()] = text
    return models


def _write_models(models: Mapping[str, object]) -> str:
    return ", ".join(f"{agent}: {model}" for agent, model in models.items())


def _read_tier(where: Located, expects: str) -> Tier | None:
    return None if one_value(where, expects).casefold() == "auto" else _read_demand(where, expects)


def _read_demand(where: Located, expects: str) -> Tier:
    word = one_value(where, expects).casefold()
    word = {"bwrap": Tier.BWRAP.value, "off": Tier.NONE.value, "no": Tier.NONE.value, "false": Tier.NONE.value}.get(word, word)
    if word not in list(Tier):
        raise refused(where, expects, did_you_mean(word, list(Tier)))
    return Tier(word)


def _read_network(where: Located, expects: str) -> Network:
    word = one_value(where, expects).casefold()
    if word not in list(Network):
        raise refused(where, expects, did_you_mean(word, list(Network)))
    return Network(word)


def _of_the_day(name: str, expects: str) -> Key:
    """Return a key whose reader and writer, `read_NAME` and `write_NAME` of `config_day`, are imported when it is given or shown."""

    def read(where: Located, expects: str) -> Any:
        from autobuilds.store import config_day

        return getattr(config_day, f"read_{name}")(where, expects)

    def write(value: Any) -> str:
        from autobuilds.store import config_day

        return str(getattr(config_day, f"write_{name}")(value))

    return Key(expects=expects, read=read, write=write)


def _read_slots(where: Located, expects: str) -> dict[str, int]:
    if isinstance(where.value, dict):
        from autobuilds.store.config_day import read_slots

        return read_slots(where.value)
    text = one_value(where, expects)
    if not re.fullmatch(r"\d{1,2}", text, re.ASCII) or not 1 <= int(text) <= 64:
        raise refused(where, expects)
    return {"default": int(text)}


#: A branch name that Git accepts (git-check-ref-format), outside the builds' own branches.
_BRANCH = r"(?!build/)(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))[\w](?:[\w./+@-]*[\w+@-])?"
_GLOB = r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[^\x00-\x1f\\]+"

KEYS: dict[str, Key] = {
    "timezone": matching(r"[A-Za-z][\w+/-]*", "the name of a time zone such as Europe/Berlin", optional=True),
    "interval": duration("1m", "1d"),
    "off_hours": Key(expects="a span of the day such as 22:00-06:00", read=read_window, write=format_window),
    "max_concurrent": Key(
        expects="a whole number from 1 to 64, or lines `context: number` below it", read=_read_slots, write=_write_models
    ),
    "contexts": _of_the_day("contexts", "lines `context: days and hours` such as `working: Mon-Fri 09:00-17:00`"),
    "calendar": names(
        r"(?:https|webcals?)://[^\s,]+|(?!\w+://)[^\x00-\x1f,]+", "paths or https addresses of calendars, as a list or with commas"
    ),
    "windows": _of_the_day("windows", "lines `name: days and hours, shortest-longest` such as `quick-win: Mon-Fri 19:00-23:00, 1-2 h`"),
    "interrupt": _of_the_day("interrupt", f"contexts ({', '.join(Context)}), as a list or with commas, or `never`"),
    "overnight": Key(expects="a span of the day such as 23:00-07:00", read=read_window, write=format_window),
    "overnight_builds": integer(1, 64),
    "overnight_throttle": integer(10, 100, " of percent", "%"),
    "status_chart": flag(),
    "diary": flag(),
    "housekeeping": names(r"[^\x00-\x1f,]+", "folders, as a list or with commas"),
    "log_limit": integer(1, 4096, " of MiB", "MiB", "MB"),
    "log_age": duration("1h", "3650d"),
    "stall_after": duration("1s", "30d"),
    "retries": integer(1, 20),
    "retry_delay": duration("0s", "7d"),
    "agent": matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "the name of an agent such as claude or command", optional=True),
    "timeout": duration("1s", "30d"),
    "check_timeout": duration("1s", "1d"),
    "duty_timeout": duration("1s", "1d"),
    "output_limit": integer(1, 4096, " of MiB", "MiB", "MB"),
    "deliver": Key(expects="`review`, `merge` or `pr`, or lines `category: review` below it", read=_read_deliver, write=_write_deliver),
    "forge": matching(r"gh|glab|tea", "gh, glab or tea", optional=True),
    "review_limit": integer(1, 1000),
    "disk_limit": integer(1, 100, " of percent", "%"),
    "memory_limit": integer(1, 100, " of percent", "%"),
    "load_limit": number(0.1, 1000),
    "attempts_per_day": integer(1, 10_000, optional=True),
    "hours_per_day": number(0.1, 10_000, " of hours", optional=True),
    "cost_per_day": number(0.01, 1_000_000, " of USD", prefix="$", optional=True),
    "cost_per_task": number(0.01, 1_000_000, " of USD", prefix="$", optional=True),
    "tokens_per_day": integer(1, 1_000_000_000_000, optional=True),
    "cost_per_night": number(0.01, 1_000_000, " of USD", prefix="$", optional=True),
    "tokens_per_night": integer(1, 1_000_000_000_000, optional=True),
    "tokens_per_task": integer(1, 1_000_000_000_000, optional=True),
    "model": Key(expects="a model's name, or lines `agent: model` below it", read=_read_models, write=_write_models, optional=True),
    "sandbox": Key(expects="`auto`, bubblewrap+landlock, bubblewrap, landlock or none", read=_read_tier, write=plain, nothing="auto"),
    "require_sandbox": Key(expects="bubblewrap+landlock, bubblewrap, landlock or none", read=_read_demand, write=plain),
    "network": Key(expects="`open`, `web` or `none`", read=_read_network, write=plain),
    "process_limit": integer(16, 1_000_000),
    "build_memory": integer(64, 10_000_000, " of MiB", "MiB", "MB", optional=True),
    "file_limit": integer(1, 1_048_576, " of MiB", "MiB", "MB"),
    "commits": matching(
        _BRANCH,
        "`current`, `none`, or the name of a branch",
        meant={"no": "none", "off": "none", "false": "none", "never": "none", "yes": "current", "on": "current", "true": "current"},
    ),
    "approvers": names(r"[^\s@<>,]+@[^\s@<>,]+", "e-mail addresses such as olive@example.org, as a list or with commas"),
    "environment": names(r"[A-Za-z_][A-Za-z0-9_]*", "names of environment variables such as PIP_INDEX_URL, as a list or with commas"),
    "protected": names(_GLOB, "path globs inside the repository such as deploy/**, as a list or with commas"),
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
