from __future__ import annotations

import time
from pathlib import Path

import pytest

from autobuilds.store.render import BrokenTemplate, Renderer, packaged_templates


def _workspace(tmp_path: Path, source: str, name: str = "x.md.j2") -> Renderer:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / name).write_text(source)
    return Renderer(tmp_path)


def test_the_shipped_templates_are_found() -> None:
    names = {p.name for p in packaged_templates().glob("*.j2")}
    assert {"BUILD_STATUS.md.j2", "build-report.md.j2", "progress.md.j2", "prompt.md.j2"} <= names


def test_a_workspace_template_wins(tmp_path: Path) -> None:
    renderer = _workspace(tmp_path, "mine: {{ label }}", "progress.md.j2")
    assert renderer.render("progress.md.j2", {"label": "a"}) == "mine: a\n"
    assert renderer.problems == []


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("a\n{% if x %}\n", 2),
        ("a\nb\n{{ nothing_here }}\n", 3),
        ("a\n{{ 1 / 0 }}", 2),
        ("{{ label.missing }}", 1),
        ("\n\n\n{{ label | nofilter }}", 4),
        ("{% include 'x' %}", 1),
    ],
)
def test_a_broken_workspace_template_is_named_and_ours_is_used(tmp_path: Path, source: str, line: int) -> None:
    renderer = _workspace(tmp_path, source, "progress.md.j2")
    context = {"label": "a", "name": "n", "attempt": 1, "agent": "g", "updated": "u", "when": "w", "claimed": []}
    assert renderer.render("progress.md.j2", context).startswith("---\nlabel: a\n")
    assert len(renderer.problems) == 1
    assert renderer.problems[0].startswith(f"templates/progress.md.j2:{line}: "), renderer.problems
    assert "packaged template was used" in renderer.problems[0]


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ label.__class__ }}",
        "{{ label.upper.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum(n=10**7) }}",
        "{{ range(10**9) | list }}",
        "{{ 9**9**9 }}",
        "{{ 'a' * 10**10 }}",
        "{{ 'a' * 10000000000 }}",
        "{{ [1] * 10000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ label.ljust(1000000000) }}",
        "{{ label | center(1000000000) }}",
        "{{ label | attr('__class__') }}",
        "{{ items.append(1) }}",
        "{{ items | map(attribute='__class__') | list }}",
        "{{ namespace(a=1) }}",
        "{{ dict(a=1) }}",
        "{% import 'x' as y %}",
        "{% extends '/etc/passwd' %}",
    ],
)
def test_a_hostile_template_reads_and_burns_nothing(tmp_path: Path, attack: str) -> None:
    renderer = _workspace(tmp_path, attack)
    began = time.process_time()
    with pytest.raises(BrokenTemplate):
        renderer.render("x.md.j2", {"label": "a", "items": [1]})
    assert time.process_time() - began < 1
    assert renderer.problems


def test_a_page_that_grows_without_end_is_stopped(tmp_path: Path) -> None:
    renderer = _workspace(tmp_path, "{% for a in items %}{{ a }}{% endfor %}")
    with pytest.raises(BrokenTemplate):
        renderer.render("x.md.j2", {"items": ["a" * 50_000] * 400})
    assert "grew beyond" in renderer.problems[0]


@pytest.mark.parametrize(
    "step",
    [
        "{% set a = a ~ a %}",
        "{% set a = a + a %}",
        "{% set a = a | join(a) %}",
        "{% set a %}{{ a }}{{ a }}{% endset %}",
        "{% set a = a | md %}",
        "{% set a = [a, a] %}",
        "{% set a = (a, a) %}",
        "{% set a = {1: a, 2: a} %}",
    ],
)
def test_what_doubles_itself_fills_no_memory(tmp_path: Path, step: str) -> None:
    renderer = _workspace(tmp_path, "{% set a = text %}" + step * 40 + "{{ a }}")
    began = time.process_time()
    with pytest.raises(BrokenTemplate):
        renderer.render("x.md.j2", {"text": "*" * 40})
    assert time.process_time() - began < 2
    assert renderer.problems


def test_after_a_page_that_took_too_long_the_next_one_has_all_its_steps(tmp_path: Path) -> None:
    values = {"label": "x", "name": "x", "attempt": 1, "agent": "a", "updated": "", "when": "", "claimed": ["a"] * 50, "checked": []}
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "progress.md.j2").write_text("{% for a in claimed %}" * 6 + "{% endfor %}" * 6)
    renderer = Renderer(tmp_path)
    for _ in range(3):
        assert "label: x" in renderer.render("progress.md.j2", values)
    assert len(renderer.problems) == 1


def test_a_list_is_not_shown_as_text(tmp_path: Path) -> None:
    renderer = _workspace(tmp_path, "{{ items }}")
    with pytest.raises(BrokenTemplate):
        renderer.render("x.md.j2", {"items": ["[a](http://evil.example)"]})
    assert "join" in renderer.problems[0]


def test_a_template_that_is_a_link_out_is_read_as_none(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "progress.md.j2").symlink_to(secret)
    renderer = Renderer(tmp_path)
    context = {"label": "a", "name": "n", "attempt": 1, "agent": "g", "updated": "u", "when": "w", "claimed": []}
    assert "secret" not in renderer.render("progress.md.j2", context)
    assert "symbolic link" in renderer.problems[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.md.j2", "\\*a\\* \\<b>\n"),
        ("x.html.j2", "*a* &lt;b&gt;\n"),
        ("x.txt.j2", "*a* <b>\n"),
    ],
)
def test_values_are_escaped_for_their_sink_without_a_filter(tmp_path: Path, name: str, expected: str) -> None:
    renderer = _workspace(tmp_path, "{{ value }}", name)
    assert renderer.render(name, {"value": "*a*\x1b[31m <b>" if name != "x.html.j2" else "*a* <b>"}) == expected


def test_filters_compose_without_escaping_twice(tmp_path: Path) -> None:
    source = "{{ v | code }} {{ v | md }} {{ v | shorten(3) }} {{ [v, v] | join(' + ') }} {{ 'a' ~ v }} {{ n }} {{ nothing }}"
    renderer = _workspace(tmp_path, source)
    assert (
        renderer.render("x.md.j2", {"v": "*`*", "n": 3, "nothing": None})
        == "``*`*`` \\*\\`\\* \\*\\`\\* \\*\\`\\* + \\*\\`\\* a\\*\\`\\* 3 \n"
    )


def test_html_text_holds_no_control_characters(tmp_path: Path) -> None:
    renderer = _workspace(tmp_path, "<p>{{ v }}</p>", "x.html.j2")
    assert renderer.render("x.html.j2", {"v": "a\x1b[31m<\u202eb"}) == "<p>a&lt;b</p>\n"


def test_only_plain_data_goes_in(tmp_path: Path) -> None:
    renderer = _workspace(tmp_path, "{{ v }}")
    with pytest.raises(BrokenTemplate):
        renderer.render("x.md.j2", {"v": tmp_path})


def test_a_missing_template_says_so() -> None:
    with pytest.raises(BrokenTemplate, match=r"nothing\.md\.j2"):
        Renderer().render("nothing.md.j2", {})
