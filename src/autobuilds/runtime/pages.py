"""Pages: the views of an instant, rendered through the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autobuilds.domain.moment import Moment
from autobuilds.domain.progress import Progress
from autobuilds.domain.verdicts import Assessment
from autobuilds.errors import AutobuildsError
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.status_view import status_view
from autobuilds.runtime.view_values import StatusView, on_page
from autobuilds.store.workspace import STATUS, Loaded

if TYPE_CHECKING:
    from autobuilds.runtime.record import Recorder

_STATUS_TEMPLATE = "BUILD_STATUS.md.j2"


def view_of(context: Context, loaded: Loaded, moment: Moment, assessments: Sequence[Assessment], *, trouble: str = "") -> StatusView:
    """Return what is going on; `trouble` is what keeps Git from committing, shown under system health."""
    view = status_view(loaded.snapshot, moment, assessments, progress_of(context, loaded))
    if loaded.settings.status_chart and not loaded.snapshot.queue.fatal:
        from autobuilds.runtime.ahead import chart_of

        view = replace(view, chart=chart_of(context, loaded, moment))
    if not trouble:
        return view
    return replace(view, health=replace(view.health, errors=(f"not committed: {trouble}", *view.health.errors)))


def render_status(context: Context, view: StatusView) -> tuple[str, StatusView]:
    """Return BUILD_STATUS.md, and the view with what is wrong with the workspace's own template, if anything."""
    from autobuilds.store.kept_page import KeptPage
    from autobuilds.store.render import Renderer

    workspace, values = context.workspace, on_page(view)
    kept = KeptPage(workspace.path(STATUS), workspace.private / "status-page", _STATUS_TEMPLATE, values)
    same = kept.text()
    if same is not None:
        return same, view
    renderer = Renderer(workspace.root)
    text = renderer.render(_STATUS_TEMPLATE, values)
    if not renderer.problems:
        kept.keep(text)
        return text, view
    view = replace(view, health=replace(view.health, errors=(*renderer.problems, *view.health.errors)))
    return renderer.render(_STATUS_TEMPLATE, on_page(view)), view


def progress_of(context: Context, loaded: Loaded) -> dict[str, Progress]:
    """Return the progress logs of the running builds by label, read as the untrusted input that they are."""
    if not loaded.snapshot.ledger.active:
        return {}
    from autobuilds.store.progress import read_progress

    workspace = context.workspace
    return {
        b.label: read_progress(workspace.progress_file(b.label), label=b.label, zone=loaded.zone) for b in loaded.snapshot.ledger.active
    }


def refresh(context: Context, recorder: Recorder) -> None:
    """Render BUILD_STATUS.md after an act of the owner, into the commit of the act; where that fails, the act stands."""
    from autobuilds.planning import plan
    from autobuilds.runtime.observe import observe

    try:
        loaded = context.load()
        moment = observe(context, loaded)
        view = view_of(context, loaded, moment, plan(loaded.snapshot, moment).assessments, trouble=recorder.trouble)
        page, _ = render_status(context, view)
        recorder.publish_status(page, settled=not loaded.snapshot.ledger.active)
    except AutobuildsError:
        with recorder.transaction("flush"):
            pass


def write_page(context: Context, name: str, text: str, said: str, *, what: str, event: str | None = None) -> bool:
    """Write a page into the workspace and commit it as an event (default: named as `what`); return whether it changed."""
    from autobuilds.runtime.record import recorder_for

    recorder = recorder_for(context)
    with recorder.transaction(what):
        changed = context.workspace.differs(name, text)
        if changed:
            recorder.note(event or what, "", said, paths=[name], transition=False)
            context.workspace.publish(name, text)
    return changed
