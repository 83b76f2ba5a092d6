"""The whole command as a person runs it, small: every operation of autobuilds does its work, and the counts are right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.tools import OPERATIONS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_small_run_measures_every_operation(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "benchmarks", "--smoke", "--work", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "FAULT" not in done.stderr, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    for words in OPERATIONS.values():
        assert any(row.startswith(f"| {words} | ") and " ms | " in row for row in rows), words
    assert "through a slow pipe: tasks missing | 0 | 0 | yes |" in done.stdout
    assert "read otherwise than written (of 700) | 0 | 0 | yes |" in done.stdout
    assert list(tmp_path.iterdir()) == [], "the data is left behind"
