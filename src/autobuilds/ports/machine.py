"""The ports of the machine: its clock and programs, the agents on it, Git as it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from autobuilds.domain.agents import ReportRules
from autobuilds.domain.moment import AgentStatus, Resources
from autobuilds.domain.sandbox import Network, TierProbe
from autobuilds.ports.running import StopStep
from autobuilds.records import dataclass, field


class Host(Protocol):
    """The machine: clock, resources, programs."""

    def now(self, zone: str | None) -> datetime:
        """Return the current time, aware, in the zone (None: the machine's); AUTOBUILDS_NOW wins outside builds."""
        ...

    def resources(self, path: Path) -> Resources:
        """Return the use of the disk that holds `path`, of memory and of the CPUs."""
        ...

    def agents(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        """Return what is known of each agent (or of those wanted) without running it, the preferred first."""
        ...

    def examine(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        """Return the same with the version that each program says it has; those found are asked at the same time."""
        ...


class Sandbox(Protocol):
    """What contains builds on this machine."""

    def probe(self) -> tuple[TierProbe, ...]:
        """Try out every tier with a harmless program and return what works now, the strongest first; under 100 ms in all."""
        ...

    def tried(self) -> tuple[TierProbe, ...]:
        """Return the same for looking: what was found before, where nothing changed since by which a tier works or not.

        Nothing is started on it.
        """
        ...

    def forget(self) -> None:
        """Drop what was found before: a tier that worked does not work any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What the machine's answers (agents, sandbox, approvals, zone, Git's place) depend on; while all of it stays, so do they."""

    #: Absolute paths of files and folders, whether they are there or not.
    paths: tuple[str, ...]
    #: System files whose content counts.
    quotes: tuple[str, ...] = ()
    #: Variables of the environment whose value counts.
    variables: tuple[str, ...] = ()
    #: Variables of which it counts alone whether they have a value.
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """How an agent is run for one attempt: its command line and its whole environment."""

    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    #: False for an agent that reads the prompt's file or needs none (`Job.prompt_on_stdin`).
    prompt_on_stdin: bool = True
    #: How its output is read, how it is stopped (empty: the usual way).
    rules: ReportRules = field(default_factory=ReportRules)
    stop: tuple[StopStep, ...] = ()
    #: The session that was chosen for it (None: it reports its own), and whether an earlier one is resumed.
    session: str | None = None
    resumes: bool = False
    #: Files below the owner's home that it needs copies of, relative to it: its credentials.
    credentials: tuple[str, ...] = ()
    #: What it may reach; None: what the owner set. The ports of its own base URLs come on top.
    network: Network | None = None
    ports: tuple[int, ...] = ()
    #: Folders and files of the owner's home that it must be able to read besides its own program.
    readable: tuple[str, ...] = ()
    #: Whether it brings a sandbox of its own that needs user namespaces, which Landlock alone forbids.
    nests: bool = False


class Agents(Protocol):
    """The ways to run a sub-agent, read from declarative presets."""

    def invocation(
        self,
        name: str,
        *,
        run_folder: Path,
        steps: str | None,
        passed: Sequence[str] = (),
        model: str | None = None,
        resume: str | None = None,
        clone: Path | None = None,
        prompt: str | None = None,
        money: float | None = None,
    ) -> Invocation:
        """Return how the agent is run; `passed` names environment variables that the owner lets through.

        `model` None leaves it to the agent; `resume` is the session of an interrupted run; `clone` is where the code will stand.
        `money` is the USD that it may cost, for agents that keep to a limit themselves (None: no limit).
        `prompt` is for agents that take it as an argument; with None they are told to read its file.

        Raises BadInput for an unknown agent, for `command` without Steps, for a prompt that no argument can hold.
        """
        ...

    def describe(self, name: str) -> dict[str, Any]:
        """Return an agent's preset as it is in force, as plain data; its key `own` says whether it is the owner's.

        Raises BadInput for an unknown agent or an unreadable agents.toml.
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
