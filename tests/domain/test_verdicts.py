"""What gates answer: the ways out of it, and answers of which some are found when they are asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.verdicts import OR, Assessment, GateResult, Verdict, is_command, unfinished, ways
from tests.builders import NOW


@pytest.mark.parametrize("way", ["autobuilds approve a", "git push", "sudo apt-get install bubblewrap", "claude", "python3 -m venv"])
def test_what_can_be_typed(way: str) -> None:
    assert is_command(way)


@pytest.mark.parametrize("way", ["edit BUILD_QUEUE.md line 3", "delete the line", "", " git push", "gitk"])
def test_what_is_an_act_in_words(way: str) -> None:
    assert not is_command(way)


@given(st.lists(st.text("ab ", min_size=1), min_size=1))
def test_a_fix_comes_apart_into_its_alternatives(alternatives: list[str]) -> None:
    assert ways(OR.join(alternatives)) == tuple(alternatives)


def test_no_fix_is_no_way() -> None:
    assert ways(None) == ways("") == ()


_RESULTS = st.lists(
    st.builds(
        GateResult,
        gate=st.sampled_from(["state", "risk"]),
        verdict=st.sampled_from(Verdict),
        reason=st.just("because"),
        until=st.none() | st.integers(1, 50).map(lambda hours: NOW + timedelta(hours=hours)),
    ),
    max_size=5,
).map(tuple)


@given(_RESULTS)
def test_when_all_of_it_opens(results: tuple[GateResult, ...]) -> None:
    found = Assessment(label="a", gates=results)
    held = [r for r in results if r.verdict is not Verdict.GO]
    assert sorted(map(str, found.obstacles)) == sorted(map(str, held))
    if found.opens_at is None:
        assert not held or any(r.until is None for r in held)
    else:
        assert all(r.until is not None and r.until <= found.opens_at for r in held)
        assert any(r.until == found.opens_at for r in held)


@given(_RESULTS, _RESULTS)
def test_answers_that_are_found_late_are_those_that_are_there(known: tuple[GateResult, ...], rest: tuple[GateResult, ...]) -> None:
    asked: list[str] = []

    def finish() -> tuple[GateResult, ...]:
        asked.append("x")
        return (*known, *rest)

    late, whole = unfinished("a", known, finish), Assessment(label="a", gates=(*known, *rest))
    assert late.sketch == Assessment(label="a", gates=known)
    assert asked == [], "a sketch asks for nothing more"
    assert (late.verdict, late.obstacles, late.opens_at) == (whole.verdict, whole.obstacles, whole.opens_at)
    assert late == whole
    assert hash(late) == hash(whole)
    assert late.sketch is late
    assert asked == ["x"], "what was found is kept"


def test_what_answers_do_not_have_is_missing() -> None:
    for found in (unfinished("a", (), lambda: ()), Assessment(label="a", gates=())):
        with pytest.raises(AttributeError, match="no_such_part"):
            found.no_such_part  # type: ignore[attr-defined]  # noqa: B018
