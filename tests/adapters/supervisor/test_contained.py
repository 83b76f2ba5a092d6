"""What an attempt's programs are given and may see, and its code as a clone: made, saved, merged."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters import trials
from autobuilds.adapters.runners.checker import LocalChecker, contained
from autobuilds.adapters.sandbox import MachineSandbox
from autobuilds.adapters.supervisor.code import ClonedCode
from autobuilds.adapters.supervisor.contained import Container, _temporary
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.domain.model import Criterion
from autobuilds.domain.sandbox import Confinement, Tier, TierProbe
from autobuilds.errors import Busy
from autobuilds.ports import Job, Limits
from autobuilds.records import replace
from tests.adapters.attempts import job_for
from tests.conftest import git

XDG = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share", "XDG_CACHE_HOME": ".cache", "XDG_STATE_HOME": ".local/state"}


@pytest.fixture
def job(make_repo: Callable[..., Path]) -> Job:
    return job_for(make_repo({"a": "a\n"}, name="workspace"), "true", attempt_id="demo-1", environment={"PATH": "/bin", "KEY": "x"})


@pytest.fixture
def folder(job: Job) -> RunFolder:
    made = RunFolder.of(Path(job.workspace), "demo-1")
    made.make()
    return made


@pytest.fixture
def owner(tmp_path: Path) -> Path:
    """An owner's home with a tool chain in it."""
    home = tmp_path / "owner"
    for name in (".cargo/bin", ".rustup/toolchains"):
        (home / name).mkdir(parents=True)
    return home


def homes(path: Path) -> dict[str, str]:
    return {"HOME": str(path), **{name: str(path / place) for name, place in XDG.items()}}


def test_without_a_sandbox_programs_are_given_what_the_job_says(job: Job, folder: RunFolder) -> None:
    found = Container.of(job, folder, {"HOME": "/owner"})
    assert (found.confinement, found.environment, found.check_environment, found.check_home) == (
        job.confinement,
        job.environment,
        job.environment,
        None,
    )
    home = Path("/homes/demo")
    found = Container.of(replace(job, home=str(home), check_environment={"PATH": "/usr/bin"}), folder, {"HOME": "/owner"})
    assert found.environment == {**job.environment, **homes(home)}
    assert found.check_environment == {"PATH": "/usr/bin", **homes(folder.check_home)}
    assert found.check_home == folder.check_home


def test_in_a_sandbox_they_may_read_what_they_need(job: Job, folder: RunFolder, owner: Path, tmp_path: Path) -> None:
    program = owner / ".cargo" / "bin" / "agent"
    program.write_text("")
    program.chmod(0o755)
    environment = {"PATH": f"{owner}/.cargo/bin:/bin"}
    confinement = Confinement(tier=Tier.LANDLOCK, hidden=(str(owner), job.workspace), readable=("/given", "/given"))
    given = replace(job, argv=("agent",), environment=environment, confinement=confinement, home="/homes/demo")
    found = Container.of(given, folder, {"HOME": str(owner)})
    assert found.confinement == replace(confinement, readable=found.confinement.readable, home="/homes/demo")
    assert found.confinement.readable == (
        "/given",
        str(folder.prompt),
        f"{job.repository}/.git/objects",
        str(program.parent),
        str(program),
        str(owner / ".rustup/toolchains"),
    )
    told = {"RUSTUP_HOME": f"{owner}/.rustup"}
    assert found.environment == {**environment, **homes(Path("/homes/demo")), **told}
    assert found.check_environment == {**environment, **homes(folder.check_home), **told}
    nobody = Container.of(given, folder, {})
    assert "RUSTUP_HOME" not in nobody.environment and str(owner / ".rustup/toolchains") not in nobody.confinement.readable


def test_temporary_files_lie_where_they_do_not_hold_the_home(folder: RunFolder) -> None:
    moved = {"TMPDIR": str(folder.temporary)}
    for environment, home, found in (
        ({}, "/tmp/h", moved),
        ({}, "/tmp", moved),
        ({}, "/tmpx/h", {}),
        ({"TMPDIR": "/var/x"}, "/var/x/h", moved),
        ({"TMPDIR": "/var/x"}, "/tmp/h", moved),
        ({"TMPDIR": "/var/x"}, "/var/h", {}),
        ({"TMPDIR": ""}, "/home/h", {}),
    ):
        assert _temporary({"A": "1", **environment}, Path(home), folder) == {"A": "1", **environment, **found}


def test_a_tier_that_does_not_hold_is_said_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[int] = []
    monkeypatch.setattr(trials, "forget", lambda: forgotten.append(1))
    container = Container(confinement=Confinement(tier=Tier.BWRAP), environment={}, check_environment={})
    for fix, works, words in (
        ("apt install x", False, "the sandbox bubblewrap does not work any more: it is gone. Mend it: apt install x"),
        ("", False, "the sandbox bubblewrap does not work any more: it is gone."),
        ("", True, None),
    ):
        probe = TierProbe(tier=Tier.BWRAP, works=works, why="it is gone", fix=fix)
        monkeypatch.setattr(MachineSandbox, "probe_one", lambda _, tier, probe=probe: probe if tier is Tier.BWRAP else None)
        assert container.fault() == words
    assert forgotten == [1, 1]


def test_a_clone_is_made_and_what_is_in_it_is_saved(job: Job, folder: RunFolder, tmp_path: Path) -> None:
    given = replace(job, environment={"X_KEY": "sk-0123456789abcdef"}, base_branch="main")
    code = ClonedCode(job=given, clone_folder=folder.clone, scratch=folder.merging)
    code.prepare()
    clone = folder.clone
    assert git(clone, "branch", "--show-current") == "build/demo" and (clone / "a").read_text() == "a\n"
    (clone / "new.txt").write_text("sk-0123456789abcdef\n")
    (clone / "out").symlink_to("/etc/passwd")
    bare = folder.path / "harvest.git"
    bare.mkdir()
    (bare / "HEAD").write_text("junk")
    saved = code.save("the message")
    assert not bare.exists()
    assert (saved.stat.paths, saved.stat.added, saved.secrets, saved.outside_links) == (
        ("new.txt", "out"),
        2,
        (("new.txt", "X_KEY"),),
        ("out",),
    )
    assert git(Path(job.repository), "log", "-1", "--format=%H %s", "build/demo") == f"{saved.commit} the message"
    merged = code.merge(saved.commit, "merge it")
    assert merged.commit is not None and merged.scratch == folder.merging and merged.onto == job.base_commit
    resumed = ClonedCode(job=replace(given, clone=str(clone)), clone_folder=clone, scratch=folder.merging)
    resumed.prepare()
    assert sorted(path.name for path in clone.iterdir()) == [".git", "a"]
    (clone / "a").unlink()
    (clone / "a").symlink_to("/etc/passwd")
    (bare / "x").mkdir(parents=True)
    broken = replace(given, base_commit="0" * 40)
    with pytest.raises(Exception, match="0000000"):
        ClonedCode(job=broken, clone_folder=clone, scratch=folder.merging).save("x")
    assert not bare.exists(), "nothing is left of it, however it ends"


def test_a_clone_is_made_in_folders_that_are_not_there_yet(job: Job, folder: RunFolder, tmp_path: Path) -> None:
    given = replace(job, start_commit=git(Path(job.repository), "rev-parse", "HEAD"))
    ClonedCode(job=given, clone_folder=tmp_path / "new" / "clones" / "demo", scratch=folder.merging).prepare()
    assert (tmp_path / "new" / "clones" / "demo" / "a").read_text() == "a\n"


# Checks outside of an attempt.


def test_checks_of_a_tree_are_contained_like_those_of_an_attempt(job: Job, owner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(owner))
    environment = {"PATH": f"{owner}/.cargo/bin:/bin"}
    tree, home = Path(job.repository), Path("/homes/x")
    plain = contained(Confinement(readable=("/given",)), tree, environment, home)
    assert plain == Container(confinement=Confinement(readable=("/given",)), environment=environment, check_environment=environment)
    confinement = Confinement(tier=Tier.LANDLOCK, hidden=(str(owner),), readable=("/given",))
    found = contained(confinement, tree, environment, home)
    readable = ("/given", f"{tree}/.git/objects", str(owner / ".cargo/bin"), str(owner / ".rustup/toolchains"))
    assert found.confinement == replace(confinement, readable=readable, home=str(home))
    assert found.environment == found.check_environment == {**environment, "RUSTUP_HOME": f"{owner}/.rustup"}
    monkeypatch.delenv("HOME")
    assert contained(confinement, tree, environment, home).environment == environment


def test_checks_of_a_tree_have_an_empty_home_and_a_mark(tmp_path: Path) -> None:
    note = tmp_path / "note"
    command = f"env > {note}; stat -c %a $HOME > {note}.mode; ls -A $HOME > {note}.home; pwd; false"
    given = {"PATH": os.environ["PATH"], "HOME": "/none"}
    (found,) = LocalChecker().check(tmp_path, [Criterion(text="x", commands=(command,))], Limits(), given)
    assert (found.passed, found.tail, found.merged) == (False, f"{tmp_path}\n", True)
    told = dict(row.split("=", 1) for row in note.read_text().split("\n") if "=" in row)
    assert told["AUTOBUILDS_ATTEMPT"].startswith("check-") and len(told["AUTOBUILDS_ATTEMPT"]) == len("check-") + 16
    home = Path(told["HOME"])
    assert home.name == "home" and home.parent.name.startswith("autobuilds-checks-") and not home.parent.exists()
    assert (note.with_suffix(".mode").read_text(), note.with_suffix(".home").read_text()) == ("700\n", "")


def test_checks_that_are_interrupted_change_nothing(tmp_path: Path) -> None:
    command = f"kill -TERM {os.getpid()}; exec sleep 60"
    with pytest.raises(Busy, match=r"^interrupted while the checks ran; nothing was changed$"):
        LocalChecker().check(tmp_path, [Criterion(text="x", commands=(command, "true"))], Limits(), {"PATH": os.environ["PATH"]})
    assert stat.S_ISDIR(tmp_path.stat().st_mode)
