"""`autobuilds weekend`: proposals that change nothing, the owner's choice as one commit, and how it goes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from datetime import UTC
from pathlib import Path

import pytest

from autobuilds.cli.historical import run_script
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.weekend_file import NAME
from tests.cli.conftest import HEARTBEAT, Answered, Desk
from tests.conftest import git

FRIDAY = "2026-02-06T18:00:00+00:00"
SATURDAY = "2026-02-07T10:00:00+00:00"
SUNDAY = "2026-02-08T20:00:00+00:00"
QUEUE = """# Build Queue

## Active Queue
- [ ] Describe the commands - Added: 2026-02-01 10:00 - Priority: Medium
- [ ] Parse tables - Added: 2026-02-01 10:00 - Priority: Low
- [ ] Print tables - Added: 2026-02-01 10:00 - Priority: High
- [ ] Make it nicer - Added: 2026-02-01 10:00 - Priority: Low

## Task Details

### Describe the commands
- **Description:** `docs/commands.md` describes each of the 12 commands of `tool.py` with its options, in the order of `tool.py --help`.
- **Completion Criteria:**
  - [ ] Every command has a heading: `test "$(grep -c '^## ' docs/commands.md)" -ge 12`
  - [ ] Every option stands in it: `grep -q -- --verbose docs/commands.md`
  - [ ] Every example is there: `grep -q Example docs/commands.md`
- **Estimated Time:** 8-9 hours
- **Category:** Documentation
- **Tech Stack:** Markdown
- **Touches:** docs/**

### Parse tables
- **Description:** `tables.py` reads GitHub tables of `in.md` into lists of cells, escaped pipes included.
- **Completion Criteria:**
  - [ ] Its tests pass: `python3 -m unittest test_tables`
- **Estimated Time:** 5 hours
- **Category:** New features

### Print tables
- **Description:** `render.py` prints the lists of cells of `tables.py` as aligned tables, `|` escaped.
- **Completion Criteria:**
  - [ ] Its tests pass: `python3 -m unittest test_render`
- **Estimated Time:** 4 hours
- **Category:** New features
- **Depends On:** Parse tables

### Make it nicer
- **Description:** Make everything better.

## Ideas
- A **plug-in** system

## Completed
"""


@pytest.fixture
def weekend(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A workspace on a Friday at 18:00, whose queue holds projects."""
    (desk.root / "BUILD_QUEUE.md").write_text(QUEUE)
    git(desk.root, "add", "-A")
    git(desk.root, "commit", "-q", "-m", "queue")
    monkeypatch.setenv("AUTOBUILDS_NOW", FRIDAY)
    return desk


def ids(desk: Desk) -> dict[str, str]:
    """Return the ids of what is proposed by their titles."""
    return {p["title"]: p["id"] for p in desk.type("weekend", "suggest", "--json").json["proposals"]}


def commits(desk: Desk) -> list[str]:
    return git(desk.root, "log", "--format=%s").split("\n")


def test_a_suggestion_changes_no_file_of_the_owners(weekend: Desk) -> None:
    before, log = weekend.queue, commits(weekend)
    said = weekend.type("weekend", "suggest")
    assert said.status == 0
    assert "Weekend of 2026-02-07: 32 h free" in said.out
    assert "1. Describe the commands  9 h" in said.out or "2. Describe the commands  9 h" in said.out
    assert "Print tables, with 1 task linked to it 9 h" in " ".join(said.out.split())
    assert all(len(row) <= 80 for row in said.out.split("\n"))
    assert "BUILD_QUEUE.md:41: A plug-in system" in said.out
    assert "Nothing was written" in said.out
    assert weekend.queue == before and commits(weekend) == log and git(weekend.root, "status", "--porcelain") == ""


def test_as_json(weekend: Desk) -> None:
    found = weekend.type("weekend", "suggest", "--json").json
    assert (found["schema"], found["kind"], found["limit_minutes"]) == (1, "weekend-suggest", 720)
    assert found["free"]["minutes"] == 32 * 60 and len(found["free"]["free"]) == 2
    assert {p["title"] for p in found["proposals"]} >= {"Describe the commands", "Print tables, with 1 task linked to it"}
    assert found["ideas"] == [{"text": "A plug-in system", "line": 41}]
    one = next(p for p in found["proposals"] if p["kind"] == "task")
    assert [s["new"] for s in one["steps"]] == [True, True, False] and one["minutes"] == 540
    assert found["chosen"] is None and found["written_to"] is None


def test_the_page_of_a_friday(weekend: Desk) -> None:
    said = weekend.type("weekend", "suggest", "--write")
    assert (said.status, said.err) == (0, "written to build-reports/weekend-2026-02-07.md\n")
    page = (weekend.root / "build-reports" / "weekend-2026-02-07.md").read_text()
    assert page.startswith("# Weekend of 2026-02-07\n\nProposed 2026-02-06 18:00.") and "Describe the commands" in page
    assert commits(weekend)[0] == "autobuilds: proposals for the weekend of 2026-02-07"
    weekend.type("weekend", "suggest", "--write")
    assert commits(weekend)[1] != "autobuilds: proposals for the weekend of 2026-02-07", "the same page is no commit"


def test_a_choice_becomes_tasks_in_one_commit(weekend: Desk) -> None:
    wanted, log = ids(weekend)["Describe the commands"], commits(weekend)
    done = weekend.type("weekend", "start", wanted, "--yes", "--json")
    assert done.status == 0, done.err
    first, second = "describe-the-commands-part-1-of-3", "describe-the-commands-part-2-of-3"
    assert (done.json["changed"], done.json["approved"], done.json["asks"]) == (True, [first, second], [])
    assert len(commits(weekend)) == len(log) + 1
    queue = read_queue(weekend.queue.encode(), zone=UTC).queue
    assert not queue.problems
    parts = [queue.find(label) for label in (first, second, "describe-the-commands")]
    assert all(p is not None for p in parts)
    found = [p for p in parts if p is not None]
    assert [(p.estimate_text, p.window, p.depends_on, p.approved, p.source) for p in found] == [
        ("3 h", "weekend", (), True, "weekend plan 2026-02-07"),
        ("3 h", "weekend", (first,), True, "weekend plan 2026-02-07"),
        ("3 h", "weekend", (second,), False, None),
    ]
    assert (found[0].tech_stack, found[0].touches, found[0].category) == ("Markdown", ("docs/**",), "Documentation")
    assert [len(p.criteria) for p in found] == [1, 1, 3]
    assert sum(m["minutes"] for m in done.json["weekend"]["milestones"]) == 540
    others = read_queue(QUEUE.encode(), zone=UTC).queue
    assert all(queue.find(t.label) == t or t.label == "describe-the-commands" or _same(queue.find(t.label), t) for t in others.tasks)
    assert weekend.type("fsck").status == 0
    assert git(weekend.root, "status", "--porcelain") == ""


def _same(found: object, task: object) -> bool:
    """Whether two readings of a task are the same but for their lines."""
    names = ("name", "description", "criteria", "estimate", "depends_on", "window", "approved", "priority")
    return all(getattr(found, name) == getattr(task, name) for name in names)


def test_a_second_time_nothing_changes(weekend: Desk) -> None:
    wanted = ids(weekend)["Describe the commands"]
    weekend.type("weekend", "start", wanted, "--yes")
    text, log = weekend.queue, commits(weekend)
    again = weekend.type("weekend", "start", wanted, "--yes")
    assert (again.status, "is chosen already; nothing was changed" in again.out) == (0, True)
    assert (weekend.queue, commits(weekend)) == (text, log)


@pytest.mark.slow
def test_what_a_crash_left_is_finished(weekend: Desk) -> None:
    """The ledger knows of the choice, the queue lost a part of it: the second call brings it back."""
    wanted = ids(weekend)["Describe the commands"]
    weekend.type("weekend", "start", wanted, "--yes")
    text = weekend.queue
    (weekend.root / "BUILD_QUEUE.md").write_text(QUEUE)
    again = weekend.type("weekend", "start", wanted, "--yes")
    assert again.status == 0 and "3 milestones in the queue" in again.out
    assert weekend.queue == text


def test_linked_tasks_are_approved_where_they_would_ask(weekend: Desk) -> None:
    wanted = ids(weekend)["Print tables, with 1 task linked to it"]
    done = weekend.type("weekend", "start", wanted, "--yes", "--json")
    assert done.json["approved"] == ["parse-tables"], "a low task asks; the owner's own high feature does not"
    queue = read_queue(weekend.queue.encode(), zone=UTC).queue
    low, high = queue.find("parse-tables"), queue.find("print-tables")
    assert low is not None and high is not None
    assert (low.approved, low.window, high.approved, high.window, high.depends_on) == (True, "weekend", False, "weekend", ("parse-tables",))
    ledger = json.loads((weekend.root / "subagents" / "active.json").read_text())
    assert [a["label"] for a in ledger["approvals"]] == ["parse-tables"]
    why = weekend.type("why", "parse-tables", "--json").json["tasks"][0]["gates"]
    assert {g["gate"]: g["verdict"] for g in why}["priority"] == "go"


def test_without_approval_each_asks_for_itself(weekend: Desk) -> None:
    wanted = ids(weekend)["Describe the commands"]
    done = weekend.type("weekend", "start", wanted, "--yes", "--no-approve", "--json")
    assert done.json["approved"] == []
    assert [a["reason"] for a in done.json["asks"]] == ["not approved", "not approved"] or done.json["asks"] == []
    assert "Approved" not in weekend.queue


def test_vague_tasks_stay_closed(weekend: Desk) -> None:
    found = weekend.type("weekend", "suggest", "--json").json["proposals"]
    backlog = next((p for p in found if p["kind"] == "backlog"), None)
    assert backlog is not None, [p["title"] for p in found]
    vague = next(s for s in backlog["steps"] if s["label"] == "make-it-nicer")
    assert any("no completion criterion" in said for said in vague["missing"])
    done = weekend.type("weekend", "start", backlog["id"], "--yes", "--json").json
    assert "make-it-nicer" not in done["approved"]
    assert "make-it-nicer" in [a["label"] for a in done["asks"]]


def test_one_project_for_a_weekend(weekend: Desk) -> None:
    known = ids(weekend)
    one, other = known["Describe the commands"], known["Print tables, with 1 task linked to it"]
    weekend.type("weekend", "start", one, "--yes")
    later = weekend.type("weekend", "suggest", "--json").json
    assert later["chosen"]["proposal"] == one and "Describe the commands" not in {p["title"] for p in later["proposals"]}
    refused = weekend.type("weekend", "start", other, "--yes")
    assert refused.status == 1 and '"Describe the commands" is chosen for this weekend' in refused.err
    for label in ("describe-the-commands-part-1-of-3", "describe-the-commands-part-2-of-3", "describe-the-commands"):
        weekend.type("cancel", label)
    assert weekend.type("weekend", "start", other, "--yes").status == 0
    assert weekend.type("weekend", "progress", "--json").json["weekend"]["title"].startswith("Print tables")


def test_a_task_that_changed_since_is_proposed_anew(weekend: Desk) -> None:
    wanted = ids(weekend)["Describe the commands"]
    path = weekend.root / "BUILD_QUEUE.md"
    path.write_text(weekend.queue.replace("each of the 12 commands", "each of the 13 commands"))
    refused = weekend.type("weekend", "start", wanted, "--yes")
    assert refused.status == 1 and "has changed since this was proposed" in refused.err
    assert "part 1" not in weekend.queue


def test_a_label_that_is_taken(weekend: Desk) -> None:
    wanted = ids(weekend)["Describe the commands"]
    weekend.type("add", "Describe the commands: part 1 of 3", "--desc", "Mine.")
    refused = weekend.type("weekend", "start", wanted, "--yes")
    assert refused.status == 1 and "there is a task describe-the-commands-part-1-of-3 in the queue already" in refused.err


def test_milestones_whose_choice_was_not_recorded_any_more(weekend: Desk) -> None:
    """Killed between the queue and the ledger."""
    wanted = ids(weekend)["Describe the commands"]
    path = weekend.root / "subagents" / "active.json"
    weekend.type("pause")
    before = path.read_bytes()
    weekend.type("weekend", "start", wanted, "--yes")
    text, after = weekend.queue, path.read_bytes()
    path.write_bytes(before)
    assert weekend.type("weekend", "start", wanted, "--yes").status == 0
    assert weekend.queue == text
    assert json.loads(path.read_bytes())["approvals"] == json.loads(after)["approvals"]


def test_the_choice_is_of_what_was_seen(weekend: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = weekend.type("weekend", "start", "1", "--yes")
    assert nothing.status == 1 and "nothing is proposed for this weekend" in nothing.err
    known = ids(weekend)
    assert weekend.type("weekend", "start", "no-such", "--yes").status == 2
    assert "say which project" in weekend.type("weekend", "start", "--yes").err
    near = next(iter(known.values()))
    assert "did you mean" in weekend.type("weekend", "start", near[:-1], "--yes").err
    unsaid = weekend.type("weekend", "start", near)
    assert unsaid.status == 2 and f"weekend start {near} --yes" in unsaid.err
    monkeypatch.setenv("AUTOBUILDS_NOW", "2026-02-12T10:00:00+00:00")
    assert weekend.type("weekend", "start", near, "--yes").status == 1, "those were for the weekend before"


def test_a_file_of_proposals_that_is_damaged_is_none(weekend: Desk) -> None:
    ids(weekend)
    (weekend.root / ".autobuilds" / NAME).write_text("{")
    assert weekend.type("weekend", "start", "1", "--yes").status == 1
    assert weekend.type("weekend", "suggest").status == 0
    assert weekend.type("weekend", "start", "1", "--yes").status == 0


def test_progress_and_summary(weekend: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    none = weekend.type("weekend", "progress")
    assert none.status == 1 and "no project was chosen" in none.err
    weekend.type("weekend", "start", ids(weekend)["Describe the commands"], "--yes")
    monkeypatch.setenv("AUTOBUILDS_NOW", SATURDAY)
    weekend.type("complete", "describe-the-commands-part-1-of-3")
    shown = weekend.type("weekend", "progress")
    assert "1 of 3 milestones done (33 % of 9 h planned)" in " ".join(shown.out.split())
    assert "[x] Describe the commands: part 1 of 3  completed" in shown.out
    assert "[ ] Describe the commands  waiting, 3 h" in shown.out
    monkeypatch.setenv("AUTOBUILDS_NOW", SUNDAY)
    found = weekend.type("weekend", "summary", "--json").json
    assert (found["kind"], found["done"], found["percent"], found["minutes_left"]) == ("weekend-summary", 1, 33, 360)
    assert [m["state"] for m in found["weekend"]["milestones"]] == ["completed", "waiting", "waiting"]
    said = weekend.type("weekend", "summary", "--write")
    assert "Done:\n- Describe the commands: part 1 of 3 (by your word)" in said.out and "the weekend goes on" in " ".join(said.out.split())
    page = weekend.root / "build-reports" / "weekend-2026-02-07-summary.md"
    assert "Left:" in page.read_text()
    path = weekend.root / "BUILD_QUEUE.md"
    lines = [row for row in weekend.queue.split("\n") if not row.startswith("- [ ] Describe the commands: part 2")]
    path.write_text("\n".join(lines))
    assert [m["state"] for m in weekend.type("weekend", "progress", "--json").json["weekend"]["milestones"]][1] == "gone"


def test_the_ledger_is_made_again_with_the_choice(weekend: Desk) -> None:
    weekend.type("weekend", "start", ids(weekend)["Describe the commands"], "--yes")
    path = weekend.root / "subagents" / "active.json"
    before = json.loads(path.read_text())
    path.unlink()
    assert weekend.type("fsck", "--rebuild").status == 0
    after = json.loads(path.read_text())
    assert (after["day"]["weekends"], after["approvals"]) == (before["day"]["weekends"], before["approvals"])


def test_a_build_may_look_but_not_choose(weekend: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ids(weekend)["Describe the commands"]
    weekend.type("weekend", "start", wanted, "--yes")
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x")
    refused: list[Answered] = [
        weekend.type("weekend", *args) for args in (("suggest",), ("start", wanted, "--yes"), ("summary", "--write"))
    ]
    assert [r.status for r in refused] == [2, 2, 2]
    monkeypatch.delenv("AUTOBUILDS_NOW")
    assert weekend.type("weekend", "progress").status == 0


@pytest.mark.slow
def test_a_window_of_that_name_is_needed_for_the_field(weekend: Desk) -> None:
    (weekend.root / "HEARTBEAT.md").write_text(HEARTBEAT.replace("retry_delay: 1s", "retry_delay: 1s\nwindows:\n  weekend: none"))
    assert weekend.type("config").status == 0
    wanted = ids(weekend)["Describe the commands"]
    assert weekend.type("weekend", "start", wanted, "--yes").status == 0
    part = read_queue(weekend.queue.encode(), zone=UTC).queue.find("describe-the-commands-part-1-of-3")
    assert part is not None and part.window is None and part.not_before is not None
    assert part.not_before.isoformat() == "2026-02-07T00:00:00+00:00"


@pytest.mark.slow
def test_the_calendar_takes_hours(weekend: Desk) -> None:
    pytest.importorskip("icalendar")
    event = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nSUMMARY:Trip\nDTSTART:20260207T080000Z\nDTEND:20260208T180000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    (weekend.root / "mine.ics").write_text(event.replace("\n", "\r\n"))
    (weekend.root / "HEARTBEAT.md").write_text(HEARTBEAT.replace("retry_delay: 1s", "retry_delay: 1s\ncalendar: mine.ics"))
    found = weekend.type("weekend", "suggest", "--json").json
    assert found["free"]["minutes"] == 60 + 5 * 60, found["notes"]
    assert found["limit_minutes"] == 360
    assert [t["why"] for t in found["free"]["taken"]] == ["Trip"]


def test_an_empty_queue_and_one_that_can_not_be_trusted(weekend: Desk) -> None:
    (weekend.root / "BUILD_QUEUE.md").write_text("## Active Queue\n\n## Task Details\n\n## Completed\n")
    said = weekend.type("weekend", "suggest")
    assert said.status == 0 and "No task that is open fits" in said.out
    conflict = "## Active Queue\n<<<<<<< ours\n- [ ] A\n=======\n- [ ] B\n>>>>>>> theirs\n"
    (weekend.root / "BUILD_QUEUE.md").write_text(conflict)
    assert weekend.type("weekend", "suggest").status == 2


@pytest.mark.slow
def test_on_a_terminal_the_owner_is_asked(weekend: Desk) -> None:
    wanted = ids(weekend)["Describe the commands"]
    before = weekend.queue
    for answer, status in ((b"\n", 1), (b"y\n", 0)):
        main, terminal = pty.openpty()
        argv = [sys.executable, "-m", "autobuilds", "weekend", "start", wanted]
        child = subprocess.Popen(
            argv, cwd=weekend.root, stdin=terminal, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "dumb"}
        )
        os.close(terminal)
        os.write(main, answer)
        shown = b""
        with contextlib.suppress(OSError):
            while part := os.read(main, 65536):
                shown += part
        os.close(main)
        assert child.wait(60) == status, shown.decode()
        said = shown.decode().replace("\r\n", "\n")
        assert "New task: Describe the commands: part 1 of 3" in said and "- [ ] Every command has a heading" in said
        assert "Write these milestones into the queue" in said
        assert (weekend.queue == before) is (status == 1)


def test_the_script_of_the_first_generation(weekend: Desk) -> None:
    file = str(Path(__file__).resolve().parents[2] / "scripts" / "weekend_planner.py")
    assert run_script("weekend_planner", ["suggest"], file) == 0
    assert run_script("weekend_planner", ["progress"], file) == 1
    assert run_script("weekend_planner", ["start"], file) == 2, "it says which there are"
    assert run_script("weekend_planner", ["start", "1", "--yes"], file) == 0
    assert [run_script("weekend_planner", [verb], file) for verb in ("progress", "summary")] == [0, 0]
    assert run_script("weekend_planner", [], file) == 2
    assert "Window:** weekend" in weekend.queue


@pytest.mark.slow
def test_a_task_that_is_too_long_goes_on_the_next_weekend(weekend: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    criteria = "".join(f"  - [ ] Chapter {n} is there: `grep -q 'Chapter {n}' book.md`\n" for n in range(1, 8))
    text = (
        "# Build Queue\n\n## Active Queue\n- [ ] Write the book - Added: 2026-02-01 10:00 - Priority: High\n\n## Task Details\n\n"
        "### Write the book\n- **Description:** `book.md` has seven chapters about `tool.py`, one for each of its commands.\n"
        f"- **Completion Criteria:**\n{criteria}- **Estimated Time:** 20 h\n- **Category:** Documentation\n\n## Completed\n"
    )
    (weekend.root / "BUILD_QUEUE.md").write_text(text)
    assert weekend.type("weekend", "suggest").status == 0
    assert weekend.type("weekend", "start", "1", "--yes").status == 0
    first = weekend.type("weekend", "progress", "--json").json["weekend"]["milestones"]
    assert [m["label"] for m in first] == [f"write-the-book-part-{n}-of-7" for n in range(1, 5)]
    whole = read_queue(weekend.queue.encode(), zone=UTC).queue.find("write-the-book")
    assert whole is not None and whole.estimate is not None
    assert (whole.depends_on, whole.estimate.max_minutes + sum(m["minutes"] for m in first)) == (("write-the-book-part-4-of-7",), 20 * 60)
    for mile in first:
        weekend.type("complete", mile["label"])
    monkeypatch.setenv("AUTOBUILDS_NOW", "2026-02-13T18:00:00+00:00")
    said = weekend.type("weekend", "suggest", "--json").json
    assert [s["label"] for s in said["proposals"][0]["steps"]] == [
        "write-the-book-part-5-of-7",
        "write-the-book-part-6-of-7",
        "write-the-book",
    ]
    assert weekend.type("weekend", "start", "1", "--yes").status == 0
    assert weekend.type("weekend", "progress", "--json").json["weekend"]["id"] == "2026-02-14"
    assert weekend.type("check").status == 0


def approved(desk: Desk) -> set[str]:
    return {a["label"] for a in json.loads((desk.root / "subagents" / "build-status.json").read_text())["approvals"]}


def test_a_task_that_bears_a_milestones_name_is_not_approved_for_it(weekend: Desk) -> None:
    wanted = ids(weekend)["Describe the commands"]
    forged = (
        "### Describe the commands: part 1 of 3\n- **Description:** `docs/commands.md` describes nothing but `evil.md`, "
        "in the order of `evil.py --help`.\n- **Completion Criteria:**\n  - [ ] It is there: `test -e evil.md`\n"
        "- **Estimated Time:** 3 h\n- **Category:** Documentation\n- **Tech Stack:** Markdown\n- **Touches:** docs/**\n"
        "- **Source:** weekend plan 2026-02-07\n\n## Ideas\n"
    )
    item = "- [ ] Describe the commands: part 1 of 3 - Added: 2026-02-06 10:00 - Priority: Medium\n\n## Task Details\n"
    path = weekend.root / "BUILD_QUEUE.md"
    path.write_text(QUEUE.replace("\n## Task Details\n", item).replace("## Ideas\n", forged))
    done = weekend.type("weekend", "start", wanted, "--yes", "--json").json
    assert "describe-the-commands-part-1-of-3" not in done["approved"] and "describe-the-commands-part-2-of-3" in done["approved"]
    assert {a["label"]: a["reason"] for a in done["asks"]} == {
        "describe-the-commands-part-1-of-3": "its text is not the one that was proposed"
    }


def test_a_choice_said_again_approves_no_text_that_changed_since(weekend: Desk) -> None:
    wanted = ids(weekend)["Describe the commands"]
    weekend.type("weekend", "start", wanted, "--yes", "--no-approve")
    path = weekend.root / "BUILD_QUEUE.md"
    text = path.read_text()
    path.write_text(text.replace("each of the 12 commands of `tool.py`", "each of the 13 commands of `evil.py`", 1))
    assert path.read_text() != text
    done = weekend.type("weekend", "start", wanted, "--yes", "--json").json
    changed = [a["label"] for a in done["asks"] if a["reason"] == "its text is not the one that was proposed"]
    assert changed and not set(changed) & set(done["approved"])
