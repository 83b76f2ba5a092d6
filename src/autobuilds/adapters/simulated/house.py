"""The house of a simulation: its disk and memory are what they are told to be, and one log of its own grows and is rotated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from autobuilds.domain.house import Disk, Fix, FixKind, LogFile, LogKind, Mark, Mended, Place, Readings, Restored, Scope
from autobuilds.domain.moment import Resources
from autobuilds.records import dataclass

_GIB, _MIB = 1024**3, 1024**2
_DISK = 500 * _GIB
#: How fast the log grows, in bytes an hour: it is rotated every other day.
_GROWS = 256 * 1024
_LOG = "subagents/logs/simulated-service.log"


@dataclass(slots=True, kw_only=True)
class SimulatedHouse:
    """Implements `ports.House`; `use` tells what the machine uses."""

    use: Callable[[], Resources]
    #: Since when the log grows.
    since: datetime

    def read(self, scope: Scope, tell: Callable[[str], None]) -> Readings:
        """Return the staged readings; nothing of the real machine is looked at."""
        use = self.use()
        percent = use.disk_percent or 0.0
        free = int(_DISK * (100 - percent) / 100)
        size = self._size(scope.now)
        log = LogFile(place=self._place(scope), mark=self._mark(size), kind=LogKind.CURRENT, idle=timedelta(), own=True, in_use=False)
        return Readings(
            at=scope.now,
            root=scope.root,
            disks=(Disk(path=scope.root, percent=percent, free_bytes=free, total_bytes=_DISK),),
            memory_percent=use.memory_percent,
            load_per_core=use.load_per_core,
            log_count=1,
            log_bytes=size,
            logs=(log,) if size > scope.log_limit else (),
        )

    def mend(self, fix: Fix, scope: Scope) -> Mended:
        """Rotate the log; nothing else is ever wrong."""
        if fix.kind is not FixKind.ROTATE:
            return Mended(done=False, said="nothing of that kind is in a simulation")
        size = self._size(scope.now)
        self.since = scope.now
        return Mended(done=True, said=f"rotated at {size // _MIB} MiB (simulated)")

    def days(self, scope: Scope) -> tuple[date, ...]:
        """Return nothing: no trash is kept."""
        return ()

    def restore(self, day: date, scope: Scope, span: tuple[datetime, datetime] | None = None) -> tuple[Restored, ...]:
        """Return nothing."""
        return ()

    def _size(self, now: datetime) -> int:
        return int(_GROWS * (now.astimezone(UTC) - self.since.astimezone(UTC)) / timedelta(hours=1))

    def _place(self, scope: Scope) -> Place:
        return Place(path=f"{scope.root}/{_LOG}", root=scope.root)

    def _mark(self, size: int) -> Mark:
        return Mark(inode=1, size=size, changed=0)
