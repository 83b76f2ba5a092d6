"""The risk rules: tables of DECISION_FRAMEWORK.md, read as a sum of weights over concepts found in a task's words."""

from __future__ import annotations

from autobuilds.policies.risk.judge import answer_for, judge_risk
from autobuilds.policies.risk.model import KINDS

__all__ = ["KINDS", "answer_for", "judge_risk"]
