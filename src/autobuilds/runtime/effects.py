"""Effects: how each action of a plan is carried out; the table at the end is the whole list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autobuilds import planning
from autobuilds.domain.build import Build, BuildState
from autobuilds.domain.lifecycle import Event, move
from autobuilds.domain.moment import Moment
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.record import Recorder
from autobuilds.runtime.settling import settle
from autobuilds.runtime.starting import start
from autobuilds.store.queue.operations import Complete, FillAdded
from autobuilds.store.workspace import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Carries actions out, one at a time, against what was loaded and observed for the plan."""

    context: Context
    recorder: Recorder
    loaded: Loaded
    moment: Moment

    def apply(self, action: planning.Action) -> None:
        """Carry one action out; raises what its files, Git or runner raise, with nothing half done."""
        HANDLERS[type(action)](self, action)

    def fill_added(self, action: planning.FillAdded) -> None:
        """Write when the task was first seen into its line."""
        with self.recorder.transaction(f"fill {action.label}", hold=True):
            self.recorder.note("added", action.label, "time of entry filled in", transition=False)
            self.recorder.edit(FillAdded(label=action.label, at=self.moment.now))

    def complete_by_hand(self, action: planning.CompleteByHand) -> None:
        """Move a ticked entry to Completed; a build of it that is not over is over now."""
        build = self.loaded.snapshot.ledger.find(action.label)
        with self.recorder.transaction(f"complete {action.label}", hold=True):
            done: Build | None = None
            if build is not None and build.state not in {BuildState.COMPLETED, BuildState.BUILDING}:
                done = replace(build, state=BuildState.COMPLETED, updated=self.moment.now, reason="ticked by the owner", retry_at=None)
            self.recorder.note(Event.COMPLETED, action.label, "ticked by the owner (evidence: claimed)", record=done)
            self.recorder.edit(Complete(label=action.label, at=self.moment.now))
            if done is not None:
                self.recorder.put(self.context.workspace.ledger().with_build(done))

    def close(self, action: planning.Close) -> None:
        """Record that the owner ended a build by editing the queue."""
        build = self.loaded.snapshot.ledger.find(action.label)
        if build is None:
            return
        closed = move(build, action.event, self.moment.now, reason=action.reason)
        with self.recorder.transaction(f"close {action.label}", hold=True):
            self.recorder.note(action.event, action.label, action.reason, record=closed)
            self.recorder.put(self.context.workspace.ledger().with_build(closed))

    def record_approval(self, action: planning.RecordApproval) -> None:
        """Bind an approval typed by hand to the text as it stands."""
        with self.recorder.transaction(f"approve {action.label}", hold=True):
            self.context.proofs.give(action.approval)
            self.recorder.note("approved", action.label, "approved by hand", approval=action.approval)
            self.recorder.put(self.context.workspace.ledger().with_approval(action.approval))

    def drop_approval(self, action: planning.DropApproval) -> None:
        """Forget an approval whose line is gone."""
        with self.recorder.transaction(f"unapprove {action.label}", hold=True):
            self.context.proofs.withdraw(action.label)
            self.recorder.note("unapproved", action.label, "its approval was removed", revoked=action.label, transition=False)
            self.recorder.put(self.context.workspace.ledger().without_approval(action.label))

    def confirm(self, action: planning.Confirm) -> None:
        """Record the process of an attempt that a crash kept from being recorded."""
        build = self.loaded.snapshot.ledger.find(action.label)
        if build is None:
            return
        attempt = replace(action.attempt, pid=action.status.pid, pid_created=action.status.pid_created)
        with self.recorder.transaction(f"adopt {action.label}", hold=True):
            self.recorder.note(
                Event.STARTED, action.label, "running process adopted", attempt=attempt.number, record=build.with_attempt(attempt)
            )
            self.recorder.put(self.context.workspace.ledger().with_build(build.with_attempt(attempt)))

    def settle(self, action: planning.Settle) -> None:
        """Record an ending and do what follows."""
        settle(self.context, self.recorder, self.loaded, action)

    def propose(self, action: planning.Propose) -> None:
        """Open a pull request; where that can't be, the build says why and the next heartbeat tries again."""
        from autobuilds.runtime import proposing

        build = self.context.workspace.ledger().find(action.label)
        if build is None:
            return
        try:
            proposed, attempt = proposing.offer(self.context, build, lambda _: None)
        except AutobuildsError as fault:
            proposing.held(self.context, self.recorder, build, str(fault))
            raise
        proposing.record(self.context, self.recorder, build, attempt, proposed)

    def alert(self, action: planning.Alert) -> None:
        """Mark an attempt as stalled, so that the owner is told once."""
        build = self.loaded.snapshot.ledger.find(action.label)
        if build is None:
            return
        alerted = replace(build, stall_alerted=True)
        with self.recorder.transaction(f"alert {action.label}", hold=True):
            said = "no output, no progress and no CPU use for longer than stall_after"
            self.recorder.note(Event.STALLED, action.label, said, attempt=action.attempt.number, record=alerted)
            self.recorder.put(self.context.workspace.ledger().with_build(alerted))

    def stop_attempt(self, action: planning.StopAttempt) -> None:
        """Stop an attempt's process tree; the next round settles its ending."""
        self.context.runner.cancel(action.attempt.id, action.outcome, action.reason)

    def start(self, action: planning.Start) -> None:
        """Start an attempt."""
        start(self.context, self.recorder, self.loaded, self.moment, action)


#: What carries out what.
HANDLERS: dict[type[planning.Action], Callable[[Effects, Any], None]] = {
    planning.FillAdded: Effects.fill_added,
    planning.CompleteByHand: Effects.complete_by_hand,
    planning.Close: Effects.close,
    planning.RecordApproval: Effects.record_approval,
    planning.DropApproval: Effects.drop_approval,
    planning.Confirm: Effects.confirm,
    planning.Settle: Effects.settle,
    planning.Propose: Effects.propose,
    planning.Alert: Effects.alert,
    planning.StopAttempt: Effects.stop_attempt,
    planning.Start: Effects.start,
}
