"""The block of Markdown that asks for exactly what a task lacks."""

from __future__ import annotations

from collections.abc import Sequence

_ABOUT_GOAL = {"goal", "placeholder"}
_ABOUT_CHECKS = {"criteria", "checkable"}


def template_for(missing: Sequence[str], name: str) -> str:
    """Return Markdown to paste into the task's entry, asking for what is missing (codes of a ClarityJudgement); empty for nothing.

    What is to be filled in stands in square brackets, which the rules know as blanks: pasted and left as it is, the task is asked about again.
    """
    wanted = set(missing)
    if not wanted:
        return ""
    flat = " ".join(name.split()).replace("`", "'") or "the task"
    lines = [f"<!-- {_comment(flat)}: replace each [...] by the answer, then delete this comment. -->"]
    if wanted & (_ABOUT_GOAL | {"scope"}):
        lines.append("- **Description:**")
    if wanted & _ABOUT_GOAL:
        lines += [
            "  - Now: [describe what happens today, or what is there]",
            "  - Wanted: [describe what should happen instead: names, values, messages]",
        ]
    if "placeholder" in wanted:
        lines.append("  - Values: [enter the real value of every blank]")
    if "scope" in wanted:
        lines += ["  - Covers: [enter the files, pages, commands or cases]", "  - Out of scope: [enter what must stay as it is]"]
    if wanted & _ABOUT_CHECKS:
        lines += [
            "- **Completion Criteria:**",
            "  - [ ] [enter a command in backticks that must succeed]",
            "  - [ ] [describe a figure, message, file or state that one can look at]",
        ]
    if "size" in wanted:
        lines += [
            "- **Notes:** to be split; one task a line, each then an entry of its own",
            "  - [describe the first task, a day or less]",
            "  - [describe the second task, which depends on the first]",
        ]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return text.replace("--", "- -").replace(">", "›").replace("<", "‹")
