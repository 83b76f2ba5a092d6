"""The world at one instant, captured once at the edge, and the snapshot of the files: the inputs of every decision."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Check, Evidence, Ledger, Outcome, Usage
from autobuilds.domain.day import Busy
from autobuilds.domain.model import Queue
from autobuilds.domain.policy import Policy
from autobuilds.domain.problem import Problem
from autobuilds.domain.sandbox import TierProbe
from autobuilds.domain.settings import Settings
from autobuilds.records import dataclass, field


class RunState(StrEnum):
    """What a runner says of an attempt."""

    QUEUED = "queued"
    RUNNING = "running"
    #: Ended; the exit record is in `RunStatus.ending`.
    ENDED = "ended"
    #: The supervisor is gone without an exit record, and nothing of the attempt runs any more.
    LOST = "lost"
    #: Recorded, but the agent never began, and now never will.
    NOT_STARTED = "not-started"
    #: The runner can't tell; never a reason to retry.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The exit record of an attempt, as its supervisor wrote it."""

    outcome: Outcome
    reason: str
    ended: datetime
    exit_code: int | None = None
    head_commit: str | None = None
    merged_commit: str | None = None
    #: Where the merge base stood when the merged tree was checked.
    merged_onto: str | None = None
    evidence: Evidence | None = None
    checks: tuple[Check, ...] = ()
    usage: Usage = field(default_factory=Usage)
    changed_paths: tuple[str, ...] = ()
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    #: What of the work could not be taken or looks odd, in words.
    notes: tuple[str, ...] = ()
    tail: str = ""
    #: What was in force to contain the agent; None where it never began.
    sandbox: str | None = None
    failure: FailureClass | None = None
    resets_at: datetime | None = None
    session: str | None = None
    model: str | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """What a runner knows of one attempt; `active_at` is the newest sign of life (output, progress or CPU use)."""

    state: RunState
    pid: int | None = None
    pid_created: float | None = None
    active_at: datetime | None = None
    percent: int | None = None
    ending: Ending | None = None
    #: What a running attempt has used so far, as its agent reports it.
    usage: Usage | None = None

    @property
    def over(self) -> str | None:
        """What is to be said of an attempt that runs no more, before a heartbeat has taken it up; None where it may still end by itself."""
        said = _OVER.get(self.state)
        return f"{said}; the next heartbeat takes it up" if said is not None else None


_OVER = {RunState.ENDED: "it has ended", RunState.LOST: "its supervisor is gone", RunState.NOT_STARTED: "it never began"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatus:
    """What the host knows of one agent: found and answering; `install` is the command that installs it."""

    name: str
    found: bool
    detail: str = ""
    version: str | None = None
    install: str | None = None
    limited_until: datetime | None = None
    #: The oldest version that the preset was tried with, and whether the installed one is older; both only where they were asked for.
    minimum: str | None = None
    outdated: bool = False
    #: Whether it is signed in, as far as that can be told without running it.
    signed_in: bool | None = None
    #: False for a preset that was written from documentation alone.
    verified: bool = True
    #: The memory in MiB that a run of it takes, as measured; 0 where that is not known.
    reserve_mib: int = 0
    #: Whether it brings a sandbox of its own that needs user namespaces, which Landlock alone forbids.
    nests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Use of the machine: disk and memory in percent, 5-minute load per core; None means not measurable."""

    disk_percent: float | None = None
    memory_percent: float | None = None
    load_per_core: float | None = None
    #: Memory that a new program can have without others being pushed out.
    memory_free_mib: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The world outside the files at one instant; `now` is aware and in the workspace's zone."""

    now: datetime
    resources: Resources = field(default_factory=Resources)
    #: By attempt id, for every open attempt of the ledger.
    runs: dict[str, RunStatus] = field(default_factory=dict)
    agents: tuple[AgentStatus, ...] = ()
    #: Why the agents can't be told (agents.toml can't be read), for the agent gate.
    agents_fault: str | None = None
    #: The sandbox tiers tried out just now, the strongest first; empty where nothing waits to be started.
    tiers: tuple[TierProbe, ...] = ()
    #: A file named STOP stands in the workspace.
    stop_file: bool = False
    #: Labels whose hand-typed approval came by the owner's hand (working tree or an allowed author).
    hand_approved: frozenset[str] = frozenset()
    #: Labels whose recorded approval is proven, outside the repository, to be the owner's.
    proven: frozenset[str] = frozenset()
    #: Labels whose line `Approved: yes` appeared while a build ran that could have written it.
    doubted: frozenset[str] = frozenset()
    #: What the owner's calendar says of the time around `now`, in the order of the starts.
    busy: tuple[Busy, ...] = ()
    #: What of the calendar can't be told, in words; what can is in `busy`.
    calendar_fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All files as read at one instant; a bad configuration or policy leaves defaults and a problem in `problems`."""

    queue: Queue
    ledger: Ledger
    settings: Settings
    policy: Policy
    #: Problems of HEARTBEAT.md and DECISION_FRAMEWORK.md (the queue has its own).
    problems: tuple[Problem, ...] = ()

    @property
    def may_start(self) -> bool:
        """Whether the files can be trusted enough to start something new."""
        return not self.queue.fatal and not any(p.severity == "error" for p in self.problems)


def as_json(value: Any) -> Any:
    """Return a value of the domain as plain JSON data: dataclasses to dicts, enums to text, times to RFC 3339."""
    from datetime import time, timedelta

    from autobuilds.records import fields, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, dict):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [as_json(v) for v in items]
    return value
