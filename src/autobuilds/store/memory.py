"""The diary, `memory/YYYY-MM-DD.md`: entries are put behind what stands there, beside people with editors and other programs that write."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from autobuilds.domain import inert
from autobuilds.domain.patterns import pattern
from autobuilds.errors import BadInput, Busy
from autobuilds.records import dataclass
from autobuilds.store.files import (
    Clues,
    Lock,
    make_folder,
    private_folder,
    repay,
    replace_guarded,
    rescue_displaced,
    rescue_late_saves,
    storage_failure,
    unite_stale,
)
from autobuilds.store.files.merge import bare_lines, merge_late, split_lines
from autobuilds.store.files.reading import Stable, read_stamped
from autobuilds.store.files.stale import counted
from autobuilds.store.files.vault import KEPT, Vault

MEMORY = "memory"
#: Facts of one entry, at most, and characters of a fact and of a title.
MOST_FACTS, LONGEST_FACT, LONGEST_TITLE = 5, 300, 160
#: Seconds for which an entry waits for other writers, and for a moment in which nobody saves.
PATIENCE = 10.0
#: A file saved less than this many seconds ago may be half saved: what is missing in it is waited for, at most so long.
_FRESH, _DOUBTFUL = 0.5, 2.0
#: Seconds for which a file that is gone is looked for: some editors move it away before they write it anew.
_GONE = 0.5
_PAUSE = 0.02
_TITLE = pattern(rb"# \d{4}-\d\d-\d\d")
_HEADING = pattern(rb"## \[\d\d:\d\d\] [^\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing worth remembering: when it was, in the workspace's zone, what it was, and up to five facts."""

    at: datetime
    title: str
    facts: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the entry's lines of Markdown; whatever the texts hold, they are one heading and list items of one line."""
        title = inert.said(inert.line(self.title, LONGEST_TITLE)) or "(no title)"
        facts = [inert.said(inert.line(fact, LONGEST_FACT)) for fact in self.facts[:MOST_FACTS]]
        return [f"## [{self.at:%H:%M}] {title}", *(f"- {fact}" for fact in facts if fact)]


def diary_name(day: date) -> str:
    """Return the path of a day's diary within the workspace."""
    return f"{MEMORY}/{day.isoformat()}.md"


def tracked_diary(root: Path, day: date) -> str:
    """Return where in the workspace a day's diary stands, links followed; raises BadInput for one that leads out of it."""
    path = root / diary_name(day)
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise BadInput(f"{path} leads out of the workspace through a symbolic link; put a folder {MEMORY} into the workspace") from None
    except (OSError, RuntimeError) as error:
        raise BadInput(f"{path}: its symbolic links lead round in a circle. Mend the link") from error


def remember(root: Path, entry: Entry, *, patience: float = PATIENCE) -> bool:
    """Put an entry at the end of its day's diary, and return False where it stands there already.

    What others wrote stays to the byte, and so do their line ends. What they save at the same moment is never lost: the file is swapped in one step and looked at
    afterwards, as the queue is. Raises BadInput for a diary that can't be one, Busy, StorageFailure; then nothing is changed.
    """
    day = entry.at.date()
    path = root / tracked_diary(root, day)
    private = private_folder(root)
    try:
        make_folder(path.parent)
    except FileExistsError as error:
        raise storage_failure(path.parent, error) from error
    with Lock(private / "memory.lock", what="writing the diary", wait=patience):
        _forget(private, path.name)
        vault = _vault(private)
        began = time.monotonic()
        rescue_late_saves(path, private=vault, merge=merge_diary, clues=CLUES)
        while True:
            written = _tried(path, vault, entry, began)
            if written is not None:
                return written
            if time.monotonic() > began + patience:
                raise Busy(f"{path} is being saved all the time; the entry was not written. Try again in a moment")
            rescue_displaced(path, private=vault, merge=merge_diary, clues=CLUES)


def rescue(root: Path) -> int:
    """Put back what people saved into a diary while an entry was written, and return how many saves that were.

    For every heartbeat; costs next to nothing where no entry was written lately. Raises Busy, StorageFailure.
    """
    private = root / ".autobuilds"
    names = watched(root)
    if not names:
        return 0
    with Lock(private / "memory.lock", what="looking for late saves", wait=PATIENCE):
        rescued = 0
        for name in names:
            with suppress(ValueError, BadInput):
                path = root / tracked_diary(root, date.fromisoformat(name.removesuffix(".md")))
                rescued += len(rescue_late_saves(path, private=_vault(private), merge=merge_diary, clues=CLUES))
        return rescued


def watched(root: Path) -> list[str]:
    """Return the names of the diaries into which an entry was written lately."""
    try:
        return sorted(os.listdir(_vault(root / ".autobuilds") / "retired"))  # noqa: PTH208 - names alone
    except OSError:
        return []


def watched_files(root: Path) -> Iterator[str]:
    """Yield the paths, within the workspace, on which it depends whether there is something to put back."""
    yield f".autobuilds/{MEMORY}/retired"
    for name in watched(root):
        folder = f".autobuilds/{MEMORY}/retired/{name}"
        yield folder
        yield f"{MEMORY}/{name}"
        with suppress(OSError):
            yield from (f"{folder}/{held}" for held in sorted(os.listdir(root / folder)))  # noqa: PTH208 - names alone


def _vault(private: Path) -> Path:
    return private / MEMORY


def _forget(private: Path, name: str) -> None:
    """Drop what is remembered of writes into diaries of days long past."""
    with suppress(OSError):
        for folder in (_vault(private) / "retired").iterdir():
            if folder.name != name and abs(time.time() - folder.stat().st_mtime) > KEPT:
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()


def _tried(path: Path, vault: Path, entry: Entry, began: float) -> bool | None:
    """Return whether the entry was written, or None where the file must be read anew."""
    found = _found(path, vault)
    if found is None:
        return None
    if unite_stale(path, found, private=vault, merge=merge_diary, clues=CLUES) is not None:
        return None
    if _half_saved(found, Vault(vault, path.name), began):
        time.sleep(_PAUSE)
        return None
    if repay(path, found, private=vault, merge=merge_diary, clues=CLUES) is not None:
        return None
    if b"\0" in found.data or found.data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise BadInput(f"{path} is no UTF-8 text; save it as UTF-8, and entries will be written again")
    data = with_entry(found.data, entry)
    if data == found.data:
        return False
    return True if replace_guarded(path, found.data, data, private=vault) else None


def _found(path: Path, vault: Path) -> Stable | None:
    """Return the file at rest; where there is none an empty one is put there, which somebody else's may have overtaken."""
    deadline = time.monotonic() + (_GONE if Vault(vault, path.name).all() else 0.0)
    while True:
        try:
            return read_stamped(path)
        except BadInput as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            if time.monotonic() < deadline:
                time.sleep(_PAUSE)
                continue
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666))
        except FileExistsError:
            return None
        except OSError as error:
            raise storage_failure(path, error) from error


def _half_saved(found: Stable, vault: Vault, began: float) -> bool:
    """Whether somebody may be in the middle of writing the file: it was changed just now, and lacks all, an end, or much of our last text.

    A diary that was emptied is waited for as long as a doubt lasts, any other only so long since the entry was `began`:
    somebody may shorten it, or leave its end open, and go on saving.
    """
    alone = abs(time.time() - found.landed / 1e9)
    writes = vault.writes()
    if alone >= (_DOUBTFUL if writes and not found.data else _FRESH):
        return False
    if not found.data:
        return bool(writes)
    last = (vault.text(writes[-1].ours) if writes else None) or b""
    whole = found.data.endswith((b"\n", b"\r")) and len(found.data) >= len(last)
    return not whole and time.monotonic() < began + _DOUBTFUL


def with_entry(data: bytes, entry: Entry) -> bytes:
    """Return a diary's text with an entry behind it, or as it is where the very entry stands in it."""
    lines = [line.encode() for line in entry.lines()]
    rows = bare_lines(data)
    if any(not more.startswith(b"- ") for more in _behind_each(rows, lines)):
        return data
    if not data:
        return b"\n".join([f"# {entry.at.date().isoformat()}".encode(), b"", *lines, b""])
    return _behind(data, lines)


def _behind_each(rows: list[bytes], lines: list[bytes]) -> Iterator[bytes]:
    """Yield the row behind each place where these lines stand, an empty one behind the last."""
    for at, row in enumerate(rows):
        if row == lines[0] and rows[at : at + len(lines)] == lines:
            yield b"".join(rows[at + len(lines) :][:1])


def _behind(data: bytes, lines: list[bytes]) -> bytes:
    """Return a text with lines behind it, a blank line between, in the line ends of its last whole line."""
    rows = split_lines(data)
    ending = next((row[len(row.rstrip(b"\r\n")) :] for row in reversed(rows) if row.endswith((b"\n", b"\r"))), b"\n")
    between = b"" if data.endswith((b"\n", b"\r")) else ending
    between += ending if rows[-1].strip() else b""
    return data + between + b"".join(line + ending for line in lines)


def merge_diary(base: bytes, theirs: bytes, current: bytes) -> bytes:
    """Return what a person saved with what was written into the diary meanwhile: entries come behind it, whole.

    Where more than entries came meanwhile, lines are merged as those of any file.
    """
    entries = _entries(current[len(base) :], new=not base) if current.startswith(base) else None
    if entries is None:
        return merge_late(base, theirs, current)
    for lines in entries:
        if not any(True for _ in _behind_each(bare_lines(theirs), lines)):
            theirs = _behind(theirs, lines) if theirs else b"\n".join([*lines, b""])
    return theirs


def _entries(text: bytes, *, new: bool) -> list[list[bytes]] | None:
    """Return the lines of each entry of ours in a text, or None where it holds anything else but the title of a `new` diary."""
    entries: list[list[bytes]] = []
    for at, row in enumerate(bare_lines(text)):
        if _HEADING.fullmatch(row):
            entries.append([row])
        elif entries and row.startswith(b"- "):
            entries[-1].append(row)
        elif row.strip() and not (new and at == 0 and _TITLE.fullmatch(row)):
            return None
    return entries


def only_entries(before: bytes, now: bytes) -> bool:
    """Whether nothing came to a text but entries of ours behind it."""
    return now.startswith(before) and _entries(now[len(before) :], new=not before) is not None


def _entries_lost(base: bytes, ours: bytes, theirs: bytes) -> bool:
    """Whether a text lacks an entry that came after it was begun: nobody takes an entry out who has not seen it."""
    lost = counted(ours) - counted(base) - counted(theirs)
    return any(_HEADING.fullmatch(line) for line in lost)


def _named(line: bytes) -> str | None:
    """Return what an entry's heading names; other lines name nothing."""
    return line.decode("utf-8", "replace") if _HEADING.fullmatch(line) else None


#: What tells an old buffer that is saved over an entry from a person who took it out.
CLUES = Clues(marks=_entries_lost, name=_named)
