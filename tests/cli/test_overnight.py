"""`autobuilds overnight`: what each subcommand says, its exit status, its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autobuilds.cli.historical import run_script
from tests.cli.conftest import Desk
from tests.conftest import git

EVENING, MIDNIGHT, MORNING, NOON = (f"2026-02-{day}:00+00:00" for day in ("06T23:00", "07T01:30", "07T07:10", "07T12:00"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    def at(when: str) -> None:
        monkeypatch.setenv("AUTOBUILDS_NOW", when)

    at(EVENING)
    return at


def test_a_night_from_its_start_to_its_undo(desk: Desk, clock: Any) -> None:
    begun = desk.type("overnight", "start")
    assert begun.status == 0
    assert "overnight session 2026-02-06 is on until 2026-02-07 07:00" in begun.out
    assert "is tagged autobuilds/night/2026-02-06" in begun.out and "patterns: skipped: no routines are known" in begun.out
    assert "`autobuilds overnight undo 2026-02-06` takes the whole night back" in begun.out
    again = desk.type("overnight", "start")
    assert (again.status, again.out) == (1, "") and "`autobuilds overnight report` ends it" in again.err
    clock(MIDNIGHT)
    standing = desk.type("overnight")
    assert "the overnight session is on until 2026-02-07 07:00" in standing.out and "2 h 30 min" in standing.out
    assert standing.out == desk.type("overnight", "status").out
    clock(MORNING)
    reported = desk.type("overnight", "report")
    assert reported.out.startswith("Night 2026-02-06: Nothing ran.\n")
    assert "2026-02-06 23:00 to 2026-02-07 07:00, 8 h" in reported.out
    assert "written to build-reports/night-2026-02-06.md and build-reports/night-2026-02-06.json" in reported.err
    assert git(desk.root, "status", "--porcelain") == ""
    assert desk.type("overnight").out.startswith("no overnight session is on; the last one:\n")
    shown = desk.type("overnight", "undo", "--dry-run")
    assert "would be taken back:\n  nothing of it is left to be taken back" in shown.out
    assert desk.type("overnight", "undo", "--yes").out == "the night 2026-02-06 was taken back\n"
    undone = desk.type("overnight", "undo", "--yes")
    assert (undone.status, undone.err) == (1, "autobuilds: the night 2026-02-06 was taken back already, on 2026-02-07 07:10\n")


@pytest.mark.parametrize(
    ("when", "status", "said"),
    [
        (EVENING, 0, "yes: it is 23:00, within 23:00-07:00; no session is on (autobuilds overnight start)\n"),
        (MORNING, 1, "no: it is 07:10, outside of 23:00-07:00, and no session is on\n"),
    ],
)
def test_is_overnight_answers_by_its_status(desk: Desk, clock: Any, when: str, status: int, said: str) -> None:
    clock(when)
    found = desk.type("overnight", "is-overnight")
    assert (found.status, found.out) == (status, said)


@pytest.mark.slow
def test_a_session_by_day_counts_as_overnight(desk: Desk, clock: Any) -> None:
    clock(NOON)
    refused = desk.type("overnight", "start")
    assert refused.status == 1 and "--until TIME" in refused.err
    assert desk.type("overnight", "start", "--until", "14:00").status == 0
    found = desk.type("overnight", "is-overnight", "--json")
    assert found.status == 0
    assert {k: found.json[k] for k in ("schema", "kind", "overnight", "hours", "session")} == {
        "schema": 1,
        "kind": "is-overnight",
        "overnight": True,
        "hours": "23:00-07:00",
        "session": "2026-02-07",
    }
    assert found.json["now"].startswith("2026-02-07T12:00:00") and found.json["until"].startswith("2026-02-07T14:00:00")
    assert desk.type("overnight", "start", "--until", "yesterday").status == 2


def test_the_json_of_a_night(desk: Desk, clock: Any) -> None:
    begun = desk.type("overnight", "start", "--json").json
    assert {"schema", "kind", "session", "started", "ends", "snapshot", "transitions"} == set(begun)
    assert begun["kind"] == "overnight-start" and begun["snapshot"]["tag"] == "autobuilds/night/2026-02-06"
    standing = desk.type("overnight", "--json").json
    assert standing["kind"] == "overnight-status" and standing["night"]["on"] is True
    clock(MORNING)
    told = desk.type("overnight", "report", "--json").json
    figures = {"minutes", "spawned", "carried", "completed", "verified", "claimed", "failed", "in_progress", "throttled_minutes"}
    figures |= {"throttled_since"}
    more = {"problems_found", "problems_fixed", "shipped_seconds", "shipped_minutes", "shipped_hours", "headline", "on"}
    kept = {"schema", "kind", "session", "started", "ends", "ended", "undone", "phases", "attempts", "commit", "tag", "archive", "audit"}
    assert set(told) == figures | more | kept
    assert (told["kind"], told["session"], told["minutes"]) == ("overnight", "2026-02-06", 480)
    assert [p["name"] for p in told["phases"]] == ["health", "patterns", "builds", "monitor", "report"]
    assert {"at", "event", "label", "attempt", "reason", "commit"} == set(told["audit"][0])
    page = json.loads((desk.root / "build-reports" / "night-2026-02-06.json").read_text())
    assert "2026-02-07 07:00, 8 h 0 min." in (desk.root / "build-reports" / "night-2026-02-06.md").read_text()
    assert {k: v for k, v in page.items() if k != "audit"} == {k: v for k, v in told.items() if k != "audit"}
    assert desk.type("overnight", "report", "--date", "2026-02-06", "--json").json["session"] == "2026-02-06"
    assert desk.type("overnight", "report", "--date", "2026-02-05").status == 1
    undone = desk.type("overnight", "undo", "--dry-run", "--json").json
    assert (undone["kind"], undone["dry_run"], undone["undone"]) == ("overnight-undo", True, None)
    assert {"session", "merges", "held", "running", "kept", "restored", "gone", "faults"} <= set(undone)


def test_before_the_first_night(desk: Desk, clock: Any) -> None:
    assert desk.type("overnight").out == "there was no overnight session yet; `autobuilds overnight start` begins one\n"
    assert desk.type("overnight", "status", "--json").json == {"schema": 1, "kind": "overnight-status", "night": None}
    for command in (["report"], ["undo", "--yes"]):
        found = desk.type("overnight", *command)
        assert (found.status, found.out) == (1, "") and "no overnight session yet" in found.err


@pytest.mark.slow
def test_inside_a_build_a_session_is_looked_at_alone(desk: Desk, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(NOON)
    desk.type("overnight", "start", "--until", "20:00")
    monkeypatch.delenv("AUTOBUILDS_NOW")
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x")
    for command in (["start"], ["report"], ["brief"], ["undo", "--yes"]):
        found = desk.type("overnight", *command)
        assert found.status == 2 and "refused inside a build" in found.err
    for command in ([], ["status"], ["undo", "--dry-run"]):
        assert desk.type("overnight", *command).status == 0


@pytest.mark.slow
def test_undo_asks_before_it_acts(desk: Desk, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.type("overnight", "start")
    clock(MORNING)
    desk.type("overnight", "report")
    asked = desk.type("overnight", "undo")
    machine = desk.type("overnight", "undo", "--json")
    assert (machine.status, machine.out) == (2, "") and "--yes" in machine.err
    assert asked.status == 2 and "Take it back?" in asked.err and "would be taken back" in asked.err
    assert asked.err.endswith("nobody can answer here: autobuilds overnight undo 2026-02-06 --yes\n")
    assert desk.type("overnight", "--json").json["night"]["undone"] is None


@pytest.mark.slow
def test_the_script_of_the_first_generation(desk: Desk, clock: Any, capfd: pytest.CaptureFixture[str]) -> None:
    file = str(Path(__file__).resolve().parents[2] / "scripts" / "overnight_runner.py")
    assert [run_script("overnight_runner", [what], file) for what in ("is-overnight", "start")] == [0, 0]
    clock(MORNING)
    assert [run_script("overnight_runner", [what], file) for what in ("report", "brief", "is-overnight")] == [0, 0, 1]
    assert (desk.root / "build-reports" / "night-2026-02-06.md").exists()
    assert (desk.root / "build-reports" / "brief-2026-02-07.md").exists()
    assert run_script("overnight_runner", ["sleep"], file) == 2
    capfd.readouterr()
