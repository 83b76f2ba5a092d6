"""The doctor's checks of what builds: the agents on this machine, and the sandbox that would be in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from autobuilds.domain.build import Ledger
from autobuilds.domain.model import Queue
from autobuilds.domain.moment import AgentStatus, Moment, Snapshot
from autobuilds.domain.policy import Policy
from autobuilds.domain.sandbox import Tier, choose
from autobuilds.domain.times import format_when
from autobuilds.records import replace
from autobuilds.runtime.agents_view import AgentInfo, agent_infos
from autobuilds.runtime.diagnosis import Check, Diagnosis, Level, Patient


def infos(patient: Patient, *, versions: bool) -> tuple[AgentInfo, ...]:
    """Return every agent as it would be used here; with `versions` those found are asked for theirs. Raises BadInput for agents.toml."""
    statuses = patient.host.examine() if versions else patient.host.agents()
    now = patient.host.now(patient.settings.timezone)
    return agent_infos(_snapshot(patient), Moment(now=now, agents=statuses, tiers=patient.sandbox.probe()))


def info(patient: Patient, status: AgentStatus, now: datetime) -> AgentInfo:
    """Return one agent as it would be used here, without asking it for its version."""
    (found,) = agent_infos(_snapshot(patient), Moment(now=now, agents=(status,), tiers=patient.sandbox.probe()))
    return found


def _snapshot(patient: Patient) -> Snapshot:
    if patient.context is None:
        return Snapshot(queue=Queue(), ledger=Ledger(), settings=patient.settings, policy=Policy())
    return Snapshot(queue=Queue(), ledger=patient.context.workspace.ledger(), settings=patient.settings, policy=Policy())


def _agents(patient: Patient) -> Iterator[Diagnosis]:
    found = infos(patient, versions=True)
    wanted = patient.settings.agent
    chosen = next((a for a in found if a.name == wanted), None)
    if wanted is not None and (chosen is None or not chosen.found):
        detail = chosen.detail if chosen else "no agent of this name is known; add it to agents.toml"
        fix = (chosen.install if chosen else None) or "change `agent:` in HEARTBEAT.md"
        yield Diagnosis(check="agents", level=Level.PROBLEM, said=f"HEARTBEAT.md names {wanted}, but {detail}", fix=fix)
    coding = [a for a in found if a.found and a.name != "command"]
    if not coding:
        said = "none is installed; only tasks with Steps can be built"
        yield Diagnosis(check="agents", level=Level.WARNING, said=said, fix=_first_install(found))
    for agent in coding:
        yield _one(agent)


def _one(agent: AgentInfo) -> Diagnosis:
    """Return what is to be said of an agent that is installed: the gravest first."""
    name = f"{agent.name} {agent.version}" if agent.version else agent.name
    warning = Diagnosis(check="agents", level=Level.WARNING, said="", fix="")
    if agent.held is not None:
        until = f" until {format_when(agent.held_until)}" if agent.held_until else ""
        return replace(warning, said=f"{name} is held{until}: {agent.held}", fix=agent.held_fix or "wait, or name another agent")
    if agent.signed_in is False:
        fix = f"run `{agent.name}` once and sign in, or set its key; then autobuilds agents test {agent.name}"
        return replace(warning, said=f"{name} is not signed in, as far as can be told", fix=fix)
    if agent.outdated:
        said = f"{name} is older than {agent.minimum}, the oldest that was tried"
        return replace(warning, said=said, fix=agent.install or "install a newer one")
    remarks = ["an unverified preset"] if not agent.verified else []
    if agent.minimum and agent.version is None:
        remarks.append("its version can't be told")
    return Diagnosis(check="agents", said=", ".join([name, *remarks]))


def _first_install(found: Iterable[AgentInfo]) -> str:
    ways = [a.install for a in found if not a.found and a.install]
    return f"{ways[0]}  (or another: autobuilds agents)" if ways else "install an agent, or add your own to agents.toml"


def _sandbox(patient: Patient) -> Iterator[Diagnosis]:
    settings = patient.settings
    choice = choose(settings.sandbox, settings.require_sandbox, patient.sandbox.probe(), nests=False)
    own = "change `sandbox:` or `require_sandbox:` in HEARTBEAT.md"
    if choice.tier is None:
        yield Diagnosis(check="sandbox", level=Level.PROBLEM, said=f"nothing starts: {choice.words}", fix=choice.fix or own)
    elif choice.words:
        yield Diagnosis(check="sandbox", level=Level.WARNING, said=f"{choice.tier.value}: {choice.words}", fix=choice.fix or own)
    else:
        assert choice.tier is not Tier.NONE, "none is never all that could be"
        said = f"{choice.tier.value}: tried out just now; a build sees no home and no other process, and writes in its clone alone"
        yield Diagnosis(check="sandbox", said=said)


#: The checks in their order.
CHECKS: tuple[tuple[str, Check], ...] = (("agents", _agents), ("sandbox", _sandbox))
