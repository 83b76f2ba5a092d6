"""Whether a file can be trusted as a whole: the checks after which nothing in it is read."""

from __future__ import annotations

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.markdown.blocks import CODE, FENCE_BLOCK, HTML, Block, Blocks, split_lines
from autobuilds.store.queue.sections import names_section, section_of

_YAML_LINE = pattern(r"(?:#.*|[\w\"'][^:\r\n]*:(?:[ \t].*)?|[ \t]+.*|-[ \t].*|[\]}],?)?[ \t]*")
_YAML_KEY = pattern(r"[\w\"'][^:\r\n]*:(?:[ \t].*)?")
_UNDERLINE = pattern(r"[ ]{0,3}(?:=+|-+)[ \t]*")
_MARKER = pattern(r"(?:^|(?<=[\r\n]))(<{7}|={7}|>{7})(?=[ \t\r\n]|\Z)")


@dataclass(frozen=True, slots=True)
class Distrust:
    """Why a file can't be trusted, and the offset of the place."""

    kind: str
    at: int
    message: str


def front_matter(text: str) -> tuple[int, Distrust | None]:
    """Return how many lines of front matter a text begins with; front matter without an end that swallows sections is distrusted."""
    if not text.startswith("---"):
        return 0, None
    starts, ends = split_lines(text)
    rows = [text[start:end] for start, end in zip(starts, ends, strict=False)]
    if rows[0].rstrip() != "---":
        return 0, None
    close = next((n for n, row in enumerate(rows[1:], 1) if row.rstrip() in {"---", "..."}), None)
    inner = rows[1:close]
    # A closed block may hold comments and indented text that look like a heading of another level.
    mark = "##" if close is not None else ""
    swallowed = next((n for n, row in enumerate(inner, 1) if row.startswith(mark) and names_section(row)), None)
    yaml = bool(inner) and _YAML_KEY.fullmatch(next((row for row in inner if row.strip() and row[0] != "#"), "")) is not None
    if yaml and inner[0].strip() and swallowed is not None:
        message = f"the front matter that begins here has no end before the section at line {swallowed + 1}; close it with a line ---"
        return 0, Distrust("front-matter", 0, message)
    if close is None or swallowed is not None:
        return 0, None
    if close == 1 or (yaml and inner[0].strip() and all(_YAML_LINE.fullmatch(row) for row in inner)):
        return close + 1, None
    return 0, None


def distrust(blocks: Blocks, first_line: int) -> tuple[Distrust | None, list[Distrust]]:
    """Return why a file can't be trusted, if so, and the unclosed blocks that swallow nothing."""
    harmless: list[Distrust] = []
    code: set[int] = set()
    for block in blocks.root.walk():
        if block.kind in (FENCE_BLOCK, CODE):
            code.update(range(block.first, block.last + 1))
        if block.kind not in (FENCE_BLOCK, HTML):
            continue
        found, fatal = _unclosed(block, blocks)
        if found is not None and fatal:
            return found, []
        if found is not None:
            harmless.append(found)
    return conflict(blocks, code, first_line), harmless


def _unclosed(block: Block, blocks: Blocks) -> tuple[Distrust | None, bool]:
    """Return what an unclosed fence or comment is to be told as, and whether it swallows sections."""
    rows = [blocks.text[start:end] for start, end in block.lines]
    swallowed = next((n for n, row in enumerate(rows) if _begins_section(row, rows[n + 1 : n + 2])), None)
    if block.closed:
        nested = block.kind == FENCE_BLOCK and swallowed is not None and _reopened(block, rows, blocks)
        if not nested:
            return None, False
    elif block.kind == HTML and (block.level >= 6 or block.level == 4):
        return None, False
    at = block.marker_at
    name = {FENCE_BLOCK: f"code fence {block.marker * min(block.level, 8)}"}.get(
        block.kind, "comment" if block.level == 2 else "HTML block"
    )
    kind = "unclosed-fence" if block.kind == FENCE_BLOCK else "unclosed-comment"
    if swallowed is None:
        return Distrust(kind, at, f"the {name} that begins here is never closed"), False
    offset = 1 if block.kind == FENCE_BLOCK else 0
    where = block.first + offset + swallowed + 1
    return Distrust(
        kind, at, f"the {name} that begins here is not closed before the section at line {where}, which it swallows; close it"
    ), True


def _begins_section(row: str, after: list[str]) -> bool:
    """Whether a line would begin a section, being a heading of either kind."""
    if names_section(row) is not None:
        return True
    return bool(after) and _UNDERLINE.fullmatch(after[0]) is not None and section_of(row) is not None


def _reopened(block: Block, rows: list[str], blocks: Blocks) -> bool:
    """Whether a closed fence seems to have taken the next one's end: another opens inside it, and a section is nowhere else."""
    mark = block.marker * block.level
    opens = any(row.lstrip(" ").startswith(mark) and row.strip(" \t" + block.marker) for row in rows)
    if not opens:
        return False
    inside = {names_section(row) for row in rows} - {None}
    outside = {
        names_section(blocks.text[blocks.starts[child.first] : blocks.ends[child.first]])
        for child in blocks.root.children
        if child.kind == "heading"
    }
    return bool(inside - outside)


def conflict(blocks: Blocks, code: set[int], first_line: int) -> Distrust | None:
    """Return the first complete set of Git's conflict markers outside code."""
    if "<<<<<<<" not in blocks.text:
        return None
    begin: int | None = None
    middle = False
    for line in range(first_line, len(blocks.ends)):
        row = blocks.text[blocks.starts[line] : blocks.ends[line]]
        if line in code or not _MARKER.match(row):
            continue
        if row[0] == "<":
            begin, middle = line, False
        elif row[0] == "=" and begin is not None:
            middle = True
        elif row[0] == ">" and begin is not None and middle:
            message = f"conflict markers from line {begin + 1} to {line + 1}; resolve the merge and remove them"
            return Distrust("conflict-markers", blocks.starts[begin], message)
    return None
