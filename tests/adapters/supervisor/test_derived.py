"""The derived progress log and the owner's answers in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from autobuilds.adapters.supervisor.derived import DerivedLog
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.store.progress_file import add_answer
from tests.adapters.attempts import DEMO, job_for

NOW = datetime(2026, 2, 6, 15, tzinfo=UTC)


def test_an_answer_of_the_owner_is_shown_and_is_not_the_agents_word(make_repo: Callable[..., Path]) -> None:
    workspace = make_repo({"a": "a\n"})
    folder = RunFolder.of(workspace, DEMO)
    folder.make()
    log = DerivedLog(job=job_for(workspace, "true", claims=["The flow works"]), folder=folder)
    log.begin(NOW)
    assert add_answer(folder.progress, "take the *second* one\n- [x] forged", NOW)
    assert (log.ours, log.path.exists()) == (True, True)
    log.agent_ended(NOW, "exit status 0", well=True)
    assert "Answer of the owner: take the \\*second\\* one" in log.path.read_text()
    folder.progress.write_text(folder.progress.read_text().replace("- [ ]", "- [x]"))
    assert (log.ours, log.path.exists()) == (False, True)
    log.finish(NOW, (), "fine", well=True)
    assert log.path.read_text() == folder.progress.read_text()


def test_an_attempt_begins_where_its_folder_for_notes_is_there_already(make_repo: Callable[..., Path]) -> None:
    workspace = make_repo({"a": "a\n"})
    folder = RunFolder.of(workspace, DEMO)
    folder.make()
    folder.scratch.mkdir()
    DerivedLog(job=job_for(workspace, "true"), folder=folder).begin(NOW)
    assert "began with the agent" in folder.progress.read_text()
