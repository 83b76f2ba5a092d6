"""Putting a mutant into the copy and asking the tests that call what it changes, the nearest and fastest first."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from tests.mutation.mutants import Mutant, functions_of
from tests.mutation.server import UNSWAPPED, Server
from tests.mutation.traces import Test

#: Files whose tests are asked first, before all others are imported.
_FIRST_FILES: Final = 4
_FIRST_SECONDS: Final = 8.0


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"
    #: No test calls it.
    UNCALLED = "uncalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A mutant, what became of it, by which test, and after how many tests."""

    mutant: Mutant
    fate: Fate
    by: str = ""
    asked: int = 0
    seconds: float = 0.0

    @property
    def noticed(self) -> bool:
        """Whether the tests notice it."""
        return self.fate in {Fate.KILLED, Fate.TIMEOUT}


@dataclass(kw_only=True)
class Court:
    """Asks the tests about mutants; what killed one before is asked first, and must pass on the source as it is."""

    #: A process that stays, for functions; one that imports everything for each mutant, for the rest.
    staying: Server
    fresh: Server
    tests: Sequence[Test]
    #: Seconds of tests that a mutant is worth; those left out can only make the score lower.
    longest: float = 60.0
    #: Seconds that a test may take before it is taken to run for ever; the slower ones get three times what they took besides.
    least_limit: float = 15.0
    #: Where the tests that killed are kept, as a hint for the next time.
    kept: Path
    _killers: dict[str, str] = field(default_factory=dict)
    _sound: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kept.exists():
            self._killers = json.loads(self.kept.read_text())

    def try_(self, one: Mutant) -> Verdict:
        """Put a mutant in, ask, and take it out again."""
        ground = self.fresh.ground
        source = (ground.tree / one.path).read_bytes()
        function = "" if needs_import(source, one) else one.function
        users = frozenset[str]() if function else users_of(one, ground.tree)
        chosen = chosen_for(one, self.tests, self.longest, self._killers.get(one.identity, ""), users)
        if not chosen:
            return Verdict(mutant=one, fate=Fate.UNCALLED)
        asked, seconds = 0, 0.0
        for part in _parts(chosen) if not function else [chosen]:
            left = list(part)
            while left:
                ground.write(one.path, one.applied(source))
                try:
                    told = self.ask(left, one.path, function)
                finally:
                    ground.write(one.path, source)
                asked, seconds = asked + len(told["tests"]), seconds + told["seconds"]
                fate, by = _fate(told)
                if fate is Fate.SURVIVED:
                    break
                if self._passes(by, left):
                    self._killers[one.identity] = by
                    self._keep()
                    return Verdict(mutant=one, fate=fate, by=by, asked=asked, seconds=seconds)
                left = [test for test in left if test.name != by] if by else []
        return Verdict(mutant=one, fate=Fate.SURVIVED, asked=asked, seconds=seconds)

    def _keep(self) -> None:
        """Write the hints whole: runs for other files may keep theirs at the same time."""
        temporary = self.kept.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(self._killers))
        temporary.replace(self.kept)

    def ask(self, tests: Sequence[Test], path: str = "", function: str | None = None) -> dict[str, Any]:
        """Run tests: with the function as it stands on the disk now, with everything as it stands there (""), or as it always was (None)."""
        names = [test.name for test in tests]
        limit = self.least_limit + 3 * max(test.seconds for test in tests)
        together = 60 + 4 * sum(test.seconds for test in tests)
        if function != "":
            told = self.staying.ask(tests=names, path=path, function=function, limit=limit, all=together)
            if told["status"] != UNSWAPPED:
                return told
        files = list(dict.fromkeys(test.file for test in tests))
        return self.fresh.ask(files=files, tests=names, limit=limit, all=together)

    def _passes(self, name: str, asked: Sequence[Test]) -> bool:
        """Return whether the test that failed passes without the mutant; all that were asked, where it is not known which failed."""
        tests = [test for test in asked if test.name == name] or list(asked)
        key = name if len(tests) == 1 else "\n".join(test.name for test in tests)
        if key not in self._sound:
            self._sound[key] = self.ask(tests)["status"] == 0
        return self._sound[key]


def needs_import(source: bytes, one: Mutant) -> bool:
    """Return whether a mutant shows only where the module is imported anew: outside functions, and in those that the module itself calls."""
    if functions_of(source).get(one.line) != one.function:
        return True
    name = one.function.rpartition(".")[2].encode()
    return any(
        re.match(rb"[^\s#@].*\b%s\(" % re.escape(name), line) and not line.startswith((b"def ", b"class ")) for line in source.split(b"\n")
    )


def users_of(one: Mutant, tree: Path) -> frozenset[str]:
    """Return the functions (`path:function`) that say the name which the mutated line of a module or class gives a value; empty inside functions."""
    line = (tree / one.path).read_bytes().split(b"\n")[one.line - 1]
    named = re.match(rb"\s*([A-Za-z_]\w*)\s*(?::[^=]*)?=[^=]", line)
    if named is None:
        return frozenset()
    word = re.compile(rb"\b%s\b" % named[1])
    found: set[str] = set()
    for path in sorted((tree / "src").rglob("*.py")):
        source = path.read_bytes()
        if word.search(source):
            functions = functions_of(source)
            at = [number for number, text in enumerate(source.split(b"\n"), 1) if number in functions and word.search(text)]
            found |= {f"{path.relative_to(tree)}:{functions[number]}" for number in at}
    return frozenset(found)


def chosen_for(one: Mutant, tests: Iterable[Test], longest: float, killer: str = "", users: frozenset[str] = frozenset()) -> list[Test]:
    """Return the tests to ask about a mutant, in order: what killed it before, what calls its users, then the nearest and the fastest by turns."""
    called = f"{one.path}:{one.function}"
    module = f"{one.path}:"
    found = [test for test in tests if called in test.calls or not users.isdisjoint(test.calls)]
    if not found:
        found = [test for test in tests if any(name.startswith(module) for name in test.calls)]
    words = set(Path(one.path).with_suffix("").parts[2:])

    def near(test: Test) -> int:
        path = Path(test.file)
        own = {*path.parts[1:-1], *path.stem.removeprefix("test_").split("_"), path.stem.removeprefix("test_")}
        return -len(words & own)

    # From two rows by turns: the nearest first, and the fastest first, which may be far.
    rows = [
        sorted(found, key=lambda test: (test.name != killer, users.isdisjoint(test.calls), near(test), test.seconds)),
        sorted(found, key=lambda test: (test.name != killer, users.isdisjoint(test.calls), test.seconds)),
    ]
    spent = [0.0, 0.0]
    chosen: dict[str, Test] = {}
    while any(rows):
        turn = 0 if rows[0] and (not rows[1] or spent[0] <= spent[1]) else 1
        test = rows[turn].pop(0)
        if test.name not in chosen and (not chosen or sum(spent) + test.seconds <= longest):
            chosen[test.name] = test
            spent[turn] += test.seconds
    return list(chosen.values())


def _parts(chosen: Sequence[Test]) -> list[list[Test]]:
    """Return the tests in two parts: few files that are quickly imported, and the rest."""
    files: list[str] = []
    first: list[Test] = []
    spent = 0.0
    for test in chosen:
        if test.file not in files and len(files) < _FIRST_FILES:
            files.append(test.file)
        if test.file in files and spent + test.seconds <= _FIRST_SECONDS:
            first.append(test)
            spent += test.seconds
    names = {test.name for test in first}
    rest = [test for test in chosen if test.name not in names]
    return [part for part in (first, rest) if part]


def _fate(told: dict[str, Any]) -> tuple[Fate, str]:
    status, by = told["status"], told["failed"] or next(reversed(told["tests"]), "")
    if status == 0:
        return Fate.SURVIVED, ""
    if status == 5:
        raise RuntimeError("none of the tests was found; trace them anew")
    if status is None or "from pytest-timeout" in told["why"]:
        return Fate.TIMEOUT, by
    return Fate.KILLED, by
