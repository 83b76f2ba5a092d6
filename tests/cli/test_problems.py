"""`autobuilds problems` as a person types it, and the script of the first generation."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from autobuilds.cli.historical import run_script
from tests.cli.conftest import Desk
from tests.conftest import git

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "problem_predictor.py"
MIB = 1024 * 1024


@pytest.fixture
def house(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The desk with a folder `data` that is looked after, on the machine's own clock."""
    monkeypatch.delenv("AUTOBUILDS_NOW")
    config = desk.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("timezone: UTC\n", "timezone: UTC\nlog_limit: 1\nhousekeeping: [data]\n"))
    with (desk.root / ".gitignore").open("a") as file:
        file.write("data/\nmemory/\n")
    git(desk.root, "commit", "-q", "-a", "-m", "settings")
    (desk.root / "data").mkdir()
    return desk


def large(house: Desk, name: str = "app.log") -> Path:
    path = house.root / "data" / name
    path.write_bytes(b"x" * (MIB + 1))
    return path


def damaged(house: Desk) -> Path:
    path = house.root / "data" / "app.db"
    base = sqlite3.connect(path)
    base.execute("create table t (a)")
    base.executemany("insert into t values (?)", [("y" * 500,)] * 100)
    base.commit()
    base.close()
    data = bytearray(path.read_bytes())
    data[4096:12288] = b"z" * 8192
    path.write_bytes(data)
    return path


def test_where_all_is_well(house: Desk) -> None:
    for words in (("problems",), ("problems", "list"), ("problems", "scan"), ("problems", "fix", "--safe")):
        answered = house.type(*words)
        assert (answered.status, answered.err) == (0, "")
        assert "nothing is wrong" in answered.out or answered.out == "nothing to fix\n"
    found = house.type("problems", "scan", "--json").json
    assert (found["schema"], found["kind"], found["ok"], found["problems"]) == (1, "problems", True, [])
    assert found["counts"] == {"critical": 0, "warning": 0, "note": 0, "fixable": 0}


def test_a_scan_says_what_is_wrong_and_what_to_type(house: Desk) -> None:
    large(house)
    scanned = house.type("problems", "scan")
    assert scanned.status == 0
    assert "warning  log        data/app.log: 1.0 MiB, last written less than a minute" in scanned.out
    assert scanned.out.endswith("1 problem, 1 of them can be fixed safely\n> autobuilds problems fix --safe\n")
    assert "fix: it is renamed" in house.type("problems", "list").out


def test_a_critical_problem_is_exit_status_1_of_a_scan_alone(house: Desk) -> None:
    damaged(house)
    assert house.type("problems", "scan").status == 1
    answered = house.type("problems", "scan", "--json")
    assert (answered.status, answered.json["ok"], answered.json["counts"]["critical"]) == (1, False, 1)
    (row,) = answered.json["problems"]
    assert set(row) == {"kind", "severity", "where", "said", "evidence", "safe", "fix", "way"}
    assert (row["kind"], row["severity"], row["where"], row["safe"], row["fix"]) == ("database", "critical", "data/app.db", False, None)
    listed = house.type("problems", "list")
    assert (listed.status, "you: take it from a backup" in listed.out) == (0, True)


def test_a_dry_run_changes_nothing_and_a_fix_does_what_it_showed(house: Desk) -> None:
    path = large(house)
    shown = house.type("problems", "fix", "--safe", "--dry-run")
    assert (shown.status, shown.out.startswith("would    rotate data/app.log"), path.stat().st_size) == (0, True, MIB + 1)
    damaged(house)
    fixed = house.type("problems", "fix")
    assert (fixed.status, fixed.out.startswith("done     rotate data/app.log")) == (0, True)
    assert "Left for you:\ncritical database" in fixed.out
    assert path.stat().st_size == 0
    large(house, "b.log")
    answered = house.type("problems", "fix", "--safe", "--json").json
    assert [(f["fix"], f["done"], f["freed_bytes"], f["trashed_bytes"]) for f in answered["fixes"]] == [("rotate", True, 0, 0)]
    assert ([t["kind"] for t in answered["left"]], answered["dry_run"], answered["freed_bytes"]) == (["database"], False, 0)
    assert git(house.root, "status", "--porcelain") == ""


def test_a_fix_that_fails_is_exit_status_1(house: Desk) -> None:
    large(house, "a" * 249 + ".log")
    fixed = house.type("problems", "fix")
    assert (fixed.status, fixed.out.startswith("failed   rotate")) == (1, True)


def test_figures_and_samples(house: Desk) -> None:
    first = house.type("problems", "metrics")
    assert (first.status, "no samples yet" in first.out, "memory: " in first.out) == (0, True, True)
    house.type("problems", "scan")
    second = house.type("problems", "metrics", "--days", "1")
    assert len(second.out.split("\n\nwhen")[1].strip().split("\n")) == 2
    answered = house.type("problems", "metrics", "--json").json
    assert (answered["kind"], len(answered["samples"])) == ("problems", 1)
    assert set(answered["samples"][0]) == {"at", "disk_percent", "disk_free", "memory_percent", "load_per_core", "log_bytes", "trash_bytes"}
    assert answered["metrics"]["root"] == str(house.root)


def test_what_was_put_away_comes_back(house: Desk) -> None:
    clone = house.root / ".autobuilds" / "clones" / "gone-1"
    clone.mkdir(parents=True)
    (clone / "work.txt").write_text("work")
    for path in (clone / "work.txt", clone):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert house.type("problems", "restore").status == 1
    fixed = house.type("problems", "fix", "--safe")
    assert (clone.exists(), "moved to the trash" in fixed.out) == (False, True)
    assert "nothing lies in the trash of 2020-01-01" in house.type("problems", "restore", "2020-01-01").err
    assert house.type("problems", "restore", "today").status == 2
    back = house.type("problems", "restore", "--json")
    assert (back.status, back.json["restored"][0]["done"], (clone / "work.txt").read_text()) == (0, True, "work")
    assert house.type("problems", "fix").status == 0
    clone.mkdir()
    stays = house.type("problems", "restore")
    assert (stays.status, stays.out.startswith("stays ")) == (1, True)


def test_names_that_drive_terminals_are_shown_inert(house: Desk) -> None:
    for name in ("\x1b[2Jevil\n.log", "\udcff\udcfe.log"):
        large(house, name)
    for words in (("problems", "list"), ("problems", "fix", "--dry-run"), ("problems", "metrics"), ("problems", "fix")):
        answered = house.type(*words)
        assert (answered.status, "\x1b" in answered.out + answered.err) == (0, False)
    for name in ("\x1b[2Jevil\n.log", "\udcff\udcfe.log"):
        large(house, name)
    where = {row["where"] for row in house.type("problems", "list", "--json").json["problems"]}
    assert where == {"data/\x1b[2Jevil\n.log", "data/\\udcff\\udcfe.log"}
    assert house.type("problems", "fix", "--json").status == 0
    assert house.type("problems", "metrics", "--json").status == 0


def test_a_build_may_look_and_not_act(house: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    large(house)
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "a-1")
    assert [house.type("problems", word).status for word in ("list", "metrics")] == [0, 0]
    for words in (("scan",), ("fix",), ("restore",)):
        refused = house.type("problems", *words)
        assert (refused.status, "refused inside a build" in refused.err) == (2, True)
    assert house.type("problems", "fix", "--dry-run").status == 0
    assert not (house.root / ".autobuilds").exists()


def test_the_script_of_the_first_generation(house: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    def script(*args: str) -> tuple[int, str]:
        capfd.readouterr()
        status = run_script("problem_predictor", args, str(SCRIPT))
        return status, capfd.readouterr().out

    path = large(house)
    assert script("list")[0] == 0
    assert (script()[0], json.loads(script("scan", "--json")[1])["counts"]["fixable"]) == (0, 1)
    assert script("fix", "--safe", "--dry-run")[1].startswith("would")
    assert (script("fix", "--safe")[0], path.stat().st_size) == (0, 0)
    assert script("metrics")[1].split()[0] == "disk"
    assert [script(*wrong)[0] for wrong in (("mend",), ("scan", "--safe"), ("list", "--dry-run"))] == [2, 2, 2]


def test_a_screen_is_not_flooded(house: Desk) -> None:
    old = 1_700_000_000
    for number in range(105):
        path = house.root / "data" / f"{number}.log.1"
        path.write_text("x" * 100)
        os.utime(path, (old, old))
    assert "... and 5 more: --json has them all\n\n105 problems, 105 of them can be fixed safely" in house.type("problems", "scan").out
    assert "... and 5 more" in house.type("problems", "fix", "--dry-run").out
    assert len(house.type("problems", "list", "--json").json["problems"]) == 105
