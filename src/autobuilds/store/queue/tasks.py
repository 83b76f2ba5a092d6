"""From what a task was given to its value: every key read, every doubt told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from autobuilds.domain.labels import label_at, slugify
from autobuilds.domain.model import Criterion, Estimate, Priority, Task
from autobuilds.domain.times import parse_duration, parse_estimate, parse_when
from autobuilds.records import dataclass
from autobuilds.store.markdown.blocks import Blocks
from autobuilds.store.markdown.inline import fold_space, plain_text
from autobuilds.store.queue.document import CriterionSpan
from autobuilds.store.queue.drafts import Draft
from autobuilds.store.queue.findings import Findings
from autobuilds.store.queue.given import Given, is_none, value_text
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.values import (
    blockers,
    criteria,
    glob_text,
    parse_priority,
    reference_name,
    split_list,
    steps,
    suggest_priority,
)

_WHEN = frozenset([Key.ADDED, Key.COMPLETED, Key.NOT_BEFORE])
_APPROVES = frozenset(["yes", "true"])
_DENIES = frozenset(["", "no", "false", "none", "-", "pending", "not yet"])


@dataclass(slots=True)
class Reading:
    """What every task is read with."""

    blocks: Blocks
    zone: tzinfo
    findings: Findings
    links: frozenset[str]


def label_of(draft: Draft, findings: Findings) -> str:
    """Return a task's label: its `Label:` where one is given, else the slug of its name; without letters an error."""
    given = next((given for given in draft.givens if given.key is Key.LABEL), None)
    if given is not None and not is_none(given.text):
        label = slugify(plain_text(given.text))
        if label:
            return label
    if draft.slug:
        if given is not None and given.text.strip():
            findings.error("bad-value", given.at, f'"{fold_space(given.text)}" is no label: it holds no letter or digit', draft.slug)
        return draft.slug
    line, _ = findings.position(draft.paragraph.start)
    label = label_at(line)
    findings.error(
        "bad-value", draft.paragraph.start, "the task's name holds no letter or digit; give it a label (Label: some-name)", label
    )
    return label


class TaskReader:
    """Reads one task's keys; the first of several that contradict each other counts, and an error holds the task."""

    def __init__(self, draft: Draft, reading: Reading) -> None:
        self.draft = draft
        self.blocks = reading.blocks
        self.zone = reading.zone
        self.findings = reading.findings
        self.links = reading.links
        self.label = draft.label
        self.given: dict[Key, Given] = {}
        self.contradicting: set[Key] = set()
        self.spans: tuple[CriterionSpan, ...] = ()

    def read(self) -> Task:
        """Return the task, without what only the whole queue can tell (duplicates, dependencies)."""
        for kind, at, message in self.draft.notes:
            self.findings.warn(kind, at, message, self.label)
        for given in self.draft.givens:
            self._take(given)
        draft = self.draft
        line, _ = self.findings.position(draft.mark.start)
        values: dict[str, Any] = {}
        for key, given in self.given.items():
            self._value(key, given, values)
        return Task(
            label=self.label,
            name=draft.name,
            section=draft.section,
            checked=draft.checked,
            line=self.blocks_line(line),
            end_line=draft.item.last + 1,
            **values,
        )

    def blocks_line(self, line: int) -> int:
        """Return the 1-based line at which the item's bullet stands."""
        return min(line, self.draft.item.first + 1)

    def _take(self, given: Given) -> None:
        first = self.given.setdefault(given.key, given)
        if first is given or self._same(first, given):
            return
        self.contradicting.add(given.key)
        kind = "repeated-key" if first.place is None and given.place is None else "repeated-field"
        where, _ = self.findings.position(first.at)
        message = f'"{given.key}" is given twice with different values, here and at line {where}; keep one'
        self.findings.error(kind, given.at, message, self.label)

    def _same(self, one: Given, other: Given) -> bool:
        texts = value_text(one, self.blocks), value_text(other, self.blocks)
        if one.key is Key.APPROVED:
            words = {given.text.strip() for given in (one, other)}
            return words <= _APPROVES or (not words & _APPROVES and _folded(texts[0]) == _folded(texts[1]))
        if _folded(texts[0]) == _folded(texts[1]):
            return True
        if one.key in _WHEN:
            moments = [parse_when(plain_text(text), self.zone) for text in texts]
            return moments[0] is not None and moments[0] == moments[1]
        if one.key is Key.ESTIMATE:
            spans = [parse_estimate(plain_text(text)) for text in texts]
            return spans[0] is not None and spans[0] == spans[1]
        if one.key in (Key.DEPENDS_ON, Key.TOUCHES):
            return self._names(one) == self._names(other)
        return one.key is Key.LABEL and slugify(texts[0]) == slugify(texts[1])

    def _names(self, given: Given) -> list[str]:
        return [reference_name(name).casefold() for name in split_list(given, self.blocks)]

    def _value(self, key: Key, given: Given, values: dict[str, Any]) -> None:
        reader = _READERS.get(key)
        if reader is not None:
            name, read = reader
            values[name] = read(self, given)
        elif key is Key.ESTIMATE:
            values["estimate"], values["estimate_text"] = self._estimate(given)
        elif key is Key.APPROVED:
            values["approved"] = self._approved(given)
            values["approved_line"] = self.findings.position(given.at)[0]

    # -- one method a shape of value

    def _plain(self, given: Given) -> str:
        return plain_text(value_text(given, self.blocks), self.links)

    def _word(self, given: Given) -> str | None:
        text = self._plain(given)
        return None if is_none(text) else text

    def _prose(self, given: Given) -> str:
        return value_text(given, self.blocks)

    def _notes(self, given: Given) -> str | None:
        return value_text(given, self.blocks) or None

    def _priority(self, given: Given) -> Priority:
        text = self._plain(given)
        if not text:
            self.findings.warn("bad-value", given.at, '"Priority" has no value; Medium is taken', self.label)
            return Priority.MEDIUM
        priority = parse_priority(text)
        if priority is None:
            self.findings.error("unknown-priority", given.at, f'unknown priority "{text}" ({suggest_priority(text)})', self.label)
        return priority or Priority.MEDIUM

    def _when(self, given: Given) -> datetime | None:
        text = self._plain(given)
        if is_none(text):
            return None
        moment = parse_when(text, self.zone)
        if moment is None:
            message = f'"{given.key}" is no date: "{text}"; write YYYY-MM-DD or YYYY-MM-DD HH:MM'
            self.findings.error("bad-date", given.at, message, self.label)
        return moment

    def _estimate(self, given: Given) -> tuple[Estimate | None, str | None]:
        text = self._plain(given)
        if not text:
            return None, None
        estimate = parse_estimate(text)
        if estimate is None:
            message = f'estimate "{text}" can\'t be read and counts as unknown; write for example 4 hours, 90 min, 4-6 hours or 2 days'
            self.findings.warn("bad-estimate", given.at, message, self.label)
        return estimate, text

    def _approved(self, given: Given) -> bool:
        text = "" if given.nested else given.text.strip()
        if text in _APPROVES and not given.nested:
            return Key.APPROVED not in self.contradicting
        if given.nested or text.casefold() not in _DENIES:
            shown = fold_space(given.text if not given.nested else value_text(given, self.blocks))
            how = ", written small" if text.casefold() in _APPROVES else ""
            self.findings.warn("bad-value", given.at, f'"Approved: {shown}" does not approve; only yes or true does{how}', self.label)
        return False

    def _timeout(self, given: Given) -> int | None:
        text = self._plain(given)
        if is_none(text):
            return None
        span = parse_duration(text)
        minutes = None if span is None else round(span.total_seconds() / 60)
        if minutes is None or minutes <= 0:
            self.findings.error("bad-value", given.at, f'timeout "{text}" can\'t be read; write for example 90 min or 4h', self.label)
            return None
        return minutes

    def _criteria(self, given: Given) -> tuple[Criterion, ...]:
        values, spans = criteria(given, self.blocks)
        self.spans = tuple(spans)
        return tuple(values)

    def _blockers(self, given: Given) -> tuple[str, ...]:
        return tuple(blockers(given, self.blocks))

    def _depends_on(self, given: Given) -> tuple[str, ...]:
        return tuple(reference_name(name) for name in split_list(given, self.blocks))

    def _touches(self, given: Given) -> tuple[str, ...]:
        return tuple(glob_text(text) for text in split_list(given, self.blocks))

    def _deliverables(self, given: Given) -> tuple[str, ...]:
        return tuple(plain_text(text) for text in split_list(given, self.blocks))

    def _steps(self, given: Given) -> str | None:
        return steps(given, self.blocks)


def _folded(text: str) -> str:
    return plain_text(text).casefold()


_READERS: dict[Key, tuple[str, Callable[[TaskReader, Given], Any]]] = {
    Key.ADDED: ("added", TaskReader._when),
    Key.COMPLETED: ("completed", TaskReader._when),
    Key.NOT_BEFORE: ("not_before", TaskReader._when),
    Key.PRIORITY: ("priority", TaskReader._priority),
    Key.DESCRIPTION: ("description", TaskReader._prose),
    Key.NOTES: ("notes", TaskReader._notes),
    Key.CRITERIA: ("criteria", TaskReader._criteria),
    Key.BLOCKERS: ("blockers", TaskReader._blockers),
    Key.DEPENDS_ON: ("depends_on", TaskReader._depends_on),
    Key.TOUCHES: ("touches", TaskReader._touches),
    Key.DELIVERABLES: ("deliverables", TaskReader._deliverables),
    Key.STEPS: ("steps", TaskReader._steps),
    Key.TIMEOUT: ("timeout_minutes", TaskReader._timeout),
    Key.TECH_STACK: ("tech_stack", TaskReader._word),
    Key.CATEGORY: ("category", TaskReader._word),
    Key.REPOSITORY: ("repository", TaskReader._word),
    Key.BASE: ("base", TaskReader._word),
    Key.WINDOW: ("window", TaskReader._word),
    Key.AGENT: ("agent", TaskReader._word),
    Key.ROLE: ("role", TaskReader._word),
    Key.SOURCE: ("source", TaskReader._word),
}
