"""What is made of the program's own text alone, kept beside its bytecode as Python keeps that.

Written only where Python would write bytecode too, and only ever a shortcut: what can't be read is made again, what can't be written is not.
Nothing of a workspace is ever put here (docs/decisions/0291-what-is-made-of-the-source-is-kept-beside-it.md).
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib_external import cache_from_source
from binascii import crc32

from autobuilds import __version__

#: For the type checker alone: what it names takes as long to import as all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: What is kept by another Python or another release, or in another form, is made again.
_HEAD = f"2 {__version__} {sys.hexversion:x} {sys.implementation.cache_tag} ".encode()


def _path(name: str) -> str:
    folder = os.path.dirname(cache_from_source(__file__))  # noqa: PTH120 - pathlib costs more than this
    return f"{folder}/{name}.{sys.implementation.cache_tag}.kept"


def stamp(*files: str) -> tuple[tuple[int, int], ...]:
    """Return what changes when one of these files of the program does, as Python compares bytecode with its source: time and size."""
    found = [os.stat(file) for file in files]  # noqa: PTH116
    return tuple((one.st_mtime_ns, one.st_size) for one in found)


def load(name: str, made_of: object) -> Any:
    """Return what was kept under a name for this Python and of just these things, or None."""
    try:
        with open(_path(name), "rb") as file:  # noqa: PTH123
            data = file.read()
        content = memoryview(data)[len(_HEAD) + 4 :]
        if not data.startswith(_HEAD + crc32(content).to_bytes(4)):
            return None
        of, found = marshal.loads(content)  # noqa: S302 - beside the bytecode, which is as much trusted
    except (OSError, ValueError, EOFError, TypeError, NotImplementedError):
        return None
    return found if of == made_of else None


def keep(name: str, made_of: Any, value: Any) -> None:
    """Keep plain values (numbers, text, bytes, tuples, dictionaries) under a name; where that can't be, nothing happens."""
    if sys.dont_write_bytecode:
        return
    try:
        path, content = _path(name), marshal.dumps((made_of, value))
        beside = f"{path}.{os.urandom(6).hex()}"
        try:
            with open(beside, "xb") as file:  # noqa: PTH123
                file.write(_HEAD + crc32(content).to_bytes(4) + content)
            os.replace(beside, path)  # noqa: PTH105
        except OSError:
            os.unlink(beside)  # noqa: PTH108
    except (OSError, ValueError, NotImplementedError):
        return


def made(name: str, made_of: object, make: Callable[[], Any]) -> Any:
    """Return what was kept under a name and is made of just these things, else what `make` returns, which is kept then."""
    found = load(name, made_of)
    if found is None:
        found = make()
        keep(name, made_of, found)
    return found


class Table:
    """Many small things kept under one name, each by what it was made of; read when first asked, and written at the end of a command."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[Any, Any] | None = None
        self._new: dict[Any, Any] = {}

    def find(self, key: object, make: Callable[[], Any]) -> Any:
        """Return what is kept under a key, else what `make` returns, which is kept if it is not None; what it raises passes."""
        if self._known is None:
            self._known = self._read()
        found = self._known.get(key)
        if found is None:
            found = make()
            if found is not None and not sys.dont_write_bytecode:
                if not self._new:
                    import atexit

                    atexit.register(self._keep)
                self._known[key] = self._new[key] = found
        return found

    def _keep(self) -> None:
        keep(self._name, None, {**self._read(), **self._new})

    def _read(self) -> dict[Any, Any]:
        found = load(self._name, None)
        return found if isinstance(found, dict) else {}
