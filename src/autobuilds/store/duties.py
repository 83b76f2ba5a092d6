"""The duties of HEARTBEAT.md's body, and the record of when each ran last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from autobuilds.domain.duties import Cadence, Duty, DutyCommand, parse_cadence
from autobuilds.domain.labels import slugify
from autobuilds.domain.patterns import pattern
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.spelling import quoted
from autobuilds.domain.times import is_when
from autobuilds.records import dataclass
from autobuilds.store import files

FILE = "HEARTBEAT.md"
#: In the workspace's private folder.
LAST_RUNS, LOG = "duties.json", "duties.log"
_MAX_LOG = 1024 * 1024
_EXAMPLES = "every heartbeat, 2x daily, daily at 09:00, Fridays 18:00, every 3 hours, or a cron expression"

_HEADING = pattern(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = pattern(r" {0,3}-{3,}[ \t]*")
_NO_TEXT = pattern(r" {4}|\t| {0,3}(?:>|[-*+][ \t]|\d+[.)][ \t]|(?:-[ \t]*){3,}$|(?:\*[ \t]*){3,}$|(?:_[ \t]*){3,}$)")
_FENCE = pattern(r" {0,3}(?:[-*+][ \t]+)?(`{3,}|~{3,})([^`]*)")
_ITEM = pattern(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])([ \t]+)(.*)")
_CODE = pattern(r"(?:\[[ xX]\][ \t]+)?(`+)(?!`)(.+?)(?<!`)\1(?!`)")
#: Signs that mean nothing to a shell but themselves.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_- ")


@dataclass(slots=True, kw_only=True)
class _Section:
    """One level-2 heading that may be a duty, while its items are read."""

    name: str
    cadence: Cadence | None
    cadence_text: str
    line: int
    column: int
    commands: list[DutyCommand]
    #: Whether any item begins with code, readable as a command or not.
    asks: bool = False


def read_duties(body: str, body_line: int = 1) -> tuple[tuple[Duty, ...], tuple[Problem, ...]]:
    """Return the duties of a body whose first line is line `body_line` of HEARTBEAT.md, and what is odd about them, as warnings.

    A duty is a level-2 heading with a cadence in parentheses, its commands are the list items below it that begin with
    inline code; everything else is for people. Fenced code, comments and quotations show nothing.
    """
    problems: list[Problem] = []
    sections: list[_Section] = []
    current: _Section | None = None
    lines = _visible(body.split("\n"))
    inner = 0
    for index, line in enumerate(lines):
        number = body_line + index
        level, title = _heading(line, lines[index + 1] if index + 1 < len(lines) else "")
        if 0 < level <= 2:
            current = _section(title, number, line) if level == 2 else None
            sections.extend([current] if current else [])
        item = _ITEM.fullmatch(line.expandtabs(4))
        if item is None or current is None:
            loose = index == 0 or not lines[index - 1].strip()
            inner = 0 if level or (loose and line.strip() and not line.startswith((" ", "\t"))) else inner
            continue
        indent = len(item[1])
        nested = 0 < inner <= indent
        if indent > 3 and not nested:
            continue
        code = _CODE.match(item[3]) if len(item[2]) < 5 else None
        column = line.index("`") + 1 if code else 1
        if nested:
            if code:
                problems.append(
                    _problem(number, column, f"{quoted(code[2])} stands under another item and is not run; move it to the margin")
                )
            continue
        inner = item.start(3) if len(item[2]) < 5 else item.start(2) + 1
        if code:
            current.asks = True
            current.commands.extend(_command(code[2], number, column, problems))
    return _duties(sections, problems), tuple(sorted(problems, key=lambda p: (p.line, p.column)))


def _heading(line: str, below: str) -> tuple[int, str]:
    """Return the level and text of a heading that stands in this line, level 0 for none."""
    match = _HEADING.fullmatch(line)
    if match:
        return len(match[1]), (match[2] or "").strip()
    if _UNDERLINE.fullmatch(below) and line.strip() and not _NO_TEXT.match(line):
        return 2, line.strip()
    return 0, ""


def _problem(line: int, column: int, message: str) -> Problem:
    return Problem(file=FILE, line=line, column=column, kind="bad-duty", severity=Severity.WARNING, message=message)


def _section(heading: str, number: int, line: str) -> _Section | None:
    """Return the section of a heading with parentheses, None for one without."""
    groups = list(re.finditer(r"\(([^()]*)\)", heading))
    if not groups:
        return None
    known = [(g, parse_cadence(g[1])) for g in groups]
    group, cadence = next(((g, c) for g, c in known if c is not None), known[-1])
    name = " ".join((heading[: group.start()] + heading[group.end() :]).split()) or group[1]
    column = line.index(group[0]) + 2
    return _Section(name=name, cadence=cadence, cadence_text=group[1].strip(), line=number, column=column, commands=[])


def _words(text: str) -> tuple[str, ...]:
    """Return the arguments of a command line as a shell takes them apart; raises ValueError for a quotation without end."""
    if _PLAIN.issuperset(text):
        return tuple(text.split())
    import shlex

    return tuple(shlex.split(text))


def _command(text: str, line: int, column: int, problems: list[Problem]) -> list[DutyCommand]:
    try:
        argv = _words(text)
    except ValueError as error:
        problems.append(_problem(line, column, f"{quoted(text)} can't be split into arguments ({error}); it is not run"))
        return []
    if not argv or not argv[0]:
        problems.append(_problem(line, column, "this code is empty; write a command into it"))
        return []
    return [DutyCommand(text=text.strip(), argv=argv, line=line)]


def _duties(sections: list[_Section], problems: list[Problem]) -> tuple[Duty, ...]:
    duties: list[Duty] = []
    taken: set[str] = set()
    for section in sections:
        if section.cadence is None:
            if section.asks:
                message = f"{quoted(section.cadence_text)} is no cadence, so this is not run; write {_EXAMPLES}"
                problems.append(_problem(section.line, section.column, message))
            continue
        if not section.commands:
            if not section.asks:
                message = f"the duty {quoted(section.name)} has no list item that begins with a command in backticks"
                problems.append(_problem(section.line, 1, message))
            continue
        base = slugify(section.name) or "duty"
        key = next(k for k in (base, *(f"{base}-{n}" for n in range(2, len(sections) + 2))) if k not in taken)
        taken.add(key)
        duties.append(
            Duty(
                key=key,
                name=section.name,
                cadence=section.cadence,
                cadence_text=section.cadence_text,
                commands=tuple(section.commands),
                line=section.line,
            )
        )
    return tuple(duties)


def _visible(lines: list[str]) -> list[str]:
    """Return the lines with those of fenced code and HTML comments emptied, so that line numbers stay."""
    shown: list[str] = []
    fence = ""
    comment = False
    for line in lines:
        match = None if comment else _FENCE.fullmatch(line)
        if fence:
            if match and match[1].startswith(fence) and not match[2].strip():
                fence = ""
            shown.append("")
        elif match:
            fence = match[1]
            shown.append("")
        elif comment or line.lstrip().startswith("<!--"):
            comment = "-->" not in line
            shown.append("")
        else:
            shown.append(line)
    return shown


def read_last_runs(private: Path) -> tuple[dict[str, datetime], str | None]:
    """Return when each duty ran last (or was first seen), by key, and a message if the record can't be read (then: never)."""
    import json

    path = private / LAST_RUNS
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no regular file")  # a pipe would be waited for
        data = json.loads(path.read_bytes())
        if not isinstance(data, dict) or data.get("version") != 1 or not isinstance(data.get("last"), dict):
            raise ValueError("it has another shape")
        runs = {str(key): datetime.fromisoformat(value) for key, value in data["last"].items()}
        if not all(map(is_when, runs.values())):
            raise ValueError("a time has no zone, or none can be told from it")
    except FileNotFoundError:
        return {}, None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        return {}, f"{path.name} can't be read ({error}); every duty counts as never run"
    return runs, None


def write_last_runs(private: Path, runs: Mapping[str, datetime]) -> None:
    """Write when each duty ran last; raises StorageFailure and leaves the old record where the disk refuses."""
    import json

    last = {key: moment.isoformat(timespec="seconds") for key, moment in sorted(runs.items())}
    text = json.dumps({"version": 1, "last": last}, ensure_ascii=False, indent=1)
    files.write_atomic(private / LAST_RUNS, text.encode() + b"\n")


def append_log(private: Path, record: Mapping[str, object]) -> None:
    """Append one JSON line to the log of duties; above 1 MiB the log is put aside as `duties.log.1` and begun anew."""
    import json

    path = private / LOG
    line = json.dumps(record)
    if path.exists() and path.stat().st_size + len(line) > _MAX_LOG:
        path.replace(path.with_name(f"{LOG}.1"))
    files.append_line(path, line)
