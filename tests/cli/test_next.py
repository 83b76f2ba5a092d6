"""`next` as a person types it: what is ready, what fits into a time, what holds the first tasks, and how it ends."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Desk
from tests.conftest import git

_ENTRY = """### {name}
- **Description:** `hour({number})` in clock.py returns `{number}`; return `0{number}`, with a leading zero.
- **Completion Criteria:** it prints the zero: `grep -q 0{number} clock{number}.txt`
- **Category:** Bug fixes
- **Steps:** `echo 0{number} > clock{number}.txt`
"""


def _write(desk: Desk, *tasks: tuple[str, str, str]) -> None:
    lines = "".join(f"- [ ] {name} - Added: 2026-02-06 15:00 - Priority: {priority}\n" for name, priority, _ in tasks)
    details = []
    for number, (name, _, estimate) in enumerate(tasks, 1):
        details.append(_ENTRY.format(name=name, number=number) + (f"- **Estimated Time:** {estimate}\n" if estimate else ""))
    text = "## Active Queue\n" + lines + "\n## Task Details\n\n" + "\n".join(details) + "\n## Completed\n"
    (desk.root / "BUILD_QUEUE.md").write_text(text)
    git(desk.root, "commit", "-q", "-a", "-m", "Tasks")


@pytest.fixture
def three(desk: Desk) -> Desk:
    """A workspace with a task of each priority."""
    _write(desk, ("Hours", "Medium", "45 min"), ("Minutes", "High", "2 hours"), ("Seconds", "Low", "1 hour"), ("Zone", "High", ""))
    return desk


def test_what_is_ready(three: Desk) -> None:
    before = git(three.root, "rev-parse", "HEAD")
    answer = three.type("next")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == (
        "minutes  2 h      command  Minutes\n  > autobuilds spawn minutes  # so does the next heartbeat\nzone     unknown  command  Zone\n"
    )
    assert three.type("next", "--limit", "1").out.count("\n") == 2
    assert (git(three.root, "rev-parse", "HEAD"), git(three.root, "status", "--porcelain")) == (before, "")


def test_it_is_what_the_next_heartbeat_starts(three: Desk) -> None:
    said = three.type("next", "--json").json["tasks"][0]["label"]
    going = [t["label"] for t in three.type("heartbeat", "--check", "--json").json["tasks"] if t["verdict"] == "go"]
    assert going == [said]


def test_what_is_ready_as_json(three: Desk) -> None:
    answer = three.type("next", "--json")
    assert answer.status == 0
    assert {k: v for k, v in answer.json.items() if k != "tasks"} == {"schema": 1, "kind": "next", "held": []}
    assert answer.json["tasks"][0] == {
        "label": "minutes",
        "name": "Minutes",
        "priority": "high",
        "estimated_minutes": {"min": 120, "max": 120},
        "verdict": "go",
        "agent": "command",
        "start": "autobuilds spawn minutes",
        "needs": [],
        "fits": None,
        "expected_minutes": None,
        "basis": None,
    }
    assert [t["estimated_minutes"] for t in answer.json["tasks"][1:]] == [None]


def test_what_fits_into_a_time_with_what_waits_for_a_word(three: Desk) -> None:
    answer = three.type("next", "--for", "90m")
    assert answer.status == 1
    assert answer.out.split("\n") == [
        "Nothing that fits is ready; these wait only for a word of yours:",
        "hours    45 min  command  Hours",
        "  > autobuilds set hours priority high",
        "seconds  1 h     command  Seconds",
        "  > autobuilds approve seconds",
        "",
    ]
    assert {three.type("next", "--for", time).out for time in ("1h30m", "90 min")} == {answer.out}
    tasks = three.type("next", "--for", "90m", "--json").json["tasks"]
    assert [(t["label"], t["verdict"], t["needs"], t["fits"]) for t in tasks] == [
        ("hours", "wait", ["autobuilds set hours priority high"], True),
        ("seconds", "ask", ["autobuilds approve seconds"], True),
    ]


def test_the_words_that_it_names_make_a_task_ready(three: Desk) -> None:
    for task in three.type("next", "--for", "90m", "--json").json["tasks"]:
        for command in task["needs"]:
            assert three.type(*command.split()[1:]).status == 0
    answer = three.type("next", "--for", "90m")
    assert answer.status == 0
    assert answer.out.split("\n")[:3] == [
        "hours    45 min  command  Hours",
        "  > autobuilds spawn hours",
        "seconds  1 h     command  Seconds",
    ]


def test_those_that_go_stand_before_those_that_wait_for_a_word(three: Desk) -> None:
    answer = three.type("next", "--for", "2h")
    assert answer.status == 0
    assert [line.split(" ")[0] for line in answer.out.split("\n") if line[:1].islower()] == ["minutes", "hours", "seconds"]
    assert "\n\nThese wait only for a word of yours:\n" in answer.out


def test_nothing_fits(three: Desk) -> None:
    answer = three.type("next", "--for", "10m")
    assert (answer.status, answer.err) == (1, "")
    assert answer.out == (
        'Nothing that waits fits into 10 min: 4 tasks wait, 1 without an estimate.\n  > autobuilds set zone estimated-time "1 hour"\n'
    )
    assert three.type(*("set", "zone", "estimated-time", "1 hour")).status == 0
    assert three.type("next", "--for", "10m").out == "Nothing that waits fits into 10 min: 4 tasks wait, and every estimate is longer.\n"
    assert three.type("next", "--for", "10m", "--json").json == {"schema": 1, "kind": "next", "tasks": [], "held": []}


def test_nothing_is_ready(desk: Desk) -> None:
    answer = desk.type("next")
    assert (answer.status, answer.err) == (1, "")
    lines = answer.out.split("\n")
    assert lines[0] == "Nothing is ready: 2 tasks wait."
    assert lines[1] == "fix-the-clock  wait: gate blockers: blocked by: The font (and 1 more)"
    assert lines[2] == "  > autobuilds unblock fix-the-clock --all"
    assert any(line.startswith("describe-the-clock  ask: gate ") for line in lines)
    held = desk.type("next", "--json").json["held"]
    why = desk.type("why", "--json").json["tasks"]
    assert [(t["label"], t["verdict"]) for t in held] == [(t["label"], t["verdict"]) for t in why]
    assert [g["gate"] for g in held[0]["gates"]] == [g["gate"] for g in why[0]["gates"]]


def test_one_that_fits_is_held(desk: Desk) -> None:
    assert desk.type("set", "fix-the-clock", "estimated-time", "1 hour").status == 0
    answer = desk.type("next", "--for", "1h")
    assert answer.status == 1
    assert answer.out.startswith("Nothing that fits into 1 h is ready: 1 task waits that fits.\nfix-the-clock  wait: gate blockers")


def test_no_task_waits(desk: Desk) -> None:
    (desk.root / "BUILD_QUEUE.md").write_text("## Active Queue\n\n## Completed\n")
    git(desk.root, "commit", "-q", "-a", "-m", "Done")
    assert (desk.type("next").status, desk.type("next").out) == (1, "Nothing is ready: no task waits.\n")


def test_a_pause_holds_all(three: Desk) -> None:
    assert three.type("pause").status == 0
    answer = three.type("next")
    assert answer.status == 1
    assert "minutes  wait: gate paused: paused since" in answer.out
    assert "  > autobuilds resume" in answer.out


def test_what_is_no_time(desk: Desk) -> None:
    for time in ("soon", "", "0m", "45s", "-5m", "2099-01-01", "9" * 20 + "d"):
        answer = desk.type("next", "--for", time)
        assert (answer.status, answer.out) == (2, ""), time
        assert answer.err.endswith("is no time of a minute or more; write 90m, 2h or 1h30m\n"), time
        assert answer.err.count("\n") == 1, time


def test_a_queue_that_cant_be_trusted(desk: Desk) -> None:
    (desk.root / "BUILD_QUEUE.md").write_bytes(b"## Active Queue\n- [ ] A\x00B\n")
    answer = desk.type("next", "--json")
    assert (answer.status, answer.out) == (2, "")
    assert "BUILD_QUEUE.md" in answer.err
