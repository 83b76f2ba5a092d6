"""The morning brief as values: what the night brought, what goes on, what needs the owner, what the day holds."""

from __future__ import annotations

from datetime import date, datetime

from autobuilds.domain.build import Evidence
from autobuilds.records import dataclass
from autobuilds.runtime.view_values import NeedsYou, count


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A build that was finished in the time told; `then` says where its work is, `command` what the owner does with it."""

    label: str
    name: str
    evidence: str
    checks_passed: int
    checks_total: int
    finished: datetime
    then: str
    command: str | None = None
    files_changed: int | None = None
    lines_added: int | None = None
    lines_removed: int | None = None

    @property
    def proof(self) -> str:
        """What is known of its being right, in words."""
        if self.evidence == Evidence.CLAIMED.value:
            return "claimed, nothing was checked"
        return f"{self.checks_passed} of {count(self.checks_total, 'check')} passed"

    @property
    def size(self) -> str:
        """The size of the change in words; empty where it is not known."""
        if self.files_changed is None:
            return ""
        if self.files_changed == 0:
            return "nothing changed"
        return f"{count(self.files_changed, 'file')} +{self.lines_added or 0} −{self.lines_removed or 0}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A build of which every attempt that ended in the time told failed: why the last did, and what follows."""

    label: str
    name: str
    reason: str
    attempts: int
    then: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """A running build: how far it says that it is, and when it is expected to be ready."""

    label: str
    name: str
    percent: int | None
    ready: datetime | None
    #: It should have been ready by now.
    late: bool = False
    stalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A build that is forecast for the rest of the day; `soon` for the next heartbeat, `guessed` when nothing tells its length."""

    label: str
    name: str
    start: datetime
    end: datetime
    soon: bool = False
    guessed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A moment at which the owner's context becomes another one, as far as the timetable and the calendar tell."""

    at: datetime
    context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many tasks can start, wait for something that comes by itself, and wait for the owner; how many builds run and wait for review."""

    ready: int = 0
    held: int = 0
    asking: int = 0
    building: int = 0
    review: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefView:
    """A morning's brief; equal states make equal briefs. Of a past day `today` is empty, and what runs, waits and needs the owner is as of now."""

    day: date
    zone: str
    since: datetime
    until: datetime
    #: Names of the overnight sessions that are told of; none where there was none.
    nights: tuple[str, ...]
    headline: str
    shipped: tuple[Shipped, ...]
    failed: tuple[Failed, ...]
    building: tuple[Underway, ...]
    needs_you: tuple[NeedsYou, ...]
    #: Problems that the nights found, and fixed; minutes for which they started nothing because the machine was under pressure.
    found: int
    fixed: int
    throttled_minutes: int
    #: What the owner is doing now, and what the rest of the day brings.
    context: str | None
    turns: tuple[Turn, ...]
    today: tuple[Ahead, ...]
    queue: Waiting
    notes: tuple[str, ...] = ()
    past: bool = False
