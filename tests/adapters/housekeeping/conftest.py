"""A workspace with a folder of the owner's beside it, and the house of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.adapters.housekeeping.house import MachineHouse
from autobuilds.domain.house import Fix, FixKind, Mended, Readings, Scope, Trouble
from autobuilds.domain.settings import Settings
from autobuilds.policies.problem_predictor import problems
from autobuilds.records import replace

NOW = datetime.now(UTC).replace(microsecond=0)
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Yard:
    """A workspace `root` and an owner's folder `data`; logs above 1 MiB are large here."""

    root: Path
    data: Path
    scope: Scope
    told: list[str]

    @property
    def house(self) -> MachineHouse:
        """The house of this machine."""
        return MachineHouse()

    def read(self, scope: Scope | None = None) -> Readings:
        """Read everything."""
        return self.house.read(scope or self.scope, self.told.append)

    def problems(self, scope: Scope | None = None) -> tuple[Trouble, ...]:
        """Return what is wrong in the two folders (not the state of the machine)."""
        found = problems(replace(self.read(scope), disks=(), memory_percent=None, load_per_core=None), Settings(log_limit=1))
        return tuple(t for t in found if t.kind != "clock")

    def fix(self, kind: FixKind) -> list[Mended]:
        """Do every fix of a kind."""
        return [self.house.mend(t.fix, self.scope) for t in self.problems() if t.fix is not None and t.fix.kind is kind]

    def fixes(self) -> list[Fix]:
        """Return every fix there is."""
        return [t.fix for t in self.problems() if t.fix is not None]


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    root = (tmp_path / "site").resolve()
    data = (tmp_path / "data").resolve()
    for folder in (data, root / "subagents" / "logs"):
        folder.mkdir(parents=True)
    (root / "BUILD_QUEUE.md").write_text("# Q\n")
    return Yard(root=root, data=data, scope=Scope(root=str(root), now=NOW, folders=(str(data),), log_limit=MIB), told=[])


def aged(path: Path, days: float, data: bytes = b"line\n" * 1000) -> Path:
    """Write a file that was last changed so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    when = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (when, when))
    return path
