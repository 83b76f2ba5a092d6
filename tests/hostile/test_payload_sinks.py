"""What the data files of payloads promise, and commands that say payloads of the queue; `tests/proofs/hostile.py` shows all in all sinks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.cli.app import run
from tests.hostile import sinks
from tests.hostile.corpus import payloads
from tests.hostile.loaders import SINKS

NOW = datetime(2026, 2, 6, 16, tzinfo=UTC)
PAYLOADS = payloads()


def test_the_figures_of_this_file() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) >= 67
    assert len(SINKS) >= 9


@pytest.mark.parametrize("sink", SINKS)
def test_a_payload_is_inert(sink: str) -> None:
    some = PAYLOADS[5:72:13]
    wrong = {payload: found for payload in some if (found := SINKS[sink](payload)) is not None}
    assert wrong == {}


@pytest.mark.slow
def test_commands_say_payloads_of_the_queue_inertly(
    make_repo: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty tasks named by payloads, from somebody else's source."""
    monkeypatch.setenv("AUTOBUILDS_NOW", NOW.isoformat())
    rows, parts = [], []
    for number, payload in enumerate(PAYLOADS[:60:2]):
        flat = " ".join(payload.split()).replace("\x00", "")
        rows.append(f"- [ ] Task {number} {flat} - Added: 2026-02-06 15:00 - Source: {flat}")
        parts.append(
            f"### Task {number} {flat}\n- **Description:** {flat}\n- **Category:** {flat}\n- **Completion Criteria:**\n  - [ ] {flat}\n"
        )
    queue = "## Active Queue\n" + "\n".join(rows) + "\n\n## Task Details\n\n" + "\n".join(parts) + "\n## Completed\n"
    root = make_repo({"HEARTBEAT.md": "---\ntimezone: UTC\n---\n"}, name="workspace")
    (root / "BUILD_QUEUE.md").write_bytes(queue.encode("utf-8", "replace"))
    for words in (["list"], ["check"], ["why"], ["status"], ["plan"], ["heartbeat", "--check"], ["show", "x\x1b[31m"], ["doctor"]):
        run([*words, "--workspace", str(root)])
        said = capsys.readouterr()
        for text in (said.out, said.err):
            assert sinks.terminal(text) is None, (words, sinks.terminal(text))
    run(["status", "--json", "--workspace", str(root)])
    json.loads(capsys.readouterr().out)
