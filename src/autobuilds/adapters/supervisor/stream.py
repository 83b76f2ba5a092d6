"""The agent's output while it grows: read from its files, told as a readable log, kept as what the agent was seen doing."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds import errors
from autobuilds.adapters.supervisor import records
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.secrecy import redact_file, redacted_bytes, secrets_of_job
from autobuilds.adapters.supervisor.tail import open_plain, read_whole
from autobuilds.domain.agents import Activity, AgentReport, Todo
from autobuilds.domain.build import Usage
from autobuilds.domain.inert import line
from autobuilds.ports import Job
from autobuilds.records import dataclass, field

if TYPE_CHECKING:
    from autobuilds.adapters.agents.reading import StreamReader

#: Activities that the progress log shows, files that it names.
SHOWN = 50
_FILES = 50
_CHUNK = 256 << 10
#: Seconds that reading may take at one sample, and in the end; what a flood brought besides is passed over, but not its end.
_SAMPLE_SECONDS, _END_SECONDS = 0.2, 10.0
_END_BYTES = 1 << 20
_LINE = 500
_RESULT_BYTES = 8 << 20
#: A result file that grows is read while the agent runs up to this size, and after so many seconds again.
_GROWING_BYTES = 4 << 20
_USAGE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The session that an agent reported."""

    id: str


@dataclass(slots=True)
class _Source:
    """One growing file, read from where the last reading ended."""

    path: Path
    offset: int = 0
    _fd: int | None = None

    def read(self) -> bytes:
        """Return the next bytes, empty when there are none now."""
        if self._fd is None:
            self._fd = open_plain(self.path)
            if self._fd is None:
                return b""
        with suppress(OSError):
            data = os.pread(self._fd, _CHUNK, self.offset)
            self.offset += len(data)
            return data
        return b""

    def skip(self, last: int) -> bool:
        """Go on at the last bytes of the file; return whether that left something out."""
        if self._fd is None or (start := os.fstat(self._fd).st_size - last) <= self.offset:
            return False
        self.offset = start
        return True

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@dataclass(slots=True)
class _Rows:
    """Bytes as they come, as clean and bounded lines of text."""

    _partial: bytes = b""

    def of(self, data: bytes) -> list[str]:
        """Return the lines that are whole now, the empty ones left out."""
        *whole, rest = (self._partial + data).split(b"\n")
        self._partial = rest[: _LINE * 8]
        rows = (line(row[: _LINE * 8].decode("utf-8", "replace"), _LINE) for row in whole)
        return [row for row in rows if row]


@dataclass(slots=True)
class AgentStream:
    """What an agent says: fed to its reader as it comes, and written as lines of text for people."""

    job: Job
    folder: RunFolder
    now: Callable[[], datetime]
    #: Whether anything is written: the readable log, the session.
    writes: bool = True
    #: What it was seen doing last, the newest last, each with its time.
    seen: deque[tuple[datetime, Activity]] = field(default_factory=lambda: deque(maxlen=SHOWN))
    _reader: StreamReader = field(init=False)
    _out: _Source = field(init=False)
    _err: _Source | None = field(init=False)
    _plain: _Rows = field(default_factory=lambda: _Rows())
    _wrong: _Rows = field(default_factory=lambda: _Rows())
    _told: int = 0
    _session: str | None = None
    _used: Usage = field(default_factory=Usage)
    _kept: Usage = field(default_factory=Usage)
    _used_at: float = 0.0

    def __post_init__(self) -> None:
        from autobuilds.adapters.agents.reading import StreamReader

        self._reader = StreamReader(self.job.rules, root=str(self.folder.clone_of(self.job)))
        self._out = _Source(self.out)
        self._err = _Source(self.err) if self.err is not None else None

    @property
    def out(self) -> Path:
        """Return the file of the standard output: the readable log itself where the agent writes text."""
        return self.folder.stdout if self.err is not None else Path(self.job.log_file)

    @property
    def err(self) -> Path | None:
        """Return the file of the standard error; None where both streams go to one file."""
        return None if self.job.rules.format == "text" else self.folder.stderr

    @property
    def files(self) -> tuple[str, ...]:
        """Return the files that the agent was seen changing."""
        return tuple(self._reader.files[:_FILES])

    @property
    def todos(self) -> tuple[Todo, ...]:
        """Return the agent's own to-do list."""
        return tuple(self._reader.todos)

    def look(self, seconds: float = _SAMPLE_SECONDS) -> None:
        """Read what has come since the last look, as far as the time allows."""
        told: list[str] = []
        grew = False
        until = time.monotonic() + seconds
        while time.monotonic() < until and (data := self._out.read()):
            grew = True
            if self.job.rules.format == "jsonl":
                told += [f"{self.now():%H:%M:%S} {row}" for row in self._plain.of(data) if not row.startswith("{")]
            told += [self._note(activity) for activity in self._reader.feed(data)]
        if self._err is not None:
            told += self._errors(until)
            self._tell(told)
        if grew and self.writes and self._session is None and self.job.rules.format == "jsonl":
            self._keep_session()

    def used(self) -> Usage:
        """Return what the agent has used so far by its own word; written down, not too often, for who looks at it from outside."""
        found, now = self._reader.used(), time.monotonic()
        named = self.job.rules.result_file
        late = now - self._used_at >= _USAGE_SECONDS
        if named is not None:
            if not late:
                return self._used
            report = self._reader.report(read_whole(Path(named), _GROWING_BYTES), exit_code=None, now=self.now())
            found = Usage(tokens_in=report.tokens_in, tokens_out=report.tokens_out, cost_usd=report.cost_usd)
        if late:
            self._used_at = now
            if found != self._kept and self.writes:
                self._kept = found
                with suppress(errors.StorageFailure):
                    records.write_record(self.folder.usage, found)
        self._used = found
        return found

    def report(self, exit_code: int | None) -> AgentReport:
        """Read the rest and return what the output said of the run."""
        self.look(_END_SECONDS)
        if self._out.skip(_END_BYTES):
            self._reader.feed(b"\n")
            self.look(_END_SECONDS)
        found = self._reader.report(self._result(), exit_code=exit_code, now=self.now())
        self._out.close()
        if self._err is not None:
            self._tell([f"{self.now():%H:%M:%S} {line(text, _LINE)}" for text in _endings(found)])
            self._err.close()
        return found

    def conceal(self) -> None:
        """Take the agent's secrets out of all that it printed."""
        for path in (Path(self.job.log_file), self.folder.stdout, self.folder.stderr):
            redact_file(path, secrets_of_job(self.job))

    def _result(self) -> bytes | None:
        named = self.job.rules.result_file
        return read_whole(Path(named), _RESULT_BYTES) if named is not None else None

    def _note(self, activity: Activity) -> str:
        now = self.now()
        self.seen.append((now, activity))
        return f"{now:%H:%M:%S} {line(activity.text, _LINE)}"

    def _errors(self, until: float) -> list[str]:
        assert self._err is not None
        told: list[str] = []
        while time.monotonic() < until and (data := self._err.read()):
            self._reader.feed_errors(data)
            told += [f"{self.now():%H:%M:%S} (stderr) {row}" for row in self._wrong.of(data)]
        return told

    def _tell(self, rows: list[str]) -> None:
        """Append lines to the readable log, which is no longer than the output may be."""
        content = redacted_bytes("".join(f"{row}\n" for row in rows).encode(), secrets_of_job(self.job))
        if not rows or not self.writes or self._told + len(content) > self.job.limits.output_bytes:
            return
        self._told += len(content)
        with suppress(OSError):
            path = Path(self.job.log_file)
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
            with os.fdopen(fd, "wb") as file:
                file.write(content)

    def _keep_session(self) -> None:
        """Write the reported session down as soon as it is known, so that it outlives this process."""
        if self.job.session is not None:
            return
        self._session = self._reader.report(None, exit_code=None, now=self.now()).session
        if self._session is not None:
            with suppress(errors.StorageFailure):
                records.write_record(self.folder.session, Session(id=self._session))


def _endings(report: AgentReport) -> list[str]:
    """Return the last lines of a readable log: the agent's final words, its error, what it cost."""
    rows = [f"said: {report.said}"] if report.said else []
    rows += [f"error: {report.error}"] if report.error else []
    used = []
    if report.tokens_in is not None or report.tokens_out is not None:
        used.append(f"{report.tokens_in or 0} tokens in, {report.tokens_out or 0} out")
    if report.cost_usd is not None:
        used.append(f"{report.cost_usd:.4f} USD")
    return [*rows, *([f"used: {', '.join(used)}"] if used else [])]


def left_report(job: Job, folder: RunFolder, now: Callable[[], datetime]) -> AgentReport:
    """Return what the output that a dead supervisor left says of the run."""
    stream = AgentStream(job=job, folder=folder, now=now, writes=False)
    return stream.report(None)


def known_session(job: Job, folder: RunFolder, report: AgentReport) -> str | None:
    """Return the agent's session: as reported in the end, as it was reported before, or as it was chosen; None where it said nothing."""
    try:
        kept = records.read_record(folder.session, Session)
    except errors.BadInput:
        kept = None
    stream = AgentStream(job=job, folder=folder, now=lambda: datetime.now(UTC), writes=False)
    began = any(path is not None and path.is_file() and path.stat().st_size for path in (stream.out, stream.err))
    return report.session or (kept.id if kept is not None else None) or (job.session if began else None)
