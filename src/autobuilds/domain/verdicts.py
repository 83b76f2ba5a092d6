"""Verdicts: the answer of a gate, with the reason and what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """Whether a task may start, as far as one gate can say."""

    GO = "go"
    #: Opens by itself, at a time or when something else ends.
    WAIT = "wait"
    #: Only the owner can open it.
    ASK = "ask"


_STRENGTH = {Verdict.GO: 0, Verdict.WAIT: 1, Verdict.ASK: 2}


#: What stands between the alternatives of a fix.
OR = ", or "


#: Programs with which the commands begin that are named as ways to mend something; any other way is an act in words.
_TOOLS = frozenset({"autobuilds", "git", "gh", "glab", "tea", "sh", "rm", "chmod", "export", "curl", "loginctl", "sysctl", "sudo"})
_INSTALLERS = frozenset({"npm", "npx", "pip", "pip3", "pipx", "python", "python3", "uv", "cargo", "brew"})
_SYSTEM_INSTALLERS = frozenset({"apt", "apt-get", "dnf", "apk", "pacman", "zypper"})
_AGENTS = frozenset({"claude", "codex", "opencode", "gemini", "aider", "openclaw", "mini", "pi", "qwen", "copilot", "goose", "amp"})
_PROGRAMS = _TOOLS | _INSTALLERS | _SYSTEM_INSTALLERS | _AGENTS


def is_command(way: str) -> bool:
    """Whether a way to mend something can be typed into a shell, as far as its first word says; else it is an act in words."""
    return way.split(" ", 1)[0] in _PROGRAMS


def ways(fix: str | None) -> tuple[str, ...]:
    """Return the alternatives of a fix, each a command that begins with `autobuilds` or an act in words."""
    return tuple(way for way in (fix or "").split(OR) if way)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One gate's answer; `until` is the time it opens by itself if known, `fix` what opens it, alternatives joined by OR."""

    gate: str
    verdict: Verdict
    reason: str
    until: datetime | None = None
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All gates' answers for one task; the verdict is the strongest of them (ask over wait over go)."""

    label: str
    gates: tuple[GateResult, ...]

    @property
    def verdict(self) -> Verdict:
        """Return ask if any gate asks, else wait if any waits, else go."""
        return max((g.verdict for g in self.gates), key=_STRENGTH.__getitem__, default=Verdict.GO)

    @property
    def obstacles(self) -> tuple[GateResult, ...]:
        """The gates that do not say go, those of the overall verdict first."""
        held = [g for g in self.gates if g.verdict is not Verdict.GO]
        return tuple(sorted(held, key=lambda g: -_STRENGTH[g.verdict]))

    @property
    def opens_at(self) -> datetime | None:
        """When every gate opens by itself, or None if one asks or has no known time."""
        held = [g.until for g in self.gates if g.verdict is not Verdict.GO]
        if any(t is None for t in held):
            return None
        return max((t for t in held if t is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskJudgement:
    """What the risk rules say of one task: GO (nothing found) or ASK; `matched` are the words and the rule of each."""

    verdict: Verdict
    kinds: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClarityJudgement:
    """What the requirements rules say of one task: GO or ASK; `missing` names what, `why` says it in words each."""

    verdict: Verdict
    missing: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
