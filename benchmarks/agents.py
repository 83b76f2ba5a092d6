"""Every installed agent in five situations against a scripted model: what was recorded, and what its exit status would have said.

Run: `python3 tasks.py agents-report [NAME ...]` (docs/howto/test-with-real-agents.md).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import contextlib

from tests.agents.installing import table
from tests.agents.rig import Rig, make_rig, place
from tests.agents.setups import SETUPS
from tests.agents.stub_model import Scenario, StubModel, dead_port, marker

from autobuilds.domain.build import BuildState

#: Situation: what the model does (None: nobody listens), and whether anything is achieved in it.
SITUATIONS: dict[str, tuple[Scenario | None, bool]] = {
    "ok": (Scenario.OK, True),
    "401": (Scenario.AUTH, False),
    "429 once": (Scenario.LIMIT_ONCE, True),
    "no-op": (Scenario.NOOP, False),
    "down": (None, False),
}
#: The wall-clock limit of an attempt: programs that try a dead service for ever end by it.
LIMIT = "45s"
AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One agent in one situation."""

    name: str
    situation: str
    recorded: str
    done: bool
    #: None where its exit status never came, since it was stopped.
    status: int | None
    left: int
    seconds: float
    tier: str

    @property
    def by_status(self) -> str:
        """What a supervisor that trusts exit statuses would record."""
        if self.status is None or self.recorded in {"timeout", "stalled"}:
            return "stopped"
        return "done" if self.status == 0 else "failed"


def run(name: str, situation: str, top: Path) -> Row:
    """Run one agent in one situation."""
    program, setup = table()[0][name], SETUPS[name]
    scenario, _ = SITUATIONS[situation]
    with StubModel() as stub:
        url = stub.url if scenario is not None else f"http://127.0.0.1:{dead_port()}"
        rig = make_rig(
            top,
            agent=name,
            words=marker(scenario or Scenario.OK),
            model=setup.model,
            variables=setup.variables(url),
            home_files=setup.files(url),
            path=program.path(),
            timeout=LIMIT if scenario is None else "3m",
            stall="2m",
        )
        began = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            rig.heartbeat(seconds=300)
        seconds = time.monotonic() - began
        try:
            row = _row(rig, name, situation, seconds)
        finally:
            rig.close()
        print(f"{name}, {situation}: {row.recorded} ({row.seconds:.0f} s)", file=sys.stderr, flush=True)
        return row


def _row(rig: Rig, name: str, situation: str, seconds: float) -> Row:
    build, last = rig.build(), rig.last()
    done = build.state in {BuildState.REVIEW, BuildState.COMPLETED}
    what = "done, checked" if done else (last.failure or last.outcome or "still running").replace("-", " ")
    left = len(rig.processes())
    return Row(
        name=name, situation=situation, recorded=what, done=done, status=last.exit_code, left=left, seconds=seconds, tier=last.sandbox
    )


def say(rows: Iterable[Row]) -> None:
    """Print the table and its sums."""
    listed = list(rows)
    print("| agent | situation | recorded | by exit status | processes left | seconds | sandbox |")
    print("|---|---|---|---|---|---|---|")
    for row in listed:
        status = "-" if row.status is None else row.status
        print(
            f"| {row.name} | {row.situation} | {row.recorded} | {row.by_status} ({status}) | {row.left} | {row.seconds:.1f} | {row.tier} |"
        )
    nothing = [row for row in listed if not SITUATIONS[row.situation][1]]
    something = [row for row in listed if SITUATIONS[row.situation][1]]
    print()
    print(f"{len(nothing)} runs achieved nothing: {sum(r.done for r in nothing)} recorded as done;", end=" ")
    print(f"by exit status it would have been {sum(r.by_status == 'done' for r in nothing)}.")
    print(f"{len(something)} runs had a way to succeed: {sum(r.done for r in something)} became checked builds.")
    print(f"Processes left after all {len(listed)} runs: {sum(row.left for row in listed)}.")


def main(names: list[str]) -> int:
    """Run all, or the agents named; returns 1 when something false was recorded or something was left."""
    installed = [name for name, program in table()[0].items() if program.installed and (not names or name in names)]
    if not installed:
        print("no agent is installed for tests: python3 tasks.py agents [1|2|NAME]")
        return 2
    top = Path(tempfile.mkdtemp(prefix="autobuilds-report-", dir=place()))
    wanted = [(name, situation, top / name / situation.replace(" ", "-")) for name in installed for situation in SITUATIONS]
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            rows = list(pool.map(lambda one: run(*one), wanted))
    finally:
        shutil.rmtree(top, ignore_errors=True)
    say(rows)
    wrong = any(row.done is not SITUATIONS[row.situation][1] or row.left for row in rows)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
