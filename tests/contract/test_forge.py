"""What every forge promises: the branch is there, one pull request is open for it, and nobody's work is overwritten."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autobuilds.adapters.forge import CommandForge
from autobuilds.adapters.forge.remotes import Remote, _parts, command_for, shown
from autobuilds.errors import ForgeFailure, Refused
from autobuilds.ports import Proposal
from tests.adapters.forge.stand_in import StandIn, forge
from tests.conftest import git

__all__ = ["forge"]

HOSTS = {"gh": "https://github.com/olive/words.git", "glab": "git@gitlab.com:olive/words.git", "tea": "https://codeberg.org/olive/words"}


@pytest.fixture(params=list(HOSTS))
def desk(request: pytest.FixtureRequest, make_repo: Callable[..., Path], tmp_path: Path, forge: StandIn) -> Desk:
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(remote))
    root = make_repo({"a.txt": "one\n"})
    git(root, "remote", "add", "origin", HOSTS[request.param])
    git(root, "config", f"url.{remote}.insteadOf", HOSTS[request.param])
    git(root, "push", "-q", "origin", "main")
    return Desk(root, remote, forge, request.param)


class Desk:
    """A repository with a remote that is a folder behind a forge's address, and a build's commit."""

    def __init__(self, root: Path, remote: Path, forge: StandIn, command: str) -> None:
        self.root, self.remote, self.stand_in, self.command = root, remote, forge, command
        self.forge = CommandForge(
            environment={"PATH": forge.path, "HOME": str(root.parent), "GH_TOKEN": "t", "AWS_SECRET": "s"}, seconds=20
        )
        self.commits: list[str] = []

    def work(self, text: str = "work", onto: str = "main") -> str:
        tree = git(self.root, "rev-parse", f"{onto}^{{tree}}")
        self.commits.append(git(self.root, "commit-tree", tree, "-p", git(self.root, "rev-parse", onto), "-m", text))
        return self.commits[-1]

    def proposal(self, commit: str, body: str = "# Body\n--title=other\n") -> Proposal:
        mine = tuple(self.commits)
        title = "--web $(touch pwned)"
        return Proposal(repository=self.root, branch="build/hello", commit=commit, base="main", title=title, body=body, replaces=mine)

    def tip(self) -> str:
        return git(self.remote, "rev-parse", "refs/heads/build/hello")


def test_the_branch_is_pushed_and_a_pull_request_opened_once(desk: Desk) -> None:
    commit = desk.work()
    first = desk.forge.propose(desk.proposal(commit))
    assert (first.found, first.command, first.remote, desk.tip()) == (False, desk.command, "origin", commit)
    assert first.address == desk.stand_in.open[0]["url"]
    assert (desk.stand_in.open[0]["base"], desk.stand_in.open[0]["title"]) == ("main", "--web $(touch pwned)")
    again = desk.forge.propose(desk.proposal(commit))
    assert (again.found, again.address, len(desk.stand_in.open)) == (True, first.address, 1)
    created = next(c for c in desk.stand_in.calls if c["args"][1] == "create")
    told = created["body"] or next(a for a in created["args"] if a.startswith("--description=")).partition("=")[2]
    assert told == "# Body\n--title=other\n"
    assert "AWS_SECRET" not in created["env"]


def test_the_project_is_named_as_its_command_wants_it(desk: Desk) -> None:
    desk.forge.propose(desk.proposal(desk.work()))
    named = next(a for a in desk.stand_in.calls[0]["args"] if a.startswith("--repo="))
    assert named == {"gh": "--repo=olive/words", "glab": "--repo=https://gitlab.com/olive/words", "tea": "--repo=olive/words"}[desk.command]


def test_what_somebody_opened_meanwhile_counts_and_what_a_fork_opened_does_not(desk: Desk) -> None:
    desk.stand_in.add(head="build/hello", url="https://forge.example/fork/words/pull/7", fork=True)
    desk.stand_in.feels("raced")
    raced = desk.forge.propose(desk.proposal(desk.work()))
    assert (raced.found, raced.address.rsplit("/", 1)[1]) == (True, "41")


@pytest.mark.parametrize("desk", ["gh"], indirect=True)
def test_a_later_attempt_takes_the_place_of_our_own_earlier_one(desk: Desk) -> None:
    desk.forge.propose(desk.proposal(desk.work("first")))
    second = desk.work("second")
    assert desk.forge.propose(desk.proposal(second)).found
    assert desk.tip() == second


@pytest.mark.parametrize("desk", ["gh"], indirect=True)
def test_the_work_of_others_is_never_overwritten(desk: Desk) -> None:
    theirs = desk.work("theirs")
    git(desk.root, "push", "-q", "origin", f"{theirs}:refs/heads/build/hello")
    desk.commits.clear()
    with pytest.raises(Refused, match="not this build's work; nothing was pushed"):
        desk.forge.propose(desk.proposal(desk.work("ours")))
    assert desk.tip() == theirs
    assert desk.stand_in.calls == []


@pytest.mark.parametrize("desk", ["gh"], indirect=True)
def test_no_hook_and_nothing_of_the_repositorys_own_configuration_runs(desk: Desk) -> None:
    hook = desk.root / ".git" / "hooks" / "pre-push"
    hook.write_text(f"#!/bin/sh\ntouch {desk.root}/ran\nexit 1\n")
    hook.chmod(0o755)
    plants = {
        "core.hooksPath": ".git/hooks",
        "core.sshCommand": f"touch {desk.root}/ran;",
        "credential.helper": f"!touch {desk.root}/ran",
        "credential.https://github.com.helper": f"!touch {desk.root}/ran",
        "remote.origin.receivepack": f"touch {desk.root}/ran;",
        "remote.origin.uploadpack": f"touch {desk.root}/ran;",
        "core.fsmonitor": f"touch {desk.root}/ran;",
    }
    for key, value in plants.items():
        git(desk.root, "config", key, value)
    desk.forge.propose(desk.proposal(desk.work()))
    assert not (desk.root / "ran").exists()
    git(desk.root, "config", "remote.origin.pushurl", f"ext::touch {desk.root}/ran")
    with pytest.raises(ForgeFailure, match="failed"):
        desk.forge.propose(desk.proposal(desk.work("more")))
    assert not (desk.root / "ran").exists()


@pytest.mark.parametrize("desk", ["gh"], indirect=True)
@pytest.mark.parametrize(("mood", "words"), [("signed-out", "not signed in"), ("babbles", "not JSON")])
def test_a_forge_that_says_no_is_quoted_without_its_secrets(desk: Desk, mood: str, words: str) -> None:
    desk.stand_in.feels(mood)
    with pytest.raises(ForgeFailure, match=words) as said:
        desk.forge.propose(desk.proposal(desk.work()))
    assert "secret" not in str(said.value)


@pytest.mark.parametrize("desk", ["gh"], indirect=True)
def test_a_forge_that_hangs_is_stopped(desk: Desk) -> None:
    desk.stand_in.feels("hangs")
    before = time.monotonic()
    with pytest.raises(ForgeFailure, match="took longer than"):
        replace(desk.forge, seconds=0.5).propose(desk.proposal(desk.work()))
    assert time.monotonic() - before < 20


@pytest.mark.parametrize("desk", ["gh"], indirect=True)
def test_without_program_or_remote_it_is_said_what_to_do(desk: Desk) -> None:
    with pytest.raises(ForgeFailure, match=f"{desk.command} is not installed; get it from https://"):
        replace(desk.forge, environment={"PATH": "/nowhere"}).propose(desk.proposal(desk.work()))
    git(desk.root, "remote", "remove", "origin")
    with pytest.raises(ForgeFailure, match="no remote to push to: it has none"):
        desk.forge.propose(desk.proposal(desk.work()))


@pytest.mark.parametrize(
    ("address", "host", "project"),
    [
        ("https://github.com/olive/words.git", "github.com", "olive/words"),
        ("git@github.com:olive/words.git", "github.com", "olive/words"),
        ("ssh://git@ssh.github.com:443/olive/words", "github.com", "olive/words"),
        ("https://olive:token@git.example.org:8443/group/sub/words/", "git.example.org", "group/sub/words"),
        ("/srv/words.git", None, None),
        ("file:///srv/git/words.git", None, None),
        ("ext::sh -c touch% /tmp/x", None, None),
        ("https://github.com/--upload-pack=x/words", None, None),
        ("-oProxyCommand=x:olive/words", None, None),
    ],
)
def test_addresses_are_read_as_git_reads_them(address: str, host: str | None, project: str | None) -> None:
    assert _parts(address) == (host, project)


def test_an_unknown_host_needs_a_word_and_gets_one() -> None:
    remote = Remote(name="origin", address="https://git.example.org/a/b", host="git.example.org", project="a/b")
    with pytest.raises(ForgeFailure, match="forge: gh"):
        command_for(remote, None)
    assert command_for(remote, "glab") == "glab"
    assert shown("https://olive:token@git.example.org/a/b") == "https://git.example.org/a/b"
