"""`autobuilds memory`: search, show, add."""

from __future__ import annotations

from tests.cli.conftest import Desk
from tests.conftest import git


def put(desk: Desk, name: str, text: str) -> None:
    (desk.root / "memory").mkdir(exist_ok=True)
    (desk.root / "memory" / name).write_text(text)


def test_an_entry_is_added_committed_and_found(desk: Desk) -> None:
    said = desk.type("memory", "add", "Talked to Bob", "--fact", "He is fine", "--fact", "milk")
    assert (said.status, said.out) == (0, "written to memory/2026-02-06.md\n")
    assert (desk.root / "memory" / "2026-02-06.md").read_text() == "# 2026-02-06\n\n## [16:00] Talked to Bob\n- He is fine\n- milk\n"
    assert git(desk.root, "log", "-1", "--format=%s") == "autobuilds: diary of 2026-02-06"
    assert git(desk.root, "status", "--porcelain") == ""
    again = desk.type("memory", "add", "Talked to Bob", "--fact", "He is fine", "--fact", "milk")
    assert again.out == "stands already in memory/2026-02-06.md\n"
    assert git(desk.root, "rev-list", "--count", "HEAD") == "2"
    assert desk.type("memory", "search", "bob", "fine").out == (
        "2026-02-06 16:00 Talked to Bob\n  - He is fine\n  memory/2026-02-06.md:3\n"
    )


def test_add_takes_a_time_answers_in_json_and_may_leave_git_alone(desk: Desk) -> None:
    said = desk.type("memory", "add", "Early", "--at", "2026-02-05 08:00", "--no-commit", "--json")
    assert said.json == {"schema": 1, "kind": "memory", "path": "memory/2026-02-05.md", "lines": ["## [08:00] Early"], "written": True}
    assert git(desk.root, "status", "--porcelain") == "?? memory/"


def test_add_while_git_is_busy_says_so(desk: Desk) -> None:
    (desk.root / ".git" / "MERGE_HEAD").write_text(git(desk.root, "rev-parse", "HEAD") + "\n")
    said = desk.type("memory", "add", "Early")
    assert said.status == 0 and said.err.startswith("not committed yet: ")


def test_a_private_diary_is_written_and_never_committed(desk: Desk) -> None:
    (desk.root / ".git" / "info" / "exclude").write_text("memory/\n")
    assert desk.type("memory", "add", "Secret").status == 0
    assert git(desk.root, "log", "--format=%s") == "first"


def test_wrong_entries_are_refused(desk: Desk) -> None:
    assert desk.type("memory", "add", "  ").status == 2
    assert desk.type("memory", "add", "x", *("--fact", "y") * 6).status == 2
    assert desk.type("memory", "add", "x", "--at", "soon").status == 2
    assert not (desk.root / "memory").exists()


def test_search_answers_in_json_and_with_its_status(desk: Desk) -> None:
    put(desk, "2026-02-05.md", "# Notes\n14:30 the Café\n")
    put(desk, "2026-01-01.md", "## Old café\n")
    found = desk.type("memory", "search", "cafe", "--json").json
    assert found["words"] == ["cafe"] and found["total"] == 2 and found["files"] == 2 and found["problems"] == []
    assert found["entries"][0] == {
        "date": "2026-02-05",
        "time": "14:30",
        "heading": "Notes",
        "lines": [{"line": 2, "text": "14:30 the Café"}],
        "path": "memory/2026-02-05.md",
        "line": 1,
    }
    assert desk.type("memory", "search", "cafe", "--since", "30d").out.count("memory/") == 1
    assert desk.type("memory", "search", "cafe", "--since", "2026-01-01").out.count("memory/") == 2
    assert "1 more; --limit 2 shows all" in desk.type("memory", "search", "cafe", "--limit", "1").out
    nothing = desk.type("memory", "search", "bicycle")
    assert (nothing.status, nothing.out) == (1, "Nothing found in 2 files of the diary.\n")
    assert desk.type("memory", "search", "bicycle", "--json").status == 1
    assert desk.type("memory", "search").status == 2
    assert desk.type("memory", "search", " ").status == 2
    assert desk.type("memory", "search", "x", "--since", "soon").status == 2


def test_what_was_not_read_is_told(desk: Desk) -> None:
    put(desk, "2026-02-05.md", "needle\n")
    (desk.root / "memory" / "link.md").symlink_to("/etc/hostname")
    assert "memory/link.md is a symbolic link" in desk.type("memory", "search", "needle").err


def test_a_day_is_shown_inert(desk: Desk) -> None:
    put(desk, "2026-02-06.md", "# Notes\n\x1b[31mred\n")
    assert desk.type("memory", "show").out == "# Notes\nred\n"
    shown = desk.type("memory", "show", "2026-02-06", "--json").json
    assert shown["date"] == "2026-02-06" and shown["path"] == "memory/2026-02-06.md" and shown["problem"] is None
    assert desk.type("memory").out == "# Notes\nred\n"
    assert desk.type("memory", "--json", "show").json == shown == desk.type("memory", "--json").json
    nothing = desk.type("memory", "show", "2026-02-05")
    assert nothing.status == 1 and "nothing is written in memory/2026-02-05.md" in nothing.err
    assert desk.type("memory", "show", "soon").status == 2
    (desk.root / "memory" / "2026-02-04.md").mkdir()
    assert desk.type("memory", "show", "2026-02-04").status == 2


def test_of_a_very_long_day_the_ends_are_shown_and_that_is_said(desk: Desk) -> None:
    put(desk, "2026-02-06.md", "a line of some text\n" * 150_000)
    assert "its middle was not read" in desk.type("memory", "show").err
