"""Measures every operation of every tool in turn (A B A B), so that a ratio never comes from two times of day."""

from __future__ import annotations

import json
import shutil
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

    sizes: Sequence[int]
    #: Turns of a run that is quick; slow ones get fewer, at least `least`.
    turns: int
    least: int
    #: Seconds that all turns of one operation of one tool may take beyond `least`.
    patience: float


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

    def ratio(self, tool: str, operation: str, count: int, *, what: str = "cpu", to: str = "autobuilds") -> float | None:
        """Return what `to` takes as a multiple of what `tool` takes: pairs of one turn, their median."""
        theirs, ours = self.cell(tool, operation, count), self.cell(to, operation, count)
        return ratio(ours.samples, theirs.samples, what) if ours and theirs else None


def _site(tool: Tool, count: int, folder: Path) -> Site:
    home = folder / "home" / tool.name.replace("/", "-").replace(" ", "-")
    home.mkdir(parents=True, exist_ok=True)
    place = folder / f"{home.name}-{count}"
    place.mkdir()
    site = Site(folder=place, count=count, env={**environment(home), **tool.env(place)}, tasks=items(count))
    tool.write(site)
    return site


def _again(cell: Cell, first: float, plan: Plan) -> bool:
    done = len(cell.samples)
    return done < plan.least or (done < plan.turns and (done + 1) * first <= plan.patience)


def measure(tools: Sequence[Tool], plan: Plan, *, folder: Path, launcher: Launcher, say: Callable[[str], None]) -> Figures:
    """Measure every tool; what fails is told among the faults and left out, and the rest goes on."""
    figures = Figures()
    for count in plan.sizes:
        sites: dict[str, Site] = {}
        for tool in tools:
            began = time.monotonic()
            try:
                sites[tool.name] = _site(tool, count, folder)
            except (OSError, ValueError, RuntimeError, Failed) as word:
                figures.faults.append(f"{tool.name}, {count:,} tasks: {word}")
            if time.monotonic() - began > 2:
                say(f"{count:,} tasks: {tool.name} prepared in {time.monotonic() - began:.0f} s")
        for operation in OPERATIONS:
            if operation == "version" and count != plan.sizes[0]:
                continue
            began = time.monotonic()
            _operation(figures, operation, [t for t in tools if t.name in sites], sites, plan=plan, launcher=launcher)
            say(f"{count:,} tasks: {operation} measured in {time.monotonic() - began:.0f} s")
    return figures


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
        except (OSError, ValueError, Failed) as word:
            figures.faults.append(f"{tool.name}, {operation}, {site.count:,} tasks: {word}")
    for turn in range(1, plan.turns + 1):
        for tool in tools:
            cell = cells.get(tool.name)
            if cell is None or not _again(cell, firsts[tool.name], plan):
                continue
            try:
                cell.samples.append(launcher.measure(tool.operations[operation](sites[tool.name], turn)))
            except (OSError, ValueError, Failed) as word:
                figures.faults.append(f"{tool.name}, {operation}, {cell.count:,} tasks, turn {turn}: {word}")
    figures.cells |= {(cell.tool, cell.operation, cell.count): cell for cell in cells.values()}


def to_json(figures: Figures) -> str:
    """Return every sample as JSON, one line a cell."""
    rows = [
        json.dumps(
            {
                "tool": cell.tool,
                "operation": cell.operation,
                "tasks": cell.count,
                "wall": [round(s.wall, 6) for s in cell.samples],
                "cpu": [round(s.cpu, 6) for s in cell.samples],
                "memory_mib": [round(s.memory, 1) for s in cell.samples],
            }
        )
        for cell in figures.cells.values()
    ]
    return "[\n" + ",\n".join(rows) + "\n]"


def clear(folder: Path) -> None:
    """Remove what was worked on."""
    shutil.rmtree(folder, ignore_errors=True)
