"""The owner's word: approve, complete, fail, cancel, stop, retry, reopen, pause; each recorded as a transition."""

from __future__ import annotations

from datetime import datetime

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, Build, BuildState, Outcome, Pause
from autobuilds.domain.labels import is_nameless, slugify
from autobuilds.domain.lifecycle import Event, legal, move, new_tries
from autobuilds.domain.model import Queue, Task
from autobuilds.domain.times import reached
from autobuilds.errors import BadInput, Busy, FatalQueue, NotSo, Refused
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.record import Recorder, recording
from autobuilds.store.queue.operations import Approve, Complete, Reopen
from autobuilds.store.workspace import WRITE_WAIT, Loaded


def find_task(loaded: Loaded, label: str) -> Task:
    """Return the task of a label or name; raises NotSo with the nearest labels, FatalQueue where nothing can be read."""
    queue = loaded.snapshot.queue
    if queue.fatal:
        raise FatalQueue(fatal_message(queue))
    found = queue.find(label) or queue.find(slugify(label))
    if found is None:
        build = loaded.snapshot.ledger.find(slugify(label) or label)
        if build is None:
            from autobuilds.runtime.refusals import unknown

            raise unknown(loaded, label)
        raise NotSo(f'no task "{label}" in the queue any more; autobuilds review {build.label} tells of its build')
    return found


def _subject(context: Context, label: str) -> tuple[str, Task | None]:
    """Return the label that an owner's word is about, and its task; None for a build whose entry is gone from the queue."""
    loaded = context.load()
    try:
        task = find_task(loaded, label)
    except NotSo:
        build = loaded.snapshot.ledger.find(label) or loaded.snapshot.ledger.find(slugify(label))
        if build is None:
            raise
        return build.label, None
    return task.label, task


def fatal_message(queue: Queue) -> str:
    """Return why the queue can't be trusted as a whole, with its place."""
    return "; ".join(str(p) for p in queue.problems) or "the queue can't be read"


def approve(context: Context, label: str, by: str) -> Task:
    """Approve a task as its text stands: the line in the queue, the fingerprint in the ledger, the proof in the owner's home."""
    with recording(context, f"approve {label}") as (recorder, ledger):
        task = find_task(context.load(), label)
        if not task.is_active:
            raise NotSo(f"{task.label} is completed; there is nothing to approve")
        if is_nameless(task) and (fault := next((p for p in task.problems if p.label == task.label and p.line == task.line), None)):
            raise BadInput(f"{fault}; an approval goes by it. Nothing was changed")
        recorded = ledger.approval(task.label)
        same = recorded is not None and recorded.fingerprint == fingerprint(task)
        if task.approved and recorded is not None and same and context.proofs.proven([recorded]):
            return task
        approval = Approval(label=task.label, fingerprint=fingerprint(task), by=by, at=recorder.now)
        context.proofs.give(approval)
        recorder.note("approved", task.label, f"approved by {by}", approval=approval)
        recorder.edit(Approve(label=task.label))
        recorder.put(ledger.with_approval(approval))
        return find_task(context.load(), task.label)


def complete(context: Context, label: str, at: datetime | None = None) -> None:
    """Take a task as done by the owner's word (evidence: claimed); a running attempt is stopped, its work kept."""
    label, _ = _subject(context, label)
    end_attempt(context, label, Outcome.STOPPED, "completed by your word")
    with recording(context, f"complete {label}") as (recorder, ledger):
        task = context.load().snapshot.queue.find(label)
        build = ledger.find(label)
        done = _completed(build, recorder.now) if build is not None else None
        if done is None and (task is None or not task.is_active):
            raise NotSo(f"{label} is completed already")
        recorder.note(Event.COMPLETED, label, "completed by the owner's word (evidence: claimed)", record=done)
        if task is not None and task.is_active:
            recorder.edit(Complete(label=label, at=at or recorder.now, insist=at is not None))
        if done is not None:
            recorder.put(ledger.with_build(done))


def _completed(build: Build, now: datetime) -> Build | None:
    return move(build, Event.COMPLETED, now, reason="completed by the owner's word") if legal(build, Event.COMPLETED) else None


def fail(context: Context, label: str, reason: str) -> None:
    """Take an attempt, or a finished build, as failed by the owner's word: retried, or escalated when tries are used up."""
    label, _ = _subject(context, label)
    if end_attempt(context, label, Outcome.REJECTED, reason):
        return
    from autobuilds.runtime.deliver import rejected

    with recording(context, f"fail {label}") as (recorder, ledger):
        build = _existing(context, ledger.find(label), label, "fail")
        if not legal(build, Event.ESCALATED):
            from autobuilds.runtime.refusals import unfit

            raise unfit(build, "there is no attempt that could fail")
        judged = rejected(context, build.last, reason) if build.state is BuildState.REVIEW and build.last is not None else None
        failed = replace(move(build, Event.ESCALATED, recorder.now, reason=reason, attempt=judged), feedback=reason)
        recorder.note(Event.ESCALATED, label, reason, record=failed)
        task = context.load().snapshot.queue.find(label)
        if task is not None:
            _back_to_active(recorder, task)
        recorder.put(ledger.with_build(failed))


def cancel(context: Context, label: str) -> None:
    """Give a task up: a running attempt is stopped, its work kept on a branch; the line stays in the queue."""
    label, _ = _subject(context, label)
    stopped = end_attempt(context, label, Outcome.STOPPED, "cancelled by you")
    with recording(context, f"cancel {label}") as (recorder, ledger):
        task = context.load().snapshot.queue.find(label)
        build = ledger.find(label)
        now = recorder.now
        if stopped and build is not None and build.state is BuildState.CANCELLED:
            return
        if build is None or not legal(build, Event.CANCELLED):
            if task is None or not task.is_active or (build is not None and build.state is BuildState.CANCELLED):
                raise NotSo(f"{label} is {build.state.value if build else 'completed'} already")
            build = Build(label=label, name=task.name, state=BuildState.CANCELLED, created=now, updated=now)
        else:
            build = move(build, Event.CANCELLED, now, reason="cancelled by you")
        recorder.note(Event.CANCELLED, label, "cancelled by the owner", record=build)
        recorder.put(ledger.with_build(build))


def stop(context: Context, label: str) -> None:
    """Stop a running attempt; its work is kept, and it goes on only when the owner says `retry`."""
    task_label = slugify(label)
    if not end_attempt(context, task_label, Outcome.STOPPED, f"stopped by you; autobuilds retry {task_label} goes on"):
        from autobuilds.runtime.refusals import insist_known

        insist_known(context, label)
        raise NotSo(f"{task_label} is not being built; autobuilds status shows what is")


def retry(context: Context, label: str, *, fresh: bool = False) -> None:
    """Give a failed, stopped or cancelled build new tries, the next one at once."""
    label = slugify(label)
    with recording(context, f"retry {label}") as (recorder, ledger):
        build = _existing(context, ledger.find(label), label, "retry")
        if not legal(build, Event.RETRY):
            from autobuilds.runtime.refusals import unfit

            raise unfit(build, "there is nothing to retry")
        keep = build.last is not None and build.last.outcome in {Outcome.CHECKS_FAILED, Outcome.REJECTED}
        moved = new_tries(
            move(build, Event.RETRY, recorder.now, reason="retried by your word", retry_at=recorder.now), fresh=fresh or not keep
        )
        recorder.note(Event.RETRY, label, "retried by the owner's word", record=moved)
        recorder.put(ledger.with_build(moved))


def reopen(context: Context, label: str) -> None:
    """Put a completed or cancelled task back into Active Queue, to be built again from the branch as it is now."""
    with recording(context, f"reopen {label}") as (recorder, ledger):
        task = find_task(context.load(), label)
        build = ledger.find(task.label)
        moved = None
        if build is not None and legal(build, Event.REOPENED):
            moved = new_tries(move(build, Event.REOPENED, recorder.now, reason="reopened by you", retry_at=recorder.now))
        elif task.is_active:
            raise NotSo(f"{task.label} is open already")
        recorder.note(Event.REOPENED, task.label, "reopened by the owner", record=moved)
        _back_to_active(recorder, task)
        if moved is not None:
            recorder.put(ledger.with_build(moved))


def _back_to_active(recorder: Recorder, task: Task) -> None:
    if not task.is_active:
        recorder.edit(Reopen(label=task.label))


def pause(context: Context, until: datetime | None, reason: str | None) -> Pause:
    """Stop all starts, until a time or until `resume`; what runs goes on."""
    with recording(context, "pause") as (recorder, ledger):
        if until is not None and reached(until, recorder.now):
            raise Refused(f"{until.isoformat(timespec='minutes')} has passed; give a time to come, or none for until further notice")
        held = Pause(since=recorder.now, until=until, reason=reason)
        recorder.note("paused", "", "paused by the owner", pause=held)
        recorder.put(replace(ledger, pause=held))
        return held


def resume(context: Context) -> None:
    """Let starts happen again; raises NotSo where nothing is paused."""
    with recording(context, "resume") as (recorder, ledger):
        if ledger.pause is None:
            raise NotSo("nothing is paused")
        recorder.note("resumed", "", "resumed by the owner", resumed=True)
        recorder.put(replace(ledger, pause=None))


def _existing(context: Context, build: Build | None, label: str, verb: str) -> Build:
    if build is None:
        from autobuilds.runtime.refusals import insist_known

        insist_known(context, label)
        raise NotSo(f"there is no build of {label} to {verb}; autobuilds status shows what there is")
    return build


def end_attempt(context: Context, label: str, outcome: Outcome, reason: str) -> bool:
    """Stop a running attempt and settle its ending; return whether there was one that had not ended by itself.

    Raises Busy where it can't be stopped, or its ending can't be recorded, now.
    """
    from autobuilds.runtime.heartbeat import beat

    build = context.workspace.ledger().find(label)
    if build is None or build.last is None or not build.last.is_open:
        return False
    attempt_id = build.last.id
    context.runner.cancel(attempt_id, outcome, reason)
    beaten = beat(context, start=False, patience=WRITE_WAIT)
    builds = (b for b in context.workspace.ledger().builds if b.label == label)
    attempt = next((a for b in builds for a in b.attempts if a.id == attempt_id), None)
    if attempt is not None and attempt.is_open:
        why = "; ".join(beaten.faults) or "its processes are not gone yet"
        raise Busy(f"{label} could not be stopped and settled now: {why}. Try again in a moment; each heartbeat tries too")
    return attempt is not None and attempt.outcome is outcome and attempt.reason == reason
