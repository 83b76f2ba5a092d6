"""What a person is told while many tasks are added."""

from __future__ import annotations

import sys
import time

import pytest

from autobuilds.cli.adding import told_when_long


@pytest.mark.parametrize(("terminal", "seconds", "expected"), [(True, 0.0, "adding 7 tasks ...\n"), (True, 60.0, ""), (False, 0.0, "")])
def test_what_takes_long_is_told_at_a_terminal(
    terminal: bool, seconds: float, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    told = ""
    with told_when_long("adding 7 tasks", seconds):
        deadline = time.monotonic() + 5
        while expected and told != expected and time.monotonic() < deadline:
            time.sleep(0.01)
            told += capsys.readouterr().err
    assert told + capsys.readouterr().err == expected
