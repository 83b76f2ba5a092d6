"""The configuration as a value: every key of HEARTBEAT.md's front matter with its default and its unit."""

from __future__ import annotations

from datetime import time, timedelta

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.day import INTERRUPT, TIMETABLE, Context, Rule
from autobuilds.domain.sandbox import Network, Tier
from autobuilds.domain.windows import WINDOWS, DayWindow
from autobuilds.records import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of the local day, half-open; `start` after `end` crosses midnight, equal means the whole day."""

    start: time
    end: time


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting; `metadata["doc"]` of a field is its documentation, unit included."""

    timezone: str | None = field(
        default=None, metadata=_doc("IANA zone of every time that people write, such as Europe/Berlin; default: the machine's zone")
    )
    interval: timedelta = field(default=timedelta(minutes=30), metadata=_doc("time between two heartbeats of the installed timer"))
    off_hours: Window = field(
        default=Window(start=time(22), end=time(6)), metadata=_doc("span of the local day in which medium-priority tasks may start")
    )
    max_concurrent: dict[str, int] = field(
        default_factory=lambda: {"default": 1},
        metadata=_doc("builds at the same time, for all or by context (a mapping with `default`); a night has `overnight_builds`"),
    )
    contexts: tuple[Rule, ...] = field(
        default=TIMETABLE,
        metadata=_doc(
            "your week: lines `context: days and hours`, several with commas; hours go before whole days, "
            "then the first line wins; what none covers is away"
        ),
    )
    calendar: tuple[str, ...] = field(
        default=(),
        metadata=_doc("your calendars: paths of ICS files, or their https addresses; needs the extra `calendar`"),
    )
    windows: tuple[DayWindow, ...] = field(
        default=WINDOWS,
        metadata=_doc(
            "windows: lines `name: days and hours, shortest-longest build`; a task with that name in its field Window starts in it alone"
        ),
    )
    interrupt: tuple[Context, ...] = field(
        default=INTERRUPT,
        metadata=_doc("contexts in which you may be interrupted; in others what can wait is kept for the next brief"),
    )
    overnight: Window = field(
        default=Window(start=time(23), end=time(7)), metadata=_doc("span of the local day in which an overnight session may run")
    )
    overnight_builds: int = field(default=3, metadata=_doc("builds at the same time in an overnight session, 1 to 64"))
    overnight_throttle: int = field(
        default=80,
        metadata=_doc("use of disk or memory in percent, or of load in percent of one per core, at which a night starts nothing new"),
    )
    status_chart: bool = field(default=False, metadata=_doc("whether BUILD_STATUS.md shows the coming day as a Mermaid chart"))
    diary: bool = field(default=True, metadata=_doc("whether what happens is written into memory/YYYY-MM-DD.md"))
    housekeeping: tuple[str, ...] = field(
        default=(),
        metadata=_doc(
            "folders besides the workspace whose logs, SQLite files and repositories `problems` looks after; a leading ~ is your home"
        ),
    )
    log_limit: int = field(default=10, metadata=_doc("size of a log in MiB above which it is rotated, 1 to 4096"))
    log_age: timedelta = field(
        default=timedelta(days=30), metadata=_doc("age at which a rotated log is compressed; at twice that it goes to the trash")
    )
    stall_after: timedelta = field(
        default=timedelta(hours=4),
        metadata=_doc("silence (no output, no progress, no CPU use) after which you are alerted; at twice this the attempt is stopped"),
    )
    retries: int = field(default=3, metadata=_doc("attempts that may fail before a build is escalated, 1 to 20"))
    retry_delay: timedelta = field(default=timedelta(minutes=5), metadata=_doc("wait before a failed build is tried again"))
    agent: str | None = field(
        default=None,
        metadata=_doc("agent for tasks without an Agent field; default: `command` for a task with Steps, else the first agent installed"),
    )
    timeout: timedelta = field(default=timedelta(hours=8), metadata=_doc("wall-clock limit of one attempt, a task's Timeout field wins"))
    check_timeout: timedelta = field(default=timedelta(minutes=30), metadata=_doc("wall-clock limit of one completion check"))
    duty_timeout: timedelta = field(default=timedelta(minutes=10), metadata=_doc("wall-clock limit of one recurring duty"))
    output_limit: int = field(default=64, metadata=_doc("output of one attempt in MiB, 1 to 4096; above it the attempt is stopped"))
    deliver: dict[str, DeliverMode] = field(
        default_factory=lambda: {"default": DeliverMode.REVIEW},
        metadata=_doc("`review`, `merge` or `pr`, for all or by category (a mapping with `default`)"),
    )
    forge: str | None = field(
        default=None,
        metadata=_doc("command that opens pull requests: `gh`, `glab` or `tea`; default: by the name of the remote's host"),
    )
    review_limit: int = field(default=10, metadata=_doc("finished builds waiting for your review at which nothing new starts, 1 to 1000"))
    disk_limit: int = field(default=80, metadata=_doc("disk use in percent at which nothing new starts, 1 to 100"))
    memory_limit: int = field(default=90, metadata=_doc("memory use in percent at which nothing new starts, 1 to 100"))
    load_limit: float = field(default=4.0, metadata=_doc("5-minute load average per core at which nothing new starts"))
    attempts_per_day: int | None = field(default=None, metadata=_doc("attempts started in one local day; default: no limit"))
    hours_per_day: float | None = field(default=None, metadata=_doc("hours of building in one local day; default: no limit"))
    cost_per_day: float | None = field(default=None, metadata=_doc("USD that agents report in one local day; default: no limit"))
    cost_per_task: float | None = field(default=None, metadata=_doc("USD that agents report for one build; default: no limit"))
    tokens_per_day: int | None = field(default=None, metadata=_doc("tokens that agents report in one local day; default: no limit"))
    cost_per_night: float | None = field(default=None, metadata=_doc("USD that agents report in one span of off_hours; default: no limit"))
    tokens_per_night: int | None = field(
        default=None, metadata=_doc("tokens that agents report in one span of off_hours; default: no limit")
    )
    tokens_per_task: int | None = field(default=None, metadata=_doc("tokens that agents report for one build; default: no limit"))
    model: dict[str, str] = field(
        default_factory=dict,
        metadata=_doc("model for all agents, or lines `agent: model` (a mapping with `default`); default: the agent's own"),
    )
    sandbox: Tier | None = field(
        default=None,
        metadata=_doc("`auto` (the strongest that works), or the name of a tier: bubblewrap+landlock, bubblewrap, landlock, none"),
    )
    require_sandbox: Tier = field(
        default=Tier.NONE,
        metadata=_doc(
            "weakest sandbox tier in which anything may start; default: `none`, so nothing is demanded, but the tier in force is always shown"
        ),
    )
    network: Network = field(
        default=Network.OPEN,
        metadata=_doc("what builds may reach: `open` (not what listens on this machine), `web` (ports 443, 80, 53, 22), `none`"),
    )
    process_limit: int = field(default=4096, metadata=_doc("processes of one build, 16 to 1000000"))
    build_memory: int | None = field(default=None, metadata=_doc("memory of each process of a build in MiB; default: no limit"))
    file_limit: int = field(default=8192, metadata=_doc("largest file that a build may write in MiB, 1 to 1048576"))
    commits: str = field(
        default="current", metadata=_doc("where the tool's commits go: `current`, `none`, or the name of a branch of their own")
    )
    approvers: tuple[str, ...] = field(
        default=(), metadata=_doc("e-mail addresses whose commits may approve a task by hand; default: the workspace's own Git identity")
    )
    environment: tuple[str, ...] = field(
        default=(), metadata=_doc("names of environment variables passed on to builds besides PATH, LANG, LC_*, TERM, TZ")
    )
    protected: tuple[str, ...] = field(default=(), metadata=_doc("path globs that no build may change, besides the built-in ones"))

    def slots(self, context: Context | None = None) -> int:
        """Return how many builds may run at the same time in a context, or where no context counts."""
        return self.max_concurrent.get(context.value if context is not None else "default", self.max_concurrent["default"])
