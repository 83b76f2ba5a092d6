"""What `schedule` says is what then happens: the same builds, in the same order, in the same windows and nights, to the minute.

Real heartbeats (`simulate --calm`) on random weeks around nights on which clocks change, with nobody acting and every build passing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from tests.cli.conftest import Answered
from tests.conftest import git

pytestmark = pytest.mark.slow

_NIGHT = """
## Overnight session (daily at 23:00, until 06:00)
- `autobuilds overnight start`

## Night report (daily at 06:30, until 22:00)
- `autobuilds overnight report`
"""
_DETAILS = """### Task {n}
- **Description:** `hour({n})` in clock{n}.py returns `{n}`; return `0{n}`, with a leading zero, in the file clock{n}.py.
- **Completion Criteria:** it prints the zero: `grep -q 0 clock{n}.py`
- **Category:** {category}
- **Estimated Time:** {time}
- **Steps:** `true`
"""
_CATEGORIES = ("Bug fixes", "Documentation", "Performance optimization", "Infrastructure", "New features")


def _heartbeat(luck: Random) -> str:
    slots = {"default": luck.choice([1, 1, 2]), "sleeping": luck.choice([1, 2]), "weekend": luck.choice([1, 2])}
    lines = [
        *("---", "timezone: Europe/Berlin", "sandbox: none", "agent: command", "disk_limit: 100", "memory_limit: 100", "load_limit: 1000"),
        *("max_concurrent:", *(f"  {context}: {number}" for context, number in slots.items())),
        f"deliver: {luck.choice(['review', 'merge'])}",
        f"review_limit: {luck.choice([5, 10, 100])}",
        *luck.choice([(), ("attempts_per_day: 6",), ("hours_per_day: 12",)]),
    ]
    return "\n".join([*lines, "---", "# Heartbeat", ""]) + luck.choice(["", _NIGHT, _NIGHT])


def _queue(luck: Random, number: int) -> str:
    lines, details = [], []
    for n in range(number):
        lines.append(f"- [ ] Task {n} - Added: 2026-02-01 10:00 - Priority: {luck.choice(['High', 'Medium', 'Medium', 'Low'])}")
        time = luck.choice(["20 min", "45 min", "1 hour", "90 min", "3 h", "5 h", "7 h"])
        text = _DETAILS.format(n=n, category=luck.choice(_CATEGORIES), time=time)
        if n and luck.random() < 0.25:
            text += f"- **Depends On:** Task {luck.randrange(n)}\n"
        if luck.random() < 0.25:
            text += f"- **Window:** {luck.choice(['quick-win', 'overnight', 'work-hours', 'weekend'])}\n"
        if luck.random() < 0.15:
            text += f"- **Touches:** src/{luck.choice('ab')}/**\n"
        details.append(text)
    return "## Active Queue\n" + "\n".join(lines) + "\n\n## Task Details\n\n" + "\n".join(details) + "\n## Completed\n"


@pytest.mark.parametrize("seed", range(1, 3))
def test_what_is_forecast_is_what_happens(
    seed: int, make_repo: Callable[..., Path], typed: Callable[..., Answered], monkeypatch: pytest.MonkeyPatch
) -> None:
    luck = Random(seed)
    begin = luck.choice(["2026-03-27 14:00", "2026-10-23 14:00", "2026-11-18 06:00", "2026-06-05 12:30"])
    root = make_repo({"HEARTBEAT.md": _heartbeat(luck), "BUILD_QUEUE.md": _queue(luck, 14), ".gitignore": ".autobuilds/\n"}, name="week")
    assert git(root, "status", "--porcelain") == ""
    monkeypatch.chdir(root)
    offset = "+02:00" if begin[5:7] in {"06", "10"} else "+01:00"
    monkeypatch.setenv("AUTOBUILDS_NOW", f"{begin.replace(' ', 'T')}:00{offset}")
    told = typed("schedule", "--days", "4", "--json").json
    monkeypatch.delenv("AUTOBUILDS_NOW")
    lived = typed("simulate", "--calm", "--days", "4", "--from", begin, "--json").json
    assert lived["violations"] == []
    runs = [run for run in lived["runs"] if run["number"] == 1]

    def rows(found: list[dict[str, object]], start: str) -> list[tuple[object, float, object]]:
        return [(one["label"], datetime.fromisoformat(str(one[start])).timestamp(), one["night"]) for one in found]

    assert rows(told["slots"], "start") == rows(runs, "begun")
    for slot, run in zip(told["slots"], runs, strict=True):
        assert slot["window"] is None or slot["window"] in run["windows"], slot
