"""A workspace for two weeks: tasks of every kind, a calendar, contexts, duties; and what came of it, as files and plain data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autobuilds.cli.inside import run_duty
from autobuilds.runtime.simulation.loop import simulate
from autobuilds.runtime.simulation.staging import Source
from autobuilds.runtime.simulation.told import as_json
from autobuilds.runtime.simulation.values import Stage, Wish
from autobuilds.wiring.simulated import simulation

CONFIG = """---
timezone: {zone}
off_hours: 22:00-06:00
max_concurrent: {{default: 1, sleeping: 2, away: 2}}
retries: 3
retry_delay: 5m
review_limit: 40
calendar: team.ics
---
# Heartbeat

## Overnight session (daily at 23:00, until 06:00)
- `autobuilds overnight start`

## Night report (daily at 06:30, until 22:00)
- `autobuilds overnight report`

## Morning brief (daily at 07:00, until 22:00)
- `autobuilds brief --write`

## Report (daily at 23:30)
- `autobuilds report`
"""
#: Name, priority, minutes, category, window, what it depends on.
TASKS = (
    ("Alpha rounding", "High", 60, "Bug fixes", "", ""),
    ("Bravo cache", "Medium", 150, "Performance optimization", "", ""),
    ("Charlie notes", "Medium", 45, "Documentation", "", ""),
    ("Delta index", "Medium", 240, "Performance optimization", "overnight", ""),
    ("Echo paging", "High", 90, "Bug fixes", "quick-win", ""),
    ("Foxtrot digest", "High", 180, "Bug fixes", "", "Alpha rounding"),
    ("Golf tables", "Medium", 300, "Infrastructure", "", ""),
    ("Hotel letters", "High", 60, "Documentation", "work-hours", ""),
    ("India archive", "Low", 90, "Infrastructure", "", ""),
    ("Juliet split", "Medium", 420, "Performance optimization", "", "Bravo cache"),
    ("Kilo parser", "High", 120, "Bug fixes", "", "Foxtrot digest"),
    ("Lima pictures", "High", 450, "Performance optimization", "weekend", ""),
    ("Mike legends", "Medium", 30, "Documentation", "quick-win", ""),
    ("November colours", "Medium", 120, "New features", "", ""),
    ("Oscar tests", "Medium", 200, "Performance optimization", "", ""),
    ("Papa names", "High", 40, "Bug fixes", "", ""),
    ("Quebec queries", "Medium", 100, "Infrastructure", "", "Golf tables"),
    ("Romeo signs", "Medium", 75, "Documentation", "", ""),
    ("Sierra weights", "High", 30, "Bug fixes", "weekend", ""),
    ("Tango lists", "Medium", 480, "Performance optimization", "", ""),
)
_ENTRY = """### {name}
- **Description:** `work/{label}.txt` holds the single line `done`, as the tests of the project read it.
- **Completion Criteria:**
  - [ ] The line is there: `grep -qx done work/{label}.txt`
- **Estimated Time:** {minutes} min
- **Category:** {category}
{more}- **Steps:**
  ```sh
  mkdir -p work && echo done > work/{label}.txt
  ```

"""
_EVENT = "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n{lines}\r\nEND:VEVENT\r\n"


def queue(start: datetime) -> str:
    """Return the queue as it stands at the start."""
    rows = "".join(f"- [ ] {name} - Added: {start:%Y-%m-%d %H:%M} - Priority: {priority}\n" for name, priority, *_ in TASKS)
    entries = "".join(_entry(*task) for task in TASKS)
    return f"# Build Queue\n\n## Active Queue\n{rows}\n## Task Details\n\n{entries}## Completed\n"


def _entry(name: str, _: str, minutes: int, category: str, window: str, after: str) -> str:
    more = (f"- **Window:** {window}\n" if window else "") + (f"- **Depends On:** {after}\n" if after else "")
    return _ENTRY.format(name=name, label=name.lower().replace(" ", "-"), minutes=minutes, category=category, more=more)


def calendar(zone: str, *events: str) -> str:
    """Return a calendar of events, each as its lines."""
    text = "".join(_EVENT.format(uid=n, lines="\r\n".join(e.split("\n")).replace("ZONE", zone)) for n, e in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\n{text}END:VCALENDAR\r\n"


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a simulation: the answer of the command, the ledger, and what stood in `build-reports` by name."""

    told: dict[str, Any]
    ledger: dict[str, Any]
    queue: str
    nights: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: `report --json` of every day, asked for at the end.
    days: dict[str, dict[str, Any]] = field(default_factory=dict)
    briefs: dict[str, str] = field(default_factory=dict)


def play(
    files: dict[str, str],
    zone: str,
    start: datetime,
    *,
    days: int = 14,
    seed: int = 1,
    calm: bool = False,
    during: Callable[[Stage], None] = lambda _: None,
) -> Played:
    """Run a simulation of a workspace with these files; `during` may change its stage before it begins."""
    wish = Wish(start=start, days=days, seed=seed, calm=calm)
    source = Source(wish=wish, zone=ZoneInfo(zone), files=lambda _: files, duty=run_duty)
    with simulation(source) as stage:
        during(stage)
        done = simulate(stage, wish)
        root = stage.context.workspace.root
        reports = root / "build-reports"
        return Played(
            told=as_json(done),
            ledger=json.loads((root / "subagents" / "active.json").read_text()),
            queue=(root / "BUILD_QUEUE.md").read_text(),
            nights={p.stem.removeprefix("night-"): json.loads(p.read_text()) for p in sorted(reports.glob("night-*.json"))},
            days=_days(stage, root),
            briefs={p.stem.removeprefix("brief-"): p.read_text() for p in sorted(reports.glob("brief-*.md"))},
        )


def _days(stage: Stage, root: Path) -> dict[str, dict[str, Any]]:
    """Return the report of every day of which one was written, as of the end."""
    from datetime import date

    from autobuilds.cli.formatters.json_ import report_json
    from autobuilds.runtime.reports import make_report

    named = [p.stem for p in sorted((root / "build-reports").glob("20*.md"))]
    return {name: report_json(make_report(stage.context, date.fromisoformat(name)).view) for name in named}
