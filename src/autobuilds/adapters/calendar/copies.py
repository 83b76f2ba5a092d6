"""The copies of calendars that were fetched: the last good one of each address, and how fetching went since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from autobuilds.adapters.calendar.sources import Source
from autobuilds.domain.moment import as_json
from autobuilds.domain.times import after, elapsed, reached
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass, replace
from autobuilds.store.files import make_folder, read_stable, write_atomic

#: Between two times that an address is asked.
EVERY = timedelta(minutes=15)
#: From this age on a copy that can't be fetched anew is a fault, not only worth a note.
STALE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What is known of the copy of one address; times aware, None for what never was."""

    #: When the address last answered with a calendar, or that nothing changed.
    fetched: datetime | None = None
    #: When it was last asked, and why that failed (empty: it did not).
    tried: datetime | None = None
    fault: str = ""
    etag: str = ""
    modified: str = ""

    def due(self, now: datetime) -> datetime:
        """Return when the address is to be asked again, `now` where that is past or the clock was put back."""
        if self.tried is None or not reached(self.tried, now):
            return now
        again = after(self.tried, EVERY).astimezone(now.tzinfo)
        return now if reached(again, now) else again

    def stale(self, now: datetime) -> bool:
        """Whether it is too old to go on without a word."""
        return self.fetched is None or elapsed(self.fetched, now) >= STALE


def copy_of(source: Source) -> Copy:
    """Return what is known of the copy of an address; of a record that can't be read nothing."""
    try:
        told = json.loads(read_stable(source.record, limit=64 * 1024, wait=1.0))
        return Copy(
            fetched=_time(told.get("fetched")),
            tried=_time(told.get("tried")),
            fault=str(told.get("fault", "")),
            etag=str(told.get("etag", "")),
            modified=str(told.get("modified", "")),
        )
    except (AutobuildsError, OSError, ValueError, TypeError, AttributeError):
        return Copy()


def _time(text: str | None) -> datetime | None:
    """Return a time of a record; raises ValueError for one without an offset."""
    moment = datetime.fromisoformat(text) if text else None
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return moment


def refresh(sources: Sequence[Source], now: datetime) -> None:
    """Fetch the addresses whose time has come, all at once, and keep what they gave; what fails is kept in their records.

    Raises AutobuildsError and OSError where nothing can be written.
    """
    asked = [(source, known) for source in sources if reached((known := copy_of(source)).due(now), now)]
    if not asked:
        return
    from autobuilds.adapters.calendar.fetching import FetchFailed, fetch

    begun = []
    for source, known in asked:
        assert source.address is not None
        there = known.fetched is not None and source.path.exists()
        begun.append(fetch(source.address, etag=known.etag if there else "", modified=known.modified if there else ""))
    for (source, known), answer in zip(asked, begun, strict=True):
        try:
            found = answer()
        except FetchFailed as failure:
            _record(source, replace(known, tried=now, fault=str(failure)))
            continue
        if found.data is not None:
            _write(source.path, found.data)
        _record(source, Copy(fetched=now, tried=now, etag=found.etag[:500], modified=found.modified[:100]))


def _record(source: Source, copy: Copy) -> None:
    _write(source.record, json.dumps(as_json(copy)).encode())


def _write(path: Path, data: bytes) -> None:
    make_folder(path.parent)
    write_atomic(path, data, durable=False)
    with suppress(OSError):
        path.chmod(0o600)
