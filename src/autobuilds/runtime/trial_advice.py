"""What to mend where an agent failed, in words and commands, by how it failed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Attempt, Outcome
from autobuilds.domain.sandbox import Network, Tier
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import format_when


def advice(run: Attempt, preset: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    """Return what to try, the likeliest first; `preset` is the agent's as plain data."""
    again = f"autobuilds agents test {run.agent}"
    match run.failure:
        case FailureClass.AUTHENTICATION:
            return (*sign_in(run.agent, preset), again)
        case FailureClass.RATE_LIMIT:
            until = f" until {format_when(run.resets_at)}" if run.resets_at else ""
            return (f"its usage limit is reached; wait{until}", again)
        case FailureClass.NETWORK:
            return (*_network(preset, settings), again)
        case FailureClass.BUDGET:
            return ("raise its limit or add credit at its provider", again)
        case FailureClass.REFUSED:
            return (f"name another model: `model:` in HEARTBEAT.md, a line `{run.agent}: NAME`", again)
        case _:
            return (*_by_outcome(run, preset), *_sandbox(run))


def sign_in(agent: str, preset: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ways to sign an agent in: its program, or a variable that the heartbeat has to have, too."""
    argv: Sequence[str] = preset.get("argv") or [agent]
    names = [name for name in preset.get("signed_in") or () if not name.startswith("~/")]
    ways = [f"run `{argv[0]}` once by hand and sign in"]
    if names:
        some = " or ".join(names[:3])
        ways.append(f"or set {some}, also for what runs the heartbeat (a timer does not read your shell's files)")
    return tuple(ways)


def _network(preset: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    ways = ["see that its service can be reached from here (connection, proxy, the address in its settings)"]
    if settings.network is Network.NONE:
        ways.insert(0, "`network: none` in HEARTBEAT.md keeps agents from their services; set it to `web`")
    elif settings.network is Network.WEB:
        urls = ", ".join(preset.get("base_urls") or ()) or "its address"
        ways.append(f"`network: web` opens ports 443, 80, 53 and 22 and those of {urls} alone")
    return tuple(ways)


def _by_outcome(run: Attempt, preset: Mapping[str, Any]) -> tuple[str, ...]:
    again = f"autobuilds agents test {run.agent}"
    match run.outcome:
        case Outcome.BLOCKED:
            return ("let it use what it was denied: its own permission settings, or its preset in agents.toml", again)
        case Outcome.TIMEOUT | Outcome.STALLED | Outcome.STOPPED:
            return (f"give it longer: {again} --timeout 10m", "see in its last lines what it waits for: a question, a sign-in, its service")
        case Outcome.NO_CHANGE:
            return ("it may need a newer version, another model, or more permissions in its own settings", _newest(preset))
        case Outcome.CHECKS_FAILED:
            return ("it worked, but not as asked; name a stronger model (`model:` in HEARTBEAT.md)", again)
        case Outcome.SETUP:
            return ("autobuilds doctor",)
        case _:
            return ("read its last lines; run it once by hand in any folder", _newest(preset))


def _newest(preset: Mapping[str, Any]) -> str:
    return str(preset.get("install") or "install its newest version")


def _sandbox(run: Attempt) -> tuple[str, ...]:
    """Return how to find out whether the sandbox is in its way."""
    if run.sandbox == Tier.NONE.value or run.outcome in {Outcome.CHECKS_FAILED, Outcome.SETUP, Outcome.LOST}:
        return ()
    return (f"to see whether the sandbox is in its way: autobuilds agents test {run.agent} --sandbox none",)
