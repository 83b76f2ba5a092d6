"""Values of a preset's table, checked as they are read: every refusal names file, table and key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from autobuilds import errors
from autobuilds.domain.agents import Scalar
from autobuilds.domain.patterns import pattern

MAX_REGEX = 1000
_VARIABLE = pattern(r"[A-Za-z_][A-Za-z0-9_]*")


class Table:
    """One table of TOML and where it stands."""

    def __init__(self, value: Any, where: str) -> None:
        """Take a table; raises BadInput for anything else."""
        if not isinstance(value, dict):
            raise errors.BadInput(f"{where}: a table is meant")
        self.where = where
        self._value: Mapping[str, Any] = value

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def items(self) -> list[tuple[str, Any]]:
        """Return the keys with their values as they are."""
        return list(self._value.items())

    def names(self) -> list[str]:
        """Return the keys."""
        return list(self._value)

    def raw(self, key: str) -> Any:
        """Return a value as it is, or None."""
        return self._value.get(key)

    def bad(self, key: str, why: str) -> errors.BadInput:
        """Return what is raised for a key that can't be read."""
        return errors.BadInput(f"{self.where} {key}: {why}")

    def only(self, known: Collection[str]) -> None:
        """Refuse keys that are not known, with a suggestion."""
        for key in self._value:
            if key not in known:
                raise errors.BadInput(f"{self.where}: unknown key {key!r}{near(key, known)}; known are {', '.join(sorted(known))}")

    def text(self, key: str) -> str | None:
        """Return a text that is not empty, or None where there is none."""
        value = self._value.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise self.bad(key, "a text is meant")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._value.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and "\0" not in v for v in value):
            raise self.bad(key, "a list of texts is meant")
        return tuple(value)

    def one_of(self, key: str, allowed: Collection[str], default: str) -> str:
        """Return one of some words."""
        value = self._value.get(key, default)
        if not isinstance(value, str) or value not in allowed:
            hint = near(value, allowed) if isinstance(value, str) else ""
            raise self.bad(key, f"{value!r} is none of {', '.join(sorted(allowed))}{hint}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._value.get(key, default)
        if not isinstance(value, bool):
            raise self.bad(key, "true or false is meant")
        return value

    def number(self, key: str, low: int, high: int, default: int = 0) -> int:
        """Return a whole number within limits."""
        value = self._value.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or (key in self._value and not low <= value <= high):
            raise self.bad(key, f"a whole number from {low} to {high} is meant")
        return value

    def variables(self, key: str) -> tuple[str, ...]:
        """Return names of environment variables that may be passed on."""
        names = self.texts(key)
        for name in names:
            self._variable(key, name)
        return names

    def assignments(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return environment variables with their values."""
        given = self._value.get(key, {})
        if not isinstance(given, dict) or not all(isinstance(v, str) and "\0" not in v for v in given.values()):
            raise self.bad(key, 'a table of texts is meant, such as { NAME = "value" }')
        for name in given:
            self._variable(key, name)
        return tuple(given.items())

    def _variable(self, key: str, name: str) -> None:
        if not _VARIABLE.fullmatch(name) or name.startswith("AUTOBUILDS_"):
            raise self.bad(key, f"{name!r} can't be passed as an environment variable")

    def below_home(self, key: str) -> tuple[str, ...]:
        """Return paths relative to the home, none of which leads out of it."""
        paths = self.texts(key)
        for path in paths:
            if not inside(path):
                raise self.bad(key, f"{path!r} is not a path below the home, such as .config/agent.json")
        return paths

    def regex(self, key: str) -> str | None:
        """Return a regular expression that compiles."""
        value = self.text(key)
        if value is not None:
            self.compiles(key, value)
        return value

    def compiles(self, key: str, value: str) -> None:
        """Refuse what is no regular expression."""
        if len(value) > MAX_REGEX:
            raise self.bad(key, f"a regular expression has at most {MAX_REGEX} characters")
        try:
            re.compile(value)
        except (re.error, RecursionError, OverflowError) as error:
            raise self.bad(key, f"no regular expression: {error}") from error

    def conditions(self, key: str) -> tuple[tuple[str, Scalar], ...]:
        """Return a table of dotted paths and the values they must have."""
        given = self._value.get(key, {})
        if not isinstance(given, dict) or not all(isinstance(v, str | int | float | bool) for v in given.values()):
            raise self.bad(key, 'a table of paths and plain values is meant, such as { type = "result" }')
        return tuple(given.items())


def near(word: str, known: Collection[str]) -> str:
    """Return ` (did you mean 'x'?)`, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def inside(path: str) -> bool:
    """Whether a relative path stays where it begins."""
    parts = path.split("/")
    return bool(path) and "\0" not in path and all(part not in {"", ".", ".."} for part in parts)
