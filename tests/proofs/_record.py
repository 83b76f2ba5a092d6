"""Keeping what the proofs counted, and telling it in docs/reliability.md."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

from tests.proofs.figures import Figure, Figures

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tests" / "proofs" / "results"
PAGE = ROOT / "docs" / "reliability.md"
_MARKED = re.compile(r"(<!-- figures: begin -->\n).*?(<!-- figures: end -->)", re.DOTALL)


def keep(figures: Figures, *, scale: str, seed: int, tool: str, seconds: float) -> None:
    """Write what one proof counted to `tests/proofs/results/`, and bring the page up to date."""
    RESULTS.mkdir(exist_ok=True)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    run = {"scale": scale, "seed": seed, "tool": tool, "commit": asked.stdout.strip(), "seconds": round(seconds), "machine": machine}
    data = {**run, **asdict(figures)}
    suffix = "" if tool == "autobuilds" else f"-{tool}"
    name = re.sub(r"[^a-z0-9]+", "-", figures.proof.lower()).strip("-")
    (RESULTS / f"{name}{suffix}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_figures(page), encoding="utf-8")


def with_figures(page: str) -> str:
    """Return the page with the table of everything that was kept."""
    return _MARKED.sub(lambda found: f"{found[1]}{table()}\n{found[2]}", page)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"


def table() -> str:
    """Return one Markdown table of all results, a row for each count with a goal."""
    rows = ["| proof | count | value | goal | held |", "|---|---|---:|---|---|"]
    for path in sorted(RESULTS.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        named = data["tool"] == "autobuilds" or data["proof"].endswith(data["tool"])
        name = data["proof"] if named else f"{data['proof']}, {data['tool']}"
        name = name if data["scale"] == "full" else f"{name} (sample)"
        counts = [Figure(**count) for count in data["counts"]]
        for number, figure in enumerate(counts):
            held = "-" if not figure.goal else "yes" if figure.held else "**no**"
            rows.append(f"| {'' if number else name} | {figure.name} | {_number(figure.value)} | {figure.goal or '-'} | {held} |")
        rows += [f"| | not tried: {skip} | | | |" for skip in data["skipped"]]
        rows += [f"| | fault: {fault[:120]} | | | **no** |".replace("\n", " ") for fault in data["faults"][:5]]
    return "\n".join(rows)
