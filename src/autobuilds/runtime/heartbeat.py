"""One heartbeat: read the files, decide, act, write the files, commit."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds.domain.build import BuildState, Outcome
from autobuilds.domain.day import steered
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.night import unfinished
from autobuilds.domain.sandbox import Choice
from autobuilds.errors import AutobuildsError, BadInput
from autobuilds.planning import Action, Start
from autobuilds.records import dataclass, field
from autobuilds.runtime.agents_view import sandbox_ahead
from autobuilds.runtime.context import Context
from autobuilds.runtime.looking import Beat, Seen, look, see, see_again
from autobuilds.runtime.observe import refresh_calendars
from autobuilds.runtime.pages import render_status, view_of
from autobuilds.runtime.record import Recorder, recorder_for
from autobuilds.runtime.view_values import count
from autobuilds.store.files.reading import Stamp
from autobuilds.store.ledger import archive, write_archive
from autobuilds.store.workspace import LEDGER, WRITE_WAIT, Loaded

if TYPE_CHECKING:
    from autobuilds.domain.build import Ledger
    from autobuilds.runtime.duties import DutyRun
    from autobuilds.store.files import Lock

__all__ = ["Beat", "beat", "look", "stay"]

#: Rounds of reading and deciding in one heartbeat; each round settles something, so a handful is the rule.
MAX_ROUNDS = 50
#: Seconds that a heartbeat waits for another one to end before it leaves.
PATIENCE = 2.0
#: Heartbeats of `--wait` that find an ended attempt unsettled and can't settle it, until it is left to a later one.
TRIES = 2
#: Seconds between two looks at the builds that `--wait` stays for: at first, as a part of those that they took, and at most.
LOOK_FIRST, LOOK_PART, LOOK_EVERY = 0.03, 0.1, 0.2


@dataclass(slots=True)
class _Round:
    """What is known in the middle of a heartbeat."""

    faults: list[str] = field(default_factory=list)
    #: Actions that failed in this heartbeat; they are tried again in the next.
    given_up: set[tuple[str, str]] = field(default_factory=set)
    sandbox: Choice | None = None


def beat(context: Context, *, start: bool = True, patience: float = PATIENCE) -> Beat:
    """Run one heartbeat; `start` False only looks after what runs and renders (`--monitor`).

    Raises Busy when another heartbeat holds the lock for longer than `patience` seconds (for a minute, after duties), BadInput where the workspace is
    no Git repository: nothing could be built or kept there.
    """
    if not context.repo.root.samefile(context.workspace.root):
        raise BadInput(f"{context.workspace.root} is not the top of its Git repository; put the workspace at {context.repo.root}")
    with context.workspace.lock("heartbeat", "heartbeat", patience) as lock:
        recorder = recorder_for(context)
        context.workspace.recover(context.queue_file(recorder.zone))
        context.repo.heal()
        refresh_calendars(context, recorder.now)
        state = _Round()
        with recorder.transaction("heartbeat"):
            pass
        seen = _rounds(context, recorder, state, start=False)
        archived = _archive(context, recorder, seen.loaded)
        if archived:
            seen = see(context)
        turned = _turned(context, recorder, state, seen)
        if turned:
            seen = see(context)
        duties = _duties(context, recorder, state, seen, lock) if start else ()
        # Where the last look leaves nothing to start and nothing came after it, there is nothing to look at once more.
        if start and (
            seen.plan.actions or duties or turned or archived or state.faults or unfinished(seen.loaded.snapshot.ledger.day) is not None
        ):
            _night(context, recorder, state, see(context) if duties else seen)
            seen = _rounds(context, recorder, state)
        return _finish(context, recorder, state, seen, tuple(duties), archived=archived)


def _turned(context: Context, recorder: Recorder, state: _Round, seen: Seen) -> bool:
    """Record that the owner's context is another one than before, where contexts change anything; return whether it was."""
    snapshot, now = seen.loaded.snapshot, seen.moment.now
    if not steered(snapshot.settings, snapshot.ledger.day, now, [task.window for task in snapshot.queue.active]):
        return False
    from autobuilds.runtime import day

    recorder.now = now
    try:
        return day.turn(context, recorder, seen)
    except AutobuildsError as fault:
        state.faults.append(f"context: {fault}")
        return False


def _duties(context: Context, recorder: Recorder, state: _Round, seen: Seen, lock: Lock) -> tuple[DutyRun, ...]:
    """Run the duties that are due; where their record can't be written, that is said and the heartbeat goes on.

    Their commands may need the heartbeat's lock themselves (`overnight start`, `complete`), so it is given back meanwhile.
    """
    root, config = context.workspace.root, seen.loaded.config
    if not config.duties:
        return ()
    from autobuilds.runtime.duties import anything_due, run_due

    with lock.lent(WRITE_WAIT) if anything_due(root, config, recorder.now) else nullcontext():
        try:
            return tuple(run_due(root, config, recorder.now, context.duty))
        except AutobuildsError as fault:
            state.faults.append(f"duties: {fault}")
            return ()


def _night(context: Context, recorder: Recorder, state: _Round, seen: Seen) -> None:
    """Carry on the overnight session that is not closed yet."""
    if unfinished(seen.loaded.snapshot.ledger.day) is None:
        return
    from autobuilds.runtime import night

    state.faults += night.step(context, recorder, seen)


def _archive(context: Context, recorder: Recorder, loaded: Loaded) -> bool:
    """Move builds that were completed or cancelled more than 30 days ago to the archive; return whether there were any.

    What a task of Active Queue is, or depends on, stays.
    """
    queue = loaded.snapshot.queue
    keep = {label for t in queue.active for label in (t.label, *t.depends_on)}
    if queue.fatal or not archive(loaded.snapshot.ledger, recorder.now, keep=keep)[1]:
        return False
    with recorder.transaction("archive", hold=True):
        ledger, years = archive(context.workspace.ledger(), recorder.now, keep=keep)
        folder = context.workspace.path(LEDGER).parent
        paths = [f"{folder.name}/archive-{year}.jsonl" for year in sorted(years)]
        number = sum(len(lines) for lines in years.values())
        said = f"{count(number, 'build')} older than 30 days moved to the archive"
        recorder.note("archived", "", said, paths=paths, transition=False)
        write_archive(folder, years)
        recorder.put(ledger)
    return True


def _rounds(context: Context, recorder: Recorder, state: _Round, *, start: bool = True) -> Seen:
    """Decide and act until nothing is left to do, or nothing that can be done now; return what was seen last."""
    for _ in range(MAX_ROUNDS):
        seen = see_again(context, see(context)) if start else see(context)
        state.sandbox = sandbox_ahead(seen.loaded.snapshot, seen.moment) or state.sandbox
        actions = [a for a in seen.plan.actions if (start or not isinstance(a, Start)) and _key(a) not in state.given_up]
        if not actions:
            return seen
        from autobuilds.runtime.effects import Effects

        recorder.now = seen.moment.now
        effects = Effects(context=context, recorder=recorder, loaded=seen.loaded, moment=seen.moment)
        for action in actions:
            try:
                effects.apply(action)
            except AutobuildsError as fault:
                state.faults.append(f"{action.label}: {fault}")
                state.given_up.add(_key(action))
            except OSError as error:
                state.faults.append(f"{action.label}: {_said(error)}")
                state.given_up.add(_key(action))
    return see(context)


def _said(error: OSError) -> str:
    """Return a failure of the machine in words."""
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)


def _key(action: Action) -> tuple[str, str]:
    return (type(action).__name__, action.label)


def _finish(
    context: Context, recorder: Recorder, state: _Round, seen: Seen, duties: tuple[DutyRun, ...], *, archived: bool = False
) -> Beat:
    loaded, moment, assessments = seen.loaded, seen.moment, seen.plan.assessments
    view = view_of(context, loaded, moment, assessments, trouble=recorder.trouble)
    page, view = render_status(context, view)
    changed = recorder.publish_status(page, settled=not loaded.snapshot.ledger.active)
    if recorder.transitions:
        _sweep(context, loaded)
    state.faults += recorder.faults
    if recorder.trouble:
        state.faults.append(recorder.trouble)
    if moment.calendar_fault:
        state.faults.append(f"calendar: {moment.calendar_fault}")
    return Beat(
        loaded=loaded,
        moment=moment,
        assessments=assessments,
        view=view,
        transitions=tuple(recorder.transitions),
        duties=duties,
        faults=tuple(state.faults),
        sandbox=state.sandbox,
        changed=changed or archived,
        pending=seen.plan.actions,
    )


def _sweep(context: Context, loaded: Loaded) -> None:
    """Remove what attempts left whose work is in the owner's repository; of a build that goes on the last one's home is needed."""
    builds = loaded.snapshot.ledger.builds
    keep = {a.id for b in builds for a in b.attempts if a.is_open}
    for build in builds:
        if build.state is BuildState.RETRYING:
            begun = [a.id for a in build.attempts if a.outcome is not Outcome.NOT_STARTED]
            keep.update(begun[-1:])
    context.runner.sweep(keep)


def stay(context: Context, first: Beat, tell: Callable[[Beat], None]) -> Beat:
    """Stay until every attempt that `first` and the heartbeats after it started has ended and is settled; return the last of them.

    There is one at each ending. Give a context without `heartbeat_argv`, so that these are the only ones and see everything. An
    ending that can't be settled is tried again when another one comes, and TRIES times in all; it stays for a later heartbeat then.
    """
    labels = {t["label"] for t in first.transitions if t["event"] == Event.START}
    beaten, tries = first, Counter[str]()
    while held := _held(beaten.loaded.snapshot.ledger, labels):
        if all(tries[i] >= TRIES for i in held):
            break
        tell(beaten)
        _stay(context, labels, {i for i in held if tries[i] >= TRIES})
        over = {i for i in held if context.runner.peek(i).over is not None}
        beaten = beat(context, patience=60.0)
        labels |= {t["label"] for t in beaten.transitions if t["event"] == Event.START}
        # What ended while that heartbeat was at work was none of its business yet.
        tries.update(over)
    return beaten


def _held(ledger: Ledger, labels: set[str]) -> set[str]:
    """Return the attempts of these builds that hold a slot: they run, or have ended and are not settled yet."""
    return {b.last.id for b in ledger.active if b.label in labels and b.last is not None}


def _stay(context: Context, labels: set[str], hopeless: set[str]) -> None:
    """Return when one of the running attempts has ended, or another heartbeat has settled it; `hopeless` ones are not waited for."""
    path = context.workspace.path(LEDGER)
    stamp, began = _stamp(path), time.monotonic()
    before = _held(context.workspace.ledger(), labels) - hopeless
    while before:
        time.sleep(min(LOOK_EVERY, LOOK_FIRST + LOOK_PART * (time.monotonic() - began)))
        now = _stamp(path)
        if now != stamp and not before <= _held(context.workspace.ledger(), labels):
            return
        stamp = now
        if any(context.runner.peek(i).over is not None for i in before):
            return


def _stamp(path: Path) -> Stamp | None:
    """Return what changes whenever a file is written anew, or None where it is gone."""
    try:
        return Stamp.of(path.stat())
    except OSError:
        return None
