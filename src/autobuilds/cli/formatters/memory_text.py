"""The diary for a terminal: what was found in it, a day of it."""

from __future__ import annotations

from typing import Any

from autobuilds.cli.formatters.columns import cut, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.inert import terminal_block, unescaped
from autobuilds.runtime.memory import Added, Page
from autobuilds.runtime.view_values import count
from autobuilds.store.memory_search import Answer, Found


def found(answer: Answer, style: Style) -> str:
    """Return what was found, best first: date, time and heading, the matching lines, the place."""
    if not answer.found:
        return f"Nothing found in {count(answer.files, 'file')} of the diary."
    blocks = ["\n".join(_entry(hit, style)) for hit in answer.found]
    more = answer.total - len(answer.found)
    if more > 0:
        blocks.append(style.dim(f"{more} more; --limit {answer.total} shows all, --since narrows it down"))
    return "\n\n".join(blocks)


def _entry(hit: Found, style: Style) -> list[str]:
    day = hit.day.isoformat() if hit.day else "no date"
    when = f"{day} {hit.time:%H:%M}" if hit.time else day
    heading = hit.heading.removeprefix(f"[{hit.time:%H:%M}]").strip() if hit.time else hit.heading
    rows = [style.bold(cut(f"{when} {heading}" if heading else when, style.width))]
    for row in hit.lines:
        rows += wrap(unescaped(row.text).strip(), style.width, first="  ", rest="    ")[:2]
    return [*rows, style.dim(f"  {cut(hit.path, style.width - 12)}:{hit.line}")]


def shown(page: Page) -> str:
    """Return a day's diary as it stands there, inert for a terminal."""
    return "\n".join(terminal_block(page.text, 100_000)).rstrip("\n")


def added(entry: Added) -> str:
    """Return where an entry stands."""
    return f"{'written to' if entry.written else 'stands already in'} {entry.name}"


def found_json(words: tuple[str, ...], answer: Answer) -> dict[str, Any]:
    """Return `memory search --json`."""
    return {
        "schema": 1,
        "kind": "memory",
        "words": list(words),
        "entries": [
            {
                "date": hit.day.isoformat() if hit.day else None,
                "time": f"{hit.time:%H:%M}" if hit.time else None,
                "heading": hit.heading,
                "lines": [{"line": row.number, "text": row.text} for row in hit.lines],
                "path": hit.path,
                "line": hit.line,
            }
            for hit in answer.found
        ],
        "total": answer.total,
        "files": answer.files,
        "problems": list(answer.problems),
    }


def page_json(page: Page) -> dict[str, Any]:
    """Return `memory show --json`."""
    return {"schema": 1, "kind": "memory", "date": page.day.isoformat(), "path": page.name, "text": page.text, "problem": page.problem}


def added_json(entry: Added) -> dict[str, Any]:
    """Return `memory add --json`."""
    return {"schema": 1, "kind": "memory", "path": entry.name, "lines": list(entry.lines), "written": entry.written}
