"""Names of a package that are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any


def found(module: str, package: str, homes: Mapping[str, Sequence[str]], name: str) -> Any:
    """Return what a module's `__getattr__` is asked for, and keep it there; `homes` says in which module of `package` each name is.

    Raises AttributeError for a name that stands nowhere.
    """
    for home, names in homes.items():
        if name in names:
            value = getattr(import_module(f"{package}.{home}"), name)
            vars(sys.modules[module])[name] = value
            return value
    raise AttributeError(f"module {module!r} has no attribute {name!r}")
