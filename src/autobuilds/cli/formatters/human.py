"""Answers for people: every form of the terminal in one place. Functions take values and return text; nobody prints here."""

from __future__ import annotations

from autobuilds.cli.formatters.queue_text import heartbeat, problems, show, task_list
from autobuilds.cli.formatters.report_text import report
from autobuilds.cli.formatters.status_text import status
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.formatters.why_text import TimelineEntry, became, timeline, why

__all__ = ["Style", "TimelineEntry", "became", "heartbeat", "problems", "report", "show", "status", "task_list", "timeline", "why"]
