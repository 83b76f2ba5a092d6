"""Recording: every change of the files is announced, made, committed, in this order, so that a crash in between is caught up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from autobuilds.domain.build import Approval, Build, Ledger, Pause
from autobuilds.domain.day import Day
from autobuilds.errors import AutobuildsError, FatalQueue, NotDurable
from autobuilds.records import dataclass, field
from autobuilds.runtime import announced
from autobuilds.runtime.committing import Commits
from autobuilds.runtime.context import Context, edited_ledger
from autobuilds.store import files, history
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.operations import Operation
from autobuilds.store.workspace import LEDGER, MEMORY, PRIVATE, QUEUE, STATUS, WRITE_WAIT


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Writes queue, ledger and pages, and commits each transition with its trailers.

    Every change happens inside `transaction`: the commit's message is put into the outbox first, so that what a crash
    leaves uncommitted is committed by the next process under its right name, never as the owner's.
    """

    context: Context
    settings_commits: str
    zone: tzinfo
    now: datetime
    transitions: list[dict[str, Any]] = field(default_factory=list)
    #: Why a commit could not be made, for the status; empty when all went well.
    trouble: str = ""
    #: What else went wrong and was left for the owner to mend.
    faults: list[str] = field(default_factory=list)
    #: What goes into the diary with the transition that is announced next, or was announced last (`runtime.diary`).
    diary: list[dict[str, Any]] = field(default_factory=list)
    inside: bool = False
    #: What this transaction announced, and whether it changed a file since.
    _announced: list[Path] = field(default_factory=list)
    _touched: bool = False
    #: What this recorder announced at any time; what else lies in the outbox is another's, who may be dead.
    _own: set[Path] = field(default_factory=set)
    _made: Commits | None = None
    _edited: tuple[str, ...] | None = None  # what is told of a ledger that is another's, once looked at

    @contextmanager
    def transaction(self, what: str, *, hold: bool = False, wait: float = WRITE_WAIT) -> Iterator[None]:
        """Hold the write lock, catch up what a crash left, commit the owner's own edits, then commit what was noted.

        With `hold` that last commit waits for the next transaction, or for the page that is rendered at the end and goes
        into the same commit. Where the body raises before it changed a file, what it announced is withdrawn.
        """
        with self.context.workspace.lock("commit", what, wait):
            self._flush()
            self._put_back()
            self.commit_edit(QUEUE)
            if self._edited is None and not (self._silent or self.trouble):
                self._edited = edited_ledger(self.context)
                self.faults += self._edited
            self._announced, self._touched, self.inside = [], False, True
            said = len(self.transitions)
            try:
                yield
            except BaseException:
                if not self._touched:
                    self.withdraw()
                    del self.transitions[said:]
                raise
            finally:
                self.inside = False
                self._keep_diary()
            if not hold:
                self._flush()
                if self._touched and self._put_back():
                    self.commit_edit(QUEUE)

    def _put_back(self) -> bool:
        """Put back what was saved past the queue, or over a write of ours, since the last look; return whether there was any.

        The sooner after a write somebody looks, the surer can it be told from what a person meant.
        """
        if (self.context.workspace.root / PRIVATE / MEMORY).is_dir():
            from autobuilds.runtime import diary

            diary.rescue(self.context.workspace.root)
        try:
            return bool(self.context.queue_file(self.zone).rescue())
        except AutobuildsError:
            return False  # the next act looks again

    def note(
        self,
        event: str,
        label: str,
        said: str,
        *,
        attempt: int | None = None,
        record: Build | None = None,
        inputs: dict[str, Any] | None = None,
        approval: Approval | None = None,
        revoked: str | None = None,
        pause: Pause | None = None,
        resumed: bool = False,
        day: Day | None = None,
        approvals: Sequence[Approval] = (),
        paths: Sequence[str] = (),
        transition: bool = True,
    ) -> None:
        """Announce a commit: what happens, to which task, with the record as it is after it (`store.history.message`)."""
        message = history.message(
            event,
            label or None,
            attempt,
            said,
            record=record,
            inputs=inputs,
            approval=approval,
            revoked=revoked,
            pause=pause,
            resumed=resumed,
            day=day,
            approvals=approvals,
        )
        self._announce(message, [QUEUE, LEDGER, *paths], owner=False)
        if transition:
            entry: dict[str, Any] = {"label": label, "event": str(event), "reason": said}
            self.transitions.append(entry if attempt is None else {**entry, "attempt": attempt})

    def edit(self, *operations: Operation) -> Document:
        """Apply operations to the queue; where they are refused, nothing counts as changed."""
        now = self.context.workspace.document(self.zone, self.context.committed).queue
        if now.fatal:
            raise FatalQueue("; ".join(str(p) for p in now.problems) + ". Nothing was written")
        before, self._touched = self._touched, True
        try:
            document = self.context.queue_file(self.zone).edit(*operations)
            self._commits.changed()
            return document
        except NotDurable:
            raise
        except AutobuildsError:
            self._touched = before
            raise

    def withdraw(self) -> None:
        """Take back what this transaction announced: it turned out that there was nothing to change."""
        self.diary.clear()
        for path in self._announced:
            self._own.discard(path)
            with suppress(OSError):
                path.unlink(missing_ok=True)
        self._announced.clear()

    def put(self, ledger: Ledger) -> None:
        """Write the ledger; where it can't be written and nothing was changed before, nothing counts as changed."""
        before, self._touched = self._touched, True
        try:
            self.context.workspace.write_ledger(ledger, committed=not self._silent)
        except NotDurable:
            raise
        except AutobuildsError:
            self._touched = before
            raise

    def publish_status(self, text: str, *, settled: bool) -> bool:
        """Write BUILD_STATUS.md where it changed, and commit it together with the last transition that waits.

        A page that changed by itself (the percent of a running build) is committed when nothing runs any more (`settled`).
        """
        with self.context.workspace.lock("commit", "render", WRITE_WAIT):
            changed = self.context.workspace.differs(STATUS, text)
            if changed and not self._silent:
                waiting = sorted(self._outbox.glob("*.json")) if self._outbox.exists() else []
                pages = [STATUS, *self._progress()]
                if waiting:
                    announced.add_paths(waiting[-1], pages)
                elif settled:
                    kept = pages if self._edited else [LEDGER, *pages]
                    self._announce(history.message("status", None, None, "status rendered"), kept, owner=False)
            if changed:
                self.context.workspace.publish(STATUS, text)
            self._flush()
        return changed

    def _progress(self) -> list[str]:
        active = self.context.workspace.ledger().active
        paths = [self.context.workspace.progress_file(b.label) for b in active]
        return [p.relative_to(self.context.workspace.root).as_posix() for p in paths if p.exists()]

    @property
    def _outbox(self) -> Path:
        return self.context.workspace.private / "outbox"

    @property
    def _silent(self) -> bool:
        return self.context.no_commit or self.settings_commits == "none"

    def announce(self, message: str, paths: Sequence[str], *, owner: bool) -> Path | None:
        """Announce a commit that the next transaction makes, and return the announcement; None where nothing is committed."""
        self._announce(message, paths, owner=owner)
        return self._announced.pop() if self._announced else None

    def _announce(self, message: str, paths: Sequence[str], *, owner: bool) -> None:
        if self._silent:
            return
        path = announced.announce(self._outbox, self.context.workspace.root, message, paths, owner=owner, diary=self._taken())
        self._announced.append(path)
        self._own.add(path)

    def _taken(self) -> list[dict[str, Any]]:
        taken, self.diary = self.diary, []
        return taken

    def _keep_diary(self) -> None:
        """See to it that what was not announced yet gets into the diary; where nothing is committed it is written at once."""
        entries = self._taken()
        if entries and self._announced:
            announced.add_diary(self._announced[-1], entries)
        elif entries:
            self._in_diary(entries, commit=False)

    def _in_diary(self, entries: list[dict[str, Any]], *, commit: bool = True) -> list[str]:
        if not entries:
            return []
        from autobuilds.runtime import diary

        return diary.written(self, entries, commit=commit)

    def _flush(self) -> None:
        """Commit what the outbox announces, oldest first; what Git can't take now stays there and is said."""
        if self._silent or not self._outbox.exists():
            return
        waiting, held = sorted(self._outbox.glob("*.json")), ""
        for path in waiting:
            try:
                entry = announced.read(path)
                # Another's, who could not take it back or died before it acted: nothing of it came true.
                if path in self._own or not announced.idle(self.context.workspace.root, entry):
                    paths = [*entry["paths"], *self._in_diary(entry["diary"])]
                    if held:
                        continue
                    self._commits.make(entry["message"], paths, owner=entry["owner"])
                if not held:
                    path.unlink()
            except AutobuildsError as fault:
                held = held or str(fault)
            except OSError as error:
                held = held or str(files.storage_failure(path, error, "commit"))
        if waiting:
            self.trouble = held

    @property
    def _commits(self) -> Commits:
        if self._made is None:
            self._made = Commits(context=self.context, branch=self.settings_commits, zone=self.zone)
        return self._made

    def commit_edit(self, name: str) -> None:
        """Commit what the owner wrote into a file, as the owner's; where Git can't now, that is said."""
        if self._silent or self.trouble or self.context.workspace.tracked(name) is None:
            return
        said = f"{name} edited by hand"
        try:
            if self._commits.hand_edit(name, said):
                self.transitions.append({"label": "", "event": "hand-edit", "reason": f"{said}, committed as yours"})
        except AutobuildsError as held:
            self.trouble = str(held)
        except OSError as error:
            self.trouble = str(files.storage_failure(self.context.workspace.path(name), error, "commit"))


@contextmanager
def holding(context: Context, what: str) -> Iterator[Recorder]:
    """Hold the heartbeat's lock for an act of the owner and yield a recorder; others may still edit the queue."""
    with context.workspace.lock("heartbeat", what, WRITE_WAIT):
        yield recorder_for(context)


@contextmanager
def recording(context: Context, what: str) -> Iterator[tuple[Recorder, Ledger]]:
    """Hold the heartbeat's lock and yield a recorder inside its transaction, with the ledger; then render the status page."""
    from autobuilds.runtime.pages import refresh

    with holding(context, what) as recorder:
        with recorder.transaction(what, hold=True):
            yield recorder, context.workspace.ledger()
        refresh(context, recorder)


def recorder_for(context: Context) -> Recorder:
    """Return a recorder with the workspace's configuration."""
    config = context.workspace.config()
    zone = context.workspace.zone(config.settings)
    return Recorder(context=context, settings_commits=config.settings.commits, zone=zone, now=context.now(zone))
