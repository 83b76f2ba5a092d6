"""The ports: what the product needs from the outside, as Protocols; adapters implement them, the wiring names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from autobuilds.domain.build import Check, DeliverMode, Outcome
from autobuilds.domain.model import Criterion
from autobuilds.domain.moment import AgentStatus, Resources, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What stops an attempt: wall clock, silence, one check's wall clock, bytes of output."""

    timeout: timedelta = timedelta(hours=8)
    silence: timedelta = timedelta(hours=8)
    check_timeout: timedelta = timedelta(minutes=30)
    output_bytes: int = 64 * 1024 * 1024


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
    #: The complete environment of the agent and the checks (the allow-list is applied already).
    environment: dict[str, str] = field(default_factory=dict)
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
    #: Absolute paths.
    progress_file: str
    log_file: str
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

    def logs(self, attempt_id: str, limit: int = 65536) -> str:
        """Return the last `limit` bytes of the agent's output as text."""
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

    def check(self, folder: Path, criteria: Sequence[Criterion], limits: Limits, environment: Mapping[str, str]) -> tuple[Check, ...]:
        """Run every criterion's commands in `folder`, a merged tree, each within its time, its tree killed afterwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who made a commit."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a repository stands: branch None when detached, commit None when unborn, `busy` names an operation in progress."""

    branch: str | None
    commit: str | None
    #: `merge`, `rebase`, `cherry-pick`, `revert`, `bisect`, `am`, or None.
    busy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of the history that carries trailers of ours."""

    sha: str
    when: datetime
    subject: str
    trailers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffStat:
    """What lies between two commits."""

    paths: tuple[str, ...]
    added: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMerge:
    """A merge made in a scratch clone and not yet delivered; `commit` None when it has conflicts in `conflicts`."""

    commit: str | None
    onto: str
    scratch: Path
    conflicts: tuple[str, ...] = ()


class Repo(Protocol):
    """One Git repository of the owner's; nothing here runs hooks, signs, checks out, stashes or resets."""

    @property
    def root(self) -> Path:
        """Return the absolute path of its working tree."""
        ...

    def head(self) -> Head:
        """Return where HEAD stands and whether an operation is in progress."""
        ...

    def resolve(self, ref: str) -> str | None:
        """Return the commit a branch or id stands for, or None."""
        ...

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a commit is part of a branch's history; False where either is not there."""
        ...

    def identity(self) -> Identity | None:
        """Return the owner's identity as Git would use it, or None where none is set."""
        ...

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes at a commit, or None if it is not there."""
        ...

    def commit(self, paths: Sequence[str], message: str, *, author: Identity | None = None, branch: str = "current") -> str | None:
        """Commit exactly these paths as they are on disk (gone ones as deletions) and leave the owner's index and work alone.

        Returns the new commit, or None when nothing differs and `message` carries no trailer. `author` None means the
        tool's own identity. Raises GitBusy where Git cannot commit now.
        """
        ...

    def clone(self, target: Path, commit: str, branch: str) -> None:
        """Make a private clone at `target` on `branch` at `commit`, objects borrowed, nothing of this `.git` writable."""
        ...

    def adopt(self, source: Path, commit: str, branch: str) -> None:
        """Fetch `commit` from a repository of ours and set `refs/heads/<branch>` to it (never the checked-out branch)."""
        ...

    def diff(self, base: str, head: str) -> DiffStat:
        """Return what changed between two commits (renames as two paths)."""
        ...

    def diff_text(self, base: str, head: str, limit: int = 200_000) -> str:
        """Return the unified diff between two commits, cut at `limit` characters with a word that it was."""
        ...

    def merge(self, base_branch: str, commit: str, scratch: Path, message: str) -> CheckedMerge:
        """Merge `commit` onto the tip of `base_branch` in a scratch clone, always with a merge commit."""
        ...

    def revert(self, base_branch: str, commit: str, scratch: Path, message: str) -> CheckedMerge:
        """Make one commit in a scratch clone that takes `commit` (a merge) back on the tip of `base_branch`."""
        ...

    def deliver(self, merged: CheckedMerge, base_branch: str) -> None:
        """Move `base_branch` forward to the checked merge, files of the checkout included, or raise and change nothing.

        Raises Refused when the branch moved since, or the owner's uncommitted work is in the way (it names the files).
        """
        ...

    def delete_branch(self, branch: str) -> None:
        """Delete a branch of ours (`build/…`); no error when it is not there."""
        ...

    def history(self, *, since: str | None = None) -> Iterator[Commit]:
        """Yield the commits with a `Build:` or `Event:` trailer, oldest first, from all of our branches of record."""
        ...

    def line_author(self, path: str, line: int) -> str | None:
        """Return the e-mail of who last changed a line as committed, or None if the line is only in the working tree."""
        ...


class Host(Protocol):
    """The machine: clock, resources, programs."""

    def now(self, zone: str | None) -> datetime:
        """Return the current time, aware, in the zone (None: the machine's); AUTOBUILDS_NOW wins outside builds."""
        ...

    def resources(self, path: Path) -> Resources:
        """Return the use of the disk that holds `path`, of memory and of the CPUs."""
        ...

    def agents(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        """Return what is known of each agent (or of those wanted), the preferred first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """How an agent is run for one attempt: its command line and its whole environment."""

    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    #: False for an agent that reads the prompt's file or needs none (`Job.prompt_on_stdin`).
    prompt_on_stdin: bool = True


class Agents(Protocol):
    """The ways to run a sub-agent, read from declarative presets."""

    def invocation(self, name: str, *, run_folder: Path, steps: str | None, passed: Sequence[str] = ()) -> Invocation:
        """Return how the agent is run; `passed` names environment variables that the owner lets through.

        Raises BadInput for an unknown agent, or for `command` without Steps.
        """
        ...


class Survey(Protocol):
    """What is asked of Git about a folder before, or besides, working in its repository."""

    def top_level(self, folder: Path) -> Path:
        """Return the top level of the working tree that begins in a folder; raises BadInput that says what to do where none does."""
        ...

    def version(self) -> str | None:
        """Return Git's version, or None where it can't be run."""
        ...

    def outdated(self, version: str) -> bool:
        """Whether a version is older than the oldest that is tested."""
        ...

    def setting(self, root: Path, key: str) -> str | None:
        """Return a value of the repository's own configuration, or None."""
        ...

    def change_setting(self, root: Path, key: str, value: str) -> None:
        """Set a value of the repository's own configuration; raises GitFailure."""
        ...

    def untouched(self, root: Path, path: str) -> bool:
        """Whether a file is as it was last committed, in the index and on disk (or in neither)."""
        ...

    def hooks(self, root: Path) -> tuple[str, ...]:
        """Return the names of the repository's hooks that Git would run for the owner's own commits."""
        ...

    def locks(self, root: Path) -> tuple[tuple[Path, float], ...]:
        """Return Git's own lock files that stand there, each with its age in seconds."""
        ...


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
