"""Every small text is read as it is pinned, and the pinned file says what it says in lines that can be compared."""

from __future__ import annotations

from collections import Counter

from tests.store.pinned_readings import PINNED, cases, written
from tests.store.shown import KINDS, reading

CASES = cases(PINNED.read_text(encoding="utf-8"))


def check(kind: str, share: int = 0, of: int = 1) -> None:
    """Read the texts of a kind, or a share of them."""
    for number, (_, text, pinned) in enumerate(case for case in CASES if case[0] == kind):
        if number % of == share:
            assert reading(kind, text) == pinned, text


def test_blocks() -> None:
    check("blocks")


def test_inline() -> None:
    check("inline")


def test_front_matter() -> None:
    check("matter")


def test_queues_of_the_first_half() -> None:
    check("queue", 0, 2)


def test_queues_of_the_second_half() -> None:
    check("queue", 1, 2)


def test_edits() -> None:
    check("edit")


def test_opinions() -> None:
    check("opinion")


def test_the_pinned_file_is_complete_and_readable() -> None:
    counts = Counter(kind for kind, _, _ in CASES)
    assert set(counts) == set(KINDS)
    assert min(counts.values()) >= 20
    assert len({case[:2] for case in CASES}) == len(CASES)
    text = PINNED.read_text(encoding="utf-8")
    assert len(text) < 600_000
    assert max(map(len, text.split("\n"))) < 4000
    assert "OTHERWISE" not in text
    assert "NOT AS THE THOROUGH READER" not in text


def test_the_pinned_file_is_written_as_it_is_read() -> None:
    some = [(kind, text) for kind, text, _ in CASES[::40]]
    some += [("inline", "a\t\u00a0 \r\n=== x\n"), ("blocks", "=== \n  \n")]
    assert [(kind, text) for kind, text, _ in cases(written(some))] == some
