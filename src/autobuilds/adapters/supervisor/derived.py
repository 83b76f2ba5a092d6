"""The progress log that the owner sees: made from what the agent is seen doing, or the agent's own, mirrored."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters.supervisor.records import write_bytes
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.secrecy import redacted_bytes, secrets_of_job
from autobuilds.adapters.supervisor.stream import AgentStream
from autobuilds.domain import inert
from autobuilds.domain.build import Check
from autobuilds.domain.patterns import pattern
from autobuilds.domain.progress import Progress, ProgressStatus
from autobuilds.ports import Job
from autobuilds.records import dataclass, field, replace
from autobuilds.store.guarded import read_guarded
from autobuilds.store.progress import read_progress, write_when

_MAX_TEXT = 200
#: Seconds between two writes of the log.
_WRITE_SECONDS = 1.0
_FILES, _TODOS = 20, 50
#: The most that a to-do list can say while the agent still runs, in percent.
_NEARLY = 90
#: An entry of the owner in the agent's log, which is not the agent's word.
_ANSWER = pattern(r"^- .*\bAnswer of the owner: ")
_EVIDENCE = pattern(r"(?i)evidence(\W*):")


@dataclass(slots=True)
class DerivedLog:
    """The progress log of one attempt; as soon as the agent has written its own, that is shown instead."""

    job: Job
    folder: RunFolder
    _log: list[str] = field(default_factory=list)
    _evidence: dict[str, str] = field(default_factory=dict)
    _stream: AgentStream | None = None
    _shown: object = None
    _seed: str | None = None
    _answers: list[str] = field(default_factory=list)
    _written: bytes | None = None
    _at: float = 0.0
    _odd: str | None = None
    #: The agent has ended: what it was seen doing stands in the log.
    _ended: bool = False
    #: What is written now is the last of the attempt.
    _final: bool = False

    @property
    def path(self) -> Path:
        """Return the file that the owner sees."""
        return Path(self.job.progress_file)

    @property
    def ours(self) -> bool:
        """Whether the agent has not written a log of its own."""
        return self._agents() is None

    def _agents(self) -> str | None:
        """Return what the agent wrote, clean; None where it wrote nothing, or what can't be read."""
        found = read_guarded(self.folder.progress)
        if found.text is None:
            self._odd = found.problem
            return None
        text = inert.clean(found.text)
        rows = text.split("\n")
        answers = [row for row in rows if _ANSWER.match(row)]
        self._answers = [f"- {inert.markdown(inert.line(inert.unescaped(row[2:]), 2 * _MAX_TEXT))}" for row in answers[-_TODOS:]]
        if "\n".join(row for row in rows if not _ANSWER.match(row)) == self._seed:
            return None
        return text

    def begin(self, now: datetime) -> None:
        """Write the first state, in place of an earlier attempt's log, and give the agent a copy to go on with."""
        self._add(now, f"Attempt {self.job.number} began with the agent {self.job.agent}.")
        self._write(now, ProgressStatus.WORKING, 0)
        if self._written is not None:
            with suppress(OSError, errors.StorageFailure):
                self.folder.scratch.mkdir(exist_ok=True)
                write_bytes(self.folder.progress, self._written, mode=0o644, named=False)
                self._seed = inert.clean(self._written.decode())

    def follow(self, stream: AgentStream) -> None:
        """Show what this agent is seen doing from now on."""
        self._stream = stream

    def look(self, now: datetime) -> None:
        """Bring the log up to date where something has changed; at most one write a second."""
        if time.monotonic() - self._at < _WRITE_SECONDS:
            return
        mine = self._agents()
        if mine is not None:
            self._mirror(mine)
            return
        state = self._state()
        if state != self._shown:
            self._shown = state
            self._write(now, ProgressStatus.WORKING, self._percent())

    def _state(self) -> object:
        stream = self._stream
        seen = (tuple(stream.seen), stream.todos, stream.files) if stream is not None else None
        return seen, self._answers, self._odd

    def _percent(self) -> int:
        todos = self._stream.todos if self._stream is not None else ()
        done = sum(1 for todo in todos if todo.state == "done")
        return min(100 * done // len(todos), _NEARLY) if todos else 0

    def agent_ended(self, now: datetime, words: str, *, well: bool) -> None:
        """Record how the agent ended; a program that can't claim anything (`command`) claims the open criteria by its exit status."""
        mine = self._agents()
        if mine is not None:
            self._mirror(mine)
            return
        self._add(now, f"The agent ended with {words}.", last=True)
        if well and self.job.agent == "command":
            self._evidence.update({c.text: f"the steps ended with {words}" for c in self.job.criteria if not c.commands})
        self._write(now, ProgressStatus.WORKING, _NEARLY if well else self._percent())

    def finish(self, now: datetime, checks: tuple[Check, ...], words: str, *, well: bool) -> None:
        """Record the ending and tick what passed."""
        self._final = True
        mine = self._agents()
        if mine is not None:
            self._mirror(mine)
            return
        for check in checks:
            if check.command is not None and all(c.passed for c in checks if c.text == check.text):
                self._evidence[check.text] = "its command passed"
        self._add(now, f"{'Done' if well else 'Failed'}: {words}.", last=True)
        self._write(now, ProgressStatus.DONE if well else ProgressStatus.FAILED, 100 if well else self._percent())

    def read(self) -> Progress:
        """Return what the log says now, whoever wrote it."""
        if not self.ours:
            return read_progress(self.folder.progress, label=self.job.label)
        found = read_progress(self.path, label=self.job.label)
        return replace(found, evidence=(*found.evidence, *self._evidence.items()))

    def _mirror(self, text: str) -> None:
        """Show the agent's own log."""
        content = text.encode("utf-8", "replace")
        if content != self._written:
            self._put(content)

    def _add(self, now: datetime, text: str, *, last: bool = False) -> None:
        if last:
            self._log += self._seen()
            self._ended = True
        self._log.append(_entry(now, text))

    def _seen(self) -> list[str]:
        if self._stream is None or self._ended:
            return []
        return [_entry(at, activity.text) for at, activity in self._stream.seen]

    def _steps(self) -> list[str]:
        rows = [
            f"- [{'x' if c.text in self._evidence else ' '}] {inert.markdown(inert.line(c.text, _MAX_TEXT))}"
            + (f"\n  Evidence: {inert.markdown(self._evidence[c.text])}" if c.text in self._evidence else "")
            for c in self.job.criteria
        ]
        todos = self._stream.todos[:_TODOS] if self._stream is not None else ()
        rows += [f"- [{'x' if t.state == 'done' else ' '}] {inert.markdown(_bare(t.text))}" for t in todos]
        return rows or ["(no completion criteria)"]

    def _write(self, now: datetime, status: ProgressStatus, percent: int) -> None:
        job = self.job
        files = self._stream.files[-_FILES:] if self._stream is not None else ()
        touched = ["## Files", *(f"- {inert.code_span(inert.line(path, _MAX_TEXT))}" for path in files), ""] if files else []
        odd = [f"- The agent's own progress log {self._odd}; it is not read."] if self._odd else []
        rows = [
            "---",
            f"label: {json.dumps(job.label, ensure_ascii=False)}",
            f"attempt: {job.number}",
            f"status: {status.value}",
            f"percent: {percent}",
            f"updated: {write_when(now)}",
            "blockers: []",
            "questions: []",
            "deliverables: []",
            "---",
            f"# {inert.markdown(inert.line(job.name, _MAX_TEXT))}",
            "",
            "## Task Breakdown",
            *self._steps(),
            "",
            "## Log",
            *self._log,
            *self._seen(),
            *self._answers,
            *odd,
            "",
            *touched,
            "## Deliverables",
            "None",
            "",
            "## Blockers",
            "None",
            "",
            "## Questions",
            "None",
            "",
        ]
        self._put("\n".join(rows).encode("utf-8", "replace"))

    def _put(self, content: bytes) -> None:
        self._at = time.monotonic()
        with suppress(OSError, errors.StorageFailure):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Whole it is at any time; an older one after a power cut is as good, as the attempt is lost then.
            write_bytes(self.path, redacted_bytes(content, secrets_of_job(self.job)), mode=0o644, named=self._final)
            self._written = content


def _entry(at: datetime, text: str) -> str:
    return f"- {at:%Y-%m-%d %H:%M} {inert.markdown(inert.line(text, _MAX_TEXT * 2))}"


def _bare(text: str) -> str:
    """Return the text of a to-do without what would read as evidence for a criterion."""
    return _EVIDENCE.sub(r"evidence\1 -", inert.line(text, _MAX_TEXT))
