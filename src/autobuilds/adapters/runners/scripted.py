"""The runner of a simulation: attempts take the time and the turn that a script gives them, and commit work of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from autobuilds.adapters.simulated.machine import passed
from autobuilds.domain.build import Check, DeliverMode, Evidence, Outcome, Usage
from autobuilds.domain.ending import AttemptFacts, MergeFacts, Stop, judge
from autobuilds.domain.inert import line
from autobuilds.domain.moment import Ending, RunState, RunStatus
from autobuilds.domain.retry import later
from autobuilds.errors import AutobuildsError
from autobuilds.ports import DiffStat, Identity, Job, Repo
from autobuilds.ports.staging import Run, Script, Turn
from autobuilds.records import dataclass, field
from autobuilds.store.files import make_folder, write_atomic
from autobuilds.store.progress_text import append_log, new_progress

#: Who commits what a simulated build made.
_BUILDER = Identity(name="A simulated agent", email="agent@localhost")
#: Share of one core that a simulated build uses while it works.
_CPU = 0.4
#: Outcomes at which the agent's work is there, whatever it is worth.
_WORKED = frozenset({Outcome.PASSED, Outcome.CHECKS_FAILED})
_MERGED = "Merge build {job.label}: {name}\n\nBuild: {job.label}\nAttempt: {job.number}\n"


@dataclass(slots=True, kw_only=True)
class _Played:
    """One attempt: what was asked for, what the script says of it, and what became of it."""

    job: Job
    turn: Turn
    run: Run
    pid: int
    ending: Ending | None = None


@dataclass(slots=True, kw_only=True)
class ScriptedRunner:
    """Implements `ports.StagedRunner`; `clock` tells the time, `open_repo` opens the throw-away repositories, and no others."""

    clock: Callable[[], datetime]
    open_repo: Callable[[Path], Repo]
    script: Script
    _played: dict[str, _Played] = field(default_factory=dict)

    def submit(self, job: Job) -> RunStatus:
        """Begin the attempt unless its id was ever submitted, and return what is known of it."""
        known = self._played.get(job.attempt_id)
        if known is not None:
            known.run.submitted += 1
            return self.poll(job.attempt_id)
        turn, now = self.script(job), self._now()
        ends, outcome = _end_of(job, turn, now)
        run = Run(attempt=job.attempt_id, label=job.label, number=job.number, agent=job.agent, begun=now, ends=ends, outcome=outcome)
        self._played[job.attempt_id] = _Played(job=job, turn=turn, run=run, pid=10_000 + len(self._played))
        text = new_progress(label=job.label, name=job.name, attempt=job.number, agent=job.agent, now=now, criteria=job.criteria)
        make_folder(Path(job.progress_file).parent)
        write_atomic(Path(job.progress_file), append_log(text, "begun (simulated)", now).encode())
        return self.poll(job.attempt_id)

    def poll(self, attempt_id: str) -> RunStatus:
        """Return what is known of an attempt; one that was never submitted never will be."""
        played = self._played.get(attempt_id)
        if played is None:
            return RunStatus(state=RunState.NOT_STARTED)
        if played.ending is None and played.run.ends <= self._now():
            self._finish(played)
        return self._status(played)

    def peek(self, attempt_id: str) -> RunStatus:
        """Return the same: what a simulated attempt leaves needs no clearing up."""
        return self.poll(attempt_id)

    def logs(self, attempt_id: str, limit: int = 65536, *, raw: bool = False) -> str:
        """Return one line: a simulated agent prints nothing."""
        played = self._played.get(attempt_id)
        return "" if played is None else f"simulated: {played.run.outcome.value}\n"

    def cancel(self, attempt_id: str, outcome: Outcome, reason: str) -> RunStatus:
        """Stop an attempt now; one that has ended stays as it ended."""
        played = self._played.get(attempt_id)
        if played is None:
            return RunStatus(state=RunState.NOT_STARTED)
        if self.poll(attempt_id).state is RunState.RUNNING:
            self._stop(played, outcome, reason)
        return self._status(played)

    def capacity(self) -> int | None:
        """Return None: the settings limit the number."""
        return None

    def sweep(self, keep: set[str]) -> int:
        """Remove nothing: nothing is left but records in memory."""
        return 0

    def next_end(self) -> datetime | None:
        """Return when the next attempt ends by itself, or None where none runs."""
        return min((p.run.ends for p in self._played.values() if not p.run.over), default=None)

    def power_off(self) -> tuple[str, ...]:
        """Lose every attempt that runs, and return their labels."""
        running = [p for p in self._played.values() if self.poll(p.job.attempt_id).state is RunState.RUNNING]
        for played in running:
            self._stop(played, Outcome.LOST, "the supervisor ended without an exit record (reboot or kill)")
        return tuple(p.job.label for p in running)

    def runs(self) -> Sequence[Run]:
        """Return every attempt that was begun, in the order of their starts."""
        return [p.run for p in self._played.values()]

    def _now(self) -> datetime:
        """Return the clock in UTC, where moments compare by what they are, to the second as records keep it."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def _status(self, played: _Played) -> RunStatus:
        if played.ending is not None:
            state = RunState.LOST if played.ending.outcome is Outcome.LOST else RunState.ENDED
            return RunStatus(state=state, pid=played.pid, pid_created=1.0, ending=played.ending)
        run, now, quiet = played.run, self._now(), played.turn.silent_after
        alive = now if quiet is None else min(now, later(run.begun, quiet))
        percent = min(99, int(100 * ((alive - run.begun) / max(played.turn.length, alive - run.begun)))) if alive > run.begun else 0
        return RunStatus(state=RunState.RUNNING, pid=played.pid, pid_created=1.0, active_at=alive, percent=percent)

    def _stop(self, played: _Played, outcome: Outcome, reason: str) -> None:
        now = self._now()
        played.run.ends, played.run.outcome, played.run.over = now, outcome, True
        played.ending = Ending(outcome=outcome, reason=reason, ended=now, sandbox=played.job.confinement.tier.value)

    def _finish(self, played: _Played) -> None:
        """Make what a supervisor makes of an attempt that is over: work, checks, merge, judgement, exit record."""
        job, turn, run = played.job, played.turn, played.run
        run.over = True
        repo = self.open_repo(Path(job.repository))
        head = self._work(repo, job) if run.outcome in _WORKED else None
        changed = head is not None and head != job.base_commit
        stat = repo.diff(job.base_commit, head) if head is not None else DiffStat(paths=(), added=0, removed=0)
        worked = run.outcome in _WORKED
        checks = passed(job.criteria, failing=run.outcome is Outcome.CHECKS_FAILED) if worked else ()
        merge = self._merged(repo, job, head) if run.outcome is Outcome.PASSED and changed and head is not None else None
        facts = AttemptFacts(
            stop=_stop_of(run),
            exit_code=1 if run.outcome is Outcome.AGENT_FAILED else 0,
            changed=changed,
            may_change_nothing=job.may_change_nothing,
            checks=checks,
            merge=merge,
        )
        verdict = judge(facts)
        seconds = (run.ends - run.begun).total_seconds()
        played.ending = Ending(
            outcome=verdict.outcome,
            reason=turn.reason or verdict.reason,
            ended=run.ends,
            exit_code=facts.exit_code,
            head_commit=head,
            merged_commit=merge.commit if merge is not None and verdict.evidence is Evidence.MERGED else None,
            merged_onto=merge.onto if merge is not None else None,
            evidence=verdict.evidence,
            checks=(*checks, *(merge.checks if merge is not None else ())),
            usage=Usage(cpu_seconds=round(seconds * _CPU, 1), peak_rss_bytes=200 * 1024 * 1024),
            changed_paths=stat.paths,
            files_changed=len(stat.paths),
            lines_added=stat.added,
            lines_removed=stat.removed,
            sandbox=job.confinement.tier.value,
            failure=turn.failure,
            resets_at=later(run.ends, turn.resets_after) if turn.resets_after is not None else None,
        )
        self._tell(job, checks, run.ends)
        run.outcome = verdict.outcome

    def _work(self, repo: Repo, job: Job) -> str | None:
        """Commit a file of the task's own on top of where the attempt began, and return the commit; None where nothing may change."""
        if job.may_change_nothing:
            return None
        path, branch = _path_of(job), f"build/{job.label}.simulated"
        text = (repo.read(job.start_commit, path) or b"") + f"{job.name}: attempt {job.number}, simulated.\n".encode()
        repo.adopt(repo.root, job.start_commit, branch)
        made = repo.commit([path], f"{job.name}\n\nSimulated work.", author=_BUILDER, branch=branch, texts={path: text})
        repo.delete_branch(branch)
        return made or job.start_commit

    def _merged(self, repo: Repo, job: Job, head: str) -> MergeFacts | None:
        """Merge the work as a supervisor does where it is to be delivered so."""
        if job.deliver is not DeliverMode.MERGE or job.base_branch is None:
            return None
        scratch = Path(job.workspace) / ".autobuilds" / "runs" / job.attempt_id / "merge"
        try:
            merged = repo.merge(job.base_branch, head, scratch, _MERGED.format(job=job, name=line(job.name, 60)))
        except AutobuildsError as fault:
            return MergeFacts(onto=job.base_commit, failure=str(fault))
        checks = passed(job.criteria, merged=True) if merged.commit else ()
        return MergeFacts(onto=merged.onto, commit=merged.commit, conflicts=merged.conflicts, checks=checks)

    def _tell(self, job: Job, checks: Sequence[Check], when: datetime) -> None:
        """Write the end into the progress log, as a supervisor does."""
        path = Path(job.progress_file)
        with suppress(OSError):
            said = f"ended (simulated): {sum(c.passed for c in checks)} of {len(checks)} criteria met"
            write_atomic(path, append_log(path.read_bytes().decode(), said, when).encode())


def _end_of(job: Job, turn: Turn, begun: datetime) -> tuple[datetime, Outcome]:
    """Return when and how an attempt ends if nobody stops it: by itself, at its time limit, or at the limit of silence."""
    timeout = later(begun, job.limits.timeout)
    if turn.silent_after is not None:
        silent = later(begun, turn.silent_after + job.limits.silence).replace(microsecond=0)
        return (timeout, Outcome.TIMEOUT) if timeout <= silent else (silent, Outcome.STALLED)
    ends = later(begun, turn.length).replace(microsecond=0)
    return (timeout, Outcome.TIMEOUT) if timeout < ends else (ends, turn.outcome)


def _stop_of(run: Run) -> Stop | None:
    words = {Outcome.TIMEOUT: "stopped at its time limit", Outcome.STALLED: "stopped after too long without output, progress or CPU use"}
    if run.outcome in words:
        return Stop(outcome=run.outcome, reason=words[run.outcome])
    return None


def _path_of(job: Job) -> str:
    """Return the file that the work is in: the first path that the task may touch, else one of its own."""
    plain = [t.strip("/") for t in job.touches if not any(sign in t for sign in "*?[")]
    if plain and not plain[0].startswith("."):
        return plain[0] if "." in plain[0].rpartition("/")[2] else f"{plain[0]}/{job.label}.txt"
    return f"simulated/{job.label}.txt"
