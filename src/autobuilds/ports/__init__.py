"""The ports: what the product needs from the outside, as Protocols; adapters implement them, the wiring names them."""

from __future__ import annotations

from autobuilds.ports.authority import Proofs
from autobuilds.ports.forge import Forge, Proposal, Proposed
from autobuilds.ports.machine import Agents, Host, Invocation, Sandbox, Survey, Traces
from autobuilds.ports.repository import CheckedMerge, Commit, DiffStat, FileStat, Head, Identity, LineOrigin, Maker, Repo
from autobuilds.ports.running import Checker, Job, Limits, Runner, StopStep
from autobuilds.ports.timers import Timer, TimerJob, TimerPiece, TimerState

__all__ = [
    "Agents",
    "CheckedMerge",
    "Checker",
    "Commit",
    "DiffStat",
    "FileStat",
    "Forge",
    "Head",
    "Host",
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
    "TimerPiece",
    "TimerState",
    "Traces",
]
