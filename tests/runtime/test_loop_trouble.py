"""The machine gets in the way: full disks, read-only folders, locks, killed heartbeats; and what time alone must not change."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.adapters.git.repo import GitRepo
from autobuilds.adapters.runners.local import LocalRunner
from autobuilds.domain.build import BuildState, Outcome
from autobuilds.domain.moment import Resources, RunState, RunStatus
from autobuilds.errors import BadInput, Busy, GitFailure, StorageFailure
from autobuilds.ports import Job
from autobuilds.runtime import owner
from autobuilds.runtime.fsck import from_history
from autobuilds.runtime.heartbeat import look
from autobuilds.runtime.reports import make_report
from autobuilds.store.ledger import read_archive
from tests.runtime.loop import UNTIL_TOLD, Loop, details, make_loop

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

Make = Callable[..., Path]


def command(loop: Loop, *args: str, file_limit: int | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the real command line, with a limit on the size of files it may write."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit or 0, resource.RLIM_INFINITY))

    return subprocess.run(
        [sys.executable, "-m", "autobuilds", *args, "--workspace", str(loop.root)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **variables},
        preexec_fn=limit if file_limit is not None else None,
        check=False,
        timeout=60,
    )


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Return every file but the locks with its size and time."""
    return {
        str(p.relative_to(root)): (p.stat().st_size, p.stat().st_mtime_ns)
        for p in root.rglob("*")
        if p.is_file() and not (p.suffix == ".lock" and p.parent.name == ".autobuilds")
    }


@pytest.mark.parametrize("limit", [0, 300, 2000])
def test_a_full_disk_is_said_loses_nothing_and_the_next_heartbeat_goes_on(make_repo: Make, limit: int) -> None:
    loop = make_loop(make_repo, details("Say hello", steps=UNTIL_TOLD))
    loop.beat()
    loop.tell()
    loop.ended()
    full = command(loop, "heartbeat", file_limit=limit)
    assert full.returncode in {0, 1, 3}
    assert "Traceback" not in full.stderr and "bug" not in full.stderr, full.stderr
    said = full.stdout + full.stderr
    assert "larger than" in said or "could not" in said or "can't" in said, said
    assert not list(loop.root.rglob("*.tmp"))
    loop.beat()
    assert loop.state() == "review"
    assert loop.git("status", "--porcelain") == ""
    loop.git("fsck", "--strict")
    assert from_history(loop.context).ledger == loop.context.workspace.ledger()


def test_a_full_disk_at_a_start_costs_no_try_and_escalates_nothing(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    full = command(loop, "heartbeat", file_limit=700)
    assert "bug" not in full.stderr, full.stderr
    found = loop.context.workspace.ledger().find("say-hello")
    assert found is None or found.state in {BuildState.BUILDING, BuildState.RETRYING}
    loop.run()
    loop.run()
    assert loop.state() == "review"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_workspace_is_looked_at_and_a_heartbeat_says_why_it_cannot(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    loop.root.chmod(0o555)
    try:
        assert command(loop, "status").returncode == 0
        done = command(loop, "heartbeat")
        assert done.returncode == 3 and "permission denied" in done.stderr
    finally:
        loop.root.chmod(0o755)


@pytest.mark.parametrize("failure", [StorageFailure, BadInput, GitFailure, OSError])
def test_a_commit_that_cannot_be_made_stays_announced_and_is_made_later(make_repo: Make, failure: type[Exception]) -> None:
    loop = make_loop(make_repo, details("Say hello", extra="- **Blockers:** the printer\n"))
    loop.replace("Priority: High", "Priority: High - Approved: yes")

    class Stuck(GitRepo):
        def commit(self, *_: object, **__: object) -> str | None:
            raise failure("the disk is not itself today")

    stuck = Loop(context=replace(loop.context, open_repo=lambda path: Stuck(path)))
    held = stuck.beat()
    assert any("not itself today" in fault for fault in held.faults)
    assert "not itself today" in (loop.root / "BUILD_STATUS.md").read_text()
    assert len(list((loop.root / ".autobuilds" / "outbox").iterdir())) == 1
    assert loop.context.workspace.ledger().approval("say-hello") is not None
    assert loop.subjects() == ["workspace", "first"]
    loop.beat()
    assert loop.git("status", "--porcelain") == ""
    assert from_history(loop.context).ledger == loop.context.workspace.ledger()


def test_no_identity_is_no_obstacle(make_repo: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    Path(os.environ["HOME"], ".gitconfig").write_text("")
    loop.replace("- [ ] Say hello", "- [ ]  Say hello")
    loop.run()
    assert loop.state() == "review"
    assert loop.git("status", "--porcelain") == ""


def test_a_repository_without_commits_gets_them(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    loop.git("update-ref", "-d", "refs/heads/main")
    loop.git("rm", "-q", "-r", "--cached", ".")
    loop.run()
    assert loop.state() == "review"


def test_a_heartbeat_killed_between_start_and_confirmation_adopts_what_runs(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello", steps=UNTIL_TOLD))

    class Killed(Exception):
        """The heartbeat ends here."""

    class Cut(LocalRunner):
        def submit(self, job: Job) -> RunStatus:
            super().submit(job)
            raise Killed

    cut = Loop(context=replace(loop.context, runner=Cut(loop.root)))
    with pytest.raises(Killed):
        cut.beat()
    last = loop.build().last
    assert last is not None and last.pid is None
    assert [t["event"] for t in loop.beat().transitions] == ["started"]
    last = loop.build().last
    assert last is not None and last.pid is not None
    loop.tell()
    loop.ended()
    loop.beat()
    assert loop.state() == "review" and len(loop.build().attempts) == 1


def test_a_look_does_not_clear_up_after_a_killed_supervisor(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello", steps=UNTIL_TOLD))
    loop.beat()
    last = loop.build().last
    assert last is not None and last.pid is not None
    os.kill(last.pid, signal.SIGKILL)
    loop.ended(state=RunState.LOST)
    before = snapshot(loop.root)
    look(loop.context)
    command(loop, "why")
    command(loop, "heartbeat", "--check")
    gone = "its supervisor is gone; the next heartbeat takes it up"
    for words in (("status",), ("why", "say-hello"), ("log", "-f", "say-hello")):
        told = command(loop, *words)
        assert gone in " ".join((told.stdout + told.stderr).split()), words
    assert snapshot(loop.root) == before
    loop.beat(start=False)
    build = loop.build()
    assert (build.state.value, build.attempts[0].outcome) == ("retrying", Outcome.LOST)
    loop.tell()
    loop.run()


def test_the_second_of_two_heartbeats_says_who_is_at_work_and_leaves(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    with loop.context.workspace.lock("heartbeat", "heartbeat", 1):
        began = time.monotonic()
        second = command(loop, "heartbeat")
        assert (second.returncode, second.stdout) == (0, "")
        assert f"process {os.getpid()}" in second.stderr and time.monotonic() - began < 20


def test_a_stopped_build_that_will_not_end_is_said(make_repo: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = make_loop(make_repo, details("Say hello", steps=UNTIL_TOLD))
    loop.beat()
    monkeypatch.setattr(LocalRunner, "cancel", lambda *_: None)
    with pytest.raises(Busy, match="could not be stopped"):
        owner.complete(loop.context, "say-hello")
    assert loop.state() == "building" and "- [ ] Say hello" in loop.queue.read_text()
    loop.tell()
    loop.ended()


class Hosted:
    """The machine, with another clock and other readings."""

    def __init__(self, real: object, now: datetime, resources: Resources) -> None:
        self._real, self._now, self._resources = real, now, resources

    def now(self, zone: str | None) -> datetime:
        return self._now

    def resources(self, path: Path) -> Resources:
        return self._resources

    def agents(self, wanted: object = None) -> object:
        return self._real.agents(wanted)  # type: ignore[attr-defined]


def at(loop: Loop, now: datetime, load: float = 0.1) -> Loop:
    host = Hosted(loop.context.host, now, Resources(disk_percent=10.0 + load, memory_percent=20.0 + load, load_per_core=load))
    return Loop(context=replace(loop.context, host=host))  # type: ignore[arg-type]


NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)


def test_an_idle_day_writes_nothing(make_repo: Make) -> None:
    """Held tasks of every kind, hours and readings that change: no commit, no file, for two days."""
    asks = details("Say hello").replace("Bug fixes", "New features")
    later = details("Greet later", file="b.txt", extra="- **Blockers:** the printer\n")
    loop = make_loop(make_repo, asks, later, details("Greet at night", file="c.txt", extra="- **Blockers:** the printer\n"))
    loop.replace("Greet at night - Added: 2026-02-06 15:00 - Priority: High", "Greet at night - Added: 2026-02-06 15:00 - Priority: Medium")
    loop.replace("Say hello - Added: 2026-02-06 15:00 - Priority: High", "Say hello - Added: 2026-02-06 15:00 - Priority: Medium")
    at(loop, NOON).beat()
    at(loop, NOON).beat()
    before = snapshot(loop.root)
    for hours in range(0, 49, 3):
        beaten = at(loop, NOON + timedelta(hours=hours), load=hours % 7).beat()
        assert not beaten.faults
        changed = {p for p, what in snapshot(loop.root).items() if before.get(p) != what}
        assert not changed, f"{hours} hours later"


def test_old_builds_move_to_the_archive_in_one_commit_and_only_once(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"), details("Greet again", file="b.txt", extra="- **Depends On:** Say hello\n"))
    loop.replace("Greet again - Added", "Greet again - Blockers: the printer - Added")
    loop.run()
    owner.complete(loop.context, "say-hello")
    month = datetime.now(UTC) + timedelta(days=31)
    at(loop, month).beat()
    assert loop.state() == "completed", "an open task depends on it"
    owner.complete(loop.context, "greet-again")
    commits = len(loop.subjects())
    at(loop, month).beat()
    assert loop.context.workspace.ledger().builds == ()
    (archived,) = read_archive(loop.root / "subagents")
    assert archived.label == "say-hello"
    assert len(loop.subjects()) == commits + 1
    assert loop.git("status", "--porcelain") == ""
    before = snapshot(loop.root)
    at(loop, month).beat()
    assert snapshot(loop.root) == before
    assert from_history(loop.context).ledger == loop.context.workspace.ledger()


def test_broken_templates_are_named_and_the_packaged_ones_used(make_repo: Make) -> None:
    loop = make_loop(
        make_repo,
        details("Say hello"),
        **{"templates/BUILD_STATUS.md.j2": "{{ nothing }\n", "templates/prompt.md.j2": "a\n{% if %}\n"},
    )
    last = loop.run()
    page = (loop.root / "BUILD_STATUS.md").read_text()
    assert "# Build status" in page and "templates/BUILD_STATUS.md.j2:1" in page.replace("\\", "")
    assert any("templates/prompt.md.j2:2" in error for error in last.view.health.errors)
    before = snapshot(loop.root)
    loop.beat()
    assert snapshot(loop.root) == before


def test_what_could_not_be_taken_is_recorded_and_shown(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello", steps="echo hello > a.txt; git init -q in; echo x > in/y"))
    last = loop.run()
    attempt = loop.build().last
    assert attempt is not None and any("in/" in note and "repository of its own" in note for note in attempt.notes), attempt
    assert any("repository of its own" in error for error in last.view.health.errors)
    assert "note: in/ is a repository of its own" in command(loop, "review", "say-hello").stdout
    assert "repository of its own" in make_report(loop.context, None).text
    assert "repository of its own" in command(loop, "report", "--no-commit").stdout


def test_review_keeps_the_indentation_of_a_change(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello", steps="printf 'hello\\n' > a.txt; printf 'if x:\\n    y  =  1\\n' > b.py"))
    loop.run()
    assert "+    y  =  1" in command(loop, "review", "say-hello").stdout
