"""What `autobuilds problems` does: the use case called, its result as text or JSON."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autobuilds.cli.formatters import house_text
from autobuilds.cli.session import open_context, say, say_json, style, tell
from autobuilds.domain.moment import as_json as plain
from autobuilds.domain.times import elapsed
from autobuilds.errors import BadInput, NotSo
from autobuilds.runtime import house

if TYPE_CHECKING:
    from autobuilds.runtime.context import Context


def _opened(workspace: Path | None) -> tuple[Context, datetime]:
    context = open_context(workspace)
    return context, context.now(context.workspace.zone(context.workspace.config().settings))


def scanned(workspace: Path | None, as_json: bool) -> int:
    """Print what a scan found; return 1 where a critical problem stands."""
    context, now = _opened(workspace)
    found = house.scan(context, now, tell=tell)
    if as_json:
        say_json({**_problems(found), "ok": not found.critical})
    else:
        say(house_text.problems(found, style()))
    return 1 if found.critical else 0


def listed(workspace: Path | None, *, as_json: bool) -> None:
    """Print the problems of this moment with what mends each."""
    context, now = _opened(workspace)
    found = house.look(context, now, tell=tell)
    if as_json:
        say_json({**_problems(found), "ok": not found.critical})
    else:
        say(house_text.problems(found, style(), ways=True))


def fixed(workspace: Path | None, *, dry_run: bool, as_json: bool) -> int:
    """Mend what is safe and print what came of it; return 1 where a fix failed."""
    context, now = _opened(workspace)
    done = house.fix_safe(context, now, dry_run, tell=tell)
    left = [t for t in house.look(context, now, tell=tell).problems if t.fix is None]
    failed = [f for f in done if not f.planned and not f.result.done]
    if as_json:
        rows = [
            {
                **house_text.trouble_json(f.problem),
                "done": f.result.done,
                "outcome": house_text.printable(f.result.said),
                "freed_bytes": f.result.freed,
                "trashed_bytes": f.result.trashed,
            }
            for f in done
        ]
        sums = {"freed_bytes": sum(f.result.freed for f in done), "trashed_bytes": sum(f.result.trashed for f in done)}
        more = {"fixes": rows, "left": [house_text.trouble_json(t) for t in left], **sums}
        say_json({"schema": 1, "kind": "problems", "at": plain(now), "dry_run": dry_run, **more})
    else:
        say(house_text.fixes(done, left, style(), dry_run=dry_run))
    return 1 if failed else 0


def measured(workspace: Path | None, days: int, *, as_json: bool) -> None:
    """Print the readings of this moment and the samples of the last days."""
    context, now = _opened(workspace)
    found = house.look(context, now, tell=tell)
    samples = [s for s in house.samples(context, now) if elapsed(s.at, now) <= timedelta(days=days)]
    if as_json:
        figures = house_text.figures(found.readings)
        say_json({"schema": 1, "kind": "problems", "at": plain(now), "metrics": figures, "samples": plain(samples)})
    else:
        say(house_text.metrics(found.readings, samples, style()))


def restored(workspace: Path | None, day: str | None, *, as_json: bool) -> int:
    """Put things back from the trash and print which; return 1 where something stays there."""
    try:
        wanted = date.fromisoformat(day) if day else None
    except ValueError as wrong:
        raise BadInput(f'"{day}" is no date: write YYYY-MM-DD') from wrong
    context, now = _opened(workspace)
    chosen, back = house.restore(context, now, wanted)
    if not back:
        raise NotSo("nothing lies in the trash" + (f" of {chosen.isoformat()}" if chosen else ""))
    if as_json:
        rows = [
            {"path": house_text.printable(r.path), "done": r.done, "outcome": house_text.printable(r.said), "bytes": r.size} for r in back
        ]
        say_json(
            {"schema": 1, "kind": "problems", "at": plain(now), "day": plain(chosen.isoformat() if chosen else None), "restored": rows}
        )
    else:
        say(house_text.restored(back, style()))
    return 0 if all(r.done for r in back) else 1


def _problems(found: house.Scan) -> dict[str, Any]:
    counts = house_text.counted(found.problems)
    rows = [house_text.trouble_json(t) for t in found.problems]
    return {"schema": 1, "kind": "problems", "at": plain(found.readings.at), "problems": rows, "counts": counts}
