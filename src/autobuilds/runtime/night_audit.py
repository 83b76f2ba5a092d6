"""The audit log of a night: every action with its time and its reason, from the history, or from the ledger where there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autobuilds.domain.build import Build
from autobuilds.domain.day import Day, Night
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.times import reached
from autobuilds.errors import AutobuildsError
from autobuilds.runtime.night_view import belongs
from autobuilds.store import files
from autobuilds.store.ledger import NotALedger, decode

if TYPE_CHECKING:
    from autobuilds.domain.build import Ledger
    from autobuilds.ports import Commit
    from autobuilds.runtime.context import Context

#: Where the logs and archives of nights stand, below the private folder.
FOLDER = "nights"
#: The last event of a night; what comes after it belongs to the day.
ENDED = "night-ended"
#: Events that tell of a page, not of an act.
_PAGES = frozenset({"status", "report"})

Entry = dict[str, Any]


def entries(context: Context, night: Night, ledger: Ledger, now: datetime) -> list[Entry]:
    """Return the actions of a night, the oldest first: time, event, label, attempt, reason, commit."""
    try:
        history = list(context.repo.history(since=night.commit)) if night.commit else []
    except AutobuildsError:
        history = []
    found = list(_of_history(history, night))
    return found or list(_of_ledger(night, ledger, now))


def _of_history(history: list[Commit], night: Night) -> Iterator[Entry]:
    began = False
    for commit in history:
        event = commit.trailers.get("Event", "")
        began = began or (event == "night-started" and _is_of(commit, night))
        if not began or (event in _PAGES and "Build" not in commit.trailers):
            continue
        label, attempt = commit.trailers.get("Build"), commit.trailers.get("Attempt")
        yield {
            "at": commit.when.astimezone(night.started.tzinfo).isoformat(timespec="seconds"),
            "event": event or "merged",
            "label": label,
            "attempt": int(attempt) if attempt and attempt.isdecimal() else None,
            "reason": _said(commit.subject) + (_why(commit) if event == Event.START else ""),
            "commit": commit.sha,
        }
        if event == ENDED and _is_of(commit, night):
            return


def _why(commit: Commit) -> str:
    """Return why a build was started, by its record; every verdict of that moment is what `why --at` prints."""
    try:
        build = decode(commit.trailers.get("Record", ""), Build)
    except NotALedger:
        return ""
    category = build.category or "no category"
    return f": every gate said go ({build.priority or 'medium'} priority, {category}); autobuilds why {build.label} --at {commit.sha[:12]}"


def _is_of(commit: Commit, night: Night) -> bool:
    try:
        day = decode(commit.trailers.get("Day", ""), Day)
    except NotALedger:
        return False
    return day.night is not None and day.night.id == night.id


def _said(subject: str) -> str:
    """Return a subject without the tool's name and the label before it."""
    before, colon, rest = subject.partition(": ")
    return rest if colon and before.startswith("autobuilds") else subject


def _of_ledger(night: Night, ledger: Ledger, now: datetime) -> Iterator[Entry]:
    """Yield what the ledger alone knows of a night, for a workspace without commits."""
    end = night.ended or (night.ends if reached(night.ends, now) else now)
    found: list[tuple[datetime, Entry]] = [(night.started, _entry(night.started, "night-started", "the session began"))]
    found += [(p.at, _entry(p.at, "night-phase", f"{p.name}: {p.state}: {p.note}")) for p in night.phases]
    for build in ledger.builds:
        for attempt in (a for a in build.attempts if belongs(a, night, end)):
            known = {"label": build.label, "attempt": attempt.number}
            if reached(night.started, attempt.started):
                found.append((attempt.started, {**_entry(attempt.started, "start", f"started with {attempt.agent}"), **known}))
            if attempt.ended is not None and not reached(end, attempt.ended):
                outcome = attempt.outcome.value if attempt.outcome else "ended"
                found.append((attempt.ended, {**_entry(attempt.ended, outcome, attempt.reason or outcome), **known}))
    yield from (entry for _, entry in sorted(found, key=lambda pair: pair[0].astimezone(UTC)))


def _entry(at: datetime, event: str, reason: str) -> Entry:
    return {"at": at.isoformat(timespec="seconds"), "event": event, "label": None, "attempt": None, "reason": reason, "commit": None}


def path_of(context: Context, name: str) -> Path:
    """Return the audit log of a night."""
    return context.workspace.private / FOLDER / f"{name}.jsonl"


def keep(context: Context, night: Night, found: list[Entry]) -> None:
    """Bring the log of a night up to date: lines are added at its end; one that says otherwise is made anew. Raises StorageFailure."""
    path = path_of(context, night.id)
    lines = [json.dumps(entry, ensure_ascii=False, sort_keys=True) for entry in found]
    files.make_folder(path.parent)
    known = _known(path)
    if known != lines[: len(known)]:
        files.write_atomic(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
        return
    for line in lines[len(known) :]:
        files.append_line(path, line.encode("utf-8", "replace").decode())


def _known(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n").split("\n") if path.stat().st_size else []
    except OSError:
        return []
