"""A night from its start to its report, with real Git and real builds."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autobuilds.domain.moment import Resources
from autobuilds.domain.night import is_on
from autobuilds.errors import NotSo, Refused
from autobuilds.runtime import night
from autobuilds.runtime.heartbeat import stay
from autobuilds.runtime.looking import look
from autobuilds.runtime.stillness import still
from tests.runtime.loop import details
from tests.runtime.nights import QUIET, make_night

Make = Callable[..., Path]
WAITS = details("Say hello", extra="- **Blockers:** waits\n")
#: A feature of the owner's own at high priority.
FEATURE = details("Say hello", extra="").replace("Bug fixes", "New features")


def three(*, merge: bool = False) -> list[str]:
    return [details(f"Say {n}", steps=f"echo hello > {n}.txt", file=f"{n}.txt") for n in ("one", "two", "three")]


def test_a_session_begins_with_the_evening_kept_and_the_first_phases_done(make_repo: Make) -> None:
    loop = make_night(make_repo, WAITS)
    (loop.root / "notes.txt").write_text("not in Git\n")
    (loop.root / "app.py").write_text("print('changed, not committed')\n")
    loop.replace("Say hello", "Say  hello")
    started = loop.start()
    assert loop.phases() == [("health", "done"), ("patterns", "skipped"), ("builds", "running"), ("monitor", "running")]
    assert {p.name: p.note for p in loop.night.phases}["patterns"] == night.NO_ROUTINES
    assert loop.night.commit == loop.git("rev-parse", f"refs/tags/{loop.night.tag}")
    assert "Say  hello" in loop.git("show", f"{loop.night.tag}:BUILD_QUEUE.md"), "hand edits are committed before"
    with tarfile.open(loop.root / (loop.night.archive or "")) as archive:
        names = archive.getnames()
        kept = archive.extractfile("app.py")
        assert kept is not None and kept.read() == b"print('changed, not committed')\n"
    assert {"notes.txt", "app.py", "BUILD_QUEUE.md"} <= set(names) and not [n for n in names if n.startswith(".autobuilds/runs")]
    assert started.snapshot.left_out == () and started.beat is not None
    assert is_on(loop.context.workspace.ledger().day, loop.now)
    page = (loop.root / "BUILD_STATUS.md").read_text()
    assert f"- slots: 0 of 3 in use; overnight session {loop.night.id}, until " in page
    assert not still(loop.context, started.beat), "no answer is repeated while a session is on"
    assert (loop.root / "app.py").read_text() == "print('changed, not committed')\n"


@pytest.mark.slow
def test_a_second_session_is_refused_while_one_is_on(make_repo: Make) -> None:
    loop = make_night(make_repo, WAITS)
    loop.start()
    with pytest.raises(NotSo, match=rf"session {loop.night.id} is on.*overnight report"):
        loop.start()
    night.report(loop.context)
    loop.start()
    assert loop.night.id.endswith("-2")


def test_a_session_outside_of_its_hours_needs_an_end(make_repo: Make) -> None:
    loop = make_night(make_repo, WAITS, more="overnight: 23:00-07:00\n")
    noon = loop.now.replace(hour=12, minute=0)
    loop.later((noon - loop.now).total_seconds() / 3600)
    with pytest.raises(NotSo, match=r"runs 23:00-07:00.*--until"):
        night.start(loop.context)
    for hours in (-1, 27):
        with pytest.raises(Refused, match="no end of a session"):
            loop.start(hours)
    assert loop.context.workspace.ledger().day is None
    assert not (loop.root / ".autobuilds" / "nights").exists()


@pytest.mark.slow
def test_a_night_in_its_hours_ends_with_them(make_repo: Make) -> None:
    loop = make_night(make_repo, WAITS, more="overnight: 23:00-07:00\n")
    evening = loop.now.replace(hour=23, minute=30)
    loop.later((evening - loop.now).total_seconds() / 3600)
    assert night.start(loop.context).night.ends.strftime("%H:%M") == "07:00"


@pytest.mark.slow
def test_three_builds_run_at_once_in_a_night_and_one_by_day(make_repo: Make) -> None:
    blocks = [
        details(f"Say {n}", steps=f"until test -f {{go}}; do sleep 0.02; done; echo hello > {n}.txt", file=f"{n}.txt") for n in "abcd"
    ]
    loop = make_night(make_repo, *blocks)
    started = loop.start()
    assert [b.label for b in loop.context.workspace.ledger().active] == ["say-a", "say-b", "say-c"]
    assert started.beat is not None
    held = next(a for a in started.beat.assessments if a.label == "say-d")
    assert "3 of 3 slots taken" in held.obstacles[0].reason
    loop.tell()
    stay(loop.context, started.beat, lambda _: None)
    assert {loop.state(f"say-{n}") for n in "abcd"} == {"review"}
    made = night.report(loop.context)
    view = made.view
    assert (view.spawned, view.completed, view.verified, view.claimed, view.failed, view.in_progress) == (4, 4, 4, 0, 0, 0)
    shipped = sum((a.ended - a.started).total_seconds() for b in loop.context.workspace.ledger().builds for a in b.attempts if a.ended)
    assert abs(view.shipped_seconds - shipped) <= 2
    assert view.ended is not None and not view.on
    assert loop.phases() == [(n, "done" if n != "patterns" else "skipped") for n in ("health", "patterns", "builds", "monitor", "report")]


def test_the_report_is_written_committed_and_the_same_as_page_and_json(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello"), details("Say nothing", steps="exit 1", file="b.txt"))
    stay(loop.context, loop.start().beat or loop.beat(), lambda _: None)
    made = night.report(loop.context)
    name = f"build-reports/night-{loop.night.id}"
    told = json.loads(loop.git("show", f"HEAD:{name}.json"))
    assert {k: told[k] for k in ("schema", "kind", "session", "spawned", "completed", "failed")} == {
        "schema": 1,
        "kind": "overnight",
        "session": loop.night.id,
        "spawned": 3,
        "completed": 1,
        "failed": 2,
    }
    page = (loop.root / f"{name}.md").read_text()
    assert "1 build completed (1 verified, 0 by claim only), 2 attempts failed." in page
    assert f"autobuilds overnight undo {loop.night.id}" in page
    assert [row.came for row in made.view.attempts] == ["completed", "failed", "failed"]
    assert sum(row.minutes for row in made.view.attempts if row.came == "completed") == made.view.shipped_minutes
    assert loop.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_the_audit_log_names_every_action_with_its_reason_and_is_made_again(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello"))
    stay(loop.context, loop.start().beat or loop.beat(), lambda _: None)
    night.report(loop.context)
    path = loop.root / ".autobuilds" / "nights" / f"{loop.night.id}.jsonl"
    log = [json.loads(line) for line in path.read_text().splitlines()]
    assert log[0]["event"] == "night-started" and log[-1]["event"] == "night-ended"
    events = [(e["event"], e["label"]) for e in log]
    assert {("start", "say-hello"), ("done", "say-hello"), ("night-phase", None)} <= set(events)
    assert all(e["at"] and e["reason"] for e in log)
    text = path.read_text()
    path.unlink()
    loop.git("commit", "-q", "--allow-empty", "-m", "by day")
    night._audit(loop.context, loop.now, loop.night)
    assert path.read_text() == text


@pytest.mark.slow
def test_without_commits_the_audit_log_is_made_of_the_ledger(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello"), more="commits: none\n")
    stay(loop.context, loop.start().beat or loop.beat(), lambda _: None)
    made = night.report(loop.context)
    assert [e["event"] for e in made.audit][:2] == ["night-started", "night-phase"]
    assert {"start", "passed"} <= {e["event"] for e in made.audit}


def test_a_feature_of_the_owners_own_waits_for_the_day_or_an_approval(make_repo: Make) -> None:
    loop = make_night(make_repo, FEATURE)
    started = loop.start()
    assert started.beat is not None and not loop.context.workspace.ledger().builds
    held = started.beat.assessments[0].obstacles[0]
    assert held.gate == "category" and held.until == loop.night.ends and held.fix == "autobuilds approve say-hello"
    loop.later(9)
    assert [a.verdict.value for a in look(loop.context).assessments] == ["go"]


@pytest.mark.slow
def test_a_machine_under_pressure_starts_nothing_and_goes_on_below(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello"))
    loop.host.load = replace(QUIET, memory_percent=85.0)
    assert look(loop.context).assessments[0].verdict.value == "go", "by day that is nothing"
    loop.start()
    assert not loop.context.workspace.ledger().builds
    assert loop.night.throttled is not None
    before = loop.git("rev-parse", "HEAD")
    loop.beat()
    assert loop.git("rev-parse", "HEAD") == before, "told once"
    loop.later(1.5)
    loop.host.load = QUIET
    loop.run()
    assert loop.state() == "review" and loop.night.throttled is None
    assert abs(loop.night.throttled_seconds - 5400) < 60
    events = [s for s in loop.subjects() if "throttled" in s or "goes on after" in s]
    assert len(events) == 2 and "goes on after 1 h 30 min" in events[0] and "memory 85 % used" in events[1]
    assert night.report(loop.context).view.throttled_minutes == 90


def test_a_night_ends_by_itself_and_is_reported_by_the_next_heartbeat(make_repo: Make) -> None:
    loop = make_night(make_repo, WAITS)
    loop.start()
    ends = loop.night.ends
    loop.later(11)
    beaten = loop.beat()
    assert beaten.faults == ()
    assert loop.night.ended == ends
    assert (loop.root / f"build-reports/night-{loop.night.id}.md").exists()
    assert loop.git("status", "--porcelain") == ""
    with pytest.raises(NotSo):
        night.report(loop.context, "2001-01-01")


@pytest.mark.slow
def test_report_of_a_closed_night_ends_nothing_and_writes_what_is_missing(make_repo: Make) -> None:
    loop = make_night(make_repo, WAITS)
    with pytest.raises(NotSo, match="no overnight session yet"):
        night.report(loop.context)
    loop.start()
    night.report(loop.context)
    first = loop.night.id
    loop.start()
    page = loop.root / f"build-reports/night-{first}.md"
    text = page.read_text()
    page.unlink()
    assert night.report(loop.context, first).view.id == first
    assert page.read_text().count("\n") >= text.count("\n") - 1
    assert loop.night.ended is None, "the one that is on goes on"


@pytest.mark.slow
def test_a_build_that_still_runs_is_in_progress_and_goes_on(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello", steps="until test -f {go}; do sleep 0.02; done; echo hello > a.txt"))
    loop.start()
    made = night.report(loop.context)
    assert (made.view.spawned, made.view.in_progress, made.view.completed) == (1, 1, 0)
    assert "1 build still runs" in made.view.headline
    loop.tell()
    loop.ended()
    loop.beat()
    assert loop.state() == "review"


@pytest.mark.slow
def test_a_disk_that_is_full_holds_builds_and_ends_no_night(make_repo: Make) -> None:
    loop = make_night(make_repo, details("Say hello"))
    loop.host.load = Resources(disk_percent=91.0, memory_percent=10.0, load_per_core=0.1, memory_free_mib=100_000)
    started = loop.start()
    assert started.beat is not None
    assert "disk 91 % full (limit 80 %)" in started.beat.assessments[0].obstacles[0].reason
    assert is_on(loop.context.workspace.ledger().day, loop.now)


@pytest.mark.slow
def test_what_is_rebuilt_from_the_history_knows_the_night(make_repo: Make) -> None:
    from autobuilds.runtime import fsck

    loop = make_night(make_repo, details("Say hello"))
    stay(loop.context, loop.start().beat or loop.beat(), lambda _: None)
    night.report(loop.context)
    before = loop.context.workspace.ledger().day
    (loop.root / "subagents" / "active.json").unlink()
    fsck.rebuild(loop.context)
    assert loop.context.workspace.ledger().day == before
