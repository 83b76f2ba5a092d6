"""What is kept of housekeeping: the log of fixes, samples of the machine's figures for trends, both bounded; how duties ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from autobuilds.domain.house import Sample
from autobuilds.domain.moment import as_json
from autobuilds.domain.times import elapsed, is_when
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass
from autobuilds.store import files
from autobuilds.store.duties import LOG

FIXES, SAMPLES = "house.jsonl", "metrics.jsonl"
#: Bytes of the log of fixes at which it is put aside as `house.jsonl.1` and begun anew.
_MOST_FIXES = 1024 * 1024
#: The least time between two samples, and for how long they are kept.
EVERY, KEPT = timedelta(minutes=30), timedelta(days=30)
#: Lines of the file of samples at which it is written anew without the old ones; a month has 1 440.
_MOST_SAMPLES = 3000
_MOST_BYTES = 2 * 1024 * 1024
#: Bytes of the end of the log of duties that are read.
_MOST_DUTIES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyEnd:
    """How one command of a duty ended, as the log of duties has it."""

    at: datetime
    duty: str
    command: str
    outcome: str
    tail: str

    @property
    def ok(self) -> bool:
        """Whether the command did its work."""
        return self.outcome in {"ok", "not-so"}


def read_duty_ends(private: Path) -> tuple[DutyEnd, ...]:
    """Return what the end of the log of duties says, the oldest first; a line that is no such record is left out."""
    try:
        text = files.read_untrusted(private / LOG, _MOST_DUTIES)
    except (AutobuildsError, OSError):
        return ()
    return tuple(found for found in map(_duty_end, text.split("\n")) if found is not None)


def _duty_end(line: str) -> DutyEnd | None:
    try:
        data = json.loads(line)
        texts = {name: data[name] for name in ("duty", "command", "outcome", "tail")}
        at = datetime.fromisoformat(data["at"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not is_when(at) or not all(isinstance(text, str) for text in texts.values()):
        return None
    return DutyEnd(at=at, **texts)


def append_fix(private: Path, record: Mapping[str, Any]) -> None:
    """Append one fix to the log; raises StorageFailure."""
    path = private / FIXES
    line = json.dumps(record)
    with suppress(FileNotFoundError):
        if path.stat().st_size + len(line) > _MOST_FIXES:
            path.replace(path.with_name(f"{FIXES}.1"))
    files.append_line(path, line)


def read_samples(private: Path, now: datetime) -> tuple[Sample, ...]:
    """Return the samples of the last 30 days, the oldest first; a line that is none, or lies ahead of `now`, is left out."""
    try:
        text = files.read_untrusted(private / SAMPLES, _MOST_BYTES)
    except (AutobuildsError, OSError):
        return ()
    found = (_sample(line) for line in text.split("\n"))
    recent = [s for s in found if s is not None and timedelta() <= elapsed(s.at, now) <= KEPT]
    return tuple(sorted(recent, key=lambda s: s.at.timestamp()))


def _sample(line: str) -> Sample | None:
    import msgspec

    try:
        found = msgspec.json.decode(line, type=Sample)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return found if is_when(found.at) else None


def keep_sample(private: Path, sample: Sample) -> bool:
    """Keep a sample unless the last one is younger than half an hour; return whether it was kept. Raises StorageFailure."""
    known = read_samples(private, sample.at)
    if known and elapsed(known[-1].at, sample.at) < EVERY:
        return False
    path = private / SAMPLES
    line = json.dumps(as_json(sample))
    with suppress(FileNotFoundError):
        # A day of lines too many at most, so that it is written anew once a month and not with every sample.
        if path.stat().st_size > _MOST_SAMPLES * (len(line) + 1):
            whole = [json.dumps(as_json(s)) for s in known] + [line]
            return files.write_atomic(path, ("\n".join(whole) + "\n").encode())
    files.append_line(path, line)
    return True
