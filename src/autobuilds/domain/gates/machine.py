"""Gates on means: the agent, the machine's resources, the day's budget."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from autobuilds.domain.build import Attempt
from autobuilds.domain.gates.answers import ask, go, wait
from autobuilds.domain.model import Task
from autobuilds.domain.moment import AgentStatus
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Situation
from autobuilds.domain.times import at_clock, local_day
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


def agent(s: Situation) -> GateResult:
    """Go when the task's agent is installed and not rate-limited."""
    if s.moment.agents_fault is not None:
        return ask("agent", s.moment.agents_fault, "mend agents.toml")
    chosen = choose_agent(s.task, s.snapshot.settings, s.moment.agents)
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
    return go("agent", f"{chosen.name} is installed")


def resources(s: Situation) -> GateResult:
    """Go when disk, memory and load are below their limits; what can't be measured holds nothing."""
    now, limits = s.moment.resources, s.snapshot.settings
    over = []
    if now.disk_percent is not None and now.disk_percent >= limits.disk_limit:
        over.append(f"disk {now.disk_percent:.0f} % full (limit {limits.disk_limit} %)")
    if now.memory_percent is not None and now.memory_percent >= limits.memory_limit:
        over.append(f"memory {now.memory_percent:.0f} % used (limit {limits.memory_limit} %)")
    if now.load_per_core is not None and now.load_per_core >= limits.load_limit:
        over.append(f"load {now.load_per_core:.1f} per core (limit {limits.load_limit:g})")
    if over:
        return wait("resources", ", ".join(over), fix=f"free some{OR}raise the limit in HEARTBEAT.md")
    return go("resources", "disk, memory and load are below their limits")


def budget(s: Situation) -> GateResult:
    """Go while the day's and the task's limits of attempts, hours, cost and tokens are not reached."""
    limits, now = s.snapshot.settings, s.now
    midnight = at_clock(local_day(now) + timedelta(days=1), time(), now.tzinfo or UTC)
    today = [a for b in s.snapshot.ledger.builds for a in b.attempts if _same_day(a.started, now)]
    day = {
        "attempts_per_day": (float(len(today)), limits.attempts_per_day, "attempts"),
        "hours_per_day": (
            sum((_length(a, now) for a in today), timedelta()) / timedelta(hours=1),
            limits.hours_per_day,
            "hours of building",
        ),
        "cost_per_day": (sum(a.usage.cost_usd or 0.0 for a in today), limits.cost_per_day, "USD"),
        "tokens_per_day": (
            float(sum((a.usage.tokens_in or 0) + (a.usage.tokens_out or 0) for a in today)),
            limits.tokens_per_day,
            "tokens",
        ),
    }
    for key, (used, limit, unit) in day.items():
        if limit is not None and used >= limit:
            return wait("budget", f"{used:g} of {limit:g} {unit} used today", until=midnight, fix=f"raise {key} in HEARTBEAT.md")
    spent = sum(a.usage.cost_usd or 0.0 for a in (s.build.attempts if s.build else ()))
    if limits.cost_per_task is not None and spent >= limits.cost_per_task:
        reason = f"this task has cost {spent:.2f} of {limits.cost_per_task:.2f} USD"
        return ask("budget", reason, f"raise cost_per_task in HEARTBEAT.md{OR}autobuilds cancel {s.task.label}")
    return go("budget", "within its limits")


def _same_day(started: datetime, now: datetime) -> bool:
    return local_day(started.astimezone(now.tzinfo)) == local_day(now)


def _length(attempt: Attempt, now: datetime) -> timedelta:
    return (attempt.ended or now) - attempt.started
