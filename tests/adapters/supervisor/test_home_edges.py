"""The private home at its edges: where each agent's files are looked for, how large they may be, what stands in the way, what fails."""

from __future__ import annotations

import json
import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.home import Home, refreshed
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.errors import StorageFailure
from autobuilds.records import replace
from tests.adapters.attempts import job_for

XDG = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share", "XDG_CACHE_HOME": ".cache", "XDG_STATE_HOME": ".local/state"}
MOVED = {
    **XDG,
    "CLAUDE_CONFIG_DIR": ".claude",
    "CODEX_HOME": ".codex",
    "COPILOT_HOME": ".copilot",
    "OPENCLAW_STATE_DIR": ".openclaw",
    "PI_CODING_AGENT_DIR": ".pi/agent",
    "QWEN_HOME": ".qwen",
}
MIB = 1024 * 1024
OLD = b'{"token": "old"}'
NEW = b'{"token": "new"}'


class Place:
    """An owner's home with files in it, and the home of an agent that is given them."""

    def __init__(self, top: Path, *names: str) -> None:
        self.owner, self.folder = top / "owner", RunFolder(top / "runs" / "a-1")
        self.owner.mkdir()
        self.folder.path.mkdir(parents=True)
        self.home = Home(path=top / "state" / "homes" / "a", credentials=names, owner={"HOME": str(self.owner)})
        for name in names:
            self.own(name)

    def own(self, name: str, content: bytes = OLD) -> Path:
        path = self.owner / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def prepared(self) -> Home:
        self.home.prepare(self.folder)
        return self.home

    def back(self) -> tuple[str, ...]:
        return self.home.bring_back(self.folder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, "auth.json")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def files_of(size: int) -> Iterator[None]:
    """Let no file grow over a size, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_whatever_names_a_home_is_pointed_into_it_or_left_out(place: Place) -> None:
    left_out = ("XDG_RUNTIME_DIR", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS", "ZDOTDIR", "BASH_ENV", "ENV")
    found = place.home.environment(dict.fromkeys((*MOVED, *left_out, "HOME", "PATH", "ENVY"), "/x"))
    assert found == {
        "PATH": "/x",
        "ENVY": "/x",
        "HOME": str(place.home.path),
        **{name: str(place.home.path / folder) for name, folder in XDG.items()},
    }


def test_credentials_are_where_the_variable_of_their_folder_says(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for number, (variable, folder) in enumerate(MOVED.items()):
        moved = tmp_path / f"moved-{number}"
        (moved / "sub").mkdir(parents=True)
        (moved / "sub" / "auth.json").write_text(variable)
        neighbour = f"{folder}-other/auth.json"
        place.own(neighbour, b"neighbour")
        names = (f"{folder}/sub/auth.json", neighbour)
        home = replace(place.home, credentials=names, owner={"HOME": str(place.owner), variable: str(moved)})
        home.prepare(place.folder)
        assert [(home.path / name).read_text() for name in names] == [variable, "neighbour"]
        home = replace(home, owner={variable: str(moved)})
        home.prepare(place.folder)
        assert [(home.path / name).exists() for name in names] == [True, False], "without a home only what was moved is found"
        home = replace(home, owner={"HOME": str(place.owner), variable: ""})
        home.prepare(place.folder)
        assert [(home.path / name).exists() for name in names] == [False, True]


def test_the_home_of_a_job(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    job = job_for(make_repo(), "true", credentials=("a", "b"), environment={"CODEX_HOME": "/given", "PATH": "/bin"})
    assert Home.of(job, {"HOME": "/owner"}) is None
    home = Home.of(replace(job, home=str(tmp_path / "h")), {"HOME": "/owner", "CODEX_HOME": "/other", "QWEN_HOME": "/q"})
    assert home == Home(path=tmp_path / "h", credentials=("a", "b"), owner={"HOME": "/owner", "CODEX_HOME": "/given", "QWEN_HOME": "/q"})


def test_a_file_of_a_mebibyte_is_taken_and_a_larger_one_is_not(place: Place) -> None:
    own = place.own("auth.json", b"x" * MIB)
    copy = place.prepared().path / "auth.json"
    assert copy.read_bytes() == b"x" * MIB
    own.write_bytes(b"x" * (MIB + 1))
    place.prepared()
    assert not copy.exists()
    own.unlink()
    os.mkfifo(own)
    place.prepared()
    assert not copy.exists()


def test_all_that_is_made_is_private(place: Place, tmp_path: Path) -> None:
    home = place.prepared().path
    assert {mode(home), mode(home.parent), *(mode(home / folder) for folder in XDG.values())} == {0o700}
    assert mode(home / ".gitconfig") == 0o644
    home.chmod(0o755)
    (home / ".cache").rmdir()
    (home / ".cache").write_text("in the way")
    place.prepared()
    assert mode(home) == mode(home / ".cache") == 0o700 and (home / ".cache").is_dir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = replace(place.home, path=tmp_path / "link")
    (tmp_path / "link").symlink_to(elsewhere)
    other.prepare(place.folder)
    assert not (tmp_path / "link").is_symlink() and list(elsewhere.iterdir()) == []


def test_no_file_stays_open(place: Place) -> None:
    before = len(os.listdir("/proc/self/fd"))
    home = place.prepared()
    (home.path / "auth.json").write_bytes(NEW)
    assert place.back() == ("auth.json",)
    place.own("auth.json").unlink()
    place.prepared()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_home_that_can_not_be_made_is_said(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailure, match=r"the agent's home .*/file/h could not be made: File exists"):
        replace(place.home, path=tmp_path / "file" / "h").prepare(place.folder)
    (tmp_path / "outside").write_bytes(OLD)
    for name in ("../outside", str(tmp_path / "outside")):
        with pytest.raises(StorageFailure, match=f"could not be made: '{name}' is no path below the home"):
            replace(place.home, credentials=(name,)).prepare(place.folder)
    place.prepared()
    place.own("auth.json", b"x" * 5000)
    with files_of(1000), pytest.raises(StorageFailure, match="could not be made: File too large"):
        place.prepared()
    assert sorted(path.name for path in place.home.path.iterdir()) == [".cache", ".config", ".gitconfig", ".local", "auth.json"]
    assert (place.home.path / "auth.json").read_bytes() == OLD


def test_nothing_comes_back_without_a_record_of_what_was_given(place: Place) -> None:
    (place.prepared().path / "auth.json").write_bytes(NEW)
    for content in ("{", None):
        place.folder.credentials.unlink()
        if content is not None:
            place.folder.credentials.write_text(content)
        assert place.back() == ()
    assert (place.owner / "auth.json").read_bytes() == OLD


def test_each_file_comes_back_by_itself(tmp_path: Path) -> None:
    names = ("auth.json", "gone-auth.json", "oauth.json", "my.credentials", "x/secrets", "AUTH", "settings.json", "secret/other.json")
    place = Place(tmp_path, *names)
    home = place.prepared()
    for name in names[1:]:
        (home.path / name).write_bytes(NEW)
    (place.owner / "gone-auth.json").unlink()
    assert place.back() == ("oauth.json", "my.credentials", "x/secrets", "AUTH")
    assert [(place.owner / name).read_bytes() == NEW for name in names if name != "gone-auth.json"] == [False, *[True] * 4, False, False]


def test_what_can_not_be_written_back_stays_as_it_was(place: Place) -> None:
    own = place.own("auth.json", json.dumps({"token": "old"}).encode())
    (place.prepared().path / "auth.json").write_bytes(json.dumps({"token": "x" * 3000}).encode())
    with files_of(1000):
        assert place.back() == ()
    assert own.read_bytes() == OLD


def test_looking_at_a_home_changes_nothing_in_it(tmp_path: Path) -> None:
    place = Place(tmp_path, "deep/auth.json")
    folder = place.prepared().path / "deep"
    (folder / "auth.json").unlink()
    folder.rmdir()
    assert place.back() == () and not folder.exists()
    folder.write_text("a file")
    assert place.back() == () and folder.read_text() == "a file"
    folder.unlink()
    os.mkfifo(folder)
    assert place.back() == ()
    (place.owner / "deep" / "auth.json").unlink()
    replace(place.home, credentials=("none/auth.json", "deep/auth.json")).prepare(place.folder)
    assert stat.S_ISFIFO(folder.stat().st_mode) and not (place.home.path / "none").exists()


@pytest.mark.parametrize(
    ("old", "new", "fine"),
    [
        *(({name: "a"}, {name: "b"}, True) for name in ("token", "Refresh", "ACCESS", "expires_at", "id_token", "x-access-y", "unexpired")),
        ({"name": "a"}, {"name": "b"}, False),
        ({"token": "a"}, {"token": "A" * 16384}, True),
        ({"token": "a"}, {"token": "A" * 16385}, False),
        ({"token": "a"}, {"token": "a b"}, False),
        ({"token": "a"}, {"token": "-a"}, False),
        ({"token": "a"}, {"token": 1}, False),
        ({"expires": 1}, {"expires": 1.5}, True),
        ({"expires": 1.5}, {"expires": 2}, True),
        ({"expires": 1}, {"expires": True}, False),
        ({"token": None}, {"token": "a"}, False),
        ({"token": "a"}, {"token": None}, False),
        ({"a": {"t": 1}}, {"a": "t"}, False),
        ({"a": "t"}, {"a": {"t": 1}}, False),
        ({"a": {}}, {"a": ""}, False),
        ({"token": ["a"]}, {"token": ["b"]}, False),
        ({"token": ["a"]}, {"token": ["a"]}, True),
        ({"token": ["a"]}, {"token": "a"}, False),
        ({"a": {"token": "a"}}, {"a": {"token": "a", "more_token": "b"}}, True),
        ({"a": {"token": "a"}}, {"a": {"token": "a", "more": "b"}}, False),
        ({"a": {"token": "a"}}, {"a": {"token": "a", "more_token": "b", "more": "b"}}, False),
        ({"a": {"token": "a"}}, {"a": {"token": "a", "more_token": [1]}}, False),
        ({"a": {"token": "a", "b": 1}}, {"a": {"token": "a"}}, False),
        ({"token": "a"}, {"token": "a", "more_token": "b"}, False),
        ({"token": "a", "b_token": "b"}, {"token": "a"}, False),
        ({"token": "a", "name": 1}, {"token": "b", "name": 2}, False),
        ({"name": 1, "token": "a"}, {"name": 2, "token": "b"}, False),
        ([], [], False),
        ({}, [], False),
        ([], {}, False),
    ],
)
def test_what_is_a_refresh(old: object, new: object, fine: bool) -> None:
    assert refreshed(json.dumps(old).encode(), json.dumps(new).encode()) is fine


def test_what_json_does_not_know_is_no_refresh() -> None:
    assert not refreshed(b'{"expires": null}', b'{"expires": NaN}')
    assert not refreshed(b'{"expires": null}', b'{"expires": -Infinity}')
    assert refreshed(b'{"expires": null}', b'{"expires":null}')
    assert not refreshed(OLD, b'{"token": {"a": 1, "a": 2}}')
    assert not refreshed(OLD, b"\xff")
