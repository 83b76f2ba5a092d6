"""The figures of a simulation: from the ledger, from the runner's own records, and from what was told on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from autobuilds.domain.build import Build, BuildState, Evidence, Ledger, Outcome
from autobuilds.domain.verdicts import Verdict
from autobuilds.ports.staging import Run
from autobuilds.runtime.context import Context
from autobuilds.runtime.looking import look
from autobuilds.runtime.simulation.values import Tale, Where

_VERIFIED = frozenset({Evidence.CHECKED, Evidence.MERGED})
_FINISHED = frozenset({BuildState.REVIEW, BuildState.COMPLETED})


def figures(ledger: Ledger, runs: Sequence[Run], tale: Tale, wrong: Sequence[str]) -> dict[str, float]:
    """Return the figures by name; hours are those that builds ran."""
    finished = [b for b in ledger.builds if b.state in _FINISHED and b.attempts]
    hours = sum((r.ends - r.begun).total_seconds() for r in runs if r.over) / 3600
    return {
        "heartbeats": tale.counts["beats"],
        "heartbeats_still": tale.counts["still"],
        "heartbeats_missed": tale.counts["skipped-beats"],
        "attempts": len(runs),
        "builds": len({r.label for r in runs}),
        "finished": len(finished),
        "verified": sum(1 for b in finished if _grade(b) in _VERIFIED),
        "claimed": sum(1 for b in finished if _grade(b) not in _VERIFIED),
        "failed_attempts": sum(1 for r in runs if r.over and r.outcome not in {Outcome.PASSED, Outcome.LOST}),
        "lost_attempts": sum(1 for r in runs if r.outcome is Outcome.LOST),
        "retried": sum(1 for r in runs if r.number > 1),
        "escalated": tale.counts["escalated"],
        "most_at_once": _most_at_once(runs),
        "hours": round(hours, 1),
        "nights": tale.counts["night-started"],
        "outages": tale.counts["off"],
        "disk_full": tale.counts["full"],
        "faults": tale.counts["fault"],
        "violations": len(wrong),
    }


def per_place(runs: Sequence[Run], places: Mapping[str, Where]) -> dict[str, dict[str, int]]:
    """Return how many attempts began in each context, in each window that was open by the clock, and in overnight sessions."""
    found = [places[r.attempt] for r in runs if r.attempt in places]
    windows = Counter(name for place in found for name in place.windows)
    return {
        "context": dict(sorted(Counter(place.context for place in found).items())),
        "window": dict(sorted(windows.items())),
        "night": {"in a session": sum(place.night for place in found), "outside": sum(not place.night for place in found)},
    }


def _grade(build: Build) -> Evidence | None:
    return build.last.evidence if build.last is not None else None


def _most_at_once(runs: Sequence[Run]) -> int:
    """Return how many attempts ran at the same time at most; one that ends when another begins makes room for it."""
    moves = sorted([(r.begun.timestamp(), 1) for r in runs] + [(r.ends.timestamp(), -1) for r in runs if r.over])
    most = now = 0
    for _, move in moves:
        now += move
        most = max(most, now)
    return most


def tasks(context: Context) -> tuple[dict[str, str], ...]:
    """Return where every task stands in the end: its build's state, or its verdict, and why."""
    beat = look(context)
    held = {a.label: a for a in beat.assessments}
    found: list[dict[str, str]] = []
    ledger = beat.loaded.snapshot.ledger
    for task in beat.loaded.snapshot.queue.tasks:
        build = ledger.find(task.label)
        assessment = held.get(task.label)
        if build is not None and build.state is not BuildState.RETRYING:
            state, why = build.state.value, build.reason or ""
        elif assessment is not None:
            state = (
                "retrying" if build is not None else {Verdict.GO: "ready", Verdict.WAIT: "waiting", Verdict.ASK: "asks"}[assessment.verdict]
            )
            why = "; ".join(g.reason for g in assessment.obstacles)
        else:
            state, why = "completed", "by hand"
        found.append({"label": task.label, "name": task.name, "state": state, "why": why})
    return tuple(found)
