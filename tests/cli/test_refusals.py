"""A label that there is not, names that nothing knows: what every command that takes one says of it, with the nearest."""

from __future__ import annotations

import pytest

from autobuilds.domain.build import BuildState, Ledger
from autobuilds.store.ledger import dumps, encode_line
from tests.cli.conftest import Desk
from tests.conftest import git
from tests.runtime.sample_state import attempt, build

#: Every command line with a label, `{}` in its place.
LINES = [
    *("show {}", "assess {}", "approve {}", "set {} priority low", "tick {}", "tick {} 1", "tick {} --off", "block {} x", "unblock {}"),
    *("cancel {}", "complete {}", "reopen {}", "fail {}", "stop {}", "retry {}", "spawn {}", "why {}", "log {}", "answer {} yes"),
    *("review {} --diff", "pr {}", "accept {}", "reject {} --because x", "undo {}", "heartbeat --fail {}"),
]


@pytest.mark.parametrize("line", LINES)
def test_a_misspelt_label_is_met_with_the_one_that_was_meant(desk: Desk, line: str) -> None:
    said = desk.type(*line.format("fix-the-clokc").split())
    assert (said.status, said.out) == (1, "")
    assert said.err == 'autobuilds: no task or build "fix-the-clokc" (did you mean "fix-the-clock"?)\n'
    assert git(desk.root, "status", "--porcelain") == ""


def test_a_build_whose_task_is_gone_is_known_and_so_is_one_of_the_archive(desk: Desk) -> None:
    """Where the ledger knows a label, the refusal is about what can't be done with its build; an archived one is told of as such."""
    desk.type("pause")
    (desk.root / "subagents" / "active.json").write_bytes(
        dumps(Ledger(builds=(build("old-hands", BuildState.ESCALATED, attempt("old-hands")),)))
    )
    git(desk.root, "commit", "-qam", "an older state")
    assert "only a build that is ready for review" in desk.type("accept", "old-hands").err
    assert 'no task "old-hands" in the queue any more' in desk.type("show", "old-hands").err
    assert 'did you mean "old-hands"?' in desk.type("show", "old-hand").err
    dial = build("the-dial", BuildState.COMPLETED, attempt("the-dial"))
    (desk.root / "subagents" / "archive-2026.jsonl").write_bytes(encode_line(dial).encode() + b"\n")
    for line in ("retry the-dial", "undo the-dial", "log the-dial"):
        said = desk.type(*line.split())
        assert (said.status, "the build of the-dial is in the archive" in said.err) == (1, True), said.err


def test_a_task_without_a_name_is_given_a_label_before_it_is_approved(desk: Desk) -> None:
    (desk.root / "BUILD_QUEUE.md").write_text(desk.queue.replace("Describe the clock", "!!!"))
    said = desk.type("approve", "task-at-line-5")
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith(
        "autobuilds: BUILD_QUEUE.md:5:7: the task's name holds no letter or digit; give it a label (Label: some-name)"
    )
    assert "Approved" not in desk.queue


@pytest.mark.parametrize(
    ("field", "value", "note"),
    [
        ("category", "Bugfixs", 'DECISION_FRAMEWORK.md has no category "Bugfixs" (did you mean "Bug fixes"?)'),
        ("agent", "cladue", 'there is no agent "cladue" (did you mean "claude"?)'),
        ("agent", "xyzzy", 'there is no agent "xyzzy"; autobuilds agents lists them'),
        (
            "window",
            "overnite",
            'no window "overnite" in HEARTBEAT.md (did you mean "overnight"?); there are quick-win, overnight, work-hours, weekend',
        ),
        ("repository", "../nowhere", "nowhere is no Git repository; the task waits for you when its turn comes"),
    ],
)
def test_a_name_that_nothing_knows_is_noted_when_it_is_written(desk: Desk, field: str, value: str, note: str) -> None:
    """Added or set: the task is written all the same, since the name may be known later."""
    added = desk.type("add", "Paint it", f"--{field}", value)
    assert (added.status, added.err.count("note: "), note in added.err) == (0, 1, True), added.err
    told = desk.type("set", "describe-the-clock", field, value)
    assert (told.status, told.err.count("note: "), note in told.err) == (0, 1, True), told.err
    assert desk.type("set", "paint-it", field, "").err == ""


def test_names_that_are_known_are_not_noted(desk: Desk) -> None:
    assert desk.type("add", "Paint it", "--agent", "claude", "--category", "Bug fixes", "--repository", ".").err == ""
