"""Gates on means: the agent and the machine's resources."""

from __future__ import annotations

from autobuilds.domain.gates.answers import ask, go, wait
from autobuilds.domain.model import Task
from autobuilds.domain.moment import AgentStatus, Moment
from autobuilds.domain.night import limits, over
from autobuilds.domain.sandbox import Choice, choose
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Situation
from autobuilds.domain.verdicts import OR, GateResult

#: The embedded agent that runs a task's Steps.
COMMAND = "command"


def choose_agent(task: Task, settings: Settings, agents: tuple[AgentStatus, ...]) -> AgentStatus | None:
    """Return the agent for a task: its own, else the configured one, else `command` for Steps, else the first found."""
    wanted = task.agent or (COMMAND if task.steps and settings.agent is None else settings.agent)
    if wanted is not None:
        known = next((a for a in agents if a.name == wanted), None)
        return known or AgentStatus(name=wanted, found=False, detail="no such agent")
    return next((a for a in agents if a.found and a.name != COMMAND), None)


def _chosen(s: Situation) -> AgentStatus | None:
    task = s.task
    return s.shared.agent(task.agent, steps=bool(task.steps), choose=lambda: choose_agent(task, s.snapshot.settings, s.moment.agents))


def agent(s: Situation) -> GateResult:
    """Go when the task's agent is installed and not held by an earlier failure, and a sandbox that will do works here."""
    if s.moment.agents_fault is not None:
        return ask("agent", s.moment.agents_fault, "mend agents.toml")
    chosen = _chosen(s)
    if chosen is None:
        return ask("agent", "no coding agent is installed", f"install one{OR}give the task Steps{OR}autobuilds doctor")
    if chosen.name == COMMAND and not s.task.steps:
        return ask("agent", "the agent `command` runs a task's Steps, and this task has none", f"add Steps{OR}set another Agent")
    if not chosen.found:
        known = sorted(a.name for a in s.moment.agents)
        listed = f" (known: {', '.join(known)})" if chosen.name not in known else ""
        fix = chosen.install or f"set another Agent{OR}define it in agents.toml"
        return ask("agent", f"agent {chosen.name} is not installed{listed}", fix)
    if chosen.limited_until is not None and chosen.limited_until > s.now:
        return wait("agent", f"{chosen.name} reached its usage limit", until=chosen.limited_until)
    return _held(s, chosen) or _contained(s, chosen)


def _held(s: Situation, chosen: AgentStatus) -> GateResult | None:
    """Return what holds an agent since an attempt of it failed, or None."""
    hold = s.shared.hold(chosen.name)
    if hold is None:
        return None
    other = f"set another Agent for {s.task.label}"
    if hold.until is not None:
        sooner = f"autobuilds retry {hold.label}{OR}{other}"
        return wait("agent", f"{hold.reason} (when it built {hold.label})", until=hold.until, fix=sooner)
    return ask("agent", hold.reason, f"sign in to {chosen.name} or renew its key, then autobuilds retry {hold.label}{OR}{other}")


def _contained(s: Situation, chosen: AgentStatus) -> GateResult:
    """Answer by the sandbox in which the agent would run, where the tiers were tried out."""
    if not s.moment.tiers:
        return go("agent", f"{chosen.name} is installed")
    choice = s.shared.sandbox(nests=chosen.nests)
    if choice.tier is None:
        return ask("agent", choice.words, choice.fix or f"change require_sandbox in HEARTBEAT.md{OR}autobuilds doctor")
    return go("agent", f"{chosen.name} is installed; sandbox {choice.tier.value}")


def sandbox_for(chosen: AgentStatus, settings: Settings, moment: Moment) -> Choice:
    """Return the sandbox in which an agent would run, from the tiers that were tried out."""
    return choose(settings.sandbox, settings.require_sandbox, moment.tiers, nests=chosen.nests)


def resources(s: Situation) -> GateResult:
    """Go when disk, memory and load are below their limits and the agent's own need is free; what can't be measured holds nothing."""
    now = s.moment.resources
    allowed = limits(s.snapshot.settings, s.snapshot.ledger.day, s.now)
    beyond = list(over(now, allowed))
    chosen = _chosen(s)
    needed = chosen.reserve_mib if chosen is not None else 0
    if now.memory_free_mib is not None and now.memory_free_mib < needed:
        assert chosen is not None, "only an agent reserves memory"
        beyond.append(f"memory {now.memory_free_mib} MiB free ({chosen.name} needs {needed} MiB)")
    if beyond and allowed.night:
        reason = f"the overnight session is throttled: {', '.join(beyond)}; what runs goes on"
        return wait("resources", reason, fix=f"free some{OR}raise overnight_throttle in HEARTBEAT.md")
    if beyond:
        return wait("resources", ", ".join(beyond), fix=f"free some{OR}raise the limit in HEARTBEAT.md")
    return go("resources", "disk, memory and load are below their limits")
