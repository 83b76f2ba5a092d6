"""Operations on the blockers of a task."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from autobuilds.domain.patterns import pattern
from autobuilds.errors import NotSo
from autobuilds.records import dataclass, replace
from autobuilds.store.queue.document import Document, FieldSpan
from autobuilds.store.queue.edit import position, said, task_at, the_entry
from autobuilds.store.queue.fields import inner_indent, new_field, set_key
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.splice import Splice, rows_at, split_rows
from autobuilds.store.queue.wording import one_line

_ITEM = pattern(r"(?P<lead>[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+)(?:\[(?P<mark>[ \txX])\][ \t]+)?(?P<text>[^\r\n]*\S)")


@dataclass(frozen=True, slots=True)
class _Item:
    """One item of the field's list: offsets of its line's start and end, its mark (None without a box), its text's start."""

    start: int
    end: int
    mark: int | None
    at: int
    lead: str
    open: bool


def _items(document: Document, field: FieldSpan) -> list[_Item]:
    """Return the items that stand directly in the field, by their indentation."""
    found: list[_Item] = []
    at = field.lines.start
    width: int | None = None
    for n, row in enumerate(split_rows(document.text[field.lines.start : field.lines.end])):
        match = _ITEM.match(row) if n else None
        if match is not None:
            indent = len(row[: len(row) - len(row.lstrip())].expandtabs(4))
            width = indent if width is None else width
            if indent <= width:
                mark = at + match.start("mark") if match["mark"] is not None else None
                closed = match["mark"] is not None and match["mark"] in "xX"
                found.append(_Item(at, at + len(row), mark, at + match.start("text"), match["lead"], not closed))
        at += len(row)
    return found


def _others_same(before: Document, after: Document, label: str, blockers: tuple[str, ...]) -> str | None:
    old = the_entry(before, label).task
    new = task_at(after, label)
    if new is None or said(replace(old, blockers=new.blockers)) != said(new):
        return f"more than the blockers of {old.name!r} would change"
    same = len(new.blockers) == len(blockers) and new.blockers[: len(old.blockers)][: len(blockers)] == blockers[: len(old.blockers)]
    return None if same else f"the blockers would be read as {', '.join(new.blockers) or 'none'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Add an open blocker to a task."""

    label: str
    text: str

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:  # noqa: ARG002 - the protocol's form
        """Yield the new blocker: as the value where there was none, else as one more item of a checklist."""
        entry = the_entry(document, self.label)
        text = one_line("a blocker", self.text)
        if not text:
            raise NotSo("a blocker needs a text that says what is waited for")
        if text in entry.task.blockers:
            yield []  # it stands already: said once more by somebody who was told that the disk had failed, say
            return
        field = entry.field(Key.BLOCKERS)
        if field is None and entry.part(Key.BLOCKERS) is None:
            yield [new_field(document, entry, Key.BLOCKERS, text)]
            return
        items = _items(document, field) if field is not None else []
        if field is not None and items:
            last = items[-1]
            box = "" if last.mark is None else "[ ] "
            end = field.lines.end
            yield [rows_at(document, end, [f"{last.lead}{box}{text}"])]
        elif not entry.task.blockers:
            yield set_key(document, entry, Key.BLOCKERS, text)
        elif field is not None:
            indent = document.newline + inner_indent(document, field) + "- [ ] "
            start = field.value.start
            while document.text[start - 1] in " \t":
                start -= 1
            yield [Splice(start, field.value.start, indent), Splice(field.value.end, field.value.end, indent + text)]
        else:
            yield set_key(document, entry, Key.BLOCKERS, "; ".join([*entry.task.blockers, text]))

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:  # noqa: ARG002
        """Compare the blockers with those that are meant."""
        old = the_entry(before, self.label)
        if old.field(Key.BLOCKERS) is None and old.task.blockers:
            return None if position(after, self.label) else "the task would be gone"
        return _others_same(before, after, self.label, (*old.task.blockers, self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unblock:
    """Settle the open blocker number `n` (from 1), or all of them (None): ticked in a checklist, else taken away."""

    label: str
    n: int | None = None

    def candidates(self, document: Document, zone: tzinfo) -> Iterator[list[Splice]]:  # noqa: ARG002
        """Yield the ticks; a value that is text becomes None."""
        entry = the_entry(document, self.label)
        count = len(entry.task.blockers)
        if self.n is not None and not 1 <= self.n <= count:
            raise NotSo(f"the task {entry.task.name!r} has {count or 'no'} open blockers, not number {self.n}")
        if not count:
            yield []
            return
        field = entry.field(Key.BLOCKERS)
        items = [item for item in _items(document, field) if item.open] if field is not None else []
        if self.n is None and len(items) != count:
            yield set_key(document, entry, Key.BLOCKERS, "None")
        elif len(items) == count:
            chosen = items if self.n is None else [items[self.n - 1]]
            yield [_settled(item) for item in chosen]
        elif count == 1:
            yield set_key(document, entry, Key.BLOCKERS, "None")
        else:
            raise NotSo(f"the blockers of {entry.task.name!r} are no list. Settle all of them, or edit BUILD_QUEUE.md by hand")

    def targets(self, document: Document) -> frozenset[int]:
        """Return the task."""
        return position(document, self.label)

    def failure(self, before: Document, after: Document, zone: tzinfo) -> str | None:  # noqa: ARG002
        """Compare the blockers with those that are meant."""
        old = the_entry(before, self.label).task.blockers
        left = () if self.n is None else tuple(text for n, text in enumerate(old, 1) if n != self.n)
        return _others_same(before, after, self.label, left)


def _settled(item: _Item) -> Splice:
    return Splice(item.mark, item.mark + 1, "x") if item.mark is not None else Splice(item.at, item.at, "[x] ")
