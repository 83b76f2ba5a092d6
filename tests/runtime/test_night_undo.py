"""A whole night is taken back: the project is as it was in the evening, and what the owner did since is still there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git.repo import GitRepo
from autobuilds.cli.formatters.overnight_text import undoing
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.build import Outcome
from autobuilds.errors import NotSo, Refused
from autobuilds.runtime import deliver, night, night_undo, owner
from autobuilds.runtime.heartbeat import stay
from autobuilds.runtime.record import Recorder
from autobuilds.store.workspace import Workspace
from tests.conftest import git
from tests.runtime.loop import details
from tests.runtime.nights import NightLoop, make_night
from tests.runtime.test_killed import killed_after

Make = Callable[..., Path]
MERGE = "deliver: merge\n"
#: What the tool itself writes into a workspace.
OWN = ("BUILD_QUEUE.md", "BUILD_STATUS.md", "subagents/", "build-reports/", "memory/")


def blocks(*names: str) -> list[str]:
    return [details(f"Say {n}", steps=f"echo hello > {n}.txt", file=f"{n}.txt") for n in names]


def a_night(make_repo: Make, *names: str, more: str = MERGE) -> NightLoop:
    """Return a workspace after a night with a build of each name."""
    loop = make_night(make_repo, *blocks(*names), more=more)
    begun = loop.start()
    assert begun.beat is not None
    stay(loop.context, begun.beat, lambda _: None)
    night.report(loop.context)
    return loop


def project(loop: NightLoop, commit: str = "HEAD") -> dict[str, str]:
    """Return the project's files as a commit has them, without what the tool writes."""
    rows = loop.git("ls-tree", "-r", commit).split("\n")
    found = dict(reversed(row.split("\t")) for row in rows)
    return {path: entry for path, entry in found.items() if not path.startswith(OWN)}


def queue_at(loop: NightLoop, commit: str) -> str:
    return loop.git("show", f"{commit}:BUILD_QUEUE.md")


@pytest.mark.slow
def test_a_night_is_taken_back_whole_and_the_queue_reads_as_in_the_evening(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two")
    evening = loop.night.tag or ""
    assert set(project(loop)) - set(project(loop, evening)) == {"one.txt", "two.txt"}
    done = night_undo.undo(loop.context)
    assert {m.label for m in done.merges} == {"say-one", "say-two"} and done.faults == ()
    assert project(loop) == project(loop, evening)
    assert not [p for p in loop.root.iterdir() if p.name in {"one.txt", "two.txt"}]
    assert queue_at(loop, "HEAD") == queue_at(loop, evening)
    assert loop.git("status", "--porcelain") == ""
    assert [s for s in loop.subjects() if s.startswith("Undo the night")] == [f"Undo the night of {loop.night.id}"]


@pytest.mark.slow
def test_nothing_of_an_undone_night_is_built_again_until_the_owner_says_so(make_repo: Make) -> None:
    loop = a_night(make_repo, "one")
    night_undo.undo(loop.context)
    loop.run()
    assert loop.state("say-one") == "escalated"
    reason = loop.build("say-one").reason or ""
    assert f"taken back with the night {loop.night.id}" in reason and "autobuilds retry say-one" in reason
    owner.retry(loop.context, "say-one")
    loop.run()
    assert loop.state("say-one") == "completed" and (loop.root / "one.txt").exists()


@pytest.mark.slow
def test_what_the_owner_did_in_the_morning_stays(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two")
    (loop.root / "app.py").write_text("print('morning')\n")
    loop.git("commit", "-q", "-am", "morning work")
    (loop.root / "README.md").write_text("# Repo, not committed\n")
    (loop.root / "new.txt").write_text("untracked\n")
    loop.replace("# Build Queue\n", "# Build Queue\n\nA note of the morning.\n")
    night_undo.undo(loop.context)
    evening = project(loop, loop.night.tag or "")
    now = project(loop)
    assert {p for p in {*now, *evening} if now.get(p) != evening.get(p)} == {"app.py"}
    assert (loop.root / "app.py").read_text() == "print('morning')\n"
    assert (loop.root / "README.md").read_text() == "# Repo, not committed\n"
    assert (loop.root / "new.txt").read_text() == "untracked\n"
    text = loop.queue.read_text()
    assert "A note of the morning." in text and text.index("Say one") < text.index("Say two") < text.index("## Completed")


@pytest.mark.slow
def test_work_of_the_morning_on_the_same_lines_is_named_and_nothing_is_changed(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two")
    (loop.root / "one.txt").write_text("mine\n")
    loop.git("commit", "-q", "-am", "mine")
    head, ledger = loop.git("rev-parse", "HEAD"), loop.context.workspace.ledger()
    foreseen = night_undo.tried(loop.context, night_undo.plan(loop.context))
    assert foreseen.obstacle is not None and "same lines of main (one.txt)" in foreseen.obstacle
    assert "as things stand it would be refused: what came after" in undoing(foreseen, Style())
    with pytest.raises(Refused, match=r"same lines of main \(one\.txt\)\. Nothing was changed"):
        night_undo.undo(loop.context)
    assert loop.git("rev-parse", "HEAD") == head and loop.context.workspace.ledger() == ledger
    assert (loop.root / "two.txt").exists() and loop.git("status", "--porcelain") == ""
    assert not list((loop.root / ".autobuilds" / "scratch").iterdir())


@pytest.mark.slow
def test_uncommitted_work_in_the_way_is_named_and_nothing_is_changed(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two")
    (loop.root / "one.txt").write_text("unsaved\n")
    ledger = loop.context.workspace.ledger()
    with pytest.raises(Refused, match=r"uncommitted work in one\.txt.*say overnight undo again\. Nothing was changed"):
        night_undo.undo(loop.context)
    assert (loop.root / "one.txt").read_text() == "unsaved\n" and (loop.root / "two.txt").exists()
    assert loop.context.workspace.ledger() == ledger


@pytest.mark.slow
def test_builds_that_wait_for_review_or_failed_are_held_and_their_work_is_kept(make_repo: Make) -> None:
    loop = make_night(make_repo, *blocks("one"), details("Say nothing", steps="exit 1", file="b.txt"))
    stay(loop.context, loop.start().beat or loop.beat(), lambda _: None)
    night.report(loop.context)
    assert (loop.state("say-one"), loop.state("say-nothing")) == ("review", "escalated")
    done = night_undo.undo(loop.context)
    assert set(done.held) == {"say-one", "say-nothing"} and done.merges == ()
    assert {loop.state("say-one"), loop.state("say-nothing")} == {"escalated"}
    assert "before: failed 2 times" in (loop.build("say-nothing").reason or "")
    last = loop.build("say-one").last
    assert last is not None and last.branch is not None and loop.git("show", f"{last.branch}:one.txt") == "hello"
    assert queue_at(loop, "HEAD") == queue_at(loop, loop.night.tag or "")


@pytest.mark.slow
def test_what_the_owner_accepted_or_cancelled_stays_and_is_said(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two", "three", more="")
    deliver.accept(loop.context, "say-one", lambda _: None)
    owner.complete(loop.context, "say-two")
    done = night_undo.undo(loop.context)
    assert [label for label, _ in done.kept] == ["say-one", "say-two"] and done.held == ("say-three",)
    assert "you accepted it" in done.kept[0][1] and "autobuilds undo say-one" in done.kept[0][1]
    assert loop.state("say-one") == "completed" and (loop.root / "one.txt").exists()


@pytest.mark.slow
def test_a_night_that_is_on_is_ended_and_what_runs_is_stopped(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello", steps="until test -f {go}; do sleep 0.02; done; echo hello > a.txt"))
    loop.start()
    assert loop.state() == "building"
    done = night_undo.undo(loop.context)
    assert done.running == ("say-hello",)
    assert loop.night.ended is not None and loop.night.undone is not None
    last = loop.build().last
    assert loop.state() == "escalated" and last is not None and last.outcome is Outcome.STOPPED
    loop.beat()
    assert not loop.context.workspace.ledger().active


@pytest.mark.slow
def test_a_night_is_taken_back_once(make_repo: Make) -> None:
    loop = a_night(make_repo, "one")
    planned = night_undo.plan(loop.context)
    assert [m.label for m in planned.merges] == ["say-one"] and (loop.root / "one.txt").exists()
    night_undo.undo(loop.context, loop.night.id)
    with pytest.raises(NotSo, match="taken back already"):
        night_undo.undo(loop.context)
    page = (loop.root / f"build-reports/night-{loop.night.id}.md").read_text()
    assert "This night was taken back on" in page and "1 build completed" in page


@pytest.mark.slow
def test_what_is_gone_of_the_evenings_archive_is_named(make_repo: Make) -> None:
    loop = make_night(make_repo, *blocks("one"))
    (loop.root / "draft.txt").write_text("draft\n")
    loop.start()
    night.report(loop.context)
    (loop.root / "draft.txt").unlink()
    assert night_undo.undo(loop.context).gone == ("draft.txt",)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name"),
    [
        (GitRepo, "revert_all"),
        (GitRepo, "deliver"),
        (Recorder, "note"),
        (Recorder, "edit"),
        (Workspace, "publish"),
        (Workspace, "write_ledger"),
    ],
)
def test_an_undo_that_was_killed_is_carried_on_by_the_next(make_repo: Make, where: type, name: str) -> None:
    loop = a_night(make_repo, "one", "two")
    evening = loop.night.tag or ""
    killed_after(where, name, lambda: night_undo.undo(loop.context))
    loop.beat()
    assert not [s for s in ("say-one", "say-two") if loop.build(s).is_active], "nothing is built again meanwhile"
    if loop.night.undone is None:
        night_undo.undo(loop.context)
    loop.beat()
    assert project(loop) == project(loop, evening)
    assert {loop.state("say-one"), loop.state("say-two")} == {"escalated"}
    assert queue_at(loop, "HEAD") == queue_at(loop, evening)
    assert loop.git("status", "--porcelain") == ""
    assert len([s for s in loop.subjects() if s.startswith("Undo the night")]) == 1


@pytest.mark.slow
def test_what_ran_before_the_night_goes_on_when_the_night_is_taken_back(make_repo: Make) -> None:
    waiting = details("Say hello", steps="until test -f {go}; do sleep 0.02; done; echo hello > a.txt")
    loop = make_night(make_repo, waiting, *blocks("one"), more=MERGE)
    loop.beat()
    assert loop.state() == "building"
    loop.later(0.1)
    loop.start()
    loop.ended("say-one")
    loop.later(-0.1)
    loop.beat()
    done = night_undo.undo(loop.context)
    assert done.kept == (("say-hello", "it began before the night, and still runs"),) and done.running == ()
    loop.tell()
    loop.ended()
    loop.beat()
    assert loop.state() == "completed" and (loop.root / "a.txt").exists()


@pytest.mark.slow
def test_without_commits_a_night_is_taken_back_too(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two", more=MERGE + "commits: none\n")
    text = loop.git("show", f"{loop.night.tag}:BUILD_QUEUE.md")
    night_undo.undo(loop.context)
    assert not (loop.root / "one.txt").exists() and not (loop.root / "two.txt").exists()
    assert loop.queue.read_text().rstrip("\n") == text
    assert {loop.state("say-one"), loop.state("say-two")} == {"escalated"}


@pytest.mark.slow
def test_where_one_repository_cannot_be_taken_back_none_is(make_repo: Make) -> None:
    other = make_repo({"readme.txt": "other\n"}, name="other")
    elsewhere = details("Say two", steps="echo hello > two.txt", file="two.txt", extra=f"- **Repository:** {other}\n")
    loop = make_night(make_repo, *blocks("one"), elsewhere, more=MERGE)
    stay(loop.context, loop.start().beat or loop.beat(), lambda _: None)
    night.report(loop.context)
    assert (loop.root / "one.txt").exists() and (other / "two.txt").exists()
    (other / "two.txt").write_text("mine\n")
    git(other, "commit", "-q", "-am", "mine")
    with pytest.raises(Refused, match=r"same lines of main \(two\.txt\)"):
        night_undo.undo(loop.context)
    assert (loop.root / "one.txt").exists() and loop.state("say-one") == "completed"
    git(other, "reset", "-q", "--hard", "HEAD~1")
    done = night_undo.undo(loop.context)
    assert {Path(m.repository).name for m in done.merges} == {"workspace", "other"}
    assert not (loop.root / "one.txt").exists() and not (other / "two.txt").exists()
    assert git(other, "status", "--porcelain") == "" and "Undo the night" in git(other, "log", "-1", "--format=%s")


@pytest.mark.slow
def test_merges_that_a_rebase_made_anew_are_named_and_left_alone(make_repo: Make) -> None:
    loop = a_night(make_repo, "one", "two")
    loop.git("rebase", "-q", "--no-ff", loop.night.tag or "")
    done = night_undo.undo(loop.context)
    assert done.merges == () and set(done.held) == {"say-one", "say-two"}
    assert len(done.faults) == 2 and all("is not in main any more" in fault for fault in done.faults)
    assert (loop.root / "one.txt").exists() and loop.git("status", "--porcelain") == ""
