"""What people are shown: the status view, the report view, and both as plain data for templates."""

from __future__ import annotations

from autobuilds.runtime.report_view import ReportView, report_view
from autobuilds.runtime.status_view import status_view
from autobuilds.runtime.view_values import NeedsYou, StatusView, as_template, on_page

__all__ = ["NeedsYou", "ReportView", "StatusView", "as_template", "on_page", "report_view", "status_view"]
