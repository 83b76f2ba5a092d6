"""Three writers of a tool and a person who saves in six ways, at one time on one file: whose words are lost?"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.figures import Figures, Options
from tests.proofs.tools import REPOSITORY, TOOLS, Tool

#: Any tool of `tools.py` can be tried, not autobuilds alone.
ANY_TOOL = True
#: Seconds of one run, and how many runs there are at most.
_SAMPLE, _FULL, _MOST_RUNS = 6.0, 120.0, 16
_HANDS, _WRITES = 20_000, 2_000
_BY_HAND = re.compile(r"By hand (\d+)\.")
#: Drives a tool by its command line: folder, letter, until, name of the tool.
_DRIVER = """
import pathlib, subprocess, sys, time
from tests.proofs.tools import TOOLS
folder, letter, until, tool = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), TOOLS[sys.argv[4]]
n = 0
def told(verb, argv):
    done = subprocess.run(argv, cwd=folder, env=tool.variables(folder), stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    print(verb if done.returncode == 0 else "refused", name, flush=True)
while time.time() < until or n < 1:
    n += 1
    name = f"Tool {letter} {n}"
    told("add", tool.add(folder, name))
    if tool.mark is not None:
        told("mark", tool.mark(folder, name))
"""


@dataclass(slots=True, kw_only=True)
class Run:
    """What one run of the hammer came to."""

    hands: int = 0
    writes: int = 0
    refused: int = 0
    lost_hands: int = 0
    lost_writes: int = 0
    faults: tuple[str, ...] = ()


def hammer(tool: Tool, folder: Path, seconds: float, *, seed: int, pause: float = 0.05, longest: str = "") -> Run:
    """Let three writers and a person work on one file for some seconds, and count."""
    folder.mkdir(parents=True)
    (folder / "home").mkdir()
    tool.prepare(folder)
    hand = {"HAND_LINE": tool.line, "HAND_SEED": str(seed), "HAND_PAUSE": str(pause), "HAND_REST": "0.3"}
    program = str(REPOSITORY / "tests" / "proofs" / "_editor.py")
    person = _started([sys.executable, program, str(folder / tool.file), str(time.time() + 3600), longest], hand)
    assert person.stdout is not None
    first = person.stdout.readline()  # however slow the machine is: from here on they work at one time
    until = str(time.time() + seconds)
    tools = [_started([sys.executable, "-c", tool.writer or _DRIVER, str(folder), letter, until, tool.name], {}) for letter in "abc"]
    asked = threading.Lock()

    def ask() -> None:
        if asked.acquire(blocking=False):  # once: asked again while it ends, a process dies of it
            person.terminate()

    end = threading.Timer(seconds + 10.0, ask)  # whoever is slow must get on
    end.start()
    answers = [process.communicate(timeout=seconds + 240) for process in tools]
    end.cancel()
    ask()
    answers.append(person.communicate(timeout=60))
    running = [*tools, person]
    faults = [
        (error.strip() or f"exit status {process.returncode}").splitlines()[-1]
        for process, (_, error) in zip(running, answers, strict=True)
        if process.returncode
    ]
    told = [line.partition(" ")[::2] for out, _ in answers[:3] for line in out.splitlines()]
    saved = {int(found[1]) for line in [first, *answers[3][0].splitlines()] if (found := _BY_HAND.search(line))}
    lost_writes = _lost(tool, folder, told)
    text = tool.text(folder)
    there = {int(number) for number in _BY_HAND.findall(text)}
    lost = sorted(saved - there)
    if lost:
        faults.append(f"seed {seed}: lost by hand {lost[:10]}{' ...' if len(lost) > 10 else ''}")
    if lost_writes:
        faults.append(f"seed {seed}: lost {', '.join(lost_writes[:10])}")
    return Run(
        hands=len(saved),
        writes=sum(verb != "refused" for verb, _ in told),
        refused=sum(verb == "refused" for verb, _ in told),
        lost_hands=len(lost),
        lost_writes=len(lost_writes),
        faults=tuple(faults),
    )


def _started(argv: Sequence[str], extra: dict[str, str]) -> subprocess.Popen[str]:
    import os

    paths = [str(REPOSITORY), str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, **extra, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def _lost(tool: Tool, folder: Path, told: Sequence[tuple[str, str]]) -> list[str]:
    """Return what the tool said that it saved and that is not there; ours is let settle as the next heartbeats would."""
    if not tool.name.startswith("autobuilds"):
        text = tool.text(folder)
        return [f"{verb} {name}" for verb, name in told if verb == "add" and not re.search(rf"\b{re.escape(name)}\b", text)]
    from datetime import UTC

    from autobuilds.store.queue.file import QueueFile

    queue, quiet, deadline = QueueFile(folder, UTC), 0, time.monotonic() + 20
    while quiet < 3 and time.monotonic() < deadline:
        quiet = 0 if queue.rescue() else quiet + 1
        time.sleep(0.12)
    tasks = {task.label: task for task in queue.read().queue.tasks}
    lost = []
    for verb, name in told:
        task = tasks.get(name.lower().replace(" ", "-"))
        by_cli = tool.writer is None
        held = task is not None and {
            "add": True,
            "refused": True,
            "tick": all(criterion.checked for criterion in task.criteria),
            "mark": task.priority.value == "low" if by_cli else not task.is_active,
        }.get(verb, False)
        lost += [] if held or (verb == "refused" and task is None) else [f"{verb} {name}"]
    return lost


def run(options: Options) -> Figures:
    """Run the hammer with the chosen tool."""
    tool = TOOLS[options.tool]
    figures = Figures(proof=f"hammer, {tool.name}")
    reason = tool.why_not()
    if reason is not None:
        figures.skipped.append(reason)
        figures.count("tools skipped", 1)
        return figures
    runs: list[Run] = []
    most = _MOST_RUNS if options.full and tool.name == "autobuilds" else 1
    seconds = _FULL if options.full else _SAMPLE
    while len(runs) < most and (sum(r.hands for r in runs) < _HANDS or sum(r.writes for r in runs) < _WRITES):
        number = len(runs)
        # Every third run with a person who is kept waiting between look and save, as a busy machine does it.
        longest = "0.5" if number % 3 == 2 else ""
        runs.append(hammer(tool, options.folder / str(number), seconds, seed=options.seed + number, longest=longest))
        options.say(f"run {number + 1}: {runs[-1]}")
    ours = options.full and tool.name == "autobuilds"
    figures.count("runs", len(runs))
    figures.count("hand edits", sum(r.hands for r in runs), least=_HANDS if ours else 1)
    figures.count("tool writes", sum(r.writes for r in runs), least=_WRITES if ours else 1)
    figures.count("tool writes refused", sum(r.refused for r in runs))
    figures.count("hand edits lost", sum(r.lost_hands for r in runs), least=0, most=0)
    figures.count("tool writes lost", sum(r.lost_writes for r in runs), least=0, most=0)
    figures.faults += [fault for r in runs for fault in r.faults]
    return figures
