"""What `check` says of lines that other Markdown readers may take otherwise."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from autobuilds.domain.problem import Problem, Severity
from autobuilds.store.queue.opinions import second_opinions
from autobuilds.store.queue.reader import read_queue

START = "## Active Queue\n- [ ] One - Priority: High\n\n## Task Details\n\n"


def opinions(text: str) -> tuple[Problem, ...]:
    return second_opinions(read_queue(text.encode(), zone=ZoneInfo("UTC")))


def test_a_section_that_others_do_not_see() -> None:
    (problem,) = opinions(START + "> - quoted\n## Completed\n- [x] Two\n")
    assert (problem.line, problem.column, problem.kind, problem.severity) == (7, 1, "near-miss", Severity.WARNING)
    assert problem.message.startswith("other Markdown readers may read this line differently: they take for text what is a heading")
    assert problem.label is None


def test_a_task_that_others_do_not_see_is_named() -> None:
    text = "## Active Queue\n- [ ] One\n  - [ ] Two\nmore\n===\n\n## Task Details\n\n## Completed\n"
    assert [(problem.line, problem.label) for problem in opinions(text)] == [(3, "one")]


def test_what_is_outside_the_sections_is_the_owners() -> None:
    assert opinions("> - quoted\n# Title\n\n" + START + "## Completed\n") == ()


def test_a_line_with_a_problem_is_told_once() -> None:
    text = START + "### Nobody\n> - quoted\n### Nobody else\n\n## Completed\n"
    assert [problem.line for problem in read_queue(text.encode(), zone=ZoneInfo("UTC")).queue.problems] == [6, 8]
    assert opinions(text) == ()


def test_nothing_is_said_of_a_file_that_cannot_be_trusted() -> None:
    assert opinions("> - quoted\n## Active Queue\n<<<<<<< a\n=======\n>>>>>>> b\n") == ()


def test_sound_files_hear_nothing() -> None:
    assert opinions(START + "### One\n- **Description:** a\n\n## Completed\n") == ()
    assert opinions("") == ()
