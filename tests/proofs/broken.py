"""Writers and starters as they are often written: sweeps that find nothing wrong with these prove nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.proofs.scenarios import Scenario
from tests.proofs.shim import Orders

_LINE = "- [ ] New thing - Added: 2026-02-07 15:00 - Priority: High\n"
_QUEUE = Path("BUILD_QUEUE.md")
_MARK = "\n## Task Details"


def _longer(text: str) -> str:
    return text if _LINE in text else text.replace(_MARK, f"{_LINE}{_MARK}", 1)


def torn(argv: list[str]) -> int:
    """Add a task by opening the queue for writing."""
    text = _longer(_QUEUE.read_text())
    with _QUEUE.open("w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        file.write(text[len(text) // 2 :])
    return 0


def leaves_a_file(argv: list[str]) -> int:
    """Add a task by a temporary file and a rename, which no killed process clears away."""
    half = Path(f"BUILD_QUEUE.md.{os.getpid()}.tmp")
    half.write_text(_longer(_QUEUE.read_text()))
    half.rename(_QUEUE)
    return 0


def spawn_then_record(argv: list[str]) -> int:
    """Start what has no record of a start, then write the record."""
    record = Path("started.json")
    if not record.exists():
        subprocess.Popen(["sh", "-c", "echo only-attempt >> ../count"]).wait()
        record.write_text(json.dumps({"started": True}))
    return 0


_START = "tests.proofs.broken:spawn_then_record"
#: A scenario for each of them.
BROKEN = (
    Scenario(name="torn", state="idle", argv=("x",), code="tests.proofs.broken:torn", orders=Orders()),
    Scenario(name="leaves a file", state="idle", argv=("x",), code="tests.proofs.broken:leaves_a_file", orders=Orders()),
    Scenario(name="spawn then record", state="idle", argv=("x",), beat=("x",), code=_START, beat_code=_START, orders=Orders()),
)
