"""A runner in memory: an attempt runs until the test says how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending, RunState, RunStatus
from autobuilds.ports import Job


@dataclass(slots=True)
class FakeRunner:
    """Implements `ports.Runner`; `jobs` are those that were really started, in order."""

    now: datetime = datetime(2026, 2, 6, 15, tzinfo=UTC)
    jobs: list[Job] = field(default_factory=list)
    runs: dict[str, RunStatus] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    #: The next submit starts nothing, as if the machine had gone down right after the intent.
    crash_next: bool = False

    def submit(self, job: Job) -> RunStatus:
        """Start the attempt unless its id is known."""
        if job.attempt_id not in self.runs:
            if self.crash_next:
                self.crash_next = False
                return RunStatus(state=RunState.QUEUED)
            self.jobs.append(job)
            pid = 1000 + len(self.jobs)
            self.runs[job.attempt_id] = RunStatus(state=RunState.RUNNING, pid=pid, pid_created=1.0, active_at=self.now)
        return self.runs[job.attempt_id]

    def poll(self, attempt_id: str) -> RunStatus:
        """Return what is known; an unknown attempt never begins after this."""
        return self.runs.setdefault(attempt_id, RunStatus(state=RunState.NOT_STARTED))

    def peek(self, attempt_id: str) -> RunStatus:
        """Return what is known, and remember nothing of the question."""
        return self.runs.get(attempt_id, RunStatus(state=RunState.NOT_STARTED))

    def logs(self, attempt_id: str, limit: int = 65536, *, raw: bool = False) -> str:
        """Return what the test put into `outputs`."""
        return self.outputs.get(attempt_id, "")[-limit:]

    def cancel(self, attempt_id: str, outcome: Outcome, reason: str) -> RunStatus:
        """End the attempt with this outcome, unless it has ended."""
        if self.poll(attempt_id).ending is None:
            self.end(attempt_id, Ending(outcome=outcome, reason=reason, ended=self.now))
        return self.runs[attempt_id]

    def capacity(self) -> int | None:
        """Return None: no limit."""
        return None

    def sweep(self, keep: set[str]) -> int:
        """Remove nothing."""
        return 0

    def end(self, attempt_id: str, ending: Ending) -> None:
        """Let an attempt end."""
        state = RunState.LOST if ending.outcome is Outcome.LOST else RunState.ENDED
        self.runs[attempt_id] = replace(self.poll(attempt_id), state=state, ending=ending)

    def shows_life(self, attempt_id: str, at: datetime, percent: int | None = None) -> None:
        """Let an attempt show a sign of life."""
        self.runs[attempt_id] = replace(self.runs[attempt_id], active_at=at, percent=percent)

    def doubt(self, attempt_id: str) -> None:
        """Let the runner not know."""
        self.runs[attempt_id] = RunStatus(state=RunState.UNKNOWN)
