"""Two hundred progress logs as no honest agent writes them, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.hostile.corpus import progress_pieces

COUNT = 200


def texts(seed: int = 20260206) -> Iterator[bytes]:
    """Yield the logs."""
    sign = random.Random(seed)
    pieces = progress_pieces()
    told, matters = (*pieces["claims"], *pieces["active"]), pieces["matters"]
    for number in range(COUNT):
        parts = [sign.choice(told) for _ in range(sign.randint(1, 8))]
        sections = ["## Task Breakdown", "## Log", "## Questions", "## Blockers", "## Deliverables", "## Completion Criteria"]
        body = "\n".join(f"{sign.choice(sections)}\n- {part}" if sign.random() < 0.6 else part for part in parts)
        matter = sign.choice(matters)
        opening, closing = sign.choice(
            [("---\n", "\n---\n"), ("---\n", "\n...\n"), ("+++\n", "\n+++\n"), ("\ufeff---\n", "\n---\n"), ("---\n", "\n")]
        )
        text = f"{opening}{matter}{closing}{body}\n"
        if number % 10 == 7:
            text = text.replace("\n", sign.choice(["\r\n", "\r", "\u2028"]))
        if number % 25 == 3:
            text += "- [x] evil\n" * 5000
        if number % 25 == 8:
            text += "evil " * 60_000
        if number % 25 == 13:
            text += ">" * 5000 + "evil"
        content = text.encode("utf-8", "surrogatepass")
        if number % 12 == 5:
            cut = sign.randrange(len(content))
            content = content[:cut] + bytes(sign.randrange(256) for _ in range(40)) + content[cut:]
        yield content
