"""Kills at the places where the sweep of `tests/proofs` found that something was left: the next heartbeat or command puts it right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autobuilds.adapters.git import checkout
from autobuilds.adapters.git.repo import GitRepo
from autobuilds.adapters.git.survey import GitSurvey
from autobuilds.cli.app import run
from autobuilds.runtime import deliver, initialising, owner, reports
from autobuilds.runtime.heartbeat import beat
from autobuilds.store.workspace import Workspace
from autobuilds.wiring import make_context
from tests.conftest import git
from tests.runtime.loop import details, make_loop

Make = Callable[..., Path]
_WAITS = details("Say hello", extra="- **Blockers:** waits\n")


def killed_after(where: Any, name: str, act: Callable[[], object]) -> None:
    """Run something in a process that ends at once, without any clean-up, when a function has returned."""
    pid = os.fork()
    if pid == 0:
        real = getattr(where, name)

        def last(*given: Any, **more: Any) -> None:
            real(*given, **more)
            os._exit(9)

        try:
            setattr(where, name, last)
            act()
        finally:
            os._exit(70)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


def test_a_report_that_was_written_but_not_committed_is_committed_by_the_next_heartbeat(make_repo: Make) -> None:
    loop = make_loop(make_repo, _WAITS)
    loop.beat()
    killed_after(Workspace, "publish", lambda: reports.write_report(loop.context, reports.make_report(loop.context, None)))
    assert list((loop.root / "build-reports").iterdir())
    loop.beat()
    assert loop.git("status", "--porcelain") == ""


def test_a_page_that_was_rendered_but_not_committed_is_committed_by_the_next_heartbeat(make_repo: Make) -> None:
    loop = make_loop(make_repo, _WAITS)
    loop.beat()
    killed_after(Workspace, "publish", lambda: owner.pause(loop.context, None, "holiday"))
    loop.beat()
    assert "holiday" in loop.git("show", "HEAD:BUILD_STATUS.md")
    assert loop.git("status", "--porcelain") == ""


def test_an_undo_that_was_killed_before_it_was_recorded_takes_nothing_back_twice(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    loop.run()
    deliver.accept(loop.context, "say-hello", lambda _: None)
    killed_after(GitRepo, "deliver", lambda: deliver.undo(loop.context, "say-hello"))
    loop.beat(start=False)
    deliver.undo(loop.context, "say-hello")
    assert loop.state() == "escalated"
    assert not (loop.root / "a.txt").exists()
    assert [s for s in loop.subjects() if s.startswith("Undo: ")] == ["Undo: Say hello"]


def test_the_clone_of_a_merge_that_was_killed_is_removed_by_the_next_heartbeat(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    loop.run()
    killed_after(GitRepo, "merge", lambda: deliver.accept(loop.context, "say-hello", lambda _: None))
    assert (loop.root / ".autobuilds" / "scratch" / "say-hello").is_dir()
    loop.beat()
    assert not (loop.root / ".autobuilds" / "scratch").exists()
    deliver.accept(loop.context, "say-hello", lambda _: None)
    assert (loop.root / "a.txt").read_text() == "hello\n"


def test_locks_of_a_merge_that_was_killed_are_gone_after_the_next_heartbeat(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    loop.run()
    killed_after(checkout, "change", lambda: deliver.accept(loop.context, "say-hello", lambda _: None))
    assert list((loop.root / ".git" / "refs" / "heads").glob("*.lock"))
    loop.beat()
    assert not [*(loop.root / ".git").rglob("*.lock"), *(loop.root / ".git").glob("autobuilds-*")]
    deliver.accept(loop.context, "say-hello", lambda _: None)
    assert loop.git("status", "--porcelain") == ""


def test_what_a_killed_init_wrote_is_committed_by_the_first_heartbeat(make_repo: Make, monkeypatch: Any) -> None:
    root = make_repo()
    monkeypatch.chdir(root)
    killed_after(GitSurvey, "change_setting", lambda: run(["init", "--yes"]))
    assert "?? BUILD_QUEUE.md" in git(root, "status", "--porcelain")
    assert run(["init", "--yes"]) == 0
    beat(make_context(root), start=False)
    assert git(root, "status", "--porcelain") == ""
    assert "BUILD_QUEUE.md" in git(root, "log", "--author=Olive", "--name-only", "--format=%s")


def test_a_killed_git_leaves_no_lock_on_the_configuration(make_repo: Make, tmp_path: Path, monkeypatch: Any) -> None:
    root, real = make_repo(), shutil.which("git")
    mortal = tmp_path / "bin" / "git"
    mortal.parent.mkdir()
    mortal.write_text(
        f'#!/bin/sh\ncase " $* " in *" config --file "*) if mkdir {tmp_path}/once; then touch "${{6}}.lock"; kill -9 $$; fi;; esac\n'
        f'exec {real} "$@"\n'
    )
    mortal.chmod(0o755)
    monkeypatch.setenv("PATH", f"{mortal.parent}:{os.environ['PATH']}")
    monkeypatch.chdir(root)
    run(["init", "--yes"])
    assert (tmp_path / "once").exists()
    assert run(["init", "--yes"]) == 0
    assert not list((root / ".git").glob("*.lock"))
    assert not list((root / ".git").glob("autobuilds-*"))
    assert all(GitSurvey().setting(root, key) == value for key, value in initialising.driver_settings())


def test_the_owners_index_is_brought_up_to_date_though_a_git_of_ours_was_killed(make_repo: Make, tmp_path: Path, monkeypatch: Any) -> None:
    root, real = make_repo(), shutil.which("git")
    mortal = tmp_path / "bin" / "git"
    mortal.parent.mkdir()
    mortal.write_text(
        f'#!/bin/sh\ncase " $* " in *" update-index "*) if mkdir {tmp_path}/once; then kill -9 $$; fi;; esac\nexec {real} "$@"\n'
    )
    mortal.chmod(0o755)
    (root / "README.md").write_text("changed\n")
    monkeypatch.setenv("PATH", f"{mortal.parent}:{os.environ['PATH']}")
    GitRepo(root).commit(["README.md"], "Changed\n")
    assert (tmp_path / "once").exists()
    assert git(root, "status", "--porcelain") == ""
