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
from autobuilds.errors import AutobuildsError, BadInput, Busy
from autobuilds.runtime.context import Context
from autobuilds.store import files, memory

if TYPE_CHECKING:
    from autobuilds.runtime.record import Recorder

#: Seconds for which an entry that goes with no transition waits for another process that commits.
_PATIENCE = 2.0


def remember(context: Context, recorder: Recorder | None, at: datetime, title: str, facts: Sequence[str]) -> str | None:
    """Write `## [HH:MM] title` with its facts (two to five) into the diary of the day of `at`; return why it could not be, if so.

    Inside a transaction of `recorder` it goes into the commit of that transaction, else into one of its own; what fails is one of the
    recorder's faults. Give the time of what happened rather than of the moment, so that it is the same when the transition is recorded again
    after a crash.
    """
    workspace = context.workspace
    try:
        settings = workspace.config().settings
        if not settings.diary:
            return None
        entry = memory.Entry(at=at.astimezone(workspace.zone(settings)), title=inert.line(title), facts=tuple(map(inert.line, facts)))
        if recorder is not None and recorder.inside:
            recorder.diary.append(_plain(entry))
            return None
        from autobuilds.runtime.record import recorder_for

        return _alone(recorder or recorder_for(context), entry)
    except (AutobuildsError, OSError) as fault:
        return _told(recorder, fault)


def _alone(recorder: Recorder, entry: memory.Entry) -> str | None:
    """Write an entry that goes with no transition, in a commit of its own; while another process commits, it waits for the next one."""
    known = len(recorder.faults)
    try:
        with recorder.transaction("diary", wait=_PATIENCE):
            recorder.diary.append(_plain(entry))
            recorder.note("remembered", "", f"diary of {entry.at.date().isoformat()}", transition=False)
    except Busy:
        memory.remember(recorder.context.workspace.root, entry)
    return "; ".join(recorder.faults[known:]) or None


def _plain(entry: memory.Entry) -> dict[str, Any]:
    """Return an entry as an announcement holds it."""
    return {"at": entry.at.isoformat(), "title": entry.title, "facts": list(entry.facts)}


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
    recorded = recorder.context.on_record(name)
    if recorded is None and not _wanted(recorder, name):
        return False
    path = recorder.context.workspace.path(name)
    if path.exists() and not memory.only_entries(recorded or b"", files.read_stable(path)):
        recorder.commit_edit(name)
    return True


def _wanted(recorder: Recorder, name: str) -> bool:
    """Whether a diary that no commit holds belongs into one: nothing says that it does not."""
    context = recorder.context
    root = context.workspace.root
    if any((folder / ".git").exists() for folder in (root / name).parents if folder != root and folder.is_relative_to(root)):
        return False
    for last in (False, True):  # a Git that was killed is asked once more
        try:
            return not context.repo.ignores(name)
        except AutobuildsError as fault:
            if last:
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
