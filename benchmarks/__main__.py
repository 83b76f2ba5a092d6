"""Measures autobuilds beside other tools: `python3 tasks.py bench [--write] [--heavy] [--huge] [--smoke]`.

Everything is measured in one run and in turn, so that the ratios hold whatever else the machine does; the full run takes about ten
minutes on two quiet cores. `--write` puts the tables into README.md and docs/performance.md, the plots and the raw figures beside them.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import counts, ours, reader, results, rivals
from benchmarks.floors import floors
from benchmarks.goals import Counted, goals
from benchmarks.report import MEMORY, TIME, Named, Report, long, machine, picture, put, short, with_tables
from benchmarks.runner import Failed, Launcher
from benchmarks.suite import Figures, Plan, measure, prepare
from benchmarks.tools import OPERATIONS, Site, Tool

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PLOTS = ROOT / "docs" / "plots"
HUGE = 100_000


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _sizes(text: str) -> list[int]:
    words = text.split(",")
    sizes = [int(word) for word in words if re.fullmatch("[1-9][0-9]{2,8}", word)]
    if len(sizes) != len(words) or sizes != sorted(set(sizes)):
        raise argparse.ArgumentTypeError(f"{text!r}: whole numbers of at least 100 in rising order are wanted, such as 100,1000")
    return sizes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 tasks.py bench", description=(__doc__ or "").split("\n\n", 1)[1])
    parser.add_argument("--smoke", action="store_true", help="100 tasks, one turn, no rivals: only sees that everything works")
    parser.add_argument("--write", action="store_true", help="put tables, plots and raw figures where the documentation shows them")
    parser.add_argument("--heavy", action="store_true", help="install and measure task-master-ai too (1.4 GB)")
    parser.add_argument("--huge", action="store_true", help="measure autobuilds and the floors with 100,000 tasks too")
    parser.add_argument("--no-rivals", action="store_true", help="measure autobuilds and the floors alone")
    parser.add_argument("--sizes", type=_sizes, default="100,1000,10000", help="numbers of tasks, with commas; default: %(default)s")
    parser.add_argument(
        "--turns", type=int, default=7, choices=range(1, counts.LATER), metavar="1-8", help="default: %(default)s; slow runs get fewer"
    )
    parser.add_argument("--minutes", type=float, default=10, help="after so many, one turn of everything must do; default: %(default)s")
    parser.add_argument("--work", type=Path, help="where the data is written; default: the folder for temporary files")
    parser.add_argument("--reader", action="store_true", help="measure the queue reader alone, beside Mistune")
    parser.add_argument("--at-least", type=float, metavar="N", help="the reader alone: fail where Mistune takes less than N times as long")
    parser.add_argument("--again", type=Path, metavar="JSON", help="measure nothing: tell a run that was kept")
    return parser


def _count(figures: Figures, tools: list[Tool], sites: dict[str, Site], *, folder: Path, launcher: Launcher, piped: bool) -> Counted:
    """Count what is not timed: the transitions of autobuilds and, for every tool, whether a slow reader gets everything."""
    transitions: list[counts.Transition] = []
    pipes = []
    for tool in tools:
        if tool.name not in sites or tool.version == "" or "list" not in tool.operations:
            continue
        try:
            if tool.name == "autobuilds" and not piped:
                transitions = counts.transitions(tool, sites[tool.name], folder, launcher)
            elif piped:
                pipes.append(counts.piped(tool, sites[tool.name], folder))
        except (Failed, OSError, ValueError, subprocess.SubprocessError) as word:
            figures.faults.append(f"{tool.name}, counting: {word}")
    return Counted(transitions=transitions, pipes=pipes)


def _reader(*, smoke: bool) -> str:
    """Return what the comparison of the queue reader with Mistune printed, as a paragraph."""
    argv = [sys.executable, str(ROOT / "benchmarks" / "reader.py"), *(["100"] if smoke else [])]
    done = subprocess.run(argv, cwd=ROOT, check=False, capture_output=True, text=True)
    return "The reader alone. " + ". ".join(done.stdout.strip().splitlines()) + "." if done.returncode == 0 else ""


def run(given: argparse.Namespace, folder: Path) -> Report:
    """Measure everything that the arguments name."""
    began, launcher = time.monotonic(), Launcher(folder)
    line = machine(folder)
    program = Path(sys.executable).parent / "autobuilds"
    if not program.exists():
        sys.exit(f"{program} is not there: run `python3 tasks.py bench`, which installs it")
    own = [*floors(), ours.autobuilds(program, folder)]
    found = rivals.Found(tools=[], skipped=[]) if given.no_rivals else rivals.find(heavy=given.heavy, say=_say)
    measured = time.monotonic()
    plan = Plan(turns=given.turns, until=measured + given.minutes * 60)
    sizes = given.sizes
    figures, counted, agreement = Figures(), Counted(), None
    transitions_at = 1000 if 1000 in sizes else sizes[0]
    for count in [*sizes, *([HUGE] if given.huge else [])]:
        tools = own if count == HUGE else own + found.tools
        sites = prepare(figures, tools, count, folder=folder, say=_say)
        if count == sizes[-1] and "autobuilds" in sites:
            try:
                agreement = counts.agreement(own[-1], sites["autobuilds"])
            except (OSError, ValueError, KeyError, subprocess.SubprocessError) as word:
                figures.faults.append(f"autobuilds, what is read: {word}")
        operations = [name for name in OPERATIONS if name != "version" or count == sizes[0]]
        measure(figures, tools, sites, plan=plan, launcher=launcher, operations=operations, say=_say)
        if count == transitions_at:
            transitions = _count(figures, own, sites, folder=folder, launcher=launcher, piped=False).transitions
            counted = Counted(transitions=transitions, pipes=counted.pipes)
        if count == sizes[-1]:
            _say(f"{count:,} tasks: through slow pipes")
            pipes = _count(figures, tools, sites, folder=folder, launcher=launcher, piped=True).pipes
            counted = Counted(transitions=counted.transitions, pipes=pipes)
        for site in sites.values():
            shutil.rmtree(site.folder, ignore_errors=True)
    figures.faults = [fault.replace(str(folder), "WORK") for fault in figures.faults]
    return Report(
        figures=figures,
        counted=Counted(transitions=counted.transitions, pipes=counted.pipes, agreement=agreement),
        tools=[Named(name=t.name, version=t.version, store=t.store, remarks=t.remarks) for t in own + found.tools],
        skipped=found.skipped,
        sizes=[*sizes, *([HUGE] if given.huge else [])],
        machine=line,
        day=datetime.now(UTC).date().isoformat(),
        minutes=(time.monotonic() - began) / 60,
        launcher=launcher.name,
        turns=given.turns,
        reader=_reader(smoke=given.smoke),
    )


def write(report: Report) -> None:
    """Put the tables, the plots and the raw figures where the documentation shows them: everything is made first, then put there."""
    from benchmarks.plots import draw

    readme, page = ROOT / "README.md", ROOT / "docs" / "performance.md"
    first = short(report, 1000 if 1000 in report.sizes else report.sizes[0])
    plots = [picture("time", TIME, folder="plots"), picture("memory", MEMORY, folder="plots")]
    made = {
        RESULTS / "latest.json": results.text(report).encode(),
        readme: with_tables(readme, f"{first}\n\n{picture('time', TIME, folder='docs/plots')}").encode(),
        page: with_tables(page, "\n\n".join([*plots, long(report)])).encode(),
    }
    looked_at = rivals.FOLDER / "plots"
    tools = [tool.name for tool in report.tools if tool.name not in ("bytes read", "/bin/true")]
    with tempfile.TemporaryDirectory(prefix="autobuilds-plots-") as folder:
        drawn = draw(report.figures, tools, report.sizes, into=Path(folder), looked_at=looked_at)
        made |= {PLOTS / path.name: path.read_bytes() for path in drawn if path.parent == Path(folder)}
    put(made)
    _say(f"written: README.md, docs/performance.md, {PLOTS.relative_to(ROOT)}, {RESULTS.relative_to(ROOT)}/latest.json; PNG in {looked_at}")


def _sound(report: Report) -> bool:
    """Whether everything did its work; counts only, for no time can be asserted on a machine that does other things too."""
    missed = [goal for goal in goals(report.figures, report.counted) if goal.asserted and goal.held is False]
    for goal in missed:
        _say(f"not reached: {goal.text}: {goal.value:,.0f}, at most {goal.most:g}")
    for fault in report.figures.faults:
        _say(f"FAULT: {fault}")
    return not report.figures.faults and not missed


def main(argv: list[str]) -> int:
    """Run what the command line names; exit status 1 where an operation did not do its work or a count went wrong."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.smoke and given.write:
        parser.error("--smoke measures too little to be written: leave one of the two out")
    if given.smoke:
        given.sizes, given.turns, given.no_rivals = [100], 1, True
    if given.reader or given.at_least is not None:
        return reader.main([] if given.at_least is None else ["--at-least", str(given.at_least)])
    if given.again:
        try:
            report = results.load(given.again)
        except OSError as word:
            parser.error(f"--again {given.again}: {word.strerror}")
        except ValueError as word:
            parser.error(f"--again {given.again}: {word}")
    else:
        try:
            folder = Path(tempfile.mkdtemp(prefix="autobuilds-bench-", dir=given.work)).resolve()
        except OSError as word:
            parser.error(f"--work {given.work or tempfile.gettempdir()}: no folder can be made there: {word.strerror}")
        try:
            report = run(given, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if not given.smoke:
            results.save(report, rivals.FOLDER / "last.json")
            _say(f"kept in {rivals.FOLDER.name}/last.json: `--again` with it, and `--write`, puts it into the documentation")
    print(short(report, 1000 if 1000 in report.sizes else report.sizes[0]), long(report), sep="\n\n")
    if given.write:
        write(report)
    return 0 if _sound(report) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
