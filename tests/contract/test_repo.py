"""What every Repo promises, on the real one and on the fake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.errors import GitBusy, Refused
from autobuilds.ports import Identity, Repo
from tests.conftest import git
from tests.fakes.repo import FakeRepo

OLIVE = Identity(name="Olive Owner", email="olive@example.org")


@pytest.fixture(params=["git", "fake"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Repo:
    root = tmp_path / "repo"
    root.mkdir()
    if request.param == "git":
        git(root, "init", "-q", "-b", "main")
        made: Repo = GitRepo(root)
    else:
        made = FakeRepo(root)
    put(made, "a.txt", "one\ntwo\n")
    put(made, "sub/b.txt", "b\n")
    assert made.commit(["a.txt", "sub/b.txt"], "first") is not None
    return made


def put(repo: Repo, path: str, text: str) -> None:
    (repo.root / path).parent.mkdir(parents=True, exist_ok=True)
    (repo.root / path).write_text(text)


def tip(repo: Repo) -> str:
    found = repo.head().commit
    assert found is not None
    return found


def side(repo: Repo, path: str, text: str) -> str:
    """Commit a change on a branch of its own and put the file back."""
    before = (repo.root / path).read_bytes() if (repo.root / path).exists() else None
    # A branch of record starts empty: everything is committed there, from main's files.
    base = tip(repo)
    repo.adopt(repo.root, base, "build/side")
    put(repo, path, text)
    made = repo.commit([path], "side work", branch="build/side")
    assert made is not None
    if before is None:
        (repo.root / path).unlink()
    else:
        (repo.root / path).write_bytes(before)
    return made


def test_head_names_branch_and_commit(repo: Repo) -> None:
    head = repo.head()
    assert (head.branch, head.busy) == ("main", None)
    assert repo.resolve("main") == head.commit == repo.resolve("HEAD")
    assert repo.resolve("nothing") is None


def test_a_commit_takes_the_paths_as_they_are_on_disk(repo: Repo) -> None:
    put(repo, "a.txt", "changed\n")
    put(repo, "other.txt", "not ours\n")
    (repo.root / "sub/b.txt").unlink()
    made = repo.commit(["a.txt", "sub/b.txt"], "second")
    assert made is not None
    assert repo.read(made, "a.txt") == b"changed\n"
    assert repo.read(made, "sub/b.txt") is None
    assert repo.read(made, "other.txt") is None


def test_nothing_to_commit_makes_no_commit_unless_it_carries_a_trailer(repo: Repo) -> None:
    before = tip(repo)
    assert repo.commit(["a.txt"], "nothing") is None
    assert tip(repo) == before
    made = repo.commit(["a.txt"], "nothing\n\nEvent: started\n")
    assert made is not None and tip(repo) == made


def test_no_commit_when_commits_are_off(repo: Repo) -> None:
    before = tip(repo)
    put(repo, "a.txt", "changed\n")
    assert repo.commit(["a.txt"], "second", branch="none") is None
    assert tip(repo) == before


def test_a_branch_of_record_leaves_head_alone(repo: Repo) -> None:
    before = tip(repo)
    put(repo, "a.txt", "changed\n")
    made = repo.commit(["a.txt"], "record", branch="record")
    assert made is not None
    assert tip(repo) == before and repo.resolve("record") == made
    assert repo.read("record", "a.txt") == b"changed\n"


def test_history_holds_our_commits_oldest_first(repo: Repo) -> None:
    start = tip(repo)
    for number in (1, 2):
        put(repo, "a.txt", f"{number}\n")
        repo.commit(["a.txt"], f"autobuilds(x): {number}\n\nBuild: x\nEvent: start\n")
    put(repo, "a.txt", "3\n")
    repo.commit(["a.txt"], "not one of ours")
    found = list(repo.history())
    assert [c.subject for c in found] == ["autobuilds(x): 1", "autobuilds(x): 2"]
    assert found[0].trailers == {"Build": "x", "Event": "start"}
    assert list(repo.history(since=found[0].sha)) == found[1:]
    assert list(repo.history(since=start)) == found


def test_diff_counts_paths_and_lines(repo: Repo) -> None:
    base = tip(repo)
    put(repo, "a.txt", "one\nTWO\nthree\n")
    made = repo.commit(["a.txt"], "second")
    assert made is not None
    stat = repo.diff(base, made)
    assert (stat.paths, stat.added, stat.removed) == (("a.txt",), 2, 1)
    assert "+TWO" in repo.diff_text(base, made)
    assert "cut" in repo.diff_text(base, made, limit=10)


def test_what_git_is_told_to_leave_out_is_known(repo: Repo) -> None:
    assert not repo.ignores("private.md")
    (repo.root / ".gitignore").write_text("other.md\nprivate.md\n")
    assert repo.ignores("private.md") and not repo.ignores("public.md")


def test_line_origin_is_who_committed_the_line_last(repo: Repo) -> None:
    put(repo, "a.txt", "one\nby olive\n")
    made = repo.commit(["a.txt"], "by hand", author=OLIVE)
    assert made is not None
    first, second = repo.line_origin(made, "a.txt", 1), repo.line_origin(made, "a.txt", 2)
    assert first is not None and first.author == "autobuilds@localhost"
    assert second is not None and (second.author, second.commit) == ("olive@example.org", made)
    assert repo.line_origin(made, "a.txt", 99) is None
    assert repo.line_origin(made, "not-there.txt", 1) is None


def test_a_commit_says_who_made_it(repo: Repo) -> None:
    put(repo, "a.txt", "by olive\n")
    commit = repo.commit(["a.txt"], "by hand", author=OLIVE)
    assert commit is not None
    maker = repo.made(commit)
    assert maker is not None and maker.by == "autobuilds@localhost" and maker.when.tzinfo is not None
    assert repo.made("0" * 40) is None


def test_merge_and_deliver_bring_work_in(repo: Repo, tmp_path: Path) -> None:
    work = side(repo, "new.txt", "new\n")
    put(repo, "a.txt", "moved on\n")
    repo.commit(["a.txt"], "meanwhile")
    put(repo, "sub/b.txt", "the owner's unfinished work\n")
    merged = repo.merge("main", work, tmp_path / "scratch", "merge it\n\nBuild: side\n")
    assert merged.commit is not None and merged.conflicts == ()
    assert (tmp_path / "scratch/new.txt").read_text() == "new\n"
    assert (tmp_path / "scratch/a.txt").read_text() == "moved on\n"
    assert not (repo.root / "new.txt").exists()
    repo.deliver(merged, "main")
    assert tip(repo) == merged.commit
    assert (repo.root / "new.txt").read_text() == "new\n"
    assert (repo.root / "sub/b.txt").read_text() == "the owner's unfinished work\n"


def test_undo_takes_a_merge_back(repo: Repo, tmp_path: Path) -> None:
    merged = repo.merge("main", side(repo, "new.txt", "new\n"), tmp_path / "one", "merge")
    repo.deliver(merged, "main")
    assert merged.commit is not None
    undone = repo.revert("main", merged.commit, tmp_path / "two", "undo")
    repo.deliver(undone, "main")
    assert not (repo.root / "new.txt").exists()


def test_conflicts_are_named_and_nothing_moves(repo: Repo, tmp_path: Path) -> None:
    work = side(repo, "a.txt", "theirs\n")
    put(repo, "a.txt", "ours\n")
    repo.commit(["a.txt"], "meanwhile")
    before = tip(repo)
    merged = repo.merge("main", work, tmp_path / "scratch", "merge")
    assert (merged.commit, merged.conflicts) == (None, ("a.txt",))
    with pytest.raises(Refused):
        repo.deliver(merged, "main")
    assert tip(repo) == before


def test_uncommitted_work_in_the_way_is_named_and_kept(repo: Repo, tmp_path: Path) -> None:
    merged = repo.merge("main", side(repo, "a.txt", "theirs\n"), tmp_path / "scratch", "merge")
    before = tip(repo)
    put(repo, "a.txt", "unfinished\n")
    with pytest.raises(Refused, match=r"a\.txt"):
        repo.deliver(merged, "main")
    assert tip(repo) == before
    assert (repo.root / "a.txt").read_text() == "unfinished\n"


def test_a_branch_that_moved_is_not_delivered_to(repo: Repo, tmp_path: Path) -> None:
    merged = repo.merge("main", side(repo, "new.txt", "new\n"), tmp_path / "scratch", "merge")
    put(repo, "a.txt", "meanwhile\n")
    moved = repo.commit(["a.txt"], "meanwhile")
    with pytest.raises(Refused, match="moved"):
        repo.deliver(merged, "main")
    assert tip(repo) == moved
    assert not (repo.root / "new.txt").exists()


def test_what_is_in_the_branch_is_not_merged_again(repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        repo.merge("main", tip(repo), tmp_path / "scratch", "merge")


def test_only_branches_of_our_own_are_deleted(repo: Repo) -> None:
    side(repo, "new.txt", "new\n")
    repo.delete_branch("build/side")
    repo.delete_branch("build/side")
    assert repo.resolve("build/side") is None
    with pytest.raises(Refused):
        repo.delete_branch("main")


def test_the_checked_out_branch_is_not_adopted_over(repo: Repo) -> None:
    with pytest.raises(Refused):
        repo.adopt(repo.root, tip(repo), "main")


def test_a_clone_is_a_private_copy(repo: Repo, tmp_path: Path) -> None:
    repo.clone(tmp_path / "clone", tip(repo), "build/x")
    assert (tmp_path / "clone/sub/b.txt").read_text() == "b\n"


def test_an_operation_in_progress_is_busy(repo: Repo, make_busy: Callable[[Repo], None]) -> None:
    make_busy(repo)
    assert repo.head().busy == "merge"
    put(repo, "a.txt", "changed\n")
    with pytest.raises(GitBusy):
        repo.commit(["a.txt"], "second")


@pytest.fixture
def make_busy() -> Callable[[Repo], None]:
    def make(repo: Repo) -> None:
        if isinstance(repo, FakeRepo):
            repo.busy = "merge"
        else:
            (repo.root / ".git/MERGE_HEAD").write_text(f"{tip(repo)}\n")

    return make


def test_what_changed_is_told_file_by_file(repo: Repo) -> None:
    base = tip(repo)
    put(repo, "a.txt", "one\n2\nthree\n")
    put(repo, "new.txt", "new\n")
    head = repo.commit(["a.txt", "new.txt"], "more")
    assert head is not None
    assert [(f.path, f.added, f.removed) for f in repo.file_stats(base, head)] == [("a.txt", 2, 1), ("new.txt", 1, 0)]
    assert repo.file_stats(head, head) == ()


def test_the_mainline_follows_first_parents_alone(repo: Repo, tmp_path: Path) -> None:
    base = tip(repo)
    work = side(repo, "side.txt", "side\n")
    merged = repo.merge("main", work, tmp_path / "merge", "Merge build x: X\n\nBuild: x\nAttempt: 1\n")
    assert merged.commit is not None
    repo.deliver(merged, "main")
    put(repo, "a.txt", "later\n")
    last = repo.commit(["a.txt"], "later")
    found = repo.mainline("main", since=base)
    assert [(c.sha, c.subject) for c in found] == [(merged.commit, "Merge build x: X"), (last, "later")]
    assert (found[0].parents, found[0].trailers) == ((base, work), {"Build": "x", "Attempt": "1"})
    assert [c.sha for c in repo.mainline("main", limit=1)] == [last]


def test_the_last_commit_before_a_moment_is_found_by_first_parents(repo: Repo) -> None:
    first = repo.mainline("main")[-1]
    assert repo.before(first.when) == first.sha
    assert repo.before(first.when + timedelta(days=4000)) == first.sha
    assert repo.before(datetime(1999, 1, 1, tzinfo=UTC)) is None


def test_a_scratch_clone_stands_at_its_commit_and_leaves_no_trace(repo: Repo, tmp_path: Path) -> None:
    first = tip(repo)
    put(repo, "a.txt", "later\n")
    repo.commit(["a.txt"], "later")
    before = sorted(p.name for p in (repo.root / ".git").rglob("*")) if (repo.root / ".git").exists() else []
    repo.scratch(tmp_path / "scratch", first)
    assert (tmp_path / "scratch" / "a.txt").read_text() == "one\ntwo\n"
    assert (sorted(p.name for p in (repo.root / ".git").rglob("*")) if before else []) == before


def night(repo: Repo, tmp_path: Path) -> list[str]:
    """Merge two builds, one after the other, and return their merges, the newest first."""
    merges: list[str] = []
    for number, (path, text) in enumerate((("c.txt", "c\n"), ("a.txt", "one\n2\n"))):
        work = side(repo, path, text)
        merged = repo.merge("main", work, tmp_path / f"m{number}", "merge")
        repo.deliver(merged, "main")
        repo.delete_branch("build/side")
        assert merged.commit is not None
        merges.insert(0, merged.commit)
    return merges


def test_several_merges_are_taken_back_in_one_commit(repo: Repo, tmp_path: Path) -> None:
    evening = tip(repo)
    merges = night(repo, tmp_path)
    undone = repo.revert_all("main", merges, tmp_path / "undo", "the night")
    repo.check_delivery(undone, "main")
    assert tip(repo) == merges[0]
    repo.deliver(undone, "main")
    assert repo.diff(evening, "main").paths == ()
    assert (repo.root / "a.txt").read_text() == "one\ntwo\n" and not (repo.root / "c.txt").exists()
    again = repo.revert_all("main", merges, tmp_path / "again", "the night")
    assert again.commit == tip(repo)
    repo.check_delivery(again, "main")
    repo.deliver(again, "main")
    assert tip(repo) == undone.commit


def test_merges_that_cannot_be_taken_back_leave_everything_as_it_is(repo: Repo, tmp_path: Path) -> None:
    merges = night(repo, tmp_path)
    put(repo, "a.txt", "one\nmine\n")
    repo.commit(["a.txt"], "by hand")
    found = repo.revert_all("main", merges, tmp_path / "undo", "the night")
    assert found.commit is None and found.conflicts == ("a.txt",)
    with pytest.raises(Refused):
        repo.check_delivery(found, "main")


def test_a_delivery_that_would_be_refused_is_refused_beforehand(repo: Repo, tmp_path: Path) -> None:
    merges = night(repo, tmp_path)
    undone = repo.revert_all("main", merges, tmp_path / "undo", "the night")
    put(repo, "a.txt", "unsaved\n")
    with pytest.raises(Refused, match=r"uncommitted work in a\.txt"):
        repo.check_delivery(undone, "main")
    assert (repo.root / "a.txt").read_text() == "unsaved\n" and tip(repo) == merges[0]
    put(repo, "d.txt", "mine\n")
    repo.commit(["d.txt"], "by hand")
    with pytest.raises(Refused, match="moved"):
        repo.check_delivery(undone, "main")


def test_a_tag_of_ours_goes_where_it_is_set_and_no_other_is_touched(repo: Repo) -> None:
    first = tip(repo)
    repo.tag("autobuilds/night/2026-02-06", first)
    assert repo.resolve("autobuilds/night/2026-02-06") == first
    put(repo, "a.txt", "changed\n")
    second = repo.commit(["a.txt"], "second")
    repo.tag("autobuilds/night/2026-02-06", second or "")
    assert repo.resolve("autobuilds/night/2026-02-06") == second
    repo.untag("autobuilds/night/2026-02-06")
    repo.untag("autobuilds/night/2026-02-06")
    assert repo.resolve("autobuilds/night/2026-02-06") is None
    for act in (lambda: repo.tag("v1.0", first), lambda: repo.untag("v1.0")):
        with pytest.raises(Refused):
            act()


def test_what_no_commit_holds_is_named(repo: Repo) -> None:
    assert repo.loose() == ()
    put(repo, "a.txt", "changed\n")
    put(repo, "new/ä b.txt", "new\n")
    (repo.root / "sub" / "b.txt").unlink()
    assert repo.loose() == ("a.txt", "new/ä b.txt", "sub/b.txt")


def test_a_history_that_is_all_there_is_not_cut_off(repo: Repo) -> None:
    assert not repo.cut_off()
