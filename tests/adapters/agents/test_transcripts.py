"""Verdicts on the recorded outputs of ten real agent programs, and what a supervisor that trusts exit codes would make of them."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.agents import Activity, ActivityKind, AgentReport, FailureClass
from autobuilds.domain.build import Outcome
from autobuilds.domain.ending import AttemptFacts, Judgement, Stop, judge
from tests.adapters.agents.recorded import FOLDER, NOW, RUNS, Run

_AUTH, _NETWORK = FailureClass.AUTHENTICATION, FailureClass.NETWORK


@cache
def _read(run: Run) -> tuple[AgentReport, tuple[Activity, ...], tuple[str, ...]]:
    report, seen, reader = run.read()
    return report, seen, reader.files


def _judged(run: Run, *, changed: bool | None = None, known: bool = True) -> Judgement:
    """Return the verdict; `known` says that the supervisor knows of its own stop."""
    stop = None
    if known and (run.situation == "stop" or run.exit_code is None):
        stop = Stop(outcome=Outcome.STOPPED if run.situation == "stop" else Outcome.TIMEOUT, reason="stopped")
    report = _read(run)[0]
    return judge(AttemptFacts(stop=stop, exit_code=run.exit_code, report=report, changed=run.changed if changed is None else changed))


def test_all_transcripts_are_read() -> None:
    used = {p.name for run in RUNS for p in FOLDER.glob(f"{run.agent}.{run.situation}.*")}
    assert used == {p.name for p in FOLDER.iterdir()}
    assert len(used) == 66


@pytest.mark.parametrize("run", RUNS, ids=lambda r: f"{r.agent}-{r.situation}")
def test_verdict(run: Run) -> None:
    judgement = _judged(run)
    expected = {
        "ok": (Outcome.PASSED, None),
        "429x1": (Outcome.PASSED, None),
        "auth": (Outcome.AGENT_FAILED, _AUTH),
        "noop": (Outcome.NO_CHANGE, None),
        # In its time it said nothing but that it tried again.
        "down": (Outcome.TIMEOUT, _NETWORK if run.agent == "aider" else None)
        if run.exit_code is None
        else (Outcome.AGENT_FAILED, _NETWORK),
        "stop": (Outcome.STOPPED, None),
    }[run.situation]
    assert (judgement.outcome, judgement.failure) == expected


def test_false_done_in_none_of_the_runs_that_achieve_nothing() -> None:
    """Of 30 runs that achieved nothing an exit status of 0 would have recorded 15 as done; the rules and the diff record none."""
    nothing = [run for run in RUNS if run.situation in {"auth", "noop", "down"}]
    trusting = [run for run in nothing if run.exit_code == 0]
    done = [run for run in nothing if _judged(run).outcome is Outcome.PASSED]
    assert (len(nothing), len(trusting), len(done)) == (30, 15, 0)


@pytest.mark.parametrize("run", [r for r in RUNS if r.situation in {"auth", "down", "stop"}], ids=lambda r: f"{r.agent}-{r.situation}")
def test_a_diff_does_not_make_a_failed_run_a_good_one(run: Run) -> None:
    """Not even where nobody knows that it was stopped, and the status is 0."""
    judgement = _judged(run, changed=True, known=False)
    assert judgement.outcome is Outcome.AGENT_FAILED
    assert judge(AttemptFacts(exit_code=0, report=_read(run)[0], changed=True)).outcome is Outcome.AGENT_FAILED


def test_sessions_models_tokens_and_costs() -> None:
    used = {
        agent: (bool(r.session), r.model, r.tokens_in, r.tokens_out, r.cost_usd)
        for agent in {run.agent for run in RUNS}
        for r in [_read(Run(agent, "ok"))[0]]
    }
    assert used == {
        "claude": (True, "claude-sonnet-4-5", 44197, 38, 0.133161),
        "codex": (True, None, 20618, 29, None),
        "opencode": (True, None, 15489, 28, pytest.approx(0.015545)),
        "gemini": (True, "gemini-2.5-pro", 25050, 41, None),
        "qwen": (True, "stub-model", 39540, 41, None),
        "pi": (True, "stub-model", 2892, 28, pytest.approx(0.002948)),
        "copilot": (True, "stub-model", None, None, None),
        "openclaw": (True, "stub-model", 18473, 28, 0.018529),
        "mini": (False, None, None, None, 0.0),
        "aider": (False, "openai/stub-model", 730, 9, None),
    }


def test_an_interrupted_run_still_says_what_it_cost() -> None:
    report = _read(Run("claude", "stop"))[0]
    assert (report.ok, report.cost_usd, report.session) == (False, 0.066579, "0909a862-7c35-431d-91f3-ab6987846474")


def test_sessions_are_known_of_runs_that_were_killed() -> None:
    known = {agent for agent in ("claude", "codex", "opencode", "gemini", "qwen", "pi") if _read(Run(agent, "stop"))[0].session}
    assert known == {"claude", "codex", "opencode", "gemini", "qwen", "pi"}


@pytest.mark.parametrize("run", [r for r in RUNS if r.situation == "ok"], ids=lambda r: r.agent)
def test_what_it_does_can_be_read(run: Run) -> None:
    _, seen, files = _read(run)
    said = [activity.text for activity in seen]
    if run.agent == "aider":
        assert "edits hello.txt" in said
        assert files == ("hello.txt",)
    elif run.agent == "openclaw":
        assert said == ["says Done."]
    else:
        assert any(a.kind is ActivityKind.COMMAND and a.text.startswith("runs ") and "hello.txt" in a.text for a in seen)
        assert len(said) >= 2
    assert all(len(text) <= 200 and text.isprintable() for text in said)


@pytest.mark.parametrize("run", [r for r in RUNS if r.situation == "auth"], ids=lambda r: r.agent)
def test_the_reason_says_why(run: Run) -> None:
    reason = _judged(run).reason
    assert reason.startswith("the agent could not sign in: ")
    assert any(word in reason.lower() for word in ("401", "bad key", "authentication"))


@settings(max_examples=60)
@given(st.sampled_from(RUNS), st.lists(st.integers(0, 20_000), max_size=12), st.integers(1, 900))
def test_however_the_bytes_are_split_the_report_is_the_same(run: Run, cuts: list[int], step: int) -> None:
    output = run.output
    at = sorted({min(cut, len(output)) for cut in [*cuts, *range(0, len(output), max(step, len(output) // 200))]} | {0, len(output)})
    report, seen, reader = run.read(*(output[a:b] for a, b in pairwise(at)))
    assert (report, seen, reader.files) == _read(run)


@pytest.mark.parametrize("run", RUNS[::7], ids=lambda r: f"{r.agent}-{r.situation}")
def test_asking_early_changes_nothing(run: Run) -> None:
    output = run.output
    half = len(output) // 2
    whole, _, _ = run.read()
    _, _, reader = run.read(output[:half])
    reader.report(None, exit_code=None, now=NOW)
    reader.feed(output[half:])
    assert reader.report(run.result, exit_code=run.exit_code, now=NOW) == whole
