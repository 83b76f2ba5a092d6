"""Regular expressions that are compiled when they are first used, and once for an installation: compiling takes longer than most commands think."""

from __future__ import annotations

import re
import sys
from typing import Any, AnyStr, cast

from autobuilds.kept import Table

_table = Table("patterns")


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` returns, compiled at its first use; raises re.error then, not here. For patterns of the source alone."""
    return cast("re.Pattern[AnyStr]", _Waiting(text, flags))


class _Compiled:
    """A pattern in use: every method of `re.Pattern` stands in its own dictionary, so that calls cost what they cost there."""


class _Waiting(_Compiled):
    """A pattern that nothing has used yet."""

    def __init__(self, text: Any, flags: int) -> None:
        self._given = text, int(flags)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        if name == "pattern":
            return self._given[0]
        made = _compiled(*self._given)
        self.__dict__.update({part: getattr(made, part) for part in _PARTS})
        self.__class__ = _Compiled  # type: ignore[assignment]
        return getattr(made, name)


_PARTS = [part for part in dir(re.Pattern) if not part.startswith("_")]


def _compiled(text: Any, flags: int) -> re.Pattern[Any]:
    """Return a pattern compiled, from the code that is kept where it is; raises re.error where it is none."""
    made = _table.find((text, flags), lambda: _code(text, flags))
    if made is None:
        return re.compile(text, flags)
    from _sre import compile as assemble  # type: ignore[import-not-found]

    try:
        code, *rest = made
        return cast("re.Pattern[Any]", assemble(text, rest[0], memoryview(code).cast("I").tolist(), *rest[1:]))
    except (TypeError, ValueError, IndexError, RuntimeError):
        # A Python whose own compiler is called otherwise, or a file that is damaged.
        return re.compile(text, flags)


def _code(text: Any, flags: int) -> tuple[bytes, int, int, dict[str, int], tuple[str | None, ...]] | None:
    """Return the code of a pattern and the other arguments of `_sre.compile`; None on a Python whose compiler is another one.

    What `re.compile` does itself in 3.11 to 3.14; a test holds that the patterns are the same.
    """
    try:
        from re import _compiler, _parser  # type: ignore[attr-defined]

        parsed = _parser.parse(text, flags)
        code, state = _compiler._code(parsed, flags), parsed.state
        names: list[str | None] = [None] * state.groups
        for name, number in state.groupdict.items():
            names[number] = name
        data = b"".join(one.to_bytes(4, sys.byteorder) for one in code)
        return data, int(flags | state.flags), state.groups - 1, dict(state.groupdict), tuple(names)
    except (ImportError, AttributeError):
        return None
