"""The progress log `subagents/<label>-progress.md`: untrusted, so read with care, bounded, and never a reason to fail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from autobuilds.domain import inert
from autobuilds.domain.patterns import pattern
from autobuilds.domain.progress import Progress, ProgressStatus, Question, Step
from autobuilds.domain.times import parse_when
from autobuilds.records import dataclass, replace
from autobuilds.store.front_matter import Located, read_front_matter
from autobuilds.store.guarded import read_guarded
from autobuilds.store.progress_text import append_log, new_progress, with_status, write_when

__all__ = ["append_log", "new_progress", "parse_progress", "read_progress", "with_status", "write_when"]

#: Bounds of what is shown: characters of one text, entries of a list, lines of the log (the newest), characters of front matter.
MAX_TEXT, MAX_ITEMS, MAX_LOG, MAX_FRONT_MATTER = 400, 50, 200, 16_384
_MAX_ROW = 2000

_SYNONYMS = {
    ProgressStatus.STARTING: "starting started queued pending new planning",
    ProgressStatus.WORKING: "working building running active in-progress wip testing",
    ProgressStatus.BLOCKED: "blocked waiting paused stuck",
    ProgressStatus.DONE: "done complete completed finished ready",
    ProgressStatus.FAILED: "failed failure error aborted",
}
_STATUSES = {word: status for status, words in _SYNONYMS.items() for word in words.split()}
_NONE = {"", "none", "none yet", "nothing", "-", "n/a", "no", "null", "~", "[]"}

_LINE = pattern("\r\n|\r|\n")
_HEADING = pattern(r" {0,3}#{1,6}[ \t]+(.+)$")
_FENCE = pattern(r" {0,3}(`{3,}|~{3,})")
_ITEM = pattern(r"(\s*)(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[([ xX])\][ \t]+)?(.*)$")
_EVIDENCE = pattern(r"(?:^|\s+[-–—(]*\s*)\**evidence\**\s*:\s*\**\s*(.*)$", re.IGNORECASE)
_DEFAULT = pattern(r"(?:^|\s+[-–—(]*\s*)\**default\**\s*:\s*\**\s*(.*?)\)?$", re.IGNORECASE)
_SECTIONS = {
    "task breakdown": "breakdown",
    "breakdown": "breakdown",
    "completion criteria": "criteria",
    "criteria": "criteria",
    "log": "log",
    "deliverables": "deliverables",
    "blockers": "blockers",
    "questions": "questions",
}


def read_progress(path: Path, *, label: str, zone: tzinfo = UTC) -> Progress:
    """Return what a progress log says, all of it clean and bounded; what can't be read as meant is in `problems`.

    Never raises and never waits: a missing file is an empty Progress with `found` False. `label` is the build's own, whatever
    the file says; a time without an offset is in `zone`.
    """
    found = read_guarded(path)
    if found.text is None:
        return Progress(label=label, found=False, problems=() if found.problem is None else (f"the progress log {found.problem}",))
    progress = parse_progress(found.text, label=label, zone=zone)
    if found.problem is None:
        return progress
    return replace(progress, problems=(f"the progress log {found.problem}", *progress.problems))


def parse_progress(text: str, *, label: str, zone: tzinfo = UTC) -> Progress:
    """Return what the text of a progress log says; see `read_progress`."""
    matter, body, problems = _front_matter(text)
    sections = _sections(body)
    status, percent = _status(matter, problems), _percent(matter, problems)
    given = _text(matter.get("label"))
    if given and given != label:
        problems.append(f"the label is {label!r}, not {given!r}")
    steps, evidence = _steps(sections["breakdown"]), dict(_evidence(sections["breakdown"]))
    evidence.update(_evidence(sections["criteria"]))
    if percent is None and steps:
        percent = 100 * sum(s.checked for s in steps) // len(steps)
    attempt = _text(matter.get("attempt"))
    updated = _text(matter.get("updated"))
    return Progress(
        label=label,
        attempt=int(attempt) if re.fullmatch(r"[0-9]{1,6}", attempt) else None,
        status=status,
        percent=percent,
        updated=parse_when(updated, zone) if updated else None,
        blockers=_merged(_listed(matter.get("blockers")), (i.text for i in sections["blockers"] if not i.checked)),
        questions=_questions(matter.get("questions"), sections["questions"]),
        deliverables=_merged(_listed(matter.get("deliverables")), (i.text for i in sections["deliverables"])),
        breakdown=steps,
        log=tuple(t for t in (_clean(i.text) for i in sections["log"]) if t)[-MAX_LOG:],
        evidence=tuple(list(evidence.items())[:MAX_ITEMS]),
        problems=tuple(problems),
    )


@dataclass(slots=True)
class _Item:
    text: str
    checked: bool
    box: bool
    children: list[str]


def _clean(value: object) -> str:
    return inert.line(inert.unescaped(str(value)[: MAX_TEXT * 4]), MAX_TEXT)


def _text(value: object) -> str:
    return _clean(value) if isinstance(value, str) else ""


def _front_matter(text: str) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return the metadata (text only), the lines of the body, and what is wrong with the front matter."""
    lines = _LINE.split(text.removeprefix("\ufeff"))
    if lines[0].rstrip() != "---":
        return {}, lines, []
    end = next((n for n, row in enumerate(lines[1:], 1) if row.rstrip() in {"---", "..."}), None)
    if end is None:
        return {}, lines[1:], ["the front matter of the progress log is not closed by ---"]
    matter, body = "\n".join(lines[1:end]), lines[end + 1 :]
    if len(matter) > MAX_FRONT_MATTER:
        return {}, body, [f"the front matter of the progress log is longer than {MAX_FRONT_MATTER} characters"]
    try:
        found = read_front_matter(f"---\n{matter}\n---\n".replace("\0", "").encode("utf-8", "replace"), "progress log")
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        return {}, body, [f"the front matter of the progress log can't be read: {_clean(type(error).__name__)}"]
    problems = [f"the front matter of the progress log, line {p.line}: {_clean(p.message)}" for p in found.problems]
    return {key: _bare(value) for key, value in found.fields.items()}, body, problems[:MAX_ITEMS]


def _bare(located: Located) -> Any:
    """Return a value of the front matter without its places."""
    value = located.value
    if isinstance(value, list):
        return [_bare(v) for v in value[:MAX_ITEMS]]
    if isinstance(value, dict):
        return {k: _bare(v) for k, v in value.items()}
    return value


def _sections(lines: Iterable[str]) -> dict[str, list[_Item]]:
    """Return the list items of each known section in the order of the file; text in fences is nobody's."""
    found: dict[str, list[_Item]] = {name: [] for name in _SECTIONS.values()}
    current: list[_Item] | None = None
    base: int | None = None
    for row in _outside_fences(lines):
        heading = _HEADING.match(row)
        if heading:
            current, base = found.get(_SECTIONS.get(_clean(heading[1]).rstrip("# ").casefold(), "")), None
            continue
        item = _ITEM.match(row)
        if current is None or not row.strip():
            continue
        if item is None:
            if current and row[:1].isspace():
                current[-1].children.append(_folded(row))
            elif current is found["log"] or current is found["blockers"] or current is found["questions"]:
                current.append(_Item(_folded(row), False, False, []))
            continue
        depth = len(item[1].expandtabs(4))
        base = depth if base is None else base
        if depth > base + 1 and current:
            current[-1].children.append(_folded(item[3]))
        elif len(current) < MAX_ITEMS or current is found["log"]:
            current.append(_Item(_folded(item[3]), item[2] in {"x", "X"}, item[2] is not None, []))
    return found


def _outside_fences(lines: Iterable[str]) -> Iterator[str]:
    fence = ""
    for row in lines:
        mark = _FENCE.match(row)
        if fence:
            if mark and mark[1].startswith(fence) and not row.strip().strip(mark[1][0]):
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            yield row[:_MAX_ROW]


def _folded(text: str) -> str:
    return " ".join(text.split())


def _status(matter: dict[str, Any], problems: list[str]) -> ProgressStatus:
    given = _text(matter.get("status"))
    status = _STATUSES.get(re.sub(r"[\s_-]+", "-", given.casefold()), ProgressStatus.UNKNOWN)
    if status is ProgressStatus.UNKNOWN and given:
        problems.append(f"unknown status {inert.shorten(given, 40)!r} in the progress log")
    return status


def _percent(matter: dict[str, Any], problems: list[str]) -> int | None:
    given = _text(matter.get("percent"))
    match = re.fullmatch(r"(-?[0-9]{1,6})(?:\.[0-9]{1,6})?\s?%?", given)
    if match is None:
        if given:
            problems.append(f"percent {inert.shorten(given, 40)!r} in the progress log is no number")
        return None
    return min(max(int(match[1]), 0), 100)


def _listed(value: object) -> list[str]:
    """Return the texts of a front-matter list, or of one text."""
    if isinstance(value, list):
        return [_text(v) for v in value[:MAX_ITEMS]]
    return [_text(value)]


def _merged(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for text in (*first, *(_clean(t) for t in second)):
        if text.casefold().rstrip(".") not in _NONE:
            seen.setdefault(text.casefold(), text)
    return tuple(seen.values())[:MAX_ITEMS]


def _steps(items: list[_Item]) -> tuple[Step, ...]:
    steps = (Step(text=_clean(_EVIDENCE.sub("", i.text)), checked=i.checked) for i in items if i.box)
    return tuple(s for s in steps if s.text)


def _evidence(items: list[_Item]) -> Iterator[tuple[str, str]]:
    """Yield (criterion, evidence) of every ticked item that names evidence, on its line or below it."""
    for item in items:
        if not item.checked:
            continue
        for row in (item.text, *item.children):
            match = _EVIDENCE.search(row)
            if match is not None and _clean(match[1]).casefold().rstrip(".") not in _NONE:
                yield _clean(_EVIDENCE.sub("", item.text)), _clean(match[1])
                break


def _questions(value: object, items: list[_Item]) -> tuple[Question, ...]:
    found: dict[str, Question] = {}
    for entry in value[:MAX_ITEMS] if isinstance(value, list) else [value]:
        if isinstance(entry, dict):
            text = _text(entry.get("question")) or _text(entry.get("text"))
            _add(found, text, _text(entry.get("default")))
        else:
            _add(found, *_question(_text(entry), ()))
    for item in items:
        if not item.checked:
            _add(found, *_question(item.text, item.children))
    return tuple(found.values())[:MAX_ITEMS]


def _question(text: str, children: Iterable[str]) -> tuple[str, str]:
    for row in (text, *children):
        match = _DEFAULT.search(row)
        if match is not None:
            return _clean(_DEFAULT.sub("", text)), _clean(match[1])
    return _clean(text), ""


def _add(found: dict[str, Question], text: str, default: str) -> None:
    if text.casefold().rstrip(".") in _NONE:
        return
    known = found.get(text.casefold())
    if known is None or (default and known.default is None):
        found[text.casefold()] = Question(text=text, default=default or None)
