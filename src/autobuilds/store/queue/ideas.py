"""Ideas that stand in the queue without being tasks: the items under a heading such as `## Ideas`."""

from __future__ import annotations

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.markdown.inline import plain_text
from autobuilds.store.queue.document import Document

_NAMES = frozenset({"ideas", "idea", "backlog", "someday", "someday maybe", "later", "wishlist"})
_HEADING = pattern(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_FENCE = pattern(r" {0,3}(`{3,}|~{3,}).*")
_ITEM = pattern(r"( {0,3})(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(\S.*)")
_WORDS = pattern(r"[^a-z ]+")
#: Ideas that are read, and characters of each.
_MOST, _LONGEST = 50, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """One idea as it is written, and its line from 1."""

    text: str
    line: int


def read_ideas(document: Document) -> tuple[Idea, ...]:
    """Return the items of the sections of ideas; what is fenced, or stands under another item, is none."""
    found: list[Idea] = []
    level, fence, edge = 0, "", 3
    for number, start in enumerate(document.line_starts, 1):
        end = document.line_starts[number] if number < len(document.line_starts) else len(document.text)
        line = document.text[start:end].rstrip("\r\n")
        fenced = _FENCE.fullmatch(line)
        if fence:
            fence = "" if fenced and fenced[1].startswith(fence) else fence
            continue
        if fenced:
            fence = fenced[1]
            continue
        heading = _HEADING.fullmatch(line)
        if heading:
            named = " ".join(_WORDS.sub(" ", plain_text(heading[2]).casefold()).split()) in _NAMES
            edge = 3
            if named:
                level = len(heading[1])
            elif len(heading[1]) <= level:
                level = 0
            continue
        item = _ITEM.fullmatch(line) if level else None
        # The first item says where the list stands; what is further in stands under another.
        if item and len(item[1]) <= edge and len(found) < _MOST:
            edge = min(edge, len(item[1]) + 1)
            found.append(Idea(text=plain_text(item[2])[:_LONGEST].strip(), line=number))
    return tuple(found)
