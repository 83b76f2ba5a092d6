"""What `import` reads and answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from autobuilds.cli.formatters import json_
from autobuilds.domain.model import Priority, Task
from autobuilds.errors import FatalQueue
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.owner import fatal_message
from autobuilds.store.importers import Imported, import_text, without_known


def taken(context: Context, data: bytes, shape: str | None) -> tuple[Imported, tzinfo]:
    """Return what a file holds that the queue does not, every open task dated and with a priority, and the zone of its times."""
    loaded = context.load()
    if loaded.snapshot.queue.fatal:
        raise FatalQueue(fatal_message(loaded.snapshot.queue))
    now = context.now(loaded.zone)
    found = without_known(import_text(data, shape, loaded.zone), (task.label for task in loaded.snapshot.queue.tasks))
    dated = tuple(replace(task, added=task.added or now, priority=task.priority or Priority.MEDIUM) for task in found.tasks)
    return replace(found, tasks=dated), loaded.zone


def as_object(found: Imported, tasks: Sequence[Task], *, written: bool) -> dict[str, Any]:
    """Return `import --json`: the tasks as they are read, or would be, and what was left out or understood in another way."""
    return {
        **json_.envelope("import", shape=found.shape, written=written),
        "tasks": [json_.task_json(task) for task in tasks],
        "remarks": list(found.remarks),
        "left": list(found.left),
    }
