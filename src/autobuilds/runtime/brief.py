"""The morning brief of a workspace: made from its files at this moment, written as a page, committed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import TYPE_CHECKING

from autobuilds.domain.lengths import learn
from autobuilds.domain.times import at_clock, elapsed, format_minutes, local_day
from autobuilds.planning import plan
from autobuilds.planning.forecast import forecast, nightly_of
from autobuilds.records import dataclass
from autobuilds.runtime.ahead import all_builds
from autobuilds.runtime.brief_values import BriefView
from autobuilds.runtime.brief_view import Sources, brief_view
from autobuilds.runtime.context import Context
from autobuilds.runtime.observe import observe
from autobuilds.runtime.pages import progress_of, write_page
from autobuilds.runtime.reports import begun
from autobuilds.runtime.view_values import as_template
from autobuilds.store.render import Renderer
from autobuilds.store.workspace import REPORTS

if TYPE_CHECKING:
    from autobuilds.domain.build import Build
    from autobuilds.domain.moment import Moment
    from autobuilds.planning.timeline import Forecast
    from autobuilds.store.workspace import Loaded

_TEMPLATE = "brief.md.j2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A morning's brief: its place in the workspace, its values, its page, and what is wrong with the workspace's own template."""

    name: str
    view: BriefView
    text: str
    problems: tuple[str, ...] = ()


def make_brief(context: Context, day: date | None = None) -> Brief:
    """Return the brief of a day's morning (default: today's); nothing is changed; raises BadInput of a day that has not begun."""
    loaded = context.load()
    moment = observe(context, loaded)
    past = begun(day, moment.now) < local_day(moment.now)
    builds, notes = all_builds(context, loaded)
    view = brief_view(
        Sources(
            snapshot=loaded.snapshot,
            moment=moment,
            zone=loaded.zone,
            assessments=plan(loaded.snapshot, moment).assessments,
            archived=builds,
            progress=progress_of(context, loaded),
            forecast=None if past or loaded.snapshot.queue.fatal else _ahead(loaded, moment, builds),
            notes=notes,
        ),
        day,
    )
    renderer = Renderer(context.workspace.root)
    text = renderer.render(_TEMPLATE, page_values(view))
    return Brief(name=f"{REPORTS}/brief-{view.day.isoformat()}.md", view=view, text=text, problems=tuple(renderer.problems))


def _ahead(loaded: Loaded, moment: Moment, builds: tuple[Build, ...]) -> Forecast:
    """Return what the rest of the day holds."""
    midnight = at_clock(local_day(moment.now) + timedelta(days=1), time(), loaded.zone)
    hours = max(1, ceil(elapsed(moment.now, midnight).total_seconds() / 3600))
    lengths = learn(builds, loaded.snapshot.queue.tasks)
    return forecast(loaded.snapshot, moment, hours, lengths=lengths, nightly=nightly_of(loaded.config.duties))


def page_values(view: BriefView) -> Mapping[str, object]:
    """Return what the template is given: the view, with words for proof and size, and clock times where the day is known."""
    values = dict(as_template(view))
    values["shipped"] = [{**as_template(row), "proof": row.proof, "size": row.size} for row in view.shipped]
    values["today"] = [{**as_template(row), "at": f"{row.start:%H:%M}", "to": f"{row.end:%H:%M}"} for row in view.today]
    values["turns"] = [{"at": f"{turn.at:%H:%M}", "context": turn.context} for turn in view.turns]
    values["throttled"] = format_minutes(view.throttled_minutes) if view.throttled_minutes else ""
    values["building"] = [{**as_template(row), "at": _about(row.ready, view)} for row in view.building]
    return values


def _about(ready: datetime | None, view: BriefView) -> str | None:
    if ready is None:
        return None
    return f"{ready:%H:%M}" if ready.date() == view.until.date() else f"{ready:%Y-%m-%d %H:%M}"


def settle(context: Context) -> None:
    """Record what has ended before a brief tells of it: a heartbeat that starts nothing; while another one is at work, that one does it."""
    from autobuilds.errors import Busy
    from autobuilds.runtime.heartbeat import beat

    with suppress(Busy):
        beat(context, start=False, patience=60.0)


def write_brief(context: Context, brief: Brief) -> bool:
    """Write a brief into the workspace and commit it; return whether it changed."""
    return write_page(context, brief.name, brief.text, f"brief of {brief.view.day.isoformat()}", what="brief")
