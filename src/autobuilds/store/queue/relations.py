"""What only the whole queue can tell: labels given twice, and dependencies on tasks that there are not."""

from __future__ import annotations

from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Task
from autobuilds.records import replace
from autobuilds.store.queue.drafts import Draft
from autobuilds.store.queue.findings import Findings
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.nearest import Nearest


def check_relations(tasks: list[Task], drafts: list[Draft], findings: Findings) -> list[Task]:
    """Return the tasks with their dependencies as labels; duplicates and unknown dependencies are told as errors."""
    _duplicates(tasks, drafts, findings)
    known = _known(tasks, drafts)
    nearest = Nearest(known, 0.6)
    return [_resolve(task, draft, known, nearest, findings) if task.depends_on else task for task, draft in zip(tasks, drafts, strict=True)]


def _known(tasks: list[Task], drafts: list[Draft]) -> dict[str, str]:
    """Return the labels by label and by the slug of the name, those of active tasks first."""
    known: dict[str, str] = {}
    for active in (True, False):
        for task in tasks:
            if task.is_active is active:
                known.setdefault(task.label, task.label)
        for task, draft in zip(tasks, drafts, strict=True):
            if task.is_active is active and draft.slug:
                known.setdefault(draft.slug, task.label)
    return known


def _duplicates(tasks: list[Task], drafts: list[Draft], findings: Findings) -> None:
    places: dict[str, list[int]] = {}
    for number, task in enumerate(tasks):
        if task.is_active:
            places.setdefault(task.label, []).append(number)
    for label, numbers in places.items():
        if len(numbers) < 2:
            continue
        lines = [str(tasks[number].line) for number in numbers]
        shown = lines if len(lines) < 6 else [*lines[:4], f"{len(lines) - 4} more"]
        where = ", ".join(shown[:-1]) + " and " + shown[-1]
        message = f'{len(numbers)} tasks have the label "{label}", at lines {where}; rename one or give it a Label of its own'
        for number in numbers:
            findings.error("duplicate", drafts[number].paragraph.start, message, label)


def _resolve(task: Task, draft: Draft, known: dict[str, str], nearest: Nearest, findings: Findings) -> Task:
    given = next(given for given in draft.givens if given.key is Key.DEPENDS_ON)
    if "," in given.text and not given.nested and any(slugify(name) not in known for name in task.depends_on):
        # A single name that holds a comma and is not written as a wiki link; where its pieces are names, they are meant.
        joined = known.get(slugify(given.text))
        if joined is not None:
            return replace(task, depends_on=(joined,))
    labels: list[str] = []
    for name in task.depends_on:
        slug = slugify(name)
        label = known.get(slug)
        if label is None:
            findings.error(
                "unknown-dependency", given.at, f'depends on "{name}", but there is no such task{_hint(slug, nearest)}', task.label
            )
        label = label or slug or name
        if label not in labels:
            labels.append(label)
    return replace(task, depends_on=tuple(labels))


def _hint(slug: str, nearest: Nearest) -> str:
    near = nearest.to(slug)
    return f' (did you mean "{near}"?)' if near else ""
