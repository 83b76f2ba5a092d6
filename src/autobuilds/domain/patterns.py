"""Regular expressions that are compiled when they are first used: most commands use few of those that a module holds."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` returns, compiled at its first use; raises re.error then, not here."""
    return cast("re.Pattern[AnyStr]", _Waiting(text, flags))


class _Compiled:
    """A pattern in use: every method of `re.Pattern` stands in its own dictionary, so that calls cost what they cost there."""


class _Waiting(_Compiled):
    """A pattern that nothing has used yet."""

    def __init__(self, text: Any, flags: int) -> None:
        self._given = text, flags

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        made = re.compile(*self._given)
        self.__dict__.update({part: getattr(made, part) for part in dir(made) if not part.startswith("_")})
        self.__class__ = _Compiled  # type: ignore[assignment]
        return getattr(made, name)
