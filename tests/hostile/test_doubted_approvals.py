"""A line `Approved: yes` that appears while a build could have written it is in doubt until the owner confirms it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.domain.build import Ledger
from autobuilds.runtime import owner
from autobuilds.runtime.observe import observe
from tests.builders import a_build, a_task, an_attempt
from tests.runtime.loop import HELLO, Loop, details, make_loop

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

LABEL = "mail-the-news"
YES = "- **Approved:** yes"
OTHER = details("Mail the news", file="b.txt").replace("Bug fixes", "External actions")
#: What a build without a sandbox can do to the owner's queue.
FORGE = "sed -i 's/^- .*External actions$/&\\n{yes}/' {queue}"


def why(loop: Loop) -> str:
    found = next(a for a in loop.beat(start=False).assessments if a.label == LABEL)
    return next(f"{g.verdict}: {g.reason}" for g in found.gates if g.gate == "category")


def type_yes(loop: Loop) -> None:
    loop.replace("External actions", f"External actions\n{YES}")


@pytest.fixture
def make(make_repo: Callable[..., Path], tmp_path: Path) -> Callable[[str], Loop]:
    def loop(steps: str) -> Loop:
        return make_loop(make_repo, details("Say hello", steps=steps), OTHER)

    return loop


def test_what_a_build_without_a_sandbox_types_is_confirmed_or_nothing(make: Callable[[str], Loop], tmp_path: Path) -> None:
    forge = FORGE.format(yes=YES.replace("*", r"\*"), queue=tmp_path / "workspace/BUILD_QUEUE.md")
    loop = make(f"{forge}; {HELLO}")
    loop.run()
    assert loop.state() == "review"
    assert YES in loop.queue.read_text(), "the forgery did not work, so that this test shows nothing"
    for _ in range(2):
        said = why(loop)
        assert said.startswith("ask") and "a build ran meanwhile" in said
    assert loop.context.workspace.ledger().find(LABEL) is None
    assert loop.context.workspace.ledger().approvals == ()
    owner.approve(loop.context, LABEL, "olive@example.org")
    assert why(loop) == "go: approved"
    assert loop.context.proofs.doubted() == frozenset()


def test_what_was_typed_before_is_the_owners(make: Callable[[str], Loop]) -> None:
    loop = make(HELLO)
    type_yes(loop)
    loop.run()
    assert loop.build(LABEL).attempts, "it was started, because it was approved"


@pytest.mark.parametrize("tier", ["none", "landlock", "bubblewrap", "bubblewrap+landlock", "something new"])
def test_only_a_tier_that_hides_the_workspace_leaves_no_doubt(make: Callable[[str], Loop], tier: str) -> None:
    loop = make(HELLO)
    attempt = an_attempt(sandbox=tier, ended=None, outcome=None)
    running = replace(a_build(a_task("Other")), attempts=(attempt,))
    assert running.is_active and attempt.is_open
    loop.context.workspace.write_ledger(Ledger(builds=(running,)))
    type_yes(loop)
    loaded = loop.context.load()
    for acting in (False, True):
        moment = observe(loop.context, loaded, datetime(2026, 2, 6, 16, tzinfo=UTC), acting=acting)
        assert (LABEL in moment.hand_approved) == tier.startswith("bubblewrap")
        assert (LABEL in moment.doubted) == (not tier.startswith("bubblewrap"))
    assert loop.context.proofs.doubted() == moment.doubted


def test_a_doubt_ends_when_the_line_is_gone(make: Callable[[str], Loop]) -> None:
    loop = make(HELLO)
    loop.context.proofs.doubt(frozenset({LABEL, "no-such-task"}))
    type_yes(loop)
    assert "a build ran meanwhile" in why(loop)
    assert loop.context.proofs.doubted() == {LABEL}
    loop.replace(f"\n{YES}", "")
    assert "approv" in why(loop) and loop.context.proofs.doubted() == frozenset()
    type_yes(loop)
    assert why(loop) == "go: approved"
