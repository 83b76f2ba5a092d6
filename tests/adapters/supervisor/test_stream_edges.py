"""An agent's output at its edges: how much is read, what is kept, what can't be written."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobuilds.adapters.agents.schema import parse
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.stream import AgentStream, _Rows, _Source, known_session
from autobuilds.domain.agents import Activity, ActivityKind, AgentReport, FailureClass
from autobuilds.domain.build import Usage
from autobuilds.ports import Job
from autobuilds.records import replace
from tests.adapters.attempts import job_for
from tests.adapters.supervisor.test_stream import JSONL as PICKS

NOON = datetime(2026, 2, 6, 12, 30, 5, tzinfo=UTC)
JSONL = f"""{PICKS}[[x.shows]]
kind = "file"
verb = "edits"
path = "file"
"""
RESULT = 'format = "json"\nresult_file = "{path}"\n[x.picks]\ntokens_in = {{ path = "in" }}\ntokens_out = {{ path = "out" }}\ncost_usd = {{ path = "cost" }}\n'
MIB = 1024 * 1024


def rules(table: str) -> Any:
    return parse(f'[x]\nargv = ["x"]\n{table}', "agents.toml", own=True)["x"].rules


class Desk:
    def __init__(self, root: Path, table: str = JSONL, **more: Any) -> None:
        self.job: Job = job_for(root, "true", attempt_id="demo-1", rules=rules(table), agent="x", **more)
        self.folder = RunFolder.of(root, "demo-1")
        self.folder.make()
        self.stream = self.made()

    def made(self, **more: Any) -> AgentStream:
        return AgentStream(job=self.job, folder=self.folder, now=lambda: NOON, **more)

    def say(self, *events: object) -> None:
        with self.folder.stdout.open("a") as file:
            file.writelines(event if isinstance(event, str) else json.dumps(event) + "\n" for event in events)

    @property
    def log(self) -> str:
        path = Path(self.job.log_file)
        return path.read_text() if path.exists() else ""


@pytest.fixture
def desk(make_repo: Callable[..., Path]) -> Desk:
    return Desk(make_repo())


def test_what_an_agent_does_is_shown_and_the_last_of_it_kept(desk: Desk) -> None:
    clone = desk.folder.clone
    desk.say(*({"file": f"{clone}/src/{number}.py"} for number in range(60)), "{not json\n")
    desk.stream.look()
    assert len(desk.stream.seen) == 50
    assert desk.stream.seen[-1] == (NOON, Activity(kind=ActivityKind.FILE, text="edits src/59.py", path="src/59.py"))
    assert desk.stream.files == tuple(f"src/{number}.py" for number in range(50))
    rows = desk.log.split("\n")
    assert rows[0] == "12:30:05 edits src/0.py" and rows[59] == "12:30:05 edits src/59.py" and rows[60:] == [""]
    path = Path(desk.job.log_file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_nothing_is_kept_where_one_only_looks(desk: Desk) -> None:
    desk.say({"in": 3, "session": "s"}, "words\n")
    desk.folder.stderr.write_text("wrong\n")
    before = len(os.listdir("/proc/self/fd"))
    stream = desk.made(writes=False)
    stream.look()
    assert stream.used() == Usage(tokens_in=3)
    assert stream.report(0).session == "s"
    assert desk.log == "" and not desk.folder.usage.exists() and not desk.folder.session.exists()
    assert len(os.listdir("/proc/self/fd")) == before, "both files are let go of"


def test_what_can_not_be_written_stops_nothing(desk: Desk) -> None:
    for path in (desk.folder.session, desk.folder.usage, Path(desk.job.log_file)):
        (path / "x").mkdir(parents=True)
    desk.say({"in": 3, "session": "s"}, "words\n")
    desk.stream.look()
    assert desk.stream.used() == Usage(tokens_in=3)
    assert desk.stream.report(0).session == "s"
    Path(desk.job.log_file).rename(Path(desk.job.log_file).with_name("away"))
    Path(desk.job.log_file).parent.rename(Path(desk.job.log_file).parent.with_name("gone"))
    desk.say("again\n")
    desk.made().look()
    assert desk.log == "12:30:05 words\n12:30:05 again\n", "the folder of the log is made anew"


def test_a_chosen_session_is_not_written_down(make_repo: Callable[..., Path]) -> None:
    desk = Desk(make_repo(), session="chosen")
    desk.say({"session": "other"})
    desk.stream.look()
    assert not desk.folder.session.exists()
    assert known_session(desk.job, desk.folder, AgentReport()) == "chosen"
    os.unlink(desk.folder.stdout)
    assert known_session(desk.job, desk.folder, AgentReport()) is None
    desk.folder.stderr.write_text("")
    assert known_session(desk.job, desk.folder, AgentReport()) is None
    desk.folder.stderr.write_text("x")
    assert known_session(desk.job, desk.folder, AgentReport()) == "chosen"
    desk.folder.stderr.unlink()
    desk.folder.stderr.mkdir()
    assert known_session(desk.job, desk.folder, AgentReport()) is None


def test_a_result_file_is_read_while_it_grows_up_to_a_size_and_in_the_end_up_to_another(
    make_repo: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "result"
    desk = Desk(make_repo(), RESULT.format(path=path))
    said = b'{"in": 5, "out": 6, "cost": 0.25}'
    whole, nothing = Usage(tokens_in=5, tokens_out=6, cost_usd=0.25), Usage()
    for size, growing, ended in (
        (len(said), whole, 5),
        (4 * MIB, whole, 5),
        (4 * MIB + 1, nothing, 5),
        (8 * MIB, nothing, 5),
        (8 * MIB + 1, nothing, None),
    ):
        path.write_bytes(b" " * (size - len(said)) + said)
        stream = desk.made()
        assert stream.used() == growing, size
        assert stream.report(0).tokens_in == ended, size
    path.write_bytes(said)
    assert desk.folder.read_usage() == whole
    stream = desk.made()
    assert stream.used() == whole
    path.write_bytes(b'{"in": 9}')
    assert stream.used() == whole, "it is not read at every sample"
    stream._used_at -= 5.0
    assert stream.used() == Usage(tokens_in=9) == desk.folder.read_usage()


def test_usage_is_written_when_it_changed(desk: Desk) -> None:
    assert desk.stream.used() == Usage()
    assert not desk.folder.usage.exists(), "nothing was used"
    desk.say({"in": 3})
    desk.stream.look()
    assert desk.stream.used() == Usage(tokens_in=3) and not desk.folder.usage.exists()
    desk.stream._used_at -= 5.0
    desk.stream.used()
    assert desk.folder.read_usage() == Usage(tokens_in=3)
    desk.folder.usage.unlink()
    desk.stream._used_at -= 5.0
    desk.stream.used()
    assert not desk.folder.usage.exists(), "it is the same"


def test_a_look_takes_no_more_time_than_it_may(desk: Desk) -> None:
    desk.say("words\n")
    desk.folder.stderr.write_text("wrong\n")
    desk.stream.look(-1.0)
    assert desk.log == ""
    desk.stream.look(60.0)
    assert desk.log == "12:30:05 words\n12:30:05 (stderr) wrong\n"


def test_what_an_agent_tries_to_get_over_is_read_from_standard_error_too(desk: Desk) -> None:
    desk.folder.stderr.write_text("ERROR: 401 Unauthorized: please log in\n")
    desk.stream.look()
    assert desk.stream.report(1).trouble is FailureClass.AUTHENTICATION


_SAID = json.dumps({"session": "s"}) + "\n"


@pytest.mark.parametrize(("behind", "found"), [(MIB - len(_SAID), "s"), (MIB, None)])
def test_of_a_flood_that_nobody_could_read_the_last_mebibyte_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, behind: int, found: str | None
) -> None:
    desk.say('{"id"')
    desk.stream.look(60.0)
    desk.say(" " * (2 * MIB) + "\n", _SAID, " " * (behind - 1) + "\n")
    times = iter([0.0, 99.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times, 0.0))
    assert desk.stream.report(0).session == found


def test_long_lines_are_cut_also_between_two_pieces() -> None:
    rows = _Rows()
    (row,) = rows.of(b"x" * 600 + b"\n")
    assert row == "x" * 499 + "…"
    assert rows.of(b" " * 3990 + b"y" * 20) == []
    assert rows.of(b"z\n") == ["y" * 10], "of a line 4000 bytes are kept"
    assert rows.of(b" " * 3990 + b"y" * 20 + b"z\n") == ["y" * 10]


def test_a_source_goes_on_at_its_end_only_where_that_leaves_something_out(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"1234567890")
    source = _Source(path)
    assert not source.skip(1), "it was never read"
    source.read()
    path.write_bytes(b"1234567890abc")
    assert not source.skip(3) and source.offset == 10
    assert source.skip(2) and source.offset == 11
    os.close(source._fd or 0)
    source._fd = os.open("/proc/self/mem", os.O_RDONLY)
    source.offset = 0
    assert source.read() == b"", "what can't be read is nothing"
    source.close()


def test_the_output_is_told_up_to_the_last_byte_that_it_may_have(make_repo: Callable[..., Path]) -> None:
    desk = Desk(make_repo())
    size = len("12:30:05 one\n")
    for most, told in ((2 * size, "12:30:05 one\n12:30:05 two\n"), (2 * size - 1, "12:30:05 one\n")):
        desk.job = replace(desk.job, limits=replace(desk.job.limits, output_bytes=most))
        desk.folder.stdout.write_text("")
        Path(desk.job.log_file).unlink(missing_ok=True)
        stream = desk.made()
        for word in ("one\n", "two\n"):
            desk.say(word)
            stream.look()
        assert desk.log == told
