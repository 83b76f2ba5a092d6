"""The outlook of one task: what the gates say of it now."""

from __future__ import annotations

from dataclasses import dataclass

from autobuilds.domain import gates
from autobuilds.domain.verdicts import Assessment
from autobuilds.planning import situate
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
    """Return what the gates say of a task now, as `why` does; raises NotSo for an unknown label."""
    loaded = context.load()
    situation = situate(find_task(loaded, label), loaded.snapshot, observe(context, loaded))
    return Outlook(assessment=gates.assess(situation), loaded=loaded)
