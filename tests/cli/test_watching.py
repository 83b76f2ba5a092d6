"""watch on a real pseudo-terminal, and log that follows a build from attempt to attempt."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autobuilds.cli.formatters import watch_text
from autobuilds.cli.formatters.columns import cells
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending, RunState
from autobuilds.runtime.following import Follower
from tests.cli.test_json_reviews import PICTURE
from tests.fakes.runner import FakeRunner
from tests.runtime.loop import Loop, details, make_loop

Make = Callable[..., Path]
COMMAND = [sys.executable, "-m", "autobuilds"]


@dataclass(slots=True)
class Terminal:
    """A program on a pseudo-terminal of 60 by 16."""

    process: subprocess.Popen[bytes]
    master: int
    seen: bytes = field(default=b"")

    def until(self, words: bytes) -> None:
        """Read until the program has written something."""
        deadline = time.monotonic() + 60
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.master], [], [], 0.1)[0]:
                with suppress(OSError):
                    self.seen += os.read(self.master, 65536)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def ended(self) -> int:
        """Read what is left and return the exit status."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.master], [], [], 0.1)[0]:
                with suppress(OSError):
                    self.seen += os.read(self.master, 65536)
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                break
        return self.process.returncode


@pytest.fixture
def terminal(make_repo: Make) -> Iterator[Terminal]:
    loop = make_loop(make_repo, details("Say hello"), details("Say bye", file="b.txt"))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 16, 60, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}} | {
        "TERM": "xterm",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    process = subprocess.Popen(
        [*COMMAND, "watch", "--every", "0.2"],
        cwd=loop.root,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    before = termios.tcgetattr(slave)
    yield Terminal(process=process, master=master)
    process.kill()
    process.wait()
    after = termios.tcgetattr(slave)
    os.close(master)
    os.close(slave)
    assert after[3] & termios.ECHO == before[3] & termios.ECHO


@pytest.mark.parametrize("leave", ["q", "ctrl-c", "term"])
def test_watch_takes_the_whole_terminal_and_gives_it_back(terminal: Terminal, leave: str) -> None:
    terminal.until(b"q leaves")
    assert b"say-hello" in terminal.seen
    if leave == "term":
        terminal.process.send_signal(signal.SIGTERM)
    else:
        terminal.type(b"q" if leave == "q" else b"\x03")
    assert terminal.ended() == 0
    assert terminal.seen.count(b"\x1b[?1049h") == terminal.seen.count(b"\x1b[?1049l") == 1
    assert terminal.seen.rstrip().endswith(b"\x1b[?1049l")
    assert b"\x1b[?25h" in terminal.seen
    assert terminal.seen.count(b"\x1b[2J") <= 2, "the picture is never wiped, so that nothing flickers"
    assert b"Traceback" not in terminal.seen


def test_a_picture_fits_every_terminal() -> None:
    for width in (30, 34, 60, 80, 200):
        for height in (3, 10, 24, 100):
            shown = watch_text.lines(PICTURE, Style(width=width), height=height)
            assert len(shown) <= height
            assert "q leaves" in shown[-1]
            assert [row for row in shown if cells(row) > width] == []


def test_a_pipe_gets_the_picture_once(make_repo: Make) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    done = subprocess.run([*COMMAND, "watch"], cwd=loop.root, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, "\x1b" in done.stdout) == (0, False)
    assert "say-hello" in done.stdout


@pytest.fixture
def stage(make_repo: Make) -> Loop:
    loop = make_loop(make_repo, details("Say hello"))
    runner = FakeRunner(now=loop.context.host.now("UTC"))
    return Loop(context=replace(loop.context, runner=runner))


def _write(loop: Loop, number: int, text: str) -> None:
    file = loop.context.workspace.log_file("say-hello", number)
    with file.open("a") as log:
        log.write(text)


def _end(loop: Loop, outcome: Outcome) -> None:
    last = loop.build().last
    assert last is not None
    runner = loop.context.runner
    assert isinstance(runner, FakeRunner)
    runner.end(last.id, Ending(outcome=outcome, reason="as told", ended=runner.now, head_commit=last.base_commit))


def test_a_follower_goes_on_with_the_next_attempt_and_loses_no_line(stage: Loop) -> None:
    stage.beat()
    first = stage.build().last
    assert first is not None
    follower = Follower(context=stage.context, label="say-hello", attempt=first)
    _write(stage, 1, "one\ntwo\nhal")
    assert follower.step().lines == ("one", "two")
    _write(stage, 1, "f\nlast without end")
    _end(stage, Outcome.AGENT_FAILED)
    assert follower.step().lines == ("half",)
    ended = follower.step()
    assert (ended.lines, ended.over) == (("last without end",), False)
    stage.beat()
    turned = follower.step()
    assert any(words.startswith("attempt 1 ended: agent-failed") for words in turned.said)
    _write(stage, 2, "again\n")
    lines = [line for _ in range(3) for line in follower.step().lines]
    assert lines == ["again"]
    assert follower.attempt.number == 2
    _end(stage, Outcome.AGENT_FAILED)
    stage.beat()
    assert stage.state() == "escalated"
    last = [follower.step() for _ in range(2)]
    assert last[-1].over
    follower.close()


def test_a_follower_does_not_wait_for_ever_for_a_heartbeat(stage: Loop) -> None:
    stage.beat()
    first = stage.build().last
    assert first is not None
    follower = Follower(context=stage.context, label="say-hello", attempt=first)
    _end(stage, Outcome.PASSED)
    assert stage.context.runner.peek(first.id).state is RunState.ENDED
    assert any(follower.step().over for _ in range(100))
    follower.close()


def test_log_shows_the_end_or_all_and_json_has_every_attempt(stage: Loop) -> None:
    stage.beat()
    _write(stage, 1, "".join(f"  row {n}\x1b[2J\n" for n in range(100)))

    def typed(*args: str) -> str:
        done = subprocess.run([*COMMAND, "log", "say-hello", *args], cwd=stage.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert typed("-n", "2") == "  row 98\n  row 99\n"
    assert len(typed("--all").split("\n")) == 101
    assert re.search(r'"attempts": \[\s+{\s+"attempt": 1,', typed("--json"))
