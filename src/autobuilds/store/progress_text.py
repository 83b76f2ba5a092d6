"""Writing in a progress log without disturbing what the sub-agent wrote: a new log, a dated line, a changed field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from autobuilds.domain import inert
from autobuilds.domain.model import Criterion
from autobuilds.domain.patterns import pattern
from autobuilds.domain.progress import ProgressStatus
from autobuilds.domain.times import format_when

_ROW = pattern("[^\r\n]*(?:\r\n|\r|\n|$)")
_LOG_HEADING = pattern(r" {0,3}##[ \t]+log\b", re.IGNORECASE)
_ANY_HEADING = pattern(r" {0,3}#{1,6}(?:[ \t]|$)")
_FENCE = pattern(r" {0,3}(`{3,}|~{3,})")


def new_progress(
    *,
    label: str,
    name: str,
    attempt: int,
    agent: str,
    now: datetime,
    criteria: Sequence[Criterion] = (),
    workspace: Path | None = None,
) -> str:
    """Return the text of a fresh progress log for one attempt, from the template `progress.md.j2` (the workspace's, else ours)."""
    from autobuilds.store.render import Renderer

    context = {
        "label": label,
        "name": name,
        "attempt": attempt,
        "agent": agent,
        "updated": now.isoformat(timespec="seconds"),
        "when": format_when(now),
        "claimed": [c.text for c in criteria if not c.commands],
        "checked": [{"text": c.text, "commands": list(c.commands)} for c in criteria if c.commands],
    }
    return Renderer(workspace).render("progress.md.j2", context)


def append_log(text: str, entry: str, when: datetime) -> str:
    """Return the log with one dated line at the end of its *Log* section, which is made if missing; nothing else changes."""
    rows = _rows(text)
    end = _line_end(text)
    added = f"- {format_when(when)} {inert.markdown(entry)}{end}"
    heads = _headings(rows)
    start = next((n for n in heads if _LOG_HEADING.match(rows[n])), None)
    if start is None:
        gap = "" if not text or text.endswith(("\n", "\r")) else end
        return f"{text}{gap}{end if text else ''}## Log{end}{end}{added}"
    stop = next((n for n in heads if n > start), len(rows))
    last = stop - 1
    while last > start and not rows[last].strip():
        last -= 1
    if not rows[last].endswith(("\n", "\r")):
        rows[last] += end
    if last == start:
        added = end + added
    return "".join([*rows[: last + 1], added, *rows[last + 1 :]])


def with_status(text: str, *, now: datetime, status: ProgressStatus | None = None, percent: int | None = None) -> str:
    """Return the log with `updated`, and `status` and `percent` where given, set in its front matter; nothing else changes.

    A log without front matter, or with one that is not closed, gets one in front of it.
    """
    fields = {"status": None if status is None else status.value, "percent": None if percent is None else str(min(max(percent, 0), 100))}
    wanted = {key: value for key, value in fields.items() if value is not None} | {"updated": now.isoformat(timespec="seconds")}
    end = _line_end(text)
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    rows = _rows(text.removeprefix("\ufeff"))
    close = None
    if rows and rows[0].rstrip() == "---":
        close = next((n for n, row in enumerate(rows[1:], 1) if row.rstrip() in {"---", "..."}), None)
    if close is None:
        block = "".join(f"{key}: {value}{end}" for key, value in wanted.items())
        return f"{bom}---{end}{block}---{end}{''.join(rows)}"
    return bom + "".join([rows[0], *_with_fields(rows[1:close], wanted, end), *rows[close:]])


def _with_fields(rows: list[str], wanted: dict[str, str], end: str) -> list[str]:
    """Return front-matter rows with each wanted field once: in its first place, else at the end."""
    left, inside, skipping = dict(wanted), list[str](), False
    for row in rows:
        if skipping and (row[:1] in {" ", "\t"} or not row.strip()):
            continue
        key = row.partition(":")[0].strip().strip("\"'")
        skipping = ":" in row and not row[:1].isspace() and key in wanted
        if not skipping:
            inside.append(row)
        elif key in left:
            inside.append(f"{key}: {left.pop(key)}{end}")
    return inside + [f"{key}: {value}{end}" for key, value in left.items()]


def _rows(text: str) -> list[str]:
    return [row for row in _ROW.findall(text) if row]


def _line_end(text: str) -> str:
    found = re.search("\r\n|\r|\n", text)
    return found[0] if found else "\n"


def _headings(rows: list[str]) -> list[int]:
    """Return the numbers of the rows that are ATX headings outside fences."""
    found, fence = [], ""
    for number, row in enumerate(rows):
        mark = _FENCE.match(row)
        if fence:
            if mark and mark[1].startswith(fence) and not row.strip().strip(mark[1][0]):
                fence = ""
        elif mark:
            fence = mark[1]
        elif _ANY_HEADING.match(row):
            found.append(number)
    return found


def write_when(moment: datetime) -> str:
    """Return a moment as the progress log writes it: RFC 3339 to the second, with offset."""
    return moment.isoformat(timespec="seconds")
