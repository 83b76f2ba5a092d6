"""`schedule --json` and `stats --json`, as docs/reference/json.md says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from autobuilds.cli.formatters.json_ import envelope, why_json
from autobuilds.domain.lengths import Lengths
from autobuilds.domain.moment import as_json
from autobuilds.domain.times import elapsed
from autobuilds.planning.timeline import Forecast, Reach, Slot
from autobuilds.policies.build_scheduler import Group, Stats

_MINUTE = timedelta(minutes=1)


def schedule_json(found: Forecast, words: Sequence[Reach], *, reviewed: bool, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return `schedule --json`: the builds, the time between them, and what is not reached with all its gates."""
    told = {r.label: r for r in words}
    left, crowded = [], set(found.crowded)
    for task in why_json(found.not_reached)["tasks"]:
        reach = told.get(task["label"])
        needs = {"needs": list(reach.words) if reach is not None else [], "then": as_json(reach.start) if reach is not None else None}
        left.append({**task, "crowded": task["label"] in crowded, **needs})
    return {
        **envelope("schedule"),
        "from": as_json(found.start),
        "to": as_json(found.end),
        "reviewed": reviewed,
        "complete": found.complete,
        "slots": [slot_json(slot) for slot in found.slots],
        "spans": as_json(found.spans),
        "not_reached": left,
        "notes": list(notes),
    }


def slot_json(slot: Slot) -> dict[str, Any]:
    """Return one build of a forecast."""
    return {**as_json(slot), "minutes": int(elapsed(slot.start, slot.end) / _MINUTE)}


def stats_json(found: Stats, lengths: Lengths) -> dict[str, Any]:
    """Return `stats --json`."""
    learned = [
        {
            "category": kind.category or None,
            "agent": kind.agent,
            "builds": known.builds,
            "median": None if known.median is None else round(known.median / _MINUTE),
            "share": None if known.share is None else round(known.share, 2),
        }
        for kind, known in lengths.kinds.items()
    ]
    return {
        **envelope("stats"),
        "since": as_json(found.since),
        "total": _group(found.total),
        "states": dict(found.states),
        "outcomes": dict(found.outcomes),
        "wait_for_start": as_json(found.wait_for_start),
        "wait_for_review": as_json(found.wait_for_review),
        "categories": [_group(g) for g in found.categories],
        "agents": [_group(g) for g in found.agents],
        "weeks": [{**as_json(w), "monday": w.monday.isoformat()} for w in found.weeks],
        "learned": learned,
    }


def _group(group: Group) -> dict[str, Any]:
    plain: dict[str, Any] = as_json(group)
    return {**plain, "percent": group.percent}
