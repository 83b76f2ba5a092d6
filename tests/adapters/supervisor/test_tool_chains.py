"""Tool chains in a home: each is found by its folder on the PATH, told by its variable, and what is not there is not named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.places import _FIRST_LINE, _shebang, tool_chains

CHAINS = [
    (".cargo/bin", (".rustup/toolchains", ".rustup/settings.toml"), "RUSTUP_HOME", ".rustup"),
    (".pyenv/shims", (".pyenv",), "PYENV_ROOT", ".pyenv"),
    (".pyenv/bin", (".pyenv",), "PYENV_ROOT", ".pyenv"),
    (".asdf/shims", (".asdf",), "ASDF_DATA_DIR", ".asdf"),
    (".volta/bin", (".volta/bin", ".volta/tools"), "VOLTA_HOME", ".volta"),
    (".local/share/mise/shims", (".local/share/mise",), "MISE_DATA_DIR", ".local/share/mise"),
]


@pytest.mark.parametrize(("folder", "needs", "variable", "where"), CHAINS)
def test_a_tool_chain(tmp_path: Path, folder: str, needs: tuple[str, ...], variable: str, where: str) -> None:
    for name in (folder, where, *needs):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    search = {"PATH": f"/usr/bin{os.pathsep}{tmp_path / folder}"}
    expected = {str(tmp_path / name) for name in needs}
    readable, told = tool_chains(search, tmp_path)
    assert set(readable) == expected and len(readable) == len(set(readable))
    assert told == {variable: str(tmp_path / where)}
    assert tool_chains({**search, variable: "/elsewhere"}, tmp_path) == (readable, {})
    assert tool_chains({"PATH": "/usr/bin"}, tmp_path) == ((), {})
    assert tool_chains({}, tmp_path) == ((), {})
    assert tool_chains({"PATH": os.path.relpath(tmp_path / folder)}, tmp_path) == ((), {})


def test_what_is_not_there_is_not_named(tmp_path: Path) -> None:
    (tmp_path / ".cargo/bin").mkdir(parents=True)
    search = {"PATH": str(tmp_path / ".cargo/bin")}
    assert tool_chains(search, tmp_path) == ((), {})
    (tmp_path / ".rustup/toolchains").mkdir(parents=True)
    assert tool_chains(search, tmp_path) == ((str(tmp_path / ".rustup/toolchains"),), {"RUSTUP_HOME": str(tmp_path / ".rustup")})


@pytest.mark.parametrize(
    ("content", "interpreter"),
    [
        (b"#!/bin/sh\necho", "/bin/sh"),
        (b"#! /usr/bin/env node\n#!/bin/sh\n", "/usr/bin/env"),
        (b"#!/bin/sh", "/bin/sh"),
        (b"#!sh\n", None),
        (b"#!\n/bin/sh", None),
        (b"", None),
        (b"/bin/sh\n", None),
        (b"\x7fELF#!/bin/sh", None),
    ],
)
def test_the_interpreter_of_a_script(tmp_path: Path, content: bytes, interpreter: str | None) -> None:
    path = tmp_path / "program"
    path.write_bytes(content)
    found = _shebang(path)
    assert (str(found) if found is not None else None) == interpreter
    assert _shebang(tmp_path / "none") is None
    path.write_bytes(b"#!/" + b"x" * 300)
    assert str(_shebang(path)) == "/" + "x" * (_FIRST_LINE - 3)
    assert _FIRST_LINE == 256
