"""Pieces of a queue that are not written plainly: each read by the thorough reader as a little queue of its own."""

from __future__ import annotations

import re
from collections.abc import Callable

from autobuilds.domain.labels import tells_line
from autobuilds.domain.model import Queue, Section, Task
from autobuilds.domain.patterns import pattern
from autobuilds.domain.problem import Problem
from autobuilds.records import dataclass, replace
from autobuilds.store.queue.plain_values import Doubt

#: What may hide the pieces after it: a fence, HTML, a table's row.
OPENER = pattern(r"^ {0,3}(?:```|~~~|<|\|)", re.MULTILINE)
#: What may begin something larger anywhere: a fence or HTML in an item or a quotation goes on to the end of that, and is told of.
LARGER = pattern(r"```|~~~|<|^ {0,3}\|", re.MULTILINE)
#: Headings that are indented or empty.
_ODD_HEADING = pattern(r"(?:^|\n)(?: {1,3}#{1,6}[ \n]|#{1,6}\n)")
#: An underlined heading or a rule that touches the line above it: it may not be told from its piece alone.
_RULE = pattern(r"[^\n]\n {0,3}[-=][-= ]*+(?=\n|\Z)")
#: Problems whose message names other lines, or that say the piece can't be read alone.
_WIDE = frozenset(
    ["repeated-key", "repeated-field", "duplicate", "unclosed-fence", "unclosed-comment", "orphan-details", "duplicate-section"]
)
#: What a little queue can't know better.
_RELATIONS = "unknown-dependency"

Thorough = Callable[[str], Queue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Little:
    """One task read in a little queue, and how its lines are moved to those of the file."""

    queue: Queue
    #: How many lines the little queue begins with that the file does not have there.
    extra: int
    #: Lines of the little queue, from 0, and what is added to the lines after each.
    shifts: tuple[tuple[int, int], ...]

    @property
    def task(self) -> Task:
        """The task, with the lines of the little queue."""
        return self.queue.tasks[0]

    def there(self, line: int) -> int:
        """Return the line of the file for one of the little queue."""
        return line + next((by for first, by in reversed(self.shifts) if line > first), 0)

    def moved(self, known: dict[str, str], problems: list[Problem]) -> Task:
        """Return the task with the lines of the whole file and its dependencies as labels; its problems are added to the others.

        Raises Doubt for a dependency that is not known.
        """
        task = self.task
        if task.depends_on and (task.label in task.depends_on or not all(name in known for name in task.depends_on)):
            raise Doubt
        found = [replace(p, line=self.there(p.line)) for p in self.queue.problems if p.kind != _RELATIONS]
        found.sort(key=lambda p: (p.line, p.column))
        problems += found
        return replace(
            task,
            line=self.there(task.line),
            end_line=self.there(task.end_line),
            approved_line=None if task.approved_line is None else self.there(task.approved_line),
            depends_on=tuple(dict.fromkeys(known[name] for name in task.depends_on)),
            problems=tuple(problem for problem in found if problem.label == task.label),
        )


def is_odd(text: str) -> bool:
    """Whether a text holds what could be a heading that is not seen in the first column."""
    return _ODD_HEADING.search(text) is not None or _RULE.search(text) is not None


class Pieces:
    """The little queues of one text; `parts`, `notes` and `wrong` are their share of the sums."""

    def __init__(self, text: str, thorough: Thorough) -> None:
        self.text = text
        self.thorough = thorough
        self.parts = self.notes = self.wrong = 0

    def entry(self, section: Section, start: int, end: int, line: int) -> Little:
        """Return an entry without headed details; `line` is its first line in the file. Raises Doubt."""
        entry = self.text[start:end]
        if OPENER.search(entry) and not entry.endswith("\n\n"):
            raise Doubt
        head = "## Task Details\n" + _title(section)
        lines = head.count("\n")
        return self._little(head + entry, lines, ((lines, line - lines - 1),))

    def with_details(self, section: Section, entry: tuple[int, int], line: int, details: tuple[int, int, int], at: int) -> Little:
        """Return an entry together with its headed details, whose heading stands at line `at` of the file. Raises Doubt."""
        below = self.text[details[0] : details[2]]
        if OPENER.search(below) and not below.endswith("\n\n"):
            raise Doubt
        title = _title(section)
        head = title + self.text[slice(*entry)].rstrip("\n") + "\n\n## Task Details\n"
        before, lines = title.count("\n"), head.count("\n")
        # The heading of Task Details was counted where it stands.
        return self._little(head + below, before + 1, ((before, line - before - 1), (lines, at - lines - 1)))

    def _little(self, text: str, extra: int, shifts: tuple[tuple[int, int], ...]) -> Little:
        """Return a little queue of one task."""
        queue = self.thorough(text)
        if queue.fatal or len(queue.tasks) != 1 or any(problem.kind in _WIDE for problem in queue.problems) or is_odd(text):
            raise Doubt
        if tells_line(queue.tasks[0].label):
            raise Doubt
        self._count(queue, extra, 1)
        return Little(queue=queue, extra=extra, shifts=shifts)

    def forget(self, little: Little) -> None:
        """Take a little queue out of the sums."""
        self._count(little.queue, little.extra, -1)

    def _count(self, queue: Queue, extra: int, sign: int) -> None:
        self.parts += sign * queue.counts.parts
        self.notes += sign * (queue.counts.notes - extra)
        self.wrong += sign * queue.counts.problems


def _title(section: Section) -> str:
    """Return headings of which the last begins the section, so that no other is missing."""
    return "## Completed\n## Active Queue\n" if section is Section.ACTIVE else "## Active Queue\n## Completed\n"
