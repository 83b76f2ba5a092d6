"""How an attempt ended, judged from facts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.agents import AgentReport, FailureClass
from autobuilds.domain.build import Check, Evidence, Outcome
from autobuilds.domain.ending import AttemptFacts, MergeFacts, Stop, exit_words, judge
from autobuilds.domain.paths import Bounds

RUN = Check(text="tests pass", passed=True, command="pytest", exit_code=0)
CLAIM = Check(text="it works", passed=True)
GOOD = AttemptFacts(exit_code=0, changed=True, checks=(RUN,))
MERGED = MergeFacts(onto="c0ffee", commit="beef", checks=(replace(RUN, merged=True),))


@pytest.mark.parametrize(
    ("facts", "outcome", "evidence", "words"),
    [
        (GOOD, Outcome.PASSED, Evidence.CHECKED, "1 check passed"),
        (replace(GOOD, checks=(RUN, CLAIM)), Outcome.PASSED, Evidence.CHECKED, "1 check passed, 1 criterion claimed"),
        (replace(GOOD, checks=(CLAIM, CLAIM)), Outcome.PASSED, Evidence.CLAIMED, "2 criteria claimed"),
        (replace(GOOD, checks=()), Outcome.PASSED, Evidence.CLAIMED, "no completion criteria"),
        (replace(GOOD, setup_failure="no agent"), Outcome.SETUP, None, "no agent"),
        (replace(GOOD, setup_failure="no sandbox", decide_anew=True), Outcome.NOT_STARTED, None, "no sandbox"),
        (replace(GOOD, stop=Stop(outcome=Outcome.TIMEOUT, reason="too long")), Outcome.TIMEOUT, None, "too long"),
        (replace(GOOD, harvest_failure="disk full"), Outcome.AGENT_FAILED, None, "disk full"),
        (replace(GOOD, exit_code=3), Outcome.AGENT_FAILED, None, "exit status 3"),
        (replace(GOOD, exit_code=-9), Outcome.AGENT_FAILED, None, "signal 9"),
        (replace(GOOD, exit_code=None), Outcome.AGENT_FAILED, None, "no exit status"),
        (replace(GOOD, bounds=Bounds(outside=("a", "b", "c", "d"))), Outcome.OUT_OF_BOUNDS, None, "a, b, c and 1 more"),
        (replace(GOOD, bounds=Bounds(protected=(("STOP", "/STOP"),))), Outcome.OUT_OF_BOUNDS, None, "STOP (/STOP)"),
        (replace(GOOD, bounds=Bounds(links=("l",))), Outcome.OUT_OF_BOUNDS, None, "symbolic links"),
        (
            replace(GOOD, bounds=Bounds(submodules=("vendor/x",))),
            Outcome.OUT_OF_BOUNDS,
            None,
            "submodules, whose content nobody has checked: vendor/x",
        ),
        (
            replace(GOOD, bounds=Bounds(secrets=((".env", "API_KEY"),), protected=((".env", ".env"),))),
            Outcome.OUT_OF_BOUNDS,
            None,
            "protected paths: .env (.env); it wrote a secret that it was given into its work: .env (the value of API_KEY); change that key",
        ),
        (replace(GOOD, exit_code=3, bounds=Bounds(outside=("a",))), Outcome.OUT_OF_BOUNDS, None, "Touches"),
        (replace(GOOD, changed=False), Outcome.NO_CHANGE, None, "changed nothing"),
        (replace(GOOD, changed=False, may_change_nothing=True), Outcome.PASSED, Evidence.CHECKED, "1 check passed"),
        (replace(GOOD, changed=False, may_change_nothing=True, checks=(CLAIM,)), Outcome.NO_CHANGE, None, "no criterion has a command"),
        (
            replace(GOOD, checks=(replace(RUN, passed=False, exit_code=2), RUN)),
            Outcome.CHECKS_FAILED,
            None,
            "1 of 2 checks failed; exit status 2",
        ),
        (replace(GOOD, checks=(replace(CLAIM, passed=False),)), Outcome.CHECKS_FAILED, None, "no evidence named"),
        (replace(GOOD, checks=(replace(RUN, passed=False, exit_code=None),)), Outcome.CHECKS_FAILED, None, "stopped before it ended"),
        (replace(GOOD, merge=MERGED), Outcome.PASSED, Evidence.MERGED, "on the merged tree too"),
        (replace(GOOD, merge=replace(MERGED, checks=())), Outcome.PASSED, Evidence.CLAIMED, "merges cleanly"),
        (
            replace(GOOD, merge=MergeFacts(onto="main", conflicts=("x",))),
            Outcome.PASSED,
            Evidence.CHECKED,
            "does not merge cleanly onto main: x",
        ),
        (
            replace(GOOD, merge=MergeFacts(onto="main", failure="no branch")),
            Outcome.PASSED,
            Evidence.CHECKED,
            "could not be tried: no branch",
        ),
        (replace(GOOD, merge=replace(MERGED, checks=(replace(RUN, passed=False),))), Outcome.PASSED, Evidence.CHECKED, "left for review"),
    ],
)
def test_judgement(facts: AttemptFacts, outcome: Outcome, evidence: Evidence | None, words: str) -> None:
    judgement = judge(facts)
    assert (judgement.outcome, judgement.evidence) == (outcome, evidence)
    assert words in judgement.reason


WELL = AgentReport(ok=True, said="Done.")
_F = FailureClass


@pytest.mark.parametrize(
    ("facts", "outcome", "failure", "words"),
    [
        (replace(GOOD, report=WELL), Outcome.PASSED, None, "1 check passed"),
        (replace(GOOD, report=AgentReport(ok=False)), Outcome.AGENT_FAILED, _F.CRASH, "its output holds no result"),
        (
            replace(GOOD, report=AgentReport(ok=False, failure=_F.AUTHENTICATION, error="401 bad\nkey")),
            Outcome.AGENT_FAILED,
            _F.AUTHENTICATION,
            "could not sign in: 401 bad key",
        ),
        (
            replace(GOOD, report=AgentReport(ok=False, failure=_F.RATE_LIMIT), exit_code=1),
            Outcome.AGENT_FAILED,
            _F.RATE_LIMIT,
            "usage limit: exit status 1",
        ),
        (
            replace(GOOD, report=AgentReport(ok=False, failure=_F.CRASH, error="oh"), exit_code=1),
            Outcome.AGENT_FAILED,
            _F.CRASH,
            "(exit status 1): oh",
        ),
        (replace(GOOD, report=WELL, exit_code=1), Outcome.AGENT_FAILED, _F.CRASH, "reported success but ended with exit status 1"),
        (replace(GOOD, report=WELL, exit_code=-15), Outcome.AGENT_FAILED, _F.CRASH, "reported success but ended with signal 15"),
        (replace(GOOD, exit_code=3), Outcome.AGENT_FAILED, None, "the agent ended with exit status 3"),
        (replace(GOOD, report=replace(WELL, denials=2)), Outcome.PASSED, None, "1 check passed"),
        (replace(GOOD, report=replace(WELL, denials=1), changed=False), Outcome.BLOCKED, None, "denied a tool once: Done."),
        (replace(GOOD, report=AgentReport(ok=False, denials=2), changed=False), Outcome.BLOCKED, None, "denied a tool 2 times"),
        (
            replace(GOOD, report=AgentReport(ok=False, denials=2, failure=_F.NETWORK), changed=False),
            Outcome.AGENT_FAILED,
            _F.NETWORK,
            "did not reach the model",
        ),
        (replace(GOOD, report=replace(WELL, denials=1), changed=False, may_change_nothing=True), Outcome.PASSED, None, "1 check passed"),
        (
            replace(GOOD, report=AgentReport(ok=False, failure=_F.BUDGET), stop=Stop(outcome=Outcome.TIMEOUT, reason="too long")),
            Outcome.TIMEOUT,
            None,
            "too long",
        ),
        (replace(GOOD, report=AgentReport(ok=False), bounds=Bounds(outside=("x",))), Outcome.OUT_OF_BOUNDS, None, "Touches"),
    ],
)
def test_judgement_by_what_the_agent_said(facts: AttemptFacts, outcome: Outcome, failure: FailureClass | None, words: str) -> None:
    judgement = judge(facts)
    assert (judgement.outcome, judgement.failure) == (outcome, failure)
    assert words in judgement.reason
    assert "\n" not in judgement.reason


@given(
    st.builds(
        AttemptFacts,
        report=st.builds(
            AgentReport,
            ok=st.sampled_from([None, True, False]),
            failure=st.none() | st.sampled_from(FailureClass),
            denials=st.integers(0, 2),
        ),
        setup_failure=st.none() | st.just("x"),
        stop=st.none() | st.just(Stop(outcome=Outcome.STOPPED, reason="x")),
        exit_code=st.sampled_from([0, 1, -9, None]),
        harvest_failure=st.none() | st.just("x"),
        bounds=st.sampled_from([Bounds(), Bounds(outside=("x",))]),
        changed=st.booleans(),
        may_change_nothing=st.booleans(),
        checks=st.lists(st.builds(Check, text=st.just("c"), passed=st.booleans(), command=st.none() | st.just("t"))).map(tuple),
        merge=st.none() | st.just(MERGED) | st.just(MergeFacts(onto="main", failure="x")),
    )
)
def test_passed_means_that_nothing_speaks_against_it(facts: AttemptFacts) -> None:
    judgement = judge(facts)
    assert judgement.reason
    assert (judgement.evidence is not None) is (judgement.outcome is Outcome.PASSED)
    if judgement.outcome is Outcome.PASSED:
        assert facts.exit_code == 0
        assert facts.report.ok is not False
        assert judgement.failure is None
        assert facts.bounds.kept
        assert facts.setup_failure is None and facts.stop is None and facts.harvest_failure is None
        assert all(c.passed for c in facts.checks)
        assert facts.changed or any(c.command for c in facts.checks)
    if judgement.evidence is Evidence.CHECKED:
        assert any(c.command for c in facts.checks)


def test_hostile_names_stay_on_one_line() -> None:
    reason = judge(replace(GOOD, bounds=Bounds(outside=("a\nb\x1b[31m" + "x" * 500,)))).reason
    assert "\n" not in reason and "\x1b" not in reason
    assert len(reason) < 300


def test_exit_words() -> None:
    assert [exit_words(c) for c in (0, 3, -15, None)] == ["exit status 0", "exit status 3", "signal 15", "no exit status"]


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.STALLED, Outcome.STOPPED])
@pytest.mark.parametrize("trouble", [None, FailureClass.RATE_LIMIT, FailureClass.AUTHENTICATION, FailureClass.NETWORK])
def test_a_run_that_only_waited_for_its_model_has_the_class_of_its_trouble(outcome: Outcome, trouble: FailureClass | None) -> None:
    report = AgentReport(ok=False, failure=FailureClass.CRASH, trouble=trouble, trouble_said="429 slow down")
    found = judge(replace(GOOD, stop=Stop(outcome=outcome, reason="its time is up"), report=report))
    assert found.outcome is outcome
    assert found.failure is (None if outcome is Outcome.STOPPED else trouble)
    assert ("429 slow down" in found.reason) is (found.failure is not None)


def test_a_stop_has_the_class_that_it_was_given() -> None:
    stop = Stop(outcome=Outcome.AGENT_FAILED, reason="over", failure=FailureClass.BUDGET)
    report = AgentReport(trouble=FailureClass.NETWORK)
    assert judge(replace(GOOD, stop=stop, report=report)).failure is FailureClass.BUDGET
