"""Recording: every change of the files is announced, made, committed, in this order, so that a crash in between is caught up."""

from __future__ import annotations

import json
import os
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
from autobuilds.runtime.context import Context, edited_ledger, same_text
from autobuilds.store import files, history
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.operations import Operation
from autobuilds.store.workspace import LEDGER, QUEUE, STATUS, WRITE_WAIT


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
    #: What this transaction announced, and whether it changed a file since.
    _announced: list[Path] = field(default_factory=list)
    _touched: bool = False
    #: What this recorder announced at any time; what else lies in the outbox is another's, who may be dead.
    _own: set[Path] = field(default_factory=set)
    #: The queue when it was last found fit to be read: its file (inode, size, time) and its text.
    _fit: tuple[tuple[int, ...], bytes] | None = None
    _edited: tuple[str, ...] | None = None  # what is told of a ledger that is another's, once looked at

    @contextmanager
    def transaction(self, what: str, *, hold: bool = False) -> Iterator[None]:
        """Hold the write lock, catch up what a crash left, commit the owner's own edits, then commit what was noted.

        With `hold` that last commit waits for the next transaction, or for the page that is rendered at the end and goes
        into the same commit. Where the body raises before it changed a file, what it announced is withdrawn.
        """
        with self.context.workspace.lock("commit", what, WRITE_WAIT):
            self._flush()
            self._put_back()
            self._commit_hand_edit()
            if self._edited is None and not (self._silent or self.trouble):
                self._edited = edited_ledger(self.context)
                self.faults += self._edited
            self._announced, self._touched = [], False
            said = len(self.transitions)
            try:
                yield
            except BaseException:
                if not self._touched:
                    self.withdraw()
                    del self.transitions[said:]
                raise
            if not hold:
                self._flush()
                if self._touched and self._put_back():
                    self._commit_hand_edit()

    def _put_back(self) -> bool:
        """Put back what was saved past the queue, or over a write of ours, since the last look; return whether there was any.

        The sooner after a write somebody looks, the surer can it be told from what a person meant.
        """
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
            self._fit = None
            return document
        except NotDurable:
            raise
        except AutobuildsError:
            self._touched = before
            raise

    def withdraw(self) -> None:
        """Take back what this transaction announced: it turned out that there was nothing to change."""
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
        try:
            if not self._outbox.is_dir():
                self._outbox.mkdir(exist_ok=True)
                files.sync_folder(self._outbox.parent)
        except OSError as error:
            raise files.storage_failure(self._outbox, error) from error
        order = f"{len(list(self._outbox.glob('*.json'))):06d}-{os.urandom(4).hex()}.json"
        paths = list(dict.fromkeys(paths))
        entry = {"message": message, "paths": paths, "owner": owner, "before": announced.stamps(self.context.workspace.root, paths)}
        self._announced.append(self._outbox / order)
        self._own.add(self._outbox / order)
        files.write_atomic(self._outbox / order, json.dumps(entry, ensure_ascii=False).encode())

    def _flush(self) -> None:
        """Commit what the outbox announces, oldest first; what Git can't take now stays there and is said."""
        if self._silent or not self._outbox.exists():
            return
        waiting = sorted(self._outbox.glob("*.json"))
        for path in waiting:
            try:
                entry = announced.read(path)
                # Another's, who could not take it back or died before it acted: nothing of it came true.
                if path in self._own or not announced.idle(self.context.workspace.root, entry):
                    self._commit(entry["message"], entry["paths"], owner=entry["owner"])
                path.unlink()
            except AutobuildsError as held:
                self.trouble = str(held)
                return
            except OSError as error:
                self.trouble = str(files.storage_failure(path, error, "commit"))
                return
        if waiting:
            self.trouble = ""

    def _commit(self, message: str, paths: Sequence[str], *, owner: bool) -> None:
        queue = self._fit_queue() if QUEUE in paths else None
        held = {QUEUE if queue is None else "", "" if self.context.workspace.path(LEDGER).is_file() else LEDGER}
        paths = [p for p in paths if p not in held]  # that the ledger is gone is never committed
        repo = self.context.repo
        author = repo.identity() if owner else None
        tracked = [found for found in map(self.context.workspace.tracked, paths) if found is not None]
        texts = {self.context.workspace.tracked(QUEUE) or QUEUE: queue} if queue is not None else {}
        repo.commit(list(dict.fromkeys(tracked)), message, author=author, branch=self.settings_commits, texts=texts)

    def _state_of_queue(self) -> tuple[int, ...]:
        info = self.context.workspace.path(QUEUE).stat()
        return info.st_ino, info.st_size, info.st_mtime_ns

    def _fit_queue(self) -> bytes | None:
        """Return the queue as it is committed, or None where it can't be trusted as a whole: then no commit of ours touches it.

        It may be saved again before the commit is made: what is committed is what was read, never half a save.
        """
        state = self._state_of_queue()
        if self._fit is None or state != self._fit[0]:
            document = self.context.workspace.document(self.zone, self.context.committed)
            if document.queue.fatal:
                return None
            self._fit = (state, document.data)
        return self._fit[1]

    def _commit_hand_edit(self) -> None:
        if self._silent or self.trouble or self.context.workspace.tracked(QUEUE) is None:
            return
        path = self.context.workspace.path(QUEUE)
        message = history.message("hand-edit", None, None, f"{QUEUE} edited by hand")
        try:
            same = not path.exists() or same_text(files.read_stable(path), self.context.committed(QUEUE))
            if same or self._fit_queue() is None:
                return
            self._commit(message, [QUEUE], owner=True)
        except AutobuildsError as held:
            self.trouble = str(held)
        except OSError as error:
            self.trouble = str(files.storage_failure(path, error, "commit"))
        else:
            self.transitions.append({"label": "", "event": "hand-edit", "reason": f"{QUEUE} edited by hand, committed as yours"})


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
