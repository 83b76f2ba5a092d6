"""What is asked of a progress log as read: the step that is open, and the evidence that is named for a criterion."""

from __future__ import annotations

import pytest

from autobuilds.domain.progress import Progress, Step

_LONG = "the export holds every row of the table " * 10


@pytest.mark.parametrize(
    ("breakdown", "step"),
    [
        ((), None),
        ((Step(text="Read", checked=True), Step(text="Write"), Step(text="Test")), "Write"),
        ((Step(text="Read", checked=True),), None),
    ],
)
def test_the_current_step_is_the_first_open_one(breakdown: tuple[Step, ...], step: str | None) -> None:
    assert Progress(label="a", breakdown=breakdown).current_step == step


@pytest.mark.parametrize(
    ("criterion", "evidence"),
    [
        ("OAuth flow works", "auth.py"),
        ("**OAuth** `flow`  WORKS.", "auth.py"),
        (r"OAuth \_flow works", "auth.py"),
        ("OAuth flow", None),
        ("", None),
        (_LONG, "a.csv"),
        (_LONG.replace("row", "cell"), None),
    ],
)
def test_evidence_is_found_by_the_words_of_the_criterion(criterion: str, evidence: str | None) -> None:
    known = (("OAuth flow works", "auth.py"), (_LONG[:200].rstrip() + "…", "a.csv"), ("the export…", "b.csv"))
    assert Progress(label="a", evidence=known).evidence_for(criterion) == evidence


def test_the_beginning_of_a_criterion_counts_only_where_it_was_cut_for_its_length() -> None:
    known = (("the export…", "b.csv"),)
    assert Progress(label="a", evidence=known).evidence_for("the export works") is None
