"""Times as people give them to options: a date with a time, a time of the day, a span from now."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.cli.app import run


@pytest.mark.parametrize(
    ("given", "until"),
    [
        ("18:00", "2026-03-07T18:00:00-06:00"),
        ("9:30", "2026-03-08T09:30:00-05:00"),  # tomorrow, and the clocks change in the night between
        ("15:00", "2026-03-08T15:00:00-05:00"),  # now is over
        ("3h", "2026-03-07T18:00:00-06:00"),
        ("2026-03-09 08:00", "2026-03-09T08:00:00-05:00"),
    ],
)
def test_a_pause_ends_when_it_was_said(
    given: str, until: str, make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_repo({"BUILD_QUEUE.md": "## Active Queue\n", "HEARTBEAT.md": "---\ntimezone: America/Chicago\n---\n"})
    monkeypatch.setenv("AUTOBUILDS_NOW", "2026-03-07T15:00:00-06:00")
    assert run(["pause", "--until", given, "--workspace", str(root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pause"]["until"] == until


@pytest.mark.parametrize("given", ["25:00", "noon", "18:60", ""])
def test_what_is_no_time_is_refused_with_what_to_write(
    given: str, make_repo: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_repo({"BUILD_QUEUE.md": "## Active Queue\n"})
    assert run(["pause", "--until", given, "--workspace", str(root)]) == 2
    assert "write YYYY-MM-DD HH:MM" in capsys.readouterr().err
