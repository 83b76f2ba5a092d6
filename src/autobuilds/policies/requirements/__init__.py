"""The requirements rules: whether a task says what is wanted, within which bounds, and how one sees that it is done."""

from __future__ import annotations

from autobuilds.policies.requirements.judge import judge_requirements
from autobuilds.policies.requirements.template import template_for

__all__ = ["judge_requirements", "template_for"]
