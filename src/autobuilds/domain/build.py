"""What was run: builds, attempts, checks and approvals, as the ledger records them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.day import Day
from autobuilds.records import dataclass, field, replace

#: How the reason begins of a build that was taken back with its night.
TAKEN_BACK = "taken back with the night "


class BuildState(StrEnum):
    """Where a build stands; the legal moves between states are in `domain.lifecycle`."""

    #: An attempt is recorded or runs.
    BUILDING = "building"
    #: The last attempt failed; the next starts at `retry_at`.
    RETRYING = "retrying"
    #: Finished and checked; its branch waits for the owner (the task is under Completed).
    REVIEW = "review"
    #: Finished and delivered, or finished by the owner's word.
    COMPLETED = "completed"
    #: Handed over to the owner with a reason.
    ESCALATED = "escalated"
    #: Given up by the owner.
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an attempt ended."""

    #: Every criterion with a command passed, the others are claimed or there were none left open.
    PASSED = "passed"
    #: The agent ended well, but a check failed or a criterion was not met.
    CHECKS_FAILED = "checks-failed"
    #: The agent ended with an error.
    AGENT_FAILED = "agent-failed"
    #: The agent was denied what it needed and changed nothing: a fault of the set-up.
    BLOCKED = "blocked"
    #: The agent changed nothing and the task does not say that this is fine.
    NO_CHANGE = "no-change"
    #: The change touches protected paths or paths outside *Touches*.
    OUT_OF_BOUNDS = "out-of-bounds"
    #: The wall-clock, silence or output limit was reached and the tree was stopped.
    TIMEOUT = "timeout"
    #: No output, no progress and no CPU use for twice `stall_after`.
    STALLED = "stalled"
    #: Stopped by the owner's word.
    STOPPED = "stopped"
    #: The supervisor is gone without an exit record (reboot, kill).
    LOST = "lost"
    #: Recorded, but the agent was never begun (a crash in between); costs no try.
    NOT_STARTED = "not-started"
    #: Cannot work before the owner acts: agent missing, not signed in, bad configuration.
    SETUP = "setup"
    #: The owner said that it failed, or rejected the result.
    REJECTED = "rejected"


class Evidence(StrEnum):
    """How far "done" was checked, the strongest last."""

    CLAIMED = "claimed"
    CHECKED = "checked in the clone"
    MERGED = "checked on the merged tree"


class DeliverMode(StrEnum):
    """What happens to a finished build."""

    #: The branch waits under "Ready for review".
    REVIEW = "review"
    #: Merged when clean and when the checks pass on the merged tree.
    MERGE = "merge"
    #: A pull request, opened through the forge's own command.
    PR = "pr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One criterion as verified; `command` None means claimed from the progress log, `tail` is its last output."""

    text: str
    passed: bool
    command: str | None = None
    exit_code: int | None = None
    seconds: float | None = None
    tail: str = ""
    #: Whether the check ran on the merged tree instead of the clone.
    merged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt used; None means not measured or not reported by the agent."""

    cpu_seconds: float | None = None
    peak_rss_bytes: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of an agent for a build; `id` names its run folder and never comes back."""

    number: int
    id: str
    agent: str
    started: datetime
    ended: datetime | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    pid: int | None = None
    pid_created: float | None = None
    exit_code: int | None = None
    repository: str = "."
    base_branch: str | None = None
    base_commit: str | None = None
    branch: str | None = None
    head_commit: str | None = None
    #: The commit of the merge that was checked, when `deliver: merge`.
    merged_commit: str | None = None
    evidence: Evidence | None = None
    checks: tuple[Check, ...] = ()
    usage: Usage = field(default_factory=Usage)
    files_changed: int | None = None
    lines_added: int | None = None
    lines_removed: int | None = None
    log: str | None = None
    #: What was in force to contain the agent (`domain.sandbox.Tier`).
    sandbox: str = "none"
    #: Why the agent failed, by its own output.
    failure: FailureClass | None = None
    #: When the usage limit ends that it ran into.
    resets_at: datetime | None = None
    #: The agent's session, by which an interrupted run is resumed; `resumed` says that this attempt did.
    session: str | None = None
    resumed: bool = False
    model: str | None = None
    #: The agent's final message.
    said: str | None = None
    #: Where the pull request is that was opened for it.
    pull_request: str | None = None
    #: What of the work could not be taken, or looks odd, in words.
    notes: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the attempt has no recorded ending yet."""
        return self.ended is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The life of one task from its first start to completed, cancelled or escalated."""

    label: str
    name: str
    state: BuildState
    created: datetime
    updated: datetime
    attempts: tuple[Attempt, ...] = ()
    retry_at: datetime | None = None
    #: Why it is escalated, retried or cancelled, in words for the owner.
    reason: str | None = None
    #: What the next attempt is told of the last failure or of the owner's rejection.
    feedback: str | None = None
    #: Start the next attempt from the recorded base instead of the last good commit.
    fresh: bool = False
    deliver: DeliverMode = DeliverMode.REVIEW
    #: The commit that brought the work into the owner's branch, once it is there.
    delivered_commit: str | None = None
    #: The branch it was delivered to.
    delivered_branch: str | None = None
    reviewed: datetime | None = None
    #: The stall alert was given for the running attempt.
    stall_alerted: bool = False
    category: str | None = None
    priority: str | None = None
    #: Attempts up to this number do not count against `retries`: the owner gave the build new tries.
    counted_from: int = 0

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def is_active(self) -> bool:
        """Whether it holds a slot: an attempt is recorded or runs."""
        return self.state is BuildState.BUILDING

    @property
    def tries_used(self) -> int:
        """Attempts that count against `retries`: ended, and neither never begun, nor stopped by the owner, nor ended by a usage limit."""
        free = {Outcome.NOT_STARTED, Outcome.STOPPED, None}
        counted = (a for a in self.attempts if a.number > self.counted_from and a.failure is not FailureClass.RATE_LIMIT)
        return sum(1 for a in counted if a.outcome not in free)

    def with_attempt(self, attempt: Attempt) -> Build:
        """Return the build with `attempt` in place of the one of the same id, or appended."""
        others = tuple(attempt if a.id == attempt.id else a for a in self.attempts)
        known = any(a.id == attempt.id for a in self.attempts)
        return replace(self, attempts=others if known else (*self.attempts, attempt))


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The owner's yes to one task, bound to the hash of what was approved (`domain.approval.fingerprint`)."""

    label: str
    fingerprint: str
    by: str
    at: datetime
    #: `command` or `hand` (typed into the queue).
    how: str = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The owner paused all starts; `until` None means until `autobuilds resume`."""

    since: datetime
    until: datetime | None = None
    reason: str | None = None


class _Indexed:
    """Builds and approvals found by their labels without a look at all of them."""

    __slots__ = ("_approved", "_newest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger(_Indexed):
    """Everything recorded about builds not yet archived."""

    version: int = 1
    builds: tuple[Build, ...] = ()
    approvals: tuple[Approval, ...] = ()
    pause: Pause | None = None
    #: What is remembered of the owner's days and nights; None where there is nothing yet.
    day: Day | None = None

    def find(self, label: str) -> Build | None:
        """Return the newest build of this label, or None."""
        known: dict[str, Build] | None = getattr(self, "_newest", None)
        if known is None:
            known = {b.label: b for b in self.builds}
            object.__setattr__(self, "_newest", known)
        return known.get(label)

    def approval(self, label: str) -> Approval | None:
        """Return the approval recorded for this label, or None."""
        known: dict[str, Approval] | None = getattr(self, "_approved", None)
        if known is None:
            known = {a.label: a for a in reversed(self.approvals)}
            object.__setattr__(self, "_approved", known)
        return known.get(label)

    def with_build(self, build: Build) -> Ledger:
        """Return the ledger with `build` in place of the one with its label and creation time, or appended."""
        # By their instants: in the hour that clocks show twice, Python holds equal times of two zones for unequal.
        same = [b.label == build.label and b.created.timestamp() == build.created.timestamp() for b in self.builds]
        if any(same):
            return replace(self, builds=tuple(build if s else b for b, s in zip(self.builds, same, strict=True)))
        return replace(self, builds=(*self.builds, build))

    def with_approval(self, approval: Approval) -> Ledger:
        """Return the ledger with `approval` as the only one for its label."""
        return replace(self, approvals=(*(a for a in self.approvals if a.label != approval.label), approval))

    def without_approval(self, label: str) -> Ledger:
        """Return the ledger without an approval for `label`."""
        return replace(self, approvals=tuple(a for a in self.approvals if a.label != label))

    @property
    def active(self) -> tuple[Build, ...]:
        """Builds that hold a slot."""
        return tuple(b for b in self.builds if b.is_active)
