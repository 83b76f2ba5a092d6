"""Picks: what a preset's rules take from an agent's events and lines, a bounded value each, and whether the run ended well by them."""

from __future__ import annotations

import copy
import re
from typing import Any

from autobuilds.adapters.agents.events import ByType, found, matches, number_of, same, text_of
from autobuilds.domain.agents import LINE, Condition, Pick, Scalar, Take
from autobuilds.domain.inert import clean
from autobuilds.records import dataclass

#: Characters of one picked text; of a longer one the end is kept, where messages say how it went.
MAX_TEXT = 8000
#: Characters of a line or value that a regex looks at.
MAX_SEARCHED = 4000
#: Names of values that a sum remembers; after so many it counts nothing more that has a name.
MAX_NAMES = 20_000


@dataclass(slots=True)
class _Held:
    """One pick and what it has so far."""

    pick: Pick
    regex: re.Pattern[str] | None
    forget: re.Pattern[str] | None = None
    value: Any = None
    #: The names of the values that a sum has counted.
    names: set[str] | None = None

    def see(self, event: Any) -> None:
        pick = self.pick
        if pick.since and matches(event, pick.since):
            self.value = None
        if pick.path is None and pick.take is not Take.COUNT:
            return
        if not matches(event, pick.when) or self._known(event):
            return
        self.take(True if pick.path is None else found(event, pick.path))

    def _known(self, event: Any) -> bool:
        """Whether a value of this name was counted already."""
        if self.pick.once is None or (name := text_of(found(event, self.pick.once))) is None:
            return False
        names = self.names = set() if self.names is None else self.names
        if name in names or len(names) >= MAX_NAMES:
            return True
        names.add(name[:MAX_SEARCHED])
        return False

    def see_line(self, line: str) -> None:
        if self.pick.path is not None or self.regex is None:
            return
        if self.forget is not None and self.forget.search(line):
            self.value = None
        self.take(line)

    def take(self, value: Any) -> None:
        if self.regex is not None:
            match = self.regex.search((text_of(value) or "")[:MAX_SEARCHED])
            if match is None:
                return
            value = match[1] if self.regex.groups and match[1] is not None else match[0]
        take = self.pick.take
        if take is Take.COUNT:
            self._count(value)
            return
        if take is Take.SUM:
            amount = number_of(value)
            self.value = self.value if amount is None else (self.value or 0.0) + amount
            return
        kept = value if isinstance(value, bool | int | float) else text_of(value)
        if kept is None or (isinstance(kept, float) and kept != kept):
            return
        if isinstance(kept, str):
            kept = ((self.value or "") + kept if take is Take.JOIN else kept)[-MAX_TEXT:]
        if take is not Take.FIRST or self.value is None:
            self.value = kept

    def _count(self, value: Any) -> None:
        more = len(value) if isinstance(value, list | dict) else 0 if value is None or value is False else 1
        if more:
            self.value = (self.value or 0) + more


def _compiled(regex: Scalar) -> re.Pattern[str] | None:
    return re.compile(regex) if isinstance(regex, str) else None


class Picker:
    """All picks of one run."""

    def __init__(self, picks: tuple[Pick, ...]) -> None:
        self._take([_Held(pick, _compiled(pick.regex), _compiled(dict(pick.since).get(LINE))) for pick in picks])

    def _take(self, held: list[_Held]) -> None:
        self._held = held
        self._by_type = ByType((h, (h.pick.when, h.pick.since) if h.pick.since else (h.pick.when,)) for h in held)

    def __copy__(self) -> Picker:
        made = Picker(())
        made._take([copy.copy(held) for held in self._held])
        for held in made._held:
            held.names = None if held.names is None else set(held.names)
        return made

    def see(self, event: Any) -> None:
        """Take what an event holds."""
        for held in self._by_type.of(event):
            held.see(event)

    def see_line(self, line: str) -> None:
        """Take what a line of text holds."""
        for held in self._held:
            held.see_line(line)

    def get(self, name: str) -> Any:
        """Return a pick's value, the first there is of several of one name, or None."""
        return next((h.value for h in self._held if h.pick.name == name and h.value is not None), None)

    def fresh(self, name: str) -> tuple[str, ...]:
        """Return the texts of all picks of a name that came since the last call, and forget them."""
        told = self.all(name)
        for held in self._held:
            if held.pick.name == name:
                held.value = None
        return told

    def all(self, name: str) -> tuple[str, ...]:
        """Return the texts of all picks of a name."""
        return tuple(t for h in self._held if h.pick.name == name and (t := text_of(h.value)) is not None)

    def text(self, name: str) -> str | None:
        """Return a pick's value as clean text."""
        value = text_of(self.get(name))
        return None if value is None else clean(value).strip() or None

    def number(self, name: str) -> float | None:
        """Return a pick's value as a number."""
        return number_of(self.get(name))

    def holds(self, conditions: tuple[Condition, ...]) -> bool:
        """Whether every condition holds."""
        return all(self._holds(condition) for condition in conditions)

    def _holds(self, condition: Condition) -> bool:
        value = self.get(condition.pick)
        if condition.exists is False:
            return value is None
        if value is None:
            return False
        if condition.not_match is not None:
            return re.search(condition.not_match, (text_of(value) or "")[:MAX_SEARCHED]) is None
        return condition.exists is True or same(value, condition.equals)
