"""What stays readable, exactly: folders of the PATH, links of a program, its package, its interpreter, borrowed objects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.places import borrowed, programs, tool_chains
from tests.adapters.supervisor.test_places import program


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def shown(home: Path, name: str | None, *search: Path | str, hidden: tuple[Path, ...] = ()) -> list[str]:
    path = os.pathsep.join(str(folder) for folder in search)
    found = programs([name] if name is not None else [], {"PATH": path}, [str(folder) for folder in hidden or (home,)])
    return [os.path.relpath(one, home) for one in found]


def test_folders_of_the_path(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("opt/bin", "opt/lib", "opt/lib64", "opt/libexec", "opt/include", "opt/share", "tools", "cabin", "lib", "rel/bin"):
        (home / name).mkdir(parents=True)
    monkeypatch.chdir(home)
    search = ("relative", "rel/bin", "/usr/bin", home / "opt/bin", home / "gone", home / "tools", home / "cabin")
    assert shown(home, None, *search) == [
        "opt/bin",
        "opt/lib",
        "opt/lib64",
        "opt/libexec",
        "opt/include",
        "tools",
        "cabin",
    ]
    beside = tmp_path / "home-of-another"
    (beside / "bin").mkdir(parents=True)
    assert shown(home, None, beside / "bin") == []
    assert shown(home, None, beside / "bin", hidden=(home, beside)) == ["../home-of-another/bin"]
    (home / "way").symlink_to(beside)
    assert shown(home, None, home / "way/bin") == ["way/bin"], "the link itself lies in a hidden place"
    (tmp_path / "in").symlink_to(home / "tools")
    assert shown(home, None, tmp_path / "in") == ["../in"], "what it leads to does"
    assert shown(home, None, "/usr/bin", hidden=(Path("/"),))[0] == os.path.relpath("/usr/bin", home)
    assert programs([], {}, [str(home)]) == ()


def test_a_folder_with_the_hidden_one_in_it_is_shown_in_parts(home: Path) -> None:
    prefix = home / "env"
    for name in ("bin", "lib", "work/deep"):
        (prefix / name).mkdir(parents=True)
    (prefix / "pyvenv.cfg").write_text("")
    parts = ["env/bin", "env/lib", "env/pyvenv.cfg"]
    whole = ["env/bin", "env", "env/lib", "env/pyvenv.cfg"]
    assert shown(home, None, prefix / "bin") == whole
    assert shown(home, None, prefix / "bin", hidden=(home, prefix / "work/deep")) == parts
    assert shown(home, None, prefix / "bin", hidden=(home, prefix)) == parts
    (home / "env2").mkdir()
    assert shown(home, None, prefix / "bin", hidden=(home, home / "env2")) == whole


def test_only_the_first_word_of_a_command_line_is_a_program(home: Path) -> None:
    for name in ("one", "two"):
        program(home / name / name)
        (home / f"link-{name}").symlink_to(home / name / name)
    path = {"PATH": f"{home}/one:{home}/two"}
    assert programs(["one", "two"], path, [str(home)]) == (f"{home}/one", f"{home}/two", f"{home}/one/one")
    assert programs([f"{home}/link-one", f"{home}/link-two"], {"PATH": "/bin"}, [str(home)]) == (f"{home}/link-one", f"{home}/one/one")


def test_links_are_followed_eight_times(home: Path) -> None:
    target = program(home / "real/program")
    for number in range(12, -1, -1):
        (home / f"d{number}").mkdir()
        (home / f"d{number}/run").symlink_to(target if number == 12 else f"../d{number + 1}/run")
    found = shown(home, str(home / "d0/run"))
    assert found == [*(f"d{number}/run" for number in range(9)), "real/program"]


def test_the_package_of_a_program_and_what_each_link_on_the_way_belongs_to(home: Path) -> None:
    outer = program(home / "app/node_modules/a/node_modules/b/cli.js")
    assert shown(home, str(outer)) == [os.path.relpath(p, home) for p in (outer, home / "app/node_modules")]
    (home / "app/lib").mkdir()
    (home / "other/lib").mkdir(parents=True)
    (home / "other/bin").mkdir()
    (home / "other/bin/b").symlink_to(outer)
    (home / "start").symlink_to(home / "other/bin/b")
    assert shown(home, str(home / "start")) == [
        "start",
        "other/bin/b",
        "other/bin",
        "other/lib",
        "app/node_modules/a/node_modules/b/cli.js",
        "app/node_modules",
    ]
    plain = program(home / "plain/sbin/x")
    (home / "plain/lib").mkdir()
    assert shown(home, str(plain)) == ["plain/sbin/x"]


def test_the_interpreter_of_a_virtual_environment_and_of_a_script(home: Path) -> None:
    python = program(home / "python/3/bin/python3")
    for name in ("lib", "share"):
        (home / "python/3" / name).mkdir()
    venv = home / "venv"
    program(venv / "bin/tool", f"#!{venv}/bin/python -I\n")
    (venv / "pyvenv.cfg").write_text("")
    (venv / "bin/python").symlink_to(python)
    whole = ["venv/bin/tool", "venv", "python/3/bin", "python/3/lib"]
    assert shown(home, str(venv / "bin/tool")) == [*whole, "venv/bin/python", "python/3/bin/python3"]
    assert shown(home, None, venv / "bin") == ["venv/bin", "venv", "python/3/bin", "python/3/lib"]
    odd = program(home / "odd/python")
    (home / "odd/lib").mkdir()
    (home / "lib").mkdir()
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to(odd)
    assert shown(home, None, venv / "bin") == ["venv/bin", "venv"], "what is not in a folder bin has no installation around it"
    deep = program(home / "other/lib/site/deep/cli")
    (home / "other/pyvenv.cfg").write_text("")
    assert shown(home, str(deep)) == ["other/lib/site/deep/cli", "other", "other/lib", "other/pyvenv.cfg"]
    script = program(home / "scripts/run", f"#!{home}/runtime/bin/node x\n")
    program(home / "runtime/bin/node")
    (home / "runtime/lib").mkdir()
    assert shown(home, str(script)) == ["scripts/run", "runtime/bin/node", "runtime/bin", "runtime/lib"]
    text = program(home / "scripts/text", f"xx{home}/runtime/bin/node\n")
    assert shown(home, str(text)) == ["scripts/text"]


def repository(top: Path, *alternates: str | bytes) -> Path:
    """Make what counts of a repository here: its place and the objects that it borrows."""
    info = top / ".git" / "objects" / "info"
    info.mkdir(parents=True)
    (top / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    if alternates:
        (info / "alternates").write_bytes(b"".join((row if isinstance(row, bytes) else row.encode()) + b"\n" for row in alternates))
    return top


def test_borrowed_objects_are_found_behind_each_other(tmp_path: Path) -> None:
    def objects(name: str) -> str:
        return f"{tmp_path}/{name}/.git/objects"

    repository(tmp_path / "c")
    repository(tmp_path / "d#")
    repository(tmp_path / "b", objects("c"))
    top = repository(tmp_path / "a", "# a comment", "", "../../../b/.git/objects", f"{tmp_path}/d#", os.fsencode(f"{tmp_path}/") + b"\xff")
    assert borrowed(top) == (objects("a"), objects("b"), f"{tmp_path}/d#", f"{tmp_path}/\udcff", objects("c"))
    for number in range(6):
        repository(tmp_path / f"n{number}", objects(f"n{number + 1}"))
    assert borrowed(tmp_path / "n0") == tuple(objects(f"n{number}") for number in range(5))
    assert borrowed(tmp_path / ("x" * 300)) == ()


def test_tool_chains_without_a_path_are_none(home: Path) -> None:
    (home / ".pyenv" / "shims").mkdir(parents=True)
    assert tool_chains({}, home) == ((), {})
    assert tool_chains({"PATH": "/bin"}, home) == ((), {})
    found = tool_chains({"PATH": f"{home}/.pyenv/shims/../shims"}, home)
    assert found == ((f"{home}/.pyenv",), {"PYENV_ROOT": f"{home}/.pyenv"})
