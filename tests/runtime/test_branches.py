"""What the owner does with branches and the working tree between a build and its delivery: nothing is lost, nothing sticks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.domain.build import Outcome
from autobuilds.errors import FatalQueue, Refused
from autobuilds.runtime import deliver, owner
from autobuilds.runtime.fsck import from_history
from tests.conftest import git
from tests.runtime.loop import UNTIL_TOLD, Loop, details, make_loop

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

Make = Callable[..., Path]


def finished(make_repo: Make, more: str = "", **files: str) -> Loop:
    loop = make_loop(make_repo, details("Say hello"), more=more, **files)
    loop.run()
    assert loop.state() == "review"
    return loop


def accept(loop: Loop, label: str = "say-hello") -> None:
    deliver.accept(loop.context, label, lambda _: None)


def test_work_is_settled_beside_a_branch_that_the_owner_has_checked_out(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello", steps=UNTIL_TOLD))
    loop.beat()
    loop.git("branch", "build/say-hello", "main")
    loop.git("worktree", "add", "-q", str(loop.root.parent / "tree"), "build/say-hello")
    loop.tell()
    loop.ended()
    assert not loop.beat().faults
    last = loop.build().last
    assert last is not None and last.branch == "build/say-hello.attempt-1"
    assert loop.state() == "review"
    accept(loop)
    assert (loop.root / "a.txt").read_text() == "hello\n"


def test_a_merge_into_the_branch_settles_while_the_build_s_branch_is_checked_out(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello", steps=UNTIL_TOLD), more="deliver: merge\n")
    loop.beat()
    loop.tell()
    loop.ended()
    loop.git("worktree", "add", "-q", str(loop.root.parent / "tree"), "build/say-hello")
    loop.beat()
    build = loop.build()
    assert (build.state.value, build.reason, build.delivered_branch) == ("completed", None, "main")
    assert (loop.root / "a.txt").read_text() == "hello\n"


def test_a_branch_checked_out_elsewhere_keeps_no_accepted_work_from_being_recorded(make_repo: Make) -> None:
    loop = finished(make_repo)
    loop.git("worktree", "add", "-q", str(loop.root.parent / "tree"), "build/say-hello")
    accept(loop)
    assert loop.state() == "completed"
    assert loop.git("rev-parse", "--verify", "build/say-hello"), "the branch that the owner looks at stays"


def test_what_the_owner_added_to_the_branch_is_accepted_with_it(make_repo: Make) -> None:
    loop = finished(make_repo)
    tree = loop.root.parent / "tree"
    loop.git("worktree", "add", "-q", str(tree), "build/say-hello")
    (tree / "review.txt").write_text("looked at\n")
    git(tree, "add", "review.txt")
    git(tree, "commit", "-q", "-m", "A word of my own")
    loop.git("worktree", "remove", str(tree))
    accept(loop)
    assert (loop.root / "review.txt").read_text() == "looked at\n"
    assert loop.git("branch", "--list", "build/*") == ""


def test_a_task_deleted_by_hand_is_accepted_by_the_checks_of_its_attempt(make_repo: Make) -> None:
    loop = finished(make_repo)
    loop.queue.write_text("# Queue\n\n## Active Queue\n\n## Completed\n")
    tree = loop.root.parent / "tree"
    loop.git("worktree", "add", "-q", str(tree), "build/say-hello")
    (tree / "a.txt").write_text("good bye\n")
    git(tree, "commit", "-q", "-a", "-m", "A word of my own")
    with pytest.raises(Refused, match="on the merged tree a check fails"):
        accept(loop)
    git(tree, "reset", "-q", "--hard", "HEAD~1")
    loop.git("worktree", "remove", str(tree))
    told = list[str]()
    deliver.accept(loop.context, "say-hello", told.append)
    assert "say-hello is not in BUILD_QUEUE.md any more; what its attempt was checked by counts" in told
    assert any(row.startswith("running 1 check") for row in told)
    assert (loop.root / "a.txt").read_text() == "hello\n"


def test_nothing_is_merged_while_the_queue_holds_a_conflict(make_repo: Make) -> None:
    loop = finished(make_repo)
    head = loop.git("rev-parse", "HEAD")
    loop.queue.write_text("<<<<<<< ours\n" + loop.queue.read_text() + "=======\n>>>>>>> theirs\n")
    told = list[str]()
    with pytest.raises(FatalQueue, match=r"BUILD_QUEUE\.md:\d+.*Nothing was merged"):
        deliver.accept(loop.context, "say-hello", told.append)
    assert not any("not in BUILD_QUEUE.md" in row or row.startswith("running") for row in told)
    assert loop.git("rev-parse", "main") == head
    assert loop.git("branch", "--list", "build/say-hello") != ""


def test_a_branch_deleted_by_hand_is_accepted_from_its_commit(make_repo: Make) -> None:
    loop = finished(make_repo)
    loop.git("branch", "-D", "build/say-hello")
    accept(loop)
    assert (loop.root / "a.txt").read_text() == "hello\n"


def test_a_branch_that_no_longer_holds_the_work_is_refused_with_the_way_out(make_repo: Make) -> None:
    loop = finished(make_repo)
    loop.git("branch", "-f", "build/say-hello", "main~1")
    with pytest.raises(Refused, match=r"git branch -f build/say-hello [0-9a-f]{12}"):
        accept(loop)
    assert loop.state() == "review"


def test_work_merged_by_hand_is_taken_as_accepted(make_repo: Make) -> None:
    loop = finished(make_repo)
    loop.git("merge", "-q", "--no-edit", "build/say-hello")
    accept(loop)
    assert loop.state() == "completed"


def test_accept_and_undo_refuse_uncommitted_work_in_the_way_and_work_after_it(make_repo: Make) -> None:
    loop = finished(make_repo)
    (loop.root / "a.txt").write_text("mine\n")
    with pytest.raises(Refused, match=r"uncommitted work in a\.txt"):
        accept(loop)
    assert ((loop.root / "a.txt").read_text(), loop.state()) == ("mine\n", "review")
    assert list((loop.root / ".autobuilds" / "scratch").iterdir()) == []
    (loop.root / "a.txt").unlink()
    accept(loop)
    (loop.root / "a.txt").write_text("mine\n")
    with pytest.raises(Refused, match=r"uncommitted work in a\.txt"):
        deliver.undo(loop.context, "say-hello")
    assert ((loop.root / "a.txt").read_text(), loop.state()) == ("mine\n", "completed")
    assert list((loop.root / ".autobuilds" / "scratch").iterdir()) == []
    loop.git("checkout", "--", "a.txt")
    deliver.undo(loop.context, "say-hello")
    assert not (loop.root / "a.txt").exists()


def test_accept_merges_onto_a_branch_that_moved_and_is_not_checked_out(make_repo: Make) -> None:
    loop = finished(make_repo)
    (loop.root / "other.txt").write_text("other\n")
    loop.git("add", "other.txt")
    loop.git("commit", "-q", "-m", "meanwhile")
    loop.git("switch", "-q", "-c", "elsewhere")
    accept(loop)
    assert loop.git("show", "main:a.txt") == "hello"
    assert loop.git("show", "main:other.txt") == "other"
    assert not (loop.root / "a.txt").exists()
    assert loop.git("rev-parse", "--abbrev-ref", "HEAD") == "elsewhere"
    assert loop.git("status", "--porcelain") == ""


def test_a_detached_workspace_builds_and_says_how_to_merge(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    loop.git("checkout", "-q", "--detach")
    last = loop.run()
    assert loop.state() == "review"
    assert any("HEAD is detached" in f for f in last.faults)
    with pytest.raises(Refused, match="merge its branch build/say-hello by hand"):
        accept(loop)
    loop.git("switch", "-q", "main")
    assert not loop.beat().faults
    assert loop.git("status", "--porcelain") == ""
    assert from_history(loop.context).ledger == loop.context.workspace.ledger()


def test_another_repository_is_built_accepted_and_undone(make_repo: Make) -> None:
    other = make_repo({"app.py": "pass\n"}, name="other")
    loop = make_loop(make_repo, details("Say hello", extra="- **Repository:** ../other\n"))
    loop.run()
    assert loop.state() == "review"
    accept(loop)
    assert (other / "a.txt").read_text() == "hello\n"
    assert git(other, "status", "--porcelain") == ""
    deliver.undo(loop.context, "say-hello")
    assert not (other / "a.txt").exists()
    assert loop.state() == "escalated"


def test_a_repository_that_went_away_while_it_was_built_is_settled(make_repo: Make) -> None:
    other = make_repo({"app.py": "pass\n"}, name="other")
    loop = make_loop(make_repo, details("Say hello", steps=UNTIL_TOLD, extra="- **Repository:** ../other\n"))
    loop.beat()
    loop.tell()
    loop.ended()
    other.rename(other.with_name("moved"))
    loop.beat()
    last = loop.build().last
    assert last is not None and loop.state() == "review"
    assert "could not be put on a branch" in last.notes[0]


@pytest.mark.parametrize(
    ("extra", "words"),
    [("- **Repository:** ../nowhere\n", "nowhere"), ("- **Base:** nowhere\n", "branch nowhere has no commit")],
)
def test_a_build_that_cannot_begin_is_handed_over_with_the_reason(make_repo: Make, extra: str, words: str) -> None:
    loop = make_loop(make_repo, details("Say hello", extra=extra))
    loop.beat()
    build = loop.build()
    assert build.state.value == "escalated" and words in (build.reason or "")


def test_rejected_work_is_kept_and_the_owner_s_commits_with_it(make_repo: Make) -> None:
    loop = finished(make_repo)
    before = loop.build().last
    assert before is not None
    tree = loop.root.parent / "tree"
    loop.git("worktree", "add", "-q", str(tree), "build/say-hello")
    (tree / "mine.txt").write_text("mine\n")
    git(tree, "add", "mine.txt")
    git(tree, "commit", "-q", "-m", "A word of my own")
    loop.git("worktree", "remove", str(tree))
    tip = loop.git("rev-parse", "build/say-hello")
    deliver.reject(loop.context, "say-hello", "say it twice")
    last = loop.build().last
    assert last is not None and (last.outcome, last.reason) == (Outcome.REJECTED, "say it twice")
    loop.run()
    assert loop.git("rev-parse", "build/say-hello.attempt-1") == before.head_commit
    assert loop.git("rev-parse", f"build/say-hello.kept-{tip[:12]}") == tip
    assert loop.state() == "review"


def test_a_finished_build_that_fails_by_the_owner_s_word_keeps_its_work(make_repo: Make) -> None:
    loop = finished(make_repo)
    head = loop.git("rev-parse", "build/say-hello")
    owner.fail(loop.context, "say-hello", "it is ugly")
    assert loop.state() == "escalated"
    assert "- [ ] Say hello" in loop.queue.read_text()
    owner.retry(loop.context, "say-hello")
    loop.run()
    assert loop.git("rev-parse", "build/say-hello.attempt-1") == head
    prompt = next((loop.root / ".autobuilds" / "runs").glob("say-hello-2-*/prompt.md")).read_text()
    assert "it is ugly" in prompt


def test_a_rebase_in_progress_holds_a_start_and_loses_nothing(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    (loop.root / ".git" / "rebase-merge").mkdir()
    loop.git("checkout", "-q", "--detach")
    held = loop.beat()
    assert any("a rebase is in progress" in f for f in held.faults)
    assert loop.context.workspace.ledger().find("say-hello") is None
    (loop.root / ".git" / "rebase-merge").rmdir()
    loop.git("switch", "-q", "main")
    loop.run()
    assert loop.state() == "review"


def test_a_merge_in_progress_holds_commits_back_and_the_next_heartbeat_makes_them(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    (loop.root / ".git" / "MERGE_HEAD").write_text(loop.git("rev-parse", "HEAD") + "\n")
    last = loop.run()
    assert loop.state() == "review"
    assert any("a merge is in progress" in f for f in last.faults)
    assert "not committed: a merge is in progress" in (loop.root / "BUILD_STATUS.md").read_text()
    assert loop.subjects() == ["workspace", "first"]
    (loop.root / ".git" / "MERGE_HEAD").unlink()
    loop.beat()
    assert loop.git("status", "--porcelain") == ""
    assert from_history(loop.context).ledger == loop.context.workspace.ledger()
    events = loop.git("log", "--format=%(trailers:key=Event,valueonly,separator=%x2C)").split()
    assert {"start", "started", "done"} <= set(events)
