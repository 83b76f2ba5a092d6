"""Jobs: everything that the runner needs for one attempt, put together from task, settings, agent and sandbox."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from autobuilds.domain.budgets import Spending, money_left, reported, spendings
from autobuilds.domain.build import Attempt, Build, DeliverMode
from autobuilds.domain.gates.machine import COMMAND
from autobuilds.domain.manner import MANNERS, Intensity
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Moment
from autobuilds.domain.paths import protected_patterns
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Shared
from autobuilds.ports import Invocation, Job, Limits
from autobuilds.records import dataclass
from autobuilds.runtime.confining import confinement
from autobuilds.runtime.context import Context
from autobuilds.runtime.prompt import prompt_for, scratch_of
from autobuilds.runtime.resuming import Interrupted, clone_of, home_of, interrupted
from autobuilds.store.workspace import Loaded

#: By how much builds yield the processor that start while the owner works on the machine.
YIELDING = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where a build begins: the repository, the branch it will be delivered to, the commit it is judged against."""

    repository: Path
    branch: str | None
    commit: str
    #: Where this attempt begins: the base, or the work of the attempt before.
    start: str


def deliver_mode(loaded: Loaded, task: Task) -> DeliverMode:
    """Return how a task's work is delivered: the configuration's line, else the policy's column, else the default."""
    return loaded.snapshot.policy.delivery(task.category, loaded.settings.deliver)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agent:
    """How the agent is run: its invocation, its prompt, what is odd about that, the session that it goes on with."""

    invocation: Invocation
    prompt: str
    notes: tuple[str, ...]
    resumed: Interrupted | None


def job_for(
    context: Context, loaded: Loaded, moment: Moment, task: Task, build: Build | None, attempt: Attempt, base: Base
) -> tuple[Job, tuple[str, ...]]:
    """Return everything the runner needs for an attempt, and what is odd about it in words; raises BadInput where it can't begin."""
    workspace, settings = context.workspace, loaded.settings
    timeout = timedelta(minutes=task.timeout_minutes) if task.timeout_minutes else settings.timeout
    budgets = _budgets(loaded, moment, build)
    agent = _agent(context, settings, task, build, attempt, base, timeout, money_left(budgets))
    resumed, invocation = agent.resumed, agent.invocation
    home = home_of(context, task.label)
    clone = resumed.clone if resumed is not None else clone_of(context, attempt.id)
    contained = confinement(
        settings,
        moment.tiers,
        invocation,
        hidden=(workspace.root, base.repository),
        writable=(clone, scratch_of(context, attempt)),
    )
    job = Job(
        attempt_id=attempt.id,
        label=task.label,
        name=task.name,
        number=attempt.number,
        agent=attempt.agent,
        argv=invocation.argv,
        prompt=agent.prompt,
        prompt_on_stdin=invocation.prompt_on_stdin,
        environment=invocation.environment,
        check_environment=check_environment(context, settings, attempt),
        workspace=str(workspace.root),
        repository=str(base.repository),
        base_branch=base.branch,
        base_commit=base.commit,
        start_commit=(resumed.commit or base.commit) if resumed is not None else base.start,
        branch=f"build/{task.label}",
        criteria=task.criteria,
        deliver=deliver_mode(loaded, task),
        touches=task.touches,
        protected=protected_patterns(in_workspace=base.repository == workspace.root, extra=settings.protected),
        may_change_nothing=says_no_change(task),
        limits=_limits(settings, timeout, _niceness(loaded, moment)),
        budgets=budgets,
        progress_file=str(workspace.progress_file(task.label)),
        log_file=str(workspace.log_file(task.label, attempt.number)),
        rules=invocation.rules,
        session=invocation.session,
        resumes=invocation.resumes,
        stop=invocation.stop,
        confinement=contained,
        credentials=invocation.credentials,
        clone=str(clone) if resumed is not None else None,
        home=str(home),
        then=context.heartbeat_argv,
    )
    return job, agent.notes


def check_environment(context: Context, settings: Settings, attempt: Attempt) -> dict[str, str]:
    """Return the environment of an attempt's checks: what the owner lets through, and no agent's keys."""
    folder = context.workspace.run_folder(attempt.id)
    return context.agents.invocation(COMMAND, run_folder=folder, steps=":", passed=settings.environment).environment


def _budgets(loaded: Loaded, moment: Moment, build: Build | None) -> tuple[Spending, ...]:
    """Return the limits of money and tokens with what was used of them, by what runs now too."""
    live = {attempt: run.usage for attempt, run in moment.runs.items() if run.usage is not None}
    return reported(spendings(loaded.snapshot.ledger, build, loaded.settings, moment.now, live))


def _agent(
    context: Context,
    settings: Settings,
    task: Task,
    build: Build | None,
    attempt: Attempt,
    base: Base,
    timeout: timedelta,
    money: float | None,
) -> _Agent:
    """Return how the agent is run: in the session of an interrupted attempt where it can go on with that, else anew."""
    resumed = interrupted(context, build, attempt.agent)
    if resumed is not None and not _same_ground(context, build, base, resumed):
        resumed = None
    for session in (resumed, None) if resumed is not None else (None,):
        prompt, notes = prompt_for(
            context,
            task,
            build,
            attempt,
            continues=base.start != base.commit,
            resumed=session is not None,
            timeout=timeout,
            may_change_nothing=says_no_change(task),
        )
        invocation = context.agents.invocation(
            attempt.agent,
            run_folder=context.workspace.run_folder(attempt.id),
            steps=task.steps,
            passed=settings.environment,
            model=settings.model.get(attempt.agent, settings.model.get("default")),
            resume=session.session if session is not None else None,
            clone=session.clone if session is not None else None,
            prompt=prompt,
            money=money,
        )
        if session is None or invocation.resumes:
            break
    return _Agent(invocation=invocation, prompt=prompt, notes=notes, resumed=session)


def _same_ground(context: Context, build: Build | None, base: Base, resumed: Interrupted) -> bool:
    """Whether the interrupted work began where this attempt would, and is still there."""
    last = build.last if build is not None else None
    if last is None or last.repository != str(base.repository) or last.base_commit != base.commit:
        return False
    return resumed.commit is None or context.open_repo(base.repository).resolve(resumed.commit) is not None


def _niceness(loaded: Loaded, moment: Moment) -> int:
    """Return by how much what starts now yields the processor: while the owner works on the machine it does."""
    context = Shared(loaded.snapshot, moment).context.context
    return YIELDING if MANNERS[context].intensity is Intensity.LIGHT else 0


def _limits(settings: Settings, timeout: timedelta, niceness: int) -> Limits:
    return Limits(
        niceness=niceness,
        timeout=timeout,
        silence=2 * settings.stall_after,
        check_timeout=settings.check_timeout,
        output_bytes=settings.output_limit * 1024 * 1024,
    )


def says_no_change(task: Task) -> bool:
    """Whether the task itself says that changing nothing may be right (`Deliverables: none`)."""
    return any(d.strip().casefold() in {"none", "no change", "nothing"} for d in task.deliverables)
