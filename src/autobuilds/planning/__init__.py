"""What follows from the files and the world: the decision of one heartbeat, and the forecast by the same code."""

from __future__ import annotations

from autobuilds.planning.decision import (
    Action,
    Alert,
    Close,
    CompleteByHand,
    Confirm,
    DropApproval,
    FillAdded,
    Plan,
    Propose,
    RecordApproval,
    Settle,
    Start,
    StopAttempt,
    assess_all,
    in_order,
    plan,
    situate,
)

__all__ = [
    "Action",
    "Alert",
    "Close",
    "CompleteByHand",
    "Confirm",
    "DropApproval",
    "FillAdded",
    "Plan",
    "Propose",
    "RecordApproval",
    "Settle",
    "Start",
    "StopAttempt",
    "assess_all",
    "in_order",
    "plan",
    "situate",
]
