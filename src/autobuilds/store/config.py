"""The configuration: HEARTBEAT.md's front matter as settings, each with where it came from, and its body for the duties."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any

from autobuilds.domain.duties import Duty
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.settings import Settings
from autobuilds.domain.spelling import did_you_mean, nearest, quoted
from autobuilds.records import dataclass, field, fields
from autobuilds.store.config_keys import KEYS, read_value, write_value
from autobuilds.store.config_values import BadValue
from autobuilds.store.duties import read_duties
from autobuilds.store.front_matter import Located, read_front_matter

FILE = "HEARTBEAT.md"
_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The configuration in force; a bad value has left the default and an error in `problems`.

    `origins` says for every key `default` or `HEARTBEAT.md:LINE`; `body_line` is the 1-based line of the body's first line.
    """

    settings: Settings = field(default_factory=Settings)
    problems: tuple[Problem, ...] = ()
    origins: dict[str, str] = field(default_factory=dict)
    body: str = ""
    body_line: int = 1
    #: What the body asks the heartbeat to do by itself; what is odd about it is a warning in `problems`.
    duties: tuple[Duty, ...] = ()


@lru_cache(maxsize=8)
def read_settings(data: bytes | None) -> Config:
    """Return the configuration that the bytes of HEARTBEAT.md hold; None (no such file) means all defaults."""
    matter = read_front_matter(data or b"", FILE)
    problems = list(matter.problems)
    known = [f.name for f in fields(Settings)]
    origins = dict.fromkeys(known, _DEFAULT)
    values: dict[str, Any] = {}
    for name, where in matter.fields.items():
        if name not in KEYS:
            message = f"unknown key {quoted(name)}{did_you_mean(name, known)}"
            problems.append(_problem(where.key_line, where.key_column, "unknown-key", message))
            continue
        try:
            value = _checked(name, where)
        except BadValue as error:
            problems.append(_problem(error.line, error.column, "bad-value", f'"{name}" {error.message}'))
            continue
        if value is not None:
            values[name] = value
        origins[name] = f"{FILE}:{where.key_line}"
    duties, odd = read_duties(matter.body, matter.body_line)
    problems.extend(odd)
    problems.sort(key=lambda p: (p.line, p.column))
    return Config(
        settings=Settings(**values),
        problems=tuple(problems),
        origins=origins,
        body=matter.body,
        body_line=matter.body_line,
        duties=duties,
    )


def _problem(line: int, column: int, kind: str, message: str) -> Problem:
    return Problem(file=FILE, line=line, column=column, kind=kind, severity=Severity.ERROR, message=message)


def _checked(name: str, where: Located) -> Any:
    """Return the value of a key, a time zone only if the machine knows it; raises BadValue."""
    value = read_value(name, where)
    if name == "timezone" and value is not None and _zone(value) is None:
        near = _near_zone(value)
        advice = f' (did you mean "{near}"?)' if near else "; a name is REGION/CITY, such as Europe/Berlin"
        raise BadValue(f"names no time zone known here: {quoted(value)}{advice}", where)
    return value


def _zone(name: str) -> tzinfo | None:
    if name == "UTC":
        return UTC  # to import all zones takes as long as a third of Python's start
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _near_zone(name: str) -> str | None:
    """Return the zone that was most likely meant: the same but for case, the zone of that city, or the nearest spelling."""
    import zoneinfo

    zones = sorted(zoneinfo.available_timezones())
    wanted = name.casefold().replace(" ", "_")
    cities: Iterable[str] = (z for z in zones if z.casefold() == wanted or z.casefold().rpartition("/")[2] == wanted)
    return next(iter(cities), None) or nearest(name, zones)


def zone_of(settings: Settings) -> tzinfo | None:
    """Return the zone of the settings, or None for the machine's own (an unknown name was refused by `read_settings`)."""
    return None if settings.timezone is None else _zone(settings.timezone)


def explain(config: Config) -> list[tuple[str, str, str, str]]:
    """Return (key, value as written in the file, origin, documentation) of every setting, in the order of the reference."""
    return [
        (f.name, write_value(f.name, getattr(config.settings, f.name)), config.origins.get(f.name, _DEFAULT), f.metadata["doc"])
        for f in fields(Settings)
    ]


def reference_table() -> str:
    """Return the table of docs/reference/configuration.md: key, default, what it may be, meaning."""
    defaults = Settings()
    rows = ["| key | default | value | meaning |", "|---|---|---|---|"]
    for item in fields(Settings):
        default = write_value(item.name, getattr(defaults, item.name))
        shown = f"`{default}`" if default else "none"
        rows.append(f"| `{item.name}` | {shown} | {KEYS[item.name].expects} | {item.metadata['doc']} |")
    return "\n".join(rows) + "\n"
