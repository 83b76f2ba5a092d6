"""What is mutated: areas of the source, the sample of an area, and what is argued to change nothing."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation.mutants import Mutant, mutants_of

_SOURCE: Final = "src/autobuilds"
AREAS: Final[dict[str, tuple[str, ...]]] = {
    "gates": ("domain/gates/*.py", "planning/*.py"),
    "store": ("store/queue/*.py", "store/files/*.py", "store/markdown/*.py", "store/front_matter.py", "store/ledger.py"),
    "spawn": ("runtime/starting.py", "runtime/spawn.py", "adapters/processes.py", "adapters/runners/*.py", "adapters/supervisor/*.py"),
}
#: What only saves time: the edit of a large queue on a part of it, judged by the whole text afterwards. Its faults cost time, not text.
LEFT_OUT: Final = frozenset({"store/queue/thin.py"})
#: Tests that are asked; those that look at the text of the source itself are none of them.
TESTS: Final[dict[str, tuple[str, ...]]] = {
    "gates": ("tests/domain", "tests/planning"),
    "store": ("tests/store",),
    "spawn": (
        *("tests/adapters/supervisor", "tests/adapters/test_processes.py", "tests/adapters/test_local_runner.py"),
        *(
            "tests/adapters/test_checker.py",
            "tests/adapters/test_secrecy.py",
            "tests/adapters/test_environment.py",
            "tests/contract",
            "tests/runtime",
        ),
    ),
}
EQUIVALENTS: Final = Path(__file__).with_name("equivalents.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalent:
    """A mutant that no test can notice, and why."""

    path: str
    function: str
    before: str
    after: str
    why: str
    #: Which of those of a function that read the same, from 0; None for all of them.
    nth: int | None = None

    def is_(self, one: Mutant) -> bool:
        """Return whether this is about a mutant."""
        same = (self.path, self.function) == (one.path.removeprefix(f"{_SOURCE}/"), one.function)
        return same and (self.before, self.after) == (one.before, one.after) and self.nth in {None, one.nth}


def mutants_in(area: str, tree: Path) -> list[Mutant]:
    """Return all mutants of an area."""
    files = sorted(
        {path for pattern in AREAS[area] for path in (tree / _SOURCE).glob(pattern)} - {tree / _SOURCE / path for path in LEFT_OUT}
    )
    return [one for path in files for one in mutants_of(str(path.relative_to(tree)), path.read_bytes())]


def equivalents(path: Path = EQUIVALENTS) -> list[Equivalent]:
    """Return what is argued to change nothing; raises TypeError for an entry without a reason."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    return [Equivalent(**entry) for entry in entries]


def stale(argued: Iterable[Equivalent], mutants: Sequence[Mutant]) -> list[Equivalent]:
    """Return the entries that are about no mutant any more."""
    return [entry for entry in argued if not any(entry.is_(one) for one in mutants)]


def sample(mutants: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return `count` mutants (all for 0) by the rank of a hash, so that a change of the source changes few of them."""

    def rank(one: Mutant) -> bytes:
        return hashlib.sha256(f"{seed}\n{one.identity}".encode()).digest()

    ranked = sorted(mutants, key=rank)
    return ranked[: count or None]


def interval(killed: int, tried: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson's score interval)."""
    if not tried:
        return 0.0, 1.0
    share, square = killed / tried, z * z
    middle = (share + square / (2 * tried)) / (1 + square / tried)
    half = z * math.sqrt(share * (1 - share) / tried + square / (4 * tried * tried)) / (1 + square / tried)
    return max(0.0, middle - half), min(1.0, middle + half)
