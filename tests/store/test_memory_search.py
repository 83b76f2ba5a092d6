"""Finding something in the diary, in whatever shape people and programs wrote it."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.store import memory_search
from autobuilds.store.memory_search import entries, folded, search


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    (tmp_path / "memory").mkdir()
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / "memory" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode())


def headings(root: Path, *words: str) -> list[str]:
    return [hit.heading for hit in search(root, words).found]


def test_all_words_must_stand_in_one_entry(diary: Path) -> None:
    put(
        diary,
        "2026-02-06.md",
        "# 2026-02-06\n\n## [03:45] Build completed: Spotify\n- OAuth works\n\n## [04:00] Build failed: OAuth\n- x\n",
    )
    assert headings(diary, "oauth", "spotify") == ["[03:45] Build completed: Spotify"]
    assert len(headings(diary, "oauth")) == 2
    assert headings(diary, "oauth", "bicycle") == []


def test_case_accents_and_widths_do_not_matter(diary: Path) -> None:
    put(diary, "2026-02-06.md", "## Café in der STRASSE\nＦｕｌｌ width\n")
    for words in (["cafe"], ["CAFÉ"], ["straße"], ["full"], ["cafe\u0301"]):
        assert headings(diary, *words) == ["Café in der STRASSE"], words


def test_a_word_is_found_where_one_begins_with_it(diary: Path) -> None:
    put(diary, "2026-02-06.md", "## One\nThe deployment of it\n\n## Two\nredeploy\n")
    assert headings(diary, "deploy") == ["One"]
    put(diary, "2026-02-07.md", "## 三\n東京タワーへ行く\n")
    assert headings(diary, "タワー") == ["三"]


def test_an_argument_of_several_words_or_signs_is_its_words(diary: Path) -> None:
    put(diary, "2026-02-06.md", "## One\nbranch build/spotify-login C++\n\n## Two\nspotify\n")
    assert headings(diary, "build/spotify-login") == ["One"]
    assert headings(diary, "spotify login") == ["One"]
    assert headings(diary, "++") == ["One"]
    assert headings(diary, "  ") == []


def test_what_is_told_of_an_entry(diary: Path) -> None:
    put(diary, "2026-02-06.md", "# 2026-02-06\n\n## [03:45] Build completed: fix\\_it\n- first\n- the fix works\n- last\n")
    (hit,) = search(diary, ["fix"]).found
    assert (hit.path, hit.line, hit.heading) == ("memory/2026-02-06.md", 3, "[03:45] Build completed: fix_it")
    assert (hit.day, hit.time) == (date(2026, 2, 6), time(3, 45))
    assert [(line.number, line.text) for line in hit.lines] == [(5, "- the fix works")]


@pytest.mark.parametrize(
    ("text", "line", "heading", "when"),
    [
        ("Notes\n=====\n\nneedle at 14:30\n", 1, "Notes", time(14, 30)),
        ("Notes\n-----\nneedle\n", 1, "Notes", None),
        ("# A\n### 9:05 deep ###\nneedle\n", 2, "9:05 deep", time(9, 5)),
        ("14:30 needle\nand more\n\nnot here\n", 1, "", time(14, 30)),
        ("no heading\n\n- [ ] needle\n- [x] other\n", 3, "", None),
        ("* 10.15 needle\r\n* other\r\n", 1, "", time(10, 15)),
        ("| a | b |\n|---|---|\n| needle | 1 |\n", 1, "", None),
        ("# Top\n```\n# no heading\nneedle\n```\n", 1, "Top", None),
        ("# Top\n~~~ sh\n## none\n~~~~\n## Real\nneedle\n", 5, "Real", None),
        ("---\ntitle: x\n---\nneedle\n", 2, "title: x", None),
        ("version 1.2.3.4 and 12:30:45 needle\n", 1, "", None),
        ("\ufeff# BOM\nneedle\n", 1, "BOM", None),
        ("a\rneedle\r\rb\r", 1, "", None),
    ],
)
def test_any_shape_of_markdown_is_read(diary: Path, text: str, line: int, heading: str, when: time | None) -> None:
    put(diary, "2026-02-06.md", text)
    (hit,) = search(diary, ["needle"]).found
    assert (hit.line, hit.heading, hit.time, hit.day) == (line, heading, when, date(2026, 2, 6))


def test_the_date_is_that_of_the_heading_else_of_those_above_else_of_the_file(diary: Path) -> None:
    put(diary, "log.md", "# 2026-01-01\n## a\nneedle 1\n## 2026-01-02\nneedle 2\n### b\nneedle 3\n# Rest\nneedle 4\n")
    put(diary, "2026-02-30.md", "needle 5\n")
    found = {hit.lines[0].text: hit.day for hit in search(diary, ["needle"]).found}
    assert found == {
        "needle 1": date(2026, 1, 1),
        "needle 2": date(2026, 1, 2),
        "needle 3": date(2026, 1, 2),
        "needle 4": None,
        "needle 5": None,
    }


def test_most_then_nearest_then_newest_come_first(diary: Path) -> None:
    put(diary, "2026-02-01.md", "## near\nred green\n\n## far\nred and then a lot of other words before green\n")
    put(diary, "2026-02-02.md", "## newer\nred green\n## many\nred green red\n")
    put(diary, "2026-02-02b.md", "## [09:00] early\nred green\n## [10:00] late\nred green\n")
    assert headings(diary, "red", "green") == ["many", "[10:00] late", "[09:00] early", "newer", "near", "far"]


def test_one_word_counts_five_times_at_most(diary: Path) -> None:
    put(diary, "2026-02-01.md", "## old\n" + "red " * 50)
    put(diary, "2026-02-02.md", "## new\n" + "red " * 5)
    assert headings(diary, "red") == ["new", "old"]


def test_of_a_long_entry_the_lines_with_most_words_are_told(diary: Path) -> None:
    put(diary, "2026-02-01.md", "## log\n" + "red\n" * 20 + "red green\n" + "green\n" * 20)
    (hit,) = search(diary, ["red", "green"]).found
    assert len(hit.lines) == memory_search.TOLD and (22, "red green") in [(line.number, line.text) for line in hit.lines]
    assert hit.span == 2


def test_since_leaves_older_ones_out_and_those_without_a_date(diary: Path) -> None:
    for name in ("2026-02-01.md", "2026-02-03.md", "undated.md"):
        put(diary, name, f"## {name}\nneedle\n")
    found = search(diary, ["needle"], since=date(2026, 2, 2))
    assert [hit.heading for hit in found.found] == ["2026-02-03.md"]


def test_the_limit_cuts_and_the_total_says_of_how_many(diary: Path) -> None:
    put(diary, "2026-02-01.md", "".join(f"## {n}\nneedle\n" for n in range(9)))
    found = search(diary, ["needle"], limit=2)
    assert (len(found.found), found.total, found.files) == (2, 9, 1)


def test_folders_and_text_files_are_looked_through_and_links_are_not(diary: Path, tmp_path: Path) -> None:
    put(diary, "notes/one.txt", "needle\n")
    put(diary, ".hidden.md", "needle\n")
    put(diary, "picture.png", "needle\n")
    (tmp_path / "secret.md").write_text("needle\n")
    (diary / "memory" / "link.md").symlink_to(tmp_path / "secret.md")
    (diary / "memory" / "round").symlink_to(diary / "memory")
    found = search(diary, ["needle"])
    assert [hit.path for hit in found.found] == ["memory/notes/one.txt"]
    assert found.problems == ("memory/link.md is a symbolic link",)


def test_of_a_big_file_the_ends_are_read_and_that_is_said(diary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_search, "_HEAD", 100)
    monkeypatch.setattr(memory_search, "_TAIL", 100)
    put(diary, "2026-02-01.md", "## first\nneedle\n" + "x\n" * 500 + "## last\nneedle\n")
    found = search(diary, ["needle"])
    assert {hit.heading for hit in found.found} == {"first", "last"}
    assert found.problems and "its middle was not read" in found.problems[0]


def test_no_diary_is_nothing_found(tmp_path: Path) -> None:
    found = search(tmp_path, ["needle"])
    assert (found.found, found.files) == ((), 0)


def test_folders_beneath_each_other_end_somewhere(diary: Path) -> None:
    deep = diary / "memory"
    for _ in range(8):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "x.md").write_text("needle\n")
    assert search(diary, ["needle"]).found == ()


@given(st.text(alphabet="#=-`~ \n\r*ab1|", max_size=80))
def test_every_line_with_text_belongs_to_one_entry(text: str) -> None:
    found = [line.number for entry in entries("memory/x.md", text) for line in entry.lines if line.text.strip()]
    assert found == sorted(set(found))
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [rows[number - 1] for number in found] == [row for row in rows if row.strip()]


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once_for_what_is_compared(text: str) -> None:
    assert folded(folded(text)) == folded(folded(folded(text)))
