"""Looking: what the files say and what follows from it, without changing anything (`--check`, `status`, `why`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobuilds.planning import Action, Plan, Start, plan
from autobuilds.records import dataclass, replace
from autobuilds.runtime.agents_view import sandbox_ahead
from autobuilds.runtime.observe import observe, proved
from autobuilds.runtime.pages import view_of

if TYPE_CHECKING:
    from autobuilds.domain.moment import Moment
    from autobuilds.domain.sandbox import Choice
    from autobuilds.domain.verdicts import Assessment
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.duties import DutyRun
    from autobuilds.runtime.view_values import NeedsYou, StatusView
    from autobuilds.store.workspace import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What one heartbeat did and found."""

    loaded: Loaded
    moment: Moment
    assessments: tuple[Assessment, ...]
    view: StatusView
    transitions: tuple[dict[str, Any], ...] = ()
    duties: tuple[DutyRun, ...] = ()
    #: What went wrong on the way, in words; nothing of it stops the rest.
    faults: tuple[str, ...] = ()
    #: The sandbox of what it started, or of what waits; None where nothing waited.
    sandbox: Choice | None = None
    #: Whether a page or the archive was written.
    changed: bool = False
    #: What is left to do and could not be done now.
    pending: tuple[Action, ...] = ()

    @property
    def needs_you(self) -> tuple[NeedsYou, ...]:
        """What only the owner can resolve."""
        return self.view.needs_you

    @property
    def ok(self) -> bool:
        """Whether nothing needs the owner: the last line is then HEARTBEAT_OK."""
        return not self.view.needs_you and not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look at the files and the world, with the decision that follows."""

    loaded: Loaded
    moment: Moment
    plan: Plan


def look(context: Context) -> Beat:
    """Read, observe and decide without changing anything (`--check`, `status`, `why`)."""
    seen = see(context, acting=False)
    loaded, moment, assessments = seen.loaded, seen.moment, seen.plan.assessments
    view = view_of(context, loaded, moment, assessments)
    ahead = sandbox_ahead(loaded.snapshot, moment)
    return Beat(loaded=loaded, moment=moment, assessments=assessments, view=view, sandbox=ahead, pending=seen.plan.actions)


def see(context: Context, *, acting: bool = True) -> Seen:
    """Read, observe and decide; only with `acting` is cleared up what supervisors left (`observe`)."""
    loaded = context.load()
    moment = observe(context, loaded, acting=acting)
    return Seen(loaded=loaded, moment=moment, plan=plan(loaded.snapshot, moment))


def see_again(context: Context, seen: Seen) -> Seen:
    """Return the same look, decided with the sandbox tried out now where something would start: what was kept of it may be past."""
    if not any(isinstance(action, Start) for action in seen.plan.actions):
        return seen
    moment = proved(context, seen.moment)
    return replace(seen, moment=moment, plan=plan(seen.loaded.snapshot, moment))
