"""The diary goes with the transition that it tells of: in its commit, once whatever crashes, and nothing stops for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from autobuilds.domain.build import BuildState
from autobuilds.errors import BadInput, StorageFailure
from autobuilds.runtime import diary
from autobuilds.runtime.context import Context
from autobuilds.runtime.record import Recorder, recorder_for
from autobuilds.store.files.vault import Vault
from autobuilds.wiring import make_context
from tests.conftest import git
from tests.runtime.loop import CONFIG, queue
from tests.runtime.sample_state import build

AT = datetime(2026, 2, 6, 3, 45, tzinfo=UTC)
NAME = "memory/2026-02-06.md"
ENTRY = "## [03:45] Something\n- one\n- two\n"
Make = Callable[..., Path]


def a_context(make_repo: Make, *, more: str = "", **files: str) -> Context:
    root = make_repo({"BUILD_QUEUE.md": queue(), "HEARTBEAT.md": CONFIG.format(more=more), ".gitignore": ".autobuilds/\n", **files})
    return make_context(root)


@pytest.fixture
def context(make_repo: Make) -> Context:
    return a_context(make_repo)


def transition(context: Context, *, recorder: Recorder | None = None, before: bool = True, title: str = "Something") -> Recorder:
    """Record a transition with an entry, remembered before or after it is announced."""
    recorder = recorder or recorder_for(context)
    made = build("a-thing", BuildState.CANCELLED)
    with recorder.transaction("test"):
        if before:
            diary.remember(context, recorder, AT, title, ["one", "two"])
        recorder.note("cancelled", "a-thing", "given up", record=made)
        if not before:
            diary.remember(context, recorder, AT, title, ["one", "two"])
        recorder.put(context.workspace.ledger().with_build(made))
    return recorder


def read(context: Context) -> str:
    return (context.workspace.root / NAME).read_text()


@pytest.mark.parametrize("before", [True, False])
def test_an_entry_goes_into_the_commit_of_its_transition(context: Context, before: bool) -> None:
    transition(context, before=before)
    root = context.workspace.root
    assert read(context) == f"# 2026-02-06\n\n{ENTRY}"
    assert set(git(root, "show", "--name-only", "--format=", "HEAD").split("\n")) == {NAME, "subagents/active.json"}
    assert git(root, "status", "--porcelain") == ""
    assert not list((root / ".autobuilds" / "outbox").iterdir())


def test_the_time_is_that_of_the_workspaces_zone(make_repo: Make) -> None:
    context = a_context(make_repo)
    (context.workspace.root / "HEARTBEAT.md").write_text("---\ntimezone: Asia/Tokyo\n---\n")
    late = datetime(2026, 2, 5, 20, 0, tzinfo=timezone(timedelta(hours=-3)))
    assert diary.remember(context, None, late, "Elsewhere", []) is None
    assert read(context) == "# 2026-02-06\n\n## [08:00] Elsewhere\n"


def test_it_can_be_switched_off(make_repo: Make) -> None:
    context = a_context(make_repo, more="diary: no\n")
    transition(context)
    assert not (context.workspace.root / "memory").exists()


def test_what_a_crash_left_announced_is_written_by_the_next_and_once(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as crashing:
        crashing.setattr(Recorder, "_flush", lambda _self: None)
        transition(context)
    assert not (context.workspace.root / "memory").exists()
    transition(context, recorder=recorder_for(context))  # the same, recorded again
    assert read(context) == f"# 2026-02-06\n\n{ENTRY}"
    assert git(context.workspace.root, "log", "--format=%s", "--", NAME).count("\n") == 0


def test_a_crash_between_the_entry_and_its_commit_writes_it_once(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """Stands for a SIGKILL."""

    def killed(*_args: object, **_given: object) -> None:
        raise Killed

    with monkeypatch.context() as crashing, pytest.raises(Killed):
        crashing.setattr("autobuilds.runtime.committing.Commits.make", killed)
        transition(context)
    assert read(context) == f"# 2026-02-06\n\n{ENTRY}"
    with recorder_for(context).transaction("next"):
        pass
    assert read(context) == f"# 2026-02-06\n\n{ENTRY}"
    root = context.workspace.root
    assert git(root, "show", "--name-only", "--format=%s", "HEAD").split("\n")[0] == "autobuilds(a-thing): given up"
    assert git(root, "status", "--porcelain") == ""


def test_what_never_came_true_is_not_remembered(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = recorder_for(context)
    with pytest.raises(BadInput), recorder.transaction("test"):
        recorder.note("cancelled", "a-thing", "given up")
        diary.remember(context, recorder, AT, "Something", ["one"])
        raise BadInput("no")
    with monkeypatch.context() as dying:  # it announced, and died before it changed anything
        dying.setattr(Recorder, "_flush", lambda _self: None)
        with recorder.transaction("test"):
            recorder.note("cancelled", "a-thing", "given up")
            diary.remember(context, recorder, AT, "Something", ["one"])
    with recorder_for(context).transaction("next"):
        pass
    assert not (context.workspace.root / "memory").exists()
    assert recorder.diary == []


def test_where_nothing_is_committed_it_is_written_all_the_same(make_repo: Make) -> None:
    context = a_context(make_repo, more="commits: none\n")
    transition(context)
    assert read(context) == f"# 2026-02-06\n\n{ENTRY}"
    assert git(context.workspace.root, "status", "--porcelain").split("\n")[0] == "?? memory/"


def test_while_git_is_busy_every_entry_is_written_and_committed_later(context: Context) -> None:
    root = context.workspace.root
    (root / ".git" / "MERGE_HEAD").write_text(git(root, "rev-parse", "HEAD") + "\n")
    recorder = transition(context)
    transition(context, recorder=recorder, title="Another")
    assert recorder.trouble
    assert read(context) == f"# 2026-02-06\n\n{ENTRY}\n{ENTRY.replace('Something', 'Another')}"
    assert len(list((root / ".autobuilds" / "outbox").iterdir())) == 2
    (root / ".git" / "MERGE_HEAD").unlink()
    with recorder_for(context).transaction("next"):
        pass
    assert read(context).count("## ") == 2
    assert git(root, "status", "--porcelain") == ""


def test_what_the_owner_wrote_is_committed_before_as_his(context: Context) -> None:
    root = context.workspace.root
    (root / "memory").mkdir()
    (root / NAME).write_text("My own words.\n")
    recorder = transition(context)
    assert git(root, "log", "-2", "--format=%an %s", "--", NAME).split("\n") == [
        "autobuilds autobuilds(a-thing): given up",
        f"Olive Owner autobuilds: {NAME} edited by hand",
    ]
    assert git(root, "show", f"HEAD~1:{NAME}") == "My own words."
    assert {"label": "", "event": "hand-edit", "reason": f"{NAME} edited by hand, committed as yours"} in recorder.transitions


@pytest.mark.parametrize("where", [".gitignore", "exclude", "nested"])
def test_a_diary_that_is_none_of_the_repositorys_is_never_committed(make_repo: Make, where: str) -> None:
    context = a_context(make_repo)
    root = context.workspace.root
    if where == ".gitignore":
        (root / ".gitignore").write_text(".autobuilds/\nmemory/\n")
        git(root, "commit", "-qam", "private")
    elif where == "exclude":
        (root / ".git" / "info" / "exclude").write_text("memory\n")
    else:
        git(root, "init", "-q", "memory")
    transition(context)
    assert ENTRY in read(context)
    assert git(root, "log", "--format=%s", "--", "memory") == ""


def test_on_a_branch_of_its_own_the_diary_goes_there(make_repo: Make) -> None:
    context = a_context(make_repo, more="commits: builds\n")
    transition(context)
    transition(context, title="Another")
    root = context.workspace.root
    assert ENTRY in git(root, "show", f"builds:{NAME}") + "\n"
    assert "edited by hand" not in git(root, "log", "--format=%s", "builds", "--", NAME)
    assert git(root, "ls-files", "memory") == ""


@pytest.mark.parametrize("how", ["file", "outside", "utf-16"])
def test_a_diary_that_can_not_be_written_is_a_fault_told_and_the_transition_stands(make_repo: Make, tmp_path: Path, how: str) -> None:
    context = a_context(make_repo)
    root = context.workspace.root
    if how == "file":
        (root / "memory").write_text("a file\n")
    elif how == "outside":
        (tmp_path / "elsewhere").mkdir()
        (root / "memory").symlink_to(tmp_path / "elsewhere")
    else:
        (root / "memory").mkdir()
        (root / NAME).write_bytes("Notes".encode("utf-16"))
    recorder = transition(context)
    assert len(recorder.faults) == 1 and "memory" in recorder.faults[0] and not recorder.trouble
    assert git(root, "log", "-1", "--format=%s") == "autobuilds(a-thing): given up"
    assert not list((root / ".autobuilds" / "outbox").iterdir())
    said = diary.remember(context, None, AT, "Something", ["one"])
    assert said is not None and "memory" in said


def test_a_git_that_does_not_answer_keeps_the_diary_out_of_the_commit_alone(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: object, _path: str) -> bool:
        raise StorageFailure("no")

    monkeypatch.setattr("autobuilds.adapters.git.repo.GitRepo.ignores", broken)
    recorder = transition(context)
    assert ENTRY in read(context) and recorder.faults == ["diary: no"]
    assert git(context.workspace.root, "ls-files", "memory") == ""


def test_an_announcement_with_hostile_text_comes_back_as_it_went(context: Context) -> None:
    recorder = recorder_for(context)
    with recorder.transaction("test"):
        diary.remember(context, recorder, AT, "a\ud800\n## b\x1b[31m", ["\u202e<b>", "- [x] done\r\n# c"])
        recorder.note("day", "", "x")
    assert read(context) == "# 2026-02-06\n\n## [03:45] a \\## b\n- \\<b>\n- \\- \\[x\\] done \\# c\n"


@pytest.mark.parametrize("given", [True, False])
def test_outside_a_transaction_it_is_a_commit_of_its_own(context: Context, given: bool) -> None:
    recorder = recorder_for(context) if given else None
    assert diary.remember(context, recorder, AT, "Something", ["one", "two"]) is None
    assert read(context) == f"# 2026-02-06\n\n{ENTRY}"
    root = context.workspace.root
    assert git(root, "show", "--name-only", "--format=%an %s", "HEAD").split("\n") == [
        "autobuilds autobuilds: diary of 2026-02-06",
        "",
        NAME,
    ]
    assert git(root, "status", "--porcelain") == ""


def test_beside_another_process_that_commits_it_is_written_and_left_to_the_next_as_the_tools(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diary, "_PATIENCE", 0.0)
    with context.workspace.lock("commit", "somebody else", 0.0):
        assert diary.remember(context, None, AT, "Something", ["one", "two"]) is None
    assert read(context) == f"# 2026-02-06\n\n{ENTRY}"
    transition(context, title="Another")
    root = context.workspace.root
    assert git(root, "log", "--format=%an", "--", NAME) == "autobuilds"
    assert git(root, "status", "--porcelain") == ""


def test_what_is_saved_past_an_entry_is_put_back_by_the_next_transaction(context: Context) -> None:
    transition(context)
    path = context.workspace.root / NAME
    with path.open("ab") as shell:
        transition(context, title="Another")
        shell.write(b"By a shell.\n")
    assert "By a shell." not in read(context)
    for held in Vault(context.workspace.root / ".autobuilds" / "memory", path.name).all():
        info = held.path.stat()
        os.utime(held.path, ns=(info.st_atime_ns, info.st_mtime_ns - 10**9))
    with recorder_for(context).transaction("next"):
        pass
    assert "By a shell." in read(context)


def test_an_announcement_is_read_with_and_without_a_diary(context: Context) -> None:
    outbox = context.workspace.private / "outbox"
    outbox.mkdir()
    (outbox / "000000-old.json").write_text(json.dumps({"message": "x\n\nEvent: y\n", "paths": [], "owner": False, "before": {}}))
    (outbox / "000001-bad.json").write_text(json.dumps({"message": "x", "paths": [], "owner": False, "before": {}, "diary": ["no"]}))
    recorder = recorder_for(context)
    with recorder.transaction("next"):
        pass
    assert "000001-bad.json can't be read" in recorder.trouble
    assert not (outbox / "000000-old.json").exists()
