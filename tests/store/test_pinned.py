"""What the store makes of many files is what was pinned (`tests/store/pinned.py`)."""

from __future__ import annotations

import pytest

from tests.store.pinned import COUNTS, PINNED, answer, corpus

SHARE = 50
LINES = PINNED.read_text(encoding="utf-8").split("\n")[:-1]
TEXTS = corpus()


@pytest.mark.parametrize(("kind", "first"), [(kind, first) for kind, count in COUNTS.items() for first in range(0, count, SHARE)])
def test_it_is_as_before(kind: str, first: int) -> None:
    pinned = [line for line in LINES if line.startswith(f"{kind} ")]
    assert len(pinned) == COUNTS[kind]
    for number in range(first, min(first + SHARE, COUNTS[kind])):
        assert answer(kind, number, TEXTS) == pinned[number], "where that is meant: python -m tests.store.pinned"


def test_the_pinned_are_of_many_sorts() -> None:
    answers = {line.split()[2] for line in LINES}
    assert len(answers) > 0.9 * len(LINES)
