"""Draws the figures: time over the number of tasks, one panel an operation, and memory; a light and a dark version each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.suite import Figures
from benchmarks.tools import OPERATIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The colours of Okabe and Ito, which people tell apart however they see colours; each tool has a mark of its own besides.
STYLES: dict[str, tuple[str, str]] = {
    "taskwarrior": ("#E69F00", "s"),
    "todo.txt-cli": ("#56B4E9", "^"),
    "topydo": ("#009E73", "v"),
    "todoing": ("#CC79A7", "D"),
    "mdtodo": ("#0072B2", "P"),
    "backlog.md": ("#D55E00", "X"),
    "task-master-ai": ("#B8A800", "*"),
    "tk": ("#A05A2C", "h"),
    "python -c pass": ("#8C8C8C", "."),
    "git commit": ("#8C8C8C", "+"),
}
#: Paper, ink, grid.
LOOKS = {"light": ("#ffffff", "#1f2328", "#d1d9e0"), "dark": ("#0d1117", "#e6edf3", "#30363d")}


def _style(tool: str, look: str) -> dict[str, Any]:
    _, ink, _ = LOOKS[look]
    if tool == "autobuilds":
        return {"color": ink, "marker": "o", "linewidth": 3.0, "markersize": 6, "zorder": 5}
    colour, mark = STYLES.get(tool, ("#8C8C8C", "x"))
    floor = tool in ("python -c pass", "git commit")
    dashes = ":" if tool == "git commit" else "--" if floor else "-"
    return {"color": colour, "marker": mark, "linewidth": 1.4, "markersize": 6, "linestyle": dashes}


def _dress(figure: Figure, look: str) -> None:
    paper, ink, grid = LOOKS[look]
    figure.set_facecolor(paper)
    for axes in figure.axes:
        axes.set_facecolor(paper)
        axes.tick_params(colors=ink, which="both", labelsize=9)
        axes.grid(visible=True, which="major", color=grid, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=10, color=ink)
        axes.xaxis.label.set_color(ink)
        axes.yaxis.label.set_color(ink)
        for name, spine in axes.spines.items():
            spine.set_visible(name in ("left", "bottom"))
            spine.set_color(ink)


def _times(figures: Figures, tools: Sequence[str], sizes: Sequence[int], look: str) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    operations = [name for name in OPERATIONS if name != "version" and any(figures.cell("autobuilds", name, count) for count in sizes)]
    columns = 3
    figure = Figure(figsize=(10.5, 3.1 * -(-len(operations) // columns) + 0.9), layout="constrained")
    grid = figure.subplots(-(-len(operations) // columns), columns, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(operations):
            axes.remove()
            continue
        for tool in tools:
            cells = [cell for count in sizes if (cell := figures.cell(tool, operations[place], count))]
            if cells:
                axes.plot([c.count for c in cells], [c.middle("cpu") * 1000 for c in cells], label=tool, **_style(tool, look))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(OPERATIONS[operations[place]].replace("`", ""), fontsize=10, loc="left")
        axes.set_xticks(list(sizes))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:,.0f} s"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("tasks", fontsize=9)
        axes.set_ylabel("CPU time" if place % columns == 0 else "", fontsize=9)
    _legend(figure, look)
    _dress(figure, look)
    return figure


def _legend(figure: Figure, look: str) -> None:
    """Name every line once, below the panels."""
    _, ink, _ = LOOKS[look]
    named: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=5, frameon=False, fontsize=9, labelcolor=ink)


def _memory(figures: Figures, tools: Sequence[str], sizes: Sequence[int], look: str) -> Figure:
    from matplotlib.figure import Figure

    _, ink, _ = LOOKS[look]
    shown = [count for count in sizes if count <= 10000]
    rows = [tool for tool in tools if tool != "git commit" and any(figures.cell(tool, "next", count) for count in shown)]
    figure = Figure(figsize=(8.5, 0.34 * len(rows) * max(len(shown), 1) + 1.4), layout="constrained")
    axes = figure.subplots()
    step = 0.8 / max(len(shown), 1)
    for place, count in enumerate(shown):
        shade = 0.45 + 0.55 * place / max(len(shown) - 1, 1)
        for row, tool in enumerate(rows):
            cell = figures.cell(tool, "next", count)
            if cell is None:
                continue
            height, colour = row - 0.4 + step * (place + 0.5), _style(tool, look)["color"]
            axes.barh(height, cell.middle("memory"), step * 0.9, color=colour, alpha=shade)
            axes.annotate(
                f"{cell.middle('memory'):.0f} MiB at {count:,}",
                (cell.middle("memory"), height),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=ink,
            )
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.margins(x=0.18)
    axes.set_title("What is ready: memory of the largest process, MiB", fontsize=10, loc="left")
    _dress(figure, look)
    axes.grid(visible=False, axis="y")
    return figure


def draw(figures: Figures, tools: Sequence[str], sizes: Sequence[int], *, into: Path, looked_at: Path) -> list[Path]:
    """Write the plots as SVG into one folder, and as PNG, to look at, into another; return what was written."""
    import matplotlib as mpl

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "autobuilds",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
    }
    into.mkdir(parents=True, exist_ok=True)
    looked_at.mkdir(parents=True, exist_ok=True)
    written = []
    with mpl.rc_context(settings):
        for look in LOOKS:
            for name, make in {"time": _times, "memory": _memory}.items():
                figure = make(figures, tools, sizes, look)
                for folder, kind in ((into, "svg"), (looked_at, "png")):
                    path = folder / f"{name}-{look}.{kind}"
                    figure.savefig(path, dpi=110, metadata={"Date": None} if kind == "svg" else None)
                    written.append(path)
    return written
