"""What the store reads of a text, written out in lines that people can read and compare."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final
from zoneinfo import ZoneInfo

from autobuilds.errors import AutobuildsError
from autobuilds.records import MISSING
from autobuilds.store.front_matter import FrontMatter, read_front_matter
from autobuilds.store.markdown.blocks import Block, parse_blocks
from autobuilds.store.markdown.inline import definitions, mask, pieces, plain_text, without_comments
from autobuilds.store.markdown.second_opinion import second_opinion
from autobuilds.store.queue.document import Document, Span
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.ideas import read_ideas
from autobuilds.store.queue.operations import Approve, Complete, FillAdded, Reopen, SetField, Tick, Unapprove, Unblock
from autobuilds.store.queue.operations import Block as AddBlocker
from autobuilds.store.queue.opinions import second_opinions
from autobuilds.store.queue.plain import read_plain
from autobuilds.store.queue.reader import read_queue, read_thoroughly

CHICAGO: Final = ZoneInfo("America/Chicago")
NOON: Final = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)
_HIDDEN: Final = re.compile("[\0\t\r\x0b\x0c\x1c-\x1e\x85\u00a0\u2028\u2029\ufeff\u27e8]| (?=\n)| \\Z")
_SPELT: Final = re.compile("⟨([0-9a-f]+)⟩")


def spelt(text: str) -> str:
    """Return a text with every character that an editor hides, or takes away, as its number in brackets."""
    return _HIDDEN.sub(lambda match: f"⟨{ord(match[0]):02x}⟩", text)


def unspelt(text: str) -> str:
    """Return the text that was given to `spelt`."""
    return _SPELT.sub(lambda match: chr(int(match[1], 16)), text)


def shown(value: Any) -> str:
    """Return a value in one line, a record by its name and by what differs from its defaults."""
    if isinstance(value, Span):
        return f"{value.start}-{value.end}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {shown(item)}' for key, item in value.items())}}}"
    if isinstance(value, datetime):
        return value.isoformat()
    parts = getattr(type(value), "__record_fields__", None) or (fields(value) if is_dataclass(value) else None)
    if parts is None:
        return spelt(repr(value))
    told = [(one.name, getattr(value, one.name)) for one in parts if getattr(value, one.name) != _default(one)]
    return f"{type(value).__name__}({', '.join(f'{name}={shown(item)}' for name, item in told)})"


def _default(one: Any) -> object:
    return one.default_factory() if one.default_factory not in {MISSING, None} and callable(one.default_factory) else one.default


def queue(text: str) -> Iterator[str]:
    """Yield the lines of what a queue says and where it stands; a text that is read in the quick way says so."""
    data = text.encode()
    found = read_queue(data, zone=CHICAGO)
    bare = text.removeprefix("\ufeff")
    whole = read_thoroughly(data, bare, CHICAGO, "BUILD_QUEUE.md", bom=found.bom)
    quick = None if found.queue.fatal else read_plain(bare.replace("\r\n", "\n"), CHICAGO, _thorough)
    yield f"{'thorough' if quick is None else 'quick' if quick == whole.queue else 'OTHERWISE'}{' fatal' if found.queue.fatal else ''}"
    if found.queue != whole.queue and "\0" not in text:
        yield "NOT AS THE THOROUGH READER"
    for task in found.queue.tasks:
        yield shown(task).replace(f", problems={shown(task.problems)}", f", problems={len(task.problems)}")
    for one in found.queue.problems:
        yield f"{one.line}:{one.column} {one.severity} {one.kind} {one.label}: {one.message}"
    yield shown(found.queue.counts)
    for entry in found.entries:
        yield f"{entry.label} {entry.lines.start}-{entry.lines.end} paragraph={shown(entry.paragraph)} name={shown(entry.name)} {entry.mark.start} {entry.indent}"
        for group in (entry.parts, entry.fields, entry.criteria, entry.details):
            yield from (f"  {shown(one)}" for one in group)
    yield from map(shown, found.sections)
    yield f"{found.bom} {found.newline!r} {len(found.line_starts)} {found.line_starts[-1]}"
    for idea in read_ideas(found):
        yield shown(idea)


def _thorough(piece: str) -> Any:
    return read_thoroughly(piece.encode(), piece, CHICAGO, "BUILD_QUEUE.md", bom=False).queue


def blocks(text: str) -> Iterator[str]:
    """Yield the lines of a text's tree of blocks, and what another reader takes otherwise."""
    found = parse_blocks(text)

    def tree(block: Block, depth: int) -> Iterator[str]:
        lines = " ".join(f"{start}-{end}" for start, end in block.lines)
        more = [
            f"{name}={getattr(block, name)!r}"
            for name in ("level", "setext", "marker", "marker_at", "padding", "info", "closed")
            if getattr(block, name)
        ]
        yield spelt(f"{'  ' * depth}{block.kind} {block.first + 1}-{block.last + 1} {' '.join(more)} {lines}".rstrip())
        for child in block.children:
            yield from tree(child, depth + 1)

    yield from tree(found.root, 0)
    yield f"{found.starts} {found.ends}"


def opinion(text: str) -> Iterator[str]:
    """Yield what another reader takes otherwise in a text, and what a queue is warned of for it."""
    for one in second_opinion(parse_blocks(text)):
        yield f"{one.line} {one.ours} / {one.theirs}"
    for told in second_opinions(_read(text.encode())):
        yield f"{told.line}:{told.column} {told.kind} {told.label}: {told.message}"


def inline(text: str) -> Iterator[str]:
    """Yield what is opaque in a text and what it is without its Markdown; what stands before ` => ` are links that are defined."""
    links, _, rest = text.rpartition(" => ")
    known = definitions("\n".join(f"[{link}]: x" for link in links.split(", "))) if links else frozenset()
    found = pieces(rest, known)
    yield " ".join(f"{one.kind}:{one.start}-{one.end}:{spelt(one.text)!r}" for one in found) or "-"
    yield spelt(repr(mask(rest, [(one.start, one.end) for one in found])).replace("\\x00", "#"))
    yield spelt(repr(plain_text(rest, known)))
    if "<!--" in rest:
        yield spelt(repr(without_comments(rest)))


def matter(text: str) -> Iterator[str]:
    """Yield the fields of a file's front matter with their places, its body and its problems."""
    found: FrontMatter = read_front_matter(text.encode(), "HEARTBEAT.md")
    for key, value in found.fields.items():
        yield f"{key} = {shown(value)}"
    yield f"{found.body_line} {spelt(repr(found.body))}"
    for one in found.problems:
        yield f"{one.line}:{one.column} {one.kind}: {one.message}"


_VERBS: Final[dict[str, Callable[..., Operation]]] = {
    "tick": lambda label, n, word: Tick(label=label, n=int(n), checked=word != "no"),
    "block": lambda label, *words: AddBlocker(label=label, text=" ".join(words)),
    "unblock": lambda label, *n: Unblock(label=label, n=int(n[0]) if n else None),
    "approve": lambda label: Approve(label=label),
    "unapprove": lambda label: Unapprove(label=label),
    "complete": lambda label: Complete(label=label, at=NOON, insist=True),
    "reopen": lambda label: Reopen(label=label),
    "added": lambda label: FillAdded(label=label, at=NOON),
}


def operation(order: str) -> Operation:
    """Return the operation that a line names: a verb, a label and more words; `set LABEL FIELD=VALUE`, several values with ` | ` between."""
    verb, *words = order.split(" ")
    if verb != "set":
        return _VERBS[verb](*words)
    name, _, value = " ".join(words[1:]).partition("=")
    values = tuple(part.replace("\\n", "\n") for part in value.split(" | "))
    return SetField(label=words[0], field=name, value=values if len(values) > 1 else values[0])


def edit(text: str) -> Iterator[str]:
    """Yield the lines that an operation, the first line of the text, takes out of the rest and puts into it, or why it does neither."""
    order, _, rest = text.partition("\n")
    before = read_queue(rest.encode(), zone=CHICAGO)
    try:
        after = apply(before, [operation(order)], _read, CHICAGO)
    except AutobuildsError as error:
        yield f"{type(error).__name__}: {spelt(str(error))}"
        return
    yield from difference(before, after)


def _read(data: bytes) -> Document:
    return read_queue(data, zone=CHICAGO)


def difference(before: Document, after: Document) -> Iterator[str]:
    """Yield the lines that are gone with `-` and those that are new with `+`, each with its number."""
    old, new = before.text.split("\n"), after.text.split("\n")
    first = next((n for n, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), min(len(old), len(new)))
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    yield from (spelt(f"{n}-{row}\n")[:-1] for n, row in enumerate(old[first : len(old) - last], first + 1))
    yield from (spelt(f"{n}+{row}\n")[:-1] for n, row in enumerate(new[first : len(new) - last], first + 1))


KINDS: Final[dict[str, Callable[[str], Iterator[str]]]] = {
    "queue": queue,
    "blocks": blocks,
    "opinion": opinion,
    "inline": inline,
    "matter": matter,
    "edit": edit,
}


def reading(kind: str, text: str) -> str:
    """Return everything that is read of a text of a kind, a line for each thing."""
    return "\n".join(KINDS[kind](text))
