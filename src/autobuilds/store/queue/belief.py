"""Whether the queue, as just read, may be believed: half a save looks like a file from which a person deleted much."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import tzinfo
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from autobuilds.domain.labels import is_nameless, known_as
from autobuilds.store.files.merge import bare_lines, grown, unlike
from autobuilds.store.files.reading import Stable, Stamp
from autobuilds.store.files.stale import is_known
from autobuilds.store.files.vault import Vault, digest
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import Operation
from autobuilds.store.queue.reader import read_queue

#: Seconds for which a file that lost much, or something, must have been left alone before that is believed.
BIG_LOSS, LOSS = 2.0, 0.5
#: Share of the tasks whose loss is a big one.
_MUCH = 0.2
_NO_DOUBT: tuple[object, float] = (None, 0.0)
#: Texts that are kept: as it stood before a change, and after it.
_KEPT = 2


class _Seen(NamedTuple):
    """What a queue holds, as far as it can be missed."""

    labels: frozenset[str]
    front_matter: bool
    fatal: bool


class Readings:
    """Reads each text once while it is among the last ones: a document depends on nothing but these bytes and the zone, and never changes."""

    def __init__(self) -> None:
        self._known: list[tuple[bytes, tzinfo, bool, Document]] = []

    def read(self, data: bytes, zone: tzinfo, *, had_tasks: bool = False) -> Document:
        """Return what `read_queue` returns."""
        for known in self._known:
            if known[0] == data and known[1] is zone and known[2] is had_tasks:
                self._known.remove(known)
                self._known.append(known)
                return known[3]
        document = read_queue(data, zone=zone, had_tasks=had_tasks)
        self._known = [*self._known[1 - _KEPT :], (data, zone, had_tasks, document)]
        return document


class Belief:
    """Judges the readings of one act (a command, an edit, a heartbeat's look), one after the other.

    `zone` is the workspace's; `committed` gives the queue as last committed. Both the last text that we wrote and the
    committed one are what a new text is held against. Everything is believed that stands for long enough, or is as bad for
    as long whatever is saved: then it is meant so.
    """

    def __init__(self, vault: Vault, zone: tzinfo, committed: Callable[[], bytes | None], readings: Readings | None = None) -> None:
        self._vault = vault
        self._readings = readings or Readings()
        self._zone = zone
        self._committed = lru_cache(maxsize=1)(committed)
        #: When a state of the file, and a doubt, were first met (seconds of the monotonic clock).
        self._met: tuple[Stamp, float] | None = None
        self._doubted: dict[bool, tuple[object, float]] = {}

    def document(self, data: bytes) -> Document:
        """Return what the bytes hold; an empty file that held tasks when it was last committed is fatal."""
        return self._readings.read(data, self._zone, had_tasks=not data.strip() and self._held_tasks())

    def holds(self, found: Stable, document: Callable[[], Document]) -> bool:
        """Whether a reading may be acted on now; if not, read again in a moment. `document` gives what it holds."""
        rest = self._rest(found)
        if rest >= BIG_LOSS:
            return True
        doubt, needed = self._doubt(found, document)
        if not needed:
            self._doubted.pop(True, None)  # emptied after this, it is emptied anew
        if rest >= needed:
            return True
        now = time.monotonic()
        empty = not found.data.strip()  # seen between two saves, it does not make another loss a new one
        if self._doubted.get(empty, (None, now))[0] != doubt:
            self._doubted[empty] = (doubt, now)
        return now - self._doubted[empty][1] >= needed

    def misses(self, document: Document, operations: Iterable[Operation]) -> bool:
        """Whether a task that the operations are about is not in a document, but is in the last text that we wrote."""
        writes = self._vault.writes()
        text = self._vault.text(writes[-1].ours) if writes else None
        absent = {operation.label for operation in operations} - {task.label for task in document.queue.tasks}
        if not text or not absent:
            return False
        return any(task.label in absent and not is_nameless(task) for task in self._readings.read(text, self._zone).queue.tasks)

    def _rest(self, found: Stable) -> float:
        """Return for how many seconds the file has been as it is, by its own time or by what was seen of it."""
        now = time.monotonic()
        if self._met is None or self._met[0] != found.stamp:
            self._met = (found.stamp, now)
        return max(abs(time.time() - found.landed / 1e9), now - self._met[1])

    def _doubt(self, found: Stable, document: Callable[[], Document]) -> tuple[object, float]:
        """Return what speaks against a reading, and for how many seconds that must stand to be believed."""
        writes = self._vault.writes()
        if writes and digest(found.data) == writes[-1].ours:
            return _NO_DOUBT
        here = _seen(document())
        texts = dict.fromkeys((self._vault.text(writes[-1].ours) if writes else None, self._committed()))
        doubt, needed = max(
            (self._loss(found.data, here, text) for text in texts if text is not None), key=itemgetter(1), default=_NO_DOUBT
        )
        if not needed and is_known(found.data, writes):
            return "an older text", LOSS
        if not needed and not found.data.strip():
            return "nothing", LOSS  # nothing is known that could be missed, but emptied is what many editors do first
        return doubt, needed

    def _loss(self, data: bytes, here: _Seen, text: bytes) -> tuple[object, float]:
        """Return what a reading lacks of an earlier text, and for how many seconds that must stand to be believed."""
        if not (here.fatal or _broken_off(data, text) or _lacks_lines(data, text)):
            return _NO_DOUBT  # what lacks no line lacks no task
        before = _seen(self._readings.read(text, self._zone))
        lost = before.labels - here.labels
        much = len(lost) > _MUCH * len(before.labels) or (before.front_matter and not here.front_matter)
        if not before.fatal and (here.fatal or much):
            return (here.fatal, lost), LOSS if here.fatal and data.strip() else BIG_LOSS
        if lost or _broken_off(data, text):
            return (here.fatal, lost), LOSS
        return _NO_DOUBT

    def _held_tasks(self) -> bool:
        committed = self._committed()
        return committed is not None and bool(self._readings.read(committed, self._zone).queue.tasks)


def _lacks_lines(data: bytes, before: bytes) -> bool:
    """Whether a line of `before` is nowhere in a text."""
    if grown(before, data):
        return False
    was, now = unlike(before, data)
    gone = set(was).difference(now)
    return bool(gone) and not gone.issubset(bare_lines(data))


def _broken_off(data: bytes, before: bytes) -> bool:
    """Whether a text ends in the middle of a line, or of another text, as one that is being written does."""
    line_ends = (b"\n", b"\r")
    if before.endswith(line_ends) and not data.endswith(line_ends):
        return True
    return len(data) < len(before) and before.startswith(data)


def _seen(document: Document) -> _Seen:
    return _Seen(
        labels=frozenset(map(known_as, document.queue.tasks)),
        front_matter=document.text.startswith("---"),
        fatal=document.queue.fatal,
    )
