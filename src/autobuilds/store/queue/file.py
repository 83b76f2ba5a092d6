"""BUILD_QUEUE.md on disk: read at rest, edited by operations under the write lock, beside people with editors."""

from __future__ import annotations

import time
from datetime import tzinfo
from pathlib import Path

from autobuilds.errors import BadInput, Busy, FatalQueue, NotSo
from autobuilds.store.files import Lock, Rescued, private_folder, read_stable, replace_guarded, rescue_late_saves
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.reader import read_queue

QUEUE = "BUILD_QUEUE.md"
#: Seconds for which an edit waits for other writers, and for a moment in which nobody saves.
PATIENCE = 60.0
#: A file last saved less than this many seconds ago may be half saved: what is missing in it is looked for again.
_FRESH = 0.5
#: Seconds for which something missing is looked for while the file is saved again and again.
_DOUBTFUL = 2.0
_PAUSE = 0.02


class QueueFile:
    """The queue of one workspace; `zone` is the workspace's, for times without an offset."""

    def __init__(self, workspace_root: Path, zone: tzinfo, *, patience: float = PATIENCE) -> None:
        self.root = workspace_root
        self.path = workspace_root / QUEUE
        self.zone = zone
        self.patience = patience

    def read(self) -> Document:
        """Return the document as it is now. Raises BadInput where there is no such file, Busy where it does not come to rest."""
        return self._document(read_stable(self.path))

    def edit(self, *operations: Operation) -> Document:
        """Apply operations to what stands in the file at that moment, write it, and return what stands there now.

        Nothing is written where nothing changes. A file that changes meanwhile is read and edited anew. Raises NotSo,
        BadInput and FatalQueue as the operations do, Busy after `patience` seconds (without the lock, or without a quiet moment), StorageFailure; then nothing is changed.
        """
        private = private_folder(self.root)
        with Lock(private / "write.lock", what="editing the queue", wait=self.patience):
            began = time.monotonic()
            while True:
                rescue_late_saves(self.path, private=private)
                data = read_stable(self.path)
                try:
                    after = apply(self._document(data), operations, self._document, self.zone)
                except (NotSo, BadInput, FatalQueue):
                    if not self._fresh() or time.monotonic() > began + _DOUBTFUL:
                        raise
                else:
                    if replace_guarded(self.path, data, after.data, private=private):
                        return after
                if time.monotonic() > began + self.patience:
                    raise Busy(f"{self.path} is being saved all the time; nothing was written. Try again in a moment")
                time.sleep(_PAUSE)

    def rescue(self) -> tuple[Rescued, ...]:
        """Put back what people saved into the file while it was being replaced, and return what that was.

        For every heartbeat; costs next to nothing where nothing was written lately. Raises Busy, StorageFailure.
        """
        private = self.root / ".autobuilds"
        if not (private / "retired" / QUEUE).is_dir():
            return ()
        with Lock(private / "write.lock", what="looking for late saves", wait=self.patience):
            return rescue_late_saves(self.path, private=private)

    def _document(self, data: bytes) -> Document:
        return read_queue(data, zone=self.zone)

    def _fresh(self) -> bool:
        try:
            return time.time() - self.path.stat().st_mtime < _FRESH
        except OSError:
            return True
