"""Approval: what exactly the owner said yes to, as a fingerprint that lapses when the text changes (chapter 3)."""

from __future__ import annotations

from autobuilds.domain.digests import sha256
from autobuilds.domain.model import Task


def fingerprint(task: Task) -> str:
    """Return the SHA-256 of what an approval binds: what the agent is told, where it works, who it is.

    That is name, description, criteria, steps, repository, base, agent, and the fields that stand in the prompt, set the bounds, or
    say how the work is delivered. White space is folded, so a re-wrapped paragraph keeps its approval; a changed word does not.
    """
    import json

    def fold(text: str | None) -> str:
        return " ".join((text or "").split())

    parts = {
        "name": fold(task.name),
        "description": fold(task.description),
        "criteria": [fold(c.text) for c in task.criteria],
        "steps": (task.steps or "").strip(),
        "repository": fold(task.repository),
        "base": fold(task.base),
        "agent": fold(task.agent),
        "category": fold(task.category),
        "details": [fold(task.tech_stack), fold(task.role), fold(task.notes), [fold(d) for d in task.deliverables]],
        "touches": [fold(t) for t in task.touches],
    }
    return sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode())
