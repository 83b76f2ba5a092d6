"""Small merges, pinned as text: what becomes of three versions of a few lines, word by word and row by row.

`python -m tests.store.files.merges` writes them anew where a difference is meant. In the file `/` is a line feed, `^` a carriage return; the columns
are the version that both began from, theirs, the current one, the late merge of them, and the merge of rows with the number of its conflicts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from autobuilds.store.files.merge import merge_late
from autobuilds.store.files.three_way import merge_text

PINNED: Final = Path(__file__).parents[2] / "data" / "pinned" / "merges.txt"
_LINES: Final = (
    *("a", "b", "c", "one two three", "one two four", "- [ ] task one", "- [x] task one", "- [ ] task two - Low", "- item", "1. first"),
    *("  under", "\tdeep", "", "", "# Head", "## Sub", "plain words here"),
)
_WORDS: Final = ("one", "two", "three", "x", "Low", "High", "task", "under")


def _edited(lines: list[str], dice: random.Random) -> list[str]:
    rows = list(lines)
    for _ in range(dice.choice((1, 1, 2, 3))):
        at = dice.randrange(len(rows) + 1)
        kind = dice.randrange(6)
        if kind < 2 or at == len(rows):
            rows[at:at] = dice.choices(_LINES, k=dice.choice((1, 1, 2)))
        elif kind == 2:
            del rows[at : at + dice.choice((1, 1, 2))]
        else:
            words = rows[at].split(" ")
            place = dice.randrange(len(words))
            words[place : place + dice.randrange(2)] = [dice.choice(_WORDS)]
            rows[at] = " ".join(words)
    return rows


def triples(count: int = 260) -> Iterator[tuple[str, str, str]]:
    """Yield a version, and two that were made of it."""
    dice = random.Random("merges")
    for number in range(count):
        base = dice.choices(_LINES, k=dice.randrange(1, 7))
        sides = [base, _edited(base, dice), _edited(base, dice)]
        ends = [dice.choice(("\n", "\n", "\n", "\r\n", "\r"))] * 3 if number % 5 else [dice.choice(("\n", "\r\n", "\r")) for _ in sides]
        texts = ["".join(f"{row}{end}" for row in rows) for rows, end in zip(sides, ends, strict=True)]
        texts = [text[: -dice.choice((1, 1, 1, 2, 5))] if dice.randrange(6) == 0 else text for text in texts]
        yield texts[0], texts[1], texts[2]


def shown(text: str) -> str:
    """Return a text in one line."""
    return text.replace("\r", "^").replace("\n", "/").replace("\t", "~")


def whole(text: str) -> str:
    """Return whole lines."""
    return text if not text or text.endswith(("\n", "\r")) else f"{text}\n"


def outcome(base: str, theirs: str, current: str) -> tuple[str, str]:
    """Return the late merge, and the merge of rows with its conflicts."""
    late = merge_late(base.encode(), theirs.encode(), current.encode()).decode()
    rows, conflicts = merge_text(whole(base), whole(current), whole(theirs))
    return late, f"{conflicts} {rows}"


def pinned() -> str:
    """Return what the file says."""
    return "".join(" | ".join(shown(text) for text in (*one, *outcome(*one))) + "\n" for one in triples())


if __name__ == "__main__":
    PINNED.write_text(pinned(), encoding="utf-8")
