"""Verdicts: the answer of a gate, with the reason and what would change it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from autobuilds.records import dataclass


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


class _Unfinished:
    """Answers of which some are given when they are first asked for; nobody can tell them from those that are there."""

    __slots__ = ("_finish", "_known")

    if not TYPE_CHECKING:  # what a type checker sees are the fields

        def __getattr__(self, name: str) -> Any:
            if name != "gates":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            object.__setattr__(self, "gates", self._finish())
            return self.gates


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(_Unfinished):
    """All gates' answers for one task; the verdict is the strongest of them (ask over wait over go)."""

    label: str
    gates: tuple[GateResult, ...]

    @property
    def verdict(self) -> Verdict:
        """Return ask if any gate asks, else wait if any waits, else go."""
        found = [g.verdict for g in self.gates]
        return Verdict.ASK if Verdict.ASK in found else Verdict.WAIT if Verdict.WAIT in found else Verdict.GO

    @property
    def sketch(self) -> Assessment:
        """These answers, as far as they are given: without those that take long and that nobody has asked for yet."""
        known: tuple[GateResult, ...] | None = getattr(self, "_known", None)
        return self if known is None or _has_gates(self) else Assessment(label=self.label, gates=known)

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


def unfinished(label: str, known: tuple[GateResult, ...], finish: Callable[[], tuple[GateResult, ...]]) -> Assessment:
    """Return the answers for a task of which these are known, and all of them are what `finish` returns."""
    found = object.__new__(Assessment)
    object.__setattr__(found, "label", label)
    object.__setattr__(found, "_known", known)
    object.__setattr__(found, "_finish", finish)
    return found


def _has_gates(assessment: Assessment) -> bool:
    try:
        object.__getattribute__(assessment, "gates")
    except AttributeError:
        return False
    return True


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
