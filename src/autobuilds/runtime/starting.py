"""Starting a build: record the intent and commit it, start, confirm (chapter 3, "Record, start, confirm")."""

from __future__ import annotations

import secrets
from pathlib import Path

from autobuilds.domain.build import Attempt, Build, BuildState, DeliverMode, Outcome
from autobuilds.domain.gates.machine import COMMAND
from autobuilds.domain.lifecycle import Event, begin, move
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Moment
from autobuilds.domain.situation import is_earlier_life
from autobuilds.errors import AutobuildsError, BadInput, Busy, GitBusy, StorageFailure
from autobuilds.planning import Start
from autobuilds.ports import Job, Repo
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.jobs import Base, deliver_mode, job_for
from autobuilds.runtime.record import Recorder
from autobuilds.store.workspace import LEDGER, QUEUE, Loaded


def repository_of(context: Context, task: Task) -> Path:
    """Return the absolute path of the repository that a task builds in; the workspace's own without a Repository field."""
    if task.repository is None:
        return context.workspace.root
    return (context.workspace.root / Path(task.repository).expanduser()).resolve()


def base_of(context: Context, loaded: Loaded, task: Task, build: Build | None) -> Base:
    """Return where the next attempt of a task begins; raises BadInput with what to do where it can't begin.

    A retry keeps the recorded base while it stands; an unreviewed dependency's branch in the same repository is built upon.
    """
    repository = repository_of(context, task)
    repo = context.open_repo(repository)
    last = build.last if build is not None else None
    if build is not None and last is not None and last.base_commit and not build.fresh and _stands(repo, last, task, loaded):
        started = (a for a in reversed(build.attempts) if a.outcome is not Outcome.NOT_STARTED and a.base_commit == last.base_commit)
        return Base(repository=repository, branch=last.base_branch, commit=last.base_commit, start=_start_of(repo, next(started, last)))
    head = repo.head()
    branch = task.base or head.branch
    if branch is None and head.busy is not None:
        raise GitBusy(f"a {head.busy} is in progress in {repository}; {task.label} starts when it is over")
    commit = repo.resolve(branch) if branch else head.commit
    if commit is None:
        what = f"branch {branch} has no commit" if branch else "it has no commit"
        raise BadInput(f"can't build {task.label} in {repository}: {what}. Make a first commit there, or set Base")
    for label in task.depends_on:
        below = loaded.snapshot.ledger.find(label)
        work = below.last if below is not None and below.state is BuildState.REVIEW else None
        if work is not None and work.head_commit and work.repository == str(repository) and repo.resolve(work.head_commit):
            commit = work.head_commit
    return Base(repository=repository, branch=branch, commit=commit, start=commit)


def _stands(repo: Repo, last: Attempt, task: Task, loaded: Loaded) -> bool:
    """Whether the recorded base may be built upon: not work of a dependency that was sent back, or made anew, since."""
    assert last.base_commit is not None
    if repo.resolve(last.base_commit) is None:
        return False
    if not task.depends_on or last.base_branch is None or repo.contains(last.base_branch, last.base_commit):
        return True
    below = (loaded.snapshot.ledger.find(label) for label in task.depends_on)
    return any(
        b is not None and b.last is not None and b.state is BuildState.REVIEW and b.last.head_commit == last.base_commit for b in below
    )


def _start_of(repo: Repo, last: Attempt) -> str:
    """Return the work of the last attempt where it can be built upon: a failed check or a rejection, by a thinking agent."""
    assert last.base_commit is not None
    keeps = last.outcome in {Outcome.CHECKS_FAILED, Outcome.REJECTED} and last.agent != COMMAND
    if keeps and last.head_commit and repo.resolve(last.head_commit):
        return last.head_commit
    return last.base_commit


def start(context: Context, recorder: Recorder, loaded: Loaded, moment: Moment, action: Start) -> None:
    """Record the attempt and commit it, start it, record its process; a fault of the set-up escalates at once."""
    snapshot = loaded.snapshot
    task = snapshot.queue.find(action.label)
    if task is None:
        return
    build = snapshot.ledger.find(task.label)
    if build is not None and is_earlier_life(build, task):
        build = None
    number = len(build.attempts) + 1 if build else 1
    attempt = Attempt(number=number, id=f"{task.label}-{number}-{secrets.token_hex(4)}", agent=action.agent, started=moment.now)
    try:
        base = base_of(context, loaded, task, build)
        job, notes = job_for(context, loaded, moment, task, build, attempt, base)
        base = replace(base, start=job.start_commit)
        keep_branch(context.open_repo(base.repository), job.branch, base, build)
    except (Busy, StorageFailure):
        raise
    except AutobuildsError as fault:
        _refuse(recorder, loaded, task, build, attempt, str(fault))
        return
    attempt = replace(_described(context, attempt, base, job), notes=notes)
    begun = _begun(task, build, attempt, moment, job.deliver)
    with recorder.transaction(f"start {task.label}"):
        said = f"attempt {number} with {action.agent}"
        inputs = inputs_of(context, loaded, moment, action)
        recorder.note(Event.START, task.label, said, attempt=number, record=begun, inputs=inputs)
        ledger = context.workspace.ledger().with_build(begun)
        recorder.put(ledger)
    status = context.runner.submit(job)
    if status.pid is not None:
        started = begun.with_attempt(replace(attempt, pid=status.pid, pid_created=status.pid_created))
        with recorder.transaction(f"confirm {task.label}", hold=True):
            said = f"attempt {number} runs as process {status.pid}"
            recorder.note(Event.STARTED, task.label, said, attempt=number, record=started, transition=False)
            recorder.put(context.workspace.ledger().with_build(started))


def keep_branch(repo: Repo, branch: str, base: Base, build: Build | None) -> None:
    """Give what stands on the branch of a build a name of its own, since the new attempt will take that name.

    It may be the work of an earlier attempt or build, or the owner's commits on top of it.
    """
    tip = repo.resolve(f"refs/heads/{branch}")
    if tip is None or tip in {base.commit, base.start} or (base.branch is not None and repo.contains(base.branch, tip)):
        return
    kept = f"{branch}.kept-{tip[:12]}"
    names = [kept, *(f"{branch}.attempt-{a.number}" for a in (build.attempts if build is not None else ()))]
    if all(repo.resolve(f"refs/heads/{name}") != tip for name in names):
        repo.adopt(repo.root, tip, kept)


def _begun(task: Task, build: Build | None, attempt: Attempt, moment: Moment, deliver: DeliverMode) -> Build:
    if build is None:
        return begin(task, moment.now, attempt, deliver)
    moved = move(build, Event.START, moment.now, reason=build.reason, attempt=attempt)
    return replace(moved, fresh=False, stall_alerted=False, deliver=deliver)


def _described(context: Context, attempt: Attempt, base: Base, job: Job) -> Attempt:
    log = Path(job.log_file).relative_to(context.workspace.root).as_posix()
    return replace(
        attempt,
        repository=str(base.repository),
        base_branch=base.branch,
        base_commit=base.commit,
        branch=job.branch,
        log=log,
        sandbox=job.confinement.tier.value,
        session=job.session,
        resumed=job.resumes,
    )


def _refuse(recorder: Recorder, loaded: Loaded, task: Task, build: Build | None, attempt: Attempt, reason: str) -> None:
    """Escalate a build that can't even begin, its attempt recorded with what stood in the way."""
    now = attempt.started
    ended = replace(attempt, ended=now, outcome=Outcome.SETUP, reason=reason)
    mode = deliver_mode(loaded, task)
    held = begin(task, now, ended, mode) if build is None else move(build, Event.START, now, attempt=ended)
    escalated = move(held, Event.ESCALATED, now, reason=reason)
    from autobuilds.runtime import diary, remembered

    with recorder.transaction(f"refuse {task.label}", hold=True):
        if (said := remembered.ended(escalated, ended)) is not None:
            diary.remember(recorder.context, recorder, now, *said)
        recorder.note(Event.ESCALATED, task.label, reason, attempt=attempt.number, record=escalated)
        recorder.put(recorder.context.workspace.ledger().with_build(escalated))


def inputs_of(context: Context, loaded: Loaded, moment: Moment, action: Start) -> dict[str, object]:
    """Return what the decision to start was made from, for the commit's trailer (`store.inputs`).

    Asked inside the start's transaction: what waited for a commit then has it, unless Git is busy or the owner saved again.
    """
    from autobuilds.store import inputs

    snapshot = loaded.snapshot
    changes = {name: inputs.difference(context.committed(name), text) for name, text in loaded.texts.items()}
    changes[QUEUE] = inputs.difference(_recorded_queue(context, loaded.settings.commits), loaded.document.data)
    return inputs.encode(
        moment,
        loaded.settings,
        wanted={name for name in (snapshot.settings.agent, *(t.agent for t in snapshot.queue.active)) if name is not None},
        digests={
            QUEUE: inputs.digest(loaded.document.data),
            LEDGER: inputs.digest_of_ledger(snapshot.ledger),
            **{name: inputs.digest(text) for name, text in loaded.texts.items() if text is not None},
        },
        changes={name: change for name, change in changes.items() if change is not None},
        head=None if loaded.settings.commits == "current" else context.repo.head().commit,
        at_once=action.at_once,
        agent=action.asked,
        gates={g.gate: g.reason for g in action.assessment.gates},
    )


def _recorded_queue(context: Context, commits: str) -> bytes | None:
    """Return the queue of the newest commit where the tool's commits go, or None where there is none."""
    if commits in {"current", "none"}:
        return context.committed(QUEUE)
    repo = context.repo
    tip = repo.resolve(f"refs/heads/{commits}")
    return repo.read(tip, context.workspace.tracked(QUEUE) or QUEUE) if tip is not None else None
