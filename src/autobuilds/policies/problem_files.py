"""Problems of files: logs, databases, repositories, clones that builds left; what is said of each, and which fix it has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from autobuilds.domain.house import (
    Database,
    DatabaseState,
    Fix,
    FixKind,
    GitLock,
    LeftClone,
    LogFile,
    LogKind,
    Readings,
    Repository,
    Trouble,
    Urgency,
)
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import format_duration

MIB = 1024 * 1024
#: Bytes of a log or database above which rewriting it takes longer than a fix may.
LARGEST = 4 * 1024 * MIB
#: Part and bytes of a database that must lie unused before giving them back is worth the work.
UNUSED_PART, UNUSED_BYTES = 0.25, MIB
#: Loose objects and packs of a repository above which Git gets slow; Git itself waits for 6 700 and 50.
LOOSE, PACKS = 2000, 20
#: Age at which a lock of Git's is one that was left behind: Git holds one for milliseconds, at most for a long command.
OLD_LOCK = timedelta(minutes=10)
#: Half-written files of Git in a repository that are worth a word, in bytes.
DEBRIS = 10 * MIB
#: Age of a clone below which its attempt may still be about to be recorded.
YOUNG_CLONE = timedelta(hours=1)


def size(count: int) -> str:
    """Return a number of bytes as people read it, `3.4 MiB`."""
    if count < 1024:
        return "1 byte" if count == 1 else f"{count} bytes"
    power = next((n for n in range(1, 4) if count < 1024 ** (n + 1)), 4)
    return f"{count / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def shown(path: str, root: str) -> str:
    """Return a path relative to the workspace where it lies in it, else as it is."""
    inside = path.removeprefix(root.rstrip("/") + "/")
    return inside if inside else path


def span(length: timedelta) -> str:
    """Return a length of time as coarse as people say it, `3 days` or `2 hours`."""
    minutes = int(length.total_seconds()) // 60
    for unit, size_of in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        count = minutes // size_of
        if count >= 2 or (count == 1 and size_of == 1):
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return "less than a minute"


def of_log(log: LogFile, readings: Readings, settings: Settings) -> Iterator[Trouble]:
    """Yield what there is to do about a large or old log."""
    kind, what = _needed(log, settings)
    if kind is None:
        return
    where, held = shown(log.place.path, readings.root), _held(log, kind)
    fix = None if held else Fix(kind=kind, place=log.place, mark=log.mark)
    yield Trouble(
        kind="log",
        urgency=Urgency.NOTE if held or kind is not FixKind.ROTATE else Urgency.WARNING,
        where=where,
        said=f"{size(log.mark.size)}, last written {span(log.idle)} ago: {what}" + (f"; {held}" if held else ""),
        evidence={"bytes": log.mark.size, "idle_seconds": int(log.idle.total_seconds())},
        fix=fix,
        way=held or _LOG_WAYS[kind],
    )


_LOG_WAYS = {
    FixKind.ROTATE: "it is renamed; in your own folders an empty one takes its place",
    FixKind.COMPRESS: "it is compressed where it stands, and compared before the plain one goes",
    FixKind.TRASH: "it is moved to .autobuilds/trash",
}


def _needed(log: LogFile, settings: Settings) -> tuple[FixKind | None, str]:
    age = settings.log_age
    put_away = log.kind is not LogKind.CURRENT or log.own
    if log.kind is not LogKind.CURRENT and log.idle >= 2 * age:
        return FixKind.TRASH, f"older than {format_duration(2 * age)}"
    if log.kind is LogKind.COMPRESSED:
        return None, ""
    if log.idle >= age and put_away and log.mark.size > 0:
        return FixKind.COMPRESS, f"older than {format_duration(age)} (log_age)"
    if log.kind is LogKind.CURRENT and log.mark.size > settings.log_limit * MIB:
        return FixKind.ROTATE, f"above {settings.log_limit} MiB (log_limit)"
    return None, ""


def _held(log: LogFile, kind: FixKind) -> str:
    """Return why a log is left alone, or nothing."""
    if kind is FixKind.COMPRESS and log.mark.size > LARGEST:
        return "too large to be compressed here: do it by hand"
    if log.build is not None:
        return f"the ledger still knows {log.build}, whose output it is"
    if log.tracked:
        return "Git keeps it"
    if log.in_use is None:
        return "whether a program has it open can't be told here"
    return "a program has it open: let that one rotate it, or end it" if log.in_use else ""


def of_database(base: Database, readings: Readings) -> Iterator[Trouble]:
    """Yield what is wrong with an SQLite file, or what it could give back."""
    where = shown(base.place.path, readings.root)
    evidence: dict[str, str | int | float] = {"bytes": base.mark.size, "unused_bytes": base.unused}
    if base.state in {DatabaseState.DAMAGED, DatabaseState.FOREIGN}:
        lost = base.state is DatabaseState.DAMAGED
        yield Trouble(
            kind="database",
            urgency=Urgency.CRITICAL if lost else Urgency.NOTE,
            where=where,
            said=f"the database is damaged: {base.said}" if lost else "named like an SQLite file, and none",
            evidence=evidence,
            way="take it from a backup, or read what can be read: `sqlite3 FILE .recover`" if lost else "look at what wrote it",
        )
    elif base.state is DatabaseState.UNREAD:
        said = f"not checked: {base.said}"
        yield Trouble(
            kind="database", urgency=Urgency.NOTE, where=where, said=said, evidence=evidence, way="`sqlite3 FILE 'PRAGMA quick_check'`"
        )
    elif base.state is DatabaseState.SOUND and base.unused >= max(UNUSED_BYTES, UNUSED_PART * base.mark.size):
        large = "too large to be written anew here: `sqlite3 FILE VACUUM`" if base.mark.size > LARGEST else ""
        held = "Git keeps it, so it is not changed" if base.tracked else large
        yield Trouble(
            kind="database",
            urgency=Urgency.NOTE,
            where=where,
            said=f"{size(base.unused)} of {size(base.mark.size)} are unused pages" + (f"; {held}" if held else ""),
            evidence=evidence,
            fix=None if held else Fix(kind=FixKind.VACUUM, place=base.place, mark=base.mark),
            way=held or "it is checked whole and written anew without them (VACUUM)",
        )


def of_repository(found: Repository, readings: Readings) -> Iterator[Trouble]:
    """Yield what a Git repository needs: maintenance, and what killed commands left in it."""
    where = shown(found.place.path, readings.root)
    if found.loose >= LOOSE or found.packs >= PACKS:
        yield Trouble(
            kind="repository",
            urgency=Urgency.NOTE,
            where=where,
            said=f"{found.loose} loose objects and {found.packs} packs" + (f"; {found.kept_away}" if found.kept_away else ""),
            evidence={"loose": found.loose, "packs": found.packs},
            fix=None if found.kept_away else Fix(kind=FixKind.MAINTAIN, place=found.place),
            way=found.kept_away or "loose objects are packed and small packs joined; nothing is pruned",
        )
    if found.debris >= DEBRIS:
        yield Trouble(
            kind="repository",
            urgency=Urgency.NOTE,
            where=where,
            said=f"{size(found.debris)} of half-written files that killed Git commands left",
            evidence={"bytes": found.debris},
            way="`git gc` removes them",
        )
    if found.lost_worktrees:
        names = ", ".join(found.lost_worktrees)
        yield Trouble(
            kind="worktree",
            urgency=Urgency.NOTE,
            where=where,
            said=f"worktrees whose folder is gone: {names}",
            evidence={"count": len(found.lost_worktrees)},
            way="`git worktree prune` forgets them",
        )
    yield from (_lock(lock, readings) for lock in found.locks if lock.age >= OLD_LOCK)


def _lock(lock: GitLock, readings: Readings) -> Trouble:
    used = "; a program has it open" if lock.in_use else ""
    return Trouble(
        kind="lock",
        urgency=Urgency.NOTE if lock.in_use else Urgency.WARNING,
        where=shown(lock.path, readings.root),
        said=f"a lock of Git's that has stood for {span(lock.age)}{used}; while it does, Git refuses to work there",
        evidence={"age_seconds": int(lock.age.total_seconds())},
        way="if no Git command runs there, remove that file",
    )


def of_clone(clone: LeftClone, readings: Readings) -> Iterator[Trouble]:
    """Yield a clone that no attempt needs, unless it is young."""
    if clone.idle < YOUNG_CLONE:
        return
    said = "of no build that is recorded" if not clone.recorded else "of a build that is over and whose work could not be saved"
    yield Trouble(
        kind="clone",
        urgency=Urgency.WARNING,
        where=shown(clone.place.path, readings.root),
        said=f"a clone {said}, {size(clone.size)}, last changed {span(clone.idle)} ago",
        evidence={"bytes": clone.size, "idle_seconds": int(clone.idle.total_seconds())},
        fix=None if clone.recorded else Fix(kind=FixKind.TRASH, place=clone.place, mark=clone.mark),
        way="save what you need of it, then remove the folder" if clone.recorded else "it is moved to .autobuilds/trash",
    )
