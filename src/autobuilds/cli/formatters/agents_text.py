"""How `agents`, `agents show` and `agents test` answer on a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from autobuilds.cli.formatters.columns import cells, pad, way, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain import inert
from autobuilds.domain.moment import AgentStatus
from autobuilds.domain.times import format_when
from autobuilds.runtime.agent_trial import Trial
from autobuilds.runtime.agents_view import AgentInfo


def listed(found: Sequence[AgentInfo], style: Style) -> str:
    """Return a line an agent, those installed first, then how the others are installed, then what is weaker than it could be."""
    width = max((cells(a.name) for a in found), default=0)
    here, missing = [a for a in found if a.found], [a for a in found if not a.found]
    lines = [style.bold("Installed"), *(row for a in here for row in _here(a, width, style))]
    if missing:
        lines += ["", style.bold("Not installed")]
        for agent in missing:
            unverified = "" if agent.verified else "  (unverified)"
            lines += wrap(f"{agent.install or agent.detail}{unverified}", style.width, first=f"  {pad(agent.name, width)}  ")
    lines += _weaker(here, style)
    if not any(a.name != "command" for a in here):
        lines += ["", "No coding agent is installed; tasks with Steps are built by `command`. autobuilds agents test says more."]
    return "\n".join(lines) + "\n"


def _here(agent: AgentInfo, width: int, style: Style) -> list[str]:
    state, paint, fix = _state(agent, style)
    facts = [_version(agent), "" if agent.name == "command" else f"model {agent.model or 'its own'}"]
    facts += [f"sandbox {agent.sandbox or 'none that will do'}", "default" if agent.default else "", "" if agent.verified else "unverified"]
    lead = f"  {pad(agent.name, width)}  "
    lines = wrap(", ".join([state, *(f for f in facts if f)]), style.width, first=lead)
    lines[0] = lines[0].replace(state, paint(state), 1)
    return [*lines, *(style.dim(row) for row in wrap(fix, style.width, first=f"{' ' * cells(lead)}{way(fix)}"))] if fix else lines


def _state(agent: AgentInfo, style: Style) -> tuple[str, Any, str]:
    """Return the one thing that matters most of an installed agent, its colour, and what mends it."""
    if agent.sandbox is None:
        return "held by the sandbox that is demanded", style.bad, agent.sandbox_fix
    if agent.held is not None:
        until = f" until {format_when(agent.held_until)}" if agent.held_until else ""
        return f"held{until}: {agent.held}", style.bad, agent.held_fix or ""
    if agent.signed_in is False:
        return "not signed in, as far as can be told", style.warn, f"autobuilds agents test {agent.name}"
    if agent.outdated:
        return f"older than {agent.minimum}, the oldest that was tried", style.warn, agent.install or ""
    return "ready" if agent.signed_in is None else "ready, signed in", style.good, ""


def _version(agent: AgentInfo) -> str:
    if agent.version is None:
        return "version unknown" if agent.minimum else ""
    return f"version {agent.version}" + (f" (tried from {agent.minimum})" if agent.minimum and not agent.outdated else "")


def _weaker(here: Sequence[AgentInfo], style: Style) -> list[str]:
    """Return, once, what is weaker about each sandbox in force than it could be."""
    said = {(a.sandbox, a.sandbox_words, a.sandbox_fix) for a in here if a.sandbox_words}
    lines: list[str] = []
    for tier, words, fix in sorted(said, key=str):
        lines += ["", style.warn(f"Sandbox {tier or 'none that will do'}"), *wrap(words, style.width, first="  ")]
        lines += wrap(fix, style.width, first=f"  {way(fix)}") if fix else []
    return lines


def described(preset: Mapping[str, Any], origin: str, style: Style) -> str:
    """Return a preset in the notation of agents.toml, without what is at its default or follows from the rest."""
    lines = [style.bold(f"[{inert.terminal(str(preset['name']))}]") + style.dim(f"  # {origin}")]
    for key, value in preset.items():
        if key in {"name", "own", "rules"} or value in (None, [], {}, "", 0, False):
            continue
        lines.append(f"{key} = {_toml(_pairs(value))}")
    rules = preset.get("rules") or {}
    lines.append(f"format = {_toml(rules.get('format', 'text'))}")
    for part in ("picks", "ok", "shows", "failures"):
        count = len(rules.get(part) or [])
        if count:
            lines.append(style.dim(f"# {part}: {count}"))
    lines.append(style.dim("# all of it: autobuilds agents show NAME --json; the keys: docs/reference/agents.md"))
    return "\n".join(lines) + "\n"


def _pairs(value: Any) -> Any:
    """Return pairs as a table, as they were written."""
    if isinstance(value, list) and value and all(isinstance(v, list) and len(v) == 2 and isinstance(v[0], str) for v in value):
        return dict(value)
    return [list(v.values()) if isinstance(v, dict) else v for v in value] if isinstance(value, list) else value


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{inert.terminal(str(k))} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return json.dumps(inert.terminal(value), ensure_ascii=False) if isinstance(value, str) else json.dumps(value)


def tried(trial: Trial, style: Style) -> str:
    """Return how a trial ended: the verdict, what it used, what to mend."""
    paint = style.good if trial.ok else style.bad
    lines = [paint(row) for row in wrap(trial.said, style.width)]
    facts = [f"{trial.seconds:.0f} s", f"sandbox {trial.sandbox}" if trial.sandbox else "", f"model {trial.model}" if trial.model else ""]
    facts += [_used(trial), f"failure: {trial.failure}" if trial.failure else ""]
    lines += wrap(", ".join(f for f in facts if f), style.width, first="  ")
    if trial.sandbox_weaker:
        lines += wrap(f"weaker than it could be: {trial.sandbox_weaker}", style.width, first="  ")
    if trial.message:
        lines += wrap(f"it said: {trial.message}", style.width, first="  ")
    if trial.tail:
        lines += ["  its last lines:", *(style.dim(f"    {inert.terminal(row)}") for row in trial.tail)]
    for fix in trial.advice:
        lines += wrap(fix, style.width, first=f"  {way(fix)}")
    return "\n".join(lines) + "\n"


def _used(trial: Trial) -> str:
    tokens = f"{trial.tokens:,} tokens" if trial.tokens is not None else ""
    cost = f"{trial.cost_usd:.4f} USD" if trial.cost_usd is not None else ""
    silent = "" if trial.agent == "command" else "tokens and cost not reported"
    return ", ".join(part for part in (tokens, cost) if part) or silent


def nothing_installed(found: Sequence[AgentStatus]) -> str:
    """Return what to do on a machine without any coding agent, in five lines."""
    ways = [a for a in found if a.install and a.verified and a.name != "command"]
    first = ways[0] if ways else None
    how = (
        f"{first.install}; run `{first.name}` once and sign in; autobuilds agents test {first.name}"
        if first
        else "see docs/reference/agents.md"
    )
    return "\n".join(
        [
            "No coding agent is installed here, so there is nothing to test.",
            f"To have one: {how}",
            f"Or another: {', '.join(a.name for a in ways[1:])} (autobuilds agents has the command for each)",
            "Without one: tasks with Steps are built by the agent `command`; autobuilds agents test command shows that it works",
            "The queue, the gates, the checks, reviews and reports need none: autobuilds demo shows them in a minute",
        ]
    )
