"""The agent of an attempt: started contained, followed while it runs, read in the end."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from autobuilds.adapters import processes
from autobuilds.adapters.sandbox.launcher.main import NOT_STARTED
from autobuilds.adapters.supervisor.contained import Container
from autobuilds.adapters.supervisor.derived import DerivedLog
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.stream import AgentStream
from autobuilds.adapters.supervisor.tail import read_tail
from autobuilds.adapters.supervisor.watch import Bounds, Finished, Starter, Watcher
from autobuilds.domain.agents import AgentReport, FailureClass
from autobuilds.domain.budgets import Spending, overspent
from autobuilds.domain.build import Outcome, Usage
from autobuilds.domain.ending import Stop
from autobuilds.domain.inert import line
from autobuilds.ports import Job
from autobuilds.records import dataclass, field, replace

_TAIL_BYTES = 4096
#: Free disk that a build must leave: this part of the disk, but not more than so many bytes.
_FREE_PART, _FREE_BYTES = 50, 1024**3
#: Seconds that one step of stopping may take.
_LONGEST_RUNG = 30.0
#: An agent that keeps to a limit of money may end before it is reached: its next step would go over it.
_NEARLY = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEnd:
    """How the agent ended: what was watched, what its output said, or why it could not begin before the owner acts."""

    finished: Finished = field(default_factory=Finished)
    report: AgentReport = field(default_factory=AgentReport)
    setup_failure: str | None = None
    #: The sandbox that was chosen does not hold; the next decision sees it, and may choose a weaker one that is allowed.
    decide_anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """One run of the agent of a job."""

    job: Job
    folder: RunFolder
    container: Container
    environment: Mapping[str, str]
    now: Callable[[], datetime]

    def run(self, watcher: Watcher, log: DerivedLog, start: Starter) -> AgentEnd:
        """Run the agent to its end or to a limit; its log and progress follow it. Nothing is started in a sandbox that does not hold."""
        job = self.job
        missing = self.container.missing(job.argv[0])
        if missing is not None:
            return AgentEnd(setup_failure=line(self._words(missing), 600))
        fault = self.container.fault()
        if fault is not None:
            return AgentEnd(setup_failure=line(fault, 600), decide_anew=True)
        readable = Path(job.log_file)
        readable.parent.mkdir(parents=True, exist_ok=True)
        readable.unlink(missing_ok=True)
        stream = AgentStream(job=job, folder=self.folder, now=self.now)
        log.follow(stream)

        def look() -> Stop | None:
            stream.look()
            log.look(self.now())
            over = overspent(job.budgets, stream.used())
            return None if over is None else _over(over)

        watcher.looked = look
        finished = watcher.run(
            job.argv,
            cwd=self.folder.clone_of(job),
            environment=self.environment,
            output=stream.out,
            errors=stream.err,
            bounds=self._bounds(),
            stdin=self.folder.prompt if job.prompt_on_stdin else None,
            start=start,
        )
        watcher.looked = None
        report = _by_whose_limit(stream.report(finished.exit_code), job.budgets)
        stream.conceal()
        failure = finished.failure or _not_started(finished, stream)
        return AgentEnd(finished=finished, report=report, setup_failure=None if failure is None else self._words(line(failure, 300)))

    def _words(self, failure: str) -> str:
        return f"the agent {self.job.agent} could not be started: {failure}"

    def _bounds(self) -> Bounds:
        limits = self.job.limits
        clone = self.folder.clone_of(self.job)
        return Bounds(
            seconds=limits.timeout.total_seconds(),
            silence=limits.silence.total_seconds(),
            output_bytes=limits.output_bytes,
            what="the limit of one attempt (timeout)",
            ladder=ladder_of(self.job),
            disk=clone,
            niceness=limits.niceness,
            free_bytes=min(shutil.disk_usage(clone).total // _FREE_PART, _FREE_BYTES),
        )


def _over(spent: Spending) -> Stop:
    """Return the stop of an agent that went over a limit of money or tokens."""
    reason = f"stopped because it went over a budget: {spent}; raise {spent.key} in HEARTBEAT.md"
    return Stop(outcome=Outcome.AGENT_FAILED, reason=reason, failure=FailureClass.BUDGET)


def _by_whose_limit(report: AgentReport, limits: Sequence[Spending]) -> AgentReport:
    """Return a report that names the limit which an agent has kept to itself, where it ended because of one."""
    if report.failure is not FailureClass.BUDGET or report.cost_usd is None:
        return report
    usage = Usage(cost_usd=report.cost_usd / _NEARLY)
    spent = overspent([limit for limit in limits if limit.unit == "USD"], usage)
    if spent is None:
        return report
    told = f"{report.error or 'it ended'}; what was left of {spent.key} in HEARTBEAT.md is used up, raise it to go on"
    return replace(report, error=told)


def _not_started(finished: Finished, stream: AgentStream) -> str | None:
    """Return why what contains the agent could not start it, or None."""
    if finished.exit_code != NOT_STARTED or finished.stop is not None:
        return None
    said = read_tail(stream.err or stream.out, _TAIL_BYTES).strip()
    return said.removeprefix("autobuilds: ") if said.startswith("autobuilds: ") and "\n" not in said else None


def usage_of(report: AgentReport, finished: Finished) -> Usage:
    """Return what an attempt used: as sampled, and as its agent reported."""
    return Usage(
        cpu_seconds=round(finished.cpu_seconds, 3),
        peak_rss_bytes=finished.peak_rss_bytes or None,
        tokens_in=report.tokens_in,
        tokens_out=report.tokens_out,
        cost_usd=report.cost_usd,
    )


def ladder_of(job: Job) -> tuple[processes.Rung, ...]:
    """Return how the agent is stopped: as its preset says, always with SIGKILL in the end, or in the usual way."""
    if not job.stop:
        return processes.PLAIN_LADDER if job.agent == "command" else processes.LADDER
    rungs = []
    for step in job.stop:
        number = getattr(signal, step.signal, None)
        if isinstance(number, signal.Signals) and number is not signal.SIGKILL:
            seconds = min(max(step.seconds, 0.0), _LONGEST_RUNG)
            rungs.append(processes.Rung(number=number, seconds=seconds, everyone=number is not signal.SIGINT))
    return (*rungs, processes.LADDER[-1])
