"""An agent's output while it grows: a readable log, what it was seen doing, its session, what it used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobuilds.adapters.agents.schema import parse
from autobuilds.adapters.supervisor.records import read_record
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.stream import AgentStream, Session, _endings, _Rows, _Source, known_session, left_report
from autobuilds.domain.agents import AgentReport
from autobuilds.ports import Job
from autobuilds.records import replace
from tests.adapters.attempts import job_for

NOON = datetime(2026, 2, 6, 12, 30, 5, tzinfo=UTC)
JSONL = """
format = "jsonl"
[x.picks]
session = { path = "session" }
tokens_in = { path = "in", take = "sum" }
said = { path = "said" }
"""


def rules(table: str) -> Any:
    return parse(f'[x]\nargv = ["x"]\n{table}', "agents.toml", own=True)["x"].rules


@dataclass
class Desk:
    job: Job
    folder: RunFolder
    stream: AgentStream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = AgentStream(job=self.job, folder=self.folder, now=lambda: NOON)

    @property
    def log(self) -> str:
        path = Path(self.job.log_file)
        return path.read_text() if path.exists() else ""

    def say(self, *events: object) -> None:
        with self.folder.stdout.open("a") as file:
            file.writelines(event if isinstance(event, str) else json.dumps(event) + "\n" for event in events)


@pytest.fixture
def desk(make_repo: Callable[..., Path]) -> Desk:
    root = make_repo({"a": "a\n"})
    job = job_for(root, "true", rules=rules(JSONL), agent="x")
    folder = RunFolder.of(root, job.attempt_id)
    folder.make()
    return Desk(job, folder)


def test_what_is_no_event_is_shown_and_errors_are_marked(desk: Desk) -> None:
    desk.say("starting up\n", {"said": "hi"}, "half")
    desk.folder.stderr.write_text("warning: \x1b[31mred\n\n")
    desk.stream.look()
    assert desk.log == "12:30:05 starting up\n12:30:05 (stderr) warning: red\n"
    desk.say(" a line\n")
    desk.stream.look()
    assert desk.log.split("\n")[2:] == ["12:30:05 half a line", ""]


def test_the_session_is_written_down_once_it_is_known(desk: Desk) -> None:
    desk.say({"other": 1})
    desk.stream.look()
    assert not desk.folder.session.exists()
    desk.say({"session": "s-1"})
    desk.stream.look()
    assert read_record(desk.folder.session, Session) == Session(id="s-1")
    assert known_session(desk.job, desk.folder, AgentReport()) == "s-1"
    assert known_session(desk.job, desk.folder, AgentReport(session="s-2")) == "s-2"


def test_a_session_that_was_chosen_counts_once_something_was_said(desk: Desk) -> None:
    job = replace(desk.job, session="chosen")
    assert known_session(job, desk.folder, AgentReport()) is None
    desk.folder.session.write_text("{")
    desk.say("x\n")
    assert known_session(job, desk.folder, AgentReport()) == "chosen"


def test_nothing_is_written_where_one_only_looks(desk: Desk) -> None:
    desk.say("words\n", {"session": "s-1", "in": 3})
    found = left_report(desk.job, desk.folder, lambda: NOON)
    assert (found.session, found.tokens_in) == ("s-1", 3)
    assert desk.log == "" and not desk.folder.session.exists()


def test_what_was_used_is_written_down_when_it_changed(desk: Desk) -> None:
    desk.say({"in": 3})
    desk.stream.look()
    assert desk.stream.used().tokens_in == 3
    assert desk.folder.read_usage() == desk.stream.used()
    desk.say({"in": 4})
    desk.stream.look()
    assert desk.stream.used().tokens_in == 7
    assert desk.folder.read_usage() != desk.stream.used(), "not at every sample"
    desk.stream._used_at -= 5.0
    assert desk.stream.used() == desk.folder.read_usage()


def test_the_report_reads_the_rest_and_tells_the_end(desk: Desk) -> None:
    desk.say({"session": "s", "in": 2}, {"said": "All done."})
    found = desk.stream.report(0)
    assert (found.session, found.said, found.tokens_in) == ("s", "All done.", 2)
    assert desk.log == "12:30:05 said: All done.\n12:30:05 used: 2 tokens in, 0 out\n"


@pytest.mark.parametrize(
    ("report", "rows"),
    [
        (AgentReport(), []),
        (AgentReport(said="yes", error="no"), ["said: yes", "error: no"]),
        (AgentReport(tokens_in=5), ["used: 5 tokens in, 0 out"]),
        (AgentReport(tokens_out=6), ["used: 0 tokens in, 6 out"]),
        (AgentReport(tokens_in=5, tokens_out=6, cost_usd=0.12345), ["used: 5 tokens in, 6 out, 0.1235 USD"]),
        (AgentReport(cost_usd=0.0), ["used: 0.0000 USD"]),
    ],
)
def test_the_last_lines(report: AgentReport, rows: list[str]) -> None:
    assert _endings(report) == rows


def test_the_log_is_no_longer_than_the_output_may_be(desk: Desk) -> None:
    limits = replace(desk.job.limits, output_bytes=30)
    small = Desk(replace(desk.job, limits=limits), desk.folder)
    for word in ("one", "two", "three"):
        small.say(f"{word}\n")
        small.stream.look()
    assert small.log == "12:30:05 one\n12:30:05 two\n"


def test_the_log_is_no_link(desk: Desk) -> None:
    path = Path(desk.job.log_file)
    path.parent.mkdir(parents=True)
    path.symlink_to(path.with_name("elsewhere"))
    desk.say("words\n")
    desk.stream.look()
    assert not path.with_name("elsewhere").exists()


def test_where_an_agent_writes_text_its_output_is_the_log(desk: Desk) -> None:
    plain = Desk(replace(desk.job, rules=rules('format = "text"\n')), desk.folder)
    assert (plain.stream.out, plain.stream.err) == (Path(desk.job.log_file), None)
    assert (desk.stream.out, desk.stream.err) == (desk.folder.stdout, desk.folder.stderr)
    plain.stream.look()
    assert plain.log == ""
    assert plain.stream.files == () and plain.stream.todos == ()


def test_rows_are_whole_clean_and_bounded() -> None:
    rows = _Rows()
    assert rows.of(b"one\n\ntw") == ["one"]
    assert rows.of(b"o\n\x1b[31m\n\r\n\xff\n") == ["two", "\ufffd"]
    assert rows.of(b"x" * 9000) == []
    (long,) = rows.of(b"\n")
    assert len(long) <= 501 and long.startswith("x" * 490)


def test_a_source_is_read_on_from_where_it_was_read_to(tmp_path: Path) -> None:
    path = tmp_path / "out"
    source = _Source(path)
    assert source.read() == b"" and not source.skip(1)
    path.write_bytes(b"12345")
    assert (source.read(), source.read()) == (b"12345", b"")
    path.write_bytes(b"1234567890")
    assert source.skip(2) and source.read() == b"90"
    assert not source.skip(5)
    source.close()
    source.close()
    assert source.skip(0) is False
    big = tmp_path / "big"
    big.write_bytes(b"x" * (256 * 1024 + 1))
    source = _Source(big)
    assert [len(source.read()) for _ in range(3)] == [256 * 1024, 1, 0]
    source.close()
    os.mkfifo(tmp_path / "fifo")
    assert _Source(tmp_path / "fifo").read() == b""
