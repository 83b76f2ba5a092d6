from __future__ import annotations

import os
from pathlib import Path

import pytest

from autobuilds.store.kept_page import KeptPage

TEMPLATE = "BUILD_STATUS.md.j2"
VALUES = {"headline": "All quiet.", "queue": [{"position": 1, "name": "One"}]}
PAGE = "# Build status\n\nAll quiet.\n"


def _kept(folder: Path, values: object = VALUES) -> KeptPage:
    assert isinstance(values, dict)
    return KeptPage(folder / "BUILD_STATUS.md", folder / "memory", TEMPLATE, values)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace whose page was rendered and published."""
    _kept(tmp_path).keep(PAGE)
    (tmp_path / "BUILD_STATUS.md").write_text(PAGE)
    return tmp_path


def test_an_unchanged_page_is_taken_as_it_stands(folder: Path) -> None:
    assert _kept(folder).text() == PAGE


def test_other_values_are_rendered(folder: Path) -> None:
    assert _kept(folder, {**VALUES, "headline": "1 thing needs you."}).text() is None
    assert _kept(folder, {**VALUES, "queue": []}).text() is None


@pytest.mark.parametrize("page", [PAGE + "\n", PAGE.replace("quiet", "Quiet"), PAGE.replace("\n", "\r\n"), ""])
def test_a_page_that_somebody_changed_is_rendered(folder: Path, page: str) -> None:
    (folder / "BUILD_STATUS.md").write_bytes(page.encode())
    assert _kept(folder).text() is None


def test_a_page_that_is_gone_or_no_file_is_rendered(folder: Path) -> None:
    (folder / "BUILD_STATUS.md").unlink()
    assert _kept(folder).text() is None
    os.mkfifo(folder / "BUILD_STATUS.md")
    assert _kept(folder).text() is None


@pytest.mark.parametrize("memory", [b"", b"\xff\n", b"0 0\n"])
def test_a_memory_that_says_nothing_of_the_page_is_not_believed(folder: Path, memory: bytes) -> None:
    (folder / "memory").write_bytes(memory)
    assert _kept(folder).text() is None


def test_a_template_of_the_workspaces_own_is_always_rendered(folder: Path) -> None:
    (folder / "templates").mkdir()
    (folder / "templates" / TEMPLATE).symlink_to(folder / "nowhere")
    assert _kept(folder).text() is None


def test_a_memory_that_cannot_be_written_costs_a_rendering(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    _kept(tmp_path).keep(PAGE)
    (tmp_path / "BUILD_STATUS.md").write_text(PAGE)
    assert _kept(tmp_path).text() is None
