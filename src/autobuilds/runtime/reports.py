"""Reports: one day as a page, from the ledger only."""

from __future__ import annotations

from datetime import date, datetime

from autobuilds.domain.times import local_day
from autobuilds.errors import BadInput
from autobuilds.planning import plan
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.runtime.observe import observe
from autobuilds.runtime.pages import progress_of, write_page
from autobuilds.runtime.views import ReportView, as_template, report_view
from autobuilds.store.render import Renderer
from autobuilds.store.workspace import REPORTS

#: Days before that year are nobody's question; around later ones the day before can be counted too.
_FIRST_YEAR = 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A day's report: its place in the workspace, its values, its page."""

    name: str
    view: ReportView
    text: str


def make_report(context: Context, day: date | None) -> Report:
    """Return the report of a local day (default: today); raises BadInput of a day that has not begun."""
    loaded = context.load()
    moment = observe(context, loaded)
    wanted = begun(day, moment.now)
    assessments = plan(loaded.snapshot, moment).assessments
    view = report_view(loaded.snapshot, wanted, loaded.zone, moment=moment, assessments=assessments, progress=progress_of(context, loaded))
    text = Renderer(context.workspace.root).render("build-report.md.j2", as_template(view))
    return Report(name=f"{REPORTS}/{wanted.isoformat()}.md", view=view, text=text)


def begun(day: date | None, now: datetime) -> date:
    """Return the day that is asked about, by default today; raises BadInput where it has not begun in the zone of `now`, or is none of our time."""
    today = local_day(now)
    if day is not None and day > today:
        raise BadInput(f"{day.isoformat()} has not begun: today is {today.isoformat()}; give today, or a day before it")
    if day is not None and day.year < _FIRST_YEAR:
        raise BadInput(f"{day.isoformat()} lies before everything that is recorded; give a day from {_FIRST_YEAR} on")
    return day or today


def write_report(context: Context, report: Report) -> bool:
    """Write a report into the workspace and commit it; return whether it changed."""
    return write_page(context, report.name, report.text, f"report of {report.view.day.isoformat()}", what="report")
