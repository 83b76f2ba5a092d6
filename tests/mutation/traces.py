"""Which tests call which functions of the source: traced once for each test file, kept until the file changes.

A trace that is older than the source can only miss tests, never invent any: the score it leads to is too low, not too high.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation.server import Server

#: Seconds for one test file; a test has its own limit.
LONGEST: Final = 900.0
#: Tests of a file together may run this long without one having an end of its own.
LIMIT: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A test that passes on the source as it is."""

    name: str
    seconds: float
    #: `path:Class.function` of what it calls, in its process or in those that it starts.
    calls: frozenset[str]

    @property
    def file(self) -> str:
        """Return the file it stands in."""
        return self.name.partition("::")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """All tests, and those that do not pass on the source as it is and are not asked."""

    tests: tuple[Test, ...]
    failing: tuple[str, ...]


def traces(folders: Iterable[str], server: Server, kept: Path, say: Callable[[str], None], anew: bool = False) -> Traces:
    """Return the traces of all tests below some folders, tracing the files that changed since they were kept."""
    kept.mkdir(parents=True, exist_ok=True)
    tree = server.ground.tree
    files = sorted({str(path.relative_to(tree)) for folder in folders for path in _test_files(tree / folder)})
    tests: list[Test] = []
    failing: list[str] = []
    for file in files:
        stamp = hashlib.sha256((tree / file).read_bytes()).hexdigest()
        place = kept / f"{file.replace('/', '-')}.json"
        data = json.loads(place.read_text()) if place.exists() and not anew else {}
        if data.get("stamp") != stamp:
            told = server.ask(files=[file], trace=True, limit=LIMIT, all=LONGEST)
            say(f"traced {file}: {len(told['tests'])} tests, {told['seconds']:.0f} s{_trouble(told)}")
            data = {"stamp": stamp, "tests": told["tests"]}
            place.write_text(json.dumps(data))
        for name, test in data["tests"].items():
            if test["passed"]:
                tests.append(Test(name=name, seconds=test["seconds"], calls=frozenset(test["calls"])))
            elif test.get("calls"):
                failing.append(name)
    return Traces(tests=tuple(tests), failing=tuple(failing))


def _test_files(place: Path) -> Iterable[Path]:
    return [place] if place.is_file() else place.rglob("test_*.py")


def _trouble(told: dict[str, object]) -> str:
    return f", NOT PASSING: {told['failed']}: {told['why']}" if told["failed"] else ""
