"""One attempt from its clone to its ending: run the agent, save its work, judge it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from autobuilds import errors
from autobuilds.adapters import processes, pulse
from autobuilds.adapters.processes import Identity
from autobuilds.adapters.supervisor import records
from autobuilds.adapters.supervisor.agent_run import AgentRun, usage_of
from autobuilds.adapters.supervisor.checks import verify
from autobuilds.adapters.supervisor.contained import Container
from autobuilds.adapters.supervisor.derived import DerivedLog
from autobuilds.adapters.supervisor.home import Home
from autobuilds.adapters.supervisor.records import Saved
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.stream import known_session
from autobuilds.adapters.supervisor.tail import read_tail
from autobuilds.adapters.supervisor.waking import Wake
from autobuilds.adapters.supervisor.watch import Finished, Starter, Watcher
from autobuilds.domain.build import DeliverMode, Outcome, Usage
from autobuilds.domain.ending import AttemptFacts, Judgement, MergeFacts, Stop, exit_words, judge
from autobuilds.domain.inert import line, shorten
from autobuilds.domain.moment import Ending
from autobuilds.domain.paths import check_bounds
from autobuilds.ports import CheckedMerge, DiffStat, Job
from autobuilds.records import dataclass, replace

TAIL_BYTES = 4096
#: Characters of the agent's final message that are kept.
SAID = 600
#: How a program ends whose file grew over the limit, contained or not.
_TOO_LARGE = frozenset({-25, 153})
_NOTHING = DiffStat(paths=(), added=0, removed=0)


class Code(Protocol):
    """What an attempt does with Git."""

    def prepare(self) -> None:
        """Make the private clone."""
        ...

    def save(self, message: str) -> Saved:
        """Save everything in the clone as a commit on the build's branch in the owner's repository."""
        ...

    def merge(self, commit: str, message: str) -> CheckedMerge:
        """Merge `commit` onto the base branch in the scratch clone."""
        ...


@dataclass(slots=True)
class AttemptRun:
    """The supervisor's work on one attempt."""

    folder: RunFolder
    job: Job
    code: Code
    now: Callable[[], datetime]
    wake: Wake
    boot: str
    container: Container
    home: Home | None

    def run(self) -> Ending:
        """Run the attempt and return how it ended; raises nothing that the attempt itself can cause."""
        log = DerivedLog(job=self.job, folder=self.folder)
        log.begin(self.now())
        watcher = self._watcher()
        with self.container.agent() as start:
            facts = self._prepare()
            agent = Finished()
            if facts.setup_failure is None and facts.stop is None:
                agent, facts = self._agent(watcher, log, start)
        if agent.exit_code is not None or agent.stop is not None:
            log.agent_ended(
                self.now(),
                exit_words(agent.exit_code) if facts.stop is None else facts.stop.reason,
                well=agent.exit_code == 0 and facts.stop is None and facts.report.ok is not False,
            )
        saved = None
        if facts.setup_failure is None:
            saved, facts = self._harvest(facts)
        if saved is not None and self._worth_checking(facts):
            facts = self._verify(facts, watcher, log, saved.commit)
        facts = replace(facts, stop=facts.stop or self._asked())
        judgement = judge(facts)
        log.finish(self.now(), facts.checks, judgement.reason, well=judgement.outcome is Outcome.PASSED)
        return self._ending(facts, judgement, agent, saved)

    def _watcher(self) -> Watcher:
        pulse.beat(self.folder.pulse)
        return Watcher(
            attempt_id=self.job.attempt_id,
            wake=self.wake,
            asked=self._asked,
            signs=(self.folder.progress,),
            noticed=self._noticed,
            lives=lambda: pulse.beat(self.folder.pulse),
        )

    def _asked(self) -> Stop | None:
        if self.folder.stop.exists():
            request = self.folder.read_stop()
            if request is not None:
                return Stop(outcome=request.outcome, reason=request.reason)
        if self.wake.asked:
            return Stop(outcome=Outcome.LOST, reason="the supervisor was told to stop from outside (shutdown of the machine or a kill)")
        return None

    def _noticed(self, present: frozenset[Identity]) -> None:
        known = records.Known(boot=self.boot, processes=tuple(sorted((p.pid, p.created) for p in present)))
        records.write_record(self.folder.known, known)

    def _prepare(self) -> AttemptFacts:
        try:
            self.code.prepare()
        except (errors.AutobuildsError, OSError) as error:
            return AttemptFacts(setup_failure=f"the code could not be cloned: {line(str(error), 300)}")
        try:
            self.folder.temporary.mkdir(parents=True, exist_ok=True)
            if self.home is not None:
                self.home.prepare(self.folder)
        except (errors.AutobuildsError, OSError) as error:
            return AttemptFacts(setup_failure=line(str(error), 300))
        return AttemptFacts(stop=self._asked())

    def _environment(self, given: dict[str, str]) -> dict[str, str]:
        own = {
            processes.MARKER: self.job.attempt_id,
            "AUTOBUILDS_LABEL": self.job.label,
            "AUTOBUILDS_PROGRESS": str(self.folder.progress),
        }
        return {**given, **own}

    def _agent(self, watcher: Watcher, log: DerivedLog, start: Starter) -> tuple[Finished, AttemptFacts]:
        run = AgentRun(
            job=self.job,
            folder=self.folder,
            container=self.container,
            environment=self._environment(self.container.environment),
            now=self.now,
        )
        end = run.run(watcher, log, start)
        if self.home is not None:
            self.home.bring_back(self.folder)
        agent = end.finished
        stop = agent.stop
        if not agent.clear:
            stop = Stop(outcome=Outcome.AGENT_FAILED, reason="processes of the agent could not be stopped; see `autobuilds doctor`")
        return agent, AttemptFacts(
            setup_failure=end.setup_failure,
            decide_anew=end.decide_anew,
            stop=stop,
            exit_code=agent.exit_code,
            report=end.report,
            may_change_nothing=self.job.may_change_nothing,
        )

    def _harvest(self, facts: AttemptFacts) -> tuple[Saved | None, AttemptFacts]:
        try:
            saved = self.code.save(save_message(self.job))
            records.write_record(self.folder.saved, saved)
        except (errors.AutobuildsError, OSError) as error:
            return None, replace(facts, harvest_failure=line(str(error), 300))
        bounds = check_bounds(
            saved.stat.paths,
            touches=self.job.touches,
            protected=self.job.protected,
            outside_links=saved.outside_links,
            submodules=saved.submodules,
            secrets=saved.secrets,
        )
        return saved, replace(facts, bounds=bounds, changed=bool(saved.stat.paths))

    def _worth_checking(self, facts: AttemptFacts) -> bool:
        if facts.stop is not None or not (facts.changed or facts.may_change_nothing):
            return False
        return judge(replace(facts, changed=True, checks=())).outcome is Outcome.PASSED

    def _verify(self, facts: AttemptFacts, watcher: Watcher, log: DerivedLog, commit: str) -> AttemptFacts:
        job = self.job
        watcher.signs = ()
        verified = verify(
            job.criteria,
            watcher=watcher,
            tree=self.folder.clone_of(job),
            contain=self.container.checks,
            environment=self._environment(self.container.check_environment),
            limits=job.limits,
            outputs=self.folder.checks,
            progress=log.read(),
        )
        facts = replace(facts, checks=verified.checks, stop=verified.stop)
        if job.deliver is DeliverMode.MERGE and facts.changed and judge(facts).outcome is Outcome.PASSED:
            merge, stop = self._merge(watcher, commit)
            facts = replace(facts, merge=merge, stop=stop)
        return facts

    def _merge(self, watcher: Watcher, commit: str) -> tuple[MergeFacts, Stop | None]:
        job = self.job
        onto = job.base_branch or "the base"
        if job.base_branch is None:
            return MergeFacts(onto=onto, failure="the repository was on no branch when the build began"), None
        try:
            merged = self.code.merge(commit, merge_message(job))
        except (errors.AutobuildsError, OSError) as error:
            return MergeFacts(onto=onto, failure=line(str(error), 300)), None
        if merged.commit is None:
            return MergeFacts(onto=merged.onto, conflicts=merged.conflicts), None
        verified = verify(
            job.criteria,
            watcher=watcher,
            tree=merged.scratch,
            contain=self.container.checks,
            environment=self._environment(self.container.check_environment),
            limits=job.limits,
            outputs=self.folder.merged_checks,
            merged=True,
        )
        return MergeFacts(onto=merged.onto, commit=merged.commit, checks=verified.checks), verified.stop

    def _ending(self, facts: AttemptFacts, judgement: Judgement, agent: Finished, saved: Saved | None) -> Ending:
        merge = facts.merge
        stat = saved.stat if saved is not None else _NOTHING
        delivered = merge if merge is not None and mergeable(merge) and judgement.outcome is Outcome.PASSED else None
        ran = agent.exit_code is not None or agent.stop is not None
        report = facts.report
        notes = saved.notes if saved is not None else ()
        if agent.exit_code in _TOO_LARGE:
            notes = (*notes, "a file that the agent wrote grew over the limit of one file (file_limit)")
        return Ending(
            outcome=judgement.outcome,
            reason=judgement.reason,
            ended=self.now(),
            exit_code=agent.exit_code,
            head_commit=saved.commit if saved is not None else None,
            merged_commit=delivered.commit if delivered else None,
            merged_onto=delivered.onto if delivered else None,
            evidence=judgement.evidence,
            checks=(*facts.checks, *(merge.checks if merge else ())),
            usage=usage_of(report, agent) if ran else Usage(),
            changed_paths=stat.paths,
            files_changed=len(stat.paths),
            lines_added=stat.added,
            lines_removed=stat.removed,
            notes=notes,
            tail=read_tail(Path(self.job.log_file), TAIL_BYTES),
            sandbox=self.job.confinement.tier.value if ran else None,
            failure=judgement.failure,
            resets_at=report.resets_at,
            session=known_session(self.job, self.folder, report) if ran else None,
            model=report.model,
            said=None if report.said is None else shorten(report.said, SAID),
        )


def mergeable(merge: MergeFacts) -> bool:
    """Whether a merge was made and every check on it passed."""
    return merge.commit is not None and merge.failure is None and all(c.passed for c in merge.checks)


def save_message(job: Job) -> str:
    """Return the message of the commit that saves an attempt's uncommitted work."""
    return f"{line(job.name, 60)}: work of attempt {job.number}\n\nBuild: {job.label}\nAttempt: {job.number}\n"


def merge_message(job: Job) -> str:
    """Return the message of the merge of a build."""
    return f"Merge build {job.label}: {line(job.name, 60)}\n\nBuild: {job.label}\nAttempt: {job.number}\n"
