"""Measures every operation of every tool in turn (A B A B), so that a ratio never comes from two times of day."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gen import items
from benchmarks.runner import Failed, Launcher, Sample, median, ratio
from benchmarks.tools import OPERATIONS, Site, Tool, environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    #: Turns of a run that is quick; slow ones get fewer.
    turns: int
    #: Seconds that the turns of one operation of one tool may take together, beyond the fewest that are made.
    patience: float = 6.0
    #: When (`time.monotonic`) the time is up: from then on one turn of everything is enough.
    until: float = float("inf")

    def another(self, done: int, first: float) -> bool:
        """Whether a run whose first turn took so many seconds is measured once more."""
        fewest = 1 if first > 20 or time.monotonic() > self.until else 2 if first > 4 else 3
        return done < min(fewest, self.turns) or (done < self.turns and (done + 1) * first <= self.patience and fewest > 1)


@dataclass(slots=True, kw_only=True)
class Cell:
    """All samples of one operation of one tool with so many tasks, in the order of the turns."""

    tool: str
    operation: str
    count: int
    samples: list[Sample] = field(default_factory=list)

    def middle(self, what: str) -> float:
        """Return the median of `wall`, `cpu` (both in seconds) or `memory` (MiB)."""
        return median([getattr(sample, what) for sample in self.samples])


@dataclass(slots=True, kw_only=True)
class Figures:
    """Everything that was measured in one run."""

    cells: dict[tuple[str, str, int], Cell] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def cell(self, tool: str, operation: str, count: int) -> Cell | None:
        """Return a cell that holds samples, or nothing."""
        found = self.cells.get((tool, operation, count))
        return found if found and found.samples else None

    def ratio(
        self, tool: str, operation: str, count: int, *, what: str = "cpu", to: str = "autobuilds", of: str | None = None
    ) -> float | None:
        """Return what `to` takes as a multiple of what `tool` takes: pairs of one turn, their median.

        `of` is the operation of `to`, where it is another one than the tool's.
        """
        theirs, ours = self.cell(tool, operation, count), self.cell(to, of or operation, count)
        return ratio(ours.samples, theirs.samples, what) if ours and theirs else None


def _site(tool: Tool, count: int, folder: Path) -> Site:
    home = folder / "home" / tool.name.replace("/", "-").replace(" ", "-")
    home.mkdir(parents=True, exist_ok=True)
    place = folder / f"{home.name}-{count}"
    place.mkdir()
    site = Site(folder=place, count=count, env={**environment(home), **tool.env(place)}, tasks=items(count))
    tool.write(site)
    return site


def prepare(figures: Figures, tools: Sequence[Tool], count: int, *, folder: Path, say: Callable[[str], None]) -> dict[str, Site]:
    """Write the list for every tool, in its own format; a tool for which that fails is told among the faults."""
    sites: dict[str, Site] = {}
    for tool in tools:
        began = time.monotonic()
        try:
            sites[tool.name] = _site(tool, count, folder)
        except (OSError, ValueError, subprocess.SubprocessError) as word:
            figures.faults.append(f"{tool.name}, {count:,} tasks: {word}")
        if time.monotonic() - began > 2:
            say(f"{count:,} tasks: {tool.name} prepared in {time.monotonic() - began:.0f} s")
    return sites


def measure(
    figures: Figures,
    tools: Sequence[Tool],
    sites: dict[str, Site],
    *,
    plan: Plan,
    launcher: Launcher,
    operations: Sequence[str],
    say: Callable[[str], None],
) -> None:
    """Measure the operations of every tool that has a site; what fails is told among the faults, and the rest goes on."""
    for operation in operations:
        began = time.monotonic()
        _operation(figures, operation, [tool for tool in tools if tool.name in sites], sites, plan=plan, launcher=launcher)
        count = max(site.count for site in sites.values())
        say(f"{count:,} tasks: {OPERATIONS[operation]}: {time.monotonic() - began:.0f} s")


def _operation(figures: Figures, operation: str, tools: Sequence[Tool], sites: dict[str, Site], *, plan: Plan, launcher: Launcher) -> None:
    """Measure one operation of all tools that have it, one turn after the other; the first turn only sees that the work is done."""
    cells, firsts = {}, {}
    for tool in tools:
        make, site = tool.operations.get(operation), sites[tool.name]
        if make is None:
            continue
        try:
            firsts[tool.name] = launcher.measure(make(site, 0), check=True).wall
            cells[tool.name] = Cell(tool=tool.name, operation=operation, count=site.count)
        except (OSError, ValueError, subprocess.SubprocessError, Failed) as word:
            figures.faults.append(f"{tool.name}, {operation}, {site.count:,} tasks: {word}")
    for turn in range(1, plan.turns + 1):
        for tool in tools:
            cell = cells.get(tool.name)
            if cell is None or not plan.another(len(cell.samples), firsts[tool.name]):
                continue
            try:
                cell.samples.append(launcher.measure(tool.operations[operation](sites[tool.name], turn)))
            except (OSError, ValueError, subprocess.SubprocessError, Failed) as word:
                figures.faults.append(f"{tool.name}, {operation}, {cell.count:,} tasks, turn {turn}: {word}")
    figures.cells |= {(cell.tool, cell.operation, cell.count): cell for cell in cells.values()}
