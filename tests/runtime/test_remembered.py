"""What the diary says of a build."""

from __future__ import annotations

from dataclasses import replace

from autobuilds.domain.asking import ASKS
from autobuilds.domain.build import Build, BuildState, Evidence, Outcome
from autobuilds.runtime.remembered import ended
from tests.runtime.sample_state import BROKEN, ESCALATED, HOUR, MERGED, PASSED, RETRYING, REVIEW, START, attempt, build


def said(made: Build) -> tuple[str, list[str]]:
    assert made.last is not None
    found = ended(made, made.last)
    assert found is not None
    assert 2 <= len(found[1]) <= 5
    return found


def with_commit(made: Build, **changes: object) -> Build:
    assert made.last is not None
    return made.with_attempt(replace(made.last, base_commit="a" * 40, head_commit="b" * 40, **changes))  # type: ignore[arg-type]


def test_a_finished_build() -> None:
    assert said(with_commit(REVIEW)) == (
        "Build completed: Docs",
        [
            "1 of 1 check passed, checked in the clone",
            "3 files changed (+120 −4 lines) on `build/docs`",
            "Took 1 h with claude",
            "Waits for your review: `autobuilds review docs`",
        ],
    )


def test_a_merged_build_and_one_that_could_not_be_merged() -> None:
    assert said(with_commit(MERGED, ended=START, files_changed=1))[1] == [
        "1 of 1 check passed, checked on the merged tree",
        "1 file changed",
        "Took 0 s with claude",
        "Merged into `main`",
    ]
    held = replace(with_commit(REVIEW), reason="not merged: the branch moved")
    assert said(held)[1][-1] == "Not merged: the branch moved; it waits for your review: `autobuilds review docs`"


def test_a_claim_is_called_a_claim_and_a_second_attempt_is_counted() -> None:
    tries = (attempt("a", 1, ended=START, outcome=Outcome.LOST), attempt("a", 2, ended=START + HOUR / 2, outcome=Outcome.PASSED))
    made = build("a", BuildState.COMPLETED, tries[0], replace(tries[1], evidence=Evidence.CLAIMED))
    assert said(made)[1] == [
        "Nothing was checked: done by the agent's word",
        "Nothing had to change",
        "Took 30 min with claude, attempt 2",
        "Nothing is left to do",
    ]


def test_a_build_that_failed_for_good() -> None:
    title, facts = said(with_commit(ESCALATED))
    assert title == "Build failed: Login"
    assert facts == [
        "The checks failed",
        "Not passed: `pytest -q`",
        "Took 3 h with claude, attempt 3",
        "Its work is kept on `build/login`",
        "Look at it: `autobuilds log login`",
    ]
    claimed = replace(BROKEN, command=None, text="The manual shows it")
    made = build("x", BuildState.ESCALATED, attempt("x", ended=START, checks=(PASSED, claimed, BROKEN)))
    assert said(made)[1][:2] == ["No reason recorded", "Not passed: The manual shows it and 1 more"]


def test_a_build_that_asks() -> None:
    title, facts = said(replace(ESCALATED, reason=f"{ASKS}which market?"))
    assert (title, facts[-1]) == ("Build waits for your answer: Login", "Answer: `autobuilds answer login`")


def test_a_build_that_is_tried_again_is_nothing_to_remember_yet() -> None:
    assert RETRYING.last is not None
    assert ended(RETRYING, RETRYING.last) is None
