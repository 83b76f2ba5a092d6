"""`deliver: pr`: a finished build is pushed and offered by the heartbeat, once, and what goes wrong is said and tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autobuilds.domain.build import Attempt, Build, BuildState, Check, DeliverMode, Evidence, Outcome
from autobuilds.errors import ForgeFailure, NotSo
from autobuilds.ports import FileStat
from autobuilds.runtime.proposing import body_of, propose
from autobuilds.runtime.story import commands_for
from tests.adapters.forge.stand_in import StandIn, forge
from tests.conftest import git
from tests.runtime.loop import Loop, details, make_loop

__all__ = ["forge"]

Make = Callable[..., Path]


@pytest.fixture
def loop(make_repo: Make, forge: StandIn, monkeypatch: pytest.MonkeyPatch) -> Loop:
    made = make_loop(make_repo, details("Say hello"), more="deliver: pr\nforge: gh\n")
    remote = made.root.parent / "remote.git"
    git(made.root, "init", "-q", "--bare", "-b", "main", str(remote))
    made.git("remote", "add", "origin", str(remote))
    made.git("push", "-q", "origin", "main")
    monkeypatch.setenv("PATH", forge.path)
    return made


def test_a_finished_build_is_offered_and_waits_for_review(loop: Loop, forge: StandIn) -> None:
    loop.run()
    build = loop.build()
    assert build.state is BuildState.REVIEW
    assert build.last is not None
    assert build.last.pull_request == forge.open[0]["url"]
    remote = loop.root.parent / "remote.git"
    assert git(remote, "rev-parse", "refs/heads/build/say-hello") == build.last.head_commit
    assert any("pull request opened" in s for s in loop.subjects())
    assert loop.beat().transitions == ()
    assert len(forge.calls) == 2, "one look and one opening; a heartbeat without news asks nobody"
    assert not any(c.startswith("autobuilds pr") for c in commands_for(build))
    found = propose(loop.context, "say-hello", lambda _: None)[1]
    assert (found.found, found.address) == (True, build.last.pull_request)


def test_what_stands_in_the_way_is_said_and_the_next_heartbeat_tries_again(loop: Loop, forge: StandIn) -> None:
    forge.feels("signed-out")
    beaten = loop.run()
    build = loop.build()
    assert (build.state, build.last and build.last.pull_request) == (BuildState.REVIEW, None)
    assert "gh auth login" in (build.reason or "")
    assert "autobuilds pr say-hello tries again" in (build.reason or "")
    assert any("gh could not" in f for f in beaten.faults)
    assert commands_for(build)[0] == "autobuilds pr say-hello"
    before = loop.git("rev-parse", "HEAD")
    loop.beat()
    assert loop.git("rev-parse", "HEAD") == before, "the same trouble is no news"
    with pytest.raises(ForgeFailure):
        propose(loop.context, "say-hello", lambda _: None)
    forge.feels("")
    loop.beat()
    mended = loop.build()
    assert mended.reason is None
    assert mended.last is not None
    assert mended.last.pull_request == forge.open[0]["url"]


def test_only_finished_work_is_offered(loop: Loop) -> None:
    with pytest.raises(NotSo, match="not built"):
        propose(loop.context, "say-hello", lambda _: None)


def test_nothing_that_an_agent_or_a_queue_wrote_acts_in_the_text(loop: Loop) -> None:
    evil = "```\n# Heading @olive #1 <script>x</script> ![p](https://evil.example/p.png)\n</details>\x1b]0;x\x07"
    now = loop.context.host.now("UTC")
    check = Check(text=evil, passed=True, command=f"echo `{evil}`", seconds=0.5)
    attempt = Attempt(
        number=1,
        id="x-1",
        agent="cl`aude",
        started=now,
        said=evil,
        checks=(check, replace(check, command=None)),
        evidence=Evidence.CHECKED,
        outcome=Outcome.PASSED,
        notes=(evil,),
    )
    build = Build(label="x", name=evil, state=BuildState.REVIEW, created=now, updated=now, attempts=(attempt,), deliver=DeliverMode.PR)
    text = body_of(loop.context, build, attempt, None, (FileStat(path="a`b@olive\n# x.py", added=1, removed=None),))
    assert "\x1b" not in text
    outside, fenced = [], False
    fence = ""
    for row in text.split("\n"):
        if not fenced and row.startswith("```"):
            fenced, fence = True, row.removesuffix("text")
        elif fenced and row == fence:
            fenced = False
        elif not fenced:
            outside.append(row)
    assert not fenced
    # What stands between backticks is shown as it is.
    shown = [part for row in outside for part in row.split("`")[::2]]
    plain = "\n".join(shown)
    assert "<script>" not in plain.replace("\\<", "")
    assert "![p](" not in plain
    assert "@olive" not in plain
    assert not any(row.startswith("# ") for row in outside)
