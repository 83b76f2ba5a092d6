"""Every parser under fuzzing, coverage-guided where atheris is installed (`pip install -e .[fuzz]`): crashes, and inputs that take long."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.proofs.figures import Figures, Options
from tests.proofs.fuzz_targets import TARGETS, Target
from tests.proofs.fuzz_worker import SLOW

ROOT = Path(__file__).parents[2]
#: A sample is so many runs for each parser, whatever the machine; the whole so many seconds, and at least so many runs a second.
SAMPLE, SECONDS, RATE = 300, 60, 10
#: Seconds after which an engine that does not end is stopped.
_PATIENCE = 600


def run(options: Options) -> Figures:
    """Fuzz all parsers, as many at once as there are processors."""
    amount = ["--seconds", str(SECONDS)] if options.full else ["--runs", str(SAMPLE)]
    figures = Figures(proof="fuzzed parsers")
    guided = importlib.util.find_spec("atheris") is not None
    if not guided:
        figures.skipped.append(f"coverage-guided fuzzing of {len(TARGETS)} parsers: atheris is not installed; random mutations instead")
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        found = list(pool.map(lambda target: _fuzzed(target, options, amount, guided), TARGETS.values()))
    for target, one in zip(TARGETS.values(), found, strict=True):
        figures.count(f"{target.name}: runs ({one['engine']})", one["runs"], least=RATE * SECONDS if options.full else SAMPLE)
        for what, kept in one["crashes"].items():
            figures.faults.append(f"{target.name}: {what}: {kept} (seed {options.seed}, input in {_rescued(target, one, kept)})")
        for kept in one["slow"]:
            figures.faults.append(f"{target.name}: over {SLOW} s of CPU (seed {options.seed}, input in {_rescued(target, one, kept)})")
        figures.faults += [f"{target.name}: {one['wrong']}"] if one["wrong"] else []
    figures.count("parsers", len(found), least=12)
    figures.count("inputs", sum(one["runs"] for one in found))
    figures.count("crashes", sum(len(one["crashes"]) for one in found), most=0)
    figures.count(f"inputs over {SLOW} s of CPU", sum(len(one["slow"]) for one in found), most=0)
    figures.count("inputs that crashed once and are tried in every run of the tests", sum(len(t.kept()) for t in TARGETS.values()))
    return figures


def _fuzzed(target: Target, options: Options, amount: list[str], guided: bool) -> dict[str, Any]:
    """Fuzz one parser in a process of its own and return its figures; `wrong` says why it ended in another way than at its time."""
    options.say(f"fuzzing {target.name}")
    folder = options.folder / target.slug
    folder.mkdir()
    call = [
        sys.executable,
        "-m",
        "tests.proofs.fuzz_worker",
        target.name,
        str(folder),
        *amount,
        "--seed",
        str(options.seed),
    ]
    wrong = ""
    # The code is instrumented first, which takes a few seconds more.
    with (folder / "output").open("wb") as output:
        try:
            done = subprocess.run(
                [*call, *([] if guided else ["--chance"])],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=_PATIENCE,
            )
            wrong = f"the engine ended with {done.returncode}: {_tail(folder)}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            wrong = f"no end after {_PATIENCE} s: {_tail(folder)}"
    try:
        found: dict[str, Any] = json.loads((folder / "figures.json").read_bytes())
    except (OSError, ValueError):
        found = {"runs": 0, "crashes": {}, "slow": [], "engine": "none"}
        wrong = wrong or f"it never began: {_tail(folder)}"
    return {**found, "folder": folder, "wrong": wrong}


def _tail(folder: Path) -> str:
    return (folder / "output").read_text(encoding="utf-8", errors="replace")[-300:].strip()


def _rescued(target: Target, one: dict[str, Any], kept: str) -> Path:
    """Copy an input out of the folder that goes away with the proof, and return where it is."""
    name = kept.partition(":")[0]
    place = ROOT / ".fuzz" / target.slug / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes((one["folder"] / name).read_bytes())
    return place.relative_to(ROOT)
