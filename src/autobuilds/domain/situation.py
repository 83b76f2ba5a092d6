"""The situation of one task: everything its gates may look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.budgets import Spending, of_all
from autobuilds.domain.build import Approval, Build, BuildState, Usage
from autobuilds.domain.day import Night
from autobuilds.domain.holds import Hold, held
from autobuilds.domain.model import Task
from autobuilds.domain.moment import AgentStatus, Moment, Snapshot
from autobuilds.domain.night import running
from autobuilds.domain.policy import CategoryRule
from autobuilds.domain.sandbox import Choice, choose
from autobuilds.domain.times import after, in_window, window_closes, window_opens
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement
from autobuilds.records import dataclass, field

if TYPE_CHECKING:
    from autobuilds.domain.context import Answer, Stretch
    from autobuilds.domain.day import Word
    from autobuilds.domain.manner import Opening
    from autobuilds.domain.windows import DayWindow


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


class Shared:
    """What the gates of all tasks look at in one snapshot and moment, each found once, when it is first asked for."""

    def __init__(self, snapshot: Snapshot, moment: Moment) -> None:
        self._snapshot = snapshot
        self._moment = moment
        self._holds: dict[str, Hold | None] = {}
        self._rules: dict[str, CategoryRule | None] = {}
        self._choices: dict[bool, Choice] = {}
        self._agents: dict[tuple[str | None, bool], AgentStatus | None] = {}
        self._openings: dict[str, Opening] = {}

    @cached_property
    def waiting(self) -> tuple[Build, ...]:
        """Finished builds that wait for the owner's review."""
        return tuple(b for b in self._snapshot.ledger.builds if b.state is BuildState.REVIEW)

    @cached_property
    def edges(self) -> dict[str, tuple[str, ...]]:
        """What each active task depends on, by labels."""
        return {t.label: t.depends_on for t in self._snapshot.queue.active}

    @cached_property
    def spent(self) -> tuple[Spending, ...]:
        """What was used of the limits of the night and of the day."""
        return of_all(self._snapshot.ledger, self._snapshot.settings, self._moment.now, self.live)

    @cached_property
    def live(self) -> dict[str, Usage]:
        """What open attempts have used so far, by their ids."""
        return {attempt: run.usage for attempt, run in self._moment.runs.items() if run.usage is not None}

    @cached_property
    def off_hours(self) -> bool:
        """Whether it is off-hours now."""
        return in_window(self._moment.now, self._snapshot.settings.off_hours)

    @cached_property
    def night(self) -> Night | None:
        """The overnight session that is on, or None."""
        return running(self._snapshot.ledger.day, self._moment.now)

    @cached_property
    def opens(self) -> datetime:
        """When off-hours begin next, or now."""
        return window_opens(self._moment.now, self._snapshot.settings.off_hours)

    @cached_property
    def closes(self) -> datetime:
        """When the off-hours that are now, or come next, end."""
        return window_closes(self._moment.now, self._snapshot.settings.off_hours)

    @cached_property
    def opens_again(self) -> datetime:
        """When the off-hours after those begin."""
        return window_opens(self.closes, self._snapshot.settings.off_hours)

    @cached_property
    def word(self) -> Word | None:
        """The owner's word on his context, which may have ended."""
        day = self._snapshot.ledger.day
        return None if day is None else day.word

    @cached_property
    def context(self) -> Answer:
        """What the owner is doing now, and why that is thought."""
        from autobuilds.domain.context import context_at

        return context_at(self._moment.now, self.word, self._moment.busy, self._snapshot.settings.contexts)

    @cached_property
    def ahead(self) -> tuple[Stretch, ...]:
        """What he is doing in the coming days, where his word or his calendar may move windows."""
        if self.word is None and not self._moment.busy:
            return ()
        from autobuilds.domain.context import stretches, word_as_of
        from autobuilds.domain.manner import AHEAD

        now = self._moment.now
        word = word_as_of(self.word, now)
        return stretches(now, after(now, AHEAD), word, self._moment.busy, self._snapshot.settings.contexts)

    @cached_property
    def slots(self) -> tuple[int, str, str]:
        """How many builds may run at the same time now, in words why, where that is not the same at all times, and the setting that says so."""
        from autobuilds.domain import night

        settings, day, now = self._snapshot.settings, self._snapshot.ledger.day, self._moment.now
        by_context = len(settings.max_concurrent) > 1
        limit = night.slots(settings, day, self.context.context if by_context else None, now)
        if night.is_on(day, now):
            return limit, " (in the overnight session)", "overnight_builds"
        if not by_context:
            return limit, "", "max_concurrent"
        from autobuilds.domain.manner import doing

        return limit, f" ({doing(self.context.context, self.context.source)})", "max_concurrent"

    def window(self, name: str) -> DayWindow | None:
        """Return the window of the settings that a task names, or None where there is none of that name."""
        from autobuilds.domain.week import window_named

        return window_named(name, self._snapshot.settings.windows)

    def opening(self, window: DayWindow) -> Opening:
        """Return how a window stands now."""
        if window.name not in self._openings:
            from autobuilds.domain.manner import opening

            self._openings[window.name] = opening(self._moment.now, window, self.context, self.ahead)
        return self._openings[window.name]

    def reopens(self, window: DayWindow) -> datetime | None:
        """Return when a window opens next, after it has closed where it is open now."""
        from autobuilds.domain.manner import reopens

        return reopens(self._moment.now, self.opening(window), self.ahead)

    def rule(self, category: str) -> CategoryRule | None:
        """Return the policy's rule of a category."""
        if category not in self._rules:
            self._rules[category] = self._snapshot.policy.category(category)
        return self._rules[category]

    def sandbox(self, *, nests: bool) -> Choice:
        """Return the sandbox in which an agent would run, which may bring one of its own, from the tiers that were tried out."""
        if nests not in self._choices:
            settings = self._snapshot.settings
            self._choices[nests] = choose(settings.sandbox, settings.require_sandbox, self._moment.tiers, nests=nests)
        return self._choices[nests]

    def agent(self, named: str | None, *, steps: bool, choose: Callable[[], AgentStatus | None]) -> AgentStatus | None:
        """Return the agent for a task that names one, or none, and has Steps, or none; `choose` finds it where it was not asked for yet."""
        key = named, steps
        if key not in self._agents:
            self._agents[key] = choose()
        return self._agents[key]

    def hold(self, agent: str) -> Hold | None:
        """Return why an agent may not be started now, or None."""
        if agent not in self._holds:
            self._holds[agent] = held(self._snapshot.ledger, agent, self._moment.now)
        return self._holds[agent]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One task in its snapshot and moment, with the judgements of its text and what others claim already.

    A judgement, or the template that asks for what is missing in Markdown, may be given as what finds it when it is asked for.
    """

    task: Task
    snapshot: Snapshot
    moment: Moment
    risk: RiskJudgement | Callable[[], RiskJudgement]
    clarity: ClarityJudgement | Callable[[], ClarityJudgement]
    template: Callable[[], str] = str
    claims: tuple[Claim, ...] = ()
    #: Slots taken by running builds and by tasks that start before this one.
    slots_taken: int = 0
    #: Start at the owner's word: the priority, window and requirements gates go; risk and approval never.
    at_once: bool = False
    #: What is the same for every task of a run; made anew where it is not given.
    common: Shared | None = field(default=None, compare=False, repr=False)

    @cached_property
    def shared(self) -> Shared:
        """What is the same for every task."""
        return self.common or Shared(self.snapshot, self.moment)

    @cached_property
    def risk_judgement(self) -> RiskJudgement:
        """What the risk rules say."""
        return self.risk() if callable(self.risk) else self.risk

    @cached_property
    def clarity_judgement(self) -> ClarityJudgement:
        """What the requirements rules say."""
        return self.clarity() if callable(self.clarity) else self.clarity

    @cached_property
    def clarity_template(self) -> str:
        """Ready-made Markdown that asks for what is missing."""
        return self.template()

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
