"""The benchmark itself: it measures what it says, believes no tool that did not do its work, and says what it could not do."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks import report, results
from benchmarks.counts import Agreement, Piped, Transition, complete, piped
from benchmarks.gen import free, items, queue_text, ready
from benchmarks.goals import PYTHON, Counted, cycle_over_floor, goals, growth, marginal
from benchmarks.runner import HERE, Failed, Launcher, Run, Sample, ratio
from benchmarks.suite import Cell, Figures, Plan, measure, prepare
from benchmarks.tools import OPERATIONS, Site, Tool, environment


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Launcher:
    return Launcher(tmp_path_factory.mktemp("launcher"))


def _run(folder: Path, script: str) -> Run:
    return Run(argv=[sys.executable, "-S", "-c", script], cwd=folder, env=environment(folder))


def test_the_list_is_made_as_it_is_told() -> None:
    tasks = items(1000)
    share = {state: sum(item.state == state for item in tasks) / 10 for state in ("todo", "doing", "done")}
    assert share == {"todo": 75, "doing": 5, "done": 20}
    waiting = [item for item in tasks if item.depends_on is not None]
    assert len(waiting) == 100
    assert all(tasks[(item.depends_on or 0) - 1].state == "todo" for item in waiting)
    assert 35 < sum(len(item.title) for item in tasks) / 1000 < 50
    assert 350 < sum(len(item.description) for item in tasks) / 1000 < 450
    assert all(len(item.criteria) == 4 for item in tasks)
    assert items(1000) == tasks
    assert ready(1000) == 700


@pytest.mark.parametrize("digit", [7, 8])
def test_what_is_marked_stands_in_no_dependency(digit: int) -> None:
    tasks = items(100)
    numbers = [free(100, turn, digit=digit) for turn in range(10)]
    assert len(set(numbers)) == 10
    assert all(tasks[number - 1].state == "todo" and tasks[number - 1].depends_on is None for number in numbers)
    assert not {item.depends_on for item in tasks} & set(numbers)


def test_the_queue_holds_every_task_once() -> None:
    text = queue_text(items(40))
    for item in items(40):
        assert len(re.findall(rf"^- \[[ x]\] {item.title} - Added: ", text, re.MULTILINE)) == 1
        assert text.count(f"### {item.title}\n") == 1


def test_a_run_is_accounted_with_what_it_leaves_behind(launcher: Launcher, tmp_path: Path) -> None:
    alone = launcher.measure(_run(tmp_path, "pass"))
    burn = "import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', 'bytearray(60 << 20); sum(range(3_000_000))'])"
    left = launcher.measure(_run(tmp_path, burn))
    assert alone.memory < 40
    if launcher.argv[0].endswith("launch") and sys.platform == "linux":
        assert left.memory > 60
        assert left.cpu > alone.cpu


def test_the_launcher_without_a_compiler_tells_the_same(launcher: Launcher, tmp_path: Path) -> None:
    plain = Launcher(tmp_path)
    plain.argv = [sys.executable, "-I", "-S", str(HERE / "launch.py")]
    one, other = (made.measure(_run(tmp_path, "x = bytearray(60 << 20)")) for made in (launcher, plain))
    assert 60 < one.memory < 90
    assert 60 < other.memory < 90


def test_a_run_that_fails_or_does_not_do_its_work_is_no_sample(launcher: Launcher, tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"exit status 3: .*broken"):
        launcher.measure(_run(tmp_path, "print('it is broken'); raise SystemExit(3)"))
    idle = replace(_run(tmp_path, "pass"), check=lambda said: "" if said else "nothing was said")
    with pytest.raises(Failed, match="nothing was said"):
        launcher.measure(idle, check=True)
    with pytest.raises(Failed, match="exit status 127"):
        launcher.measure(replace(idle, argv=["/nowhere/tool"]))


def test_a_ratio_pairs_the_turns() -> None:
    """A machine that gets three times as slow in the middle does not change it."""
    ours = [Sample(wall=1, cpu=seconds, memory=1) for seconds in (1, 1, 3, 3, 3)]
    theirs = [Sample(wall=1, cpu=2 * seconds, memory=1) for seconds in (1, 1, 3)]
    assert ratio(ours, theirs) == 0.5


def test_slow_runs_get_fewer_turns() -> None:
    def turns(first: float, **plan: float) -> int:
        made = Plan(turns=7, **plan)
        return next(done for done in range(20) if not made.another(done, first))

    assert [turns(first) for first in (0.1, 1.5, 5, 30)] == [7, 4, 2, 1]
    assert turns(0.1, until=0) == 1


def _tool(name: str, script: Callable[[Site, int], str], check: Callable[[Site], Callable[[str], str]]) -> Tool:
    def listing(site: Site, turn: int) -> Run:
        return site.run(sys.executable, "-S", "-c", script(site, turn), check=check(site))

    return Tool(name=name, version="1", store="nothing", write=lambda site: None, operations={"list": listing})


def _printing(site: Site, count: int) -> str:
    names = [item.title for item in site.tasks if item.state != "done"]
    return "\n".join(["import sys", *(f"print({name!r})" for name in names[:count])])


def test_a_tool_that_lists_too_little_has_no_figures(launcher: Launcher, tmp_path: Path) -> None:
    """The broken tool leaves one task out, exit status 0."""
    whole = _tool("whole", lambda site, _: _printing(site, 1000), lambda site: site.listed())
    broken = _tool("broken", lambda site, _: _printing(site, 79), lambda site: site.listed())
    figures = Figures()
    tools = [whole, broken]
    sites = prepare(figures, tools, 100, folder=tmp_path, say=lambda line: None)
    measure(figures, tools, sites, plan=Plan(turns=2), launcher=launcher, operations=["list"], say=lambda line: None)
    assert figures.cell("broken", "list", 100) is None
    found = figures.cell("whole", "list", 100)
    assert found
    assert len(found.samples) == 2
    assert len(figures.faults) == 1
    assert "broken, list, 100 tasks" in figures.faults[0]
    assert "79 tasks in the output, at least 80 expected" in figures.faults[0]


_LOSSY = """
import os, stat, sys
piped = stat.S_ISFIFO(os.fstat(1).st_mode)
for number in range(1, 51 if piped else 101):
    print(f"Q{number:06} a task")
"""


def test_output_that_a_slow_reader_does_not_get_is_told(tmp_path: Path) -> None:
    def site(tool: Tool) -> Site:
        return prepare(Figures(), [tool], 100, folder=tmp_path, say=lambda line: None)[tool.name]

    whole = _tool("whole", lambda site, _: _printing(site, 1000), lambda site: site.listed())
    lossy = _tool("lossy", lambda site, _: _LOSSY, lambda site: site.listed())
    found = [piped(tool, site(tool), tmp_path, pause=0.01) for tool in (whole, lossy)]
    assert complete(found) == ["lossy: 50 of 100 tasks, exit status 0"]


def _report() -> report.Report:
    figures = Figures()
    for tool, factor in {PYTHON: 1.0, "git commit": 0.5, "/bin/true": 0.1, "autobuilds": 2.0, "backlog.md": 80.0}.items():
        for operation in OPERATIONS:
            for count in (1000, 10000):
                samples = [Sample(wall=factor * count / 1e5, cpu=factor * count / 1e5, memory=9) for _ in range(3)]
                figures.cells[tool, operation, count] = Cell(tool=tool, operation=operation, count=count, samples=samples)
    return report.Report(
        figures=figures,
        counted=Counted(
            transitions=[Transition(operation="idle", git_processes=0, commits=0, files_written=1)],
            pipes=[Piped(tool="autobuilds", count=1000, tasks=800, whole=800, status=0)],
            agreement=Agreement(count=1000, fields=7000, differing=0),
        ),
        tools=[
            report.Named(name=name, version="1", store="a file") for name in (PYTHON, "git commit", "/bin/true", "autobuilds", "backlog.md")
        ],
        skipped=["tk: not here"],
        sizes=[1000, 10000],
        machine="2 cores",
        day="2026-10-01",
        minutes=9,
        launcher="launch.c",
        turns=7,
        reader="The reader alone.",
    )


def test_goals_are_judged_by_what_was_measured() -> None:
    made = _report()
    judged = {goal.text: goal.held for goal in goals(made.figures, made.counted)}
    assert judged["`--version`, CPU, of python"] is True
    assert judged["next, 1,000, CPU, of backlog.md"] is True
    assert judged["next, 1,000, CPU, of taskwarrior"] is None
    assert judged["next after a change, 1,000, CPU, of backlog.md"] is True
    assert judged["next after a change, CPU at 10,000 of that at 1,000"] is False
    assert judged["idle: files written"] is False
    assert growth(made.figures, "autobuilds", "next") == pytest.approx(10)
    assert marginal(made.figures, "autobuilds", "next") == pytest.approx(20)
    assert cycle_over_floor(made.figures, 1000) == pytest.approx(1.25)


def test_the_tables_say_what_was_measured_what_not_and_what_was_skipped() -> None:
    made = _report()
    assert "| what is ready | 20.0 ms | 0.5× | 0.25× | 40.0× |" in report.short(made, 1000)
    long = report.long(made)
    assert "| idle: files written | 1 | 0 | **no** |" in long
    assert "| next, 1,000, CPU, of taskwarrior | - | 1.2× | not measured |" in long
    assert "- tk: not here." in long


def test_a_kept_run_is_told_as_it_was(tmp_path: Path) -> None:
    made = _report()
    results.save(made, tmp_path / "kept.json")
    json.loads((tmp_path / "kept.json").read_text())
    assert report.long(results.load(tmp_path / "kept.json")) == report.long(made)


def test_the_documentation_has_a_place_for_the_tables(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    for page in (root / "README.md", root / "docs" / "performance.md"):
        copy = tmp_path / page.name
        copy.write_text(page.read_text())
        for _ in range(2):
            report.put({copy: report.with_tables(copy, "| a table |").encode()})
        outside = page.read_text().partition(report.BEGIN)[0], page.read_text().partition(report.END)[2]
        assert copy.read_text() == f"{outside[0]}{report.BEGIN}\n| a table |\n{report.END}{outside[1]}"
