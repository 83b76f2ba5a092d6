"""A simulation as plain data, for programs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from autobuilds.runtime.simulation.figures import per_place
from autobuilds.runtime.simulation.values import Simulated


def as_json(done: Simulated) -> dict[str, Any]:
    """Return the whole simulation as JSON data: times in RFC 3339, hours as numbers."""
    wish = done.wish
    return {
        "from": wish.start.isoformat(timespec="seconds"),
        "until": done.until.isoformat(timespec="seconds"),
        "days": wish.days,
        "seed": wish.seed,
        "calm": wish.calm,
        "figures": dict(done.figures),
        "begun_in": per_place(done.runs, done.places),
        "states": dict(sorted(Counter(t["state"] for t in done.tasks).items())),
        "story": [{"at": t.at.isoformat(timespec="seconds"), "what": t.what, "label": t.label or None, "text": t.text} for t in done.lines],
        "runs": [
            {
                "label": r.label,
                "number": r.number,
                "attempt": r.attempt,
                "agent": r.agent,
                "begun": r.begun.isoformat(timespec="seconds"),
                "ended": r.ends.isoformat(timespec="seconds") if r.over else None,
                "outcome": r.outcome.value if r.over else None,
                "context": done.places[r.attempt].context,
                "windows": list(done.places[r.attempt].windows),
                "night": done.places[r.attempt].night,
            }
            for r in done.runs
        ],
        "tasks": [dict(t) for t in done.tasks],
        "violations": list(done.violations),
    }
