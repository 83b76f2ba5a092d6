"""A template of the workspace that never ends, or asks for what it should not: the packaged one is used, and it is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from autobuilds.store.render import Renderer

ENDLESS = {
    "loops in loops": "{% for a in 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}" * 8 + "{% endfor %}" * 8,
    "a doubling macro": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a power": "{{ 9**9**9 }}",
    "a long product": "{{ 'a' * 10**10 }}",
    "a wide format": "{{ '%1000000000s' % 'a' }}",
    "an include": "{% include '/etc/passwd' %}",
    "a class": "{{ ''.__class__.__mro__ }}",
    "a broken tag": "{% for x in %}",
}


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS)
def test_a_hostile_template_ends_soon_and_shows_nothing(tmp_path: Path, source: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "progress.md.j2").write_text(source)
    values = {"label": "x", "attempt": 1, "task": {"name": "x", "criteria": []}, "now": "", "steps": [], "criteria": []}
    renderer = Renderer(tmp_path)
    began = time.process_time()
    try:
        shown = renderer.render("progress.md.j2", values)
    except Exception as error:
        shown = str(error)
    assert time.process_time() - began < 8
    assert "root:" not in shown and "class" not in shown
    assert renderer.problems and renderer.problems[0].startswith("templates/progress.md.j2")


def test_loops_still_know_their_length_and_their_place(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.txt.j2").write_text(
        "{% for a in rows if a %}{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}{% else %}none{% endfor %}"
    )
    assert Renderer(tmp_path).render("x.txt.j2", {"rows": ["a", "", "b"]}) == "1/2,2/2\n"
    assert Renderer(tmp_path).render("x.txt.j2", {"rows": []}) == "none\n"
