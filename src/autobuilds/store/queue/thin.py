"""A view of a large queue without the tasks that an operation is not about, so that places are found in a few lines only."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from autobuilds.domain.labels import tells_line
from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.splice import Splice

#: Characters from which on a view pays.
_LARGE = 3_000
#: Tasks and blocks of details that stay at both ends of their section, for what is habit there.
_FIRST, _LAST = 3, 2
#: Lines of prose, remarks or code in one piece from which on the middle is left out, and those that stay at both its ends.
_LONG, _EDGE = 40, 8
#: Lines that say where something stands, but the first: headings, items with a box, fences, thematic breaks and the edges of front matter.
# (Written with the line end before them, which is what `re` looks for quickly: a `^` is tried at every character.)
_STANDS = pattern(r"\n[ \t>]*(?:#{1,6}(?:[ \t]|$)|(?:[-*+]|\d{1,9}[.)])[ \t]+\[|`{3}|~{3}|-{3}|<)", re.MULTILINE)
_HEADING = pattern(r"\n(#{1,6})[ \t]+([^\n]*)")
_FIRST_HEADING = pattern(r"(#{1,6})[ \t]+([^\n]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A document that holds some lines of another; `starts` and `origins` say where each run of lines begins in both."""

    document: Document
    starts: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)

    def there(self, splice: Splice) -> Splice:
        """Return the splice for the whole text; an insertion between two runs belongs to the end of the first."""
        end = self._from_left(splice.end)
        start = end if splice.start == splice.end else self._from_right(splice.start)
        return Splice(start, end, splice.text)

    def _from_left(self, offset: int) -> int:
        n = max(bisect_left(self.starts, offset) - 1, 0)
        return self.origins[n] + offset - self.starts[n]

    def _from_right(self, offset: int) -> int:
        n = bisect_right(self.starts, offset) - 1
        return self.origins[n] + offset - self.starts[n]


def thin_view(document: Document, label: str, read: Callable[[bytes], Document]) -> View | None:
    """Return a view with the task of a label and its neighbours at the ends of the sections, or None where it does not pay.

    It is a help, not a judgement: what is written on its ground is verified against the whole text.
    """
    text = document.text
    if tells_line(label):
        return None  # in a view another task may stand in that line
    if len(text) < _LARGE or text.count("\r") != text.count("\r\n") or "places" in document.__dict__:
        return None
    lines = _line_starts(text)
    cuts = sorted([*_tasks(document, label, lines), *_details(document, label), *_prose(text, lines)])
    runs: list[tuple[int, int]] = []
    at = 0
    for start, end in cuts:
        if start > at:
            runs.append((at, start))
        at = max(at, end)
    if at < len(text):
        runs.append((at, len(text)))
    parts = [text[start:end] for start, end in runs]
    starts = [0]
    for part in parts[:-1]:
        starts.append(starts[-1] + len(part))
    thin = read(document.encode("".join(parts)))
    return None if thin.queue.fatal else View(document=thin, starts=tuple(starts), origins=tuple(start for start, _ in runs))


def _line_starts(text: str) -> list[int]:
    return [0, *[match.end() for match in re.finditer("\n", text)], len(text)]


def _tasks(document: Document, label: str, lines: list[int]) -> list[tuple[int, int]]:
    cut = []
    for tasks in (document.queue.active, document.queue.completed):
        inner = tasks[_FIRST : len(tasks) - _LAST]
        cut += [(lines[task.line - 1], lines[task.end_line]) for task in inner if task.label != label]
    return cut


def _prose(text: str, lines: list[int]) -> list[tuple[int, int]]:
    """Return where the middle of long pieces stands that hold nothing but text: a diary, an essay."""
    marks = [bisect_right(lines, match.start()) for match in _STANDS.finditer(text)]
    edges = zip([0, *marks], [*marks, len(lines) - 1], strict=True)
    return [(lines[one + _EDGE], lines[other - _EDGE]) for one, other in edges if other - one > _LONG]


def _details(document: Document, label: str) -> list[tuple[int, int]]:
    """Return where the headed details of other tasks stand; a heading that is not exactly a task's name stays."""
    names = {task.name for task in document.queue.tasks if task.label != label}
    kept = {task.name for tasks in (document.queue.active, document.queue.completed) for task in (*tasks[:_FIRST], *tasks[-_LAST:])}
    text = document.text
    headings = [(len(match[1]), match[2].rstrip(" \t\r"), match.start() + 1) for match in _HEADING.finditer(text)]
    first = _FIRST_HEADING.match(text)
    if first is not None:
        headings.insert(0, (len(first[1]), first[2].rstrip(" \t\r"), 0))
    ends = [start for _, _, start in headings[1:]] + [len(text)]
    blocks = [
        (start, end)
        for (level, title, start), end in zip(headings, ends, strict=True)
        if level == 3 and title in names and title not in kept
    ]
    last = max((start for level, _, start in headings if level == 3), default=-1)
    return [(start, end) for start, end in blocks if start != last]
