"""The ledger as a value: what is found in it, and what it is after a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.build import Approval, BuildState, Ledger
from tests.builders import NOW, a_build, a_task

_LABELS = st.sampled_from("abc")


def _approval(label: str, fingerprint: str = "f") -> Approval:
    return Approval(label=label, fingerprint=fingerprint, by="owner", at=NOW)


@given(st.lists(_LABELS), _LABELS)
def test_an_approval_takes_the_place_of_the_one_before_and_leaves_the_others(given_to: list[str], label: str) -> None:
    ledger = Ledger()
    for number, one in enumerate(given_to):
        ledger = ledger.with_approval(_approval(one, str(number)))
    found = ledger.with_approval(_approval(label, "new"))
    assert found.approval(label) == _approval(label, "new")
    assert [a for a in found.approvals if a.label != label] == [a for a in ledger.approvals if a.label != label]
    assert len({a.label for a in found.approvals}) == len(found.approvals)


@given(st.sets(_LABELS), _LABELS)
def test_an_approval_is_taken_back(given_to: set[str], label: str) -> None:
    ledger = Ledger(approvals=tuple(map(_approval, sorted(given_to))))
    found = ledger.without_approval(label)
    assert found.approval(label) is None
    assert {a.label for a in found.approvals} == given_to - {label}


def test_a_later_build_of_a_label_is_the_one_that_is_found() -> None:
    first = a_build(a_task(), BuildState.CANCELLED)
    second = replace(first, created=NOW, state=BuildState.BUILDING)
    ledger = Ledger().with_build(first).with_build(second)
    assert ledger.builds == (first, second)
    assert ledger.find(first.label) == second
    assert ledger.find("else") is None
    later = replace(second, updated=NOW + timedelta(hours=1))
    assert ledger.with_build(later).builds == (first, later)


def test_a_build_of_the_hour_that_comes_twice_is_replaced_whatever_zone_its_times_are_in() -> None:
    zone = ZoneInfo("Europe/Berlin")
    for fold in (0, 1):
        begun = datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=zone)
        kept = replace(a_build(a_task()), created=datetime.fromisoformat(begun.isoformat()))
        assert kept.created != begun, "Python holds them for unequal"
        assert len(Ledger().with_build(kept).with_build(replace(kept, created=begun)).builds) == 1
