"""`schedule` and `stats` as a person types them: the week, what is not reached, the windows, the figures."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from autobuilds.domain.build import BuildState, Ledger, Outcome
from autobuilds.store.ledger import dumps, encode_line
from tests.builders import NOW, a_build, a_task, an_attempt
from tests.cli.conftest import HEARTBEAT, Desk
from tests.conftest import git

_ENTRY = """### {name}
- **Description:** `hour({number})` in clock.py returns `{number}`; return `0{number}`, with a leading zero.
- **Completion Criteria:** it prints the zero: `grep -q 0{number} clock{number}.txt`
- **Category:** Bug fixes
- **Steps:** `echo 0{number} > clock{number}.txt`
"""
TASKS = (("Hours", "Medium", "45 min"), ("Minutes", "High", "2 hours"), ("Seconds", "Low", "1 hour"), ("Zone", "High", ""))


def _write(desk: Desk, *tasks: tuple[str, str, str], settings: str = "") -> None:
    lines = "".join(f"- [ ] {name} - Added: 2026-02-06 15:00 - Priority: {priority}\n" for name, priority, _ in tasks)
    details = []
    for number, (name, _, estimate) in enumerate(tasks, 1):
        details.append(_ENTRY.format(name=name, number=number) + (f"- **Estimated Time:** {estimate}\n" if estimate else ""))
    text = "## Active Queue\n" + lines + "\n## Task Details\n\n" + "\n".join(details) + "\n## Completed\n"
    (desk.root / "BUILD_QUEUE.md").write_text(text)
    (desk.root / "HEARTBEAT.md").write_text(HEARTBEAT.replace("retry_delay", f"{settings}retry_delay"))
    git(desk.root, "commit", "-q", "-a", "-m", "Tasks")


def _remember(root: Path, number: int, minutes: int) -> None:
    """Write an archive of builds that took so long."""
    lines = []
    for n in range(number):
        begun = NOW - timedelta(days=40 - n)
        attempt = an_attempt(started=begun, ended=begun + timedelta(minutes=minutes), outcome=Outcome.PASSED)
        build = a_build(a_task(f"Old {n}"), BuildState.COMPLETED, category="Bug fixes", attempts=(attempt,), created=begun, updated=begun)
        lines.append(encode_line(build))
    folder = root / "subagents"
    folder.mkdir(exist_ok=True)
    (folder / "archive-2025.jsonl").write_text("\n".join(lines) + "\n")


@pytest.fixture
def week(desk: Desk) -> Desk:
    """A workspace with a task of each priority, on a Friday at 16:00."""
    _write(desk, *TASKS)
    return desk


def test_a_week_in_the_order_of_time(week: Desk) -> None:
    before = git(week.root, "rev-parse", "HEAD")
    answer = week.type("schedule")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == (
        "Fri 06 Feb 16:00 to Fri 13 Feb 16:00: 3 builds start, 1 task is not reached.\n"
        "\n"
        "Fri 06 Feb  00    03    06    09    12    15    18    21\n"
        "                                            wo|awa|availab|s\n"
        "slot 1                                      aaaabb......cc..\n"
        "  a 16:00-18:00  minutes  2 h (its estimate), work-hours\n"
        "  b 18:00-19:00  zone     1 h (no estimate)\n"
        "  c 22:00-22:45  hours    45 min (its estimate), quick-win\n"
        "\n"
        "Sat 07 Feb to Fri 13 Feb: nothing runs\n"
        "\n"
        "Letters are builds; a dot is a free slot, + several short builds.\n"
        "\n"
        "Not before you act (1):\n"
        "seconds  ask: gate priority: low: starts only when you approve it\n"
        "  > autobuilds approve seconds\n"
        "    then it starts Fri 06 Feb 19:00\n"
    )
    assert (git(week.root, "rev-parse", "HEAD"), git(week.root, "status", "--porcelain")) == (before, "")


def test_a_week_as_json(week: Desk) -> None:
    found = week.type("schedule", "--days", "2", "--json").json
    assert {k: found[k] for k in ("schema", "kind", "from", "to", "reviewed", "complete")} == {
        "schema": 1,
        "kind": "schedule",
        "from": "2026-02-06T16:00:00+00:00",
        "to": "2026-02-08T16:00:00+00:00",
        "reviewed": False,
        "complete": True,
    }
    assert found["slots"][0] == {
        "label": "minutes",
        "name": "Minutes",
        "start": "2026-02-06T16:00:00+00:00",
        "end": "2026-02-06T18:00:00+00:00",
        "running": False,
        "guessed": False,
        "slot": 1,
        "context": "working",
        "window": "work-hours",
        "night": False,
        "basis": "estimate",
        "why": "its estimate",
        "overdue": False,
        "stopped_after": None,
        "minutes": 120,
    }
    assert found["spans"][0] == {
        "start": "2026-02-06T16:00:00+00:00",
        "end": "2026-02-06T17:00:00+00:00",
        "context": "working",
        "slots": 1,
        "night": False,
    }
    (left,) = found["not_reached"]
    assert (left["label"], left["verdict"], left["crowded"], left["needs"], left["then"]) == (
        "seconds",
        "ask",
        False,
        ["autobuilds approve seconds"],
        "2026-02-06T19:00:00+00:00",
    )
    assert {"gate", "verdict", "reason", "until", "fix"} == set(left["gates"][0])


def test_plan_and_schedule_are_one(week: Desk) -> None:
    plan, schedule = week.type("plan", "--hours", "30", "--json").json, week.type("schedule", "--hours", "30", "--json").json
    assert [{**s, "minutes": None} for s in plan["slots"]] == [{**s, "minutes": None} for s in schedule["slots"]]
    assert (plan["from"], plan["to"]) == (schedule["from"], schedule["to"])


def test_the_first_is_what_the_heartbeat_starts(week: Desk) -> None:
    said = week.type("schedule", "--json").json["slots"][0]["label"]
    started = [t["label"] for t in week.type("heartbeat", "--json").json["transitions"] if t["event"] == "start"]
    assert started == [said]
    assert "runs now" in week.type("schedule").out


def test_what_was_learned_is_said_and_a_night_brings_its_slots(week: Desk) -> None:
    _remember(week.root, 10, 30)
    (week.root / "HEARTBEAT.md").write_text(HEARTBEAT + "\n## Night (daily at 23:00)\n- `autobuilds overnight start`\n")
    found = week.type("schedule", "--json").json
    zone = next(s for s in found["slots"] if s["label"] == "zone")
    assert (zone["minutes"], zone["basis"], zone["why"]) == (30, "learned", "the median of 10 builds of bug fixes with command")
    assert [s["slots"] for s in found["spans"] if s["night"]] == [3] * 7
    assert "30 min (the median of 10 builds of bug fixes with\n" in week.type("schedule").out
    assert "30 min learned" in week.type("next", "--for", "45m").out
    assert [t["basis"] for t in week.type("next", "--for", "45m", "--json").json["tasks"]] == ["learned", "estimate"]


def test_an_archive_that_cannot_be_read_is_left_out_and_said(week: Desk) -> None:
    (week.root / "subagents").mkdir(exist_ok=True)
    (week.root / "subagents" / "archive-2025.jsonl").write_text("{\n")
    for command in (("schedule",), ("plan",), ("stats",)):
        answer = week.type(*command)
        assert (answer.status, "older builds are left out: " in answer.err, "archive-2025.jsonl:1:1" in answer.err) == (0, True, True)
    assert week.type("next", "--for", "3h").status == 0


def test_the_calendar_counts_as_far_as_one_looks(week: Desk) -> None:
    pytest.importorskip("icalendar")
    event = "BEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nSUMMARY:Out of office\nDTSTART:20260216T100000Z\nDTEND:20260216T110000Z\nEND:VEVENT\n"
    (week.root / "own.ics").write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//x//EN\n{event}END:VCALENDAR\n")
    _write(week, *TASKS, settings="calendar: own.ics\n")
    spans = week.type("schedule", "--days", "14", "--json").json["spans"]
    assert "2026-02-16T10:00:00+00:00" in [s["start"] for s in spans]
    _write(week, *TASKS, settings="calendar: nowhere.ics\n")
    answer = week.type("schedule", "--days", "14", "--json")
    assert (answer.status, answer.json["notes"][0].startswith("the calendar is left out: ")) == (0, True)
    assert answer.err.startswith("the calendar is left out: ")


def test_finished_builds_wait_for_review(week: Desk) -> None:
    _write(week, *TASKS, settings="review_limit: 1\n")
    held = week.type("schedule").out
    assert (
        "Held back by the builds that wait for your review by then; --reviewed shows the\ntime if you accept each at once (2):\n  zone, hours\n"
        in held
    )
    assert "3 builds start" in week.type("schedule", "--reviewed").out
    assert week.type("schedule", "--reviewed", "--json").json["reviewed"] is True


def test_what_others_keep_out_and_what_waits(week: Desk) -> None:
    _write(week, ("Long", "High", "5 days"), ("Short", "High", "1 hour"))
    text = (week.root / "BUILD_QUEUE.md").read_text()
    out = week.type("schedule", "--hours", "20").out
    assert "Kept out by others that take every slot; max_concurrent in HEARTBEAT.md sets how\nmany (1):\n  short\n" in out
    (week.root / "BUILD_QUEUE.md").write_text(
        text.replace("- **Category:** Bug fixes", "- **Category:** Bug fixes\n- **Blockers:** the vendor")
    )
    out = week.type("schedule").out
    assert out.startswith(
        "Fri 06 Feb 16:00 to Fri 13 Feb 16:00: nothing starts, 2 tasks are not reached.\n\nWaiting for something else (2):\n"
    )
    assert "blocked by: the vendor" in out


def test_many_that_ask_are_told_in_part(week: Desk) -> None:
    _write(week, *((f"Low {'abcdefghijkl'[n]}", "Low", "1 hour") for n in range(12)))
    out = week.type("schedule").out
    assert "Not before you act (12):" in out
    assert out.endswith("  and 4 more; autobuilds why shows each\n")
    assert out.count("> autobuilds approve") == 8


def test_an_empty_queue_has_an_empty_week(week: Desk) -> None:
    _write(week)
    assert week.type("schedule").out == "Fri 06 Feb 16:00 to Fri 13 Feb 16:00: nothing starts.\n"


def test_a_queue_that_cannot_be_read_has_none(week: Desk) -> None:
    (week.root / "BUILD_QUEUE.md").write_text("<<<<<<< ours\n## Active Queue\n=======\n>>>>>>> theirs\n")
    for command in (("schedule",), ("schedule", "--list"), ("plan",)):
        answer = week.type(*command)
        assert (answer.status, answer.out, "BUILD_QUEUE.md" in answer.err) == (2, "", True), command
    assert week.type("stats").status == 0


def test_the_windows_and_what_is_meant_for_them(week: Desk) -> None:
    assert week.type("schedule", "--list").out == (
        "quick-win  opens 19:00; for builds of 1 h to 2 h\n  minutes, seconds, zone\n"
        "overnight  opens 23:00; for builds of 4 h to 6 h\n  no task\n"
        "work-hours  open until 17:00; for builds of up to 8 h\n  hours\n"
        "weekend  opens Sat 00:00; for builds of 8 h to 12 h\n  no task\n"
    )
    found = week.type("schedule", "--list", "--json").json
    assert (found["kind"], found["windows"][0]["tasks"]) == ("schedule", ["minutes", "seconds", "zone"])
    _write(week, ("Huge", "High", "9 days"), settings="windows:\n  always: Mon-Sun, 1-2 h\n")
    assert week.type("schedule", "--list").out.endswith("always  open; for builds of 1 h to 2 h\n  no task\nno window\n  huge\n")


def test_a_chart_for_mermaid(week: Desk) -> None:
    out = week.type("schedule", "--days", "1", "--mermaid").out
    assert out.startswith("gantt\n    dateFormat YYYY-MM-DD HH:mm\n")
    assert "    1 minutes :2026-02-06 16:00, 2026-02-06 18:00\n" in out
    assert week.type("schedule", "--mermaid", "--json").status == 2
    assert week.type("schedule", "--days", "15").status == 2


def test_the_chart_of_the_page_when_it_is_asked_for(week: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    page = week.root / "BUILD_STATUS.md"
    assert week.type("heartbeat", "--monitor").status == 0
    assert "mermaid" not in page.read_text()
    assert week.type("status", "--json").json["chart"] is None
    _write(week, *TASKS, settings="status_chart: yes\n")
    assert week.type("heartbeat", "--monitor").status == 0
    first = page.read_text()
    assert "## Today and tomorrow\n\n```mermaid\ngantt\n" in first
    assert "    1 minutes :2026-02-06 16:00, 2026-02-06 18:00\n" in first
    assert week.type("status", "--json").json["chart"].startswith("gantt\n")
    monkeypatch.setenv("AUTOBUILDS_NOW", "2026-02-06T16:50:00+00:00")
    assert week.type("heartbeat", "--monitor").status == 0
    assert page.read_text() == first


class TestStats:
    def test_nothing_is_recorded(self, week: Desk) -> None:
        assert week.type("stats").out == "No build is recorded.\n"
        assert week.type("stats", "--days", "7").out == "No build is recorded since 2026-01-30.\n"

    def test_what_became_of_the_builds(self, week: Desk) -> None:
        _remember(week.root, 10, 30)
        failed = an_attempt(ended=NOW, outcome=Outcome.CHECKS_FAILED)
        handed = a_build(a_task("Hours"), BuildState.ESCALATED, category="Docs", attempts=(failed,), created=NOW + timedelta(hours=4))
        (week.root / "subagents" / "active.json").write_bytes(dumps(Ledger(builds=(handed,))))
        assert week.type("stats").out == (
            "11 builds, 6 hours built\n"
            "  10 completed, 1 escalated\n"
            "  10 of 11 passed (91 %), 10 at the first try; the other was handed over to you\n"
            "  attempts: 10 passed, 1 checks-failed\n"
            "  length of a build that passed: median 30 min, mean 30 min, longest 30 min (of\n"
            "    10)\n"
            "  waited for its start: median 1 h, mean 1 h, longest 1 h (of 1)\n"
            "  waited for your review: none known\n"
            "\n"
            "By category\n"
            "  Bug fixes  10 of 10 passed   median 30 min              5 h\n"
            "  Docs       0 of 1 passed                                1 h\n"
            "\n"
            "By agent\n"
            "  command  10 of 11 passed   median 30 min              6 h\n"
            "\n"
            "By week, from Monday\n"
            "  2025-12-22  ###                     1 finished     0.5 h\n"
            "  2025-12-29  ####################    7 finished     3.5 h\n"
            "  2026-01-05  ######                  2 finished       1 h\n"
            "  2026-01-12                          0 finished       0 h\n"
            "  2026-01-19                          0 finished       0 h\n"
            "  2026-01-26                          0 finished       0 h\n"
            "  2026-02-02                          0 finished       1 h\n"
            "\n"
            "Learned lengths, by which `schedule` goes\n"
            "  bug fixes with command: median 30 min of 10 builds\n"
        )

    def test_nobody_is_handed_what_passed(self, week: Desk) -> None:
        _remember(week.root, 10, 30)
        assert "  10 of 10 passed (100 %), 10 at the first try\n" in week.type("stats").out

    def test_as_json(self, week: Desk) -> None:
        _remember(week.root, 10, 30)
        found = week.type("stats", "--json").json
        assert {"schema", "kind", "since", "total", "states", "outcomes", "wait_for_start", "wait_for_review"} < set(found)
        assert found["total"] == {
            "name": "all",
            "builds": 10,
            "settled": 10,
            "passed": 10,
            "first_try": 10,
            "length": {"number": 10, "median": 30, "mean": 30, "longest": 30},
            "hours": 5.0,
            "percent": 100,
        }
        assert found["learned"] == [{"category": "bug fixes", "agent": "command", "builds": 10, "median": 30, "share": None}]
        assert found["weeks"][0] == {"monday": "2025-12-22", "finished": 1, "attempts": 1, "hours": 0.5}
        assert week.type("stats", "--days", "1", "--json").json["total"]["builds"] == 0
        assert json.dumps(found) == json.dumps(week.type("stats", "--json").json)


def test_an_archive_that_is_no_file_is_left_out_and_said(week: Desk) -> None:
    (week.root / "subagents" / "archive-2025.jsonl").mkdir(parents=True)
    answer = week.type("schedule")
    assert (answer.status, "older builds are left out: " in answer.err) == (0, True)
