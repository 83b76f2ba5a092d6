"""The ports of running: what an attempt needs, who runs it, who runs a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from autobuilds.domain.agents import ReportRules
from autobuilds.domain.budgets import Spending
from autobuilds.domain.build import Check, DeliverMode, Outcome
from autobuilds.domain.model import Criterion
from autobuilds.domain.moment import RunStatus
from autobuilds.domain.sandbox import Confinement
from autobuilds.records import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What stops an attempt: wall clock, silence, one check's wall clock, bytes of output."""

    timeout: timedelta = timedelta(hours=8)
    silence: timedelta = timedelta(hours=8)
    check_timeout: timedelta = timedelta(minutes=30)
    output_bytes: int = 64 * 1024 * 1024
    #: By how much the attempt yields the processor to other programs, 0 (not at all) to 19.
    niceness: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopStep:
    """One step of stopping an agent: the signal's name, and the seconds it is given before the next."""

    signal: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything one attempt needs, self-contained: a runner needs no other knowledge of the workspace."""

    #: Names the run folder; a second submit of the same id starts nothing.
    attempt_id: str
    label: str
    name: str
    number: int
    agent: str
    #: The agent's command line; `{prompt_file}` and the like are filled in already.
    argv: tuple[str, ...]
    #: Given to the agent on standard input and as `prompt.md` in the run folder.
    prompt: str
    #: False for an agent that reads the prompt's file or needs none; its standard input is then empty.
    prompt_on_stdin: bool = True
    #: The complete environment of the agent (the allow-list is applied already).
    environment: dict[str, str] = field(default_factory=dict)
    #: The environment of the checks, without the agent's keys; None: the agent's own.
    check_environment: dict[str, str] | None = None
    workspace: str
    #: Absolute path of the repository to clone.
    repository: str
    base_branch: str | None
    #: The commit that the build is judged against.
    base_commit: str
    #: Where this attempt begins: the base, or the last good commit of an earlier attempt.
    start_commit: str
    branch: str
    criteria: tuple[Criterion, ...] = ()
    deliver: DeliverMode = DeliverMode.REVIEW
    touches: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    #: The task says that changing nothing may be right (a check-only task).
    may_change_nothing: bool = False
    limits: Limits = field(default_factory=Limits)
    #: The limits of money and tokens with what was used of them before; the attempt is stopped when it goes over one.
    budgets: tuple[Spending, ...] = ()
    #: Absolute paths.
    progress_file: str
    log_file: str
    #: How the agent's output is read.
    rules: ReportRules = field(default_factory=ReportRules)
    #: The session that was chosen for the agent before it began (None: it reports its own), and whether it is resumed.
    session: str | None = None
    resumes: bool = False
    #: How the agent is stopped; empty for the usual way.
    stop: tuple[StopStep, ...] = ()
    #: What contains the agent, the saving of its work and the checks.
    confinement: Confinement = field(default_factory=Confinement)
    #: Files of the owner's home that are copied into the agent's own, relative to the home (its credentials).
    credentials: tuple[str, ...] = ()
    #: Absolute path of the private clone; None: its usual place. A resumed session needs the folder it began in.
    clone: str | None = None
    #: Absolute path of the agent's private home, kept between the attempts of one build; None: the owner's own is used.
    home: str | None = None
    #: Run (detached) when the attempt has ended; empty for none.
    then: tuple[str, ...] = ()


class Runner(Protocol):
    """Runs attempts somewhere; poll-based verbs (chapter 7)."""

    def submit(self, job: Job) -> RunStatus:
        """Start the attempt unless its id was ever started, and return what is known of it."""
        ...

    def poll(self, attempt_id: str) -> RunStatus:
        """Return what is known of an attempt; never starts or retries anything, but stops and saves what a dead supervisor left."""
        ...

    def peek(self, attempt_id: str) -> RunStatus:
        """Return what `poll` would, as far as it can be told without changing anything; for looks without consequences."""
        ...

    def logs(self, attempt_id: str, limit: int = 65536, *, raw: bool = False) -> str:
        """Return the last `limit` bytes of the agent's output as text, made readable; with `raw` as its program printed it."""
        ...

    def cancel(self, attempt_id: str, outcome: Outcome, reason: str) -> RunStatus:
        """Stop the whole process tree, return when it is confirmed dead; the ending has this outcome and reason."""
        ...

    def capacity(self) -> int | None:
        """Return how many more attempts the runner could take now, or None if it sets no limit."""
        ...

    def sweep(self, keep: set[str]) -> int:
        """Remove what ended attempts left behind, but those to keep, and return the bytes freed."""
        ...


class Checker(Protocol):
    """Runs completion checks in a folder."""

    def check(
        self,
        folder: Path,
        criteria: Sequence[Criterion],
        limits: Limits,
        environment: Mapping[str, str],
        confinement: Confinement | None = None,
    ) -> tuple[Check, ...]:
        """Run every criterion's commands in `folder`, a merged tree, each within its time, its tree killed afterwards.

        `confinement` contains them (None: nothing does); only `folder` and an empty home are writable then.
        """
        ...
