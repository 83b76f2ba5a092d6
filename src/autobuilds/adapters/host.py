"""The machine: clock, zone, resources, and the agents that are installed on it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from autobuilds import errors
from autobuilds.domain.moment import AgentStatus, Resources
from autobuilds.records import dataclass, field

#: Replaces the clock, as RFC 3339: for demonstrations and tests, never inside a build.
NOW_VARIABLE = "AUTOBUILDS_NOW"
#: Years around which days can be counted in both directions.
_FIRST_YEAR, _LAST_YEAR = 1970, 9990
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineHost:
    """Implements `ports.Host`; `workspace` holds the owner's own presets, None means the shipped ones alone."""

    workspace: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def now(self, zone: str | None) -> datetime:
        """Return the current time, aware, in an IANA zone (None: the machine's).

        AUTOBUILDS_NOW replaces the clock. Raises Refused if it is set inside a build, BadInput for a time or zone that can't be read.
        """
        where = _zone(zone)
        given = self.environment.get(NOW_VARIABLE)
        if given is None:
            return datetime.now(where)
        from autobuilds.adapters.processes import MARKER

        if MARKER in self.environment:
            raise errors.Refused(f"{NOW_VARIABLE} is refused inside a build: the clock is not the build's to set. Unset it.")
        try:
            moment = datetime.fromisoformat(given)
        except ValueError as error:
            raise errors.BadInput(f"{NOW_VARIABLE}={given!r} is no time; write it like 2026-02-06T22:00:00+01:00") from error
        if moment.tzinfo is None:
            raise errors.BadInput(f"{NOW_VARIABLE}={given!r} has no offset; write it like 2026-02-06T22:00:00+01:00")
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise errors.BadInput(f"{NOW_VARIABLE}={given!r} is no time of the years {_FIRST_YEAR} to {_LAST_YEAR}")
        return moment.astimezone(where)

    def resources(self, path: Path) -> Resources:
        """Return the use of the disk that holds `path` and of memory in percent, and the 5-minute load per core; never waits."""
        used, free = _memory()
        return Resources(disk_percent=_disk(path), memory_percent=used, memory_free_mib=free, load_per_core=_load())

    def agents(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        """Return whether each agent (or each of those wanted) is installed, the preferred first."""
        from autobuilds.adapters.agents.presets import Presets

        return Presets.load(self.workspace).detect(wanted, self.environment)

    def examine(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        """Return the same with the version of each program, which takes as long as the slowest of them does."""
        from autobuilds.adapters.agents.presets import Presets

        return Presets.load(self.workspace).examine(wanted, self.environment)


def _zone(name: str | None) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name is None:
        import tzlocal

        try:
            return tzlocal.get_localzone()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return UTC
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise errors.BadInput(f"{name!r} is no time zone; use an IANA name such as Europe/Berlin") from error


def _disk(path: Path) -> float | None:
    """Return the use of a disk in percent as `df` counts it: of what is used and what this user may still use."""
    try:
        found = os.statvfs(path)
    except (OSError, AttributeError):
        return None
    used = found.f_blocks - found.f_bfree
    return round(100.0 * used / (used + found.f_bavail), 1) if used + found.f_bavail else 0.0


def _memory() -> tuple[float | None, int | None]:
    """Return the use of memory in percent, and what a new program can have in MiB.

    Where the system's own file says it, that is read: psutil, which reads the same, takes longer to import than Python to start.
    """
    told = _told()
    if told is None:
        import psutil

        try:
            memory = psutil.virtual_memory()
        except (OSError, RuntimeError):
            return None, None
        told = int(memory.total), int(memory.available)
    total, available = told
    return round(100.0 * (total - available) / total, 1), available // (1024 * 1024)


def _told() -> tuple[int, int] | None:
    """Return all memory and what is available of it in bytes, as /proc/meminfo says, or None where it doesn't."""
    try:
        lines = _MEMINFO.read_bytes().split(b"\n")
        found = {name: int(rest.split()[0]) * 1024 for name, colon, rest in (line.partition(b":") for line in lines[:8]) if colon}
        total, available = found[b"MemTotal"], found[b"MemAvailable"]
    except (OSError, ValueError, KeyError, IndexError):
        return None
    # In some containers one is the machine's and the other the container's.
    return (total, available) if 0 < available <= total else None


def _load() -> float | None:
    try:
        return os.getloadavg()[1] / (os.cpu_count() or 1)
    except OSError:
        return None
