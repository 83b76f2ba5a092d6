"""Tells the figures of one run as Markdown: a short table for the README, everything for docs/performance.md."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.counts import complete
from benchmarks.goals import Counted, cycle_over_floor, goals, growth, marginal
from benchmarks.suite import Figures
from benchmarks.tools import OPERATIONS

TIME = "CPU time of each operation over the number of tasks, a line for each tool; the tables hold the same figures"
MEMORY = "Memory of the largest process when asked what is ready, a bar for each tool and number of tasks; the tables hold the same figures"
BEGIN, END = "<!-- bench -->", "<!-- end of bench -->"
FLOORS = ("python -c pass", "bytes read", "git commit", "/bin/true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the report says of a tool."""

    name: str
    version: str
    store: str
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run: what was measured, with what, on what."""

    figures: Figures
    counted: Counted
    #: Floors, autobuilds, rivals, in this order.
    tools: Sequence[Named]
    skipped: Sequence[str]
    sizes: Sequence[int]
    machine: str
    day: str
    minutes: float
    launcher: str
    turns: int
    #: What the comparison of the reader with another one printed.
    reader: str


def machine(folder: Path) -> str:
    """Return one line on the machine, its system, and the programs that the figures hang on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "") if sys.platform == "linux" else platform.platform()
    git = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    load = os.getloadavg()[0]
    parts = [
        f"{os.cpu_count()} cores{_processor()}",
        f"{memory:.0f} GiB",
        f"{system}, {platform.system()} {'.'.join(platform.release().split('.')[:2])}",
    ]
    parts += [f"Python {platform.python_version()}", git, f"data on {_file_system(folder)}", f"load {load:.1f} at the start"]
    return "; ".join(parts)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n")
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f" ({names[0]})" if names else ""


def _file_system(folder: Path) -> str:
    try:
        lines = [line.split() for line in Path("/proc/mounts").read_text().split("\n") if line]
    except OSError:
        return "an unknown file system"
    within = [parts for parts in lines if folder.resolve().is_relative_to(parts[1])]
    return max(within, key=lambda parts: len(parts[1]))[2] if within else "an unknown file system"


def _times(value: float) -> str:
    return f"{value:.2g}×" if value < 1 else f"{value:.1f}×" if value < 100 else f"{value:,.0f}×"


def _milliseconds(value: float) -> str:
    return f"{value * 1000:.1f}" if value < 0.1 else f"{value * 1000:,.0f}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(cells: Sequence[str]) -> list[str]:
    return [_row(cells), "|---" + "|---:" * (len(cells) - 1) + "|"]


def short(report: Report, count: int) -> str:
    """Return the table of the README: autobuilds in milliseconds of CPU, every other as a multiple of it."""
    figures, names = report.figures, [tool.name for tool in report.tools if tool.name not in ("autobuilds", "bytes read", "/bin/true")]
    names = [name for name in names if any(figures.cell(name, operation, count) for operation in OPERATIONS if operation != "version")]
    lines = _head([f"{count:,} tasks", "autobuilds", *(f"`{name}`" if name in FLOORS else name for name in names)])
    for operation, words in OPERATIONS.items():
        # What has nothing to do with tasks is measured with the smallest list alone.
        at = report.sizes[0] if operation == "version" else count
        ours = figures.cell("autobuilds", operation, at)
        if ours is None:
            continue
        ratios = [figures.ratio("autobuilds", operation, at, to=name) for name in names]
        lines.append(_row([words, f"{_milliseconds(ours.middle('cpu'))} ms", *(_times(r) if r is not None else "-" for r in ratios)]))
    return "\n".join(lines)


def _absolute(report: Report, count: int) -> str:
    names = [tool.name for tool in report.tools]
    lines = _head(["wall / CPU in ms", *names])
    for operation, words in OPERATIONS.items():
        cells = [report.figures.cell(name, operation, count) for name in names]
        if any(cells):
            told = [f"{_milliseconds(c.middle('wall'))} / {_milliseconds(c.middle('cpu'))}" if c else "-" for c in cells]
            lines.append(_row([words, *told]))
    return "\n".join(lines)


def _memory(report: Report, count: int) -> str:
    names = [tool.name for tool in report.tools if tool.name not in ("bytes read", "/bin/true")]
    lines = _head(["largest process, MiB", *names])
    for operation, words in OPERATIONS.items():
        cells = [report.figures.cell(name, operation, count) for name in names]
        if any(cells):
            lines.append(_row([words, *(f"{c.middle('memory'):.0f}" if c else "-" for c in cells)]))
    return "\n".join(lines)


def _growth(report: Report) -> str:
    names = [tool.name for tool in report.tools if tool.name not in FLOORS]
    lines = _head(["10,000 / 1,000 tasks; µs a task", *names])
    for operation, words in OPERATIONS.items():
        found = [(growth(report.figures, name, operation), marginal(report.figures, name, operation)) for name in names]
        if any(grown is not None for grown, _ in found):
            lines.append(_row([words, *(f"{_times(g)}; {m:,.0f}" if g is not None and m is not None else "-" for g, m in found)]))
    return "\n".join(lines)


def _goals(report: Report) -> str:
    lines = ["| goal | measured | at most | reached |", "|---|---:|---:|---|"]
    for goal in goals(report.figures, report.counted):
        held = {None: "not measured", True: "yes", False: "**no**"}[goal.held]
        value = "-" if goal.value is None else _times(goal.value) if goal.unit == "x" else f"{goal.value:,.0f} {goal.unit}".strip()
        most = f"{goal.most:g}×" if goal.unit == "x" else f"{goal.most:g} {goal.unit}".strip()
        lines.append(_row([goal.text, value, most, held]))
    return "\n".join(lines)


def _counts(report: Report) -> str:
    lines = _head(["autobuilds, counted once each", "Git processes", "commits", "files written"])
    for one in report.counted.transitions:
        lines.append(_row([OPERATIONS[one.operation], str(one.git_processes), str(one.commits), str(one.files_written)]))
    return "\n".join(lines)


def _pipes(report: Report) -> str:
    if not report.counted.pipes:
        return "Not tried in this run."
    lost = complete(report.counted.pipes)
    count = max(pipe.count for pipe in report.counted.pipes)
    names = ", ".join(pipe.tool for pipe in report.counted.pipes if pipe.tasks >= pipe.whole)
    told = f"`list` of {count:,} tasks into a pipe that is read after a pause and slowly. Complete: {names or 'none'}."
    return told + (f" Lost: {'; '.join(lost)}." if lost else "")


def long(report: Report) -> str:
    """Return everything that one run found, for docs/performance.md."""
    named = "; ".join(f"{tool.name} {tool.version} ({tool.store})".replace("  ", " ") for tool in report.tools if tool.name not in FLOORS)
    over = [(count, cycle_over_floor(report.figures, count)) for count in report.sizes]
    cycles = ", ".join(f"{_times(value)} at {count:,}" for count, value in over if value is not None)
    parts = [
        f"Measured on {report.day} in {report.minutes:.0f} minutes, up to {report.turns} turns. {report.machine}.",
        f"Tools: {named}. Memory read by {report.launcher}.",
        "\n".join(f"- {line}." for line in [*(remark for tool in report.tools for remark in tool.remarks)]),
    ]
    parts += ["### Goals", _goals(report)]
    for count in report.sizes:
        parts += [f"### {count:,} tasks", _absolute(report, count), _memory(report, count)]
    parts += ["### Growth", _growth(report)] if {1000, 10000} <= set(report.sizes) else []
    parts += ["### Counts", _counts(report), _pipes(report), report.reader]
    parts += [f"The full cycle takes, in wall time, {cycles} of `python -c pass`, `git commit` and `/bin/true` together."] if cycles else []
    parts += ["Skipped:\n" + "\n".join(f"- {line}." for line in report.skipped)] if report.skipped else []
    parts += ["Did not do their work:\n" + "\n".join(f"- {line}" for line in report.figures.faults)] if report.figures.faults else []
    return "\n\n".join(part for part in parts if part)


def picture(name: str, alt: str, *, folder: str) -> str:
    """Return a plot as HTML, light or dark as the reader's page is."""
    return "\n".join(
        [
            "<picture>",
            f'  <source media="(prefers-color-scheme: dark)" srcset="{folder}/{name}-dark.svg">',
            f'  <img alt="{alt}" src="{folder}/{name}-light.svg">',
            "</picture>",
        ]
    )


def with_tables(file: Path, text: str) -> str:
    """Return what a file holds, with a text between its markers. Raises `ValueError` where it has none."""
    before, begin, rest = file.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file.name}: the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def put(made: dict[Path, bytes]) -> None:
    """Write files: all of them beside where they belong first, so that none is changed where one can't be written."""
    aside = {path: path.with_name(f".{path.name}.new") for path in made}
    try:
        for path, content in made.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            aside[path].write_bytes(content)
            if path.exists():
                shutil.copymode(path, aside[path])
        for path, new in aside.items():
            new.replace(path)
    finally:
        for new in aside.values():
            new.unlink(missing_ok=True)
