"""Keeps one run as JSON, samples and all, and reads it again, so that tables and plots can be made anew without measuring."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.counts import Agreement, Piped, Transition
from benchmarks.goals import Counted
from benchmarks.report import Named, Report
from benchmarks.runner import Sample
from benchmarks.suite import Cell, Figures

#: Single values of a report, which are kept as they are.
PLAIN = ("skipped", "sizes", "machine", "day", "minutes", "launcher", "turns", "reader")


def text(report: Report) -> str:
    """Return a run as JSON; a line for each tool and for each operation of a tool, so that two runs can be compared line by line."""
    head: dict[str, Any] = {name: getattr(report, name) for name in PLAIN}
    head["faults"] = report.figures.faults
    head["counted"] = asdict(report.counted)
    cells = [
        {
            "tool": cell.tool,
            "operation": cell.operation,
            "tasks": cell.count,
            "wall": [round(sample.wall, 6) for sample in cell.samples],
            "cpu": [round(sample.cpu, 6) for sample in cell.samples],
            "memory": [round(sample.memory, 2) for sample in cell.samples],
        }
        for cell in report.figures.cells.values()
    ]
    lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
    for name, rows in {"tools": [asdict(tool) for tool in report.tools], "cells": cells}.items():
        body = ",\n".join(f"  {json.dumps(row)}" for row in rows)
        lines.append(f" {json.dumps(name)}: [\n{body}\n ]{',' if name == 'tools' else ''}")
    return "{\n" + "\n".join(lines) + "\n}\n"


def save(report: Report, file: Path) -> None:
    """Write a run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text(report))


def load(file: Path) -> Report:
    """Read a run that was kept. Raises `OSError` where it can't be read, and `ValueError` where it is none."""
    try:
        return _report(json.loads(file.read_bytes()))
    except (ValueError, KeyError, TypeError, RecursionError) as word:
        raise ValueError(f"this is no run that was kept ({type(word).__name__}: {word})") from word


def _report(kept: dict[str, Any]) -> Report:
    if not (isinstance(kept["sizes"], list) and kept["sizes"] and all(isinstance(size, int) for size in kept["sizes"])):
        raise ValueError("it has no sizes")
    figures = Figures(faults=kept["faults"])
    for row in kept["cells"]:
        triples = zip(row["wall"], row["cpu"], row["memory"], strict=True)
        samples = [Sample(wall=wall, cpu=cpu, memory=memory) for wall, cpu, memory in triples]
        cell = Cell(tool=row["tool"], operation=row["operation"], count=row["tasks"], samples=samples)
        figures.cells[cell.tool, cell.operation, cell.count] = cell
    counted = Counted(
        transitions=[Transition(**row) for row in kept["counted"]["transitions"]],
        pipes=[Piped(**row) for row in kept["counted"]["pipes"]],
        agreement=Agreement(**kept["counted"]["agreement"]) if kept["counted"]["agreement"] else None,
    )
    return Report(figures=figures, counted=counted, tools=[Named(**row) for row in kept["tools"]], **{name: kept[name] for name in PLAIN})
