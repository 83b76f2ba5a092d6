"""The sweep of kills on any tool of `tools.py`, wholly from outside: a task is added, killed at every call, and added again."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.proofs.bench import unfinished
from tests.proofs.figures import Figures, Options
from tests.proofs.points import points_of
from tests.proofs.shim import Control, Mode, Orders
from tests.proofs.tools import TOOLS, Tool

#: Tasks that stand there before the one whose addition is killed.
_BEFORE = tuple(f"Tool a {n}" for n in range(1, 4))
_KILLED, _NEXT = "Tool a 4", "Tool a 5"
_PATIENCE = 60.0


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a sweep of one tool counts."""

    points: int = 0
    fired: int = 0
    lost: int = 0
    refused: int = 0
    left: int = 0


class Place:
    """A folder with a tool's data, put back to the same state before every point."""

    def __init__(self, folder: Path, tool: Tool) -> None:
        self.tool = tool
        self.live, self.kept = folder / "live", folder / "kept"
        self.control = Control(folder / "control")
        self.live.mkdir()
        tool.prepare(self.live)
        for name in _BEFORE:
            done = self.add(name)
            assert done.returncode == 0, f"{tool.name} can't add {name}: {done.stdout} {done.stderr}"
        shutil.copytree(self.live, self.kept, symlinks=True)

    def restore(self) -> None:
        """Put the state back."""
        shutil.rmtree(self.live)
        shutil.copytree(self.kept, self.live, symlinks=True)

    def add(self, name: str, orders: Orders | None = None) -> subprocess.CompletedProcess[str]:
        """Add a task, with the library where orders are given."""
        environment = self.tool.variables(self.live)
        if orders is not None:
            self.control.order(orders)
            environment |= self.control.environment()
        argv = self.tool.add(self.live, name)
        return subprocess.run(
            argv,
            cwd=self.live,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            timeout=_PATIENCE,
        )

    def files(self) -> set[str]:
        """Return the names of all files."""
        return {str(p.relative_to(self.live)) for p in self.live.rglob("*") if p.is_file()}


def _point(place: Place, at: int, counts: Counts) -> Iterator[str]:
    while True:
        place.restore()
        place.add(_KILLED, Orders(mode=Mode.KILL, at=at, group=True))
        if place.control.fired:
            break
        at = max(1, min(at - 1, place.control.count))
    counts.points += 1
    counts.fired += 1
    where = f"killed at call {at} ({place.control.what.replace(str(place.live), '.')})"
    if gone := [name for name in _BEFORE if name not in place.tool.text(place.live)]:
        counts.lost += 1
        yield f"{where}: lost {', '.join(gone)}"
    done = place.add(_NEXT)
    text = place.tool.text(place.live)
    if done.returncode or _NEXT not in text:
        counts.refused += 1
        yield f"{where}: the next addition ends with {done.returncode}: {(done.stdout + done.stderr).strip()[-200:]}"
    elif gone := [name for name in _BEFORE if name not in text]:
        counts.lost += 1
        yield f"{where}: after the next addition lost {', '.join(gone)}"
    if left := [name for name in place.files() if unfinished(name) and name not in _names(place.kept)]:
        counts.left += 1
        yield f"{where}: left behind {', '.join(sorted(left))}"


def _names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def run_outside(options: Options, wanted: int) -> Figures:
    """Kill one tool at `wanted` of its calls."""
    tool = TOOLS[options.tool]
    figures = Figures(proof=f"Killed at every call: {tool.name}")
    if why := tool.why_not():
        figures.skipped.append(why)
        return figures
    if not tool.add(options.folder, _KILLED):
        figures.skipped.append(f"{tool.name} has no command that adds a task; the hammer alone can try it")
        return figures
    place = Place(options.folder, replace(tool))
    place.add(_KILLED, Orders())
    calls = place.control.count
    if calls == 0:
        figures.skipped.append(f"{tool.name} makes its calls without the C library; they can't be met")
        return figures
    counts = Counts()
    for at in points_of(calls, wanted, random.Random(options.seed)):
        figures.faults += _point(place, at, counts)
    figures.count("calls of one addition", calls)
    figures.count("points", counts.points)
    figures.count("kills that fired", counts.fired, least=counts.points, most=counts.points)
    figures.count("points that lost a task", counts.lost, most=0)
    figures.count("points after which the next addition was refused", counts.refused, most=0)
    figures.count("points that left a temporary file or a lock", counts.left, most=0)
    return figures
