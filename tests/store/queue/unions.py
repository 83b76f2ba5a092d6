"""Merges of two versions of small queues, pinned as text: what of the merged file is other than in ours, and how many conflicts there are.

`python -m tests.store.queue.unions` writes them anew where a difference is meant. In the file `/` is a line feed, `^` a carriage return; a change
reads `first line-last line: new lines`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Final

from autobuilds.store.queue.merging import merge_queue
from tests.store.queue.writings import HEADED, INDENTED, NUMBERED, SWAPPED, change

PINNED: Final = Path(__file__).parents[2] / "data" / "pinned" / "unions.txt"
#: Four tasks of which three have details, with words of the owner between them.
FULL: Final = (
    "# Queue\n\nWords.\n\n## Active Queue\n- [ ] Alpha - Priority: Low\n- [ ] Beta\n  - **Category:** x\n\nBetween.\n\n- [ ] Gamma\n\n## Task Details\n\n"
    "### Alpha\n- **Notes:** one\n- **Completion Criteria:**\n  - [ ] one\n  - [ ] two\n\n### Beta\n- **Notes:** two\n\nMore.\n\n### Omega\n- **Notes:** three\n\n"
    "## Completed\n- [x] Omega - Completed: 2026-02-05 12:30\n- [x] Psi\n"
)
_PUT_IN: Final = (
    *(
        "- [ ] Delta",
        "- [ ] Delta - Priority: High",
        "- [ ] Epsilon",
        "- [x] Psi",
        "- [ ] Beta",
        "words",
        "",
        "### Delta",
        "- **Notes:** four",
        "## Completed",
    ),
    *("  - [x] three", "  - **Window:** overnight"),
)
_ENTRIES: Final = ("- [", "### ", "* [", "1. [", "2. [", "  - [ ] G", "  - [ ] D", "  - [ ] A")


def _runs(rows: list[str]) -> list[tuple[int, int]]:
    """Return where entries and details begin and end."""
    starts = [n for n, row in enumerate(rows) if row.startswith(_ENTRIES)]
    runs = []
    for start in starts:
        end = start + 1
        while end < len(rows) and rows[end] and not rows[end].startswith(("#", *_ENTRIES)):
            end += 1
        runs.append((start, end))
    return runs


def edited(text: str, dice: random.Random) -> str:
    """Return a queue as a person or a tool may have changed it."""
    rows = text.split("\n")
    for _ in range(dice.choice((1, 1, 2, 3))):
        runs = _runs(rows)
        start, end = dice.choice(runs)
        match dice.randrange(9):
            case 0 | 1:  # moved, or done
                run = rows[start:end]
                del rows[start:end]
                at = (
                    next((n + 1 for n, row in enumerate(rows) if row == "## Completed"), len(rows))
                    if dice.random() < 0.5
                    else dice.randrange(len(rows))
                )
                rows[at:at] = [run[0].replace("[ ]", "[x]", dice.randrange(2)), *run[1:]]
            case 2:
                del rows[start:end]
            case 3 | 4:
                at = dice.randrange(len(rows) + 1)
                rows[at:at] = dice.sample(_PUT_IN, dice.choice((1, 1, 2)))
            case 5:
                rows[start] = rows[start].replace("[ ]", "[x]") if dice.random() < 0.5 else f"{rows[start]} - Label: beta"
            case 6:
                rows[start:end] = [row.replace("o", "0") for row in rows[start:end]]
            case 7:
                at = dice.randrange(len(rows))
                rows[at] = f"{rows[at]} more"
            case _:
                (one, two), (three, four) = sorted(dice.sample(runs, 2)) if len(runs) > 1 else [(start, end), (end, end)]
                if two <= three:
                    rows[one:four] = [*rows[three:four], *rows[two:three], *rows[one:two]]
    return "\n".join(rows)


def triples(count: int = 170) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield a version, and two that were made of it."""
    dice = random.Random("unions")
    for number in range(count):
        base = dice.choice((FULL, FULL, FULL, HEADED, NUMBERED, SWAPPED, INDENTED))
        texts = [base, edited(base, dice), edited(base, dice)]
        ends = ["\n"] * 3 if number % 4 else dice.choices(("\n", "\r\n", "\r"), k=1) * 3
        texts = [text.replace("\n", end) for text, end in zip(texts, ends, strict=True)]
        texts = [text.rstrip("\r\n") if dice.randrange(8) == 0 else text for text in texts]
        texts = ["\ufeff" + text if dice.randrange(12) == 0 else text for text in texts]
        yield texts[0].encode(), texts[1].encode(), texts[2].encode()


def rows() -> Iterator[str]:
    """Yield what the file says."""
    for number, (base, ours, theirs) in enumerate(triples()):
        found = merge_queue(base, ours, theirs, UTC)
        yield f"{number}. ours {change(base, ours)}"
        yield f"  theirs {change(base, theirs)}"
        yield f"  {found.conflicts} conflicts, ours {change(ours, found.data)}"


if __name__ == "__main__":
    PINNED.write_text("".join(f"{row}\n" for row in rows()), encoding="utf-8")
