"""What writing into small queues does, pinned as text: every way that an operation knows, what is written, and why something is refused.

`python -m tests.store.queue.writings` writes it anew where a difference is meant. In the file `/` is a line feed, `^` a carriage return; a change
reads `first line-last line: new lines`, and a row `ways` tells those that are tried after the first, where they differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from autobuilds.domain.model import Priority
from autobuilds.errors import AutobuildsError
from autobuilds.store.files.merge import split_lines
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.operations import Add, Approve, Block, Complete, FillAdded, NewTask, Reopen, SetField, Tick, Unapprove, Unblock
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.queue.splice import spliced

PINNED: Final = Path(__file__).parents[2] / "data" / "pinned" / "writings.txt"
NOON: Final = datetime(2026, 2, 7, 12, 0, 59, tzinfo=UTC)
HEADED: Final = (
    "# Queue\n\n## Active Queue\n- [ ] Alpha - Added: 2026-02-06 15:00 - Priority: Low\n- [ ] Beta\n\n## Task Details\n\n### Alpha\n"
    "- **Description:** Some text\n- **Completion Criteria:**\n  - [ ] it runs: `make`\n  - [x] second\n- **Blockers:** None\n"
    "- **Approved:** yes\n- **Not Before:** 2026-03-01 8:00\n\n## Completed\n- [x] Omega - Completed: 2026-02-05 12:30\n"
)
NUMBERED: Final = (
    "## Active Queue\n\n1. [ ] Alpha\n   - Priority: High\n   - Steps:\n     ```sh\n     make\n     ```\n   - Touches: a, b\n\n"
    "2. [x] Beta - Completed: 2026-02-06 10:00\n   - Completion Criteria:\n     - one\n     - [ ] two\n\n## Completed\n\n3. [x] Omega - Completed: 2026-02-05\n"
)
CARRIED: Final = "Intro\r\n## Active Queue\r\n* [ ] Alpha ⏫ ➕ 2026-02-06 ✅ 2026-02-07 #tag\r\n* [ ] Beta and more - Label: beta"
SWAPPED: Final = "## Completed\n- [x] Alpha - Added: 2026-02-06 15:00 - Completed: 2026-02-07 09:00\n  - **Notes:** n\n\n- [x] Last\n\n## Active Queue\n\n## Diary\nwords\n"
INDENTED: Final = (
    "## Active Queue\n  - [ ] Alpha\n    - **Category:** x\n\n\n  - [ ] Gamma - Label: beta\n\n  - [ ] Delta\n\n## Completed\n- [x] Omega\n\n### Notes\n- [x] Last\n\n"
    "## Task Details\n### Beta\n- Window: overnight\n### Omega\n- Notes: x\n"
)
OLD: Final = "\ufeff## Active Queue\r- [ ] Alpha\r- [ ] Beta\r"
SHAPES: Final[dict[str, str]] = {
    "headed": HEADED,
    "numbered": NUMBERED,
    "carried": CARRIED,
    "swapped": SWAPPED,
    "indented": INDENTED,
    "old": OLD,
    "bare": "Intro\n\n## Completed\n\n## Task Details\nwords\n",
    "empty": "",
}
FIELDS: Final[tuple[tuple[str, str | tuple[str, ...]], ...]] = (
    ("Added", "2026-02-06 15:00"),
    ("added", "2026-02-06 3 pm"),
    ("Priority", "low"),
    ("priority", "Urgent"),
    ("PRIORITY", "hgih"),
    ("Completed", "2026-02-07"),
    ("not_before", "2026-03-01 08:00"),
    ("Not Before", "soon"),
    ("desc", "other words"),
    ("Description", "two\nlines"),
    ("criteria", ("one", " two ")),
    ("criterion", "only one"),
    ("criteria", ("one", "")),
    ("time", "4 hours"),
    ("estimate", "2-3 h"),
    ("tech", "C, Python"),
    ("stack", "Rust"),
    ("category", "Bug fixes"),
    ("blocker", "the key"),
    ("Blockers", ("the key", "the vote")),
    ("depends", ("Beta", "Clean up, then (ship)")),
    ("depends on", "Beta"),
    ("touch", ("src/**", "a b.py", "x,y")),
    ("Touches", "src/[a-z].py"),
    ("Window", "overnight"),
    ("Approved", "yes"),
    ("repo", "../other"),
    ("Base", "main"),
    ("Agent", "command"),
    ("Role", "`reviewer`"),
    ("Timeout", "90 min"),
    ("Steps", "\nmake\r\nmake test\n"),
    ("Steps", "make ``` x\r\r"),
    ("deliverable", ("a.txt", "b.txt")),
    ("Source", "owner"),
    ("note", "see `x`"),
    ("Notes", "*see* <b>x</b>"),
    ("Label", "alpha"),
    ("label", "other"),
    ("Label", ("a", "b")),
    ("Name", "alpha"),
    ("name", "Fix *this* now"),
    ("name", "ALPHA"),
    ("name", ("a", "b")),
    ("name", ""),
    ("name", "Alpha - Priority: High"),
    ("prio", "high"),
    ("nonsense", "x"),
    *(
        (name, "")
        for name in ("priority", "added", "criteria", "blockers", "steps", "touches", "category", "notes", "approved", "description")
    ),
    ("Steps", " "),
    ("Notes", " "),
)
FULL: Final = NewTask(
    name="Do  all of it",
    priority=Priority.HIGH,
    added=NOON,
    description="What *and* how",
    criteria=("it runs: `make`", " second"),
    ticked=frozenset([2]),
    tech_stack="C",
    estimate="4 hours",
    category="Bug fixes",
    blockers=("the key",),
    depends_on=("Beta", "Clean up, then ship"),
    touches=("src/**", "a,b"),
    not_before=NOON,
    window="overnight",
    repository="../other",
    base="main",
    agent="command",
    role="reviewer",
    timeout="90 min",
    steps="make\nmake test",
    deliverables=("a.txt", "b.txt"),
    source="owner",
    notes="see `x`",
)
NEW: Final = (
    FULL,
    NewTask(name="Plain one"),
    NewTask(name="Fix *this* now", label="fix-it", description="short"),
    NewTask(name="Same label", label="same-label", blockers=("a", "b"), deliverables=("one",), touches=("src",)),
    NewTask(name="Done one", done=True, completed=NOON, notes="n"),
    NewTask(name="Done, not when", done=True),
    NewTask(name="Open", completed=NOON),
    NewTask(name="Alpha"),
    NewTask(name="Alpha", done=True),
    NewTask(name="Omega"),
    NewTask(name="***"),
    NewTask(name="Own", label="No Label"),
    NewTask(name="Two\nlines"),
    NewTask(name="Tab\there and\x07bell"),
    NewTask(name="It - Priority: High"),
    NewTask(name="Empty", criteria=("a", " ")),
    NewTask(name="Blank", description=" ", criteria=(), notes=""),
    NewTask(name="`code` name", estimate="soon"),
)


def operations(labels: tuple[str, ...]) -> Iterator[Operation]:
    """Yield every operation that is tried on a queue, on those of its labels that tell it apart."""
    first, *others = labels
    for field, value in FIELDS:
        yield SetField(label=first, field=field, value=value)
    for label in (first, *others):
        yield from (SetField(label=label, field=field, value="high") for field in ("priority", "notes"))
        yield from (Tick(label=label, n=n, checked=checked) for n in (0, 1, 2, 3) for checked in (True, False))
        yield from (Complete(label=label, at=NOON, insist=insist) for insist in (False, True))
        yield from (Reopen(label=label, before=before) for before in (None, "alpha", "beta", "delta", "nothing"))
        yield from (Tick(label=label, n=2), Complete(label=label, at=NOON))
        yield from (FillAdded(label=label, at=NOON), Approve(label=label), Unapprove(label=label))
        yield from (Block(label=label, text="the design"), Unblock(label=label), Unblock(label=label, n=1))
    yield from (Add(task=task) for task in NEW)


def name_of(operation: Operation) -> str:
    """Return an operation as one writes it."""
    told = [type(operation).__name__]
    for name in getattr(operation, "__record_fields__", ()):
        value = getattr(operation, name.name if hasattr(name, "name") else name)
        told.append(value.name if isinstance(value, NewTask) else str(value.minute) if isinstance(value, datetime) else str(value))
    return " ".join(repr(" | ".join(told))[1:-1].split())


@lru_cache(maxsize=4000)
def read(data: bytes) -> Document:
    """Return what a queue holds."""
    return read_queue(data, zone=UTC)


def shown(text: str) -> str:
    """Return a text in one line."""
    return text.replace("\r", "^").replace("\n", "/")


def change(old: bytes, new: bytes) -> str:
    """Return what became of the lines of a text."""
    was, now = split_lines(old), split_lines(new)
    codes = SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
    return "; ".join(f"{a + 1}-{b}: {shown(b''.join(now[c:d]).decode())}" for tag, a, b, c, d in codes if tag != "equal") or "nothing"


def rows(shape: str) -> Iterator[str]:
    """Yield what the file says of one queue."""
    document = read(SHAPES[shape].encode())
    labels = tuple(dict.fromkeys([*(task.label for task in document.queue.tasks), "nothing"]))
    done: list[tuple[Operation, Document]] = []
    for operation in operations(labels):
        ways: list[str] = []
        try:
            found = operation.candidates(document, UTC)
            ways.extend(change(document.data, spliced(document, splices)) if splices else "so already" for splices in found)
            after = apply(document, [operation], read, UTC)
            said = change(document.data, after.data)
            done.append((operation, after))
        except AutobuildsError as error:
            said = f"{type(error).__name__}: {error}"
        more = [way for way in dict.fromkeys(ways) if way != said]
        yield f"{name_of(operation)} => {said}"
        if more:
            yield f"  ways => {' || '.join(more)}"
    for (one, _), (_, other) in pairwise(done):
        yield f"  {name_of(one)}, had it become the next => {one.failure(document, other, UTC)}"


def pinned() -> str:
    """Return what the file says."""
    return "".join(f"## {shape}\n" + "".join(f"{row}\n" for row in rows(shape)) for shape in SHAPES)


if __name__ == "__main__":
    PINNED.write_text(pinned(), encoding="utf-8")
