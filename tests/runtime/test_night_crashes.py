"""A night that is killed between any two of its steps goes on with the next heartbeat, and nothing of it happens twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autobuilds.adapters.git.repo import GitRepo
from autobuilds.errors import AutobuildsError, Busy, StorageFailure
from autobuilds.runtime import house, night, night_audit, night_health, night_snapshot, night_undo
from autobuilds.runtime.record import Recorder
from autobuilds.store.workspace import Workspace
from tests.runtime.loop import details
from tests.runtime.nights import NightLoop, make_night
from tests.runtime.test_killed import killed_after

Make = Callable[..., Path]
WAITS = details("Say hello", extra="- **Blockers:** waits\n")
ALL = [("health", "done"), ("patterns", "skipped"), ("builds", "running"), ("monitor", "running")]


def is_clean(loop: NightLoop) -> None:
    assert loop.git("status", "--porcelain") == ""
    assert not list((loop.root / ".autobuilds" / "outbox").glob("*.json"))


def told(loop: NightLoop, event: str) -> int:
    """Return how many commits tell of an event."""
    return loop.git("log", "--format=%B").count(f"\nEvent: {event}\n")


@pytest.mark.slow
@pytest.mark.parametrize(("where", "name"), [(GitRepo, "tag"), (night_snapshot, "take"), (Recorder, "note")])
def test_a_start_that_was_killed_before_it_was_recorded_is_made_again(make_repo: Make, where: Any, name: str) -> None:
    loop = make_night(make_repo, WAITS)
    killed_after(where, name, lambda: loop.start())
    day = loop.context.workspace.ledger().day
    assert day is None or day.night is None
    loop.beat()
    loop.start()
    assert loop.phases() == ALL and loop.night.id[-2:] != "-2"
    assert loop.git("rev-parse", f"{loop.night.tag}") == loop.night.commit
    assert told(loop, "night-started") == 1
    is_clean(loop)


@pytest.mark.slow
def test_a_start_that_was_killed_after_it_was_recorded_goes_on_with_the_next_heartbeat(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello"))
    killed_after(Recorder, "put", lambda: loop.start())
    assert loop.night.phases == ()
    loop.run()
    assert loop.phases() == ALL and loop.state() == "review"
    assert told(loop, "night-started") == 1
    is_clean(loop)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("_health", True),
        ("_patterns", True),
        ("_builds", True),
        ("_monitor", True),
        ("_health", False),
        ("_builds", False),
        ("_audit", False),
    ],
)
def test_a_phase_that_was_killed_is_carried_out_by_the_next_heartbeat(make_repo: Make, name: str, before: bool, monkeypatch: Any) -> None:
    loop = make_night(make_repo, WAITS)

    def die(*given: Any, **more: Any) -> Any:
        if not before:
            real(*given, **more)
        os._exit(9)

    real = getattr(night, name)
    pid = os.fork()
    if pid == 0:
        try:
            setattr(night, name, die)
            if name != "_audit":
                monkeypatch.setitem(night._STEPS, name.removeprefix("_"), die)
            loop.start()
        finally:
            os._exit(70)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    loop.beat()
    assert loop.phases() == ALL
    assert told(loop, "night-phase") == 3
    is_clean(loop)
    before_quiet = loop.git("rev-parse", "HEAD")
    loop.beat()
    assert loop.git("rev-parse", "HEAD") == before_quiet
    log = (loop.root / ".autobuilds" / "nights" / f"{loop.night.id}.jsonl").read_text()
    assert json.loads(log.split("\n")[0])["event"] == "night-started"


@pytest.mark.slow
@pytest.mark.parametrize(("where", "name"), [(Recorder, "note"), (Workspace, "publish"), (Recorder, "put")])
def test_a_report_that_was_killed_is_made_by_the_next_heartbeat(make_repo: Make, where: Any, name: str) -> None:
    loop = make_night(make_repo, WAITS)
    loop.start()
    loop.later(9)
    killed_after(where, name, lambda: loop.beat())
    loop.beat()
    assert loop.night.ended == loop.night.ends
    assert json.loads(loop.git("show", f"HEAD:build-reports/night-{loop.night.id}.json"))["session"] == loop.night.id
    is_clean(loop)


def test_a_phase_that_fails_is_told_and_the_night_goes_on(make_repo: Make, monkeypatch: Any) -> None:
    def fails(*_: Any) -> None:
        raise Busy("another one keeps the house")

    loop = make_night(make_repo, details("Say hello"))
    monkeypatch.setattr(night_health, "look_after", fails)
    begun = loop.start()
    assert begun.beat is not None and begun.beat.faults == ("overnight session, health: another one keeps the house",)
    assert loop.phases() == [("health", "failed"), *ALL[1:]]
    assert loop.night.phases[0].note == "another one keeps the house"
    assert loop.state() == "building"


@pytest.mark.slow
def test_an_audit_log_that_cannot_be_written_is_told_and_the_night_goes_on(make_repo: Make, monkeypatch: Any) -> None:
    def fails(*_: Any) -> None:
        raise StorageFailure("the disk is full")

    loop = make_night(make_repo, WAITS)
    monkeypatch.setattr(night_audit, "keep", fails)
    begun = loop.start()
    assert begun.beat is not None and begun.beat.faults == ("overnight session, audit log: the disk is full",)
    assert loop.phases() == ALL


def test_a_night_does_not_begin_without_its_safety_net(make_repo: Make, monkeypatch: Any) -> None:
    def fails(*_: Any) -> None:
        raise StorageFailure("the disk is full")

    loop = make_night(make_repo, WAITS)
    monkeypatch.setattr(night_snapshot, "_pack", fails)
    with pytest.raises(AutobuildsError, match="the disk is full"):
        loop.start()
    assert loop.context.workspace.ledger().day is None
    assert told(loop, "night-started") == 0


@pytest.mark.slow
def test_a_machine_that_slept_through_the_night_says_so(make_repo: Make) -> None:
    loop = make_night(make_repo, WAITS)
    killed_after(Recorder, "put", lambda: loop.start())
    loop.later(10)
    loop.beat()
    assert [state for _, state in loop.phases()] == ["skipped", "skipped", "skipped", "skipped", "done"]
    assert loop.night.ended == loop.night.ends


@pytest.mark.slow
def test_what_the_health_phase_found_is_in_the_night_and_its_report(make_repo: Make, monkeypatch: Any) -> None:
    found = night_health.Health(found=3, fixed=2, said="3 problems found, 2 fixed; critical: the disk")
    loop = make_night(make_repo, WAITS)
    monkeypatch.setattr(night_health, "look_after", lambda *_: found)
    loop.start()
    view = night.report(loop.context).view
    assert (view.problems_found, view.problems_fixed) == (3, 2)
    assert "critical: the disk" in (loop.root / f"build-reports/night-{loop.night.id}.md").read_text()


def left_clone(loop: NightLoop, name: str) -> Path:
    """Leave a clone that no attempt is recorded for, three days old."""
    path = loop.root / ".autobuilds" / "clones" / name
    path.mkdir(parents=True)
    (path / "work.txt").write_text("work")
    old = time.time() - 3 * 86_400
    for one in (path / "work.txt", path):
        os.utime(one, (old, old))
    return path


@pytest.mark.slow
def test_what_the_night_moved_to_the_trash_comes_back_with_its_undo_and_nothing_else_of_that_day(make_repo: Make) -> None:
    loop = make_night(make_repo, WAITS)
    earlier = left_clone(loop, "by-day-1")
    assert [f.result.done for f in house.fix_safe(loop.context, loop.now) if "by-day-1" in f.problem.where] == [True]
    loop.later(1)
    path = left_clone(loop, "by-night-1")
    loop.start()
    assert loop.night.found >= 1 and loop.night.fixed >= 1 and not path.exists()
    assert "problem found" in loop.night.phases[0].note or "problems found" in loop.night.phases[0].note
    done = night_undo.undo(loop.context)
    assert [one for one in done.restored if "by-night-1" in one] and (path / "work.txt").read_text() == "work"
    assert not earlier.exists() and not [one for one in done.restored if "by-day-1" in one]


def test_critical_problems_are_named_in_the_line_of_the_phase() -> None:
    said = night_health._said(5, 1, [f"/{n}: full" for n in range(4)])
    assert said == "5 problems found, 1 fixed; critical: /0: full; /1: full; /2: full and 1 more (autobuilds problems scan)"
    assert night_health._said(1, 1, []) == "1 problem found, 1 fixed"
    assert night_health._said(0, 0, []) == "no problem found"


def test_critical_problems_need_the_owner_while_the_session_is_on(make_repo: Make, monkeypatch: Any) -> None:
    found = night_health.Health(found=1, fixed=0, said="1 problem found", critical=("/: 97 % full",))
    loop = make_night(make_repo, WAITS)
    monkeypatch.setattr(night_health, "look_after", lambda *_: found)
    begun = loop.start()
    assert begun.beat is not None
    needs = [n for n in begun.beat.needs_you if n.kind == "problem"]
    assert [(n.reason, n.command) for n in needs] == [("the overnight session found: /: 97 % full", "autobuilds problems scan")]
    assert "97 % full" in (loop.root / "BUILD_STATUS.md").read_text()
    night.report(loop.context)
    assert not [n for n in loop.beat().needs_you if n.kind == "problem"]
