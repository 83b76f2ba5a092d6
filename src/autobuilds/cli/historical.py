"""The entry points of the first generation, `scripts/NAME`: their arguments, answered by the commands of today.

`docs/reference/historical-scripts.md` lists them; each script is a few lines that call `run_script`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from autobuilds.errors import AutobuildsError

#: Parses a script's arguments and does what they ask in a workspace (None: the command looks for one and says so).
Script = Callable[[Sequence[str], list[str]], int]


def run_script(name: str, argv: Sequence[str], file: str) -> int:
    """Run the script `name` with its arguments and return the exit status; `file` is where the script stands.

    The workspace is the nearest folder upwards with a BUILD_QUEUE.md, else AUTOBUILDS_WORKSPACE, else the folder above the script.
    """
    try:
        return SCRIPTS[name](argv, _workspace(Path(file).resolve().parents[1]))
    except AutobuildsError as known:
        sys.stderr.write(f"{name}.py: {known}\n")
        return known.exit_code
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 2


def _workspace(above_script: Path) -> list[str]:
    """Return the option that names the workspace to a command."""
    from autobuilds.store.workspace import QUEUE

    here = Path.cwd()
    found = next((folder for folder in (here, *here.parents) if (folder / QUEUE).exists()), None)
    told = os.environ.get("AUTOBUILDS_WORKSPACE")
    if found is None and not told and (above_script / QUEUE).exists():
        found = above_script
    return [f"--workspace={found or told}"] if found or told else []


def _command(*args: str) -> int:
    from autobuilds.cli.app import run

    return run(args)


def _parser(name: str, about: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"{name}.py", description=about, allow_abbrev=False)


def auto_build_manager(argv: Sequence[str], workspace: list[str]) -> int:
    """Run a heartbeat, look at what it would do, look after what runs, or record the owner's word."""
    parser = _parser("auto_build_manager", "Without arguments: one heartbeat.")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--check", action="store_true", help="change nothing; print every task with its verdict and reason")
    one.add_argument("--monitor", action="store_true", help="look after what runs and render, but start nothing")
    one.add_argument("--fail", metavar="LABEL", help="take an attempt as failed")
    one.add_argument("--complete", metavar="LABEL", help="take a task as done")
    given = parser.parse_args(argv)
    for verb, label in (("fail", given.fail), ("complete", given.complete)):
        if label is not None:
            return _command(verb, *workspace, "--", label)
    flags = [f"--{flag}" for flag in ("check", "monitor") if getattr(given, flag)]
    return _command("heartbeat", *workspace, *flags)


def add_build_task(argv: Sequence[str], workspace: list[str]) -> int:
    """Add a task."""
    parser = _parser("add_build_task", "Add a task to BUILD_QUEUE.md.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--desc", required=True, help="what is wanted")
    parser.add_argument("--priority", choices=["high", "medium", "low"], default="medium")
    parser.add_argument("--time", help='how long it takes, such as "4 hours"')
    parser.add_argument("--tech", help="languages, libraries, tools")
    parser.add_argument("--criteria", action="append", default=[], help="a completion criterion; repeatable")
    parser.add_argument("--category")
    parser.add_argument("--blockers", help="what it waits for")
    parser.add_argument("--steps", help="a file of shell text (- for standard input) for the agent `command`")
    given = parser.parse_args(argv)
    pairs = [("desc", given.desc), ("priority", given.priority), ("time", given.time), ("tech", given.tech)]
    pairs += [("category", given.category), ("blocker", given.blockers), ("steps", given.steps)]
    pairs += [("criterion", text) for text in given.criteria]
    options = [f"--{option}={value}" for option, value in pairs if value is not None]
    return _command("add", *workspace, *options, "--", given.name)


def build_status(argv: Sequence[str], workspace: list[str]) -> int:
    """Print the status, or one part of it."""
    parser = _parser("build_status", "Without arguments: what is going on, on one screen.")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--queue", action="store_true", help="the tasks that wait, and what holds each")
    one.add_argument("--active", action="store_true", help="the builds that run")
    one.add_argument("--completed", action="store_true", help="the builds that are done")
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    given = parser.parse_args(argv)
    part = next((part for part, chosen in _PARTS.items() if getattr(given, chosen)), None)
    if part is None:
        return _command("status", *workspace, *(["--json"] if given.json else []))
    from autobuilds.cli.parts import status_part

    root = Path(workspace[0].partition("=")[2]) if workspace else None
    status_part(part, root, as_json=given.json)
    return 0


#: The part of `status --json` that an option of build_status.py prints.
_PARTS = {"queue": "queue", "building": "active", "completed": "completed"}


def spawn_agent(argv: Sequence[str], workspace: list[str]) -> int:
    """Start a task at once, past the priority gate, never past risk or approval."""
    parser = _parser("spawn_agent", "Start one task at once; a new one is written into the queue first.")
    parser.add_argument("--label", required=True)
    parser.add_argument("--task", help="what to build; left out for a task that stands in the queue")
    parser.add_argument("--agent", help="a preset, such as claude or command")
    given = parser.parse_args(argv)
    options = [f"--{option}={value}" for option, value in (("task", given.task), ("agent", given.agent)) if value is not None]
    return _command("spawn", *workspace, *options, "--", given.label)


def generate_build_report(argv: Sequence[str], workspace: list[str]) -> int:
    """Write the report of a day."""
    parser = _parser("generate-build-report", "Write the report of a day to build-reports/.")
    parser.add_argument("--date", metavar="D", help="the day (YYYY-MM-DD); default: today")
    parser.add_argument("--stdout", action="store_true", help="print the page instead of writing it")
    given = parser.parse_args(argv)
    day = [f"--date={given.date}"] if given.date is not None else []
    return _command("report", *workspace, *day, *(["--stdout"] if given.stdout else []))


def weekend_planner(argv: Sequence[str], workspace: list[str]) -> int:
    """Propose projects for the weekend, start one, or show how it goes."""
    parser = _parser("weekend_planner", "Projects for the weekend; nothing starts before you choose.")
    one = parser.add_subparsers(dest="verb", required=True)
    one.add_parser("suggest", help="propose two or three projects")
    start = one.add_parser("start", help="turn one of them into tasks")
    start.add_argument("proposal", nargs="?", help="its id or number; left out where there is one only")
    start.add_argument("--yes", action="store_true", help="ask nothing")
    one.add_parser("progress", help="how the chosen one stands")
    one.add_parser("summary", help="what the weekend brought")
    given = parser.parse_args(argv)
    if given.verb != "start":
        return _command("weekend", given.verb, *workspace)
    wanted = [] if given.proposal is None else ["--", given.proposal]
    return _command("weekend", "start", *workspace, *(["--yes"] if given.yes else []), *wanted)


def problem_predictor(argv: Sequence[str], workspace: list[str]) -> int:
    """Look at disk, logs, databases, repositories and leavings, and mend what is safe."""
    parser = _parser("problem_predictor", "Without arguments: scan.")
    parser.add_argument("what", nargs="?", default="scan", choices=["scan", "fix", "metrics", "list"])
    parser.add_argument("--safe", action="store_true", help="fix: only what can be taken back or loses nothing, which is all there is")
    parser.add_argument("--dry-run", action="store_true", help="fix: show what would be done")
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    given = parser.parse_args(argv)
    if given.what != "fix" and (given.safe or given.dry_run):
        parser.error("--safe and --dry-run belong to fix")
    flags = [f"--{flag.replace('_', '-')}" for flag in ("safe", "dry_run", "json") if getattr(given, flag)]
    return _command("problems", given.what, *workspace, *flags)


def build_scheduler(argv: Sequence[str], workspace: list[str]) -> int:
    """Say which tasks are meant for which window, what runs when, what became of the builds, or what could start now."""
    parser = _parser("build_scheduler", "Without arguments: schedule.")
    parser.add_argument("what", nargs="?", default="schedule", choices=["list", "schedule", "stats", "next"])
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    given = parser.parse_args(argv)
    command = ["schedule", "--list"] if given.what == "list" else [given.what]
    return _command(*command, *workspace, *(["--json"] if given.json else []))


def autonomous_queue(argv: Sequence[str], workspace: list[str]) -> int:
    """Add a task, or say how far the queue has come, what the day brought, or what runs when."""
    parser = _parser("autonomous_queue", "The queue of builds that run by themselves.")
    one = parser.add_subparsers(dest="verb", required=True)
    add = one.add_parser("add", help="add a task", allow_abbrev=False)
    add.add_argument("title", metavar="TITLE")
    add.add_argument("description", metavar="DESCRIPTION")
    add.add_argument("hours", metavar="HOURS", type=_hours, help="how long it takes, such as 2 or 1.5")
    add.add_argument("category", metavar="CATEGORY")
    add.add_argument("priority", metavar="PRIORITY", type=str.lower, choices=["high", "medium", "low"])
    for verb, about in (("progress", "how far the queue has come"), ("report", "the report of today"), ("schedule", "what runs when")):
        one.add_parser(verb, help=about).add_argument("--json", action="store_true", help="answer with one JSON object")
    given = parser.parse_args(argv)
    if given.verb == "add":
        pairs = (("desc", given.description), ("time", f"{given.hours} hours"), ("category", given.category), ("priority", given.priority))
        return _command("add", *workspace, *(f"--{option}={value}" for option, value in pairs), "--", given.title)
    if given.verb != "progress":
        return _command(given.verb, *workspace, *(["--json"] if given.json else []))
    from autobuilds.cli.scheduling import progress

    progress(Path(workspace[0].partition("=")[2]) if workspace else None, as_json=given.json)
    return 0


def _hours(text: str) -> str:
    """Return hours as `autobuilds add` reads them; raises ArgumentTypeError for what is no number of hours above zero."""
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours; write 2 or 1.5")
    return f"{hours:g}"


def context_scheduler(argv: Sequence[str], workspace: list[str]) -> int:
    """Say what the owner is doing, how his day has gone, or what comes next."""
    parser = _parser("context_scheduler", "Without arguments: detect.")
    parser.add_argument("what", nargs="?", default="detect", choices=["detect", "summary", "upcoming"])
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    given = parser.parse_args(argv)
    return _command("context", given.what, *workspace, *(["--json"] if given.json else []))


def overnight_runner(argv: Sequence[str], workspace: list[str]) -> int:
    """Begin the overnight session, report it, brief the owner, or say by the exit status whether it is overnight."""
    parser = _parser("overnight_runner", "Builds overnight: start (23:00), report (06:30), brief (07:00).")
    parser.add_argument("what", choices=["start", "report", "brief", "is-overnight"])
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    given = parser.parse_args(argv)
    return _command("overnight", given.what, *workspace, *(["--json"] if given.json else []))


def generate_morning_brief(argv: Sequence[str], workspace: list[str]) -> int:
    """Write the brief of a morning."""
    parser = _parser("generate-morning-brief", "Write the brief of a morning to build-reports/.")
    parser.add_argument("--date", metavar="D", help="the day (YYYY-MM-DD); default: today")
    parser.add_argument("--stdout", action="store_true", help="print the page instead of writing it")
    given = parser.parse_args(argv)
    day = [f"--date={given.date}"] if given.date is not None else []
    return _command("brief", *workspace, *day, "--markdown" if given.stdout else "--write")


#: Every script by its name without `.py`.
SCRIPTS: dict[str, Script] = {
    "auto_build_manager": auto_build_manager,
    "add_build_task": add_build_task,
    "build_status": build_status,
    "spawn_agent": spawn_agent,
    "generate-build-report": generate_build_report,
    "generate-morning-brief": generate_morning_brief,
    "build_scheduler": build_scheduler,
    "autonomous_queue": autonomous_queue,
    "problem_predictor": problem_predictor,
    "overnight_runner": overnight_runner,
    "context_scheduler": context_scheduler,
    "weekend_planner": weekend_planner,
}
