"""The commands that look ahead and back: what they do, for `cli.commands.day_schedule` and the historical scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from autobuilds.cli.session import open_context, page, say, say_json, style, tell
from autobuilds.domain.moment import as_json as plain
from autobuilds.records import replace


def schedule(workspace: Path | None, hours: int, *, reviewed: bool = False, mermaid: bool = False, as_json: bool = False) -> None:
    """Say what runs when in the coming hours; raises FatalQueue."""
    from autobuilds.runtime.ahead import look_ahead

    ahead = look_ahead(open_context(workspace), hours, reviewed=reviewed, granting=not mermaid)
    found = ahead.forecast
    for note in ahead.notes:
        tell(note)
    if as_json:
        from autobuilds.cli.formatters.json_schedule import schedule_json

        say_json(schedule_json(found, ahead.reach, reviewed=reviewed, notes=ahead.notes))
        return
    if mermaid:
        from autobuilds.runtime.chart import gantt

        say(gantt(found, found.start, found.end))
        return
    from autobuilds.cli.formatters.schedule_text import schedule as timeline
    from autobuilds.cli.formatters.unreached_text import unreached

    how = replace(style(), width=_width())
    page(timeline(found, how) + unreached(found, ahead.reach, how), how)


def _width() -> int:
    """Return the columns of the terminal, between 20 and 100; 80 for a pipe."""
    import shutil

    return max(20, min(shutil.get_terminal_size().columns, 100)) if sys.stdout.isatty() else 80


def windows(workspace: Path | None, *, as_json: bool = False) -> None:
    """Say which windows there are, and which waiting tasks are meant for each; raises FatalQueue."""
    from autobuilds.domain.situation import Shared
    from autobuilds.policies.build_scheduler import by_window
    from autobuilds.runtime.ahead import look_at_queue

    seen = look_at_queue(open_context(workspace))
    waiting = [t for t in seen.snapshot.queue.active if not t.checked]
    shared = Shared(seen.snapshot, seen.moment)
    openings = [shared.opening(window) for window in seen.snapshot.settings.windows]
    rows = by_window(waiting, openings, lambda task: seen.length(task).span)
    if as_json:
        say_json({"schema": 1, "kind": "schedule", "windows": plain(rows)})
        return
    from autobuilds.cli.formatters.stats_text import windows as text

    say(text(rows, seen.moment.now, style()))


def stats(workspace: Path | None, days: int | None, *, as_json: bool = False) -> None:
    """Say what became of the builds, from the ledger and the archives."""
    from autobuilds.policies.build_scheduler import stats as figures
    from autobuilds.runtime.ahead import look_at_queue

    seen = look_at_queue(open_context(workspace), fatal=False)
    for note in seen.notes:
        tell(note)
    found = figures(seen.builds, seen.snapshot.queue.tasks, seen.moment.now, days=days)
    if as_json:
        from autobuilds.cli.formatters.json_schedule import stats_json

        say_json(stats_json(found, seen.lengths))
        return
    from autobuilds.cli.formatters.stats_text import stats as text

    say(text(found, seen.lengths, style()))


def progress(workspace: Path | None, *, as_json: bool = False) -> None:
    """Say how far the queue as a whole has come; raises FatalQueue."""
    from autobuilds.policies.autonomous_queue import progress as figures
    from autobuilds.runtime.ahead import look_at_queue
    from autobuilds.runtime.looking import look

    context = open_context(workspace)
    seen, beat = look_at_queue(context), look(context)
    percents = {row.label: row.percent for row in beat.view.building}
    found = figures(beat.loaded.snapshot, beat.assessments, percents, seen.length)
    if as_json:
        answer: dict[str, Any] = {"schema": 1, "kind": "progress", **plain(found)}
        say_json(answer)
        return
    from autobuilds.cli.formatters.stats_text import progress as text

    say(text(found, style()))
