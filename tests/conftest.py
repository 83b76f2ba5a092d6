"""Guard rails: no test sees the real home, the network, the owner's Git identity or a build's environment."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import repositories

#: The same examples in every run, so that a green suite stays green, also on a busy machine; `HYPOTHESIS_PROFILE=default` looks for new ones.
hypothesis_settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# A shell starts what runs in the background with these ignored, and programs hand that on; tests of Ctrl-C need them as in a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

_CLEAN = {
    "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
    "NO_COLOR": "1",
}


_GIT_CONFIG = (
    '[user]\n\tname = Olive Owner\n\temail = olive@example.org\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n'
)
_numbers = count()


def _new_folder(factory: pytest.TempPathFactory, kind: str, name: str) -> Path:
    """Return a new folder; pytest's own looks through all that there are before it makes the next, which a whole run feels."""
    told = re.sub(r"\W", "_", name)[:30]
    folder = factory.getbasetemp() / kind / f"{told}{next(_numbers)}"
    folder.mkdir(mode=0o700, parents=True)
    return folder


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty folder of this test alone."""
    return _new_folder(tmp_path_factory, "tests", request.node.name)


@pytest.fixture(autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = _new_folder(tmp_path_factory, "homes", "home")
    for name in list(os.environ):
        if name.startswith(("GIT_", "AUTOBUILDS_", "XDG_")):
            monkeypatch.delenv(name)
    for name, value in _CLEAN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(home))
    (home / ".gitconfig").write_text(_GIT_CONFIG)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "unix"
        if host not in {"127.0.0.1", "localhost", "::1", "unix"}:
            raise AssertionError(f"a test tried to reach {host}")
        real(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


def git(cwd: Path, *args: str) -> str:
    """Run git in a folder and return its output without the final newline."""
    done = subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout.rstrip("\n")


@pytest.fixture
def make_repo(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Return a function that makes a Git repository from a mapping of paths to texts, all committed."""

    def make(files: dict[str, str] | None = None, name: str = "repo") -> Path:
        root = tmp_path / name
        root.mkdir()
        given = files or {"README.md": "# Repo\n"}
        if repositories.is_plain(given) and _git_is_as_given():
            repositories.make(root, given, "Olive Owner <olive@example.org>")
            return root
        git(root, "init", "-q", "-b", "main")
        for path, text in given.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "first")
        return root

    yield make


def _git_is_as_given() -> bool:
    """Whether no test has told Git anything that counts for a new repository."""
    config = Path(os.environ["HOME"]) / ".gitconfig"
    told = {name for name in os.environ if name.startswith("GIT_")} - set(_CLEAN)
    return sys.platform.startswith("linux") and not told and config.is_file() and config.read_text() == _GIT_CONFIG
