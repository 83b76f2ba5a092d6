"""`python3 tasks.py mutate [AREA...] [--count N] [--seed S] [--json]`: how many small faults the tests notice.

`--count 0` tries all mutants. Traces and the tests that killed are kept in build/mutation; `--anew` forgets them. Exit status 1 where a score
is below the goal or an entry of equivalents.toml is stale.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Final

from tests.mutation.areas import AREAS, TESTS, equivalents, interval, mutants_in, sample, stale
from tests.mutation.ground import ROOT, Ground, version
from tests.mutation.mutants import Mutant, compiles
from tests.mutation.running import Court, Fate, Verdict
from tests.mutation.server import Server
from tests.mutation.traces import traces

KEPT: Final = ROOT / "build" / "mutation"
#: Of the mutants that are tried, this share is noticed (chapter on quality).
GOAL: Final = 0.9
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line asks for and return the exit status."""
    options = _parser().parse_args(argv)
    KEPT.mkdir(parents=True, exist_ok=True)
    reports = []
    with tempfile.TemporaryDirectory(prefix="mutation-") as place:
        grounds = [Ground(Path(place) / str(number), options.commit) for number in range(options.workers)]
        every = [one for area in AREAS for one in mutants_in(area, grounds[0].tree)]
        argued = equivalents()
        gone = stale(argued, every)
        for entry in gone:
            _say(f"equivalents.toml: no such mutant any more: {entry.path} {entry.function}: {entry.before} -> {entry.after}")
        for area in options.areas or list(AREAS):
            own = mutants_in(area, grounds[0].tree)
            population = [one for one in own if not any(entry.is_(one) for entry in argued)]
            if options.match:
                population = [one for one in population if options.match in f"{one.path}:{one.function}"]
            if options.kind:
                population = [one for one in population if one.kind in options.kind.split(",")]
            wanted = [one for one in sample(population, options.count, options.seed) if _whole(one, grounds[0])]
            began = time.monotonic()
            verdicts = _tried(wanted, grounds, area, options)
            reports.append(_report(area, verdicts, population, len(own) - len(population), grounds[0], time.monotonic() - began, options))
            if not options.json:
                _tell(_told(reports[-1]))
    found = {"commit": version(options.commit or "HEAD"), "seed": options.seed, "areas": reports, "stale": [str(entry) for entry in gone]}
    if options.json:
        _tell(json.dumps(found, indent=1))
    if options.write:
        _write(found, options.seed)
    return 1 if gone or any(report["score"] < GOAL for report in reports) else 0


def _area(text: str) -> str:
    if text not in AREAS:
        raise argparse.ArgumentTypeError(f"no area is called {text!r}; there are {', '.join(AREAS)}")
    return text


def _whole_number(text: str, least: int = 0) -> int:
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number from {least} to 999999 is wanted")
    return int(text)


def _workers(text: str) -> int:
    return _whole_number(text, 1)


def _commit(text: str) -> str:
    try:
        version(f"{text}^{{commit}}")
    except subprocess.CalledProcessError as error:
        raise argparse.ArgumentTypeError(f"there is no commit {text!r}") from error
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tasks.py mutate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("areas", nargs="*", metavar="AREA", type=_area, help=f"{', '.join(AREAS)}; all where none is named")
    parser.add_argument("--count", type=_whole_number, default=160, help="mutants of each area; 0 for all (160)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (1)")
    parser.add_argument("--workers", type=_workers, default=1, help="mutants at a time (1)")
    parser.add_argument("--longest", type=float, default=60.0, help="seconds of tests that one mutant is worth (60)")
    parser.add_argument(
        "--minutes", type=float, default=600.0, help="begin no mutant after these, of each area; what was tried is a sample (600)"
    )
    parser.add_argument("--match", default="", help="only mutants with this in `path:function`")
    parser.add_argument("--kind", default="", help="only mutants of these kinds, with commas between")
    parser.add_argument("--commit", type=_commit, help="mutate a commit instead of the working tree")
    parser.add_argument("--anew", action="store_true", help="trace all tests again")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--write", action="store_true", help="write the figures into tests/proofs/results and docs/reliability.md")
    return parser


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _whole(one: Mutant, ground: Ground) -> bool:
    return compiles(one.applied((ground.tree / one.path).read_bytes()))


def _tried(wanted: Sequence[Mutant], grounds: Sequence[Ground], area: str, options: Any) -> list[Verdict]:
    """Try mutants, one in each ground at a time; the order is that of the sample."""
    waiting: Queue[Mutant] = Queue()
    for one in wanted:
        waiting.put(one)
    done: dict[str, Verdict] = {}
    with Server(grounds[0]) as server:
        known = traces(TESTS[area], server, KEPT / "traces", _say, anew=options.anew)
    for name in known.failing:
        _say(f"not asked, because it does not pass on the source as it is: {name}")

    until = time.monotonic() + 60 * options.minutes

    files = sorted({test.file for test in known.tests})
    pairs = [(Server(ground), Server(ground, files)) for ground in grounds]
    ending = threading.Event()

    def work(fresh: Server, staying: Server) -> None:
        with fresh, staying:
            court = Court(staying=staying, fresh=fresh, tests=known.tests, longest=options.longest, kept=KEPT / "killers.json")
            while time.monotonic() < until and not ending.is_set():
                try:
                    one = waiting.get_nowait()
                except Empty:
                    return
                done[one.identity] = verdict = court.try_(one)
                _say(f"{area} {len(done)}/{len(wanted)} {verdict.seconds:5.1f} s {_line(verdict, fresh.ground)}")

    _side_by_side(work, pairs, ending)
    return [done[one.identity] for one in wanted if one.identity in done]


def _side_by_side(work: Callable[[Server, Server], None], pairs: Sequence[tuple[Server, Server]], ending: threading.Event) -> None:
    """Do the work with each pair at one time; told to end, leave nothing that runs in the copies, for they are removed then."""
    with ThreadPoolExecutor(len(pairs)) as pool:
        try:
            for made in [pool.submit(work, *pair) for pair in pairs]:
                made.result()
        except BaseException:
            ending.set()
            for server in itertools.chain(*pairs):
                server.stop()
            raise


def _line(verdict: Verdict, ground: Ground) -> str:
    one = verdict.mutant
    said = f"{verdict.fate.value:<8} {one.path}:{one.line} {one.function}: {one.before} -> {one.after}"
    return said if verdict.noticed else f"{said}\n{_difference(one, ground)}"


def _difference(one: Mutant, ground: Ground) -> str:
    source = (ground.tree / one.path).read_bytes()
    old, new = (text.decode().split("\n") for text in (source, one.applied(source)))
    lines = list(difflib.unified_diff(old, new, n=0, lineterm=""))[3:]
    return "\n".join(f"    {line}" for line in lines if line.strip() not in {"-", "+"})


def _report(
    area: str, verdicts: Sequence[Verdict], population: Sequence[Mutant], argued: int, ground: Ground, seconds: float, options: Any
) -> dict[str, Any]:
    fates = Counter(verdict.fate for verdict in verdicts)
    noticed = sum(verdict.noticed for verdict in verdicts)
    low, high = interval(noticed, len(verdicts))
    if len(verdicts) == len(population):
        low = high = noticed / len(verdicts) if verdicts else 0.0
    return {
        "area": area,
        "mutants": len(population),
        "argued": argued,
        "tried": len(verdicts),
        **{fate.value: fates[fate] for fate in Fate},
        "score": noticed / len(verdicts) if verdicts else 0.0,
        "low": low,
        "high": high,
        "seconds": round(seconds),
        "survivors": [_line(verdict, ground) for verdict in verdicts if not verdict.noticed],
    }


def _told(report: dict[str, Any]) -> str:
    head = (
        f"{report['area']}: {report['score']:.1%} ({report['low']:.1%} to {report['high']:.1%}) of {report['tried']} mutants noticed:"
        f" {report['killed']} killed, {report['timeout']} timeouts, {report['survived']} survived, {report['uncalled']} that no test calls;"
        f" {report['mutants']} mutants in all, {report['argued']} argued to change nothing; {report['seconds']} s"
    )
    return "\n".join([head, *report["survivors"]])


def _write(found: dict[str, Any], seed: int) -> None:
    """Keep the figures as the proofs keep theirs."""
    from tests.proofs import _record
    from tests.proofs.figures import Figures

    figures = Figures(proof="mutation")
    for report in found["areas"]:
        area = report["area"]
        figures.count(f"{area}: mutants tried of {report['mutants']:,}", report["tried"], least=150)
        figures.count(f"{area}: noticed, in per cent", round(100 * report["score"], 1), least=100 * GOAL)
        figures.count(f"{area}: 95 % interval from", round(100 * report["low"], 1))
        figures.count(f"{area}: to", round(100 * report["high"], 1))
        figures.count(f"{area}: of these by running too long", report["timeout"])
    seconds = sum(report["seconds"] for report in found["areas"])
    _record.keep(figures, scale="full", seed=seed, tool="autobuilds", seconds=seconds)


def _end(number: int, _frame: object) -> None:
    """Leave in order, so that the copies are removed; what is on the way out is not stopped by a second signal."""
    for one in _SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    for one in _SIGNALS:
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, _end)
    sys.exit(main())
