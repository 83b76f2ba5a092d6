"""The report of a night: its files in `build-reports/`, made from the ledger and the history alone."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from autobuilds.domain.moment import as_json
from autobuilds.domain.times import elapsed
from autobuilds.records import dataclass
from autobuilds.runtime import night_audit
from autobuilds.runtime.night_view import COMPLETED, FAILED, IN_PROGRESS, NightView, night_view, of_kind
from autobuilds.store.ledger import KEEP, read_archive
from autobuilds.store.workspace import LEDGER, REPORTS

if TYPE_CHECKING:
    from autobuilds.domain.build import Ledger
    from autobuilds.domain.day import Night
    from autobuilds.runtime.context import Context

_TEMPLATE = "night-report.md.j2"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """A night's report: its values, its audit log, and both files by their names within the workspace."""

    view: NightView
    audit: tuple[night_audit.Entry, ...]
    files: tuple[tuple[str, str], ...]


def name_of(night: Night, ending: str) -> str:
    """Return where a night's report stands within the workspace; `ending` is `md` or `json`."""
    return f"{REPORTS}/night-{night.id}.{ending}"


def make(context: Context, night: Night, ledger: Ledger, now: datetime) -> NightReport:
    """Return the report of a night as it is known now."""
    old = elapsed(night.started, now) > KEEP
    archived = read_archive(context.workspace.path(LEDGER).parent) if old else ()
    view = night_view(night, ledger, now, archived)
    audit = tuple(night_audit.entries(context, night, ledger, now))
    page = json.dumps(night_json(view, audit), ensure_ascii=False, indent=2) + "\n"
    files = ((name_of(night, "md"), markdown(context, view, audit)), (name_of(night, "json"), page))
    return NightReport(view=view, audit=audit, files=files)


def night_json(view: NightView, audit: tuple[night_audit.Entry, ...] | None = None) -> dict[str, Any]:
    """Return a night as one JSON object (docs/reference/json.md), with its audit log where that is given."""
    plain: dict[str, Any] = as_json(view)
    name = plain.pop("id")
    return {"schema": 1, "kind": "overnight", "session": name, **plain, **({"audit": list(audit)} if audit is not None else {})}


def markdown(context: Context, view: NightView, audit: tuple[night_audit.Entry, ...]) -> str:
    """Return the page of a night."""
    from autobuilds.runtime.view_values import as_template
    from autobuilds.store.render import Renderer

    kinds = {"completed_rows": COMPLETED, "failed_rows": FAILED, "running_rows": IN_PROGRESS}
    rows = {name: as_template(_Rows(rows=tuple(of_kind(view, came))))["rows"] for name, came in kinds.items()}
    log = [{**entry, "at": entry["at"].replace("T", " ")[:16]} for entry in audit]
    return Renderer(context.workspace.root).render(_TEMPLATE, {**as_template(view), **rows, "audit": log})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    rows: tuple[object, ...]
