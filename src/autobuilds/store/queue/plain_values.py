"""The values of plainly written fields, from their text alone: the same functions that the thorough way reads them with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from autobuilds.domain.model import Criterion, Estimate
from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import parse_duration, parse_estimate, parse_when
from autobuilds.store.markdown.inline import plain_text
from autobuilds.store.queue.given import BOX, is_none, soft
from autobuilds.store.queue.values import commands, glob_text, reference_name, shell, split_text

#: One line of text after a key or a box: it neither begins nor ends with white space, nor ends with a backslash.
ONE_LINE = r"(?=\S)[^\n]*+(?<![\s\\])"
#: A moment that `parse_when` surely reads, in every zone.
_SURE = pattern(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])(?: (?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII)
_CRITERION = pattern(r"  - \[([ xX])\] +([^\n]*)\n")
#: Characters of a text that may well stand in several tasks.
_SHORT = 30
_APPROVES = frozenset(["yes", "true"])


class Doubt(Exception):
    """The text, or a piece of it, has to be read the thorough way."""


class PlainValues:
    """What the fields of one text mean; what is the same everywhere is worked out once."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self._moments: dict[str, datetime | None] = {}
        self._estimates: dict[str, Estimate | None] = {}
        #: What short texts gave: categories and the like are the same in many tasks.
        self._seen: dict[tuple[str, str], Mapping[str, Any]] = {}

    def sound(self, name: str, text: str) -> bool:
        """Whether the thorough way has nothing to say against the text of a field that can be written wrongly."""
        if name == "estimate":
            known = self._estimates.get(text)
            if known is None:
                known = self._estimates[text] = parse_estimate(_shown(text))
            return known is not None
        if name == "not_before":
            return self.is_moment(text)
        if name == "timeout_minutes":
            return self.timeout(text) is not None
        return text in _APPROVES

    def is_moment(self, text: str) -> bool:
        """Whether a text names a moment, in plain spelling."""
        return _SURE.fullmatch(text) is not None or self.moment(text) is not None

    def moment(self, text: str) -> datetime | None:
        """Return the moment that a text names."""
        if text not in self._moments:
            self._moments[text] = parse_when(_shown(text), self.zone)
        return self._moments[text]

    def timeout(self, text: str) -> int | None:
        """Return the whole minutes that a text names, at least one."""
        span = parse_duration(_shown(text))
        minutes = 0 if span is None else round(span.total_seconds() / 60)
        return minutes if minutes > 0 else None

    def of(self, name: str, text: str) -> Mapping[str, Any]:
        """Return the task's fields that the text of a field gives; it is one line, but for criteria and steps their lines."""
        if len(text) > _SHORT:
            return self._of(name, text)
        found = self._seen.get((name, text))
        if found is None:
            found = self._seen[name, text] = self._of(name, text)
        return found

    def _of(self, name: str, text: str) -> Mapping[str, Any]:
        if name in ("estimate", "estimate_text"):
            shown = _shown(text)
            return {"estimate": self._estimates[text] if text in self._estimates else parse_estimate(shown), "estimate_text": shown}
        if name in ("added", "completed", "not_before"):
            return {name: self.moment(text)}
        if name == "timeout_minutes":
            return {name: self.timeout(text)}
        return {name: _READ[name](text)}


def _shown(text: str) -> str:
    return plain_text(soft(text))


def _word(text: str) -> str | None:
    shown = _shown(text)
    return None if is_none(shown) else shown


def criteria_of(lines: str) -> tuple[Criterion, ...]:
    """Return the criteria that stand in lines of boxes, each with its line end."""
    found = []
    for mark, raw in _CRITERION.findall(lines):
        text = soft(raw) if "<" in raw else raw.strip()
        if not is_none(text):
            found.append(Criterion(text=text, checked=mark != " ", commands=commands(text) if "`" in text else ()))
    return tuple(found)


def _blockers(text: str) -> tuple[str, ...]:
    text = soft(text)
    box = BOX.match(text)
    if box is not None:
        text = "" if box[1] in "xX" else text[box.end() :]
    return () if is_none(text) else (plain_text(text),)


def is_code(steps: str) -> bool:
    """Whether the text of the steps is that of the lines in a fence, as opposed to one line after the key."""
    return not steps or steps.endswith("\n")


def _steps(lines: str) -> str | None:
    """Return the steps of one line, or the content of a fence that is indented by two columns, LF at its end."""
    if not is_code(lines):
        text = shell(soft(lines))
        return None if is_none(text) else text
    rows = [line[2:] for line in lines.split("\n")]
    return "\n".join(rows).rstrip("\n") + "\n" if lines else "\n"


_READ: dict[str, Callable[[str], Any]] = {
    "description": lambda text: soft(text).strip(),
    "notes": lambda text: soft(text).strip() or None,
    "criteria": criteria_of,
    "tech_stack": _word,
    "category": _word,
    "repository": _word,
    "base": _word,
    "window": _word,
    "agent": _word,
    "role": _word,
    "source": _word,
    "blockers": _blockers,
    "depends_on": lambda text: tuple(reference_name(name) for name in split_text(text)),
    "touches": lambda text: tuple(glob_text(part) for part in split_text(text)),
    "deliverables": lambda text: tuple(plain_text(part) for part in split_text(text)),
    "steps": _steps,
    "approved": lambda text: text in _APPROVES,
}
