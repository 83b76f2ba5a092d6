"""The private home: credentials in, refreshed tokens out, nothing through a link."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.home import Home, refreshed
from autobuilds.adapters.supervisor.run_folder import RunFolder

LOGIN = {"tokens": {"access_token": "a1", "refresh_token": "r1", "account": "me"}, "expires_at": 1}


class Bench:
    """An owner with a login, and the home of an agent."""

    def __init__(self, top: Path, **variables: str) -> None:
        self.owner, self.folder = top / "owner", RunFolder(top / "runs" / "a-1")
        self.owner.mkdir()
        self.folder.path.mkdir(parents=True)
        environment = {"HOME": str(self.owner), **variables}
        self.home = Home(path=top / "homes" / "a", credentials=(".agent/auth.json", ".agent/more.json"), owner=environment)
        self.write(LOGIN)

    @property
    def login(self) -> Path:
        return self.owner / ".agent" / "auth.json"

    @property
    def copy(self) -> Path:
        return self.home.path / ".agent" / "auth.json"

    def write(self, value: object) -> None:
        self.login.parent.mkdir(exist_ok=True)
        self.login.write_text(json.dumps(value))

    def refresh(self, **tokens: str) -> dict[str, object]:
        changed = {**LOGIN, "tokens": {**LOGIN["tokens"], **tokens}}  # type: ignore[dict-item]
        self.copy.write_text(json.dumps(changed))
        return changed


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.home.prepare(made.folder)
    return made


def test_the_home_is_private_and_holds_copies(bench: Bench) -> None:
    assert json.loads(bench.copy.read_text()) == LOGIN
    assert stat.S_IMODE(bench.home.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(bench.copy.stat().st_mode) == 0o600
    assert not (bench.home.path / ".agent" / "more.json").exists()
    assert "gpgSign = false" in (bench.home.path / ".gitconfig").read_text()


def test_the_environment_points_into_it(bench: Bench) -> None:
    given = {"PATH": "/bin", "HOME": "/root", "XDG_RUNTIME_DIR": "/run/user/0", "CODEX_HOME": "/x", "XDG_CONFIG_HOME": "/y"}
    found = bench.home.environment(given)
    assert found["HOME"] == str(bench.home.path)
    assert found["XDG_CONFIG_HOME"] == str(bench.home.path / ".config")
    assert found["PATH"] == "/bin"
    assert not {"XDG_RUNTIME_DIR", "CODEX_HOME"} & set(found)


def test_refreshed_tokens_come_back(bench: Bench) -> None:
    changed = bench.refresh(access_token="a2", refresh_token="r2")
    assert bench.home.bring_back(bench.folder) == (".agent/auth.json",)
    assert json.loads(bench.login.read_text()) == changed
    assert stat.S_IMODE(bench.login.stat().st_mode) == 0o600


def test_what_the_owner_changed_meanwhile_stays(bench: Bench) -> None:
    bench.refresh(access_token="a2")
    own = {**LOGIN, "expires_at": 7}
    bench.write(own)
    assert bench.home.bring_back(bench.folder) == ()
    assert json.loads(bench.login.read_text()) == own


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        "not json",
        '{"tokens": {}, "expires_at": 1}',
        json.dumps({**LOGIN, "command": "rm -rf ~"}),
        json.dumps({**LOGIN, "tokens": {"access_token": "a2", "refresh_token": "r1", "account": "you"}}),
        json.dumps({**LOGIN, "tokens": {"access_token": {"x": "y"}, "refresh_token": "r1", "account": "me"}}),
        "[" * 100_000,
    ],
)
def test_anything_but_tokens_stays_out(bench: Bench, content: str) -> None:
    bench.copy.write_text(content)
    assert bench.home.bring_back(bench.folder) == ()
    assert json.loads(bench.login.read_text()) == LOGIN


def test_links_lead_nowhere(bench: Bench, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "auth.json").write_text(json.dumps({**LOGIN, "expires_at": 9}))
    bench.copy.unlink()
    bench.copy.parent.rmdir()
    bench.copy.parent.symlink_to(precious)
    assert bench.home.bring_back(bench.folder) == ()
    bench.home.prepare(bench.folder)
    assert not bench.copy.parent.is_symlink()
    assert json.loads((precious / "auth.json").read_text())["expires_at"] == 9
    assert json.loads(bench.copy.read_text()) == LOGIN


def test_a_linked_or_odd_copy_is_not_read(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**LOGIN, "expires_at": 9}))
    plants: tuple[Callable[[], None], ...] = (
        lambda: bench.copy.symlink_to(other),
        lambda: os.mkfifo(bench.copy),
        lambda: os.link(other, bench.copy),
    )
    for plant in plants:
        bench.copy.unlink()
        plant()
        assert bench.home.bring_back(bench.folder) == ()
        assert json.loads(bench.login.read_text()) == LOGIN


def test_a_folder_in_the_way_goes(bench: Bench) -> None:
    (bench.home.path / ".gitconfig").unlink()
    (bench.home.path / ".gitconfig" / "x").mkdir(parents=True)
    bench.home.prepare(bench.folder)
    assert (bench.home.path / ".gitconfig").is_file()


def test_who_signs_out_takes_the_copy_away(bench: Bench) -> None:
    bench.login.unlink()
    bench.home.prepare(bench.folder)
    assert not bench.copy.exists()


def test_credentials_are_found_where_a_variable_moved_them(tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "auth.json").write_text('{"key": 1}')
    folder = RunFolder(tmp_path / "runs" / "a-1")
    folder.path.mkdir(parents=True)
    home = Home(path=tmp_path / "homes" / "a", credentials=(".codex/auth.json",), owner={"HOME": "/none", "CODEX_HOME": str(moved)})
    home.prepare(folder)
    assert (home.path / ".codex" / "auth.json").read_text() == '{"key": 1}'


def test_what_is_taken_for_a_refresh() -> None:
    old = b'{"a": {"access": "1", "expires": 1}, "list": [1]}'
    assert refreshed(old, b'{"a": {"access": "2", "expires": 2.5, "id_token": "n"}, "list": [1]}')
    assert not refreshed(old, b'{"a": {"access": "2", "expires": 2, "url": "n"}, "list": [1]}')
    assert not refreshed(old, b'{"a": {"access": "2", "expires": 2}, "list": [2]}')


@pytest.mark.parametrize(
    "given",
    [
        b'{"a": {"access": "!curl evil", "expires": 2}}',
        b'{"a": {"access": "/bin/evil", "expires": 2}}',
        b'{"a": {"access": "$(evil)", "expires": 2}}',
        b'{"a": {"access": "", "expires": 2}}',
        b'{"a": {"access": "2\\n", "expires": 2}}',
        b'{"a": {"access": "' + b"A" * 20_000 + b'", "expires": 2}}',
        b'{"a": {"access": "2", "access": "3", "expires": 2}}',
        b'{"a": {"access": "2", "expires": NaN}}',
        b'{"a": {"access": "2", "expires": 2, "accessHelper": "/bin/evil"}}',
    ],
    ids=range(9),
)
def test_what_a_program_might_take_for_something_else_is_no_token(given: bytes) -> None:
    old = b'{"a": {"access": "1", "expires": 1}}'
    assert refreshed(old, b'{"a": {"access": "eyJ.x-_~+/=", "expires": 2}}')
    assert not refreshed(old, given)


def test_settings_are_never_brought_back(tmp_path: Path) -> None:
    settings = tmp_path / "owner" / ".openclaw" / "openclaw.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"gateway": {"auth": {"token": "owners"}}}')
    folder = RunFolder.of(tmp_path, "a-1")
    folder.make()
    home = Home(path=tmp_path / "homes" / "a", credentials=(".openclaw/openclaw.json",), owner={"HOME": str(tmp_path / "owner")})
    home.prepare(folder)
    (home.path / ".openclaw" / "openclaw.json").write_text('{"gateway": {"auth": {"token": "builds"}}}')
    assert home.bring_back(folder) == ()
    assert "owners" in settings.read_text()
