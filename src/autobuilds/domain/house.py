"""The house as values: what is read of the machine and of what builds leave behind, what is wrong there, what would mend it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from autobuilds.records import dataclass, field


class Urgency(StrEnum):
    """How much a problem of the house matters."""

    #: Nothing can be started or kept while it stands, or something is being lost: the owner is told at once.
    CRITICAL = "critical"
    WARNING = "warning"
    #: Worth knowing, and nothing to worry about.
    NOTE = "note"


class FixKind(StrEnum):
    """What a fix does; each can be taken back or loses nothing."""

    #: The log is renamed, and an empty one made in its place where programs of others write.
    ROTATE = "rotate"
    #: A log that nobody writes is packed, read back and compared before the plain one goes.
    COMPRESS = "compress"
    #: Moved into the dated trash, from where `problems restore` brings it back.
    TRASH = "trash"
    #: The database gives back the pages that it does not use.
    VACUUM = "vacuum"
    #: Loose objects are packed and small packs joined; no object is dropped, reachable or not.
    MAINTAIN = "maintain"
    #: A process of a build that is over is stopped.
    STOP = "stop"
    #: A day of the trash is removed for good: what lies there was put away long ago.
    PURGE = "purge"


class LogKind(StrEnum):
    """What a log's name says of it."""

    CURRENT = "current"
    ROTATED = "rotated"
    COMPRESSED = "compressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """By what a file is known again: its inode, its size in bytes, its time of change in ns since 1970."""

    inode: int
    size: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An absolute path, and the root from which it is reached: below that no link is followed."""

    path: str
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One thing to do; `mark` is how the file was when that was decided, `pid` and `created` name a process, `day` one of the trash."""

    kind: FixKind
    place: Place
    mark: Mark | None = None
    pid: int | None = None
    created: float | None = None
    #: The attempt whose process it is.
    attempt: str | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system that holds a folder: use in percent of what this user may use, of bytes and of names (inodes)."""

    path: str
    percent: float
    free_bytes: int
    total_bytes: int
    names_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """A log that is large or old; `idle` is how long nobody wrote to it."""

    place: Place
    mark: Mark
    kind: LogKind
    idle: timedelta
    #: In a folder of the workspace, where nobody but builds writes.
    own: bool
    #: Whether some process has it open now; None where that can't be told.
    in_use: bool | None = None
    #: The build that the ledger still knows by it; whether Git keeps it. Neither is for us to move.
    build: str | None = None
    tracked: bool = False


class DatabaseState(StrEnum):
    """What a look at an SQLite file says."""

    SOUND = "sound"
    DAMAGED = "damaged"
    #: Named like one, and none.
    FOREIGN = "foreign"
    #: Some process has it open, or has not put away its journal: left alone.
    BUSY = "busy"
    #: Not finished within the time that there is.
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An SQLite file; `unused` is what it holds in pages without content, in bytes."""

    place: Place
    mark: Mark
    state: DatabaseState
    said: str = ""
    unused: int = 0
    tracked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLock:
    """A lock file of Git's that stands there, and for how long."""

    path: str
    age: timedelta
    in_use: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """What is counted in a Git repository; `place.path` holds its objects and references, `kept_away` says why it is left alone."""

    place: Place
    loose: int
    packs: int
    #: Half-written files of Git commands that were killed, more than a day old, in bytes.
    debris: int = 0
    locks: tuple[GitLock, ...] = ()
    #: Worktrees whose folder is gone.
    lost_worktrees: tuple[str, ...] = ()
    kept_away: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftClone:
    """A private clone that no attempt needs: nobody records it (`recorded` False), or its work could not be saved."""

    place: Place
    mark: Mark
    size: int
    idle: timedelta
    recorded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftProcess:
    """A process that carries the mark of an attempt that is over."""

    pid: int
    created: float
    attempt: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashDay:
    """One day's folder of the trash."""

    place: Place
    day: date
    size: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingDuty:
    """A command of a duty that failed the last `times` times, with the last line that it printed."""

    duty: str
    command: str
    line: int
    times: int
    outcome: str
    at: datetime
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Something recorded at a time that has not come yet."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Everything that was read of the house of the workspace `root` at one instant; what time was too short for is in `unfinished`."""

    at: datetime
    root: str
    disks: tuple[Disk, ...] = ()
    memory_percent: float | None = None
    load_per_core: float | None = None
    #: Logs that were found, in files and bytes, and those of them that are large or old.
    log_count: int = 0
    log_bytes: int = 0
    logs: tuple[LogFile, ...] = ()
    databases: tuple[Database, ...] = ()
    repositories: tuple[Repository, ...] = ()
    clones: tuple[LeftClone, ...] = ()
    processes: tuple[LeftProcess, ...] = ()
    trash: tuple[TrashDay, ...] = ()
    duties: tuple[FailingDuty, ...] = ()
    #: AUTOBUILDS_NOW replaces the clock; what is recorded at times to come; why the machine's zone can't be told.
    replaced_clock: bool = False
    zone_fault: str = ""
    ahead: tuple[Ahead, ...] = ()
    #: Links, pipes, files of others and of several names, which are left alone; folders of the setting that are none, or links.
    skipped: int = 0
    unfinished: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where is looked, and for what; `log_limit` is in bytes, `known_logs` has the builds of the ledger by their logs, `building` says whether one runs."""

    root: str
    now: datetime
    folders: tuple[str, ...] = ()
    log_limit: int = 10 * 1024 * 1024
    log_age: timedelta = timedelta(days=30)
    known_logs: dict[str, str] = field(default_factory=dict)
    building: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One problem of the house: what is wrong where, by what that is known (numbers, words, times, by name), and what mends it."""

    kind: str
    urgency: Urgency
    #: A path relative to the workspace where it lies in it, or the name of what it is about.
    where: str
    said: str
    evidence: dict[str, str | int | float] = field(default_factory=dict)
    #: What `problems fix` does about it; None where it takes the owner. `way` says it in words, or what the owner does.
    fix: Fix | None = None
    way: str = ""

    @property
    def safe(self) -> bool:
        """Whether it can be mended by itself: every fix there is can be taken back or loses nothing."""
        return self.fix is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What came of one fix: `freed` bytes are on the disk again, `trashed` ones lie in the trash."""

    done: bool
    said: str
    freed: int = 0
    trashed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """One thing that was asked back from the trash."""

    path: str
    done: bool
    said: str
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The figures of one moment that are kept, for trends; bytes, percent, load per core."""

    at: datetime
    disk_percent: float | None = None
    disk_free: int | None = None
    memory_percent: float | None = None
    load_per_core: float | None = None
    log_bytes: int = 0
    trash_bytes: int = 0
