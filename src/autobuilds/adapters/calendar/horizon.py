"""What a calendar brings in the days around now: worked out by a process of its own, kept by the calendar's content."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any

from autobuilds import __version__
from autobuilds.adapters.calendar.sources import FOLDER, complete
from autobuilds.domain.day import Busy, Context
from autobuilds.domain.times import at_clock
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass
from autobuilds.store.files import make_folder, read_stable, write_atomic

#: Seconds after which the process that reads is given up; its own limit of CPU time is a sixth of it.
_SECONDS = 120.0
_KEPT = "horizon-"
_READER = "autobuilds.adapters.calendar.reader"
#: Days before and after the asked ones that are looked at: no zone is further away from UTC.
_MARGIN = timedelta(days=2)
#: Days around a moment that are kept, so that the questions of the coming weeks are answered by them, and that must be left of them.
_BEFORE, _AFTER = timedelta(days=8), timedelta(days=26)
_LEAST_BEFORE, _LEAST_AFTER = timedelta(days=4), timedelta(days=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """What a calendar brings from one day (in UTC) up to another, independent of the zone of whoever asks."""

    start: date
    end: date
    rows: tuple[tuple[str, str, bool, str, str], ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    #: Whether another time would give the same: False where the machine was too slow, or could not start a process.
    sure: bool = True

    def covers(self, start: date, end: date) -> bool:
        """Whether it answers for all days from `start` up to `end`."""
        return self.start <= start and end <= self.end

    def busy(self, start: datetime, end: datetime, zone: tzinfo) -> Iterable[Busy]:
        """Yield the occurrences that touch a span of time, times without a zone taken for those of `zone`."""
        for begins, ends, all_day, context, summary in self.rows:
            first, last = _moment(begins, zone), _moment(ends, zone)
            if first.astimezone(UTC) < end.astimezone(UTC) and last.astimezone(UTC) > start.astimezone(UTC) and first < last:
                yield Busy(start=first, end=last, context=Context(context), summary=summary, all_day=all_day)


def days(start: datetime, end: datetime) -> tuple[date, date]:
    """Return the days in UTC that must be known to answer for a span of time."""
    return _moved(start.astimezone(UTC).date(), -_MARGIN), _moved(end.astimezone(UTC).date(), _MARGIN)


def around(now: datetime) -> tuple[date, date]:
    """Return the days that are worth keeping at a moment."""
    today = now.astimezone(UTC).date()
    return _moved(today, -_BEFORE), _moved(today, _AFTER)


def needed(now: datetime) -> tuple[date, date]:
    """Return the days around a moment without which what is kept is worked out anew."""
    today = now.astimezone(UTC).date()
    return _moved(today, -_LEAST_BEFORE), _moved(today, _LEAST_AFTER)


def kept_name(data: bytes) -> str:
    """Return under which name is kept what a calendar of this content brings."""
    return f"{_KEPT}{hashlib.sha256(data).hexdigest()[:32]}.json"


def recall(root: Path, data: bytes, start: date, end: date) -> Horizon | None:
    """Return what is kept of a calendar of this content, if this program made it and it covers the days."""
    try:
        kept = _from(json.loads(read_stable(root / FOLDER / kept_name(data), limit=64 * 1024 * 1024, wait=1.0)), _maker())
    except (AutobuildsError, OSError, ValueError, TypeError, KeyError):
        return None
    return kept if kept is not None and kept.covers(start, end) else None


def keep(root: Path, data: bytes, horizon: Horizon) -> None:
    """Keep what a calendar brings; where that can't be written it is worked out again."""
    told = {
        "by": _maker(),
        "start": horizon.start.isoformat(),
        "end": horizon.end.isoformat(),
        "rows": horizon.rows,
        "faults": horizon.faults,
        "notes": horizon.notes,
    }
    with suppress(AutobuildsError, OSError):
        make_folder(root / FOLDER)
        path = root / FOLDER / kept_name(data)
        write_atomic(path, json.dumps(told).encode(), durable=False)
        path.chmod(0o600)


def forget_all_but(root: Path, names: Iterable[str]) -> None:
    """Remove everything that is kept below `FOLDER` under another name."""
    keep = set(names)
    with suppress(OSError):
        for path in (root / FOLDER).iterdir():
            if path.name not in keep and path.suffix in {".json", ".ics"}:
                path.unlink()


def work_out(data: bytes, start: date, end: date) -> Horizon:
    """Return what a calendar brings, as a process of its own reads it: a hostile one takes its time and its memory, not ours."""
    incomplete = complete(data)
    if incomplete is not None:
        return Horizon(start=start, end=end, faults=(incomplete,))
    asked = json.dumps({"start": start.isoformat(), "end": end.isoformat()}).encode() + b"\n"
    try:
        done = subprocess.run([sys.executable, "-P", "-m", _READER], input=asked + data, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Horizon(start=start, end=end, faults=(_too_much(),), sure=False)
    except OSError as error:
        return Horizon(start=start, end=end, faults=(f"no process could be started to read it ({error.strerror})",), sure=False)
    if done.returncode:
        limited = done.returncode < 0 or b"MemoryError" in done.stderr
        return Horizon(start=start, end=end, faults=(_too_much() if limited else _last(done.stderr),), sure=limited)
    told = json.loads(done.stdout)
    rows = tuple((str(r[0]), str(r[1]), bool(r[2]), str(r[3]), str(r[4])) for r in told["rows"])
    return Horizon(start=start, end=end, rows=rows, faults=tuple(told["faults"]), notes=tuple(told["notes"]))


def _too_much() -> str:
    return "it takes too much time or memory to be read; it is not used"


def _last(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().split("\n")
    return f"it can't be read ({lines[-1][:200]}); it is not used"


def _maker() -> str:
    """Return what tells this program from one that reads calendars otherwise."""
    parts = (Path(__file__).with_name(f"{name}.py").stat().st_mtime_ns for name in ("reader", "meaning", "thinning"))
    return " ".join(map(str, (__version__, *parts)))


def _from(told: Any, maker: str) -> Horizon | None:
    if told["by"] != maker:
        return None
    rows = tuple((str(r[0]), str(r[1]), bool(r[2]), Context(r[3]).value, str(r[4])) for r in told["rows"])
    start, end = date.fromisoformat(told["start"]), date.fromisoformat(told["end"])
    return Horizon(start=start, end=end, rows=rows, faults=tuple(map(str, told["faults"])), notes=tuple(map(str, told["notes"])))


def _moved(day: date, span: timedelta) -> date:
    try:
        return day + span
    except OverflowError:
        return day


def _moment(text: str, zone: tzinfo) -> datetime:
    """Return when a row begins or ends: a day at its midnight, a local time at the clocks of `zone`, a time in UTC as it is."""
    if len(text) == 10:
        return at_clock(date.fromisoformat(text), time(), zone)
    moment = datetime.fromisoformat(text)
    return moment.astimezone(zone) if moment.tzinfo is not None else at_clock(moment.date(), moment.time(), zone)
