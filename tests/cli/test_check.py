"""`check` beyond the reader's own problems: lines that other Markdown readers may take otherwise."""

from __future__ import annotations

from tests.cli.conftest import Desk

ODD = "> - quoted\n## Completed\n"


def test_a_line_that_others_read_otherwise_is_a_warning_of_check_alone(desk: Desk) -> None:
    assert desk.type("check").status == 0
    queue = desk.queue.replace("## Completed\n", ODD)
    (desk.root / "BUILD_QUEUE.md").write_text(queue, encoding="utf-8")
    line = queue[: queue.index("## Completed")].count("\n") + 1
    answered = desk.type("check", "--json")
    assert answered.status == 1
    (problem,) = answered.json["problems"]
    assert (problem["line"], problem["column"], problem["kind"], problem["severity"]) == (line, 1, "near-miss", "warning")
    assert f"BUILD_QUEUE.md:{line}:1: " in desk.type("check").out
    listed = desk.type("list", "--json").json
    assert listed["problems"] == []
    assert answered.json["counts"] == listed["counts"]
