"""Where the proofs of approvals lie: an owner without a home is told so, and nothing is started without it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds import wiring
from autobuilds.adapters.agents.presets import Presets
from autobuilds.adapters.proofs import KeyedProofs
from autobuilds.cli.app import run
from autobuilds.domain.build import Approval
from autobuilds.errors import Refused


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a user without HOME whom the machine's table does not know, as in a container that is run under any number."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)


QUEUE = "## Active Queue\n- [ ] Say hello - Priority: High\n  - **Steps:** `echo hello > hello.txt`\n  - **Completion Criteria:** `test -s hello.txt`\n"
SETTINGS = "---\ntimezone: UTC\nsandbox: none\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n---\n"


def test_without_a_home_nothing_begins_and_the_words_say_what_to_do(
    make_repo: Callable[..., Path], capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    root = make_repo({"BUILD_QUEUE.md": QUEUE, "HEARTBEAT.md": SETTINGS})
    request.getfixturevalue("homeless")
    assert run(["heartbeat", "--wait", "--workspace", str(root)]) == 2
    assert re.search(r"HOME is not set, .* set HOME to a folder of your own", capsys.readouterr().err)
    assert not (root / "subagents").exists()


@pytest.mark.usefixtures("homeless")
def test_agents_are_listed_without_a_home() -> None:
    assert {a.name for a in Presets.load(None).detect(None, {"PATH": "/nowhere"})} >= {"claude", "command"}


def test_a_home_that_is_no_absolute_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "some/where")
    with pytest.raises(Refused, match="no absolute path"):
        wiring.make_context(tmp_path).proofs.doubted()


def test_half_a_key_of_the_dead_goes_with_the_next_approval(tmp_path: Path) -> None:
    """It could not be taken away when the disk reported errors."""
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    folder = tmp_path / "state" / "autobuilds"
    folder.mkdir(parents=True, mode=0o700)
    half = folder / f".key.{gone}-0123abcd.tmp"
    half.write_text("0123")
    proofs = KeyedProofs(root=tmp_path / "workspace", folder=folder)
    proofs.give(Approval(label="a", fingerprint="f", by="olive@example.org", at=datetime(2026, 2, 7, tzinfo=UTC)))
    assert sorted(path.name for path in folder.iterdir()) == ["key", "workspaces"]


def test_a_key_that_keeps_a_second_name_when_the_disk_reports_errors_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "state" / "autobuilds"
    proofs = KeyedProofs(root=tmp_path / "workspace", folder=folder)
    approval = Approval(label="a", fingerprint="f", by="olive@example.org", at=datetime(2026, 2, 7, tzinfo=UTC))

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", failing)
        with pytest.raises(Refused, match="has a second name"):
            proofs.give(approval)
    assert proofs.proven([approval]) == frozenset()
    (other,) = folder.glob(".key.*.tmp")
    other.unlink()
    proofs.give(approval)
    assert proofs.proven([approval]) == {"a"}


def test_a_key_whose_maker_was_killed_right_after_it_counts(tmp_path: Path) -> None:
    """The key stood under its name already, and under the one it was written as."""
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    folder = tmp_path / "state" / "autobuilds"
    proofs = KeyedProofs(root=tmp_path / "workspace", folder=folder)
    first = Approval(label="a", fingerprint="f", by="olive@example.org", at=datetime(2026, 2, 7, tzinfo=UTC))
    proofs.give(first)
    os.link(folder / "key", folder / f".key.{gone}-0123abcd.tmp")
    proofs.give(replace(first, label="b"))
    assert proofs.proven([first, replace(first, label="b")]) == {"a", "b"}
    os.link(folder / "key", tmp_path / "stolen")
    with pytest.raises(Refused, match="second name"):
        proofs.give(first)
