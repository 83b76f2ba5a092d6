"""The commands that write the queue: what stands there afterwards, what is said, what is refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.conftest import git


def test_add_writes_every_option_and_says_what_happens_next(desk: Desk) -> None:
    (desk.root / "steps.sh").write_text("echo 1\necho 2\n")
    said = desk.type(
        *("add", "Spotify Integration", "--desc", "Build OAuth", "--priority", "high", "--criterion", "Tests pass: `true`"),
        *("--criterion", "It sings", "--time", "4-6 hours", "--tech", "Python, Spotipy", "--category", "New features"),
        *("--blocker", "API key", "--depends-on", "fix-the-clock, Describe the clock", "--touches", "src/{a,b}/**, docs/*"),
        *("--not-before", "2026-02-07 08:00", "--repository", "../other", "--agent", "claude", "--base", "main", "--role", "builder"),
        *(
            "--timeout",
            "90 min",
            "--deliverable",
            "README.md",
            "--label",
            "spot",
            "--source",
            "owner",
            "--notes",
            "soon",
            "--window",
            "overnight",
        ),
        *("--steps", "steps.sh", "--added", "2026-02-01 09:30"),
    )
    assert said.status == 0
    assert said.out.startswith("spot added (high priority, BUILD_QUEUE.md:6): Spotify Integration\nnext: ")
    task = desk.type("show", "spot", "--json").json["task"]
    assert task["added"] == "2026-02-01T09:30:00+00:00"
    assert [(c["text"], c["command"]) for c in task["criteria"]] == [("Tests pass: `true`", "true"), ("It sings", None)]
    assert task["estimated_minutes"] == {"min": 240, "max": 360}
    assert task["depends_on"] == ["fix-the-clock", "describe-the-clock"]
    assert task["touches"] == ["src/{a,b}/**", "docs/*"]
    assert task["not_before"] == "2026-02-07T08:00:00+00:00"
    assert task["timeout_minutes"] == 90
    assert task["steps"].split("\n")[:2] == ["echo 1", "echo 2"]
    plain = {
        key: task[key]
        for key in ("blockers", "repository", "agent", "base", "role", "deliverables", "source", "notes", "category", "window")
    }
    assert plain == {
        "blockers": ["API key"],
        "repository": "../other",
        "agent": "claude",
        "base": "main",
        "role": "builder",
        "window": "overnight",
        "deliverables": ["README.md"],
        "source": "owner",
        "notes": "soon",
        "category": "New features",
    }
    assert git(desk.root, "log", "-1", "--format=%s%n%(trailers:only)") == "autobuilds(spot): added to the queue\nBuild: spot\nEvent: added"
    assert git(desk.root, "status", "--porcelain") == "?? steps.sh"


def test_add_names_the_first_obstacle(desk: Desk) -> None:
    later = desk.type("add", "Tidy", "--desc", "Remove `x` from clock.py", "--criterion", "gone: `! grep x clock.py`", "--not-before", "3h")
    assert "next: " in later.out
    answer = desk.type("add", "Sort", "--json").json
    assert (answer["schema"], answer["kind"], answer["task"]["label"]) == (1, "add", "sort")
    assert answer["next"]["gate"] == "requirements"
    assert answer["next"]["verdict"] == "ask"


def test_add_takes_the_time_and_medium_where_nothing_is_given(desk: Desk) -> None:
    desk.type("add", "Sort")
    assert "- [ ] Sort - Added: 2026-02-06 16:00 - Priority: Medium\n" in desk.queue


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["Fix the clock"], "BUILD_QUEUE.md:4: there is a task 'Fix the clock'"),
        (["X", "--priority", "hgih"], 'unknown priority "hgih" (did you mean "High"?); high, medium and low are allowed'),
        (["X", "--time", "soon"], '--time "soon" is no estimate: write it as 4 hours'),
        (["X", "--timeout", "-1"], '--timeout "-1" is no length of time'),
        (["X", "--not-before", "someday"], '--not-before "someday" is no time: write YYYY-MM-DD HH:MM'),
        (["X", "--added", "2026-13-01"], '--added "2026-13-01" is no time'),
        (["X", "--label", "A b"], "'A b' is no label; 'a-b' would be one"),
        (["X - Priority: High"], "which would be read as the task's Priority"),
        (["a\nb"], "a name may not hold a line break"),
        (["!!!"], "neither letters nor digits"),
        ([""], "a task needs a name"),
        (["X", "--steps", "nowhere.sh"], "--steps nowhere.sh: No such file"),
        (["X", "--criterion", "a\nb"], "Completion Criteria may not hold a line break"),
        (["X", "--desc", "a\x1bb"], "control character"),
        (["X", "--jsonl", "-"], "--jsonl stands alone"),
        (["--desc", "no name"], "name the task"),
        (["X", "--prioritty", "high"], "No such option"),
    ],
)
def test_bad_values_are_refused_in_one_line_and_nothing_is_written(desk: Desk, args: list[str], message: str) -> None:
    before, commits = desk.queue, git(desk.root, "rev-list", "--count", "HEAD")
    said = desk.type("add", *args)
    assert (said.status, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1
    assert (desk.queue, git(desk.root, "rev-list", "--count", "HEAD")) == (before, commits)
    assert list((desk.root / ".autobuilds").glob("outbox/*")) == []


def test_what_is_not_quite_right_is_added_with_a_warning(desk: Desk) -> None:
    said = desk.type("add", "Sort", "--depends-on", "nowhere", "--category", "Bug fixs", "--desc", "one two", "--priority", "HIGH")
    assert said.status == 0
    assert 'depends on "nowhere", but there is no such task' in said.err
    assert 'no category "Bug fixs" (did you mean "Bug fixes"?)' in said.err
    assert "- **Description:** one two\n" in desk.queue


def test_a_hand_edit_is_committed_first_and_as_the_owners(desk: Desk) -> None:
    with (desk.root / "BUILD_QUEUE.md").open("a") as file:
        file.write("\nby hand\n")
    desk.type("add", "Sort")
    log = git(desk.root, "log", "-2", "--format=%an: %s").split("\n")
    assert log == ["autobuilds: autobuilds(sort): added to the queue", "Olive Owner: autobuilds: BUILD_QUEUE.md edited by hand"]


def test_no_commit_leaves_the_commit_out(desk: Desk) -> None:
    commits = git(desk.root, "rev-list", "--count", "HEAD")
    assert desk.type("add", "Sort", "--no-commit").status == 0
    assert "- [ ] Sort" in desk.queue
    assert git(desk.root, "rev-list", "--count", "HEAD") == commits


def test_add_while_git_is_busy_is_written_and_said(desk: Desk) -> None:
    (desk.root / ".git" / "MERGE_HEAD").write_text(git(desk.root, "rev-parse", "HEAD") + "\n")
    said = desk.type("add", "Sort")
    assert said.status == 0
    assert "written, but not committed yet: a merge is in progress" in said.err
    (desk.root / ".git" / "MERGE_HEAD").unlink()
    desk.type("set", "sort", "time", "1h")
    assert git(desk.root, "log", "-2", "--format=%s").split("\n") == [
        "autobuilds(sort): Estimated Time set to 1h",
        "autobuilds(sort): added to the queue",
    ]


def test_add_does_not_wait_for_a_heartbeat(desk: Desk) -> None:
    from autobuilds.store.files import Lock

    with Lock(desk.root / ".autobuilds" / "heartbeat.lock", what="a long heartbeat", wait=1):
        assert desk.type("add", "Sort").status == 0


def test_many_tasks_from_json_lines_in_one_commit(desk: Desk) -> None:
    lines = [
        {
            "name": "One",
            "desc": "first",
            "criteria": [{"text": "a: `true`", "checked": True, "command": "true"}, "b"],
            "estimated_minutes": {"min": 60, "max": 90},
        },
        {"name": "Two", "depends-on": "One", "priority": "low", "time": "2h", "timeout_minutes": 30, "approved": True, "blocker": "x"},
        {"name": "Three", "section": "completed", "completed": "2026-02-05 10:00", "notes": None},
    ]
    said = desk.type("add", "--jsonl", "-", "--json", stdin="\n\n".join(json.dumps(line) for line in lines))
    assert said.status == 0
    tasks = said.json["tasks"]
    assert [(t["label"], t["section"], t["approved"]) for t in tasks] == [
        ("one", "active", False),
        ("two", "active", False),
        ("three", "completed", False),
    ]
    assert [c["checked"] for c in tasks[0]["criteria"]] == [True, False]
    assert tasks[0]["estimated_minutes"] == {"min": 60, "max": 90}
    assert (tasks[1]["depends_on"], tasks[1]["timeout_minutes"], tasks[1]["blockers"]) == (["one"], 30, ["x"])
    assert tasks[2]["completed"] == "2026-02-05T10:00:00+00:00"
    assert "stdin:3: approved is not taken over" in said.err
    assert git(desk.root, "log", "-1", "--format=%s") == "autobuilds: 3 tasks added: one, two, three"


def test_what_list_says_can_be_added_elsewhere(desk: Desk, make_repo: object, tmp_path: Path) -> None:
    listed = desk.type("list", "--json").json["tasks"]
    assert callable(make_repo)
    other = make_repo({"BUILD_QUEUE.md": "# Q\n\n## Active Queue\n"}, name="other")
    (tmp_path / "tasks.jsonl").write_text("\n".join(json.dumps(task) for task in listed))
    assert desk.type("add", "--jsonl", str(tmp_path / "tasks.jsonl"), "--workspace", str(other)).status == 0
    again = desk.type("list", "--json", "--workspace", str(other)).json["tasks"]
    ignored = {"line", "end_line"}
    by_label = {task["label"]: {key: value for key, value in task.items() if key not in ignored} for task in again}
    for task in listed:
        assert by_label[task["label"]] == {key: value for key, value in task.items() if key not in ignored}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "stdin:2: not JSON"),
        ("[1]", "stdin:2: not an object"),
        ('{"name": "X", "prioritty": "low"}', 'stdin:2: unknown key "prioritty" (did you mean "priority"?)'),
        ('{"name": 7}', 'stdin:2: name is not a text but "7"'),
        ('{"name": "X", "criteria": [1]}', "stdin:2: criteria is not a list of texts"),
        ('{"name": "X", "priority": "urgent"}', 'stdin:2: unknown priority "urgent"'),
        ('{"name": "X", "desc": "a", "description": "b"}', "a second time"),
        ('{"name": "X", "section": "later"}', "active and completed are allowed"),
        ('{"name": "X", "estimated_minutes": {"min": 0, "max": 1}}', "whole number of minutes"),
        ('{"name": "X", "checked": "yes"}', "checked is neither true nor false"),
        ('{"name": "Fix the clock"}', "stdin:2: BUILD_QUEUE.md:4: there is a task"),
        ('{"name": "Good"}', "stdin:2: BUILD_QUEUE.md:6: there is a task"),
        ('{"name": "???"}', "stdin:2: the name '???' has neither letters nor digits"),
        ('{"name": "A - Priority: High"}', "stdin:2: the name"),
    ],
)
def test_one_bad_line_means_that_nothing_is_added(desk: Desk, line: str, message: str) -> None:
    before = desk.queue
    said = desk.type("add", "--jsonl", "-", stdin='{"name": "Good"}\n' + line + "\n")
    assert (said.status, said.out, desk.queue) == (2, "", before)
    assert message in said.err
    assert said.err.count("\n") == 1


def test_an_empty_or_unreadable_file_of_tasks_is_refused(desk: Desk) -> None:
    assert "holds no task" in desk.type("add", "--jsonl", "-", stdin="\n").err
    (desk.root / "latin").write_bytes(b'{"name": "\xe9"}')
    assert "not UTF-8 (byte 11)" in desk.type("add", "--jsonl", "latin").err


def test_the_form_asks_on_a_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    from autobuilds.cli.app import run

    answers = ["Sort the list", "`sort.py` sorts", "sorted: `true`", "", "hgih", "low", "soon", "1h", "Bug fixes"]
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join(answers) + "\n"))
    assert run(["add"]) == 0
    task = desk.type("show", "sort-the-list", "--json").json["task"]
    assert (task["priority"], task["category"], task["estimated_minutes"]) == ("low", "Bug fixes", {"min": 60, "max": 60})
    assert [c["text"] for c in task["criteria"]] == ["sorted: `true`"]


@pytest.mark.parametrize(
    ("field", "value", "key", "expected"),
    [
        ("Priority", "low", "priority", "low"),
        ("priority", "MEDIUM", "priority", "medium"),
        ("estimated_time", "4h", "estimated_minutes", {"min": 240, "max": 240}),
        ("desc", "Something else", "description", "Something else"),
        ("depends on", "describe-the-clock", "depends_on", ["describe-the-clock"]),
        ("touches", "a/**, b/**", "touches", ["a/**", "b/**"]),
        ("not-before", "2026-02-08 09:00", "not_before", "2026-02-08T09:00:00+00:00"),
        ("name", "FIX the clock", "name", "FIX the clock"),
        ("window", "overnight", "window", "overnight"),
        ("category", "", "category", None),
        ("steps", "", "steps", None),
        ("blockers", "", "blockers", []),
        ("notes", "n", "notes", "n"),
        ("approved", "no", "approved", False),
        ("timeout", "2h", "timeout_minutes", 120),
    ],
)
def test_set_changes_one_field(desk: Desk, field: str, value: str, key: str, expected: object) -> None:
    before = desk.type("show", "fix-the-clock", "--json").json["task"]
    said = desk.type("set", "fix-the-clock", field, value, "--json")
    assert (said.status, said.json["kind"]) == (0, "set")
    after = said.json["task"]
    assert after[key] == expected
    moving = {key, "line", "end_line"}
    assert {k: v for k, v in after.items() if k not in moving} == {k: v for k, v in before.items() if k not in moving}


def test_set_several_criteria_and_steps_of_several_lines(desk: Desk) -> None:
    criteria = desk.type("set", "fix-the-clock", "criteria", "a", "b: `true`", "--json").json["task"]["criteria"]
    assert [(c["text"], c["command"]) for c in criteria] == [("a", None), ("b: `true`", "true")]
    steps = desk.type("set", "fix-the-clock", "steps", "-", "--json", stdin="echo 1\n\necho 2\n").json["task"]["steps"]
    assert steps.strip("\n") == "echo 1\n\necho 2"


def test_set_to_what_is_there_makes_no_commit(desk: Desk) -> None:
    commits = git(desk.root, "rev-list", "--count", "HEAD")
    said = desk.type("set", "fix-the-clock", "priority", "high")
    assert (said.status, said.out) == (0, "fix-the-clock: Priority is high already; nothing was changed\n")
    assert git(desk.root, "rev-list", "--count", "HEAD") == commits


def test_set_approved_binds_the_approval_to_the_text(desk: Desk) -> None:
    assert desk.type("set", "describe-the-clock", "approved", "yes").status == 0
    assert "olive@example.org" in (desk.root / "subagents" / "active.json").read_text()
    assert desk.type("show", "describe-the-clock", "--json").json["task"]["approved"] is True


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["nope", "priority", "low"], 1, 'no task or build "nope"'),
        (["fix-the-clokc", "priority", "low"], 1, 'did you mean "fix-the-clock"?'),
        (["fix-the-clock", "prority", "low"], 2, "did you mean 'Priority'?"),
        (["fix-the-clock", "priority", "hgih"], 2, "unknown priority 'hgih'"),
        (["fix-the-clock", "time", "soon"], 2, '"soon" is no estimate'),
        (["fix-the-clock", "timeout", "soon"], 2, '"soon" is no length of time'),
        (["fix-the-clock", "not before", "soon"], 2, "is no time"),
        (["fix-the-clock", "approved", "perhaps"], 2, 'write yes, or no (or "")'),
        (["fix-the-clock", "label", "other"], 2, "can't be changed"),
        (["fix-the-clock", "label", ""], 2, "can't be taken away"),
        (["fix-the-clock", "name", "Another"], 2, "the label would change"),
        (["fix-the-clock", "name", ""], 2, "a name can't be empty"),
        (["fix-the-clock", "desc", "a\nb"], 2, "line break"),
        (["fix-the-clock", "priority"], 2, "Missing argument"),
    ],
)
def test_set_refuses_what_cannot_be_meant(desk: Desk, args: list[str], status: int, message: str) -> None:
    before = desk.queue
    said = desk.type("set", *args)
    assert (said.status, said.out, desk.queue) == (status, "", before)
    assert message in said.err


def test_tick_and_untick_a_criterion(desk: Desk) -> None:
    assert desk.type("tick", "fix-the-clock", "2").out == "fix-the-clock: criterion 2 ticked: The manual shows it\n"
    assert "  - [x] The manual shows it\n" in desk.queue
    answer = desk.type("tick", "fix-the-clock", "2", "--off", "--json").json
    assert (answer["kind"], answer["task"]["criteria"][1]["checked"]) == ("tick", False)
    refused = desk.type("tick", "fix-the-clock", "3")
    assert (refused.status, refused.out) == (1, "")
    assert desk.type("tick", "fix-the-clock", "0").status == 2


def test_the_box_of_a_task_is_ticked_and_unticked(desk: Desk) -> None:
    path = desk.root / "BUILD_QUEUE.md"
    path.write_text(desk.queue.replace("- [ ] Describe", "- [x] Describe"))
    assert desk.type("tick", "describe-the-clock", "--off").status == 0
    assert "- [ ] Describe" in desk.queue
    assert desk.type("tick", "describe-the-clock").status == 0
    assert "- [x] Describe the clock - Added: 2026-02-06 15:05 - Priority: Low - Completed: 2026-02-06 16:00" in desk.queue
    off = desk.type("tick", "describe-the-clock", "--off")
    assert (off.status, "autobuilds reopen describe-the-clock" in off.err) == (1, True)
    assert desk.type("tick", "describe-the-clock").status == 1


def test_block_and_unblock(desk: Desk) -> None:
    assert desk.type("block", "describe-the-clock", "the ink", "--json").json["task"]["blockers"] == ["the ink"]
    before = desk.queue
    again = desk.type("block", "describe-the-clock", "the ink")
    assert again.out == "describe-the-clock: blocked by the ink already; nothing was changed\n"
    assert desk.queue == before
    assert desk.type("unblock", "describe-the-clock").out == "describe-the-clock: no open blocker is left\n"
    assert desk.type("unblock", "describe-the-clock").status == 1
    many = desk.type("unblock", "fix-the-clock")
    assert (many.status, "1. The font; 2. The paper" in many.err) == (2, True)
    assert desk.type("unblock", "fix-the-clock", "1").out == "fix-the-clock: still blocked by The paper\n"
    assert "  - [x] The font\n" in desk.queue
    assert desk.type("unblock", "fix-the-clock", "5").status == 1
    assert desk.type("block", "fix-the-clock", "the glass").status == 0
    assert desk.type("unblock", "fix-the-clock", "--all", "--json").json["task"]["blockers"] == []
    assert desk.type("block", "fix-the-clock", " ").status == 2
    assert desk.type("unblock", "fix-the-clock", "1", "--all").status == 2


TABLE = "| Task | Status | Prio | Estimate |\n|---|---|---|---|\n| Oil it | todo | P1 | 3h |\n| Fix the clock | todo | | |\n| Old | done | low | |\n"


def test_import_shows_then_writes(desk: Desk) -> None:
    (desk.root / "plan.md").write_text(TABLE)
    before = desk.queue
    shown = desk.type("import", "plan.md", "--dry-run")
    assert (shown.status, desk.queue) == (0, before)
    assert "- [ ] Oil it - Added: 2026-02-06 16:00 - Priority: High" in shown.out
    assert "the queue has a task 'fix-the-clock' already, skipped" in shown.out
    plain = desk.type("import", "plan.md", "--dry-run", "--json").json
    assert (plain["kind"], plain["shape"], plain["written"]) == ("import", "table", False)
    assert [(t["label"], t["section"]) for t in plain["tasks"]] == [("oil-it", "active"), ("old", "completed")]
    refused = desk.type("import", "plan.md")
    assert (refused.status, refused.out, "--yes writes without asking" in refused.err) == (2, "", True)
    written = desk.type("import", "-", "--shape", "table", "--yes", "--json", stdin=TABLE).json
    assert (written["written"], written["tasks"][0]["label"], written["tasks"][0]["priority"]) == (True, "oil-it", "high")
    assert git(desk.root, "log", "-1", "--format=%s") == "autobuilds: 2 tasks added: oil-it, old"
    again = desk.type("import", "plan.md", "--yes")
    assert (again.status, again.out) == (1, "")


def test_import_asks_on_a_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from autobuilds.cli.app import run

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    (desk.root / "plan.md").write_text("- [ ] Oil it\n")
    before = desk.queue
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert run(["import", "plan.md", "--shape", "list"]) == 130
    assert desk.queue == before
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert run(["import", "plan.md", "--shape", "list"]) == 0
    assert "- [ ] Oil it" in desk.queue


@pytest.mark.parametrize(
    ("args", "stdin"),
    [
        (["nowhere.md", "--yes"], ""),
        (["-", "--yes"], "prose only"),
        (["-", "--yes", "--shape", "github"], "{"),
        (["-", "--yes", "--shape", "xml"], ""),
        (["-", "--yes", "--dry-run"], TABLE),
        (["BUILD_QUEUE.md", "--yes"], ""),
    ],
)
def test_import_refuses_what_it_cannot_read(desk: Desk, args: list[str], stdin: str) -> None:
    before = desk.queue
    said = desk.type("import", *args, stdin=stdin)
    assert (said.status, said.out, desk.queue) == (2, "", before)
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "args",
    [
        ("add", "X"),
        ("set", "fix-the-clock", "approved", "yes"),
        ("set", "fix-the-clock", "priority", "low"),
        ("tick", "fix-the-clock", "1"),
        ("block", "fix-the-clock", "x"),
        ("unblock", "fix-the-clock", "--all"),
        ("import", "-", "--yes"),
    ],
)
def test_a_build_may_not_edit_the_queue(desk: Desk, args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x-1")
    monkeypatch.delenv("AUTOBUILDS_NOW")
    before = desk.queue
    said = desk.type(*args)
    assert (said.status, said.out, desk.queue) == (2, "", before)
    assert "refused inside a build" in said.err


@pytest.mark.parametrize("args", [("add", "X"), ("set", "fix-the-clock", "time", "1h"), ("tick", "fix-the-clock", "1")])
def test_a_queue_that_cannot_be_trusted_is_not_touched(desk: Desk, args: tuple[str, ...]) -> None:
    path = desk.root / "BUILD_QUEUE.md"
    path.write_text(desk.queue + "\n<<<<<<< a\n=======\n>>>>>>> b\n")
    before = path.read_bytes()
    said = desk.type(*args)
    assert (said.status, said.out, path.read_bytes()) == (2, "", before)
    assert "BUILD_QUEUE.md:" in said.err


def test_the_installed_command_answers_the_same(desk: Desk) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("autobuilds")), "add", "Sort", "--json", "--workspace", str(desk.root)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=dict(os.environ),
        cwd="/",
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)["task"]["label"]) == (0, "sort")
