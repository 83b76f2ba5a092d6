"""What goes into a commit of the workspace: the files as they stand, the queue as it was read and found fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from autobuilds.records import dataclass
from autobuilds.runtime.context import Context, same_text
from autobuilds.store import files, history
from autobuilds.store.workspace import LEDGER, QUEUE


@dataclass(slots=True, kw_only=True)
class Commits:
    """Makes commits of workspace files on the branch that `commits` names."""

    context: Context
    branch: str
    zone: tzinfo
    #: The queue when it was last found fit to be read: its file (inode, size, time) and its text.
    _fit: tuple[tuple[int, ...], bytes] | None = None

    def make(self, message: str, paths: Sequence[str], *, owner: bool) -> None:
        """Commit these paths, the tool's or the owner's; raises GitBusy and what reading the queue raises."""
        queue = self._fit_queue() if QUEUE in paths else None
        held = {QUEUE if queue is None else "", "" if self.context.workspace.path(LEDGER).is_file() else LEDGER}
        paths = [p for p in paths if p not in held]  # that the ledger is gone is never committed
        repo = self.context.repo
        author = repo.identity() if owner else None
        tracked = [found for found in map(self.context.workspace.tracked, paths) if found is not None]
        texts = {self.context.workspace.tracked(QUEUE) or QUEUE: queue} if queue is not None else {}
        repo.commit(list(dict.fromkeys(tracked)), message, author=author, branch=self.branch, texts=texts)

    def changed(self) -> None:
        """Forget what was read: the queue was written."""
        self._fit = None

    def hand_edit(self, name: str, said: str) -> bool:
        """Commit what the owner wrote into a file as the owner's, and return whether there was anything to commit."""
        path = self.context.workspace.path(name)
        if not path.exists():
            return False
        recorded = self.context.committed(name) if name == QUEUE else self.context.on_record(name)
        if same_text(files.read_stable(path), recorded) or (name == QUEUE and self._fit_queue() is None):
            return False
        self.make(history.message("hand-edit", None, None, said), [name], owner=True)
        return True

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
