"""BUILD_QUEUE.md on disk: read when it can be believed, edited by operations under the write lock, beside people with editors."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import tzinfo
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from autobuilds.errors import BadInput, Busy, FatalQueue, NotSo
from autobuilds.store.files import (
    Clues,
    Lock,
    Rescued,
    private_folder,
    repay,
    replace_guarded,
    rescue_displaced,
    rescue_late_saves,
    unite_stale,
)
from autobuilds.store.files.merge import appended, is_whole, merge_late
from autobuilds.store.files.reading import Stable, glance, read_stamped
from autobuilds.store.files.stale import holds_edits
from autobuilds.store.files.vault import Vault
from autobuilds.store.queue.belief import Belief, Readings
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.marks import marks_lost, task_named

QUEUE = "BUILD_QUEUE.md"
#: Seconds for which an edit waits for other writers, and for a moment in which nobody saves.
PATIENCE = 60.0
#: A file last saved less than this many seconds ago may be half saved: what is missing in it is looked for again.
_FRESH = 0.5
#: Seconds for which something missing is looked for while the file is saved again and again.
_DOUBTFUL = 2.0
#: Seconds for which a file that is gone is looked for: some editors move it away before they write it anew.
_GONE = 0.5
_PAUSE = 0.02
#: How often a text that was tried is put in its place with what was appended meanwhile, before all is tried anew.
_FOLLOWED = 20


class _Tries(NamedTuple):
    """The tries of one edit: when it was refused, and over which texts it could not be written."""

    refused: list[float]
    written: list[bytes]


class QueueFile:
    """The queue of one workspace; `zone` is the workspace's, for times without an offset.

    `committed` gives the queue as last committed; `restored` says whether Git put a text there that was not committed by
    the tool at or after a time (nanoseconds since 1970). Without them the file's own history is all that is known. `readings`
    may be shared with others that read the same file.
    """

    def __init__(
        self,
        workspace_root: Path,
        zone: tzinfo,
        *,
        patience: float = PATIENCE,
        committed: Callable[[], bytes | None] | None = None,
        restored: Callable[[bytes, int], bool] | None = None,
        readings: Readings | None = None,
    ) -> None:
        self.root = workspace_root
        self._readings = readings or Readings()
        self.path = workspace_root / QUEUE
        self.zone = zone
        self.patience = patience
        self._committed = committed or (lambda: None)
        self._clues = Clues(marks=partial(marks_lost, zone=zone), restored=restored, name=task_named)
        self._private = workspace_root / ".autobuilds"

    def read(self) -> Document:
        """Return the document as it is now, half a save excepted: what lost much is believed when it was left alone for a moment.

        Every reader goes this way. Raises BadInput where there is no such file, Busy where it does not come to rest.
        """
        belief = self._belief()
        while True:
            found = self._found()
            document = _once(partial(belief.document, found.data))
            if belief.holds(found, document):
                return document()
            time.sleep(_PAUSE)

    def edit(self, *operations: Operation) -> Document:
        """Apply operations to what stands in the file at that moment, write it, and return what stands there now.

        Nothing is written where nothing changes. A file that changes meanwhile is read and edited anew. Raises NotSo,
        BadInput and FatalQueue as the operations do, Busy after `patience` seconds (without the lock, or without a quiet moment), StorageFailure; then nothing is changed.
        """
        private = private_folder(self.root)
        with Lock(private / "write.lock", what="editing the queue", wait=self.patience):
            began = time.monotonic()
            belief = self._belief()
            rescue_late_saves(self.path, private=private, merge=self._united, clues=self._clues)
            tries = _Tries(refused=[], written=[])
            while True:
                after = self._tried(belief, operations, private, tries)
                if after is not None:
                    return after
                if time.monotonic() > began + self.patience:
                    raise Busy(f"{self.path} is being saved all the time; nothing was written. Try again in a moment")
                rescue_displaced(self.path, private=private, merge=self._united, clues=self._clues)

    def _tried(self, belief: Belief, operations: tuple[Operation, ...], private: Path, tries: _Tries) -> Document | None:
        """Return what stands in the file after the operations, or None where it must be read anew: at once where it was saved just now.

        A refusal counts when the file is at rest, or after a while.
        A task that stood in our last text is waited for longer: an old buffer in the middle of its save lacks it.
        """
        found = self._found()
        if unite_stale(self.path, found, private=private, merge=self._united, clues=self._clues) is not None:
            return None
        document = _once(partial(belief.document, found.data))
        if not belief.holds(found, document):
            time.sleep(_PAUSE)
            return None
        if repay(self.path, found, private=private, clues=self._clues) is not None:
            return None
        try:
            after = apply(document(), operations, belief.document, self.zone)
        except (NotSo, BadInput, FatalQueue) as error:
            if any(self._came_true(operations, belief.document(before), document()) for before in tries.written):
                return document()  # somebody read it in the instant before it was taken back, and saved it
            tries.refused.append(time.monotonic())
            rest = _DOUBTFUL if isinstance(error, NotSo) and belief.misses(document(), operations) else _FRESH
            if not _fresh(found, rest) or tries.refused[-1] > tries.refused[0] + _DOUBTFUL:
                raise
            time.sleep(_PAUSE)
            return None
        return self._put(found.data, after, belief, private, tries)

    def _came_true(self, operations: tuple[Operation, ...], before: Document, now: Document) -> bool:
        """Whether all that was meant stands in the file now, as if it had been written over `before`."""
        return all(operation.failure(before, now, self.zone) is None for operation in operations)

    def _put(self, expect: bytes, after: Document, belief: Belief, private: Path, tries: _Tries) -> Document | None:
        """Put a text that was tried in its place, with what a person appends meanwhile; None where anything else is saved."""
        data = after.data
        for _ in range(_FOLLOWED):
            if replace_guarded(self.path, expect, data, private=private):
                return after if data == after.data else belief.document(data)
            tries.written[:] = [*tries.written[-3:], expect]
            there = glance(self.path)
            more = appended(expect, data, there.data) if there is not None else None
            if more is None:
                return None
            expect, data = expect + more, data + more
        return None

    def rescue(self) -> tuple[Rescued, ...]:
        """Put back what people saved into the file while it was being replaced, and return what that was.

        For every heartbeat; costs next to nothing where nothing was written lately. Raises Busy, StorageFailure.
        """
        if not (self._private / "retired" / QUEUE).is_dir():
            return ()
        with Lock(self._private / "write.lock", what="looking for late saves", wait=self.patience):
            return rescue_late_saves(self.path, private=self._private, merge=self._united, clues=self._clues)

    def _united(self, base: bytes, theirs: bytes, current: bytes) -> bytes:
        """Return `current` with what a save changed against `base`: task by task where all that was put in there is kept so.

        Else by lines: where they clash, and where the save may be half of one.

        By lines alone, a task that we moved to Completed and whose text was changed in the save would stand in both places.
        """
        if is_whole(theirs, base):
            from autobuilds.store.queue.merging import merge_queue

            merged = merge_queue(base, current, theirs, self.zone)
            if not merged.conflicts and holds_edits(merged.data, theirs, base):
                return merged.data
        return merge_late(base, theirs, current)

    def _belief(self) -> Belief:
        return Belief(Vault(self._private, QUEUE), self.zone, self._committed, self._readings)

    def _found(self) -> Stable:
        """Return the file at rest; one that is gone is looked for a little longer where the tool has been at work."""
        deadline = time.monotonic() + _GONE
        while True:
            try:
                return read_stamped(self.path)
            except BadInput as error:
                gone = isinstance(error.__cause__, FileNotFoundError) and self._private.is_dir()
                if not gone or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE)


def _fresh(found: Stable, seconds: float) -> bool:
    """Whether a file came to its place just now; what an editor renames there was written before."""
    return abs(time.time() - found.landed / 1e9) < seconds


def _once(read: Callable[[], Document]) -> Callable[[], Document]:
    """Return a function that reads at most once."""
    return lru_cache(maxsize=1)(read)
