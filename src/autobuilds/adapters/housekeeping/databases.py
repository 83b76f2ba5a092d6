"""SQLite files: found by name and header, looked at without writing a byte, given their unused pages back where nobody has them open."""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from autobuilds.adapters.housekeeping.openness import in_use
from autobuilds.adapters.housekeeping.packing import pack
from autobuilds.adapters.housekeeping.places import Budget, Found, free_bytes, held_folder, still, walk
from autobuilds.adapters.housekeeping.trash import new_slot
from autobuilds.domain.house import Database, DatabaseState, Fix, Mended, Place, Scope
from autobuilds.domain.inert import line
from autobuilds.errors import AutobuildsError

if TYPE_CHECKING:
    import sqlite3

_SUFFIXES = (".sqlite", ".sqlite3", ".db3", ".db")
#: Names that promise an SQLite file; `.db` is used for much else.
_SURE = (".sqlite", ".sqlite3", ".db3")
_HEADER = b"SQLite format 3\0"
#: Folders of a workspace in which no database of the owner stands.
_NOT_IN = frozenset({".git", ".autobuilds", "node_modules", ".venv", "venv", "__pycache__"})
#: Seconds that the check of one file may take in a reading, and in a fix with all its steps.
_CHECK_SECONDS, _FIX_SECONDS = 5.0, 120.0
#: Steps of SQLite's machine between two looks at the clock.
_STEPS = 20_000
_SPARE = 64 * 1024 * 1024
_SAID = 120


def read_databases(scope: Scope, budget: Budget) -> tuple[Database, ...]:
    """Return what the SQLite files of the workspace and of the owner's folders are like."""
    found: dict[Path, Database] = {}
    # The owner's folders first: they may lie in the workspace, or one in another.
    for folder in (*scope.folders, scope.root):
        for file in walk(Path(folder), budget, wanted=_is_named_so, but=_NOT_IN if folder == scope.root else frozenset({".git"})):
            base = _read(Place(path=str(file.path), root=folder), file, budget) if file.path not in found else None
            if base is not None:
                found[file.path] = base
    return tuple(found.values())


def _is_named_so(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES)


def _read(place: Place, file: Found, budget: Budget) -> Database | None:
    if file.mark.size == 0:
        return None
    try:
        with held_folder(place) as (fd, name):
            if still(fd, name, file.mark) is None:
                return None
            if _head(fd, name) != _HEADER:
                sure = name.lower().endswith(_SURE)
                return Database(place=place, mark=file.mark, state=DatabaseState.FOREIGN) if sure else None
    except OSError:
        return None
    if not _at_rest(place, file):
        return Database(place=place, mark=file.mark, state=DatabaseState.BUSY)
    state, said, unused = _checked(file.path, min(_CHECK_SECONDS, budget.left))
    if state is DatabaseState.DAMAGED and not _at_rest(place, file):
        state = DatabaseState.BUSY
    return Database(place=place, mark=file.mark, state=state, said=said, unused=unused)


def _at_rest(place: Place, file: Found) -> bool:
    """Whether a database is as it was found and nobody has it open: what is read while it is written looks damaged."""
    try:
        with held_folder(place) as (fd, name):
            return still(fd, name, file.mark) is not None and in_use(fd, name) is False and not _journal(fd, name)
    except OSError:
        return False


def _head(fd: int, name: str) -> bytes:
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, dir_fd=fd)
    try:
        return os.pread(file, len(_HEADER), 0)
    finally:
        os.close(file)


def _journal(fd: int, name: str) -> bool:
    """Whether a journal stands beside a database: its program has to put it away, by what only it knows."""
    for suffix in ("-journal", "-wal"):
        with suppress(OSError):
            os.stat(f"{name}{suffix}", dir_fd=fd, follow_symlinks=False)
            return True
    return False


def _checked(path: Path, seconds: float) -> tuple[DatabaseState, str, int]:
    """Return what SQLite's quick check says of a file that nobody has open, and its unused pages in bytes; nothing is written."""
    import sqlite3

    if seconds <= 0:
        return DatabaseState.UNREAD, "no time was left", 0
    try:
        with closing(_open(path, "mode=ro&immutable=1", seconds)) as base:
            pages, unused = (int(base.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_size", "freelist_count"))
            rows = base.execute("PRAGMA quick_check(3)").fetchall()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return DatabaseState.UNREAD, f"it takes longer than {seconds:.0f} s", 0
        return DatabaseState.UNREAD, line(str(error), _SAID), 0
    except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
        return DatabaseState.DAMAGED, line(str(error), _SAID), 0
    said = line("; ".join(str(row[0]).removeprefix("*** in database main ***") for row in rows), _SAID)
    return (DatabaseState.SOUND, "", pages * unused) if said == "ok" else (DatabaseState.DAMAGED, said, 0)


def _open(path: Path, mode: str, seconds: float) -> sqlite3.Connection:
    """Open a database in which nothing of its own schema is trusted; what takes longer than `seconds` is interrupted."""
    import sqlite3

    base = sqlite3.connect(f"file:{quote(os.fsencode(path))}?{mode}", uri=True, isolation_level=None, timeout=0.0)
    deadline = time.monotonic() + seconds
    base.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)
    try:
        base.execute("PRAGMA trusted_schema = OFF")
        base.execute("PRAGMA cell_size_check = ON")
    except sqlite3.Error:
        base.close()
        raise
    return base


def vacuum(fix: Fix, scope: Scope) -> Mended:
    """Check a database whole, then let SQLite write it anew without its unused pages.

    SQLite does it as one transaction. Where that may renumber rows (a table without an INTEGER PRIMARY KEY), a compressed copy
    goes to the trash first.
    """
    import sqlite3

    path = Path(fix.place.path)
    try:
        with held_folder(fix.place) as (fd, name):
            info = still(fd, name, fix.mark)
            if info is None or in_use(fd, name) is not False or _journal(fd, name):
                return Mended(done=False, said="it changed meanwhile, or a program has it open; left alone")
        if os.path.realpath(path) != os.path.realpath(path.parent) + os.sep + path.name:
            return Mended(done=False, said="a link stands in its way; left alone")
        if free_bytes(path.parent) < 3 * info.st_size + _SPARE:
            return Mended(done=False, said="the disk has no room for the copies that it takes")
        with closing(_open(path, "mode=rw", _FIX_SECONDS)) as base:
            copied = _vacuumed(base, fix, scope, info.st_size)
        freed = info.st_size - path.stat().st_size
    except sqlite3.Error as error:
        return Mended(done=False, said=f"SQLite could not do it, and nothing was changed: {line(str(error), _SAID)}")
    except AutobuildsError as fault:
        return Mended(done=False, said=str(fault))
    except OSError as error:
        return Mended(done=False, said=f"could not be done: {error.strerror or error}")
    if copied is None:
        return Mended(done=False, said="its whole check found damage; nothing was changed")
    said = "written anew" + ("; a compressed copy of before is in the trash" if copied else "")
    return Mended(done=True, said=said, freed=max(0, freed), trashed=copied)


def _vacuumed(base: sqlite3.Connection, fix: Fix, scope: Scope, size: int) -> int | None:
    """Check, copy where rows may be renumbered, and vacuum; return the bytes of the copy, or None where the check found damage."""
    if base.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        return None
    copied = 0 if _keeps_row_numbers(base) else _copy(base, fix, scope, size)
    base.execute("VACUUM")
    base.execute("PRAGMA analysis_limit = 400")
    base.execute("PRAGMA optimize")
    return copied


def _copy(base: sqlite3.Connection, fix: Fix, scope: Scope, size: int) -> int:
    """Put a compressed copy of the database as it is into the trash, and return its bytes; raises sqlite3.Error, OSError, AutobuildsError."""
    import sqlite3

    slot = new_slot(scope, fix.place, "before VACUUM", size=size, copy=True)
    plain = slot.folder / f"{slot.name}.plain"
    folder = os.open(slot.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Nobody else may read a copy that nobody else could read before.
        os.close(os.open(plain, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        # Page by page, so that rows keep their numbers.
        with closing(sqlite3.connect(plain)) as copy:
            base.backup(copy)
        with plain.open("rb") as file:
            return pack(folder, file.fileno(), slot.name, os.fstat(file.fileno()))
    except BaseException:
        slot.path.unlink(missing_ok=True)
        raise
    finally:
        os.close(folder)
        plain.unlink(missing_ok=True)


def _keeps_row_numbers(base: sqlite3.Connection) -> bool:
    """Whether every table has its rows' numbers as a column, or none at all: then VACUUM changes nothing that can be seen."""
    names = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'")]
    return all(_numbered(base, name) for name in names)


def _numbered(base: sqlite3.Connection, table: str) -> bool:
    keys = base.execute("SELECT upper(type) FROM pragma_table_info(?) WHERE pk > 0", (table,)).fetchall()
    own_index = base.execute("SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'", (table,)).fetchone()
    # An INTEGER PRIMARY KEY is the row's number itself and needs no index; a table WITHOUT ROWID lists its key as one.
    return keys == [("INTEGER",)] and own_index is None
