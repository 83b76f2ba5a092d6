"""Clocks that are set while the product is at work: stalls, duties on disk, whole heartbeats in years far off."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autobuilds.adapters import processes, pulse
from autobuilds.domain.stall import Stall, stall
from autobuilds.errors import AutobuildsError
from autobuilds.runtime.duties import run_due
from autobuilds.runtime.recalling import recall
from autobuilds.store.config import read_settings
from tests.proofs._life import begin
from tests.proofs.figures import Figures, Options

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUTIES = b"# Heartbeat\n\n## Often (every 3 hours)\n- `true`\n\n## Nightly (daily at 02:30)\n- `true`\n\n## Monthly (0 9 1 * *)\n- `true`\n"
YEARS = (
    datetime(1970, 1, 3, 12, tzinfo=UTC),
    datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 9, tzinfo=UTC),
    datetime(2106, 2, 7, 6, 28, 17, tzinfo=UTC),
)


def set_clocks(figures: Figures, options: Options) -> None:
    """Count what goes wrong while clocks are set in the middle of work."""
    _stalls(figures, options.folder)
    _sleeping_duties(figures, options.folder)
    _far_heartbeats(figures, options)


def _stalls(figures: Figures, folder: Path) -> None:
    """Ask whether an attempt is stalled after its machine slept or its clock was set, against the time that really passed."""
    path, limit = folder / "pulse", 4 * HOUR
    asked = wrong = 0
    for silent in (timedelta(), HOUR, 3.9 * HOUR, 4.1 * HOUR, 7.9 * HOUR, 8.1 * HOUR):
        for jump in (timedelta(), HOUR, -HOUR, 3 * HOUR, DAY, -DAY, 10 * HOUR, 70 * DAY, -70 * DAY):
            now, here = time.time(), time.monotonic()
            then = now - (silent + jump).total_seconds()
            path.write_text(f"{processes.boot_id()} {then:.3f} {here - silent.total_seconds():.3f}\n")
            active = pulse.active_at(path, [datetime.fromtimestamp(then, UTC)])
            wanted = Stall.STOP if silent >= 2 * limit else Stall.ALERT if silent >= limit else Stall.NO
            started = datetime.fromtimestamp(then, UTC) - HOUR
            found = stall(active, started, datetime.fromtimestamp(now, UTC), limit)
            asked += 1
            if found is not wanted:
                wrong += 1
                figures.faults.append(f"silent for {silent}, clock moved by {jump}: {found} instead of {wanted}")
    figures.count("attempts asked whether they stall, after a sleep or with the clock set", asked, least=50)
    figures.count("of them wrong", wrong, most=0)


def _sleeping_duties(figures: Figures, folder: Path) -> None:
    """Run real duties, with their record on disk: each sleep through six and more slots makes one run."""
    root = folder / "duties"
    (root / ".autobuilds").mkdir(parents=True)
    config = read_settings(DUTIES)
    assert len(config.duties) == 3
    now = datetime(2026, 2, 6, 12, tzinfo=UTC)
    run_due(root, config, now)
    runs = 0
    wakings = [(DAY, 2), (7 * DAY, 2), (60 * DAY, 3), (-HOUR, 0), (timedelta(), 0), (HOUR, 0), (-DAY, 0), (DAY, 0), (400 * DAY, 3)]
    for span, wanted in wakings:
        now += span
        for again in range(3):
            found = len(run_due(root, config, now + again * timedelta(minutes=1)))
            expected = wanted if again == 0 else 0
            runs += found
            if found != expected:
                figures.faults.append(f"after {span}, heartbeat {again + 1}: {found} duties ran instead of {expected}")
        known = json.loads((root / ".autobuilds" / "duties.json").read_text())
        if not known:
            figures.faults.append(f"after {span}: no record of last runs")
    figures.count("duties run on waking, with their record on disk", runs, least=10, most=10)


def _far_heartbeats(figures: Figures, options: Options) -> None:
    """Build a task from start to end, with commits, in years in which counters of other programs end."""
    built = 0
    for number, moment in enumerate(YEARS):
        try:
            life = begin(options.folder / f"year-{number}", options.seed, at=moment)
            text = life.queue.read_text()
            life.queue.write_text(text.replace("Priority: Medium", "Priority: High").replace("Priority: Low", "Priority: High"))
            started = [t for t in life.beat().transitions if t["event"] == "start"]
            life.machine.at += HOUR
            for build in life.context.workspace.ledger().active:
                life.end(build)
            life.beat()
            commit = next(c for c in life.context.repo.history() if c.trailers.get("Event") == "start")
            told = recall(life.context, commit.sha)
            whole = started and not told.differing and told.recorded and life.git("fsck", "--strict") == ""
            settled = any(b.attempts and b.attempts[0].ended == life.machine.at for b in life.context.workspace.ledger().builds)
        except (AutobuildsError, ArithmeticError, ValueError, StopIteration) as error:
            figures.faults.append(f"{moment}: {type(error).__name__}: {error}")
            continue
        if whole and settled and commit.when == moment.replace(microsecond=0):
            built += 1
        else:
            figures.faults.append(f"{moment}: started {started}, settled {settled}, committed at {commit.when}")
    figures.count("years far off in which a task was built, committed and asked about", built, least=len(YEARS))
