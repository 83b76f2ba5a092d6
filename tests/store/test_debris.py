"""What a killed writer left is removed; what a living one writes, and what is nobody's of ours, stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from autobuilds.store.files.debris import remove_debris
from autobuilds.store.files.writing import temporary_name
from tests.runtime.loop import details, make_loop


def test_only_what_dead_writers_left_is_removed(tmp_path: Path) -> None:
    code = "from autobuilds.store.files.writing import temporary_name; print(temporary_name('active.json'))"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    mine = temporary_name("active.json")
    assert str(os.getpid()) in mine
    retired = dead.rpartition(".active.json.")[2]
    for name in (dead, retired, mine, ".active.json.swp", "notes.1-0123abcd.tmp", ".env"):
        (tmp_path / name).write_text("x")
    assert remove_debris([tmp_path, tmp_path / "gone"]) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([mine, ".active.json.swp", "notes.1-0123abcd.tmp", ".env"])


def test_a_heartbeat_removes_what_a_writer_of_the_queue_left_among_its_retired_files(make_repo: Callable[..., Path]) -> None:
    loop = make_loop(make_repo, details("Say hello", extra="- **Blockers:** waits\n"))
    retired = loop.root / ".autobuilds" / "retired" / "BUILD_QUEUE.md"
    retired.mkdir(parents=True)
    (retired / "99999999-0123abcd.tmp").write_text("half")
    loop.beat()
    assert not (retired / "99999999-0123abcd.tmp").exists()
