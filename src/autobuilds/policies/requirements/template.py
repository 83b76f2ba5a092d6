"""The block of Markdown that asks for exactly what a task lacks."""

from __future__ import annotations

from collections.abc import Sequence

_ABOUT_GOAL = {"goal", "placeholder"}
_ABOUT_CHECKS = {"criteria", "checkable"}


def template_for(missing: Sequence[str], name: str) -> str:
    """Return Markdown to paste into the task's entry, asking for what is missing (codes of a ClarityJudgement); empty for nothing."""
    wanted = set(missing)
    if not wanted:
        return ""
    flat = " ".join(name.split()).replace("`", "'") or "the task"
    lines = [f"<!-- {_comment(flat)}: answer each line, then delete this comment. -->"]
    if wanted & _ABOUT_GOAL:
        lines += [
            "- **Description:**",
            "  - Now: (what happens today, or what is there)",
            "  - Wanted: (what should happen instead, with names, values and messages)",
        ]
    if "placeholder" in wanted:
        lines.append("  - Values: (every blank of the present text with its real value)")
    if "scope" in wanted:
        lines += ["- **Touches:** (the files or folders it may change)", "- **Out of scope:** (what must stay as it is)"]
    if wanted & _ABOUT_CHECKS:
        lines += [
            "- **Completion Criteria:**",
            "  - [ ] `(a command that must succeed)`",
            "  - [ ] (a figure, a message, a file or a state that one can look at)",
        ]
    if "size" in wanted:
        lines += [
            "- **Split into:** (one task a line; only the first stays in this entry)",
            "  - (first task, a day or less)",
            "  - (second task, Depends On the first)",
        ]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return text.replace("--", "- -").replace(">", "›").replace("<", "‹")
