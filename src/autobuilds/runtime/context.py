"""The context of a use case: the workspace and the ports, put together once by the wiring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass
from autobuilds.store.workspace import LEDGER, PRIVATE, QUEUE, UNCOMMITTED

if TYPE_CHECKING:
    from autobuilds.domain.duties import DutyCommand
    from autobuilds.domain.model import Queue
    from autobuilds.ports import Agents, Calendar, Checker, Forge, Host, House, Proofs, Repo, Runner, Sandbox, Traces
    from autobuilds.runtime.duties import DutyRun
    from autobuilds.store.queue.file import QueueFile
    from autobuilds.store.workspace import Loaded, Workspace

#: The address with which the tool commits.
TOOL_ADDRESS = "autobuilds@localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every use case gets; nothing in it is global."""

    workspace: Workspace
    runner: Runner
    checker: Checker
    agents: Agents
    host: Host
    #: Proves approvals outside the repository.
    proofs: Proofs
    #: What contains builds on this machine.
    sandbox: Sandbox
    #: Offers finished work as pull requests.
    forge: Forge
    #: Reads the owner's calendars.
    calendar: Calendar
    #: Opens the Git repository at an absolute path; raises BadInput where there is none.
    open_repo: Callable[[Path], Repo]
    #: The command line that runs a heartbeat of this workspace, for a build's end.
    heartbeat_argv: tuple[str, ...] = ()
    #: Write no commits in this call (`--no-commit`).
    no_commit: bool = False
    #: Returns what the machine's answers (True: its zone alone) depend on; None where that can't be told.
    traces: Callable[[bool], Traces | None] = lambda _zone: None
    #: Runs a duty's command within its time; None: as a process. A simulation runs it on its own clock.
    duty: Callable[[DutyCommand, timedelta], DutyRun] | None = None
    #: Reads and mends what is to be kept in order on this machine; None where that is not this workspace's business (a simulation).
    house: House | None = None

    def __post_init__(self) -> None:
        """Let the workspace ask Git for a ledger that is not there."""
        self.workspace.recorded = self.ledger_on_record

    @property
    def repo(self) -> Repo:
        """The workspace's own repository."""
        return self.open_repo(self.workspace.root)

    def load(self) -> Loaded:
        """Read all files."""
        return self.workspace.load(self.committed)

    def queue(self) -> Queue:
        """Read the queue alone, and of the configuration the zone of its times."""
        workspace = self.workspace
        return workspace.document(workspace.zone(workspace.config().settings), self.committed).queue

    def committed(self, path: str) -> bytes | None:
        """Return a workspace file as last committed, or None where there is no commit of it."""
        try:
            repo = self.repo
            commit = repo.head().commit
            tracked = self.workspace.tracked(path)
            return repo.read(commit, tracked) if commit and tracked else None
        except AutobuildsError:
            return None

    def ledger_on_record(self) -> bytes | None:
        """Return the ledger as the tool last committed it."""
        return self.on_record(LEDGER)

    def on_record(self, path: str) -> bytes | None:
        """Return a workspace file as the tool last committed it: on the branch that `commits` names, else as HEAD has it; None where there is none."""
        branch = self.workspace.config().settings.commits
        if branch in {"current", "none"}:
            return self.committed(path)
        try:
            commit = self.repo.resolve(f"refs/heads/{branch}")
            tracked = self.workspace.tracked(path)
            return self.repo.read(commit, tracked) if commit and tracked else None
        except AutobuildsError:
            return None

    def queue_file(self, zone: tzinfo) -> QueueFile:
        """Return the queue's file, for reading and editing, with what Git knows of it."""
        return self.workspace.queue_file(zone, self.committed, self.restored)

    def restored(self, text: bytes, since: int) -> bool:
        """Whether a text of the queue is what Git put there: HEAD's, if the tool did not commit it at or after a time (ns since 1970)."""
        try:
            repo = self.repo
            commit = repo.head().commit
            made = repo.made(commit) if commit else None
        except AutobuildsError:
            return False
        if made is None or not same_text(text, self.committed(QUEUE)):
            return False
        # Git keeps whole seconds; a commit of ours may hold what was saved into the file right before it.
        return made.by != TOOL_ADDRESS or made.when.timestamp() < since / 1e9 - 1.0

    def by(self) -> str:
        """Return as whom the owner gives his word: his address as Git knows it, else `owner`."""
        try:
            identity = self.repo.identity()
        except AutobuildsError:
            return "owner"
        return identity.email if identity else "owner"

    def now(self, zone: tzinfo) -> datetime:
        """Return the host's time in a zone."""
        # Asked for in UTC: to find the machine's own zone takes as long as Python's start.
        return self.host.now("UTC").astimezone(zone)


def same_text(disk: bytes, committed: bytes | None) -> bool:
    """Whether two versions are the same but for line ends, which Git may have converted for the owner."""
    return committed is not None and (disk == committed or disk.replace(b"\r\n", b"\n") == committed.replace(b"\r\n", b"\n"))


def edited_ledger(context: Context) -> tuple[str, ...]:
    """Return what to say of a ledger that is neither as committed nor as left uncommitted by the tool; nothing of one that is.

    To be asked when no commit of ours waits, and commits are made. It costs a look at the last commit, none at the history.
    """
    from autobuilds.store.ledger import standing

    now, then = standing(context.workspace.path(LEDGER)), context.ledger_on_record()
    if now is None or then is None or same_text(now, then):
        return ()
    from autobuilds.store import uncommitted

    mark = context.workspace.root / PRIVATE / UNCOMMITTED
    if uncommitted.matches(mark, now) or context.repo.head().busy is not None:
        return ()
    told = (
        f"{LEDGER} is not as autobuilds left it: edited by hand, or its last commit was taken back. "
        f"`git diff -- {LEDGER}` shows the difference; `autobuilds fsck --rebuild` makes it again from the history"
    )
    return (told,)
