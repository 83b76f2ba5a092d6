"""Turning a Git repository into a workspace: what is missing is written, what is there is kept."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from autobuilds.domain.moment import AgentStatus
from autobuilds.errors import AutobuildsError, BadInput, GitBusy, GitFailure
from autobuilds.ports import Survey
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.store import history, starter
from autobuilds.store.discovery import Checklist, checklists, test_command
from autobuilds.store.workspace import CONFIG, POLICY, QUEUE, WRITE_WAIT

#: The answer for no agent: tasks with Steps are run, others wait until one is installed.
NO_AGENT = "none"
_COMMAND = "command"


class Deed(StrEnum):
    """What happens to a file."""

    WRITE = "write"
    APPEND = "append"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One file: what happens to it, and the text that is written or appended (empty where it is kept)."""

    path: str
    deed: Deed
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found before any question: the defaults of the answers, and what is there already."""

    root: Path
    #: Installed agents, the preferred first, `command` left out.
    agents: tuple[str, ...]
    #: Every name that may be answered.
    known_agents: tuple[str, ...]
    tests: str | None
    checklists: tuple[Checklist, ...]
    zone: str | None
    now: datetime
    #: Files of ours that are there already.
    present: frozenset[str]
    identity: str | None

    @property
    def agent(self) -> str:
        """The agent that is taken without a question."""
        return self.agents[0] if self.agents else NO_AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What will be done: files, Git's configuration, and what the owner should know."""

    root: Path
    steps: tuple[Step, ...]
    #: Keys and values of the repository's own Git configuration that are not so yet.
    settings: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]

    @property
    def changes(self) -> tuple[Step, ...]:
        """The files that are written or appended to."""
        return tuple(step for step in self.steps if step.deed is not Deed.KEEP)

    @property
    def empty(self) -> bool:
        """Whether everything is there already."""
        return not self.changes and not self.settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done: the commit (None: none was made), and what the owner should know."""

    commit: str | None
    written: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def look(context: Context) -> Found:
    """Return what is found in the repository and on the machine; changes nothing."""
    root = context.workspace.root
    statuses = _agents(context)
    here = context.host.now(None)
    settings = context.workspace.config().settings
    zone = getattr(here.tzinfo, "key", None) if settings.timezone is None else settings.timezone
    identity = context.repo.identity()
    names = (QUEUE, CONFIG, POLICY, starter.GUIDE)
    return Found(
        root=root,
        agents=tuple(a.name for a in statuses if a.found and a.name != _COMMAND),
        known_agents=tuple(a.name for a in statuses),
        tests=test_command(root),
        checklists=checklists(root),
        zone=zone,
        now=context.now(context.workspace.zone(settings)),
        present=frozenset(name for name in names if os.path.lexists(root / name)),
        identity=identity.email if identity else None,
    )


def _agents(context: Context) -> tuple[AgentStatus, ...]:
    try:
        return context.host.agents()
    except BadInput:
        return ()


def prepare(found: Found, survey: Survey, *, agent: str, tests: str | None) -> Setup:
    """Return what will be written, with the answers filled in; raises BadInput for an answer that can't be used."""
    if agent not in {NO_AGENT, *found.known_agents}:
        raise BadInput(f'there is no agent "{agent}"; known are {", ".join(found.known_agents)}, or {NO_AGENT}')
    chosen = None if agent in {NO_AGENT, _COMMAND} else agent
    steps = []
    for name in (QUEUE, CONFIG, POLICY, starter.GUIDE):
        if name in found.present:
            steps.append(Step(path=name, deed=Deed.KEEP))
        elif name == QUEUE:
            text = starter.queue_text(found.root, found.now, tests=tests, steps=chosen is None)
            steps.append(Step(path=name, deed=Deed.WRITE, text=text))
        elif name == CONFIG:
            steps.append(Step(path=name, deed=Deed.WRITE, text=starter.config_text(zone=found.zone, agent=chosen)))
        elif name == POLICY:
            steps.append(Step(path=name, deed=Deed.WRITE, text=starter.policy_text()))
        else:
            steps.append(Step(path=name, deed=Deed.WRITE, text=starter.packaged(name)))
    remarks = []
    try:
        steps.append(_attributes(found.root))
    except BadInput as odd:
        steps.append(Step(path=starter.ATTRIBUTES, deed=Deed.KEEP))
        remarks.append(str(odd))
    for path, boxes in found.checklists:
        many = "one open box" if boxes == 1 else f"{boxes} open boxes"
        remarks.append(f"{path} holds {many}: `autobuilds import {shlex.quote(path)}` shows them as tasks and adds them when you agree")
    if found.identity is None:
        remarks.append(
            "Git knows no name and e-mail of yours; the commit is made as autobuilds (`git config --global user.email …` sets yours)"
        )
    return Setup(root=found.root, steps=tuple(steps), settings=_settings(found.root, survey), remarks=tuple(remarks))


def _attributes(root: Path) -> Step:
    path = root / starter.ATTRIBUTES
    line = starter.attributes_line(path)
    if line is None:
        return Step(path=starter.ATTRIBUTES, deed=Deed.KEEP)
    return Step(path=starter.ATTRIBUTES, deed=Deed.APPEND if path.exists() else Deed.WRITE, text=line)


def driver_settings() -> tuple[tuple[str, str], ...]:
    """Return the Git configuration of the queue's merge driver, run by this very interpreter wherever the merge happens.

    Should it be gone one day, Git's own line merge does the work: a driver that just fails would leave one side's text alone.
    """
    program = shlex.join([sys.executable, "-P", "-m", "autobuilds"]).replace("%", "%%")
    by_lines = "{ grep -q '^<<<<<<< ours' %A && exit 1; git merge-file -L ours -L base -L theirs %A %O %B; }"
    section = f"merge.{starter.DRIVER}"
    return (
        (f"{section}.name", "autobuilds: the queue, task by task"),
        (f"{section}.driver", f"{program} merge-driver %O %A %B || {by_lines}"),
    )


def _settings(root: Path, survey: Survey) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in driver_settings() if survey.setting(root, key) != value)


def carry_out(context: Context, survey: Survey, setup: Setup) -> Done:
    """Write what is missing and commit exactly that; a file that came into being meanwhile is kept. Raises StorageFailure, GitFailure."""
    written: list[str] = []
    remarks: list[str] = []
    with context.workspace.lock("commit", "init", WRITE_WAIT):
        clean = {step.path for step in setup.changes if step.deed is Deed.WRITE or survey.untouched(setup.root, step.path)}
        announced = _announce(context, [step.path for step in setup.changes if step.path in clean])
        for step in setup.changes:
            path = setup.root / step.path
            if step.deed is Deed.APPEND:
                starter.append(path, step.text)
            elif not starter.create(path, step.text):
                remarks.append(f"{step.path} came into being meanwhile; it was kept as it is")
                continue
            written.append(step.path)
        for key, value in setup.settings:
            survey.change_setting(setup.root, key, value)
        mine = [path for path in written if path in clean]
        remarks += [
            f"{path} holds uncommitted work of yours; the line was added, committing it is left to you"
            for path in written
            if path not in clean
        ]
        commit, why = _commit(context, mine)
        # Where the commit could not be made now, the first heartbeat that can makes it.
        if announced is not None and why is None:
            announced.unlink(missing_ok=True)
    return Done(commit=commit, written=tuple(written), remarks=(*remarks, *([why] if why else [])))


def _announce(context: Context, paths: Sequence[str]) -> Path | None:
    """Announce the commit before a file is written: where this is killed, the first heartbeat makes it."""
    from autobuilds.runtime.record import recorder_for

    if not paths:
        return None
    return recorder_for(context).announce(history.message("init", None, None, "workspace set up"), paths, owner=True)


def _commit(context: Context, paths: Sequence[str]) -> tuple[str | None, str | None]:
    """Commit exactly these paths, and return the commit or why there is none."""
    branch = context.workspace.config().settings.commits
    if not paths or context.no_commit or branch == "none":
        return None, None
    message = history.message("init", None, None, "workspace set up")
    try:
        repo = context.repo
        return repo.commit(paths, message, author=repo.identity(), branch=branch), None
    except (GitBusy, GitFailure) as busy:
        later = f"git add -- {shlex.join(paths)} && git commit -m 'Set up autobuilds' -- {shlex.join(paths)}"
        return None, f"The files are written but not committed: {busy}. Afterwards the next heartbeat commits them, or you do: {later}"
    except AutobuildsError as fault:
        return None, f"The files are written but not committed: {fault}"


def next_commands(setup: Setup) -> tuple[str, str]:
    """Return the two commands to type next: the new queue's task is built, an older queue is read."""
    first = "autobuilds heartbeat --wait" if any(s.path == QUEUE for s in setup.changes) else "autobuilds check"
    return first, "autobuilds install"
