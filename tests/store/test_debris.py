"""What a killed writer left is removed; what a living one writes, and what is nobody's of ours, stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from autobuilds.store.files.debris import remove_debris
from autobuilds.store.files.writing import temporary_name


def test_only_what_dead_writers_left_is_removed(tmp_path: Path) -> None:
    code = "from autobuilds.store.files.writing import temporary_name; print(temporary_name('active.json'))"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    mine = temporary_name("active.json")
    assert str(os.getpid()) in mine
    for name in (dead, mine, ".active.json.swp", "notes.1-0123abcd.tmp", ".env"):
        (tmp_path / name).write_text("x")
    assert remove_debris([tmp_path, tmp_path / "gone"]) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([mine, ".active.json.swp", "notes.1-0123abcd.tmp", ".env"])
