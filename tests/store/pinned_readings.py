"""What is read of several hundred small texts, pinned in words: `tests/data/pinned/readings.txt` holds each text and what is read of it.

The texts are short on purpose: each was kept because some rule of the reading shows in it and in no other before it. A difference says that
a text is read otherwise than before; where that is meant, `python -m tests.store.pinned_readings` pins it anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.store.shown import reading, spelt, unspelt

PINNED: Final = Path(__file__).parents[1] / "data" / "pinned" / "readings.txt"


def cases(text: str) -> list[tuple[str, str, str]]:
    """Return kind, text and what is read of it for every case of a pinned file."""
    found = []
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        kind, *rows = part.rstrip("\n").split("\n")
        source = unspelt("\n".join(row[2:] for row in rows if row.startswith("|")))
        found.append((kind, source, "\n".join(row[2:] for row in rows if row.startswith("  "))))
    return found


def written(given: Iterable[tuple[str, str]]) -> str:
    """Return the pinned file for texts of some kinds."""
    parts = []
    for kind, text in given:
        source = "".join(f"| {row}".rstrip(" ") + "\n" for row in spelt(text).split("\n"))
        answer = "".join(f"  {row}\n" for row in reading(kind, text).split("\n"))
        parts.append(f"=== {kind}\n{source}{answer}")
    return "".join(parts)


def main() -> None:
    """Pin everything anew."""
    known = [(kind, text) for kind, text, _ in cases(PINNED.read_text(encoding="utf-8"))]
    PINNED.write_text(written(known), encoding="utf-8")


if __name__ == "__main__":
    main()
