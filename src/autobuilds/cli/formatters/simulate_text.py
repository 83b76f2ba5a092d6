"""How a simulation is told on a terminal: a story day by day, then the figures."""

from __future__ import annotations

import textwrap
from collections import Counter

from autobuilds.cli.formatters.style import Style
from autobuilds.domain import inert
from autobuilds.runtime.simulation.figures import per_place
from autobuilds.runtime.simulation.values import Simulated, Told

WIDTH = 80
#: What the story leaves out: each has a line of its own in JSON.
_QUIET = frozenset({"started", "added", "hand-edit", "status"})
_BAD = frozenset({"violation", "fault", "escalated", "off", "full", "duty-failed", "refused"})
_GOOD = frozenset({"done", "delivered", "accepted", "completed"})
_FIGURES = (
    ("heartbeats", "heartbeats"),
    ("heartbeats_missed", "heartbeats missed while the machine was off"),
    ("attempts", "attempts"),
    ("finished", "builds finished"),
    ("verified", "of them verified"),
    ("claimed", "of them claimed"),
    ("failed_attempts", "attempts that failed"),
    ("lost_attempts", "attempts lost when the machine went off"),
    ("retried", "attempts that were retries"),
    ("escalated", "builds handed to you"),
    ("most_at_once", "builds at once, at most"),
    ("hours", "hours of building"),
    ("nights", "overnight sessions"),
    ("outages", "times the machine was off"),
    ("disk_full", "times the disk was full"),
    ("faults", "faults told by heartbeats"),
    ("violations", "rules broken"),
)


class Teller:
    """Prints the story as it happens, a heading for each day."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._day = ""

    def __call__(self, line: Told) -> str:
        """Return a line of the story with its day's heading where a new day begins; empty for what the story leaves out."""
        if line.what in _QUIET:
            return ""
        day = f"{line.at:%A %d %B %Y}"
        head = "" if day == self._day else f"\n{self._style.bold(day)}\n"
        self._day = day
        return head + _line(line, self._style) + "\n"


def _line(line: Told, style: Style) -> str:
    what = line.what.removeprefix("owner-")
    subject = f"{line.label}: " if line.label else ""
    verb = "" if line.what.startswith("owner-") or not line.label else f"{what}: "
    text = inert.line(f"{subject}{verb}{line.text}", 400)
    rows = textwrap.wrap(text, WIDTH - 8, break_on_hyphens=False)
    first, rest = rows[0] if rows else "", rows[1:]
    paint = style.bad if line.what in _BAD else style.good if line.what in _GOOD else str
    return "\n".join([f"{line.at:%H:%M}   {paint(first)}", *(f"        {row}" for row in rest)])


def summary(done: Simulated, style: Style) -> str:
    """Return the figures, where every task stands, and what was wrong."""
    rows = ["", style.bold(f"{done.wish.days} days by seed {done.wish.seed}" + (", all calm" if done.wish.calm else ""))]
    rows += [f"{done.figures[key]:>8g}  {said}" for key, said in _FIGURES]
    for what, counts in per_place(done.runs, done.places).items():
        said = ", ".join(f"{name} {number}" for name, number in counts.items())
        rows += textwrap.wrap(
            f"          begun by {what}: {said or 'none'}", WIDTH, subsequent_indent="            ", break_on_hyphens=False
        )
    states = Counter(task["state"] for task in done.tasks)
    rows += ["", style.bold("Where the tasks stand: ") + ", ".join(f"{number} {state}" for state, number in sorted(states.items()))]
    for task in (t for t in done.tasks if t["state"] != "completed"):
        text = f"{task['label']}: {task['state']}" + (f" ({task['why']})" if task["why"] else "")
        wrapped = textwrap.wrap(inert.line(text, 300), WIDTH - 2, subsequent_indent="    ", break_on_hyphens=False)
        rows += [f"  {row}" for row in wrapped]
    rows += [style.bad(f"  {wrong}") for wrong in done.violations]
    return "\n".join(rows)
