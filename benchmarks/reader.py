"""How fast the queue is read, as a ratio to mistune's AST of the same text, measured in turn (A B A B) within one run.

Run with `python3 tasks.py bench --reader [--at-least N]` or `python benchmarks/reader.py [TASKS]`. Seconds on a shared machine prove nothing; the ratio and the growth do.
"""

from __future__ import annotations

import argparse
import gc
import random
import re
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

WORDS = [
    "build",
    "spotify",
    "login",
    "export",
    "parser",
    "cache",
    "index",
    "report",
    "token",
    "session",
    "queue",
    "retry",
    "layout",
    "theme",
    "search",
    "filter",
]


def queue_text(tasks: int, seed: int = 7) -> str:
    """Return a queue of so many tasks: a line each, and headed details with a description of ~400 characters and 4 criteria."""
    pick = random.Random(seed)
    lines, details = ["# Build Queue", "", "## Active Queue"], ["", "## Task Details", ""]
    for number in range(tasks):
        name = f"{' '.join(pick.choice(WORDS) for _ in range(5)).capitalize()} {number}"
        day = f"2026-{1 + number % 12:02}-{1 + number % 28:02} {number % 24:02}:00"
        lines.append(f"- [ ] {name} - Added: {day} - Priority: {pick.choice(['High', 'Medium', 'Low'])}")
        prose = " ".join(pick.choice(WORDS) for _ in range(60))
        details += [f"### {name}", f"- **Description:** {prose}", "- **Completion Criteria:**"]
        details += [f"  - [ ] {' '.join(pick.choice(WORDS) for _ in range(7))}: `pytest -q tests/test_{n}`" for n in range(4)]
        details += [f"- **Tech Stack:** Python, {pick.choice(WORDS)}", f"- **Estimated Time:** {1 + number % 9} hours"]
        details += ["- **Category:** New features", "- **Blockers:** None", ""]
    return "\n".join([*lines, *details, "## Completed", ""])


def cpu(work: Callable[[], object]) -> float:
    """Return the seconds of CPU that one call takes."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def every_field(data: bytes, zone: ZoneInfo) -> int:
    """Read a queue and ask every task for every field, which is when values are read; return how many there are."""
    from dataclasses import fields

    from autobuilds.domain.model import Task
    from autobuilds.store.queue.reader import read_queue

    names = [field.name for field in fields(Task)]
    return sum(getattr(task, name) is not None for task in read_queue(data, zone=zone).queue.tasks for name in names)


def peak(work: Callable[[], object]) -> float:
    """Return the MiB that one call holds at its height."""
    gc.collect()
    tracemalloc.start()
    kept = work()
    height = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    del kept
    return height


def table(sizes: list[int]) -> int:
    """Print a row for each size, and compare the quick way with the thorough one; return how many sizes they differ at."""
    import mistune

    from autobuilds.store.queue.reader import read_queue, read_thoroughly

    zone = ZoneInfo("America/Chicago")
    ast = mistune.create_markdown(renderer=None, plugins=["task_lists"])
    print("  tasks     MB   ms    MB/s   mistune's AST: x tasks   x every field   x thorough way   MiB   agrees")
    wrong = 0
    for tasks in sizes:
        text = queue_text(tasks)
        data = text.encode()
        pairs = 1 if tasks > 1000 else 5
        rows = []
        for _ in range(pairs):
            works: list[Callable[[], object]] = [
                lambda data=data: read_queue(data, zone=zone),  # type: ignore[misc]
                lambda text=text: ast(text),  # type: ignore[misc]
                lambda data=data: every_field(data, zone),  # type: ignore[misc]
                lambda data=data, text=text: read_thoroughly(data, text, zone, "BUILD_QUEUE.md", bom=False),  # type: ignore[misc]
            ]
            rows.append([cpu(work) for work in works])
        mine = statistics.median(row[0] for row in rows)
        quick, every, whole = (statistics.median(row[1] / row[n] for row in rows) for n in (0, 2, 3))
        agrees = read_queue(data, zone=zone).queue == read_thoroughly(data, text, zone, "BUILD_QUEUE.md", bom=False).queue
        wrong += not agrees
        size, held = len(data) / 1e6, peak(lambda data=data: read_queue(data, zone=zone))  # type: ignore[misc]
        print(
            f"{tasks:7} {size:6.2f} {mine * 1e3:6.1f} {size / mine:5.0f} {quick:22.1f} {every:15.1f} {whole:16.1f} {held:7.1f}   {'yes' if agrees else 'NO'}"
        )
    return wrong


def _many(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number from 1 to 999999 is wanted")
    return int(text)


def main(argv: list[str]) -> int:
    """Print the ratio and how reading grows from N to ten times N tasks; exit status 1 where the ratio is below `--at-least`."""
    import mistune

    from autobuilds.store.queue.reader import read_queue

    parser = argparse.ArgumentParser(prog="python benchmarks/reader.py", description=__doc__)
    parser.add_argument("tasks", nargs="?", type=_many, default=1000)
    parser.add_argument("--at-least", type=float, default=0, metavar="N")
    parser.add_argument("--table", action="store_true", help="a row each for 100, 1 000 and 10 000 tasks, and whether both ways agree")
    parser.add_argument("--largest", action="store_true", help="with --table: 100 000 tasks too, which takes minutes and gigabytes")
    given = parser.parse_args(argv)
    if given.table:
        return table([100, 1_000, 10_000, *([100_000] if given.largest else [])])
    tasks, zone = given.tasks, ZoneInfo("America/Chicago")
    text = queue_text(tasks)
    data, large = text.encode(), queue_text(10 * tasks).encode()
    ast = mistune.create_markdown(renderer=None, plugins=["task_lists"])
    blocks: Any = ast(text.partition("## Task Details")[0])
    boxes = sum(len(block["children"]) for block in blocks if block["type"] == "list")
    read = len(read_queue(data, zone=zone).queue.tasks)
    assert read == boxes == tasks, f"{tasks} tasks were written, {read} read, {boxes} seen by mistune"
    ratios, growth, ours = [], [], []
    for _ in range(7):
        theirs = cpu(lambda: ast(text))
        mine = cpu(lambda: read_queue(data, zone=zone))
        ours.append(mine)
        ratios.append(theirs / mine)
    for _ in range(3):
        mine = cpu(lambda: read_queue(data, zone=zone))
        growth.append(cpu(lambda: read_queue(large, zone=zone)) / mine)
    ratio, speed = statistics.median(ratios), len(data) / 1e6 / statistics.median(ours)
    print(
        f"{tasks} tasks, {len(data) / 1e6:.2f} MB: reader {statistics.median(ours) * 1000:.1f} ms, {speed:.0f} MB/s; mistune sees the same tasks"
    )
    print(f"mistune's AST takes {ratio:.1f} times as long (median of {len(ratios)} pairs; at least 40 wanted)")
    print(f"ten times the tasks take {statistics.median(growth):.1f} times as long")
    return int(ratio < given.at_least)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
