"""What a sandbox adds to the start of a program, by tier, and how long its proof takes.

Run with `python benchmarks/sandbox.py [ROUNDS] [--smoke]`. Tiers take turns, so that a busy machine slows all alike; the plain start in the
same rounds is the unit of the ratio. `prepared` is how builds are started: the rules were made while the clone was. `whole` is the command line
that does everything itself.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

from autobuilds.adapters.sandbox import MachineSandbox, prepare, wrap
from autobuilds.domain.sandbox import Confinement, Network, Tier

#: The most that a tier may add to a start, and a proof may take, in milliseconds (median); on a machine with nothing else to do.
GOAL = 20.0
PROGRAM = ("/bin/true",)
CLONE_SECONDS = 0.2


def timed(work: Callable[[], object]) -> float:
    """Return how many milliseconds a piece of work takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def measure(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median of each piece of work in milliseconds, all taking turns, after one round that does not count."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            spent = timed(work)
            if turn:
                found[name].append(spent)
    return {name: median(times) for name, times in found.items()}


def confinement(tier: Tier, folder: str, network: Network = Network.OPEN) -> Confinement:
    """Return a confinement as a build has it: a hidden home, a clone and a home of its own that may be written."""
    clone, home = Path(folder, "clone"), Path(folder, "home")
    return Confinement(tier=tier, writable=(str(clone),), hidden=(str(Path.home()), folder), home=str(home), network=network)


def starts(stack: ExitStack, folder: str) -> dict[str, Callable[[], object]]:
    """Return what starts a program in each tier that works here, prepared but for Landlock alone, whose thread serves one start."""
    sandbox = MachineSandbox()

    def starter(tier: Tier) -> Callable[[], object]:
        prepared = stack.enter_context(prepare(confinement(tier, folder), environment={}))
        prepared.popen(PROGRAM).wait()
        return lambda: prepared.popen(PROGRAM).wait()

    working = [tier for tier in Tier if sandbox.probe_one(tier).works]
    return {tier.value: starter(tier) for tier in working if tier is not Tier.LANDLOCK}


def landlock_once(folder: str) -> float:
    """Return the milliseconds of a start in Landlock alone, its rules made before."""
    with prepare(confinement(Tier.LANDLOCK, folder), environment={}) as prepared:
        prepared.wait()
        # A build's clone is still being made then; right after the work on the rules the kernel would let others go first.
        time.sleep(CLONE_SECONDS)
        return timed(lambda: prepared.popen(PROGRAM).wait())


def row(name: str, spent: float, plain: float, *, judged: bool) -> str:
    """Return one line of the table: added milliseconds, the ratio to a plain start, and whether the goal is reached."""
    added = spent - plain
    word = "" if not judged else "ok" if added <= GOAL else f"over {GOAL:.0f} ms"
    return f"{name:34} {added:8.1f} {spent / plain:8.1f} {word:>12}"


def _rounds(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number from 1 to 9999 is wanted")
    return int(text)


def main() -> int:
    """Print the table; exit status 1 only where no tier at all could be measured."""
    parser = argparse.ArgumentParser(prog="python benchmarks/sandbox.py", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=_rounds, metavar="ROUNDS", help="1 to 9999; 31 where none is given")
    parser.add_argument("--smoke", action="store_true", help="3 rounds: only sees that everything works")
    given = parser.parse_args()
    rounds = given.rounds or (3 if given.smoke else 31)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for name in ("clone", "home"):
            Path(folder, name).mkdir()
        works: dict[str, Callable[[], object]] = {"plain": lambda: subprocess.run(PROGRAM, check=True), **starts(stack, folder)}
        sandbox = MachineSandbox()
        works |= {f"proof of {tier.value}": partial(sandbox.probe_one, tier) for tier in Tier if tier is not Tier.NONE}
        works["proof of all tiers"] = sandbox.probe
        for tier in Tier:
            line = wrap(confinement(tier, folder, Network.WEB), PROGRAM, environment={})
            if sandbox.probe_one(tier).works:
                works[f"{tier.value}, whole, web"] = partial(subprocess.run, line, check=True)
        found = measure(works, rounds)
        if sandbox.probe_one(Tier.LANDLOCK).works:
            found[Tier.LANDLOCK.value] = median(landlock_once(folder) for _ in range(rounds))
    plain = found.pop("plain")
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"a plain start takes {plain:.1f} ms; {rounds} rounds, load {load:.1f} a core")
    print(f"{'':34} {'added ms':>8} {'ratio':>8} {'goal':>12}")
    for name in sorted(found, key=lambda name: ("whole" in name, "proof" in name, name)):
        print(row(name, found[name], plain, judged="whole" not in name and "all" not in name))
    return 0 if found else 1


if __name__ == "__main__":
    raise SystemExit(main())
