"""The progress log as the supervisor writes it: at the start for every agent, to the end for those that can't write one."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters.supervisor.records import write_bytes
from autobuilds.domain import inert
from autobuilds.domain.build import Check
from autobuilds.domain.progress import Progress, ProgressStatus
from autobuilds.ports import Job
from autobuilds.store.progress import read_progress, write_when

_MAX_TEXT = 200


@dataclass(slots=True)
class DerivedLog:
    """The progress log of one attempt; as soon as the agent has written it, it is the agent's alone."""

    job: Job
    _log: list[str] = field(default_factory=list)
    _evidence: dict[str, str] = field(default_factory=dict)
    _written: bytes | None = None

    @property
    def path(self) -> Path:
        """Return the file."""
        return Path(self.job.progress_file)

    @property
    def ours(self) -> bool:
        """Whether the file is still as the supervisor left it."""
        if self._written is None:
            return False
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        with os.fdopen(fd, "rb") as file:
            return file.read(len(self._written) + 1) == self._written

    def begin(self, now: datetime) -> None:
        """Write the first state, in place of an earlier attempt's log."""
        self._add(now, f"Attempt {self.job.number} began with the agent {self.job.agent}.")
        self._write(now, ProgressStatus.WORKING, 0)

    def agent_ended(self, now: datetime, words: str, *, well: bool) -> None:
        """Record how the agent ended; a program that can't claim anything (`command`) claims the open criteria by its exit status."""
        if not self.ours:
            return
        self._add(now, f"The agent ended with {words}.")
        if well and self.job.agent == "command":
            self._evidence.update({c.text: f"the steps ended with {words}" for c in self.job.criteria if not c.commands})
        self._write(now, ProgressStatus.WORKING, 90 if well else 0)

    def finish(self, now: datetime, checks: tuple[Check, ...], words: str, *, well: bool) -> None:
        """Record the ending and tick what passed."""
        if not self.ours:
            return
        for check in checks:
            if check.command is not None and all(c.passed for c in checks if c.text == check.text):
                self._evidence[check.text] = "its command passed"
        self._add(now, f"{'Done' if well else 'Failed'}: {words}.")
        self._write(now, ProgressStatus.DONE if well else ProgressStatus.FAILED, 100 if well else 0)

    def read(self) -> Progress:
        """Return what the log says now, whoever wrote it."""
        found = read_progress(self.path, label=self.job.label)
        return replace(found, evidence=(*found.evidence, *self._evidence.items())) if self.ours else found

    def _add(self, now: datetime, text: str) -> None:
        self._log.append(f"- {now:%Y-%m-%d %H:%M} {inert.markdown(inert.line(text, _MAX_TEXT * 2))}")

    def _write(self, now: datetime, status: ProgressStatus, percent: int) -> None:
        job = self.job
        steps = [
            f"- [{'x' if c.text in self._evidence else ' '}] {inert.markdown(inert.line(c.text, _MAX_TEXT))}"
            + (f"\n  Evidence: {inert.markdown(self._evidence[c.text])}" if c.text in self._evidence else "")
            for c in job.criteria
        ]
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
            *(steps or ["(no completion criteria)"]),
            "",
            "## Log",
            *self._log,
            "",
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
        content = "\n".join(rows).encode()
        with suppress(OSError, errors.StorageFailure):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self.path, content, mode=0o644)
            self._written = content
