"""The outlook of one task: what the gates say of it now."""

from __future__ import annotations

from autobuilds.domain import gates
from autobuilds.domain.verdicts import Assessment
from autobuilds.planning import situate
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.runtime.observe import observe
from autobuilds.runtime.owner import find_task
from autobuilds.store.workspace import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Every gate's answer for one task, and the files on which it rests."""

    assessment: Assessment
    loaded: Loaded


def outlook(context: Context, label: str) -> Outlook:
    """Return what the gates say of a task now, as `why` does; raises NotSo for an unknown label.

    Sandboxes are tried out only where nothing else holds the task.
    """
    loaded = context.load()
    task = find_task(loaded, label)
    found = gates.assess(situate(task, loaded.snapshot, observe(context, loaded, probing=False)))
    if not found.obstacles:
        found = gates.assess(situate(task, loaded.snapshot, observe(context, loaded)))
    return Outlook(assessment=found, loaded=loaded)
