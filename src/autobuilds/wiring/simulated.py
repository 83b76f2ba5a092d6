"""The wiring of a simulation: the product on a machine that is played."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autobuilds.runtime.simulation.staging import Source
    from autobuilds.runtime.simulation.values import Stage


@contextmanager
def simulation(source: Source, *, keep: bool = False) -> Iterator[Stage]:
    """Yield the stage of a simulation: a throw-away workspace on a machine whose clock is set, removed at the end unless kept.

    Raises StorageFailure, and what reading the source raises.
    """
    from autobuilds.adapters.simulated.staged import Staged, simulation_folder
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.simulation.values import Stage
    from autobuilds.store.workspace import Workspace

    with simulation_folder(keep=keep) as folder:
        workspace = Workspace(folder / "workspace", lambda: source.zone)
        script = source.script(lambda: context.queue())
        staged = Staged.begin(folder, source.start, source.zone, script, commits=lambda: workspace.config().settings.commits)
        staged.furnish(source.files(workspace.root), source.owner, source.agents, source.tiers, source.approvals, source.place)
        context = Context(workspace=workspace, **staged.ports(), duty=lambda command, time: source.duty(context, command, time))
        yield Stage(context=context, host=staged.host, runner=staged.runner)
