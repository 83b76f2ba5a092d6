"""From readings of the house to its problems: how bad each is, by what that is known, and what mends it safely."""

from __future__ import annotations

from collections.abc import Iterator

from autobuilds.domain.house import Fix, FixKind, Place, Readings, Trouble, Urgency
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import format_duration, format_when
from autobuilds.policies.problem_files import of_clone, of_database, of_log, of_repository, shown, size

#: Percent below the limit of the disk at which it is worth a word.
NEAR = 10.0
#: Percent of a file system's inodes at which it is worth a word, and at which it is all but full.
MANY_NAMES, NO_NAMES = 90.0, 98.0

_ORDER = {Urgency.CRITICAL: 0, Urgency.WARNING: 1, Urgency.NOTE: 2}


def problems(readings: Readings, settings: Settings) -> tuple[Trouble, ...]:
    """Return every problem that the readings show, the most urgent first."""
    found = [
        *_disks(readings, settings),
        *_machine(readings, settings),
        *_clock(readings, settings),
        *(t for log in readings.logs for t in of_log(log, readings, settings)),
        *(t for base in readings.databases for t in of_database(base, readings)),
        *(t for repository in readings.repositories for t in of_repository(repository, readings)),
        *(t for clone in readings.clones for t in of_clone(clone, readings)),
        *_processes(readings),
        *_trash(readings, settings),
        *_duties(readings),
        *_unfinished(readings),
    ]
    return tuple(sorted(found, key=lambda trouble: _ORDER[trouble.urgency]))


def _disks(readings: Readings, settings: Settings) -> Iterator[Trouble]:
    limit = settings.disk_limit
    for disk in readings.disks:
        own = disk.path == readings.root
        if disk.percent >= limit - NEAR:
            full = disk.percent >= limit
            yield Trouble(
                kind="disk",
                urgency=Urgency.CRITICAL if full and own else Urgency.WARNING if full or own else Urgency.NOTE,
                where=disk.path,
                said=f"{disk.percent:.1f} % is used, {size(disk.free_bytes)} free" + (_starts(limit, full=full) if own else ""),
                evidence={"percent": disk.percent, "free_bytes": disk.free_bytes, "total_bytes": disk.total_bytes, "limit": limit},
                way=_FREE_SOME,
            )
        names = disk.names_percent
        if names is not None and names >= MANY_NAMES:
            yield Trouble(
                kind="disk",
                urgency=Urgency.CRITICAL if names >= NO_NAMES else Urgency.WARNING,
                where=disk.path,
                said=f"{names:.1f} % of the files (inodes) that it can hold are there: without one more, nothing can be written",
                evidence={"percent": names, "limit": NO_NAMES},
                way=_FREE_SOME,
            )


_FREE_SOME = "free some: `autobuilds problems fix --safe` does what is safe here"


def _starts(limit: int, *, full: bool) -> str:
    return f"; nothing starts while it is above {limit} % (disk_limit)" if full else f"; from {limit} % on nothing starts (disk_limit)"


def _machine(readings: Readings, settings: Settings) -> Iterator[Trouble]:
    for name, value, limit, unit in (
        ("memory", readings.memory_percent, float(settings.memory_limit), " %"),
        ("load", readings.load_per_core, settings.load_limit, " per core"),
    ):
        if value is not None and value >= limit:
            yield Trouble(
                kind=name,
                urgency=Urgency.WARNING,
                where="this machine",
                said=f"{name} {value:.1f}{unit}; nothing starts from {limit:g} on ({name}_limit)",
                evidence={"value": value, "limit": limit},
                way="it passes when the programs that use it end",
            )


def _clock(readings: Readings, settings: Settings) -> Iterator[Trouble]:
    if readings.zone_fault and settings.timezone is None:
        yield Trouble(
            kind="clock",
            urgency=Urgency.WARNING,
            where="time zone",
            said=f"this machine's zone is in doubt: {readings.zone_fault}; windows and duties may come at wrong hours",
            way="set `timezone` in HEARTBEAT.md, such as Europe/Berlin",
        )
    if readings.replaced_clock:
        yield Trouble(
            kind="clock",
            urgency=Urgency.WARNING,
            where="AUTOBUILDS_NOW",
            said=f"the clock is replaced and says {format_when(readings.at)}; nothing is removed for good meanwhile",
            evidence={"now": readings.at.isoformat(timespec="seconds")},
            way="`unset AUTOBUILDS_NOW`",
        )
    for ahead in readings.ahead:
        yield Trouble(
            kind="clock",
            urgency=Urgency.WARNING,
            where=ahead.what,
            said=f"recorded at {format_when(ahead.at)}, which has not come yet: the clock is behind, or was ahead then",
            evidence={"recorded": ahead.at.isoformat(timespec="seconds"), "now": readings.at.isoformat(timespec="seconds")},
            way="compare `date` with a clock; on Linux `timedatectl` says whether it is set by the network",
        )


def _processes(readings: Readings) -> Iterator[Trouble]:
    for left in readings.processes:
        yield Trouble(
            kind="process",
            urgency=Urgency.WARNING,
            where=f"process {left.pid}",
            said=f"{left.command} still runs, and {left.attempt}, which started it, is over",
            evidence={"pid": left.pid, "attempt": left.attempt},
            fix=Fix(
                kind=FixKind.STOP,
                place=Place(path=readings.root, root=readings.root),
                pid=left.pid,
                created=left.created,
                attempt=left.attempt,
            ),
            way="it is asked to end, then stopped",
        )


def _trash(readings: Readings, settings: Settings) -> Iterator[Trouble]:
    for day in readings.trash:
        if readings.at.date() - day.day < settings.log_age:
            continue
        doubtful = readings.replaced_clock or bool(readings.ahead)
        said = f"{day.items} things, {size(day.size)}, there for {format_duration(settings.log_age)} or longer"
        yield Trouble(
            kind="trash",
            urgency=Urgency.NOTE,
            where=shown(day.place.path, readings.root),
            said=said + ("; not removed while the clock can't be trusted" if doubtful else ""),
            evidence={"bytes": day.size, "items": day.items},
            fix=None if doubtful else Fix(kind=FixKind.PURGE, place=day.place, day=day.day),
            way="mend the clock first" if doubtful else "it is removed for good",
        )


def _duties(readings: Readings) -> Iterator[Trouble]:
    for duty in readings.duties:
        times = "the last time" if duty.times == 1 else f"{duty.times} times in a row"
        yield Trouble(
            kind="duty",
            # Never critical: a duty that scans would fail by its own finding.
            urgency=Urgency.WARNING,
            where=f"HEARTBEAT.md:{duty.line}",
            said=f"{duty.command} failed {times} ({duty.outcome})" + (f": {duty.said}" if duty.said else ""),
            evidence={"times": duty.times, "outcome": duty.outcome, "at": duty.at.isoformat(timespec="seconds")},
            way=f"run it by hand: `{duty.command}`" if "`" not in duty.command else "run it by hand",
        )


def _unfinished(readings: Readings) -> Iterator[Trouble]:
    for said, way, places in (
        ("not looked at to its end", "name smaller folders in `housekeeping`", readings.unfinished),
        ("no folder, or a link to one; it is not looked at", "name the folder itself in `housekeeping`", readings.unusable),
    ):
        for where in places:
            yield Trouble(kind="unfinished", urgency=Urgency.NOTE, where=where, said=said, way=way)
