"""Keeping this machine in order: implements `ports.House`."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from autobuilds.adapters.host import NOW_VARIABLE, MachineHost
from autobuilds.adapters.housekeeping import databases, leavings, logs, repositories, tracking, trash
from autobuilds.adapters.housekeeping.places import Budget, device_of
from autobuilds.domain.house import Disk, Fix, FixKind, Mended, Readings, Restored, Scope
from autobuilds.domain.inert import line
from autobuilds.domain.moment import Resources
from autobuilds.records import replace


class MachineHouse:
    """Implements `ports.House` for one workspace."""

    def read(self, scope: Scope, tell: Callable[[str], None]) -> Readings:
        """Read everything in bounded time and change nothing."""
        budget = Budget(tell=tell)
        root = Path(scope.root)
        used: Resources = MachineHost().resources(root)
        usable = tuple(folder for folder in scope.folders if device_of(Path(folder)) is not None)
        inner = replace(scope, folders=usable)
        kept = logs.read_logs(inner, budget)
        clones, left = leavings.read_clones(inner, budget), leavings.read_processes(inner)
        bases = databases.read_databases(inner, budget)
        found = repositories.read_repositories(inner, budget)
        places = [*(log.place for log in kept.odd), *(base.place for base in bases)]
        tracked = tracking.tracked(places)
        return Readings(
            at=scope.now,
            root=scope.root,
            disks=_disks((scope.root, *usable)),
            memory_percent=used.memory_percent,
            load_per_core=used.load_per_core,
            log_count=kept.count,
            log_bytes=kept.size,
            logs=tuple(replace(log, tracked=log.place.path in tracked) for log in kept.odd),
            databases=tuple(replace(base, tracked=base.place.path in tracked) for base in bases),
            repositories=found,
            clones=clones,
            processes=left,
            trash=trash.trash_days(scope.root),
            replaced_clock=NOW_VARIABLE in os.environ,
            zone_fault=_zone_fault(),
            skipped=budget.skipped,
            unfinished=tuple(dict.fromkeys(budget.unfinished)),
            unusable=tuple(folder for folder in scope.folders if folder not in usable),
        )

    def mend(self, fix: Fix, scope: Scope) -> Mended:
        """Do one fix if what it was decided on still stands."""
        return _MENDERS[fix.kind](fix, scope)

    def days(self, scope: Scope) -> tuple[date, ...]:
        """Return the days of which something lies in the trash, the newest first."""
        return trash.days(scope.root)

    def restore(self, day: date, scope: Scope, span: tuple[datetime, datetime] | None = None) -> tuple[Restored, ...]:
        """Put what was moved into the trash on a day back where it was."""
        return trash.restore(day, scope, span)


def _put_away(fix: Fix, scope: Scope) -> Mended:
    if fix.mark is None:
        return Mended(done=False, said="it can't be told from others; left alone")
    return trash.put_away(scope, fix.place, fix.mark, "not needed any more")


def _purge(fix: Fix, scope: Scope) -> Mended:
    return trash.purge(scope.root, fix.day) if fix.day is not None else Mended(done=False, said="no day is named")


_MENDERS: dict[FixKind, Callable[[Fix, Scope], Mended]] = {
    FixKind.ROTATE: logs.rotate,
    FixKind.COMPRESS: logs.compress,
    FixKind.TRASH: _put_away,
    FixKind.VACUUM: databases.vacuum,
    FixKind.MAINTAIN: repositories.maintain,
    FixKind.STOP: leavings.stop,
    FixKind.PURGE: _purge,
}


def _zone_fault() -> str:
    """Return why this machine's zone is in doubt, or nothing: no name of one is found, or its clock goes by another offset."""
    import tzlocal

    try:
        zone = tzlocal.get_localzone()
    except (ValueError, LookupError, OSError) as error:
        return line(str(error), 200)
    shown, real = datetime.now(zone).utcoffset(), datetime.now().astimezone().utcoffset()
    return "" if shown == real else f"it is called {zone}, which is {shown} from UTC, and its clock shows {real}"


def _disks(folders: tuple[str, ...]) -> tuple[Disk, ...]:
    """Return the file systems that hold the folders, each once, named by the first of them."""
    found: dict[int, Disk] = {}
    for folder in folders:
        try:
            device, info = os.stat(folder).st_dev, os.statvfs(folder)  # noqa: PTH116 - a pair
        except OSError:
            continue
        used, free = info.f_blocks - info.f_bfree, info.f_bavail
        if device in found or used + free <= 0:
            continue
        names = info.f_files - info.f_ffree
        found[device] = Disk(
            path=folder,
            percent=round(100.0 * used / (used + free), 1),
            free_bytes=free * info.f_frsize,
            total_bytes=info.f_blocks * info.f_frsize,
            names_percent=round(100.0 * names / (names + info.f_favail), 1) if names + info.f_favail > 0 else None,
        )
    return tuple(found.values())
