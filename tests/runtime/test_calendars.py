"""The calendar in a look, a heartbeat, a quick answer and the doctor's eyes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.cli.app import run
from autobuilds.domain.day import Busy, Context
from autobuilds.domain.inert import line
from autobuilds.runtime import heartbeat
from autobuilds.runtime.context import Context as UseCase
from autobuilds.runtime.looking import look
from autobuilds.runtime.observe import observe
from autobuilds.runtime.standstill import watch
from autobuilds.runtime.stillness import dues
from autobuilds.wiring import make_context
from tests.fakes.calendar import FakeCalendar

NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)
TALK = Busy(start=NOON + timedelta(minutes=30), end=NOON + timedelta(hours=1), context=Context.WORKING, summary="Talk")
QUEUE = "# Build Queue\n\n## Active Queue\n\n## Completed\n"
CONFIG = "---\ntimezone: UTC\nsandbox: none\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n{more}---\n# Heartbeat\n"
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260206T123000Z\r\n"
    "DURATION:PT30M\r\nSUMMARY:Talk\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
MakeRepo = Callable[..., Path]
ADDRESS = "https://localhost/cal.ics"


@pytest.fixture
def make(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Callable[..., UseCase]:
    """Return a function that makes a workspace with these calendars, at noon."""
    monkeypatch.setenv("AUTOBUILDS_NOW", NOON.isoformat())

    def made(*calendars: str, fake: FakeCalendar | None = None) -> UseCase:
        more = f"calendar: [{', '.join(calendars)}]\n" if calendars else ""
        config = CONFIG.format(more=more).replace("", "")
        root = make_repo({"BUILD_QUEUE.md": QUEUE, "HEARTBEAT.md": config, ".gitignore": ".autobuilds/\n"})
        context = replace(make_context(root), heartbeat_argv=())
        return context if fake is None else replace(context, calendar=fake)

    return made


def test_a_moment_has_what_the_calendar_says_of_the_time_around_it(make: Callable[..., UseCase]) -> None:
    yesterday = replace(TALK, start=NOON - timedelta(hours=23), end=NOON - timedelta(hours=22), summary="a")
    fake = FakeCalendar(files={"a.ics": (TALK, yesterday, replace(TALK, start=NOON + timedelta(days=9), end=NOON + timedelta(days=10)))})
    context = make("a.ics", "b.ics", fake=fake)
    moment = observe(context, context.load())
    assert moment.busy == (yesterday, TALK)
    assert moment.calendar_fault == "b.ics: there is none"


def test_a_calendar_is_not_even_imported_where_none_is_named(make: Callable[..., UseCase]) -> None:
    root = make().workspace.root
    code = "import sys; from autobuilds.cli.app import run; run(['heartbeat']); print([m for m in sys.modules if 'calendar' in m])"
    said = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    assert "adapters.calendar" not in said and "ports.calendar" not in said and "icalendar" not in said


def test_a_heartbeat_fetches_and_a_look_does_not(make: Callable[..., UseCase]) -> None:
    fake = FakeCalendar(online={ADDRESS: (TALK,)})
    context = make(ADDRESS, fake=fake)
    assert look(context).moment.busy == () and fake.asked == 0
    beaten = heartbeat.beat(context)
    assert (beaten.moment.busy, beaten.faults, fake.asked) == ((TALK,), (), 1)
    heartbeat.beat(context)
    assert fake.asked == 1


def test_a_heartbeat_goes_on_without_its_calendar_and_says_so(make: Callable[..., UseCase]) -> None:
    context = make("a.ics", fake=FakeCalendar(installed=False))
    beaten = heartbeat.beat(context)
    assert beaten.faults == ("calendar: the extra `calendar` is not installed",) and not beaten.ok
    assert beaten.moment.busy == ()


def test_a_look_writes_nothing_for_a_calendar(make: Callable[..., UseCase]) -> None:
    context = make("a.ics")
    root = context.workspace.root
    (root / "a.ics").write_text(ICS)
    before = sorted(root.rglob("*"))
    assert look(context).moment.busy == (TALK,)
    assert sorted(root.rglob("*")) == before


def test_a_kept_answer_depends_on_the_calendars_and_on_their_times(make: Callable[..., UseCase]) -> None:
    context = make("a.ics", ADDRESS, fake=FakeCalendar(files={"a.ics": (TALK,)}, online={ADDRESS: ()}))
    found = set(dues(context, heartbeat.beat(context)))
    assert {TALK.start, TALK.end, NOON + timedelta(minutes=15)} <= found
    real = make_context(context.workspace.root)
    seen = watch(real)
    assert seen is not None
    assert str(context.workspace.root / "a.ics") in seen.stamps
    assert sum(".autobuilds/calendar/" in path for path in seen.stamps) == 2


def _doctor(root: Path, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    capsys.readouterr()
    run(["doctor", "--json", "--workspace", str(root)])
    checks = json.loads(capsys.readouterr().out)["checks"]
    return [(c["level"], c["said"], c["fix"]) for c in checks if c["check"] == "calendars"]


def test_the_doctor_reads_the_calendars(
    make: Callable[..., UseCase], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make("a.ics", ADDRESS).workspace.root
    found = _doctor(root, capsys)
    assert [level for level, _, _ in found] == ["warning", "warning"]
    assert found[0][1].startswith("calendar 1 (a.ics): there is no file ") and "HEARTBEAT.md" in found[0][2]
    assert found[1][1] == "calendar 2 (https://localhost/…) is not fetched yet; the next heartbeat does it"
    (root / "HEARTBEAT.md").write_text(CONFIG.format(more="calendar: a.ics\n").replace("", ""))
    (root / "a.ics").write_text(ICS)
    assert _doctor(root, capsys) == [("ok", "one event from now on in the next 8 days", "")]
    monkeypatch.setattr("autobuilds.adapters.calendar.ics.find_spec", lambda _: None)
    ((level, said, fix),) = _doctor(root, capsys)
    assert level == "problem" and said == "Calendars can't be read: the extra `calendar` is not installed"
    assert fix.endswith("-m pip install 'autobuilds[calendar]'") and line(fix) == fix


def test_the_doctor_says_nothing_where_no_calendar_is_named(make: Callable[..., UseCase], capsys: pytest.CaptureFixture[str]) -> None:
    assert _doctor(make().workspace.root, capsys) == []


@pytest.mark.parametrize("command", ["detect", "summary", "upcoming"])
def test_a_command_that_needs_what_is_not_installed_names_the_command_that_installs_it(
    make: Callable[..., UseCase], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    root = make("a.ics").workspace.root
    monkeypatch.setattr("autobuilds.adapters.calendar.ics.find_spec", lambda _: None)
    capsys.readouterr()
    assert run(["context", command, "--workspace", str(root)]) == 3
    out, err = capsys.readouterr()
    assert out == "" and "-m pip install 'autobuilds[calendar]'" in err
