"""Which shape a text has, and the reader of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo

from autobuilds.errors import BadInput
from autobuilds.store.importers.github import read_issues
from autobuilds.store.importers.headings import read_headings
from autobuilds.store.importers.imported import Imported
from autobuilds.store.importers.lists import read_checklist
from autobuilds.store.importers.outline import Outline
from autobuilds.store.importers.tables import read_tables

#: The shapes that `import_text` reads, by the names that a command takes.
SHAPES: dict[str, Callable[[str, tzinfo], Imported]] = {
    "github": read_issues,
    "table": read_tables,
    "checklist": read_checklist,
    "headings": read_headings,
}


def import_text(data: bytes, shape: str | None, zone: tzinfo) -> Imported:
    """Return the tasks of a file of another shape; `shape` is a key of SHAPES, or None to find it out.

    Recognised are GitHub issues as JSON, tables with a header, lists with or without boxes, and headings with text below.
    Raises BadInput for an unknown shape, a file that is not UTF-8, one that is a queue already, or one of none of the shapes.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"the file is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    if "\0" in text:
        raise BadInput("the file holds NUL bytes; it is no text")
    if shape is not None and shape not in SHAPES:
        raise BadInput(f"there is no shape {shape!r}; shapes are {', '.join(SHAPES)}")
    found = SHAPES[shape or _shape_of(text)](text, zone)
    if not found.tasks and not found.left:
        raise BadInput(f"no task was found in the file (read as {found.shape}). Name its shape: {', '.join(SHAPES)}")
    return found


def _shape_of(text: str) -> str:
    if text.lstrip()[:1] in {"[", "{"} and text.rstrip()[-1:] in {"]", "}"}:
        return "github"
    outline = Outline(text)
    if outline.is_queue():
        raise BadInput("the file has an Active Queue already; it needs no import. `autobuilds check` reads it as it is")
    if outline.tables():
        return "table"
    if outline.has_boxes() and not outline.boxes_are_details():
        return "checklist"
    if outline.headings():
        return "headings" if outline.leaf_headings_have_text() or not outline.items() else "checklist"
    if outline.items():
        return "checklist"
    raise BadInput(f"the file is no table, list, headings or JSON of GitHub issues. Name its shape: {', '.join(SHAPES)}")
