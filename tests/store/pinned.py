"""What the store makes of many files, pinned: readings with every place, single edits, merges, front matter.

The files are those of the corpus, each with a few lines moved, doubled, joined or misspelt at random (seeded), so that combinations appear that
nobody wrote a case for. Nothing here says that an answer is right: that is what the cases and properties say. A difference says that something is
read, edited or merged otherwise than before; where that is meant, `python -m tests.store.pinned` pins it anew.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

from autobuilds.errors import AutobuildsError
from autobuilds.store.files.merge import distance, grown, is_whole, merge_late
from autobuilds.store.files.stale import descends
from autobuilds.store.files.three_way import merge_text
from autobuilds.store.front_matter import read_front_matter
from autobuilds.store.markdown.blocks import parse_blocks
from autobuilds.store.markdown.inline import pieces, plain_text
from autobuilds.store.markdown.second_opinion import our_marks, second_opinion
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.marks import marks_lost, task_named
from autobuilds.store.queue.merging import merge_queue
from autobuilds.store.queue.operations import Add, Approve, Block, Complete, FillAdded, NewTask, Reopen, SetField, Tick, Unapprove, Unblock
from autobuilds.store.queue.reader import read_queue, read_thoroughly

DATA: Final = Path(__file__).parents[1] / "data"
PINNED: Final = DATA / "pinned" / "store.txt"
NOON: Final = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)
#: How many of each kind.
COUNTS: Final = {"reading": 450, "edit": 650, "merge": 250, "rows": 200, "matter": 200}
_WORDS: Final = (
    "- [ ] New one - Priority: High - Added: 2026-02-06 15:00",
    "  - **Blockers:** the key, the design",
    "  - Depends On: Alpha; beta",
    "- **Completion Criteria:**\n  - [ ] it runs: `make`\n  - [x] `a.txt` exists",
    "### Alpha",
    "## Task Details",
    "## Completed",
    "***",
    "```sh\nmake\n```",
    "<!-- a remark",
    "-->",
    "> quoted",
    "| a | b |\n|---|---|\n| c | d |",
    "    indented",
    "[link]: <http://example.org> 'title'",
    "Text with `code`, *stress*, **bold _both_**, [a](b) and <b>tags</b> &amp; \\* more.",
    "- [x] Done - Completed: 2026-02-06 17:30",
    "2) second\n   more",
    "\tAdded: 2026-02-30",
    "- [ ] Beta [priority:: low] ⏫ 🆔 b7 📅 2026-02-09 #tag ^ref",
    "<div>\n- [ ] hidden\n</div>",
    "Heading\n=======",
    "- **Estimated Effort:** 2-3 hours\n- **Not Before:** 2026-03-01 08:00",
    "<<<<<<< ours",
)
_MATTER: Final = (
    "off_hours: 22:00-06:00",
    "agent: claude # remark",
    "limits:\n  cost: 1.50\n  deep:\n    - one\n    - two",
    "list: [a, 'b, c', \"d\"]",
    "text: |\n  line\n    more\n",
    "folded: >-\n  one\n  two",
    "agent: twice",
    'quoted: "x: \\"y\\""',
    "empty:",
    "no",
    "a: {b: c}",
    "? key",
    "&anchor x: *anchor",
    "\ttab: 1",
    "- item",
    "date: 2026-02-06",
    "bad: [",
    "---",
    "...",
)


def plain(value: Any) -> Any:
    """Return a value as lists, texts and numbers, in an order that is always the same."""
    if hasattr(value, "__record_fields__"):
        return [type(value).__name__, *(plain(getattr(value, one.name)) for one in value.__record_fields__)]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(plain(getattr(value, one.name)) for one in fields(value))]
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dict):
        return [[plain(key), plain(item)] for key, item in value.items()]
    if isinstance(value, frozenset | set):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bytes | None) else str(value)


def digest(value: object) -> str:
    """Return twelve digits that stand for a value."""
    return hashlib.sha256(repr(plain(value)).encode(errors="surrogateescape")).hexdigest()[:12]


def corpus() -> list[str]:
    """Return the texts of the corpus, shorter than a page or two."""
    found = [path.read_bytes() for path in sorted((DATA / "corpus").glob("*.md"))]
    return [data.decode("utf-8-sig", errors="replace") for data in found if len(data) < 4000]


def varied(text: str, dice: random.Random, words: tuple[str, ...] = _WORDS, times: int = 3) -> str:
    """Return a text with a few lines otherwise."""
    rows = text.split("\n")
    for _ in range(dice.randint(1, times)):
        at = dice.randrange(len(rows))
        match dice.randrange(9):
            case 0:
                rows.insert(at, dice.choice(words))
            case 1:
                rows.insert(at, rows[dice.randrange(len(rows))])
            case 2 if len(rows) > 1:
                del rows[at]
            case 3:
                rows[at] = "  " * dice.randrange(1, 4) + rows[at]
            case 4:
                rows[at] = rows[at].lstrip()
            case 5:
                rows[at] = rows[at].swapcase()
            case 6 if rows[at]:
                place = dice.randrange(len(rows[at]))
                rows[at] = rows[at][:place] + dice.choice("*_`[]():-#<>\\|~ xX0\t") + rows[at][place + dice.randrange(2) :]
            case 7:
                rows[at] += " " + dice.choice(words).split("\n")[0]
            case _:
                rows.insert(at, "")
    return dice.choice(["\n", "\n", "\n", "\r\n", "\r"]).join(rows)


def reading(dice: random.Random, texts: list[str]) -> object:
    """Return everything that is read of a text: tasks, problems, places, blocks, inline pieces, both ways of reading."""
    text = varied(dice.choice(texts), dice)
    data = text.encode()
    quick = read_queue(data, zone=UTC, had_tasks=dice.random() < 0.1)
    whole = read_thoroughly(data, text, UTC, "BUILD_QUEUE.md", bom=False)
    blocks = parse_blocks(text)
    rows = [row for row in text.split("\n") if row][:12]
    inline = [[plain_text(row), pieces(row)] for row in rows]
    tree = [[getattr(block, name) for name in type(block).__slots__ if name not in {"parent", "children"}] for block in blocks.root.walk()]
    return [text, quick.queue, whole.queue, whole.places, tree, inline, list(our_marks(blocks)), second_opinion(blocks)]


def operations(document: Document, dice: random.Random) -> Iterator[Operation]:
    """Yield operations on a task of a document."""
    label = dice.choice([task.label for task in document.queue.tasks] or ["nothing"])
    values: dict[str, Any] = {
        "priority": dice.choice(["high", "LOW", "hgih"]),
        "description": dice.choice(["short", "several words with `code`"]),
        "notes": "a `note`",
        "category": "Bug fixes",
        "touches": ("src/**", "a b.py"),
        "depends on": "other",
        "added": "2026-02-06 9:00",
        "not before": "2026-03-01 08:00",
        "blockers": ("the key", "the vote"),
        "deliverables": ("a.txt", "b.txt"),
        "name": "Another name",
        "label": "another",
        "prio": "urgent",
        "nothing": "x",
        "estimate": "2 h",
        "steps": "make\nmake test",
        "criteria": ("it runs: `make`", "second"),
    }
    name = dice.choice(sorted(values))
    new = NewTask(name=dice.choice(["A new one", "Fix *this*: now"]), description="what and how", criteria=("tests pass: `make`",))
    yield dice.choice(
        [
            *[SetField(label=label, field=name, value=values[name])] * 5,
            *[SetField(label=label, field=name, value="")] * 2,
            *(Tick(label=label, n=n, checked=dice.random() < 0.7) for n in (1, 2)),
            Block(label=label, text="waits for the key"),
            Unblock(label=label, n=dice.choice([None, 1, 2])),
            Approve(label=label),
            Unapprove(label=label),
            Complete(label=label, at=NOON, insist=True),
            Reopen(label=label),
            FillAdded(label=label, at=NOON),
            Add(task=new),
        ]
    )


def edit(dice: random.Random, texts: list[str]) -> object:
    """Return what becomes of a text by an operation, or why nothing does."""
    text = varied(dice.choice(texts), dice, times=2)
    document = read_queue(text.encode(), zone=UTC)
    (operation,) = operations(document, dice)
    try:
        after = apply(document, [operation], lambda data: read_queue(data, zone=UTC), UTC)
    except AutobuildsError as error:
        return [text, type(error).__name__, str(error)]
    return [text, after.data]


def merge(dice: random.Random, texts: list[str]) -> object:
    """Return what becomes of two versions of a queue."""
    base = dice.choice(texts)
    ours, theirs = (varied(base, dice).encode() for _ in range(2))
    merged = merge_queue(base.encode(), ours, theirs, UTC)
    return [[merged.data, merged.conflicts], marks_lost(base.encode(), ours, theirs, UTC)]


def rows(dice: random.Random, texts: list[str]) -> object:
    """Return what becomes of two versions of any text, and how versions are told apart."""
    base = dice.choice(texts)
    ours, theirs = (varied(base, dice) for _ in range(2))
    old, one, two = base.encode(), ours.encode(), theirs.encode()
    known = [task_named(row) for row in one.split(b"\n")]
    apart = [distance(one, two), grown(old, one), descends(one, old), descends(two, one), is_whole(one, old), is_whole(two, one)]
    return [merge_text(base, ours, theirs), merge_late(old, one, two), apart, known]


def matter(dice: random.Random, _: list[str]) -> object:
    """Return what is read of front matter."""
    inside = "\n".join(dice.choice(_MATTER) for _ in range(dice.randint(0, 5)))
    text = (
        dice.choice(["---\n", "---\n", "---\n", "--- \n", "\n---\n", "+++\n"]) + inside + dice.choice(["\n---\n", "\n---\n", "\n...\n", ""])
    )
    text = varied(text + "Words.\n", dice, _MATTER, times=1) if dice.random() < 0.5 else text + "Words.\n"
    return [text, read_front_matter(text.encode(), "HEARTBEAT.md")]


KINDS: Final[dict[str, Callable[[random.Random, list[str]], object]]] = {
    "reading": reading,
    "edit": edit,
    "merge": merge,
    "rows": rows,
    "matter": matter,
}


def answer(kind: str, number: int, texts: list[str]) -> str:
    """Return the line of one pinned answer."""
    return f"{kind} {number} {digest(KINDS[kind](random.Random(f'{kind} {number}'), texts))}"


def main() -> None:
    """Pin everything anew."""
    texts = corpus()
    PINNED.parent.mkdir(exist_ok=True)
    PINNED.write_text("".join(answer(kind, number, texts) + "\n" for kind, count in COUNTS.items() for number in range(count)))


if __name__ == "__main__":
    main()
