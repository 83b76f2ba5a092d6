"""What agents used, and how long a usage limit held them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import BuildState, Ledger, Outcome, Usage
from autobuilds.runtime.agent_use import uses
from autobuilds.runtime.report_view import report_view
from tests.runtime.sample_state import HOUR, MOMENT, NOW, SNAPSHOT, START, attempt, build

DAY = datetime(2026, 2, 6, tzinfo=UTC)
LIMITED = {"outcome": Outcome.AGENT_FAILED, "failure": FailureClass.RATE_LIMIT}


def test_the_use_of_each_agent_is_summed_and_what_was_not_told_stays_unknown() -> None:
    told = attempt("a", ended=START + HOUR, outcome=Outcome.PASSED, usage=Usage(cost_usd=0.5, tokens_in=1000, tokens_out=10))
    silent = attempt("b", ended=START + 2 * HOUR, outcome=Outcome.NO_CHANGE, agent="codex")
    more = attempt("c", ended=START + HOUR, outcome=Outcome.NO_CHANGE, usage=Usage(cost_usd=0.25))
    ended = [(build(a.id, BuildState.COMPLETED, a), a) for a in (told, silent, more)]
    claude, codex = uses(ended, DAY, NOW, frozenset({told.id}))
    assert (claude.agent, claude.attempts, claude.passed, claude.minutes) == ("claude", 2, 1, 120)
    assert (claude.cost_usd, claude.tokens_in, claude.tokens_out, claude.limited_minutes) == (0.75, 1000, 10, 0)
    assert (codex.agent, codex.cost_usd, codex.tokens_in, codex.minutes) == ("codex", None, None, 120)


def test_the_time_at_a_limit_ends_with_the_reset_the_next_attempt_or_now_and_is_counted_once() -> None:
    minutes = timedelta(minutes=1)
    first = attempt("a", 1, ended=START, resets_at=START + 90 * minutes, **LIMITED)
    second = attempt("a", 2, started=START + 60 * minutes, ended=START + 61 * minutes, resets_at=START + 80 * minutes, **LIMITED)
    other = attempt("b", 1, ended=START + 30 * minutes, resets_at=START + 70 * minutes, **LIMITED)
    a, b = build("a", BuildState.RETRYING, first, second), build("b", BuildState.RETRYING, other)
    (use,) = uses([(a, first), (a, second), (b, other)], DAY, NOW, frozenset())
    assert use.limited_minutes == 80
    endless = build("c", BuildState.RETRYING, attempt("c", ended=NOW - 10 * minutes, **LIMITED), retry_at=NOW + HOUR)
    (use,) = uses([(endless, endless.attempts[0])], DAY, NOW, frozenset())
    assert use.limited_minutes == 10


def test_work_that_was_sent_back_is_no_failure_of_the_night() -> None:
    sent_back = attempt("x", ended=START + HOUR, outcome=Outcome.REJECTED, reason="Add a docstring.", files_changed=1)
    held = build("x", BuildState.RETRYING, sent_back, reason="rejected: Add a docstring.", retry_at=NOW)
    view = report_view(replace(SNAPSHOT, ledger=Ledger(builds=(held,))), NOW.date(), UTC, moment=MOMENT)
    assert view.failures == () and [row.reason for row in view.rejected] == ["Add a docstring."]
    figures = dict(view.figures)
    assert (figures["attempts that did not pass"], figures["attempts that you sent back"]) == (0, 1)
    assert "did not pass" not in view.headline
