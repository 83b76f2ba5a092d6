"""The derived progress log, word for word: from what an agent is seen doing to what passed in the end."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobuilds.adapters.supervisor.derived import DerivedLog
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.domain.agents import Activity, ActivityKind, Todo
from autobuilds.domain.build import Check
from autobuilds.domain.progress import ProgressStatus
from autobuilds.ports import Job
from autobuilds.records import replace
from autobuilds.store.progress_file import add_answer
from tests.adapters.attempts import job_for

NOW = datetime(2026, 2, 6, 15, 4, tzinfo=UTC)


@dataclass
class Seen:
    """What a stream tells a log."""

    seen: deque[tuple[datetime, Activity]] = field(default_factory=deque)
    todos: tuple[Todo, ...] = ()
    files: tuple[str, ...] = ()

    def does(self, text: str) -> None:
        self.seen.append((NOW, Activity(kind=ActivityKind.TOOL, text=text)))


class Desk:
    """A job with one criterion that has a command and one that has none, its log, and what its agent is seen doing."""

    def __init__(self, workspace: Path, **more: Any) -> None:
        self.job: Job = job_for(workspace, "true", attempt_id="demo-1", **{"checks": ["make test"], "claims": ["It *works*"], **more})
        self.folder = RunFolder.of(workspace, "demo-1")
        self.folder.make()
        self.stream = Seen()
        self.log = DerivedLog(job=self.job, folder=self.folder)

    def begun(self) -> DerivedLog:
        self.log.begin(NOW)
        self.log.follow(self.stream)  # type: ignore[arg-type]
        return self.log

    def looked(self) -> str:
        """Look once more, as a second later, and return the log."""
        self.log._at -= 1.0
        self.log.look(NOW)
        return self.text

    @property
    def text(self) -> str:
        return self.log.path.read_text()

    def part(self, name: str) -> list[str]:
        """Return the lines of one section."""
        return self.text.partition(f"## {name}\n")[2].partition("\n\n")[0].split("\n")

    def head(self, name: str) -> str:
        return next(row for row in self.text.split("\n") if row.startswith(f"{name}: ")).removeprefix(f"{name}: ")


@pytest.fixture
def desk(make_repo: Callable[..., Path]) -> Desk:
    return Desk(make_repo())


def log_of(status: str, percent: int, steps: str, entries: str, files: str = "") -> str:
    return f"""---
label: "demo"
attempt: 1
status: {status}
percent: {percent}
updated: 2026-02-06T15:04:00+00:00
blockers: []
questions: []
deliverables: []
---
# Demo

## Task Breakdown
{steps}

## Log
{entries}

{files}## Deliverables
None

## Blockers
None

## Questions
None
"""


def test_a_log_from_begin_to_end(desk: Desk) -> None:
    log = desk.begun()
    open_steps = "- [ ] \\`make test\\`\n- [ ] It \\*works\\*"
    first = "- 2026-02-06 15:04 Attempt 1 began with the agent command."
    assert desk.text == log_of("working", 0, open_steps, first)
    assert desk.folder.progress.read_text() == desk.text
    assert desk.log.path.stat().st_mode & 0o777 == desk.folder.progress.stat().st_mode & 0o777 == 0o644
    desk.stream.does("runs `make`")
    desk.stream.todos = (Todo(text="one", state="done"), Todo(text="two *now*", state="doing"), Todo(text="three"))
    desk.stream.files = ("src/a.py", "b`c")
    steps = f"{open_steps}\n- [x] one\n- [ ] two \\*now\\*\n- [ ] three"
    files = "## Files\n- `src/a.py`\n- ``b`c``\n\n"
    seen = f"{first}\n- 2026-02-06 15:04 runs \\`make\\`"
    assert desk.looked() == log_of("working", 33, steps, seen, files)
    log.agent_ended(NOW, "exit status 0", well=True)
    ended = f"{seen}\n- 2026-02-06 15:04 The agent ended with exit status 0."
    claimed = steps.replace("- [ ] It \\*works\\*", "- [x] It \\*works\\*\n  Evidence: the steps ended with exit status 0")
    assert desk.text == log_of("working", 90, claimed, ended, files)
    checks = (
        Check(text="`make test`", passed=True, command="make test"),
        Check(text="It *works*", passed=True),
    )
    log.finish(NOW, checks, "1 check passed", well=True)
    passed = claimed.replace("- [ ] \\`make test\\`", "- [x] \\`make test\\`\n  Evidence: its command passed")
    assert desk.text == log_of("done", 100, passed, f"{ended}\n- 2026-02-06 15:04 Done: 1 check passed.", files)


def test_an_attempt_that_fails_claims_nothing(desk: Desk) -> None:
    log = desk.begun()
    desk.stream.todos = (Todo(text="one", state="done"), Todo(text="two"))
    log.agent_ended(NOW, "exit status 3", well=False)
    assert (desk.head("status"), desk.head("percent")) == ("working", "50")
    assert desk.part("Task Breakdown") == ["- [ ] \\`make test\\`", "- [ ] It \\*works\\*", "- [x] one", "- [ ] two"]
    log.finish(NOW, (Check(text="`make test`", passed=False, command="make test", exit_code=2),), "1 of 1 check failed", well=False)
    assert (desk.head("status"), desk.head("percent")) == ("failed", "50")
    assert desk.part("Task Breakdown") == ["- [ ] \\`make test\\`", "- [ ] It \\*works\\*", "- [x] one", "- [ ] two"]
    assert [row[19:] for row in desk.part("Log")[1:]] == ["The agent ended with exit status 3.", "Failed: 1 of 1 check failed."]


def test_only_steps_claim_by_their_exit_status(make_repo: Callable[..., Path]) -> None:
    desk = Desk(make_repo(), agent="claude")
    desk.begun().agent_ended(NOW, "exit status 0", well=True)
    assert desk.head("percent") == "90"
    assert "Evidence" not in desk.text
    assert desk.log.read().evidence == ()


def test_a_criterion_is_ticked_where_all_its_commands_passed(desk: Desk) -> None:
    log = desk.begun()
    log.agent_ended(NOW, "x", well=False)
    checks = (
        Check(text="both", passed=True, command="a"),
        Check(text="both", passed=False, command="b"),
        Check(text="one", passed=True, command="c"),
        Check(text="claim", passed=True),
        Check(text="none", passed=False, command="d"),
    )
    log.finish(NOW, checks, "x", well=False)
    assert dict(log.read().evidence) == {"one": "its command passed"}


@pytest.mark.parametrize(
    ("states", "percent"),
    [("d", 90), ("do", 50), ("ddo", 66), ("ddddddddddo", 90), ("dddddddddo", 90), ("ddddddddoo", 80), ("o", 0), ("", 0)],
)
def test_how_far_a_to_do_list_says_it_is(desk: Desk, states: str, percent: int) -> None:
    desk.begun()
    desk.stream.todos = tuple(Todo(text=str(n), state="done" if state == "d" else "open") for n, state in enumerate(states))
    desk.stream.does("something")
    desk.looked()
    assert desk.head("percent") == str(percent)


def test_the_log_is_written_when_something_changed_and_once_a_second(desk: Desk) -> None:
    log = desk.begun()
    assert "Attempt 1 began" in desk.looked()

    def written() -> bool:
        """Look, and return whether that wrote the log."""
        log.path.unlink(missing_ok=True)
        log._at -= 1.0
        log.look(NOW)
        return log.path.exists()

    assert not written()
    link = desk.folder.scratch / "link"
    link.symlink_to("elsewhere")
    changes: list[Callable[[], object]] = [
        lambda: desk.stream.does("first"),
        lambda: desk.stream.does("first"),
        lambda: setattr(desk.stream, "todos", (Todo(text="x"),)),
        lambda: setattr(desk.stream, "files", ("a",)),
        lambda: add_answer(desk.folder.progress, "yes", NOW),
        lambda: os.replace(link, desk.folder.progress),
    ]
    for number, change in enumerate(changes):
        change()
        log.path.unlink(missing_ok=True)
        log._at = time.monotonic()
        log.look(NOW)
        assert not log.path.exists(), "within the second"
        assert written(), number
        assert not written(), number
    assert "- The agent's own progress log is a symbolic link; it is not read." in changes_text(desk)


def changes_text(desk: Desk) -> str:
    desk.stream.does("more")
    return desk.looked()


def test_what_is_long_is_cut_and_what_is_much_is_left_out(make_repo: Callable[..., Path]) -> None:
    desk = Desk(make_repo(), name="n" * 201, claims=["c" * 201], checks=[])
    desk.begun()
    desk.stream.todos = tuple(Todo(text=f"{number} " + "t" * 300) for number in range(51))
    desk.stream.files = tuple(f"{number}-" + "f" * 300 for number in range(21))
    desk.stream.does("s" * 401)
    desk.looked()
    assert "# " + "n" * 199 + "…\n" in desk.text
    steps = desk.part("Task Breakdown")
    assert steps[0] == "- [ ] " + "c" * 199 + "…" and len(steps) == 51
    assert steps[1] == "- [ ] 0 " + "t" * 197 + "…" and steps[-1].startswith("- [ ] 49 ")
    files = desk.part("Files")
    assert files[0] == "- `1-" + "f" * 197 + "…`" and len(files) == 20 and files[-1].startswith("- `20-")
    assert desk.part("Log")[1] == "- 2026-02-06 15:04 " + "s" * 399 + "…"


def test_without_criteria_and_to_dos_there_are_no_steps(make_repo: Callable[..., Path]) -> None:
    desk = Desk(make_repo(), claims=[], checks=[])
    desk.begun()
    assert desk.part("Task Breakdown") == ["(no completion criteria)"]
    assert "## Files" not in desk.text


def test_a_to_do_is_no_evidence(desk: Desk) -> None:
    desk.begun()
    desk.stream.todos = (Todo(text="x Evidence: it works"), Todo(text="EVIDENCE** : all"), Todo(text="evidence of it"))
    desk.looked()
    assert desk.part("Task Breakdown")[2:] == ["- [ ] x evidence - it works", "- [ ] evidence\\*\\* - all", "- [ ] evidence of it"]
    assert desk.log.read().evidence == ()


def test_the_agents_own_log_is_shown_in_place_of_ours(desk: Desk) -> None:
    log = desk.begun()
    own = "---\nstatus: blocked\n---\n## Log\n- \x1b[31mmine\u202e\n"
    shown = "---\nstatus: blocked\n---\n## Log\n- mine\n"
    desk.folder.progress.write_text(own)
    assert not log.ours
    assert desk.looked() == shown
    log.path.unlink()
    log._at -= 1.0
    log.look(NOW)
    assert not log.path.exists(), "it has not changed"
    assert log.read().status is ProgressStatus.BLOCKED
    steps: list[Callable[[], object]] = [
        lambda: log.agent_ended(NOW, "exit status 0", well=True),
        lambda: log.finish(NOW, (Check(text="`make test`", passed=True, command="x"),), "fine", well=True),
    ]
    for step in steps:
        own += "- more\n"
        desk.folder.progress.write_text(own)
        step()
        assert desk.text == (shown := shown + "- more\n")
    assert log.read().evidence == ()


def test_what_the_agent_left_as_it_was_given_is_not_its_own(desk: Desk) -> None:
    log = desk.begun()
    assert log.ours
    desk.folder.progress.unlink()
    assert log.ours and log.read().found
    desk.folder.progress.write_text("")
    assert not log.ours


def test_the_last_answers_are_shown(desk: Desk) -> None:
    log = desk.begun()
    text = desk.folder.progress.read_text()
    rows = [f"- 2026-02-06 15:04 Answer of the owner: {number} \\*{'a' * 500}\\*" for number in range(51)]
    desk.folder.progress.write_text(text.replace("## Log\n", "## Log\n" + "".join(f"{row}\n" for row in rows)))
    assert log.ours
    desk.looked()
    answers = [row for row in desk.part("Log") if "Answer" in row]
    assert len(answers) == 50
    assert answers[0].startswith("- 2026-02-06 15:04 Answer of the owner: 1 \\*aaa") and answers[0].endswith("aaa…")
    assert len(answers[0].replace("\\", "")) == 402
    desk.folder.progress.write_text(text + "Answer of the owner: x\n")
    assert not log.ours, "only an entry is one"


def test_a_log_that_can_not_be_written_stops_nothing(desk: Desk) -> None:
    log = desk.begun()
    os.remove(log.path)
    log.path.mkdir()
    (log.path / "x").write_text("")
    desk.stream.does("more")
    log._at -= 1.0
    log.look(NOW)
    log.agent_ended(NOW, "exit status 0", well=True)
    log.finish(NOW, (), "fine", well=True)
    assert log.path.is_dir()


def test_where_nothing_can_be_written_the_agent_begins_without_a_log(make_repo: Callable[..., Path]) -> None:
    workspace = make_repo({"file": ""})
    desk = Desk(workspace)
    desk.log.job = replace(desk.job, progress_file=str(workspace / "file" / "progress.md"))
    desk.log.begin(NOW)
    assert not desk.folder.scratch.exists()
    assert desk.log.ours
    desk = Desk(workspace)
    desk.folder.scratch.write_text("in the way")
    desk.log.begin(NOW)
    assert desk.log.path.exists() and desk.folder.scratch.is_file()


def test_where_the_agent_never_began_what_was_seen_comes_before_the_end(desk: Desk) -> None:
    log = desk.begun()
    desk.stream.does("something")
    log.finish(NOW, (), "no clone", well=False)
    assert [row[19:] for row in desk.part("Log")] == ["Attempt 1 began with the agent command.", "something", "Failed: no clone."]


def test_only_the_last_write_of_a_log_is_made_durable_with_its_name(
    make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_repo()
    place = workspace / "deep" / "er"
    desk = Desk(workspace, name="n\udcff")
    desk.log.job = replace(desk.job, progress_file=str(place / "progress.md"))
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.path.isdir(f"/proc/self/fd/{fd}")))
    log = desk.begun()
    synced.clear()
    desk.stream.does("something")
    desk.looked()
    assert synced == [False]
    log.agent_ended(NOW, "exit status 0", well=True)
    assert synced == [False, False]
    log.finish(NOW, (), "fine", well=True)
    assert synced == [False, False, False, True]
    assert "\n# n" in desk.text


def test_secrets_are_marked_in_what_is_shown_and_not_in_what_is_the_agents(make_repo: Callable[..., Path]) -> None:
    desk = Desk(make_repo(), environment={"X_KEY": "sk-0123456789abcdef"})
    desk.begun()
    desk.stream.does("uses sk-0123456789abcdef")
    assert "uses [value of X_KEY]" in desk.looked().replace("\\", "")
