"""The watch of a simulation: what the product must never do, judged by what the runner saw and what the ledger says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autobuilds.domain.build import Ledger, Outcome
from autobuilds.ports.staging import Run
from autobuilds.runtime.looking import Beat

#: Ways to end in which no agent was ever begun.
_NEVER_BEGAN = frozenset({Outcome.NOT_STARTED, Outcome.SETUP})


def after_beat(beat: Beat, runs: Sequence[Run]) -> Iterator[str]:
    """Yield what is wrong right after a heartbeat."""
    open_ = [r for r in runs if not r.over]
    most = max(beat.loaded.settings.max_concurrent.values())
    if len(open_) > max(most, beat.loaded.settings.overnight_builds):
        yield f"{len(open_)} builds at once: {', '.join(r.label for r in open_)}"
    labels = [r.label for r in open_]
    yield from (f"{label} runs twice at once" for label in {x for x in labels if labels.count(x) > 1})
    yield from (f"{r.label}: attempt {r.attempt} was submitted {r.submitted} times" for r in runs if r.submitted > 1)
    held = {b.last.id for b in beat.loaded.snapshot.ledger.active if b.last is not None}
    yield from (f"{r.label} runs, and the ledger does not know it" for r in open_ if r.attempt not in held)


def at_the_end(ledger: Ledger, runs: Sequence[Run], known: frozenset[str]) -> Iterator[str]:
    """Yield what of the ledger and of the runner's own records does not agree; `known` are attempts from before the simulation."""
    seen = {r.attempt: r for r in runs}
    for build in ledger.builds:
        for attempt in build.attempts:
            run = seen.pop(attempt.id, None)
            if run is None:
                if attempt.outcome not in _NEVER_BEGAN and attempt.id not in known:
                    yield f"{build.label}: attempt {attempt.number} is in the ledger and was never run"
                continue
            if attempt.ended is None and run.over:
                yield f"{build.label}: attempt {attempt.number} is over and not settled"
            if int(attempt.started.timestamp()) != int(run.begun.timestamp()):
                yield f"{build.label}: attempt {attempt.number} began at {run.begun}, the ledger says {attempt.started}"
            if attempt.ended is not None and int(attempt.ended.timestamp()) != int(run.ends.timestamp()):
                yield f"{build.label}: attempt {attempt.number} ended at {run.ends}, the ledger says {attempt.ended}"
    yield from (f"{run.label}: attempt {run.number} was run and is not in the ledger" for run in seen.values())
