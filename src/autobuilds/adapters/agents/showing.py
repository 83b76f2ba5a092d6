"""Shows: how an agent's events become lines of a progress log, its files and its to-do list, each clean and bounded."""

from __future__ import annotations

import re
from typing import Any

from autobuilds.adapters.agents.events import ByType, found, matches, text_of
from autobuilds.domain.agents import Activity, ActivityKind, Show, Todo
from autobuilds.domain.inert import line

#: Characters of an activity, of a path and of an item of a to-do list.
MAX_LINE = 200
MAX_PATH = 400
#: Files and items of a to-do list that are kept, activities that one event makes.
MAX_FILES = 500
MAX_TODOS = 100
MAX_AT_ONCE = 50
#: Characters of text that are made clean for one line.
_MAX_RAW = 4000
TODO = "todo"
#: How agents call the state of an item.
_STATES = {
    **dict.fromkeys(("in_progress", "in-progress", "doing", "active", "running", "started"), "doing"),
    **dict.fromkeys(("completed", "complete", "done", "true", "cancelled", "canceled", "skipped"), "done"),
}


class Shower:
    """What is shown of one run; `root` is taken off the paths of files below it."""

    def __init__(self, shows: tuple[Show, ...], root: str | None) -> None:
        self._events = ByType((show, (show.when,)) for show in shows if show.regex is None)
        self._lines = [(show, re.compile(show.regex, re.MULTILINE)) for show in shows if show.regex is not None]
        self._before: tuple[str, ...] = ()
        self._root = root.rstrip("/") + "/" if root else None
        self._files: dict[str, None] = {}
        self.todos: tuple[Todo, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Return the files it was seen changing, in the order of the first time."""
        return tuple(self._files)

    def see(self, event: Any) -> list[Activity]:
        """Return what an event shows; the first show that fits an item has it."""
        made: dict[tuple[str | None, int], Activity | None] = {}
        for show in self._events.of(event):
            if not matches(event, show.when):
                continue
            for n, item in enumerate(_items(event, show.each)):
                if (show.each, n) in made or not matches(item, show.where):
                    continue
                if show.kind == TODO:
                    if self._list(show, found(item, show.path)):
                        made[show.each, n] = None
                elif (activity := self._activity(show, _value(item, show.path))) is not None:
                    made[show.each, n] = activity
        ordered = sorted(made.items(), key=lambda entry: entry[0][1])
        return [activity for _, activity in ordered if activity is not None][:MAX_AT_ONCE]

    def see_line(self, text: str) -> list[Activity]:
        """Return what a line of text shows, together with the two before it."""
        if not self._lines:
            return []
        window = "\n".join((*self._before, text[:_MAX_RAW]))
        self._before = (*self._before[-1:], text[:_MAX_RAW])
        start = len(window) - len(text[:_MAX_RAW])
        made = []
        for show, regex in self._lines:
            match = next((m for m in regex.finditer(window) if m.end() > start), None)
            if match is None:
                continue
            value = match[1] if regex.groups and match[1] is not None else match[0]
            if (activity := self._activity(show, value)) is not None:
                made.append(activity)
                break
        return made

    def _activity(self, show: Show, value: str | None) -> Activity | None:
        if value is None:
            return None
        kind = ActivityKind(show.kind)
        path = None
        if kind is ActivityKind.FILE:
            value = path = self._path(value)
            if len(self._files) < MAX_FILES:
                self._files.setdefault(path)
        shown = line(value[:_MAX_RAW], MAX_LINE)
        if not shown:
            return None
        return Activity(kind=kind, text=line(f"{show.verb} {shown}", MAX_LINE), path=path)

    def _path(self, value: str) -> str:
        if self._root is not None and value.startswith(self._root):
            value = value[len(self._root) :]
        return line(value[:_MAX_RAW], MAX_PATH)

    def _list(self, show: Show, items: Any) -> bool:
        if not isinstance(items, list):
            return False
        made = []
        for item in items[:MAX_TODOS]:
            text = _value(item, show.text or ".")
            if text is None or not (shown := line(text[:_MAX_RAW], MAX_LINE)):
                continue
            state = (_value(item, show.state) or "").lower() if show.state else ""
            made.append(Todo(text=shown, state=_STATES.get(state, "open")))
        self.todos = tuple(made)
        return True


def _items(event: Any, each: str | None) -> list[Any]:
    if each is None:
        return [event]
    items = found(event, each)
    return items[:MAX_AT_ONCE] if isinstance(items, list) else []


def _value(item: Any, path: str) -> str | None:
    return text_of(item if path == "." else found(item, path))
