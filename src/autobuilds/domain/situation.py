"""The situation of one task: everything its gates may look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, Build, BuildState
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement


class ApprovalState(Enum):
    """What the owner's approval of a task is worth now."""

    NONE = "none"
    VALID = "valid"
    #: Approved once, but the text that was approved has changed since.
    LAPSED = "lapsed"
    #: `Approved: yes` stands in the queue, but did not come by the owner's hand.
    UNTRUSTED = "untrusted"
    #: The ledger has an approval, but nothing outside the repository proves that the owner gave it.
    UNPROVEN = "unproven"
    #: `Approved: yes` appeared while a build ran that nothing kept from writing the queue.
    DOUBTED = "doubted"


def approval_state(task: Task, approval: Approval | None, moment: Moment) -> ApprovalState:
    """Return what an approval is worth: the queue's line says yes, the ledger's fingerprint says to what, the proof by whom."""
    if not task.approved:
        return ApprovalState.NONE
    if approval is None and task.label in moment.doubted:
        return ApprovalState.DOUBTED
    if approval is None:
        return ApprovalState.VALID if task.label in moment.hand_approved else ApprovalState.UNTRUSTED
    if approval.fingerprint != fingerprint(task):
        return ApprovalState.LAPSED
    return ApprovalState.VALID if task.label in moment.proven else ApprovalState.UNPROVEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a build that runs, or a task that starts before this one, holds: its paths in its repository, its goal."""

    label: str
    name: str
    repository: str
    touches: tuple[str, ...]
    running: bool


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One task in its snapshot and moment, with the judgements of its text and what others claim already."""

    task: Task
    snapshot: Snapshot
    moment: Moment
    risk: RiskJudgement
    clarity: ClarityJudgement
    #: Ready-made Markdown that asks for what is missing.
    clarity_template: str = ""
    claims: tuple[Claim, ...] = ()
    #: Slots taken by running builds and by tasks that start before this one.
    slots_taken: int = 0
    #: Start at the owner's word: the priority, window and requirements gates go; risk and approval never.
    at_once: bool = False

    @property
    def now(self) -> datetime:
        """The moment's time."""
        return self.moment.now

    @cached_property
    def build(self) -> Build | None:
        """The task's newest build, unless that was finished before this entry was added (another task of that name)."""
        build = self.snapshot.ledger.find(self.task.label)
        return None if build is None or is_earlier_life(build, self.task) else build

    @cached_property
    def approval(self) -> ApprovalState:
        """What the owner's approval is worth."""
        recorded = self.snapshot.ledger.approval(self.task.label)
        return approval_state(self.task, recorded, self.moment)

    @property
    def approved(self) -> bool:
        """Whether the owner approved the task as it stands."""
        return self.approval is ApprovalState.VALID


def is_earlier_life(build: Build, task: Task) -> bool:
    """Whether the build belongs to an earlier task of the same label: it is over, and the entry was added after that."""
    over = build.state in {BuildState.COMPLETED, BuildState.REVIEW, BuildState.CANCELLED}
    return over and task.is_active and task.added is not None and task.added > build.updated
