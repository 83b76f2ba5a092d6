"""The workspace: the facade of the store through which everything above loads, records and publishes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import tzinfo
from pathlib import Path

from autobuilds.domain.build import Ledger
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.problem import Problem
from autobuilds.domain.settings import Settings
from autobuilds.errors import BadInput, MissingLedger, NoWorkspace
from autobuilds.records import dataclass, field, replace
from autobuilds.store import files
from autobuilds.store.config import Config, read_settings, zone_of
from autobuilds.store.files.debris import remove_debris
from autobuilds.store.ledger import dumps, read_ledger, standing, write_ledger
from autobuilds.store.policy import open_policy
from autobuilds.store.queue.belief import Readings
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.file import QueueFile
from autobuilds.store.render import packaged_templates

QUEUE = "BUILD_QUEUE.md"
STATUS = "BUILD_STATUS.md"
CONFIG = "HEARTBEAT.md"
POLICY = "DECISION_FRAMEWORK.md"
LEDGER = "subagents/active.json"
REPORTS = "build-reports"
MEMORY = "memory"
PRIVATE = ".autobuilds"
STOP = "STOP"
#: In the private folder: the mark of a ledger that no commit holds.
UNCOMMITTED = "ledger-uncommitted"

#: Seconds for which a queue or a ledger that is gone is looked for.
_GONE = 0.5
#: Longest time in seconds to wait for another process of ours that writes.
WRITE_WAIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Everything read at one instant: the values for the decisions, and the documents behind them."""

    snapshot: Snapshot
    document: Document
    config: Config
    zone: tzinfo
    #: The owner's settings and rules, by file name, as they were read; None for a file that was not there.
    texts: Mapping[str, bytes | None] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self.snapshot.settings


class Workspace:
    """A Git repository whose root holds BUILD_QUEUE.md; paths, locks, reading and writing of its files."""

    def __init__(self, root: Path, machine_zone: Callable[[], tzinfo]) -> None:
        self.root = root.resolve()
        self._machine_zone = machine_zone
        self._readings = Readings()
        #: Gives the ledger as Git holds it where it is committed; asked only when the file is not there.
        self.recorded: Callable[[], bytes | None] = lambda: None

    def path(self, name: str) -> Path:
        """Return the absolute path of a workspace file."""
        return self.root / name

    def tracked(self, name: str) -> str | None:
        """Return under which path Git keeps the text of a workspace file; None for a link that leads out of the workspace."""
        path = self.path(name)
        if not path.is_symlink():
            return name
        target = path.resolve()
        return target.relative_to(self.root).as_posix() if target.is_relative_to(self.root) else None

    @property
    def private(self) -> Path:
        """The folder of what is never committed, made on first use."""
        return files.private_folder(self.root)

    def run_folder(self, attempt_id: str) -> Path:
        """Return where an attempt's intent, start and exit records stand."""
        return self.root / PRIVATE / "runs" / attempt_id

    def progress_file(self, label: str) -> Path:
        """Return the progress log of a build."""
        return self.root / "subagents" / f"{label}-progress.md"

    def log_file(self, label: str, number: int) -> Path:
        """Return the raw output of an attempt; its folder is made and kept out of commits."""
        folder = self.root / "subagents" / "logs"
        files.make_folder(folder)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            files.write_atomic(ignore, b"*\n")
        return folder / f"{label}-{number}.log"

    def lock(self, name: str, what: str, wait: float) -> files.Lock:
        """Return one of the workspace's locks, to be used in `with`; raises Busy after `wait` seconds."""
        return files.Lock(self.private / f"{name}.lock", what=what, wait=wait)

    def config(self) -> Config:
        """Read HEARTBEAT.md; a missing file means defaults."""
        return read_settings(self._bytes(CONFIG))

    def zone(self, settings: Settings) -> tzinfo:
        """Return the zone of every time that people write: the configured one, else the machine's."""
        return zone_of(settings) or self._machine_zone()

    def load(self, committed: Callable[[str], bytes | None]) -> Loaded:
        """Read every file that a decision needs; `committed` gives a file as last committed (asked only when needed)."""
        texts = {CONFIG: self._bytes(CONFIG)}
        config = read_settings(texts[CONFIG])
        zone = self.zone(config.settings)
        document = self.document(zone, committed)
        texts[POLICY] = self._bytes(POLICY)
        policy = open_policy(texts[POLICY], packaged_templates() / POLICY)
        problems: tuple[Problem, ...] = (*config.problems, *policy.problems)
        snapshot = Snapshot(queue=document.queue, ledger=self.ledger(), settings=config.settings, policy=policy, problems=problems)
        return Loaded(snapshot=snapshot, document=document, config=config, zone=zone, texts=texts)

    def document(self, zone: tzinfo, committed: Callable[[str], bytes | None]) -> Document:
        """Read BUILD_QUEUE.md alone; `committed` gives it as last committed (asked only when it is empty now)."""
        queue = self.queue_file(zone, committed)
        try:
            return queue.read()
        except BadInput:
            if queue.path.exists():
                raise
            raise NoWorkspace(f"{queue.path} is gone. Bring it back (git checkout -- {QUEUE}), or run `autobuilds init`") from None

    def queue_file(
        self, zone: tzinfo, committed: Callable[[str], bytes | None], restored: Callable[[bytes, int], bool] | None = None
    ) -> QueueFile:
        """Return the owner of BUILD_QUEUE.md, through which it is read and edited; the functions are those of `Context`."""
        return QueueFile(self.root, zone, committed=lambda: committed(QUEUE), restored=restored, readings=self._readings)

    def recover(self, queue: QueueFile) -> None:
        """Put back what people saved while the queue was being replaced, and remove what killed processes left half done.

        Only for the holder of the heartbeat's lock: merges are made in `scratch` under it.
        """
        queue.rescue()
        shown = (self.root / name for name in ("subagents", "subagents/logs", REPORTS, MEMORY))
        folders = (self.root, *shown, self.root / PRIVATE)
        displaced = (self.root / PRIVATE / "retired" / QUEUE, *(self.root / PRIVATE / MEMORY / "retired").glob("*"))
        remove_debris((*folders, self.root / PRIVATE / "outbox", *displaced))
        scratch = self.root / PRIVATE / "scratch"
        if scratch.exists():
            import shutil

            shutil.rmtree(scratch, ignore_errors=True)

    def ledger(self) -> Ledger:
        """Read the ledger; one that was never written is empty.

        Raises CorruptLedger where it can't be read, MissingLedger where it is gone: Git or the mark of an uncommitted one knows it.
        """
        path = self.path(LEDGER)
        deadline = time.monotonic() + _GONE
        while True:
            found = read_ledger(path)
            if found is not None:
                return found
            marked = (self.root / PRIVATE / UNCOMMITTED).exists()
            if not marked and self.recorded() is None:
                return Ledger()
            # Git takes a file away before it writes it anew.
            if time.monotonic() > deadline:
                raise MissingLedger(_missing(path, marked=marked))
            time.sleep(0.02)

    def write_ledger(self, ledger: Ledger, *, committed: bool = True) -> None:
        """Write the ledger atomically; not `committed` says that no commit will hold it, so that a mark is kept."""
        path, mark = self.path(LEDGER), self.root / PRIVATE / UNCOMMITTED
        if committed:
            write_ledger(path, ledger)
            if mark.exists():
                with suppress(OSError):
                    mark.unlink()
            return
        from autobuilds.store import uncommitted

        old, new = standing(path), dumps(ledger)
        if old is not None:
            uncommitted.expect(self.private / UNCOMMITTED, new, old)
        write_ledger(path, ledger)
        if old is None:
            uncommitted.expect(self.private / UNCOMMITTED, new, None)

    def differs(self, name: str, text: str) -> bool:
        """Whether a rendered page is other than what stands there."""
        return self._bytes(name) != text.encode()

    def publish(self, name: str, text: str) -> bool:
        """Write a rendered page where it differs from what stands there, and return whether it did."""
        target = self.path(name)
        files.make_folder(target.parent)
        return files.write_atomic(target, text.encode())

    def _bytes(self, name: str) -> bytes | None:
        path = self.path(name)
        return files.read_stable(path) if path.exists() else None


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that holds BUILD_QUEUE.md; raises NoWorkspace."""
    folders = (start, *start.parents)
    deadline = time.monotonic() + _GONE
    while True:
        found = next((folder for folder in folders if (folder / QUEUE).exists()), None)
        if found is not None:
            return found
        # Some editors move a file away before they write it anew.
        if time.monotonic() > deadline or not any((folder / PRIVATE).is_dir() for folder in folders):
            break
        time.sleep(0.02)
    raise NoWorkspace(f"no {QUEUE} in {start} or a folder above. Run `autobuilds init` in a Git repository, or pass --workspace DIR")


def _missing(path: Path, *, marked: bool) -> str:
    """Return what to say of a ledger that is gone, and how to go on, also without it."""
    if marked:
        known = f"{PRIVATE}/{UNCOMMITTED} says that autobuilds wrote one"
        ways = f"take it from a backup, or remove {PRIVATE}/{UNCOMMITTED} too to begin with an empty one"
    else:
        known = "the last commit has it"
        ways = f"take it back with `git checkout -- {LEDGER}`. To begin with an empty one, commit its removal"
    return (
        f"{path}: the file is gone, and {known}; it is not taken for an empty one. Nothing was changed. "
        f"Run `autobuilds fsck --rebuild` to make it again from Git, or {ways}"
    )


def with_ledger(loaded: Loaded, ledger: Ledger) -> Loaded:
    """Return what was loaded with another ledger."""
    return replace(loaded, snapshot=replace(loaded.snapshot, ledger=ledger))
