"""What is known of the agents: found, held, model, sandbox that would be in force. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from autobuilds.domain.build import Ledger
from autobuilds.domain.gates.machine import choose_agent, sandbox_for
from autobuilds.domain.holds import Hold, held
from autobuilds.domain.moment import AgentStatus, Moment, Snapshot
from autobuilds.domain.sandbox import STRENGTH, Choice
from autobuilds.domain.settings import Settings
from autobuilds.records import dataclass
from autobuilds.runtime.view_values import AgentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInfo:
    """One agent on this machine, and how it would be used."""

    name: str
    found: bool
    #: Its program, or why it is not found.
    detail: str
    version: str | None
    minimum: str | None
    outdated: bool
    #: Whether it is signed in; None where that can't be told.
    signed_in: bool | None
    #: False for a preset that was written from documentation alone.
    verified: bool
    install: str | None
    #: The model that the settings name for it; None: its own.
    model: str | None
    #: The sandbox in which it would run (None: in none that will do), what is weaker or why, and what mends that.
    sandbox: str | None
    sandbox_words: str
    sandbox_fix: str
    #: Why nothing is started with it now, until when (None: until you act), and what opens it.
    held: str | None = None
    held_until: datetime | None = None
    held_fix: str | None = None
    #: Whether tasks without Agent and Steps would use it.
    default: bool = False


def agent_infos(snapshot: Snapshot, moment: Moment) -> tuple[AgentInfo, ...]:
    """Return every agent of the moment, in its order."""
    settings = snapshot.settings
    default = _default(settings, moment.agents)
    return tuple(_info(status, snapshot, moment, default=status.name == default) for status in moment.agents)


def _default(settings: Settings, agents: Iterable[AgentStatus]) -> str | None:
    if settings.agent is not None:
        return settings.agent
    return next((a.name for a in agents if a.found and a.name != "command"), None)


def _info(status: AgentStatus, snapshot: Snapshot, moment: Moment, *, default: bool) -> AgentInfo:
    settings = snapshot.settings
    choice = sandbox_for(status, settings, moment)
    hold = held(snapshot.ledger, status.name, moment.now)
    return AgentInfo(
        name=status.name,
        found=status.found,
        detail=status.detail,
        version=status.version,
        minimum=status.minimum,
        outdated=status.outdated,
        signed_in=status.signed_in,
        verified=status.verified,
        install=status.install,
        model=model_for(status.name, settings),
        sandbox=choice.tier.value if choice.tier is not None else None,
        sandbox_words=choice.words,
        sandbox_fix=choice.fix,
        held=hold.reason if hold else None,
        held_until=hold.until if hold else None,
        held_fix=hold_fix(hold) if hold else None,
        default=default,
    )


def hold_fix(hold: Hold) -> str:
    """Return what opens a hold: what the owner has to do, or how it is opened before its time."""
    retry = f"autobuilds retry {hold.label}"
    return f"sign in to {hold.agent} or renew its key, then {retry}" if hold.until is None else f"{retry} tries it sooner"


def model_for(agent: str, settings: Settings) -> str | None:
    """Return the model that the settings name for an agent; None where they leave it to the agent, or it takes none."""
    return None if agent == "command" else settings.model.get(agent, settings.model.get("default"))


def agent_rows(ledger: Ledger, moment: Moment) -> tuple[AgentRow, ...]:
    """Return the agents as the status shows them."""
    return tuple(_row(status, held(ledger, status.name, moment.now), moment.now) for status in moment.agents)


def _row(status: AgentStatus, hold: Hold | None, now: datetime) -> AgentRow:
    ahead = status.limited_until if status.limited_until is not None and status.limited_until > now else None
    words = hold.reason if hold else f"{status.name} reached its usage limit" if ahead else None
    return AgentRow(
        name=status.name,
        found=status.found,
        version=status.version,
        install=status.install,
        limited_until=(hold.until if hold else None) or ahead,
        signed_in=status.signed_in,
        verified=status.verified,
        held=words,
    )


def sandbox_ahead(snapshot: Snapshot, moment: Moment) -> Choice | None:
    """Return the sandbox in which the next builds would run: the weakest for any task that waits; None where no tier was tried out."""
    if not moment.tiers:
        return None
    running = {b.label for b in snapshot.ledger.active}
    waiting = [t for t in snapshot.queue.active if not t.checked and t.label not in running]
    agents = {a.name: a for t in waiting if (a := choose_agent(t, snapshot.settings, moment.agents)) is not None}
    choices = [sandbox_for(a, snapshot.settings, moment) for a in agents.values()] or [
        sandbox_for(AgentStatus(name="command", found=True), snapshot.settings, moment)
    ]
    return min(choices, key=lambda c: -1 if c.tier is None else STRENGTH[c.tier])
