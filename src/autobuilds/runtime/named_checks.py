"""Checks by name: what a label or the text of a criterion stands for."""

from __future__ import annotations

from autobuilds.domain.build import Ledger
from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Criterion, Queue
from autobuilds.domain.spelling import did_you_mean
from autobuilds.errors import BadInput, NotSo


def named_check(queue: Queue, ledger: Ledger, wanted: str) -> tuple[Criterion, ...]:
    """Return the check that a label or a criterion's text names; raises NotSo where none has a command, BadInput for several."""
    label = slugify(wanted)
    task = queue.find(wanted) or queue.find(label)
    if task is not None:
        found = tuple(c for c in task.criteria if c.commands)
        if not found:
            raise NotSo(f"{task.label} has no criterion with a command; give one: autobuilds bisect -- COMMAND")
        return found
    build = ledger.find(label)
    recorded = {
        c.command: Criterion(text=c.text, commands=(c.command,)) for c in (build.last.checks if build and build.last else ()) if c.command
    }
    if recorded:
        return tuple(recorded.values())
    known = [c for t in queue.tasks for c in t.criteria if c.commands]
    exact = [c for c in known if _folded(c.text) == _folded(wanted)]
    near = exact or [c for c in known if _folded(wanted) in _folded(c.text)]
    different = {c.commands: c for c in near}
    if len(different) == 1:
        return (near[0],)
    if different:
        raise BadInput(f'"{wanted}" is part of {len(different)} criteria; write more of the one you mean')
    guess = did_you_mean(label, [t.label for t in queue.tasks])
    raise NotSo(f'no task and no criterion is called "{wanted}"{guess}; for a command: autobuilds bisect -- COMMAND')


def passed_at(ledger: Ledger, wanted: str) -> str | None:
    """Return the commit with which the build of a label was delivered, where its checks passed; None where none is known."""
    build = ledger.find(slugify(wanted))
    return build.delivered_commit if build is not None else None


def _folded(text: str) -> str:
    return " ".join(text.replace("`", "").split()).casefold()
