"""The ports: what the product needs from the outside, as Protocols; adapters implement them, the wiring names them.

Each is imported when its name is first used: a command needs few of them, and all together take longer than Python's own start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobuilds.domain.late import found

if TYPE_CHECKING:
    from autobuilds.ports.authority import Proofs
    from autobuilds.ports.calendar import Calendar, CalendarAnswer
    from autobuilds.ports.forge import Forge, Proposal, Proposed
    from autobuilds.ports.house import House
    from autobuilds.ports.machine import Agents, Host, Invocation, Sandbox, Survey, Traces
    from autobuilds.ports.repository import CheckedMerge, Commit, DiffStat, FileStat, Head, Identity, LineOrigin, Maker, Repo
    from autobuilds.ports.running import Checker, Job, Limits, Runner, StopStep
    from autobuilds.ports.timers import Timer, TimerJob, TimerLine, TimerPiece, TimerState

__all__ = [
    "Agents",
    "Calendar",
    "CalendarAnswer",
    "CheckedMerge",
    "Checker",
    "Commit",
    "DiffStat",
    "FileStat",
    "Forge",
    "Head",
    "Host",
    "House",
    "Identity",
    "Invocation",
    "Job",
    "Limits",
    "LineOrigin",
    "Maker",
    "Proofs",
    "Proposal",
    "Proposed",
    "Repo",
    "Runner",
    "Sandbox",
    "StopStep",
    "Survey",
    "Timer",
    "TimerJob",
    "TimerLine",
    "TimerPiece",
    "TimerState",
    "Traces",
]

#: Where each of them is.
_HOMES = {
    "authority": ("Proofs",),
    "calendar": ("Calendar", "CalendarAnswer"),
    "forge": ("Forge", "Proposal", "Proposed"),
    "house": ("House",),
    "machine": ("Agents", "Host", "Invocation", "Sandbox", "Survey", "Traces"),
    "repository": ("CheckedMerge", "Commit", "DiffStat", "FileStat", "Head", "Identity", "LineOrigin", "Maker", "Repo"),
    "running": ("Checker", "Job", "Limits", "Runner", "StopStep"),
    "timers": ("Timer", "TimerJob", "TimerLine", "TimerPiece", "TimerState"),
}


def __getattr__(name: str) -> Any:
    return found(__name__, __name__, _HOMES, name)
