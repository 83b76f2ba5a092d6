"""Projects for the weekend: what of the queue fits into the free hours, in milestones, with the reasons. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from autobuilds.domain.digests import sha256
from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Priority, Task
from autobuilds.domain.times import format_minutes, format_when, reached
from autobuilds.domain.week import window_key
from autobuilds.domain.weekend import WINDOW, FreeTime, LeftOut, Proposal, Record, Step, category_key
from autobuilds.domain.windows import DayWindow
from autobuilds.policies.weekend_milestones import GUESS, LARGE, Judges, minutes_of, pieces, step_of
from autobuilds.records import dataclass, field, replace

#: From so many weekends on that something was finished, the best of them bounds a project.
KNOWN = 3
MOST = 3
#: So many large tasks, groups and categories are looked at, the first of each.
_LOOKED = 12
#: So many tasks that are not in a project are named.
_TOLD = 12
#: Where a title says how many tasks a project has; a name holds no such sign.
_COUNT = "\0"
#: What says most of why tasks belong together, first.
_KINDS = ("linked", "task", "category", "backlog")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is proposed for a weekend; `limit` is how many minutes a project may take, and `why` says why that many."""

    free: FreeTime
    limit: int
    why: str
    proposals: tuple[Proposal, ...]


@dataclass(slots=True, kw_only=True)
class _Filled:
    """Milestones while they are put into the time there is."""

    steps: list[Step] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def leave(self, task: Task, why: str) -> None:
        self.left_out.append(LeftOut(label=task.label, name=task.name, why=why))
        self.missing.add(task.label)


def propose(tasks: Sequence[Task], free: FreeTime, window: DayWindow, record: Record, judges: Judges) -> Plan:
    """Return at most three projects, the best first; `tasks` are those of Active Queue that no build has taken up.

    A project is a large task, tasks that depend on each other, tasks of one category, or low-priority tasks. Those that fill the window
    come first, then those that need the least from the owner, then those whose kind has succeeded.
    """
    limit, why = _limit(free, window, record)
    found: list[tuple[Proposal, frozenset[str]]] = []
    for kind, title, group in _groups(tasks):
        outside = {task.label for task in tasks} - {task.label for task in group}
        filled = _fill(_ordered(group), limit, free, judges, outside)
        if filled.steps:
            proposal = _proposal(kind, title, group, filled, free, record)
            found.append((proposal, frozenset(step.part_of or step.label for step in filled.steps)))
    found.sort(key=lambda f: _rank(f[0], tasks, window, record))
    chosen: list[tuple[Proposal, frozenset[str]]] = []
    for proposal, labels in found:
        if len(chosen) < MOST and all(2 * len(labels & other) < min(len(labels), len(other)) + 1 for _, other in chosen):
            chosen.append((proposal, labels))
    return Plan(free=free, limit=limit, why=why, proposals=tuple(p for p, _ in chosen))


def _limit(free: FreeTime, window: DayWindow, record: Record) -> tuple[int, str]:
    best = max(record.weekends.values(), default=0)
    if len(record.weekends) >= KNOWN and best < window.most:
        feasible = max(best, window.least)
        why = f"the best of the last {len(record.weekends)} weekends with finished builds had {format_minutes(best)}"
    else:
        feasible, why = window.most, f"the window is for projects of {format_minutes(window.least)} to {format_minutes(window.most)}"
    return (free.minutes, f"only {format_minutes(free.minutes)} are free") if free.minutes < feasible else (feasible, why)


def _groups(tasks: Sequence[Task]) -> Iterator[tuple[str, str, list[Task]]]:
    """Yield what could be a project: its kind, its title, its tasks."""
    large = sorted((t for t in tasks if minutes_of(t) >= LARGE), key=_first)
    yield from (("task", task.name, [task]) for task in large[:_LOOKED])
    for linked in _linked(tasks)[:_LOOKED]:
        last = next((t for t in linked if not any(t.label in other.depends_on for other in linked)), linked[0])
        rest = len(linked) - 1
        yield "linked", f"{last.name}, with {rest} {'task' if rest == 1 else 'tasks'} linked to it", linked
    names: dict[tuple[str, str], str] = {}
    by_category: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        if task.category:
            key = (category_key(task.category), task.repository or ".")
            names.setdefault(key, task.category)
            by_category.setdefault(key, []).append(task)
    for key, group in sorted(by_category.items(), key=lambda pair: -len(pair[1]))[:_LOOKED]:
        if len(group) > 1:
            yield "category", f"{names[key]}: {_COUNT} tasks", group
    low = [task for task in tasks if task.priority is Priority.LOW]
    if len(low) > 1:
        yield "backlog", f"Backlog: {_COUNT} low-priority tasks", low


def _linked(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the groups of tasks that depend on each other, of two and more."""
    known = {task.label: task for task in tasks}
    edges: dict[str, set[str]] = {label: set() for label in known}
    for task in tasks:
        for other in task.depends_on:
            if other in known:
                edges[task.label].add(other)
                edges[other].add(task.label)
    groups, seen = [], set[str]()
    for label in known:
        if label in seen or not edges[label]:
            continue
        todo, group = [label], set[str]()
        while todo:
            at = todo.pop()
            if at not in group:
                group.add(at)
                todo.extend(edges[at])
        seen |= group
        groups.append(sorted((known[one] for one in group), key=lambda t: t.line))
    return groups


def _ordered(group: Iterable[Task]) -> list[Task]:
    """Return tasks with what they depend on before them, else by priority and place; of a circle nothing."""
    rest, done = sorted(group, key=_first), list[Task]()
    open_ = {task.label for task in rest}
    while rest:
        # Tasks that depend on nothing here are the rule: a long list is gone through once.
        later = []
        for task in rest:
            if open_.isdisjoint(task.depends_on):
                done.append(task)
                open_.discard(task.label)
            else:
                later.append(task)
        if len(later) == len(rest):
            break
        rest = later
    return done


def _first(task: Task) -> tuple[int, int]:
    return task.priority.rank, task.line


def _fill(tasks: Sequence[Task], limit: int, free: FreeTime, judges: Judges, outside: set[str]) -> _Filled:
    """Return the milestones that fit, one after another; `outside` are open tasks that are none of this project."""
    filled, left = _Filled(missing=set(outside)), limit
    for task in tasks:
        held = _held(task, free, filled.missing)
        if held:
            filled.leave(task, held)
            continue
        before = filled.steps[-1].label if filled.steps else None
        following, taken = pieces(task, before), 0
        piece = next(following, None)
        while piece is not None and piece.minutes <= left:
            filled.steps.append(step_of(piece, judges))
            left, taken = left - piece.minutes, taken + 1
            piece = next(following, None)
        if piece is None:
            continue
        if not taken:
            filled.leave(task, f"takes {format_minutes(minutes_of(task))}, {format_minutes(left)} are left")
        else:
            rest = [piece, *following]
            later = format_minutes(sum(one.minutes for one in rest))
            filled.leave(task, f"{taken} of {taken + len(rest)} parts fit; {later} of it stay for later")
    return filled


def _held(task: Task, free: FreeTime, missing: set[str]) -> str:
    """Return why a task can't be built on that weekend whatever its length, or nothing."""
    if task.blockers:
        return f"blocked by: {task.blockers[0]}"
    if task.not_before is not None and reached(free.ends, task.not_before):
        return f"not before {format_when(task.not_before)}"
    if task.window is not None and window_key(task.window) != WINDOW:
        return f"it is for the window {task.window}"
    waits = next((label for label in task.depends_on if label in missing), None)
    return f"waits for {waits}, which is not in it" if waits else ""


def _proposal(kind: str, title: str, group: Sequence[Task], filled: _Filled, free: FreeTime, record: Record) -> Proposal:
    minutes = sum(step.minutes for step in filled.steps)
    labels = {step.part_of or step.label for step in filled.steps}
    group, whole = [task for task in group if task.label in labels], len(group)
    title = title.replace(_COUNT, str(whole) if len(group) == whole else f"{len(group)} of {whole}")
    evidence = [f"{format_minutes(minutes)} of the {format_minutes(free.minutes)} that are free", *_shown(group, record)]
    guessed = sum(step.guessed for step in filled.steps)
    if guessed:
        evidence.append(f"{guessed} of {len(filled.steps)} milestones have no estimate and count {format_minutes(GUESS)} each")
    open_ = sum(not step.ready for step in filled.steps)
    if open_:
        evidence.append(f"{open_} of {len(filled.steps)} milestones need you before they can start")
    if len(filled.left_out) > _TOLD:
        evidence.append(f"{len(filled.left_out)} tasks are not in it; the first {_TOLD} are named")
    left_out = tuple(filled.left_out[:_TOLD])
    made = Proposal(id="", title=title, kind=kind, steps=tuple(filled.steps), evidence=tuple(evidence), left_out=left_out)
    return replace(made, id=f"{slugify(title)[:32].strip('-')}-{sha256(repr(made.steps).encode())[:4]}")


def _shown(group: Sequence[Task], record: Record) -> Iterator[str]:
    """Yield what history says of a project's kinds, those with the most tasks first."""
    for category, _ in Counter(task.category for task in group).most_common(2):
        rate = record.rate(category)
        kind = category or "tasks without a category"
        took = f", in {100 * rate.took // rate.estimated} % of their estimated time" if rate.estimated else ""
        yield (
            f"{kind}: {rate.finished} of {rate.ended} builds were finished{took}" if rate.ended else f"{kind}: no build of it has ended yet"
        )
    known = sorted(record.weekends.values())
    if len(known) >= KNOWN:
        mean = format_minutes(sum(known) // len(known))
        yield f"{len(known)} of the last 8 weekends had finished builds: {mean} on average, {format_minutes(known[-1])} at most"


def _rank(proposal: Proposal, tasks: Sequence[Task], window: DayWindow, record: Record) -> tuple[float | str, ...]:
    known = {task.label: task for task in tasks}
    of = [known[step.part_of or step.label] for step in proposal.steps]
    rates = [record.rate(task.category) for task in of]
    # One success and one failure are taken for granted, so that a single build decides little.
    success = sum((rate.finished + 1) / (rate.ended + 2) for rate in rates) / len(rates)
    ready = sum(step.ready for step in proposal.steps) / len(proposal.steps)
    short = proposal.minutes < window.least
    return (
        float(short),
        -round(ready, 1),
        min(t.priority.rank for t in of),
        -round(success, 1),
        -proposal.minutes,
        _KINDS.index(proposal.kind),
        proposal.id,
    )
