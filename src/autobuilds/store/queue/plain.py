"""The quick way through a queue written in the plainest spelling; any doubt, and the whole text is read the thorough way.

It rests on two facts of Markdown: a `#` heading in the first column begins a block of its own unless a fence or an HTML block
is open, and so does a `- [ ]` in the first column. So a text falls into pieces that can be read alone. Of a piece in the plain
spelling one pattern sees the shape, and what its fields say is read when it is asked for; any other piece is read by the
thorough reader as a little queue of its own, with its line numbers moved; what can't be judged by its piece alone (duplicates,
unknown names, unclosed blocks, odd headings) ends the quick way. Tests hold both ways against each other.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import tzinfo

from autobuilds.domain.labels import slugify, slugify_all
from autobuilds.domain.model import Counts, Priority, Queue, Section, Task, know, waiting_task
from autobuilds.domain.patterns import pattern
from autobuilds.domain.problem import Problem
from autobuilds.store.queue.plain_details import Given, given_in, is_sound, later
from autobuilds.store.queue.plain_pieces import LARGER, Little, Pieces, Thorough, is_odd
from autobuilds.store.queue.plain_relations import known_labels, resolved
from autobuilds.store.queue.plain_values import Doubt, PlainValues
from autobuilds.store.queue.sections import section_of

_NAME = r"[^\W_]++(?:(?:, | \(|\) |[ '/.+,()-])[^\W_]++)*+[)?!.]?"
_DATE = r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?"
_TASK = pattern(rf"- \[([ xX])\] ({_NAME})(?: - Added: ({_DATE}))?(?: - Priority: (High|Medium|Low))?(?: - Completed: ({_DATE}))?\n")
_NEXT_TASK = pattern(r"\n- \[")
_HEADING = pattern(r"\n(#{1,6}) +([^\n]*)(?=\n)")
_FIRST_HEADING = pattern(r"(#{1,6}) +([^\n]*)\n")
#: A line under a task line that is not indented as what is nested in it.
_SHALLOW = pattern(r"\n(?! {2}|\n|\Z)")
_PRIORITIES = {"High": Priority.HIGH, "Medium": Priority.MEDIUM, "Low": Priority.LOW, None: Priority.MEDIUM}
_TITLES = {"Active Queue": "active", "Task Details": "details", "Completed": "completed"}
_SPECIAL = pattern(r"[\\`<\[*_~&]")


def read_plain(text: str, zone: tzinfo, thorough: Thorough) -> Queue | None:
    """Return what `thorough(text)` would return, or None where the quick way does not lead through the text."""
    if not text.endswith("\n") or text.startswith("---") or any(sign in text for sign in ("\r", "\t", "]:", "<<<<<<<", "\u00a0")):
        return None
    try:
        return _Plain(text, zone, thorough).read()
    except Doubt:
        return None


class _Entry:
    """One task on its way: where it stands, and either the match of its plain line or a little queue that holds it."""

    __slots__ = ("given", "label", "line", "little", "match", "nested", "section", "slug", "start", "stop")

    #: Both are set by `_Plain._name`.
    label: str
    slug: str

    def __init__(self, section: Section, match: re.Match[str] | None, start: int, stop: int, line: int) -> None:
        self.section = section
        self.match = match
        self.start = start
        self.stop = stop
        self.line = line
        self.nested = 0
        self.given: Given | None = None
        self.little: Little | None = None


class _Plain:
    """One quick reading."""

    def __init__(self, text: str, zone: tzinfo, thorough: Thorough) -> None:
        self.text = text
        self.values = PlainValues(zone)
        self.pieces = Pieces(text, thorough)
        self.lines: list[int] | None = None
        #: By label where details stand: their heading, their first line, their end.
        self.details: dict[str, tuple[int, int, int]] = {}
        self.entries: list[_Entry] = []
        #: Slugs of other sections' headings after Task Details: a task's name among them is for the thorough way.
        self.others: set[str] = set()
        self.parts = self.notes = 0

    def read(self) -> Queue:
        """Return the queue; raises Doubt."""
        for section, start, end in self._cut():
            self._list(Section(section), start, end)
        self._name()
        for entry in self.entries:
            self._detail(entry)
        if self.details:
            raise Doubt
        known = known_labels((e.label, e.slug, e.section is Section.ACTIVE) for e in self.entries)
        problems: list[Problem] = []
        tasks = tuple([self._task(entry, known, problems) for entry in self.entries])
        problems.sort(key=lambda problem: (problem.line, problem.column))
        parts, notes = self.parts + self.pieces.parts, self.notes + self.pieces.notes
        sums = len(tasks) + parts + notes + self.pieces.wrong
        counts = Counts(tasks=len(tasks), parts=parts, notes=notes, problems=self.pieces.wrong, items=sums)
        return Queue(tasks=tasks, problems=tuple(problems), counts=counts)

    def _cut(self) -> list[tuple[str, int, int]]:
        """Return the pieces of the lists, and keep those of the details by label."""
        headings = [(len(match[1]), match[2], match.start() + 1, match.end() + 1) for match in _HEADING.finditer(self.text)]
        first = _FIRST_HEADING.match(self.text)
        if first is not None:
            headings.insert(0, (len(first[1]), first[2], 0, first.end()))
        if not headings:
            raise Doubt
        self._other(0, headings[0][2])
        ends = [heading[2] for heading in headings[1:]] + [len(self.text)]
        lists: list[tuple[str, int, int]] = []
        titles: list[str] = []
        places: list[tuple[int, int, int]] = []
        seen: set[str] = set()
        section = ""
        for (level, title, heading, start), end in zip(headings, ends, strict=True):
            if level <= 2:
                section = self._section(level, title, start, end, seen, lists)
            elif section == "details" and level == 3:
                titles.append(title)
                places.append((heading, start, end))
            elif section or section_of(title):
                raise Doubt
            else:
                self._other(heading, end)
        labels = slugify_all(titles)
        self.details = dict(zip(labels, places, strict=True))
        if len(seen) < len(_TITLES) or "" in self.details or len(self.details) < len(labels) or any(map(_SPECIAL.search, titles)):
            raise Doubt
        return lists

    def _section(self, level: int, title: str, start: int, end: int, seen: set[str], lists: list[tuple[str, int, int]]) -> str:
        section = _TITLES.get(title) or section_of(title) or ""
        if section and (level != 2 or section in seen):
            raise Doubt
        if section == "details" and self.text[start:end].strip():
            raise Doubt
        if not section:
            self._other(start - 1, end)
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

    def _other(self, start: int, end: int) -> None:
        """Doubt lines of no section that might begin something larger."""
        if LARGER.search(self.text, start, end) or is_odd(self.text[start:end]):
            raise Doubt

    def _list(self, section: Section, start: int, end: int) -> None:
        text, entries, plain = self.text, self.entries, _TASK.match
        while start < end and text[start] == "\n":
            start += 1
        at = start
        line = self._line(at) if at < end else 0
        while at < end:
            match = plain(text, at, end)
            if match is None and not text.startswith("- [", at):
                raise Doubt
            stop = at if match is None else match.end()
            if match is None or not (text.startswith("- [", stop) or stop == end):
                after = _NEXT_TASK.search(text, stop - 1 if match else at, end)
                stop = after.start() + 1 if after else end
                entries.append(_Entry(section, match, at, stop, line))
                line += text.count("\n", at, stop)
            else:
                entries.append(_Entry(section, match, at, stop, line))
                line += 1
            at = stop

    def _line(self, offset: int) -> int:
        """Return the 1-based line of an offset."""
        if self.lines is None:
            self.lines = [match.end() for match in re.finditer("\n", self.text)]
        return bisect_right(self.lines, offset) + 1

    def _name(self) -> None:
        """Give every entry its label; what is not plain is read as a little queue. Raises Doubt for a label given twice."""
        for entry in self.entries:
            if entry.match is not None and entry.section is Section.COMPLETED and entry.match[1] == " ":
                entry.match = None
            elif entry.match is not None and entry.stop > entry.match.end():
                self._nested(entry)
        plain = [entry for entry in self.entries if entry.match is not None]
        for entry, slug in zip(plain, slugify_all([entry.match[2] for entry in plain if entry.match]), strict=True):
            entry.label = entry.slug = slug
        for entry in self.entries:
            if entry.match is None:
                entry.little = self.pieces.entry(entry.section, entry.start, entry.stop, entry.line)
                entry.label, entry.slug = entry.little.task.label, slugify(entry.little.task.name)
        active = [entry.label for entry in self.entries if entry.section is Section.ACTIVE]
        labels = {entry.label for entry in self.entries}
        slugs = {entry.slug for entry in self.entries}
        if len(set(active)) < len(active) or "" in labels or not self.others.isdisjoint(labels | slugs):
            raise Doubt
        self.odd_labels = labels & {entry.slug for entry in self.entries if entry.slug != entry.label}

    def _nested(self, entry: _Entry) -> None:
        """Take fields that are nested under a plain line; where they are not plain, the entry is not."""
        assert entry.match is not None
        body = self.text[entry.match.end() - 1 : entry.stop].rstrip("\n") + "\n"
        if body == "\n":
            return
        found = None if _SHALLOW.search(body) or body.startswith("\n\n") else given_in(body.replace("\n  ", "\n")[1:], 0, len(body))
        if found is None or not is_sound(found[0], self.values):
            entry.match = None
            return
        entry.given, parts, entry.nested = found
        if entry.nested != body.count("\n") - 1:
            entry.given, entry.match = None, None
            return
        self.parts += parts

    def _detail(self, entry: _Entry) -> None:
        """Give an entry its headed details."""
        place = self.details.pop(entry.slug, None) or self.details.pop(entry.label, None)
        if place is None:
            return
        if entry.slug in self.odd_labels:
            raise Doubt
        found = given_in(self.text, place[1], place[2]) if entry.match is not None and not entry.nested else None
        if found is not None and is_sound(found[0], self.values):
            entry.given = found[0]
            self.parts += 1 + found[1]
            return
        if entry.nested:
            raise Doubt
        if entry.little is not None:
            self.pieces.forget(entry.little)
        entry.match = None
        entry.little = self.pieces.with_details(entry.section, (entry.start, entry.stop), entry.line, place, self._line(place[0]))
        if entry.little.task.label != entry.label:
            raise Doubt

    def _task(self, entry: _Entry, known: dict[str, str], problems: list[Problem]) -> Task:
        if entry.little is not None:
            return entry.little.moved(known, problems)
        assert entry.match is not None
        mark, name, added, priority, completed = entry.match.groups()
        if (added and not self.values.is_moment(added)) or (completed and not self.values.is_moment(completed)):
            raise Doubt
        given, line = entry.given, entry.line
        task = waiting_task(
            entry.label,
            name,
            entry.section,
            mark != " ",
            _PRIORITIES[priority],
            (line, line + entry.nested),
            (later, given, added, completed, self.values),
        )
        if given is not None and (given["depends_on"] is not None or given["approved"] is not None):
            know(task, self._known(entry, given, known))
        return task

    def _known(self, entry: _Entry, given: Given, known: dict[str, str]) -> dict[str, object]:
        """Return the fields of a task that rest on other tasks or on lines."""
        found: dict[str, object] = {}
        names = given["depends_on"]
        if names is not None:
            found["depends_on"] = resolved(names, self.values.of("depends_on", names)["depends_on"], known)
        if given["approved"] is not None and isinstance(given, re.Match):
            at = given.start("approved")
            found["approved_line"] = entry.line + 1 + given.string.count("\n", 0, at) if entry.nested else self._line(at)
        return found
