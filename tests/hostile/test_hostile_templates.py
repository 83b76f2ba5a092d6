"""A template of the workspace that never ends, or asks for what it should not: the packaged one is used, and it is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from autobuilds.store.render import Renderer
from tests.hostile.corpus import templates

#: Those that only look odd.
HARMLESS = {"nul", "not utf-8", "comment"}


@pytest.mark.parametrize("name", templates())
def test_a_hostile_template_ends_soon_and_shows_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "progress.md.j2").write_bytes(templates()[name])
    values = {"label": "x", "name": "x", "attempt": 1, "agent": "a", "now": "", "updated": "", "when": "", "text": "a" * 40}
    lists = {"task": {"name": "x"}, "steps": [], "items": [1], "criteria": [], "claimed": [], "checked": []}
    renderer = Renderer(tmp_path)
    began = time.process_time()
    shown = renderer.render("progress.md.j2", {**values, **lists})
    assert time.process_time() - began < 2
    assert "root:" not in shown and "class" not in shown
    if name not in HARMLESS and shown.startswith("---\nlabel"):
        assert renderer.problems and renderer.problems[0].startswith("templates/progress.md.j2")


def test_loops_still_know_their_length_and_their_place(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.txt.j2").write_text(
        "{% for a in rows if a %}{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}{% else %}none{% endfor %}"
    )
    assert Renderer(tmp_path).render("x.txt.j2", {"rows": ["a", "", "b"]}) == "1/2,2/2\n"
    assert Renderer(tmp_path).render("x.txt.j2", {"rows": []}) == "none\n"
