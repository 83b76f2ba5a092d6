"""What the policy answers for a category."""

from __future__ import annotations

import pytest

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.model import Priority
from autobuilds.domain.policy import CategoryRule, Policy

MERGE, REVIEW = DeliverMode.MERGE, DeliverMode.REVIEW
POLICY = Policy(
    categories=(
        CategoryRule(category="Bug fixes", high="auto", medium="own", low="ask", deliver=MERGE),
        CategoryRule(category="Docs", high="auto"),
        CategoryRule(category="No category", deliver=MERGE),
        CategoryRule(category="docs", high="ask"),
    )
)


def test_a_category_is_found_without_regard_to_case_and_spaces() -> None:
    rule = POLICY.category("  bug   FIXES ")
    assert rule is not None
    assert [rule.answer(p) for p in Priority] == ["auto", "own", "ask"]
    assert POLICY.category("Bugs") is None
    assert POLICY.category(None) is None


def test_the_first_of_two_rows_counts() -> None:
    rule = POLICY.category("DOCS")
    assert rule is not None
    assert rule.high == "auto"


def test_a_row_for_all_others() -> None:
    other = CategoryRule(category="*", high="auto")
    policy = Policy(categories=(other, *POLICY.categories))
    assert policy.category("Bugs") is other
    assert policy.category("Docs") is not other


@pytest.mark.parametrize(
    ("category", "configured", "expected"),
    [
        ("Bug fixes", {"default": REVIEW}, MERGE),
        ("Bug Fixes", {"default": REVIEW, "bug fixes": REVIEW}, REVIEW),
        ("Docs", {"default": REVIEW}, REVIEW),
        ("Docs", {"default": MERGE}, MERGE),
        ("Docs", {"default": REVIEW, "docs": MERGE}, MERGE),
        ("Unknown", {"default": MERGE}, MERGE),
        ("Unknown", {}, REVIEW),
        (None, {"default": REVIEW}, MERGE),
    ],
)
def test_how_a_build_is_delivered(category: str | None, configured: dict[str, DeliverMode], expected: DeliverMode) -> None:
    assert POLICY.delivery(category, configured) is expected
