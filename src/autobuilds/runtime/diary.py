"""The diary of what happened: an entry goes with the transition that it tells of, once, whatever crashes in between.

An entry is announced with the commit of its transition, written right before that commit is made, and goes into it. What a crash leaves announced the next
process writes; an entry that stands there already is not written again. A diary that can't be written is told as a fault and keeps nothing from going on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autobuilds.domain import inert
from autobuilds.errors import AutobuildsError, BadInput
from autobuilds.runtime.context import Context
from autobuilds.store import memory

if TYPE_CHECKING:
    from autobuilds.runtime.record import Recorder


def remember(context: Context, recorder: Recorder | None, at: datetime, title: str, facts: Sequence[str]) -> str | None:
    """Write `## [HH:MM] title` with its facts (two to five) into the diary of the day of `at`; return why it could not be, if so.

    Inside a transaction of `recorder` it goes into the commit of that transaction, and what fails is one of the recorder's faults; give the
    time of what happened rather than of the moment, so that it is the same when the transition is recorded again after a crash.
    """
    workspace = context.workspace
    try:
        settings = workspace.config().settings
        if not settings.diary:
            return None
        entry = memory.Entry(at=at.astimezone(workspace.zone(settings)), title=inert.line(title), facts=tuple(map(inert.line, facts)))
        if recorder is not None and recorder.inside:
            recorder.diary.append({"at": entry.at.isoformat(), "title": entry.title, "facts": list(entry.facts)})
            return None
        memory.remember(workspace.root, entry)
    except (AutobuildsError, OSError) as fault:
        return _told(recorder, fault)
    return None


def written(recorder: Recorder, entries: Iterable[Mapping[str, Any]], *, commit: bool = True) -> list[str]:
    """Write announced entries that are not there yet, and return the paths that belong into the commit of their transition.

    What the owner had written there without committing it is committed before, as the owner's. A diary that Git is told to ignore,
    or that stands in a repository of its own, is no part of any commit.
    """
    paths: list[str] = []
    for entry in map(_entry, entries):
        try:
            name = memory.tracked_diary(recorder.context.workspace.root, entry.at.date())
            kept = commit and (name in paths or prepared(recorder, name))
            memory.remember(recorder.context.workspace.root, entry)
            paths += [name] if kept and name not in paths else []
        except (AutobuildsError, OSError) as fault:
            _told(recorder, fault)
    return paths


def _entry(told: Mapping[str, Any]) -> memory.Entry:
    return memory.Entry(at=datetime.fromisoformat(told["at"]), title=told["title"], facts=tuple(told["facts"]))


def prepared(recorder: Recorder, name: str) -> bool:
    """Whether a diary belongs into commits; if so, what the owner wrote there without committing it is committed, as the owner's."""
    if not _committed(recorder, name):
        return False
    recorder.commit_edit(name)
    return True


def _committed(recorder: Recorder, name: str) -> bool:
    """Whether a diary belongs into commits: it is in them already, or nothing says that it does not."""
    context = recorder.context
    if context.on_record(name) is not None:
        return True
    root = context.workspace.root
    if any((folder / ".git").exists() for folder in (root / name).parents if folder != root and folder.is_relative_to(root)):
        return False
    try:
        return not context.repo.ignores(name)
    except AutobuildsError as fault:
        _told(recorder, fault)
        return False


def rescue(root: Path) -> int:
    """Put back what was saved into a diary while an entry was written; what can't be is left for the next time."""
    try:
        return memory.rescue(root)
    except (AutobuildsError, OSError):
        return 0


def _told(recorder: Recorder | None, fault: Exception) -> str:
    said = f"the diary was not written: {fault}" if isinstance(fault, BadInput) else f"diary: {fault}"
    if recorder is not None and said not in recorder.faults:
        recorder.faults.append(said)
    return said
