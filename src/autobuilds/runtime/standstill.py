"""When a heartbeat that found nothing to do may be repeated without looking: the note of what it looked at, and until when."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import autobuilds
from autobuilds.domain.times import after
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass
from autobuilds.store import standstill
from autobuilds.store.workspace import CONFIG, LEDGER, MEMORY, POLICY, PRIVATE, QUEUE, REPORTS, STATUS, STOP

if TYPE_CHECKING:
    from autobuilds.ports import Traces
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.looking import Beat

#: Seconds for which everything must have been left alone: what was saved just now may be saved again within one tick of its clock.
RESTED = 3.0
#: Seconds that must be left until something falls due, so that a note is worth its writing.
_WORTH = 1.0
_LONGEST = timedelta(seconds=standstill.LONGEST)
_GRAIN = timedelta(seconds=1)
#: More files than this are not watched.
_MOST = 2000
_FILES = (QUEUE, STATUS, CONFIG, POLICY, LEDGER, STOP, "agents.toml")
#: Folders in which something appears or goes without a file that is known by name: what was left half written, announced, displaced.
FOLDERS = (
    ".",
    "subagents",
    "subagents/logs",
    REPORTS,
    PRIVATE,
    f"{PRIVATE}/outbox",
    f"{PRIVATE}/scratch",
    f"{PRIVATE}/retired",
    f"{PRIVATE}/retired/{QUEUE}",
)
_PRIVATE_FILES = ("status-page", "duties.json")
#: Files of this program: of another version one at least differs.
_PROGRAM = (autobuilds.__file__, __file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What was seen before a heartbeat began: every input by its path, with its stamp."""

    #: Seconds since 1970, by the machine's own clock.
    at: float
    stamps: dict[str, str]
    traces: Traces
    quotes: tuple[tuple[str, str], ...]


def watch(context: Context) -> Watch | None:
    """Return all inputs as they stand before a heartbeat or a status, or None where not all of them can be named."""
    return _watched(context, context.traces(False), lambda root: (*_inputs(root), *_of_calendars(context)))


def watch_queue(context: Context) -> Watch | None:
    """Return the inputs of what the queue's text alone decides, or None where not all of them can be named."""
    return _watched(context, context.traces(True), lambda _root: (QUEUE, CONFIG))


def _watched(context: Context, traces: Traces | None, inputs: Callable[[Path], Iterable[str]]) -> Watch | None:
    if traces is None:
        return None
    root, began = context.workspace.root, time.time()
    try:
        if (root / PRIVATE).is_dir():
            (root / PRIVATE / standstill.FOLDER).mkdir(mode=0o700, exist_ok=True)
        paths = list(dict.fromkeys([*inputs(root), *_PROGRAM, *traces.paths]))
    except OSError:
        return None
    if len(paths) > _MOST or any("\n" in path or "\t" in path for path in (*paths, str(root))):
        return None
    quotes = tuple((path, standstill.quoted(path)) for path in traces.quotes)
    return Watch(at=began, stamps={path: standstill.stamp(_whole(root, path)) for path in paths}, traces=traces, quotes=quotes)


def _whole(root: Path, path: str) -> str:
    return path if path.startswith("/") else f"{root}/{path}"


def _inputs(root: Path) -> Iterator[str]:
    yield from _FILES
    yield from FOLDERS
    yield from (f"{PRIVATE}/{name}" for name in _PRIVATE_FILES)
    yield from _below(root, "templates")
    yield from (f"{PRIVATE}/retired/{QUEUE}/{name}" for name in names(root / PRIVATE / "retired" / QUEUE))
    if (root / PRIVATE / MEMORY).is_dir():
        from autobuilds.store.memory import watched_files

        yield from watched_files(root)
    from autobuilds.store.render import packaged_templates

    packaged = packaged_templates()
    yield from (str(path) for path in (packaged, packaged / POLICY, packaged / f"{STATUS}.j2"))


def _of_calendars(context: Context) -> tuple[str, ...]:
    """Return the files of the owner's calendars; none where HEARTBEAT.md can't be read, of which the look itself tells."""
    with suppress(AutobuildsError):
        sources = context.workspace.config().settings.calendar
        return context.calendar.inputs(sources) if sources else ()
    return ()


def names(folder: Path) -> list[str]:
    """Return the names in a folder, in their order; none where there is no such folder."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names alone
    except (FileNotFoundError, NotADirectoryError):
        return []


def _below(root: Path, folder: str) -> Iterator[str]:
    yield folder
    for name in names(root / folder):
        path = f"{folder}/{name}"
        if (root / path).is_dir() and not (root / path).is_symlink():
            yield from _below(root, path)
        else:
            yield path


def keep(context: Context, before: Watch | None, beat: Beat, form: str, said: Callable[[datetime], str], *, rested: float = RESTED) -> bool:
    """Write the note of a heartbeat, or a look, that found nothing to do, and return whether it was written.

    `said` gives its answer at a time, `form` names the answer; `before` is what was seen before it began; `rested` the seconds
    for which everything must have been left alone.
    """
    from autobuilds.runtime.stillness import dues, still

    if before is None or not still(context, beat) or not _unchanged(before, watch(context), rested):
        return False
    settings, now = beat.loaded.settings, beat.moment.now
    free = max((agent.reserve_mib for agent in beat.moment.agents), default=0)
    limits = (settings.disk_limit, settings.memory_limit, settings.load_limit, free)
    if not standstill.below_limits(str(context.workspace.root), *limits):
        return False
    due = min(dues(context, beat), default=after(now, _LONGEST))
    end = _same_until(said, now, min(due.astimezone(UTC), after(now, _LONGEST).astimezone(UTC)))
    return _write(context, before, form, said(now), now, end, [f"limits {' '.join(map(str, limits))}"])


def keep_reading(context: Context, before: Watch | None, form: str, answer: str, *, rested: float = RESTED) -> bool:
    """Write the note of an answer that the queue alone decides, whatever the time, and return whether it was written."""
    if before is None or not _unchanged(before, watch_queue(context), rested):
        return False
    now = datetime.now(UTC)
    return _write(context, before, form, answer, now, now + _LONGEST, [])


def keep_beside(context: Context, before: tuple[str, tuple[str, ...]], form: str, said: Callable[[datetime], str], now: datetime) -> bool:
    """Write the note of an answer that was found while another note held, and return whether it was written.

    `before` is that note by its form and its lines. Whatever looks at no more than that one did holds as long: it has the same
    lines, but for when its own words change.
    """
    holding = standstill.holding(str(context.workspace.root), before[0], now.timestamp())
    if holding is None or tuple(holding[0]) != before[1]:
        return False
    identity, time_line, *rest, _end = before[1]
    until = datetime.fromtimestamp(float(time_line.split(" ")[2]), UTC)
    return _put(context, form, said(now), [identity, *rest], now, _same_until(said, now, until))


def _unchanged(before: Watch, now: Watch | None, rested: float) -> bool:
    """Whether all is as it was before, and was left alone for so many seconds then."""
    if now is None or (now.stamps, now.quotes, now.traces) != (before.stamps, before.quotes, before.traces):
        return False
    return max(map(standstill.changed_at, before.stamps.values())) / 1e9 <= before.at - rested


def _same_until(said: Callable[[datetime], str], now: datetime, end: datetime) -> datetime:
    """Return until when an answer stays the same, `end` at most; its words for times past and ahead never come back to what they were."""
    first, low, high = said(now), now.astimezone(UTC), end
    if said(after(end, -_GRAIN).astimezone(now.tzinfo)) == first:
        return end
    while high - low > _GRAIN:
        middle = low + (high - low) / 2
        low, high = (middle, high) if said(middle.astimezone(now.tzinfo)) == first else (low, middle)
    return low


def _write(context: Context, before: Watch, form: str, answer: str, taken: datetime, until: datetime, more: list[str]) -> bool:
    lines = [standstill.identity(), f"root {context.workspace.root}", *more]
    lines += [f"at {stamp}\t{path}" for path, stamp in before.stamps.items()]
    lines += [f"quote {text} {path}" for path, text in before.quotes]
    lines += [f"variable {standstill.variable(name)} {name}" for name in before.traces.variables]
    lines += [f"given {standstill.given(name)} {name}" for name in before.traces.given]
    return _put(context, form, answer, lines, taken, until)


def _put(context: Context, form: str, answer: str, lines: list[str], taken: datetime, until: datetime) -> bool:
    """Write a note of these lines, the first of which says who asks, and return whether it was written."""
    from autobuilds.store.files import write_atomic

    path = Path(standstill.place(str(context.workspace.root), form))
    if (until - taken.astimezone(UTC)).total_seconds() < _WORTH or not path.parent.is_dir():
        return False
    text = answer.encode("utf-8", "replace")
    whole = [lines[0], f"time {taken.timestamp()!r} {until.timestamp()!r}", *lines[1:], f"end {len(text)}"]
    note = "\n".join(whole).encode("utf-8", "surrogateescape") + b"\n\n" + text
    with suppress(AutobuildsError, OSError):
        write_atomic(path, note)
        path.chmod(0o600)
        return True
    return False
