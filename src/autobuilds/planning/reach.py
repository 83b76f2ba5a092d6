"""What words of the owner's would change about a forecast: an approval, a higher priority, a task taken out of its window. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from autobuilds.domain.lengths import Lengths
from autobuilds.domain.model import Priority, Task
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.times import elapsed
from autobuilds.domain.verdicts import Verdict
from autobuilds.planning.forecast import forecast
from autobuilds.planning.nights import Nightly
from autobuilds.planning.ready import WORDS, word_of, words_for
from autobuilds.planning.timeline import Forecast, Reach
from autobuilds.records import replace


def reach(
    found: Forecast,
    snapshot: Snapshot,
    moment: Moment,
    *,
    lengths: Lengths | None = None,
    nightly: Nightly | None = None,
    reviewed: bool = False,
) -> tuple[Reach, ...]:
    """Return which tasks that a forecast does not reach wait for words of the owner's alone, and when they would start, all being given."""
    asking = (a for a in found.not_reached if a.verdict is Verdict.ASK)
    needs = {a.label: words for a in asking if (words := words_for(a, asking=True))}
    if not needs:
        return ()
    files, then = granted(snapshot, moment, ((label, word) for label, words in needs.items() for word in words))
    hours = round(elapsed(found.start, found.end) / timedelta(hours=1))
    starts = {s.label: s.start for s in forecast(files, then, hours, lengths=lengths, nightly=nightly, reviewed=reviewed).slots}
    return tuple(Reach(label=label, words=words, start=starts.get(label)) for label, words in needs.items())


def granted(snapshot: Snapshot, moment: Moment, words: Iterable[tuple[str, str]]) -> tuple[Snapshot, Moment]:
    """Return files and moment after the owner's words: pairs of a label and a command of `planning.ready.words_for`."""
    given = set(words)
    said = {what: frozenset(label for label, command in given if command == word_of(label, what)) for what in WORDS}
    tasks = tuple(_granted(t, {what for what in WORDS if t.label in said[what]}) for t in snapshot.queue.tasks)
    approved = said["approve"]
    approvals = tuple(a for a in snapshot.ledger.approvals if a.label not in approved)
    later = replace(snapshot, queue=replace(snapshot.queue, tasks=tasks), ledger=replace(snapshot.ledger, approvals=approvals))
    return later, replace(moment, hand_approved=moment.hand_approved | approved, doubted=moment.doubted - approved)


def _granted(task: Task, said: Collection[str]) -> Task:
    if not task.is_active or not said:
        return task
    return replace(
        task,
        approved=task.approved or "approve" in said,
        priority=Priority.HIGH if "raise" in said else task.priority,
        window=None if "unbind" in said else task.window,
    )
