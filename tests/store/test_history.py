"""Commit messages carry the transition, and give it back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.build import Approval, Build, Ledger, Pause
from autobuilds.store import history
from autobuilds.store.ledger import NotALedger
from tests.store.ledgers import NOW, build, builds


def test_the_form_of_a_start() -> None:
    text = history.message("start", "x", 2, "attempt 2 started\nwith claude", record=build(), inputs={"clock": "now", "a": [1]})
    lines = text.split("\n")
    assert lines[0] == "autobuilds(x): attempt 2 started with claude"
    assert lines[1] == ""
    assert lines[2:6] == ["Build: x", "Attempt: 2", "Event: start", 'Inputs: {"a":[1],"clock":"now"}']
    known = history.trailers(text)
    assert list(known) == ["Build", "Attempt", "Event", "Inputs", "Record"]
    assert history.inputs(known) == {"clock": "now", "a": [1]}
    assert history.apply(Ledger(), known) == Ledger(builds=(build(),))


def test_approvals_and_pauses_come_and_go() -> None:
    approval = Approval(label="x", fingerprint="f", by="olive", at=NOW)
    pause = Pause(since=NOW, until=NOW + timedelta(hours=1))
    ledger = Ledger()
    ledger = history.apply(ledger, history.trailers(history.message("approved", "x", None, "approved", approval=approval, pause=pause)))
    assert (ledger.approval("x"), ledger.pause) == (approval, pause)
    ledger = history.apply(ledger, history.trailers(history.message("revoked", "x", None, "gone", revoked="x", resumed=True)))
    assert ledger == Ledger()


@given(builds("x"), st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_out_of_its_trailer(record: Build, subject: str, body: str) -> None:
    text = history.message("start", "x", 1, subject, record=record, body=body)
    assert text.split("\n", 1)[0].startswith("autobuilds(x): ")
    assert history.apply(Ledger(), history.trailers(text)) == Ledger(builds=(record,))


@pytest.mark.parametrize(
    "text",
    [
        "subject only",
        "Build: x\nEvent: start",
        "subject\n\nA sentence.\nBuild: x",
        "subject\n\nBuild: x\n\nlast paragraph is prose",
        "subject\n\nBuild:x",
    ],
)
def test_what_only_looks_like_trailers_is_none(text: str) -> None:
    assert history.trailers(text) == {}


def test_repeated_and_folded_trailers() -> None:
    known = history.trailers("s\r\n\r\nRecord: 1\r\nBuild: a\r\n  b\r\nRecord: 2\r\n")
    assert known == {"Record": "1\n2", "Build": "a b"}


@pytest.mark.parametrize("trailer", ["Record: {}", "Record: nonsense", "Approval: 7", "Pause: []", "Approval: {"])
def test_unreadable_trailers_are_said(trailer: str) -> None:
    with pytest.raises(NotALedger):
        history.apply(Ledger(), history.trailers(f"s\n\nEvent: x\n{trailer}\n"))
    with pytest.raises(NotALedger):
        history.inputs({"Inputs": "{"})
