"""The tables of a Markdown file by section: GFM's pipe tables with the place of every cell."""

from __future__ import annotations

import re

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass, field

_HEADING = pattern(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_FENCE = pattern(r" {0,3}(`{3,}|~{3,})([^`]*)")
_DELIMITER = pattern(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
#: What ends a table besides a blank line: the start of another block.
_OTHER_BLOCK = pattern(r" {0,3}(?:#{1,6}(?:[ \t]|$)|>|`{3}|~{3}|(?:[-*+]|1[.)])[ \t]|<[a-zA-Z/!?])")
_PIPE = pattern(r"(?<!\\)\|")
#: The same for a line without a backslash, several times as fast.
_ANY_PIPE = pattern(r"\|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The raw Markdown of one cell without the spaces around it, escaped pipes as pipes; `column` counts from 1."""

    text: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table and its line, counted from 1."""

    line: int
    cells: tuple[Cell, ...]

    def cell(self, index: int) -> Cell:
        """Return a cell, an empty one at the row's start where the row is too short."""
        return self.cells[index] if index < len(self.cells) else Cell(text="", column=1)


@dataclass(slots=True, kw_only=True)
class Table:
    """One table under the nearest level-3 heading of its section, None where there is none."""

    heading: str | None
    heading_line: int
    header: Row
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Section:
    """A level-2 heading with what stands below it, up to the next heading of level 1 or 2."""

    name: str
    line: int
    tables: list[Table] = field(default_factory=list)
    #: The line of a merge's conflict marker in the section, or 0.
    conflict: int = 0


def split_row(line: str) -> tuple[Cell, ...]:
    """Return the cells of a table row; a pipe with a backslash before it is text, inside inline code as well (as GFM has it)."""
    ends = [m.start() for m in (_PIPE if "\\" in line else _ANY_PIPE).finditer(line)]
    starts = [0, *(end + 1 for end in ends)]
    cells = []
    for start, end in zip(starts, [*ends, len(line)], strict=True):
        raw = line[start:end]
        lead = len(raw) - len(raw.lstrip())
        cells.append(Cell(text=raw.strip().replace("\\|", "|"), column=start + (lead if raw.strip() else 0) + 1))
    if len(cells) > 1 and not line[: ends[0]].strip():
        cells = cells[1:]
    if len(cells) > 1 and not line[ends[-1] + 1 :].strip():
        cells = cells[:-1]
    return tuple(cells)


def read_sections(text: str) -> list[Section]:
    """Return the level-2 sections of a text with their tables; fenced code and HTML comments show nothing."""
    lines = _visible(re.split(r"\r\n|\r|\n", text))
    sections: list[Section] = []
    heading: tuple[str | None, int] = (None, 0)
    open_conflict = 0
    index = 0
    while index < len(lines):
        line = lines[index]
        match = _HEADING.fullmatch(line)
        if match:
            level, name = len(match[1]), (match[2] or "").strip()
            if level <= 2:
                sections.append(Section(name=name if level == 2 else "", line=index + 1))
                heading = (None, 0)
            elif level == 3:
                heading = (name, index + 1)
        elif line.startswith("<<<<<<< "):
            open_conflict = index + 1
        elif line.startswith(">>>>>>> ") and open_conflict and sections:
            sections[-1].conflict = open_conflict
        elif sections and _is_table(lines, index):
            table = _table(lines, index, heading)
            sections[-1].tables.append(table)
            index += len(table.rows) + 1
        index += 1
    return sections


def _is_table(lines: list[str], index: int) -> bool:
    if index + 1 >= len(lines) or "|" not in lines[index] or "-" not in lines[index + 1] or lines[index].startswith("    "):
        return False
    below = lines[index + 1]
    return bool(_DELIMITER.fullmatch(below)) and len(split_row(below)) == len(split_row(lines[index]))


def _table(lines: list[str], index: int, heading: tuple[str | None, int]) -> Table:
    name, line = heading
    table = Table(heading=name, heading_line=line, header=Row(line=index + 1, cells=split_row(lines[index])))
    for number in range(index + 2, len(lines)):
        row = lines[number]
        if not row.strip() or row.startswith(("    ", "<<<<<<< ", "=======", ">>>>>>> ")) or _OTHER_BLOCK.match(row):
            break
        table.rows.append(Row(line=number + 1, cells=split_row(row)))
    return table


def _visible(lines: list[str]) -> list[str]:
    """Return the lines with those of fenced code and HTML comments emptied, so that line numbers stay."""
    shown: list[str] = []
    fence = ""
    comment = False
    for line in lines:
        match = _FENCE.fullmatch(line)
        if fence:
            if match and match[1].startswith(fence) and not match[2].strip():
                fence = ""
            shown.append("")
        elif comment:
            comment = "-->" not in line
            shown.append("")
        elif match:
            fence = match[1]
            shown.append("")
        elif line.lstrip().startswith("<!--"):
            comment = "-->" not in line
            shown.append("")
        else:
            shown.append(line)
    return shown


def split_phrases(text: str) -> tuple[str, ...]:
    r"""Return the phrases of a cell: separated by commas outside inline code; `\,` is a comma, backticks are taken off."""
    if "`" not in text and "\\" not in text:
        return tuple(dict.fromkeys(phrase for phrase in (" ".join(p.split()) for p in text.split(",")) if phrase))
    parts: list[str] = [""]
    for piece in re.findall(r"`[^`]*`|\\,|,|[^`,\\]+|.", text):
        if piece == ",":
            parts.append("")
        elif len(piece) > 1 and piece[0] == piece[-1] == "`":
            parts[-1] += piece[1:-1]
        else:
            parts[-1] += "," if piece == "\\," else piece
    return tuple(dict.fromkeys(phrase for phrase in (" ".join(p.split()) for p in parts) if phrase))
