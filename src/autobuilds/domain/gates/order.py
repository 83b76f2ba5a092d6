"""Gates on others: blockers and dependencies, conflicts, unreviewed work, free slots."""

from __future__ import annotations

import re
from functools import lru_cache

from autobuilds.domain.build import BuildState
from autobuilds.domain.gates.answers import ask, go, wait
from autobuilds.domain.model import Task
from autobuilds.domain.situation import Claim, Situation
from autobuilds.domain.verdicts import OR, GateResult


def blockers(s: Situation) -> GateResult:
    """Go when no blocker is open and everything it depends on is completed."""
    task = s.task
    cycle = find_cycle(task.label, s.shared.edges) if task.depends_on else []
    if cycle:
        return ask("blockers", f"a cycle of dependencies: {' -> '.join(cycle)}", "take one of them out of its Depends On")
    unknown = [d for d in task.depends_on if not _known(s, d)]
    if unknown:
        return ask(
            "blockers", f"depends on {_names(unknown)}, which is not in the queue", "correct the name" + OR + "add the task to the queue"
        )
    if task.blockers:
        first = task.blockers[0]
        more = f" (and {len(task.blockers) - 1} more)" if len(task.blockers) > 1 else ""
        return wait("blockers", f"blocked by: {first}{more}", fix=f"autobuilds unblock {task.label}" + (" --all" if more else ""))
    open_ = [d for d in task.depends_on if not completed(s, d)]
    if open_:
        return wait("blockers", f"waits for {_names(open_)}{_state_of(s, open_[0])}")
    unmerged = [d for d in task.depends_on if in_review(s, d)]
    if len(unmerged) > 1:
        return wait("blockers", f"{_names(unmerged)} wait for your review", fix=f"autobuilds accept {unmerged[0]}")
    return go("blockers", "nothing blocks it")


def find_cycle(start: str, edges: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the shortest path that leads from `start` back to it, `start` at both ends, or an empty list."""
    frontier, seen = [[start]], {start}
    while frontier:
        path = frontier.pop(0)
        for after in edges.get(path[-1], ()):
            if after == start:
                return [*path, start]
            if after not in seen:
                seen.add(after)
                frontier.append([*path, after])
    return []


def completed(s: Situation, label: str) -> bool:
    """Whether a dependency is done: a completed entry, or a finished build, and no open entry of that label."""
    found = s.snapshot.queue.find(label)
    if found is not None and found.is_active and not found.checked:
        return False
    build = s.snapshot.ledger.find(label)
    return found is not None or (build is not None and build.state in {BuildState.COMPLETED, BuildState.REVIEW})


def in_review(s: Situation, label: str) -> bool:
    """Whether a dependency's work is finished but not yet in the owner's branch."""
    build = s.snapshot.ledger.find(label)
    return build is not None and build.state is BuildState.REVIEW


def _known(s: Situation, label: str) -> bool:
    return s.snapshot.queue.find(label) is not None or s.snapshot.ledger.find(label) is not None


def _names(labels: list[str]) -> str:
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")


def _state_of(s: Situation, label: str) -> str:
    build = s.snapshot.ledger.find(label)
    return f" ({build.state.value})" if build is not None else ""


def conflict(s: Situation) -> GateResult:
    """Go when no running build and no task that starts before claims the same paths or the same goal."""
    task = s.task
    repository = task.repository or "."
    for claim in s.claims:
        verb = "is being built" if claim.running else "starts first"
        if claim.repository == repository and (shared := overlap(claim.touches, task.touches)):
            return wait("conflict", f"{claim.label} {verb} and touches {shared} too")
        if same_goal(claim, task):
            return wait("conflict", f"{claim.label} {verb} and looks like the same task", fix=f"autobuilds cancel {task.label}")
    return go("conflict", "no other build claims its paths")


def overlap(first: tuple[str, ...], second: tuple[str, ...]) -> str | None:
    """Return a glob of `second` that may match a path that a glob of `first` matches, or None.

    Two globs are compared by their fixed beginnings, so a doubt counts as an overlap.
    """
    for b in second:
        for a in first:
            one, two = _fixed(a), _fixed(b)
            shorter, longer = sorted((one, two), key=len)
            exact = shorter == longer or longer.startswith(shorter.rstrip("/") + "/")
            wild = any(c in glob for glob in (a, b) for c in "*?[")
            if exact or (wild and longer.startswith(shorter)):
                return b
    return None


def _fixed(glob: str) -> str:
    glob = glob.removeprefix("./").strip("/")
    return re.split(r"[*?\[]", glob, maxsplit=1)[0]


def same_goal(claim: Claim, task: Task) -> bool:
    """Whether two names say the same with other case, order or filler words."""
    one = _words_of_claim(claim.name)
    return bool(one) and one == _words(task.name)


@lru_cache(maxsize=64)
def _words_of_claim(name: str) -> frozenset[str]:
    return _words(name)


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", name.casefold())) - _FILLER


_FILLER = frozenset({"a", "an", "the", "to", "for", "of", "in", "on", "and", "with", "please"})


def review(s: Situation) -> GateResult:
    """Go while fewer finished builds wait for the owner's review than the limit."""
    waiting = s.shared.waiting
    limit = s.snapshot.settings.review_limit
    if len(waiting) < limit:
        return go("review", f"{len(waiting)} of {limit} finished builds wait for review")
    return wait("review", f"{len(waiting)} finished builds wait for your review", fix=f"autobuilds review {waiting[0].label}")


def capacity(s: Situation) -> GateResult:
    """Go while fewer builds are active than the context, or the overnight session, allows."""
    limit, why, key = s.shared.slots
    if s.slots_taken < limit:
        return go("capacity", f"{s.slots_taken} of {limit} slots taken{why}")
    holders = ", ".join(c.label for c in s.claims[:3])
    return wait("capacity", f"{s.slots_taken} of {limit} slots taken by {holders}{why}", fix=f"{key} in HEARTBEAT.md")
