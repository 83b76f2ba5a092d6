"""Labels: the slug of a name, which is safe as the name of a file, a branch and a folder."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autobuilds.domain.labels import (
    MAX_LABEL,
    MAX_LABEL_BYTES,
    is_label,
    is_nameless,
    known_as,
    label_at,
    slugify,
    slugify_all,
    tells_line,
)
from tests.builders import a_task

_NO_LINE_END = st.text(st.characters(blacklist_characters="\n"), max_size=100)
_PLAIN = st.text(st.characters(max_codepoint=127, blacklist_characters="\n"), max_size=100)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Spotify Integration", "spotify-integration"),
        ("  Fix: the (bad) thing!! ", "fix-the-bad-thing"),
        ("Größe messen", "größe-messen"),
        ("日本語のタスク", "日本語のタスク"),
        ("Don't panic", "dont-panic"),
        ("../../etc/passwd", "etc-passwd"),
        ("NUL", "nul-task"),
        ("🚀", ""),
        ("a" * 80, "a" * 64),
        ("word " * 20, "word-word-word-word-word-word-word-word-word-word-word-word"),
    ],
)
def test_slugs(name: str, label: str) -> None:
    assert slugify(name) == label


@given(st.text(max_size=200))
def test_a_slug_is_a_safe_name_and_its_own_slug(name: str) -> None:
    slug = slugify(name)
    assert len(slug) <= MAX_LABEL + 5
    assert len(slug.encode()) <= MAX_LABEL_BYTES + 5
    assert not set(slug) & set("/\\ .\n\0~^:?*[")
    assert not slug.startswith("-")
    assert slugify(slug) == slug
    assert is_label(slug) is bool(slug)


@pytest.mark.parametrize("sign", ["ß", "日", "\U00020000"])
def test_a_label_leaves_room_in_a_file_name_whatever_it_is_written_in(sign: str) -> None:
    slug = slugify(sign * 300)
    assert len(slug.encode()) <= MAX_LABEL_BYTES
    assert len(slug) == min(MAX_LABEL, MAX_LABEL_BYTES // len(sign.encode()))


def test_no_hyphen_is_left_at_an_end_that_was_cut_for_its_bytes() -> None:
    name = "\U00020000" * 49 + "-" + "\U00020000"
    assert slugify(name) == "\U00020000" * 49


@given(st.lists(_PLAIN) | st.lists(_NO_LINE_END))
@example([])
@example(["", "--", "'"])
@example(["aux", "x" * 70, "- a -", "Don't"])
@example(["Größe", "x"])
def test_many_names_have_the_labels_that_they_have_one_by_one(names: list[str]) -> None:
    assert slugify_all(names) == [slugify(name) for name in names]


@pytest.mark.parametrize("text", ["", "a b", "A", "-a", "../a", "con", "a" * (MAX_LABEL + 1), "a/b"])
def test_what_is_no_label(text: str) -> None:
    assert not is_label(text)


@pytest.mark.parametrize(
    ("name", "label", "line", "nameless"),
    [
        ("🎉", "task-at-line-6", 6, True),
        ("🎉", "task-at-line-7", 6, True),
        ("🎉", "task-at-line-5", 6, False),
        ("🎉", "task-at-line-9", 6, False),
        ("🎉", "party", 6, False),
        ("🎉", "task-at-line-x", 6, False),
        ("Task at line 6", "task-at-line-6", 6, False),
    ],
)
def test_a_task_without_a_name_goes_by_its_line(name: str, label: str, line: int, nameless: bool) -> None:
    task = a_task(name, label=label, line=line, end_line=line + 2)
    assert is_nameless(task) is nameless
    assert known_as(task) == ("task-at-line-🎉" if nameless else label)
    assert tells_line(label) is label.startswith("task-at-line-")
    assert label_at(line) == f"task-at-line-{line}"
