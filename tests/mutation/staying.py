"""One process that has collected the tests; a forked child of it gets a mutated function and runs some of them.

`python -m tests.mutation.staying FILE...` in the copy is that process: one JSON request a line on standard input, one JSON answer a line on
standard output. The code of a function is put in place of the old one, wherever that is held; what is mutated outside functions needs a fresh
process (`server.py`). Processes that tests start read the mutated source from the disk.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import sys
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from tests.mutation.server import OPTIONS, PR_SET_CHILD_SUBREAPER, UNSWAPPED, Watching, ended, quiet

_IN, _OUT = 600, 601


class _Staying:
    """A plugin of pytest that stops before the first test, and goes on in children only."""

    def __init__(self) -> None:
        self.watching: Watching | None = None

    def pytest_runtestloop(self, session: Any) -> object:
        with os.fdopen(_IN, encoding="utf-8", closefd=False) as requests:
            answer(_OUT, {"collected": len(session.items)})
            for line in requests:
                request = json.loads(line)
                notes = Path(request["ground"]) / "notes.json"
                notes.unlink(missing_ok=True)
                child = os.fork()
                if child == 0:
                    self._begin(session, request, notes)
                    return None
                answer(_OUT, ended(child, request, notes))
        return True

    def _begin(self, session: Any, request: dict[str, Any], notes: Path) -> None:
        quiet(notes)
        if request.get("function") and not swapped(request["path"], request["function"]):
            os._exit(UNSWAPPED)
        session.config._env_timeout = request["limit"]
        watching = Watching(request, notes)
        watching.pytest_collection_modifyitems(session.config, session.items)
        session.config.pluginmanager.register(watching)


def answer(target: int, value: object) -> None:
    """Write one line."""
    os.write(target, f"{json.dumps(value)}\n".encode())


def swapped(path: str, function: str) -> bool:
    """Put the code that a function has on the disk in place of the one it has here; returns whether there was one that it fits."""
    place = str(Path.cwd() / path)
    fresh = _code(compile(Path(place).read_bytes(), place, "exec", dont_inherit=True), function.split("."))
    if fresh is None:
        return False
    found = False
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_qualname == function and one.__code__.co_filename == place:
            try:
                one.__code__ = fresh
            except ValueError:
                return False
            found = True
    return found


def _code(code: CodeType, names: list[str]) -> CodeType | None:
    for name in names:
        inner = [one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name]
        if len(inner) != 1:
            return None  # a property and its setter, or the branches of an `if`
        code = inner[0]
    return code


def main() -> None:
    """Collect, then answer requests until standard input ends."""
    os.dup2(0, _IN, inheritable=False)
    os.dup2(1, _OUT, inheritable=False)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    import pytest

    folder, *files = sys.argv[1:]
    status = pytest.main([*files, *OPTIONS, f"--basetemp={folder}/temporary", "-x"], plugins=[_Staying()])
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
