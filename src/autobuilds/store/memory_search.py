"""Looking something up in the diary: whatever people and programs wrote there, in any shape of Markdown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, time
from pathlib import Path

from autobuilds.domain import inert
from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass
from autobuilds.store.guarded import read_guarded
from autobuilds.store.memory import MEMORY

#: Bytes of one file that are read from its beginning and from its end; files, and folders below each other, that are looked at.
_HEAD, _TAIL, _MOST_FILES, _DEEP = 2 * 1024 * 1024, 2 * 1024 * 1024, 5000, 4
#: Lines of an entry that are told; times that a word counts in one entry; words apart beyond which nearness does not count.
TOLD, _COUNTS, _FAR = 5, 5, 1000
_DATE = pattern(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)", re.ASCII)
_TIME = pattern(r"(?<![\d:.-])([01]?\d|2[0-3])[:.]([0-5]\d)(?![\d:.]\d)", re.ASCII)
_ATX = pattern(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_SETEXT = pattern(r" {0,3}(?:=+|-+)[ \t]*")
_FENCE = pattern(r" {0,3}(`{3,}|~{3,})(.*)")
_NO_TEXT = pattern(r" {0,3}(?:[-*+>#|]|\d{1,9}[.)])(?:[ \t]|$)")
_LINE_END = pattern("\r\n|\r|\n")
_WORDS = pattern(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file by its number, the first being 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entry in which all words stand."""

    #: The file within the workspace, and the number of the entry's first line.
    path: str
    line: int
    heading: str
    #: By the entry's heading, else by the headings above it and the file's name; None where neither tells.
    day: date | None
    time: time | None
    #: The lines below the heading in which words stand, at most five: those with most of them.
    lines: tuple[Line, ...]
    #: How often the words stand in it (each counts at most five times), and in how many words next to each other all of them stand.
    times: int
    span: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found, best first, and what was looked at."""

    found: tuple[Found, ...]
    #: How many there are in all.
    total: int
    files: int
    #: Files that were not read, or not whole, and why.
    problems: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Entry:
    path: str
    line: int
    heading: str
    day: date | None
    time: time | None
    lines: list[Line]


def search(root: Path, words: Sequence[str], *, since: date | None = None, limit: int = 20) -> Answer:
    """Return the entries of the diary in which all words stand: most first, then nearest together, then newest.

    Upper and lower case and accents are alike; a word stands where one begins with it. `since` leaves older ones out, and those without a date.
    """
    wanted = list(dict.fromkeys(piece for word in words for piece in _pieces(folded(word))))
    found: list[Found] = []
    problems: list[str] = []
    files = 0
    for path in _files(root / MEMORY):
        name = path.relative_to(root).as_posix()
        read = read_guarded(path, head=_HEAD, tail=_TAIL)
        if read.problem is not None:
            problems.append(f"{name} {read.problem}")
        if read.text is None:
            continue
        files += 1
        whole = folded(read.text)
        if not all(word in whole for word in wanted):
            continue
        found += (hit for entry in entries(name, read.text) if (hit := _hit(entry, wanted)) is not None)
    if since is not None:
        found = [hit for hit in found if hit.day is not None and hit.day >= since]
    found.sort(key=_rank)
    return Answer(found=tuple(found[:limit]), total=len(found), files=files, problems=tuple(problems))


def _rank(hit: Found) -> tuple[int, int, int, int, str, int]:
    minute = hit.time.hour * 60 + hit.time.minute if hit.time else -1
    return -hit.times, hit.span, -(hit.day.toordinal() if hit.day else 0), -minute, hit.path, hit.line


def folded(text: str) -> str:
    """Return a text by which it is compared: without accents, upper and lower case alike, full width and half width alike."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def _pieces(word: str) -> list[str]:
    """Return the words of which an argument consists; one of signs alone is looked for as it is."""
    return _WORDS.findall(word) or ([word.strip()] if word.strip() else [])


def _files(folder: Path, depth: int = _DEEP) -> Iterator[Path]:
    """Yield the Markdown and text files of the diary, links left out, in the order of their names."""
    try:
        inside = sorted(folder.iterdir(), reverse=True)[:_MOST_FILES]
    except OSError:
        return
    for path in inside:
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            if depth > 0:
                yield from _files(path, depth - 1)
        elif path.suffix.lower() in {".md", ".markdown", ".txt"}:
            yield path


def entries(name: str, text: str) -> Iterator[_Entry]:
    """Yield the entries of a file: what stands under each heading, or each paragraph where there is none.

    A heading in a fenced block is none.
    """
    lines = [Line(number=at, text=row) for at, row in enumerate(_LINE_END.split(text.removeprefix("\ufeff")), 1)]
    of_file, headings = _date_in(name), dict[int, date]()
    for heading, level, rows in _sections(lines):
        if level:
            for deeper in [one for one in headings if one >= level]:
                del headings[deeper]
            if (own := _date_in(heading)) is not None:
                headings[level] = own
        day = headings[max(headings)] if headings else of_file
        if level:
            yield _Entry(path=name, line=rows[0].number, heading=heading, day=day, time=_time_in(heading), lines=rows)
            continue
        for part in _paragraphs(rows):
            yield _Entry(path=name, line=part[0].number, heading="", day=day, time=_time_in(part[0].text), lines=part)


def _sections(lines: Sequence[Line]) -> Iterator[tuple[str, int, list[Line]]]:
    """Yield heading, level (0 for what stands before the first) and lines of each section, its heading included."""
    heading, level, rows, fence = "", 0, list[Line](), ""
    for line in lines:
        fenced = _FENCE.fullmatch(line.text)
        if fence:
            rows.append(line)
            if fenced and fenced[1].startswith(fence) and not fenced[2].strip():
                fence = ""
            continue
        if fenced and not (fenced[1][0] == "`" and "`" in fenced[2]):
            fence = fenced[1]
        atx = None if fence else _ATX.fullmatch(line.text)
        under = _SETEXT.fullmatch(line.text) if not fence and rows else None
        if atx:
            if rows:
                yield heading, level, rows
            heading, level, rows = (atx[2] or "").strip(), len(atx[1]), [line]
        elif under and rows[-1].text.strip() and not _NO_TEXT.match(rows[-1].text) and (len(rows) > 1 or not level):
            title = rows.pop()
            if rows:
                yield heading, level, rows
            heading, level, rows = title.text.strip(), 1 if "=" in line.text else 2, [title, line]
        else:
            rows.append(line)
    if rows:
        yield heading, level, rows


def _paragraphs(rows: Sequence[Line]) -> Iterator[list[Line]]:
    part: list[Line] = []
    for row in rows:
        if row.text.strip():
            part.append(row)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _date_in(text: str) -> date | None:
    for found in _DATE.finditer(text):
        try:
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            continue
    return None


def _time_in(text: str) -> time | None:
    found = _TIME.search(_DATE.sub(" ", text[:200]))
    return time(int(found[1]), int(found[2])) if found else None


def _hit(entry: _Entry, wanted: Sequence[str]) -> Found | None:
    """Return an entry as it was found, or None where a word is missing in it."""
    counts, places, at, told = dict.fromkeys(wanted, 0), list[tuple[int, str]](), 0, list[tuple[int, Line]]()
    for row in entry.lines:
        text = folded(row.text)
        here = set[str]()
        for found in _WORDS.finditer(text):
            at += 1
            for word in wanted:
                if found[0].startswith(word) or (not word.isascii() and word in found[0]):
                    counts[word] += 1
                    places.append((at, word))
                    here.add(word)
        for word in wanted:
            if not _WORDS.match(word) and word in text:
                counts[word] += text.count(word)
                places.append((at, word))
                here.add(word)
        if here and (row.number != entry.line or not entry.heading):
            told.append((-len(here), row))
    if not wanted or not all(counts.values()):
        return None
    best = sorted(told, key=lambda one: one[0])[:TOLD]
    lines = sorted((row for _, row in best), key=lambda row: row.number)
    return Found(
        path=entry.path,
        line=entry.line,
        heading=inert.unescaped(entry.heading),
        day=entry.day,
        time=entry.time or next((when for row in lines if (when := _time_in(row.text)) is not None), None),
        lines=tuple(lines),
        times=sum(min(count, _COUNTS) for count in counts.values()),
        span=_nearest(places, len(wanted)),
    )


def _nearest(places: Sequence[tuple[int, str]], number: int) -> int:
    """Return within how many words next to each other all wanted ones stand."""
    least, inside, start = _FAR, dict[str, int](), 0
    for end, word in places:
        inside[word] = inside.get(word, 0) + 1
        while len(inside) == number:
            first, known = places[start]
            least = min(least, end - first + 1)
            inside[known] -= 1
            if not inside[known]:
                del inside[known]
            start += 1
    return least
