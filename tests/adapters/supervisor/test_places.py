"""What stays readable in hidden places: what programs need, and not what lies beside them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.supervisor.places import borrowed, programs, tool_chains
from tests.conftest import git


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def readable(home: Path, name: str, *folders: str) -> set[str]:
    path = os.pathsep.join([*(str(home / f) for f in folders), "/usr/bin", "/bin"])
    return {os.path.relpath(p, home) for p in programs([name], {"PATH": path}, [str(home)])}


def test_a_package_of_node_is_readable_with_what_it_depends_on(home: Path) -> None:
    cli = program(home / ".nvm/versions/node/v20/lib/node_modules/@x/agent/cli.js", "#!/usr/bin/env node\n")
    folder = home / ".nvm/versions/node/v20/bin"
    folder.mkdir()
    (folder / "agent").symlink_to(os.path.relpath(cli, folder))
    (home / ".nvm/versions/node/v20/share").mkdir()
    found = readable(home, "agent", ".nvm/versions/node/v20/bin")
    assert {".nvm/versions/node/v20/bin", ".nvm/versions/node/v20/lib"} <= found
    assert not any("share" in p for p in found)


def test_a_program_behind_links_is_readable_and_its_neighbours_are_not(home: Path) -> None:
    real = program(home / ".local/share/agent/versions/2.1")
    (home / ".local/share/keyring").write_text("secret")
    (home / ".local/bin").mkdir()
    (home / ".local/bin/agent").symlink_to(real)
    found = readable(home, "agent", ".local/bin")
    assert ".local/share/agent/versions/2.1" in found
    assert not found & {".local", ".local/share", ".local/share/agent", "."}


def test_a_virtual_environment_comes_whole_with_its_interpreter(home: Path) -> None:
    python = program(home / ".pyenv/versions/3.12/bin/python3.12", "")
    (home / ".pyenv/versions/3.12/lib").mkdir()
    venv = home / "tools/aider"
    program(venv / "bin/aider", f"#!{venv}/bin/python\n")
    (venv / "pyvenv.cfg").write_text("")
    (venv / "bin/python").symlink_to(python)
    (home / "bin").mkdir()
    (home / "bin/aider").symlink_to(venv / "bin/aider")
    assert {"tools/aider", ".pyenv/versions/3.12/lib", ".pyenv/versions/3.12/bin"} <= readable(home, "aider", "bin")


def test_a_workspace_that_is_a_virtual_environment_itself_stays_hidden(home: Path) -> None:
    workspace = home / "work"
    program(workspace / "bin/agent", f"#!{workspace}/bin/python\n")
    program(workspace / "bin/python", "")
    for name in ("pyvenv.cfg", "BUILD_QUEUE.md"):
        (workspace / name).write_text("")
    found = programs(["agent"], {"PATH": str(workspace / "bin")}, [str(home), str(workspace)])
    assert str(workspace / "bin") in found and str(workspace / "pyvenv.cfg") in found
    assert all(path.startswith(f"{workspace}/") for path in found)


def test_what_is_not_hidden_or_not_there_is_left_out(home: Path) -> None:
    assert readable(home, "sh") == set()
    assert readable(home, "no-such-agent", "gone/bin") == set()
    assert programs((), {"PATH": f".:{home}:relative"}, [str(home)]) == ()


def test_tool_chains_are_told_where_they_are(home: Path) -> None:
    for folder in (".cargo/bin", ".rustup/toolchains"):
        (home / folder).mkdir(parents=True)
    found, told = tool_chains({"PATH": f"{home}/.cargo/bin:/bin"}, home)
    assert found == (str(home / ".rustup/toolchains"),)
    assert told == {"RUSTUP_HOME": str(home / ".rustup")}
    assert tool_chains({"PATH": "/bin"}, home) == ((), {})


def test_objects_that_a_clone_borrows(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    repo = make_repo({"a": "a\n"}, name="owner")
    clone = tmp_path / "clone"
    GitRepo(repo).clone(clone, git(repo, "rev-parse", "HEAD"), "build/x")
    assert borrowed(clone) == (str((clone / ".git/objects").resolve()), str((repo / ".git/objects").resolve()))
    assert borrowed(tmp_path) == ()
