"""Operations that set one field of a task, or take it away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Task
from autobuilds.domain.times import parse_when
from autobuilds.errors import BadInput
from autobuilds.records import dataclass, replace
from autobuilds.store.queue.compose import Value
from autobuilds.store.queue.document import Document, Entry
from autobuilds.store.queue.edit import position, said, task_at, the_entry
from autobuilds.store.queue.fields import is_given, set_key, unset_key
from autobuilds.store.queue.keys import KEYS, Key, fold_key, suggest
from autobuilds.store.queue.splice import Splice
from autobuilds.store.queue.values import parse_priority, suggest_priority
from autobuilds.store.queue.wording import escaped, one_line, stamp, task_name

#: Shorter spellings that people and the options of `add` use.
_SHORT = {
    "desc": Key.DESCRIPTION,
    "criteria": Key.CRITERIA,
    "criterion": Key.CRITERIA,
    "time": Key.ESTIMATE,
    "estimate": Key.ESTIMATE,
    "tech": Key.TECH_STACK,
    "stack": Key.TECH_STACK,
    "blocker": Key.BLOCKERS,
    "depends": Key.DEPENDS_ON,
    "repo": Key.REPOSITORY,
    "note": Key.NOTES,
    "deliverable": Key.DELIVERABLES,
    "touch": Key.TOUCHES,
}
#: The attributes of a task that may change with a key.
_MEANS: dict[Key, tuple[str, ...]] = {
    Key.ADDED: ("added",),
    Key.PRIORITY: ("priority",),
    Key.COMPLETED: ("completed",),
    Key.DESCRIPTION: ("description",),
    Key.CRITERIA: ("criteria",),
    Key.TECH_STACK: ("tech_stack",),
    Key.ESTIMATE: ("estimate", "estimate_text"),
    Key.CATEGORY: ("category",),
    Key.BLOCKERS: ("blockers",),
    Key.DEPENDS_ON: ("depends_on",),
    Key.TOUCHES: ("touches",),
    Key.NOT_BEFORE: ("not_before",),
    Key.WINDOW: ("window",),
    Key.APPROVED: ("approved",),
    Key.REPOSITORY: ("repository",),
    Key.BASE: ("base",),
    Key.AGENT: ("agent",),
    Key.ROLE: ("role",),
    Key.TIMEOUT: ("timeout_minutes",),
    Key.STEPS: ("steps",),
    Key.DELIVERABLES: ("deliverables",),
    Key.SOURCE: ("source",),
    Key.NOTES: ("notes",),
}
_TIMES = frozenset([Key.ADDED, Key.COMPLETED, Key.NOT_BEFORE])
_EMPTY: Any = (None, "", (), False)


def key_named(name: str) -> Key | None:
    """Return the key that a field's name stands for, None for the task's own name; raises BadInput for an unknown one."""
    folded = fold_key(name)
    if folded == "name":
        return None
    key = KEYS.get(folded) or _SHORT.get(folded)
    if key is None:
        near = suggest(name)
        hint = f"did you mean {near.value!r}?" if near else f"fields are Name, {', '.join(key.value for key in Key)}"
        raise BadInput(f"there is no field {name!r}; {hint}")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class SetField:
    """Set a field, by any spelling of its name, to a value (several become a list); an empty value takes it away.

    The name may change as long as the label stays: by its slug, or by a Label that the task has.
    """

    label: str
    field: str
    value: Value

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:
        """Yield the change at every place where the field stands, or at the place where it belongs."""
        entry = the_entry(document, self.label)
        key = key_named(self.field)
        if key is None:
            yield from self._rename(entry)
            return
        if key is Key.LABEL:
            self._label(entry)
        value = self._checked(key, zone)
        if isinstance(value, str) and value and _says(document, entry, key, value, zone):
            yield []
        elif value:
            yield set_key(document, entry, key, value)
        else:
            yield unset_key(document, entry, key)

    def _checked(self, key: Key, zone: tzinfo) -> Value:
        """Return the value as it is to be written; raises BadInput for one that can't be meant."""
        value = self.value
        if isinstance(value, tuple):
            return value
        text = value if key is Key.STEPS else one_line(key.value, value)
        if not text.strip():
            return ""
        if key is Key.PRIORITY:
            priority = parse_priority(text)
            if priority is None:
                raise BadInput(f"unknown priority {text!r} ({suggest_priority(text)})")
            return priority.value.capitalize()
        if key in _TIMES:
            moment = parse_when(text, zone)
            if moment is None:
                raise BadInput(f"{text!r} is no time; write it as 2026-02-06 15:00")
            return stamp(moment, zone)
        return text

    def _label(self, entry: Entry) -> None:
        if isinstance(self.value, tuple) or self.value.strip() != entry.label:
            raise BadInput(
                f"the label {entry.label!r} can't be changed: branch, progress log and history go by it. "
                f"Set it to {entry.label!r} to keep it while the name changes"
            )

    def _rename(self, entry: Entry) -> Iterator[list[Splice]]:
        if isinstance(self.value, tuple):
            raise BadInput("a name is one line")
        name = task_name(self.value)
        if slugify(name) != entry.label and not is_given(entry, Key.LABEL):
            raise BadInput(
                f"with the name {name!r} the label would change from {entry.label!r} to {slugify(name)!r}, and branch, progress log "
                f"and history go by it. First set the field Label to {entry.label!r}, then the name"
            )
        for text in dict.fromkeys((name, escaped(name))):
            yield [Splice(*entry.name, text)]

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:
        """Compare everything but the field with what stood there before, and the field with the value."""
        old = the_entry(before, self.label).task
        new = task_at(after, self.label)
        if new is None:
            return f"the task {old.name!r} would be gone"
        key = key_named(self.field)
        names = ("name",) if key is None else _MEANS.get(key, ())
        if said(replace(old, **{name: getattr(new, name) for name in names})) != said(new):
            return f"more than the field {self.field!r} of {old.name!r} would change"
        return self._missed(key, new, zone)

    def _missed(self, key: Key | None, new: Task, zone: tzinfo) -> str | None:
        """Return a sentence if the field, read again, is not what was given."""
        if key is Key.LABEL:
            return None
        got: Any = new.name if key is None else getattr(new, _MEANS[key][-1])
        empty = not self.value or (isinstance(self.value, str) and not self.value.strip())
        if empty and key is not Key.PRIORITY:
            return None if got in _EMPTY else f"the field {self.field!r} would still be {got!r}"
        wanted = self.value
        if key is None and isinstance(wanted, str):
            wanted = task_name(wanted)
        plain = key in {None, Key.DESCRIPTION, Key.NOTES, Key.ESTIMATE}
        if plain and isinstance(wanted, str) and got != wanted.strip():
            return f"{wanted!r} would be read as {got!r}"
        if key is Key.STEPS and _shell(got) != _shell(self.value):
            return "the steps would be read differently"
        if key is Key.CRITERIA:
            texts = tuple(text.strip() for text in ((wanted,) if isinstance(wanted, str) else wanted))
            return None if texts == tuple(one.text for one in got) else "the criteria would be read differently"
        if key in _TIMES and isinstance(wanted, str) and got is not None:
            moment = parse_when(wanted, zone)
            return None if moment is not None and abs((moment - got).total_seconds()) < 86400 else f"{wanted!r} would be read as {got}"
        return None if got not in _EMPTY or key is Key.BLOCKERS else f"the field {self.field!r} would be read as empty"


def _says(document: Document, entry: Entry, key: Key, value: str, zone: tzinfo) -> bool:
    """Whether a priority or time stands there already, in whatever spelling, everywhere where it is given."""
    if key is not Key.PRIORITY and key not in _TIMES:
        return False
    spans = [part.value for part in entry.parts if part.key is key] + [field.value for field in entry.fields if field.key is key]
    texts = [document.text[start:end] for start, end in spans]
    if key is Key.PRIORITY:
        return bool(texts) and all(parse_priority(text) is parse_priority(value) for text in texts)
    return bool(texts) and all(parse_when(text, zone) == parse_when(value, zone) for text in texts)


def _shell(text: Any) -> list[str]:
    return str(text).replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Write the owner's yes into the details of a task; whether it counts is decided against the ledger."""

    label: str

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:  # noqa: ARG002 - the protocol's form
        """Yield the field."""
        entry = the_entry(document, self.label)
        yield [] if entry.task.approved else set_key(document, entry, Key.APPROVED, "yes")

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:
        """Compare the task with the one that is meant."""
        return _approval(self.label, before, after, zone, approved=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unapprove:
    """Take the owner's yes out of the queue, wherever it stands."""

    label: str

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:  # noqa: ARG002
        """Yield the queue without the field."""
        yield unset_key(document, the_entry(document, self.label), Key.APPROVED)

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:
        """Compare the task with the one that is meant."""
        return _approval(self.label, before, after, zone, approved=False)


def _approval(label: str, before: Document, after: Document, zone: tzinfo, *, approved: bool) -> str | None:
    new = task_at(after, label)
    if new is not None and new.approved is not approved:
        return "the approval would not be read as meant"
    return SetField(label=label, field="Approved", value="yes" if approved else "").failure(before, after, zone)
