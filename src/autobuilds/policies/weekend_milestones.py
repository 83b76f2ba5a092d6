"""The milestones of a task: itself, or of a large one parts by its criteria. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil

from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Criterion, Estimate, Section, Task
from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import format_minutes
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement, Verdict
from autobuilds.domain.weekend import Step
from autobuilds.records import dataclass, replace

#: Minutes that a task without an estimate counts.
GUESS = 120
#: A task of this many minutes is a project by itself, and is parted into milestones of at most PART.
LARGE, PART = 240, 180
#: The label of a part of a task.
_PART = pattern(r"(.+)-part-(\d{1,3})-of-(\d{1,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """What the requirements and the risk rules say of a task, and what an approval of it is bound to."""

    clarity: Callable[[Task], ClarityJudgement]
    risk: Callable[[Task], RiskJudgement]
    fingerprint: Callable[[Task], str]


def minutes_of(task: Task) -> int:
    """Return how long a task takes by its estimate, its upper end."""
    return task.estimate.max_minutes if task.estimate is not None else GUESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A milestone before it is judged: the task as it will be, and the owner's task of which it is a part or which it is."""

    task: Task
    minutes: int
    whole: Task

    @property
    def new(self) -> bool:
        """Whether it is a task that is not there yet."""
        return self.task.label != self.whole.label


def pieces(task: Task, before: str | None) -> Iterator[Piece]:
    """Yield a task as its milestones: itself, or of a large one parts by its criteria, the last of which is the task itself.

    `before` is the milestone before it, for which a task waits that depends on nothing by its owner's word: so each is built on the work
    of the one before it, also while that waits for review.
    """
    total, number = minutes_of(task), len(task.criteria)
    first, parts = _parted(task, total)
    open_ = number - number * first // parts
    depends = task.depends_on or ((before,) if before else ())
    rest = total
    for n in range(first + 1, parts):
        chosen = task.criteria[number * (n - 1) // parts : number * n // parts]
        if chosen:
            minutes = max(5, total * len(chosen) // open_ // 5 * 5)
            part = _part(task, n, parts, chosen, minutes, depends)
            yield Piece(task=part, minutes=minutes, whole=task)
            rest -= minutes
            depends = (part.label,)
    more = tuple(label for label in depends if label not in task.depends_on)
    whole = task if not more else replace(task, depends_on=(*task.depends_on, *more))
    yield Piece(task=whole, minutes=max(5, rest), whole=task)


def _parted(task: Task, total: int) -> tuple[int, int]:
    """Return how many parts of a task there are already, and into how many it is parted in all, 1 for none."""
    known = [match for label in task.depends_on if (match := _PART.fullmatch(label)) and match[1] == task.label]
    counted = [(int(match[2]), int(match[3])) for match in known if 0 < int(match[2]) < int(match[3])]
    if counted:
        return max(counted)
    large = total >= LARGE and task.steps is None
    return 0, max(1, min(len(task.criteria), ceil(total / PART))) if large else 1


def _part(task: Task, n: int, parts: int, criteria: Sequence[Criterion], minutes: int, depends: tuple[str, ...]) -> Task:
    """Return a part of a task as a task of its own."""
    name = f"{task.name}: part {n} of {parts}"
    about = " ".join(task.description.split())
    return Task(
        label=slugify(name),
        name=name,
        section=Section.ACTIVE,
        checked=False,
        priority=task.priority,
        description=f"{about} This is part {n} of {parts}: what the criteria below name, and nothing more.".strip(),
        criteria=tuple(replace(criterion, checked=False) for criterion in criteria),
        estimate=Estimate(min_minutes=minutes, max_minutes=minutes),
        estimate_text=format_minutes(minutes),
        category=task.category,
        depends_on=depends,
    )


def step_of(piece: Piece, judges: Judges) -> Step:
    """Return a milestone with what the rules say of it."""
    task = piece.task
    clarity, risk = judges.clarity(task), judges.risk(task)
    return Step(
        label=task.label,
        name=task.name,
        minutes=piece.minutes,
        depends_on=task.depends_on,
        guessed=task.estimate is None,
        new=piece.new,
        part_of=piece.whole.label if piece.new else None,
        description=task.description if piece.new else "",
        criteria=tuple(criterion.text for criterion in task.criteria),
        missing=() if clarity.verdict is Verdict.GO else clarity.why or clarity.missing,
        risks=() if risk.verdict is Verdict.GO else risk.matched or risk.kinds,
        fingerprint=judges.fingerprint(piece.whole),
    )
