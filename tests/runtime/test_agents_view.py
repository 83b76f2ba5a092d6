"""What is known of the agents and of the sandbox ahead, and what became of a task: pure views."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from autobuilds.cli import answers
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.formatters.why_text import why
from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import BuildState, Ledger, Outcome
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.model import Queue
from autobuilds.domain.moment import AgentStatus, Moment, Snapshot
from autobuilds.domain.policy import Policy
from autobuilds.domain.sandbox import Choice, Tier, TierProbe
from autobuilds.domain.settings import Settings
from autobuilds.domain.verdicts import Assessment
from autobuilds.runtime.agents_view import agent_infos, sandbox_ahead
from autobuilds.runtime.became import became
from autobuilds.runtime.heartbeat import Beat
from autobuilds.runtime.views import status_view
from autobuilds.store.config import Config
from autobuilds.store.workspace import Loaded
from tests.runtime.sample_state import HOUR, MERGED, MOMENT, NOW, REVIEW, RUNNING, SNAPSHOT, START, attempt, build, gate, task

CLAUDE = AgentStatus(name="claude", found=True, signed_in=True)
CODEX = AgentStatus(name="codex", found=True, nests=True)
NO_BUBBLE = {"works": False, "why": "bwrap is not installed", "fix": "apt install bubblewrap"}
LANDLOCK = (
    TierProbe(tier=Tier.BWRAP_LANDLOCK, **NO_BUBBLE),  # type: ignore[arg-type]
    TierProbe(tier=Tier.BWRAP, **NO_BUBBLE),  # type: ignore[arg-type]
    TierProbe(tier=Tier.LANDLOCK, works=True),
    TierProbe(tier=Tier.NONE, works=True),
)


def snapshot(*tasks: object, ledger: Ledger | None = None, **settings: object) -> Snapshot:
    given = Settings(**settings)  # type: ignore[arg-type]
    return Snapshot(queue=Queue(tasks=tasks), ledger=ledger or Ledger(), settings=given, policy=Policy())  # type: ignore[arg-type]


def moment(*agents: AgentStatus, tiers: tuple[TierProbe, ...] = LANDLOCK) -> Moment:
    return Moment(now=NOW, agents=agents, tiers=tiers)


def test_each_agent_has_its_model_and_its_sandbox() -> None:
    claude, codex = agent_infos(snapshot(model={"default": "small", "codex": "large"}), moment(CLAUDE, CODEX))
    assert (claude.model, claude.sandbox, claude.default) == ("small", "landlock", True)
    assert (codex.model, codex.sandbox, codex.default) == ("large", "none", False), "its own sandbox does not work in Landlock alone"
    assert claude.sandbox_fix == "apt install bubblewrap" and "bwrap is not installed" in claude.sandbox_words
    (demanding,) = agent_infos(snapshot(require_sandbox=Tier.BWRAP), moment(CLAUDE))
    assert demanding.sandbox is None and "demanded" in demanding.sandbox_words


def test_an_agent_is_held_by_the_build_that_failed_for_its_own_reasons() -> None:
    refused = attempt("x", ended=START, outcome=Outcome.AGENT_FAILED, failure=FailureClass.AUTHENTICATION)
    (held,) = agent_infos(snapshot(ledger=Ledger(builds=(build("x", BuildState.ESCALATED, refused),))), moment(CLAUDE))
    assert held.held == "claude could not sign in when it built x" and held.held_until is None
    assert held.held_fix == "sign in to claude or renew its key, then autobuilds retry x"
    limited = replace(refused, failure=FailureClass.RATE_LIMIT, ended=NOW, resets_at=NOW + HOUR)
    ledger = Ledger(builds=(build("x", BuildState.RETRYING, limited),))
    (waits,) = agent_infos(snapshot(ledger=ledger), moment(CLAUDE))
    assert waits.held_until is not None and waits.held_until > NOW and waits.held_fix == "autobuilds retry x tries it sooner"
    health = status_view(replace(SNAPSHOT, ledger=ledger), replace(MOMENT, agents=(CLAUDE,)), (), {}).health
    assert (health.agents[0].limited_until, health.agents[0].held) == (waits.held_until, "claude reached its usage limit")


def test_the_sandbox_ahead_is_the_weakest_of_what_waits() -> None:
    by_claude, by_codex = task("a", agent="claude"), task("b", agent="codex")
    at = moment(CLAUDE, CODEX)
    assert sandbox_ahead(snapshot(by_claude), at) is not None
    assert [c.tier for c in (sandbox_ahead(snapshot(*t), at) for t in ([by_claude], [by_claude, by_codex])) if c] == [
        Tier.LANDLOCK,
        Tier.NONE,
    ]
    assert sandbox_ahead(snapshot(by_claude), moment(CLAUDE, tiers=())) is None
    health = status_view(snapshot(by_claude), at, (), {}).health
    assert (health.sandbox, health.sandbox_fix) == (
        "landlock",
        "apt install bubblewrap",
    ) and "landlock a build can" in health.sandbox_weaker


@pytest.mark.parametrize(
    ("choice", "setting", "event", "said"),
    [
        (Choice(tier=Tier.LANDLOCK, words="less.", fix="apt install bubblewrap"), None, Event.START, True),
        (Choice(tier=Tier.LANDLOCK, words="less.", fix=""), None, Event.DONE, False),
        (Choice(tier=Tier.BWRAP_LANDLOCK), None, Event.START, False),
        (Choice(tier=Tier.NONE, words="less."), Tier.NONE, Event.START, False),
        (None, None, Event.START, False),
    ],
)
def test_a_heartbeat_that_starts_something_says_what_is_weaker(
    choice: Choice | None, setting: Tier | None, event: Event, said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shot = snapshot(sandbox=setting)
    loaded = Loaded(snapshot=shot, document=None, config=Config(settings=shot.settings), zone=NOW.tzinfo)  # type: ignore[arg-type]
    view = status_view(shot, moment(), (), {})
    done = {"label": "x", "event": event, "reason": "y"}
    beat = Beat(loaded=loaded, moment=moment(), assessments=(), view=view, transitions=(done,), sandbox=choice)
    answers.heartbeat(beat, as_json=False, style=Style())
    told = capsys.readouterr()
    assert told.out.endswith("HEARTBEAT_OK\n")
    assert (told.err == "sandbox: landlock, weaker than it could be: less. To mend it: apt install bubblewrap\n") is said
    assert bool(told.err) is said


def test_what_became_of_a_task() -> None:
    merged = replace(MERGED, delivered_commit="0123456789abcdef")
    known = replace(SNAPSHOT, ledger=Ledger(builds=(RUNNING, REVIEW, merged)))
    running, review, done, by_hand = (became(known, label) for label in ("spotify", "docs", "old-thing", "by-hand"))
    assert running is not None and running.said.startswith("is being built: attempt 2 with claude since")
    assert review is not None and review.fix == "autobuilds review docs"
    assert "checked in the clone, 1 of 1 checks passed, 3 files +120 -4; waits for your review" in review.said
    assert done is not None and done.said.endswith("delivered to main as 0123456789") and done.fix == "autobuilds undo old-thing"
    assert by_hand is not None and by_hand.state == "by hand" and "nothing was built or checked" in by_hand.said
    assert became(known, "workout-playlist") is None and became(known, "nobody") is None


def test_a_long_reason_is_told_once_by_why() -> None:
    long = "the description does not say what is built, where it belongs or how it could be seen that it works, which a build has to know"
    found = Assessment(label="x", gates=(gate("requirements", "ask", long, fix="raise it in HEARTBEAT.md"), gate("risk", "go", "nothing")))
    text = why([found], NOW, Style())
    assert " ".join(text.split()).count(long) == 1 and "requirements  see above" in text and "\n  you: raise it" in text
    short = replace(found, gates=(gate("risk", "ask", "danger", fix="autobuilds approve x", until=NOW + timedelta(hours=1)),))
    assert why([short], NOW, Style()).count("danger") == 2 and "\n  > autobuilds approve x" in why([short], NOW, Style())
