"""The quick way through a queue written in the plainest spelling; any doubt, and the whole text is read the thorough way.

It rests on two facts of Markdown: a `#` heading in the first column begins a block of its own unless a fence or an HTML block
is open, and so does a `- [ ]` in the first column. So a text falls into pieces that can be read alone. A piece in the plain
spelling is taken apart by one pattern; any other piece is read by the thorough reader as a little queue of its own, with its
line numbers moved; what can't be judged by its piece alone (duplicates, unknown names, unclosed blocks, odd headings) ends
the quick way. Tests hold both ways against each other.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, tzinfo

from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Counts, Priority, Queue, Section, Task
from autobuilds.domain.problem import Problem
from autobuilds.domain.times import parse_when
from autobuilds.store.queue.plain_details import Doubt, PlainDetails
from autobuilds.store.queue.sections import section_of

_NAME = r"[^\W_]+(?:(?:, | \(|\) |[ '/.+,()-])[^\W_]+)*[)?!.]?"
_DATE = r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?"
_TASK = re.compile(rf"- \[([ xX])\] ({_NAME})(?: - Added: ({_DATE}))?(?: - Priority: (High|Medium|Low))?(?: - Completed: ({_DATE}))?\n*")
_NEXT_TASK = re.compile(r"^- \[", re.MULTILINE)
_HEADING = re.compile(r"\n(#{1,6}) +([^\n]*)(?=\n)")
_FIRST_HEADING = re.compile(r"(#{1,6}) +([^\n]*)\n")
#: Headings that are indented or empty.
_ODD_HEADING = re.compile(r"\n(?: {1,3}#{1,6}[ \n]|#{1,6}\n)")
#: What may not be told from its piece alone: an underlined heading or a rule that touches the line above it.
_RULE = re.compile(r"\n {0,3}[-=][-= ]*(?=\n)")
_OPENER = re.compile(r"^ {0,3}(?:```|~~~|<|\|)", re.MULTILINE)
_PRIORITIES = {"High": Priority.HIGH, "Medium": Priority.MEDIUM, "Low": Priority.LOW, "": Priority.MEDIUM}
_TITLES = {"Active Queue": "active", "Task Details": "details", "Completed": "completed"}

_SPECIAL = re.compile(r"[\\`<\[*_~&]")
#: Problems whose message names other lines, or that say the piece can't be read alone.
_WIDE = frozenset(
    ["repeated-key", "repeated-field", "duplicate", "unclosed-fence", "unclosed-comment", "orphan-details", "duplicate-section"]
)

Thorough = Callable[[str], Queue]


def read_plain(text: str, zone: tzinfo, thorough: Thorough) -> Queue | None:
    """Return what `thorough(text)` would return, or None where the quick way does not lead through the text."""
    if not text.endswith("\n") or text.startswith("---") or any(sign in text for sign in ("\r", "\t", "]:", "<<<<<<<", "\u00a0")):
        return None
    if _ODD_HEADING.search(text) or any(text[match.start() - 1] != "\n" for match in _RULE.finditer(text)):
        return None
    try:
        return _Plain(text, zone, thorough).read()
    except Doubt:
        return None


class _Plain:
    """One quick reading."""

    def __init__(self, text: str, zone: tzinfo, thorough: Thorough) -> None:
        self.text = text
        self.zone = zone
        self.thorough = thorough
        self.starts: list[int] | None = None
        self.moments: dict[str, datetime | None] = {}
        self.plain = PlainDetails(text)
        self.details: dict[str, tuple[int, int, int]] = {}
        #: Slugs of other sections' headings after Task Details: a task's name among them is for the thorough way.
        self.others: set[str] = set()
        #: Slugs of details that were found by the name of a task with another label: another's label may be among them.
        self.named: set[str] = set()
        self.problems: list[Problem] = []
        self.tasks: list[Task] = []
        self.parts = self.notes = self.wrong = 0

    def read(self) -> Queue:
        """Return the queue; raises Doubt."""
        lists = self._cut()
        labels: set[str] = set()
        found: list[Task] = []
        for section, start, end in lists:
            found += self._list(Section(section), start, end, labels)
        if self.details or not self.named.isdisjoint(labels):
            raise Doubt
        if self.others and not self.others.isdisjoint([*labels, *(slugify(task.name) for task in found)]):
            raise Doubt
        problems = sorted(self.problems, key=lambda problem: (problem.line, problem.column))
        self.parts += self.plain.parts
        sums = len(found) + self.parts + self.notes + self.wrong
        counts = Counts(tasks=len(found), parts=self.parts, notes=self.notes, problems=self.wrong, items=sums)
        return Queue(tasks=tuple(found), problems=tuple(problems), counts=counts)

    def _cut(self) -> list[tuple[str, int, int]]:
        """Return the pieces of the lists, and keep those of the details by label."""
        headings = [(len(match[1]), match[2], match.start() + 1, match.end() + 1) for match in _HEADING.finditer(self.text)]
        first = _FIRST_HEADING.match(self.text)
        if first is not None:
            headings.insert(0, (len(first[1]), first[2], 0, first.end()))
        if not headings:
            raise Doubt
        ends = [heading[2] for heading in headings[1:]] + [len(self.text)]
        lists: list[tuple[str, int, int]] = []
        if _OPENER.search(self.text, 0, headings[0][2]):
            raise Doubt
        seen: set[str] = set()
        section = ""
        for (level, title, heading, start), end in zip(headings, ends, strict=True):
            if level <= 2:
                section = self._section(level, title, start, end, seen, lists)
            elif section == "details" and level == 3:
                label = slugify(title)
                if not label or label in self.details or _SPECIAL.search(title):
                    raise Doubt
                self.details[label] = (heading, start, end)
            elif section or section_of(title) or _OPENER.search(self.text, start, end):
                raise Doubt
        if len(seen) < len(_TITLES):
            raise Doubt
        return lists

    def _section(self, level: int, title: str, start: int, end: int, seen: set[str], lists: list[tuple[str, int, int]]) -> str:
        section = _TITLES.get(title) or section_of(title) or ""
        if section and (level != 2 or section in seen):
            raise Doubt
        if section == "details" and self.text[start:end].strip():
            raise Doubt
        if not section and _OPENER.search(self.text, start, end):
            raise Doubt
        if section == "active" and "completed" in seen:
            raise Doubt
        if not section and "details" in seen:
            self.others.add(slugify(title))
        if section:
            seen.add(section)
            self.notes += 1
        if section in ("active", "completed"):
            lists.append((section, start, end))
        return section

    def _list(self, section: Section, start: int, end: int, labels: set[str]) -> list[Task]:
        text = self.text
        while start < end and text[start] == "\n":
            start += 1
        found: list[Task] = []
        line = 0
        at = start
        while at < end:
            match = _TASK.match(text, at, end)
            if match is not None and (match.end() == end or text.startswith("- [", match.end())) and text[match.end() - 1] == "\n":
                stop, plain = match.end(), True
            elif text.startswith("- [", at):
                after = _NEXT_TASK.search(text, at + 1, end)
                stop, plain = after.start() if after else end, False
            else:
                raise Doubt
            line = line + text.count("\n", start, at) if line else self._line(at)
            start = at
            found.append(self._task(section, match, line, labels) if plain and match else self._odd(section, line, at, stop, labels))
            at = stop
        return found

    def _line(self, offset: int) -> int:
        """Return the 1-based line of an offset."""
        if self.starts is None:
            self.starts = [0]
            at = self.text.find("\n")
            while at >= 0:
                self.starts.append(at + 1)
                at = self.text.find("\n", at + 1)
        return bisect_right(self.starts, offset)

    def _task(self, section: Section, match: re.Match[str], line: int, labels: set[str]) -> Task:
        mark, name, added, priority, completed = match.groups()
        label = slugify(name)
        if section is Section.ACTIVE and (not label or label in labels):
            raise Doubt
        if section is Section.COMPLETED and mark == " ":
            return self._odd(section, line, match.start(), match.end(), labels)
        labels.add(label)
        place = self.details.pop(label, None)
        values = {} if place is None else self.plain.fields(place[1], place[2])
        if values is None:
            assert place is not None
            return self._mini(section, line, self.text[match.start() : match.end()], label, place)
        return Task(
            label=label,
            name=name,
            section=section,
            checked=mark != " ",
            priority=_PRIORITIES[priority or ""],
            added=self._when(added) if added else None,
            completed=self._when(completed) if completed else None,
            line=line,
            end_line=line,
            **values,
        )

    def _when(self, text: str) -> datetime:
        moment = self.moments.get(text)
        if moment is None:
            moment = self.moments[text] = parse_when(text, self.zone)
            if moment is None:
                raise Doubt
        return moment

    def _odd(self, section: Section, line: int, start: int, end: int, labels: set[str]) -> Task:
        """Read an entry that is not plain, with its details, as a little queue of its own."""
        entry = self.text[start:end]
        if "depends" in entry.casefold() or "⛔" in entry or (_OPENER.search(entry) and not entry.endswith("\n\n")):
            raise Doubt
        head = "## Task Details\n" + self._title(section)
        queue = self._little(head + entry)
        label = queue.tasks[0].label
        if label.startswith("task-at-line-") or (section is Section.ACTIVE and label in labels):
            raise Doubt
        labels.add(label)
        slug = slugify(queue.tasks[0].name)
        place = self.details.pop(slug, None)
        if place is not None and slug != label:
            self.named.add(slug)
        if place is not None:
            return self._mini(section, line, entry, label, place)
        return self._moved(queue, head, [(head.count("\n"), line - head.count("\n") - 1)])

    def _mini(self, section: Section, line: int, entry: str, label: str, place: tuple[int, int, int]) -> Task:
        """Read an entry together with its headed details as a little queue of its own."""
        details = self.text[place[0] : place[2]]
        if "depends" in details.casefold() or (_OPENER.search(details) and not details.endswith("\n\n")):
            raise Doubt
        title = self._title(section)
        head = title + entry.rstrip("\n") + "\n\n## Task Details\n"
        queue = self._little(head + details)
        if queue.tasks[0].label != label:
            raise Doubt
        before = title.count("\n")
        self.notes -= 1
        return self._moved(queue, title, [(before, line - before - 1), (head.count("\n"), self._line(place[0]) - head.count("\n") - 1)])

    def _title(self, section: Section) -> str:
        """Return headings of which the last begins the section, so that no other is missing."""
        return "## Completed\n## Active Queue\n" if section is Section.ACTIVE else "## Active Queue\n## Completed\n"

    def _little(self, text: str) -> Queue:
        """Return a little queue of one task."""
        queue = self.thorough(text)
        if queue.fatal or len(queue.tasks) != 1 or any(problem.kind in _WIDE for problem in queue.problems):
            raise Doubt
        return queue

    def _moved(self, queue: Queue, headings: str, shifts: list[tuple[int, int]]) -> Task:
        """Add a little queue's problems and sums, and return its task with the lines of the whole file.

        `headings` are the lines of the little queue that the file does not have there.
        `shifts` are lines of the little queue, from 0, and what is added to the lines after each.
        """

        def there(line: int) -> int:
            return line + next(by for first, by in reversed(shifts) if line > first)

        moved = sorted((replace(p, line=there(p.line)) for p in queue.problems), key=lambda p: (p.line, p.column))
        self.problems += moved
        self.parts += queue.counts.parts
        self.notes += queue.counts.notes - headings.count("\n")
        self.wrong += queue.counts.problems
        task = queue.tasks[0]
        return replace(
            task,
            line=there(task.line),
            end_line=there(task.end_line),
            approved_line=None if task.approved_line is None else there(task.approved_line),
            problems=tuple(problem for problem in moved if problem.label == task.label),
        )
