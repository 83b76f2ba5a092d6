"""A ledger that is gone, or that somebody else wrote, is never taken for the tool's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from autobuilds.domain.build import Ledger
from autobuilds.errors import MissingLedger
from autobuilds.runtime import fsck
from autobuilds.runtime.context import edited_ledger
from autobuilds.runtime.looking import look
from autobuilds.store import uncommitted
from autobuilds.store.ledger import dumps
from autobuilds.store.workspace import LEDGER, UNCOMMITTED, Workspace
from tests.runtime.loop import Loop, details, make_loop
from tests.store.ledgers import full

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for Git to put the file back."""
    monkeypatch.setattr("autobuilds.store.workspace._GONE", 0.0)


def lived(make_repo: Make, more: str = "") -> Loop:
    """Return a workspace with a build that waits for review."""
    loop = make_loop(make_repo, details("Say hello"), more=more)
    loop.run()
    assert loop.state() == "review"
    return loop


def test_a_deleted_ledger_stops_whoever_needs_it(make_repo: Make) -> None:
    loop = lived(make_repo)
    before = loop.git("rev-parse", "HEAD")
    whole = (loop.root / LEDGER).read_bytes()
    (loop.root / LEDGER).unlink()
    for act in (loop.beat, lambda: look(loop.context)):
        with pytest.raises(MissingLedger, match=r"active\.json.*gone.*last commit has it.*autobuilds fsck --rebuild"):
            act()
    assert not (loop.root / LEDGER).exists()
    assert loop.git("rev-parse", "HEAD") == before
    assert fsck.check(loop.context)[0].kind == "corrupt-ledger"
    fsck.rebuild(loop.context)
    assert (loop.root / LEDGER).read_bytes() == whole


def test_its_removal_is_not_committed_with_a_transition_that_waits(make_repo: Make) -> None:
    """A commit that a crash left open must not tell Git that there is no ledger."""
    loop = lived(make_repo)
    outbox = loop.root / ".autobuilds" / "outbox"
    entry = {"message": "autobuilds(x): x\n\nEvent: status", "paths": [LEDGER], "owner": False, "before": {LEDGER: [1, 2, 3]}}
    (outbox / "000000-00000000.json").write_text(json.dumps(entry))
    (loop.root / LEDGER).unlink()
    with pytest.raises(MissingLedger):
        loop.beat()
    assert list(outbox.iterdir()) == []
    assert loop.git("ls-tree", "HEAD", LEDGER)


def test_where_git_has_none_either_it_is_empty(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    first = loop.git("rev-parse", "HEAD")
    assert look(loop.context).loaded.snapshot.ledger.builds == ()
    loop.run()
    loop.git("checkout", "-q", "-b", "older", first)
    assert not (loop.root / LEDGER).exists()
    assert look(loop.context).loaded.snapshot.ledger.builds == ()
    loop.git("checkout", "-q", "main")
    assert loop.state() == "review"


def test_the_branch_of_record_knows_it(make_repo: Make) -> None:
    loop = lived(make_repo, more="commits: builds\n")
    assert not loop.git("ls-tree", "HEAD", LEDGER)
    (loop.root / LEDGER).unlink()
    with pytest.raises(MissingLedger):
        loop.beat()


@pytest.mark.parametrize("how", ["commits: none", "--no-commit"])
def test_without_commits_a_mark_knows_it(make_repo: Make, how: str) -> None:
    loop = make_loop(make_repo, details("Say hello"), more="commits: none\n" if how == "commits: none" else "")
    quiet = Loop(context=replace(loop.context, no_commit=how == "--no-commit"))
    quiet.run()
    assert quiet.state() == "review"
    (loop.root / LEDGER).unlink()
    with pytest.raises(MissingLedger, match=rf"{UNCOMMITTED}.*fsck --rebuild"):
        look(quiet.context)
    (loop.root / ".autobuilds" / UNCOMMITTED).unlink()
    assert look(quiet.context).loaded.snapshot.ledger.builds == ()


def test_the_mark_goes_with_the_next_commit(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, lambda: UTC)
    mark = workspace.private / UNCOMMITTED
    workspace.write_ledger(full(), committed=False)
    assert [uncommitted.matches(mark, dumps(made)) for made in (full(), Ledger())] == [True, False]
    workspace.write_ledger(Ledger(), committed=False)
    assert [uncommitted.matches(mark, dumps(made)) for made in (full(), Ledger())] == [True, True], "a kill may leave either"
    workspace.write_ledger(full())
    assert not mark.exists()


def test_a_kill_before_the_first_ledger_leaves_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path, ledger: Ledger) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("autobuilds.store.workspace.write_ledger", killed)
    workspace = Workspace(tmp_path, lambda: UTC)
    with pytest.raises(KeyboardInterrupt):
        workspace.write_ledger(full(), committed=False)
    assert workspace.ledger() == Ledger()


def edited(loop: Loop) -> None:
    """Set the build's state by hand."""
    path = loop.root / LEDGER
    text = path.read_text()
    assert '"state": "review"' in text
    path.write_text(text.replace('"state": "review"', '"state": "completed"'))


def test_an_edited_ledger_is_told_and_fails_fsck(make_repo: Make) -> None:
    loop = lived(make_repo)
    assert loop.beat().faults == ()
    edited(loop)
    (told,) = loop.beat().faults
    assert LEDGER in told and "by hand" in told and "autobuilds fsck --rebuild" in told
    assert len(loop.beat().faults) == 1, "it is told until it is resolved, not committed with the page"
    wrong = [f for f in fsck.check(loop.context) if f.severity.value == "error"]
    assert [(f.kind, f.label) for f in wrong] == [("history", "say-hello")]
    assert "completed" in wrong[0].message and "review" in wrong[0].message
    fsck.rebuild(loop.context)
    assert loop.beat().faults == ()
    assert loop.state() == "review"


def test_without_commits_an_edited_ledger_is_no_error(make_repo: Make) -> None:
    loop = lived(make_repo, more="commits: none\n")
    edited(loop)
    assert loop.beat().faults == ()
    assert [f for f in fsck.check(loop.context) if f.severity.value == "error"] == []


def test_what_the_tool_left_uncommitted_is_not_taken_for_an_edit(make_repo: Make) -> None:
    loop = lived(make_repo)
    loop.context.workspace.write_ledger(Ledger(), committed=False)
    assert edited_ledger(loop.context) == ()
    loop.context.workspace.write_ledger(Ledger(pause=None), committed=True)
    assert edited_ledger(loop.context) != ()
