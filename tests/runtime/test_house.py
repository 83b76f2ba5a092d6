"""Keeping the house in order in a real workspace: what is found, what is fixed and logged, what is never written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.domain.build import Attempt, Build, BuildState, Ledger
from autobuilds.domain.house import Fix, FixKind, Mended, Readings, Restored, Scope, TrashDay
from autobuilds.errors import Busy
from autobuilds.records import replace
from autobuilds.runtime import house
from autobuilds.runtime.context import Context
from autobuilds.store.duties import write_last_runs
from autobuilds.wiring import make_context

QUEUE = "# Build Queue\n\n## Active Queue\n\n## Completed\n"
CONFIG = "---\ntimezone: Europe/Berlin\nlog_limit: 1\nhousekeeping: [logs, ~/data]\n{more}---\n# Heartbeat\n\n## Check (daily)\n- `autobuilds check`\n"
MIB = 1024 * 1024


@dataclass(kw_only=True)
class StagedHouse:
    """A house of which it is told what is read in it."""

    readings: Readings | None = None
    scopes: list[Scope] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)

    def read(self, scope: Scope, tell: Callable[[str], None]) -> Readings:
        self.scopes.append(scope)
        return replace(self.readings, at=scope.now) if self.readings else Readings(at=scope.now, root=scope.root)

    def mend(self, fix: Fix, scope: Scope) -> Mended:
        self.fixes.append(fix)
        return Mended(done=True, said="mended", freed=5, trashed=7)

    def days(self, scope: Scope) -> tuple[date, ...]:
        return ()

    def restore(self, day: date, scope: Scope, span: tuple[datetime, datetime] | None = None) -> tuple[Restored, ...]:
        return ()


@pytest.fixture
def bench(make_repo: Callable[..., Path]) -> Context:
    root = make_repo({"BUILD_QUEUE.md": QUEUE, "HEARTBEAT.md": CONFIG.format(more=""), ".gitignore": ".autobuilds/\nlogs/\n"})
    for folder in (root / "logs", Path.home() / "data"):
        folder.mkdir()
    return make_context(root)


def now_of(context: Context) -> datetime:
    return context.now(context.workspace.zone(context.workspace.config().settings))


def private(context: Context) -> Path:
    return context.workspace.root / ".autobuilds"


def log_of(context: Context) -> list[dict[str, object]]:
    return [json.loads(line) for line in (private(context) / "house.jsonl").read_text().split("\n")[:-1]]


def large_log(context: Context, name: str = "app.log") -> Path:
    path = context.workspace.root / "logs" / name
    path.write_bytes(b"x" * (MIB + 1))
    return path


def kinds(found: house.Scan) -> list[str]:
    return [t.kind for t in found.problems if t.kind not in {"disk", "memory", "load"}]


def test_a_scan_keeps_a_sample_and_a_look_writes_nothing(bench: Context) -> None:
    now = now_of(bench)
    assert kinds(house.look(bench, now)) == []
    assert not private(bench).exists()
    for minutes in (0, 10, 31):
        house.scan(bench, now + timedelta(minutes=minutes))
    assert [s.at for s in house.samples(bench, now + timedelta(hours=1))] == [
        now.replace(microsecond=0) + timedelta(minutes=m) for m in (0, 31)
    ]


def test_what_is_safe_is_mended_logged_and_remembered_once(bench: Context) -> None:
    now = now_of(bench)
    for name in ("a.log", "b.log"):
        large_log(bench, name)
    planned = house.fix_safe(bench, now, dry_run=True)
    assert ([f.planned for f in planned], private(bench).exists()) == ([True, True], False)
    done = house.fix_safe(bench, now)
    assert [(f.planned, f.result.done) for f in done] == [(False, True)] * 2
    assert [(r["fix"], r["problem"], r["done"], r["freed_bytes"]) for r in log_of(bench)] == [("rotate", "log", True, 0)] * 2
    diary = (bench.workspace.root / "memory" / f"{now:%Y-%m-%d}.md").read_text()
    assert diary.count("House kept: 2 problems fixed") == 1
    assert house.fix_safe(bench, now) == ()
    assert len(log_of(bench)) == 2


def test_a_fix_that_fails_is_logged_and_not_remembered(bench: Context) -> None:
    path = large_log(bench)
    path.parent.chmod(0o500)
    staged = replace(bench, house=Failing())
    (fixed,) = house.fix_safe(staged, now_of(bench))
    path.parent.chmod(0o700)
    assert (fixed.result.done, log_of(bench)[0]["done"], (bench.workspace.root / "memory").exists()) == (False, False, False)


class Failing:
    """The house of this machine, in which every fix fails."""

    def __init__(self) -> None:
        from autobuilds.adapters.housekeeping.house import MachineHouse

        self.real = MachineHouse()

    def read(self, scope: Scope, tell: Callable[[str], None]) -> Readings:
        return self.real.read(scope, tell)

    def mend(self, fix: Fix, scope: Scope) -> Mended:
        return Mended(done=False, said="the disk refuses")

    def days(self, scope: Scope) -> tuple[date, ...]:
        return self.real.days(scope)

    def restore(self, day: date, scope: Scope, span: tuple[datetime, datetime] | None = None) -> tuple[Restored, ...]:
        return self.real.restore(day, scope, span)


def test_one_fixer_at_a_time(bench: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "_PATIENCE", 0.05)
    large_log(bench)
    with bench.workspace.lock("house", "a test", 0), pytest.raises(Busy):
        house.fix_safe(bench, now_of(bench))


def test_what_frees_space_comes_first_and_time_is_bounded(bench: Context) -> None:
    now = now_of(bench)
    place = house.scope_of(bench, bench.workspace.config().settings, now)
    from tests.policies.test_problem_predictor import ROOT, log  # the same readings as there

    old = TrashDay(place=log().place, day=now.date() - timedelta(days=90), size=1, items=1)
    staged = StagedHouse(readings=Readings(at=now, root=ROOT, logs=(log(2 * MIB),), trash=(old,)))
    assert len(house.fix_safe(replace(bench, house=staged), now)) == 2
    assert [fix.kind for fix in staged.fixes] == [FixKind.PURGE, FixKind.ROTATE]
    assert house.fix_safe(replace(bench, house=staged), now, seconds=-1) == ()
    assert place.log_limit == MIB


def test_where_is_looked_comes_from_the_settings_and_the_ledger(bench: Context) -> None:
    now = now_of(bench)
    attempt = Attempt(number=1, id="a-1", agent="command", started=now, log="subagents/logs/a-1.log")
    build = Build(label="a", name="A", state=BuildState.REVIEW, attempts=(attempt,), created=now, updated=now, category=None)
    bench.workspace.write_ledger(Ledger(builds=(build,)))
    staged = StagedHouse()
    house.look(replace(bench, house=staged), now)
    (scope,) = staged.scopes
    assert scope.folders == (str(bench.workspace.root / "logs"), str(Path.home() / "data"))
    assert (scope.known_logs, scope.log_limit, scope.log_age) == ({"subagents/logs/a-1.log": "a"}, MIB, timedelta(days=30))
    assert scope.building is False
    bench.workspace.write_ledger(Ledger(builds=(replace(build, state=BuildState.BUILDING),)))
    house.look(replace(bench, house=staged), now)
    assert staged.scopes[-1].building is True


def test_failing_duties_are_those_whose_last_runs_failed(bench: Context) -> None:
    now = now_of(bench)
    bench.workspace.private.mkdir(exist_ok=True)

    def ended(outcome: str, command: str = "autobuilds check", minutes: int = 0) -> str:
        at = (now + timedelta(minutes=minutes)).isoformat(timespec="seconds")
        return json.dumps({"at": at, "duty": "Check", "command": command, "outcome": outcome, "tail": "one\nlast\x1b[31m words"}) + "\n"

    log = private(bench) / "duties.log"
    log.write_text(ended("failed") + ended("ok") + ended("failed") + ended("timeout") + ended("failed", "gone") + ended("ok", minutes=600))
    (found,) = (t for t in house.look(bench, now).problems if t.kind == "duty")
    assert found.where == f"HEARTBEAT.md:{bench.workspace.config().duties[0].commands[0].line}"
    assert found.said == "autobuilds check failed 2 times in a row (timeout): last words"
    log.write_text(ended("failed") + ended("ok"))
    assert kinds(house.look(bench, now)) == []


def test_times_to_come_are_trouble_with_the_clock(bench: Context) -> None:
    now = now_of(bench)
    write_last_runs(bench.workspace.private, {"check": now + timedelta(minutes=4), "scan": now + timedelta(hours=2)})
    late = now + timedelta(days=2)
    build = Build(label="a", name="A", state=BuildState.REVIEW, attempts=(), created=now, updated=late, category=None)
    bench.workspace.write_ledger(Ledger(builds=(build,)))
    assert [t.where for t in house.look(bench, now).problems if t.kind == "clock"] == ["duty scan", "build a"]


def test_a_replaced_clock_is_named(bench: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUILDS_NOW", "2026-02-06T22:00:00+01:00")
    assert [t.where for t in house.look(bench, now_of(bench)).problems if t.kind == "clock"] == ["AUTOBUILDS_NOW"]


def test_where_no_house_is_kept_the_host_still_says_how_it_is(bench: Context) -> None:
    bare = replace(bench, house=None)
    now = now_of(bench)
    found = house.look(bare, now)
    assert (len(found.readings.disks), found.readings.log_count) == (1, 0)
    assert (house.fix_safe(bare, now), house.restore(bare, now, None)) == ((), (None, ()))


def test_the_newest_day_of_the_trash_comes_back_unless_one_is_named(bench: Context) -> None:
    now = now_of(bench)
    path = bench.workspace.root / ".autobuilds" / "clones" / "gone-1"
    path.mkdir(parents=True)
    (path / "work.txt").write_text("work")
    later = now + timedelta(hours=3)
    (fixed,) = house.fix_safe(bench, later)
    assert fixed.result.done
    assert house.restore(bench, later, date(2020, 1, 1)) == (date(2020, 1, 1), ())
    day, back = house.restore(bench, later, None)
    assert (day, [r.done for r in back], (path / "work.txt").read_text()) == (later.date(), [True], "work")
    assert house.restore(bench, later, None)[1] == ()
