"""New tasks from what people and programs give: options, JSON, a form; each value checked, with what is allowed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from autobuilds.domain.model import Priority
from autobuilds.domain.patterns import pattern
from autobuilds.domain.retry import later
from autobuilds.domain.times import parse_duration, parse_estimate, parse_when
from autobuilds.errors import BadInput
from autobuilds.records import dataclass, field
from autobuilds.runtime.context import Context
from autobuilds.store.queue.compose import NewTask
from autobuilds.store.queue.values import parse_priority, suggest_priority

#: A comma that separates: none in brackets, braces or backticks.
_COMMA = pattern(r",\s*(?![^\[\]]*\])(?![^{}]*\})")
#: What a form of an estimate looks like.
ESTIMATES = "4 hours, 90 min, 1.5 h, 1h30m, 4-6 hours or 2 days"


@dataclass(slots=True, kw_only=True)
class Drafting:
    """Makes tasks out of given values; `remarks` collect what was given and is not taken over."""

    zone: tzinfo
    now: datetime
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: Context) -> Drafting:
        """Return one with the workspace's zone and time."""
        zone = context.workspace.zone(context.workspace.config().settings)
        return cls(zone=zone, now=context.now(zone))

    def task(self, given: Mapping[str, Any]) -> NewTask:
        """Return the task of given values, whose keys are the attributes of NewTask; None and "" count as not given.

        Raises BadInput, in the words of the options, for a value that can't be meant.
        """
        values = {key: value for key, value in given.items() if value not in (None, "", (), [])}
        done = bool(values.get("done"))
        return NewTask(
            name=str(values.get("name", "")),
            label=values.get("label"),
            priority=self._priority(values.get("priority")),
            added=self._moment("--added", values.get("added")) or self.now,
            description=str(values.get("description", "")),
            criteria=tuple(values.get("criteria", ())),
            ticked=frozenset(values.get("ticked", ())),
            tech_stack=values.get("tech_stack"),
            estimate=_estimate(values.get("estimate")),
            category=values.get("category"),
            blockers=tuple(values.get("blockers", ())),
            depends_on=tuple(values.get("depends_on", ())),
            touches=tuple(values.get("touches", ())),
            not_before=self._moment("--not-before", values.get("not_before")),
            window=values.get("window"),
            repository=values.get("repository"),
            base=values.get("base"),
            agent=values.get("agent"),
            role=values.get("role"),
            timeout=_timeout(values.get("timeout")),
            steps=values.get("steps"),
            deliverables=tuple(values.get("deliverables", ())),
            source=values.get("source"),
            notes=values.get("notes"),
            done=done,
            completed=(self._moment("completed", values.get("completed")) or self.now) if done else None,
        )

    def _priority(self, text: str | None) -> Priority:
        if text is None:
            return Priority.MEDIUM
        priority = parse_priority(text)
        if priority is None:
            raise BadInput(f'unknown priority "{text}" ({suggest_priority(text)}); high, medium and low are allowed')
        return priority

    def _moment(self, option: str, text: str | None) -> datetime | None:
        if text is None:
            return None
        moment = parse_when(text, self.zone)
        span = parse_duration(text) if moment is None else None
        if moment is None and span is None:
            raise BadInput(f'{option} "{text}" is no time: write YYYY-MM-DD HH:MM, or a span from now such as 3h')
        return moment if span is None else later(self.now, span)


def split(texts: Sequence[str]) -> tuple[str, ...]:
    """Return names or path patterns given as `A, B` one by one; commas in brackets and braces do not separate."""
    return tuple(part.strip() for text in texts for part in _COMMA.split(text) if part.strip())


def read_source(name: str, what: str) -> str:
    """Return the text of a file, or of standard input for `-`; raises BadInput where it can't be read as UTF-8."""
    try:
        return read_bytes(name, what).decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise BadInput(f"{what} {name}: not UTF-8 (byte {wrong.start + 1}); save it as UTF-8") from wrong


def read_bytes(name: str, what: str) -> bytes:
    """Return the bytes of a file, or of standard input for `-`; raises BadInput where it can't be read."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, ValueError) as wrong:
        said = wrong.strerror if isinstance(wrong, OSError) else None
        raise BadInput(f"{what} {name}: {said or wrong}; name a file, or - for standard input") from wrong


def _estimate(text: str | None) -> str | None:
    if text is not None and parse_estimate(text) is None:
        raise BadInput(f'--time "{text}" is no estimate: write it as {ESTIMATES}')
    return text


def _timeout(text: str | None) -> str | None:
    if text is not None and not (parse_duration(text) or timedelta()):
        raise BadInput(f'--timeout "{text}" is no length of time: write it as 90 min, 4 hours or 1h30m')
    return text
