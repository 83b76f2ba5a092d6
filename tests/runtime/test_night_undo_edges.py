"""A night is taken back where the repository was changed underneath: branches of their own, a rebase, another branch checked out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git.repo import GitRepo
from autobuilds.errors import Refused
from autobuilds.runtime import night, night_undo
from autobuilds.runtime.heartbeat import stay
from tests.runtime.loop import details
from tests.runtime.nights import NightLoop, make_night
from tests.runtime.test_killed import killed_after
from tests.runtime.test_night_undo import MERGE, a_night, blocks, project

Make = Callable[..., Path]


def files_of(loop: NightLoop, branch: str) -> set[str]:
    return set(loop.git("ls-tree", "-r", "--name-only", branch).split("\n"))


@pytest.mark.slow
def test_an_undo_that_was_killed_between_two_branches_is_carried_on_for_both(make_repo: Make) -> None:
    other = details("Say two", steps="echo hello > two.txt", file="two.txt", extra="- **Base:** side\n")
    loop = make_night(make_repo, *blocks("one"), other, more=MERGE)
    loop.git("branch", "side")
    stay(loop.context, loop.start().beat or loop.beat(), lambda _: None)
    night.report(loop.context)
    assert "one.txt" in files_of(loop, "main") and "two.txt" in files_of(loop, "side")
    killed_after(GitRepo, "deliver", lambda: night_undo.undo(loop.context))
    assert len({"one.txt", "two.txt"} & (files_of(loop, "main") | files_of(loop, "side"))) == 1
    done = night_undo.undo(loop.context)
    assert done.faults == () and not {"one.txt", "two.txt"} & (files_of(loop, "main") | files_of(loop, "side"))


@pytest.mark.slow
def test_an_undo_that_was_killed_is_found_again_from_another_branch(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two")
    loop.git("checkout", "-q", "-b", "elsewhere")
    killed_after(GitRepo, "deliver", lambda: night_undo.undo(loop.context))
    night_undo.undo(loop.context)
    assert not {"one.txt", "two.txt"} & files_of(loop, "main")
    assert loop.git("log", "--format=%s", "main").count("Undo the night") == 1


@pytest.mark.slow
def test_what_passed_before_the_night_is_settled_before_its_evening_is_kept(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello", steps="until test -f {go}; do sleep 0.02; done; echo hello > a.txt"), more=MERGE)
    loop.beat()
    loop.tell()
    loop.ended()
    loop.start()
    loop.beat()
    night.report(loop.context)
    assert loop.state() == "completed" and "a.txt" in project(loop)
    assert "a.txt" in project(loop, loop.night.tag or ""), "it is the evening's"
    night_undo.undo(loop.context)
    assert project(loop) == project(loop, loop.night.tag or "")


@pytest.mark.slow
def test_detached_and_staged_and_renamed_work_of_the_morning_stays(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two")
    loop.git("checkout", "-q", "--detach")
    (loop.root / "staged.txt").write_text("staged\n")
    loop.git("add", "staged.txt")
    loop.git("mv", "app.py", "renamed.py")
    (loop.root / "README.md").write_text("# Mine\n")
    before = loop.git("status", "--porcelain")
    night_undo.undo(loop.context)
    assert not {"one.txt", "two.txt"} & files_of(loop, "main")
    assert loop.git("status", "--porcelain", "--", "staged.txt", "app.py", "renamed.py", "README.md") == before


@pytest.mark.slow
def test_commits_on_a_branch_of_their_own(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two", more=MERGE + "commits: records\n")
    killed_after(GitRepo, "deliver", lambda: night_undo.undo(loop.context))
    done = night_undo.undo(loop.context)
    assert done.faults == () and {loop.state("say-one"), loop.state("say-two")} == {"escalated"}
    assert not {"one.txt", "two.txt"} & files_of(loop, "main")
    text = loop.queue.read_text()
    assert text.index("Say one") < text.index("Say two") < text.index("## Completed")


@pytest.mark.slow
def test_a_file_of_the_night_that_the_owner_renamed_and_changed_is_never_lost(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two")
    loop.git("mv", "one.txt", "uno.txt")
    (loop.root / "uno.txt").write_text("hello\nmine\n")
    loop.git("commit", "-q", "-am", "rename")
    head = loop.git("rev-parse", "HEAD")
    with pytest.raises(Refused, match=r"Nothing was changed"):
        night_undo.undo(loop.context)
    assert loop.git("rev-parse", "HEAD") == head and (loop.root / "uno.txt").read_text() == "hello\nmine\n"
