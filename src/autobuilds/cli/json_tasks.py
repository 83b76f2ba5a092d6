"""Tasks as JSON Lines: the keys of `list --json` and the names of the options of `add`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autobuilds.cli.drafting import Drafting, split
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.errors import BadInput
from autobuilds.store.queue.compose import NewTask

#: The option's name beside the key of `list --json`, and what both mean for a new task.
_KEYS = {
    "name": "name",
    "label": "label",
    "priority": "priority",
    "added": "added",
    "desc": "description",
    "description": "description",
    "criterion": "criteria",
    "criteria": "criteria",
    "tech": "tech_stack",
    "tech_stack": "tech_stack",
    "time": "estimate",
    "estimated_time": "estimate",
    "estimated_minutes": "estimate",
    "category": "category",
    "blocker": "blockers",
    "blockers": "blockers",
    "depends_on": "depends_on",
    "touches": "touches",
    "not_before": "not_before",
    "window": "window",
    "repository": "repository",
    "base": "base",
    "agent": "agent",
    "role": "role",
    "timeout": "timeout",
    "timeout_minutes": "timeout",
    "steps": "steps",
    "deliverable": "deliverables",
    "deliverables": "deliverables",
    "source": "source",
    "notes": "notes",
    "section": "section",
    "checked": "checked",
    "completed": "completed",
}
#: Keys of `list --json` that say where a task stood, or what only the owner can say; they are never taken over.
_LEFT = frozenset(["line", "end_line", "approved", "approved_line", "schema", "kind", "problems"])
_LISTS = frozenset(["criteria", "blockers", "depends_on", "touches", "deliverables"])
_NAMES = frozenset(["depends_on", "touches"])


def read_tasks(text: str, source: str, drafting: Drafting) -> tuple[tuple[NewTask, ...], tuple[str, ...]]:
    """Return the tasks of JSON Lines and the place of each (`FILE:LINE: `); raises BadInput that names the line."""
    tasks, places = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{source}:{number}: "
        try:
            tasks.append(drafting.task(_given(_object(line), place, drafting)))
        except BadInput as wrong:
            raise BadInput(f"{place}{wrong}") from wrong
        places.append(place)
    if not tasks:
        raise BadInput(f'{source} holds no task; write one JSON object a line, such as {{"name": "…"}}')
    return tuple(tasks), tuple(places)


def _object(line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as wrong:
        raise BadInput(f"not JSON ({wrong}); write one task a line as an object") from wrong
    if not isinstance(value, dict):
        raise BadInput(f"not an object but {quoted(line, 40)}; write one task a line as an object")
    return value


def _given(record: Mapping[str, Any], place: str, drafting: Drafting) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key, value in record.items():
        folded = key.replace("-", "_").casefold()
        if folded in _LEFT:
            if folded == "approved" and value is True:
                drafting.remarks.append(f"{place}approved is not taken over; autobuilds approve LABEL approves a task")
            continue
        known = _KEYS.get(folded)
        if known is None:
            raise BadInput(f"unknown key {quoted(key)}{did_you_mean(folded, _KEYS)}; keys are {', '.join(_KEYS)}")
        if value is None:
            continue
        if known in given:
            raise BadInput(f"{quoted(key)} gives the {known} a second time")
        given[known] = _value(known, folded, value)
        if known == "criteria":
            given["ticked"] = _ticked(value)
    section = given.pop("section", "active")
    if section not in {"active", "completed"}:
        raise BadInput(f"section {quoted(str(section))}: active and completed are allowed")
    given["done"] = section == "completed" or bool(given.pop("checked", False)) or "completed" in given
    given.pop("checked", None)
    return given


def _value(known: str, key: str, value: Any) -> Any:
    if key == "estimated_minutes":
        return _minutes_range(value)
    if key == "timeout_minutes":
        return f"{_whole(key, value)} min"
    if known == "checked":
        if not isinstance(value, bool):
            raise BadInput("checked is neither true nor false")
        return value
    if known in _LISTS:
        if isinstance(value, str):
            return split([value]) if known in _NAMES else (value,)
        return _texts(key, value)
    if not isinstance(value, str):
        raise BadInput(f"{key} is not a text but {quoted(json.dumps(value), 40)}")
    return value


def _texts(key: str, value: Any) -> tuple[str, ...]:
    texts = []
    for item in value if isinstance(value, list) else [value]:
        text = item.get("text") if isinstance(item, dict) else item
        if not isinstance(text, str):
            raise BadInput(f"{key} is not a list of texts")
        texts.append(text)
    return tuple(texts)


def _ticked(value: Any) -> tuple[int, ...]:
    items = value if isinstance(value, list) else []
    return tuple(n for n, item in enumerate(items, 1) if isinstance(item, dict) and item.get("checked") is True)


def _minutes_range(value: Any) -> str:
    if not isinstance(value, dict):
        return f"{_whole('estimated_minutes', value)} min"
    low, high = (_whole(f"estimated_minutes.{end}", value.get(end)) for end in ("min", "max"))
    return f"{low} min" if low == high else f"{low}-{high} min"


def _whole(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise BadInput(f"{key} is not a whole number of minutes")
    return value
