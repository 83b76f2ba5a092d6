"""The three answers a gate can give."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from autobuilds.domain.verdicts import GateResult, Verdict


@lru_cache(maxsize=1024)
def go(gate: str, reason: str) -> GateResult:
    """Answer that the gate is open, and why; most tasks get the same answers."""
    return GateResult(gate=gate, verdict=Verdict.GO, reason=reason)


def wait(gate: str, reason: str, *, until: datetime | None = None, fix: str | None = None) -> GateResult:
    """Answer that the gate opens by itself, when, and what would open it sooner."""
    return GateResult(gate=gate, verdict=Verdict.WAIT, reason=reason, until=until, fix=fix)


def ask(gate: str, reason: str, fix: str) -> GateResult:
    """Answer that only the owner can open the gate, and how."""
    return GateResult(gate=gate, verdict=Verdict.ASK, reason=reason, fix=fix)
