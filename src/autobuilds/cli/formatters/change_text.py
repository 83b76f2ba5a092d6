"""A change as text: a bar for each file, and the difference line by line."""

from __future__ import annotations

from collections.abc import Sequence

from autobuilds.cli.formatters.columns import cells, cut
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.inert import terminal, terminal_block
from autobuilds.ports import FileStat

#: Files that are shown, lines of a difference, cells of the longest bar and of a file's name.
MAX_FILES, DIFF_LINES, BAR, NAME = 200, 20_000, 30, 60


def file_bars(files: Sequence[FileStat], style: Style) -> list[str]:
    """Return a line for each file: its name, how many lines changed, a bar of `+` and `-` in proportion to the largest."""
    shown = files[:MAX_FILES]
    width = min(max((cells(terminal(f.path)) for f in shown), default=0), NAME)
    digits = max((len(str(_size(f))) for f in shown), default=1)
    largest = max((_size(f) for f in shown), default=0)
    lines = [f"  {_name(f.path, width)}  {_bar(f, digits, largest, style)}" for f in shown]
    return lines if len(files) <= MAX_FILES else [*lines, style.dim(f"  ... and {len(files) - MAX_FILES} more files")]


def _name(path: str, width: int) -> str:
    """Return a file's name filled up; of a long one the end, which tells more."""
    name = terminal(path)
    while cells(name) > width:
        name = "…" + name[2 if name.startswith("…") else 1 :]
    return name + " " * (width - cells(cut(name, width)))


def _size(file: FileStat) -> int:
    return (file.added or 0) + (file.removed or 0)


def _bar(file: FileStat, digits: int, largest: int, style: Style) -> str:
    if file.added is None or file.removed is None:
        return "not text".rjust(digits)
    size = _size(file)
    length = size if largest <= BAR else max(round(size * BAR / largest), 1 if size else 0)
    plus = round(length * file.added / size) if size else 0
    if size and file.added and file.removed:
        plus = min(max(plus, 1), max(length - 1, 1))
    return f"{size:>{digits}} {style.good('+' * plus)}{style.bad('-' * (length - plus))}".rstrip()


def diff_lines(diff: str, style: Style) -> list[str]:
    """Return a difference line by line, inert and coloured; of one that is too long the beginning."""
    rows = terminal_block(diff.rstrip("\n"), 10**9)
    lines = [_painted(row, style) for row in rows[:DIFF_LINES]]
    return lines if len(rows) <= DIFF_LINES else [*lines, style.dim(f"... {len(rows) - DIFF_LINES} more lines")]


def _painted(row: str, style: Style) -> str:
    if row.startswith(("+++", "---", "diff ", "index ")):
        return style.bold(row)
    if row.startswith("@@"):
        return style.dim(row)
    if row.startswith("+"):
        return style.good(row)
    return style.bad(row) if row.startswith("-") else row
