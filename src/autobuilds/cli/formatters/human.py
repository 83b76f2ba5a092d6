"""Answers for people: every form of the terminal in one place. Functions take values and return text; nobody prints here.

Each is imported when it is first used, since a command answers in one or two forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobuilds.domain.late import found

if TYPE_CHECKING:
    from autobuilds.cli.formatters.next_text import next_tasks
    from autobuilds.cli.formatters.queue_text import heartbeat, problems, show, task_list
    from autobuilds.cli.formatters.report_text import report
    from autobuilds.cli.formatters.status_text import status
    from autobuilds.cli.formatters.style import Style
    from autobuilds.cli.formatters.why_text import TimelineEntry, became, timeline, why

__all__ = [
    "Style",
    "TimelineEntry",
    "became",
    "heartbeat",
    "next_tasks",
    "problems",
    "report",
    "show",
    "status",
    "task_list",
    "timeline",
    "why",
]

#: Where each of them is.
_HOMES = {
    "next_text": ("next_tasks",),
    "queue_text": ("heartbeat", "problems", "show", "task_list"),
    "report_text": ("report",),
    "status_text": ("status",),
    "style": ("Style",),
    "why_text": ("TimelineEntry", "became", "timeline", "why"),
}


def __getattr__(name: str) -> Any:
    return found(__name__, __package__ or "", _HOMES, name)
