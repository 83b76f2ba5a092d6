"""The port of the system's schedulers, which run the heartbeat."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerLine:
    """One more command of a workspace for a scheduler that is a table of times: when, as the five fields of a crontab, and what."""

    name: str
    when: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerJob:
    """The heartbeat of one workspace as the system's scheduler runs it."""

    #: Names units and markers: unlike for any two workspaces, letters, digits and hyphens only.
    key: str
    workspace: Path
    #: The heartbeat's command line, and the one of the probe.
    argv: tuple[str, ...]
    probe: tuple[str, ...]
    interval: timedelta
    #: The search path for programs that the heartbeat and its builds get.
    path: str
    #: The classic lines of the day (night, report, brief, weekend), and whether they are wanted beside the heartbeat; crontabs alone take them.
    lines: tuple[TimerLine, ...] = ()
    classic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerPiece:
    """One text that a scheduler is given, and where it stands (a file's path, or `crontab`)."""

    place: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerState:
    """What a scheduler knows of a job: `current` means that it would be installed just so; None means that it can't be told."""

    installed: bool = False
    current: bool = False
    active: bool | None = None
    last_run: datetime | None = None


class Timer(Protocol):
    """A scheduler of the system; every method but `install`, `uninstall` and the probe's changes nothing."""

    @property
    def name(self) -> str:
        """Return what it is called: `systemd`, `launchd` or `cron`."""
        ...

    @property
    def patience(self) -> float:
        """Return how many seconds a probe may take."""
        ...

    def missing(self) -> str | None:
        """Return why it can't be used here, or None."""
        ...

    def dormant(self) -> str | None:
        """Return why nothing runs through it at this moment, or None."""
        ...

    def pieces(self, job: TimerJob) -> tuple[TimerPiece, ...]:
        """Return the texts it is given; raises BadInput for an interval or a path that it can't take."""
        ...

    def state(self, job: TimerJob) -> TimerState:
        """Return what it knows of the job; raises TimerFailure."""
        ...

    def install(self, job: TimerJob) -> bool:
        """Install the job, replacing an older one of this workspace; return False where it stood there just so. Raises TimerFailure."""
        ...

    def uninstall(self, job: TimerJob) -> bool:
        """Remove every byte of the job, and return whether there was any. Raises TimerFailure."""
        ...

    def begin_probe(self, job: TimerJob) -> None:
        """Have the probe run once, as the heartbeat would be. Raises TimerFailure."""
        ...

    def end_probe(self, job: TimerJob) -> None:
        """Remove what the probe needed; safe to call twice."""
        ...
