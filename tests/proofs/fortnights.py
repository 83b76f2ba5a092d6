"""Fortnights: the product over the nights on which clocks change, with reboots, full disks and an owner who edits, by a clock that is set.

`autobuilds simulate` runs the product's own heartbeats, gates, nights and reports on a workspace with tasks of every kind, a calendar and
contexts; an oracle that knows the rules of the specification, zoneinfo and nothing of the product's code judges every start and every report
by what the runner saw. A sample are two days round each night; the whole, two weeks of several seeds.
"""

from __future__ import annotations

from tests.proofs.figures import Figures, Options
from tests.simulate.fortnights import FORTNIGHTS

#: Seeds of a whole run, and the days of a sample.
SEEDS, DAYS = 3, 2


def run(options: Options) -> Figures:
    """Play the fortnights and count what was done and what was wrong."""
    figures = Figures(proof="fortnights")
    sums = dict.fromkeys(("heartbeats", "attempts", "failed_attempts", "lost_attempts", "outages", "disk_full", "violations"), 0)
    nights = faults = 0
    for name, fortnight in FORTNIGHTS.items():
        for seed in range(options.seed + 1, options.seed + 1 + (SEEDS if options.full else 1)):
            options.say(f"{name} ({fortnight.zone}), seed {seed}")
            played, oracle = fortnight.play(seed, 14 if options.full else DAYS)
            found = oracle.faults()
            faults += len(found)
            figures.faults += [f"{name}, seed {seed}: {fault}" for fault in (*found, *played.told["violations"])]
            nights += len(played.nights)
            for key in sums:
                sums[key] += played.told["figures"][key]
    days = len(FORTNIGHTS) * (14 * SEEDS if options.full else DAYS)
    figures.count("days simulated", days, least=days)
    figures.count("heartbeats", sums["heartbeats"], least=40 * days)
    figures.count("builds begun", sums["attempts"], least=3 * days)
    figures.count("of them failed, hung or sent back", sums["failed_attempts"])
    figures.count("of them lost with the machine", sums["lost_attempts"])
    figures.count("times the machine was off", sums["outages"], least=days // 5)
    figures.count("times the disk was full", sums["disk_full"])
    figures.count("nights", nights, least=days - 2 * len(FORTNIGHTS) * (SEEDS if options.full else 1))
    figures.count("rules broken by the oracle's account", faults, most=0)
    figures.count("rules broken by the simulator's own", sums["violations"], most=0)
    return figures
