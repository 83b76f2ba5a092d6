"""A person who saves a diary in six ways, two programs that write entries, and one that appends: nobody's words are lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.store.memory import Entry, remember, rescue

EDITOR = Path(__file__).resolve().parents[1] / "proofs" / "_editor.py"
#: Writes entries: workspace, letter, until.
WRITER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from autobuilds.store.memory import Entry, remember
root, letter, until, n = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), 0
while time.time() < until:
    n += 1
    entry = Entry(at=datetime(2026, 2, 6, n // 60 % 24, n % 60, tzinfo=UTC), title=f"Tool {letter} {n}", facts=(f"fact {n}", "always the same"))
    remember(root, entry, patience=120)
    remember(root, entry, patience=120)
    print(entry.lines()[0], flush=True)
    time.sleep(0.02)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "longest"), [("7", ""), ("8", "0.5")])
def test_nothing_is_lost_and_nothing_stands_twice(tmp_path: Path, seed: str, longest: str) -> None:
    remember(tmp_path, Entry(at=datetime(2026, 2, 6, tzinfo=UTC), title="First"))
    diary = tmp_path / "memory" / "2026-02-06.md"
    until = str(time.time() + 6)
    environment = {**os.environ, "HAND_SEED": seed, "HAND_LINE": "By hand {n}."}
    lines = [
        [sys.executable, str(EDITOR), str(diary), until, longest],
        [sys.executable, "-c", WRITER, str(tmp_path), "a", until],
        [sys.executable, "-c", WRITER, str(tmp_path), "b", until],
    ]
    running = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) for line in lines]
    answers = [process.communicate(timeout=200) for process in running]
    assert [(process.returncode, error) for process, (_, error) in zip(running, answers, strict=True)] == [(0, "")] * 3
    quiet, deadline = 0, time.monotonic() + 20
    while quiet < 3 and time.monotonic() < deadline:
        quiet = 0 if rescue(tmp_path) else quiet + 1
        time.sleep(0.12)
    said = [row for out, _ in answers for row in out.split("\n") if row]
    rows = diary.read_text().split("\n")
    assert len(said) > 30
    assert [row for row in said if row not in rows] == [], f"seed {seed}"
    assert [row for row in said if rows.count(row) > 1] == [], f"seed {seed}"
    assert rows.count("- always the same") == sum(row.startswith("## ") for row in said)
