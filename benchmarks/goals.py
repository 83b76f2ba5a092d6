"""The goals for speed, each as a figure of the run that was measured and the limit that it must not pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.counts import Agreement, Piped, Transition
from benchmarks.suite import Figures

PYTHON = "python -c pass"
#: Rivals that test no dependencies and are held to another limit.
PLAIN = ("todo.txt-cli", "todoing")
#: Looks, each as the goals name it.
_LOOKS = {
    "next": "next",
    "status": "status",
    "next-new": "next after a change",
    "status-new": "status after a change",
    "full": "heartbeat after a change",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal; `value` is nothing where it was not measured."""

    text: str
    value: float | None
    most: float
    unit: str = "x"
    #: Whether a run fails without it: counts that hold, and no time.
    asserted: bool = False

    @property
    def held(self) -> bool | None:
        """Whether it is reached; nothing where it was not measured."""
        return None if self.value is None else self.value <= self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted beside the times."""

    transitions: Sequence[Transition] = ()
    pipes: Sequence[Piped] = ()
    agreement: Agreement | None = None


def growth(figures: Figures, tool: str, operation: str, *, small: int = 1000, large: int = 10000) -> float | None:
    """Return the CPU at `large` tasks as a multiple of that at `small`."""
    one, ten = figures.cell(tool, operation, small), figures.cell(tool, operation, large)
    return ten.middle("cpu") / one.middle("cpu") if one and ten else None


def marginal(figures: Figures, tool: str, operation: str, *, small: int = 1000, large: int = 10000) -> float | None:
    """Return the microseconds of CPU that one task more costs."""
    one, ten = figures.cell(tool, operation, small), figures.cell(tool, operation, large)
    return (ten.middle("cpu") - one.middle("cpu")) / (large - small) * 1e6 if one and ten else None


def cycle_over_floor(figures: Figures, count: int, what: str = "wall") -> float | None:
    """Return the full cycle as a multiple of Python, `git commit` and `/bin/true` together."""
    parts = [figures.cell(name, "cycle", count) for name in (PYTHON, "git commit", "/bin/true")]
    ours = figures.cell("autobuilds", "cycle", count)
    known = [part.middle(what) for part in parts if part]
    return ours.middle(what) / sum(known) if ours and len(known) == len(parts) else None


def _memory(figures: Figures, operation: str, count: int) -> float | None:
    cell = figures.cell("autobuilds", operation, count)
    return cell.middle("memory") if cell else None


def _rivals(figures: Figures, operation: str, count: int) -> list[str]:
    floors = {PYTHON, "bytes read", "git commit", "/bin/true", "autobuilds"}
    return list(dict.fromkeys(tool for tool, op, n in figures.cells if op == operation and n == count and tool not in floors))


def _worst(figures: Figures, operation: str, count: int, tools: Sequence[str]) -> float | None:
    theirs = operation.removesuffix("-new")
    found = [value for tool in tools if (value := figures.ratio(tool, theirs, count, of=operation)) is not None]
    return max(found, default=None)


def goals(figures: Figures, counted: Counted) -> list[Goal]:
    """Return every goal of this run."""
    least = min((count for _, _, count in figures.cells), default=0)
    found = [
        Goal(text="`--version`, CPU, of python", value=figures.ratio(PYTHON, "version", least), most=2),
        Goal(text="`--version`, memory", value=_memory(figures, "version", least), most=12, unit="MiB"),
        Goal(text="heartbeat when nothing changed, 1,000, CPU, of python", value=figures.ratio(PYTHON, "idle", 1000), most=2),
        Goal(text="heartbeat when nothing changed, 1,000, memory", value=_memory(figures, "idle", 1000), most=12, unit="MiB"),
    ]
    for operation, name in _LOOKS.items():
        found.append(Goal(text=f"{name}, 1,000, CPU, of python", value=figures.ratio(PYTHON, operation, 1000), most=3))
    for tool, most in {"backlog.md": 0.05, "task-master-ai": 0.02, "taskwarrior": 1.2}.items():
        for operation in ("next", "next-new"):
            value = figures.ratio(tool, "next", 1000, of=operation)
            found.append(Goal(text=f"{_LOOKS[operation]}, 1,000, CPU, of {tool}", value=value, most=most))
    others = [tool for tool in _rivals(figures, "next", 10000) if tool not in PLAIN]
    plain = [tool for tool in _rivals(figures, "next", 10000) if tool in PLAIN]
    listing = _rivals(figures, "list", 10000)
    for operation in ("next", "next-new"):
        name, tests, tests_not = _LOOKS[operation], _worst(figures, operation, 10000, others), _worst(figures, operation, 10000, plain)
        found.append(Goal(text=f"{name}, 10,000, CPU, of the fastest rival that tests dependencies", value=tests, most=0.1))
        found.append(Goal(text=f"{name}, 10,000, CPU, of the fastest that tests none", value=tests_not, most=0.3))
    found += [
        Goal(text="list, 10,000, CPU, of the fastest rival", value=_worst(figures, "list", 10000, listing), most=1),
        Goal(text="list after a change, 10,000, CPU, of the fastest rival", value=_worst(figures, "list-new", 10000, listing), most=1),
        Goal(text="add, 1,000, CPU, of backlog.md (which commits nothing)", value=figures.ratio("backlog.md", "add", 1000), most=0.06),
        Goal(text="full cycle, 1,000, wall, of python + `git commit` + `/bin/true`", value=cycle_over_floor(figures, 1000), most=2),
    ]
    found += [
        Goal(
            text=f"{operation.replace('-new', ' after a change')}, CPU at 10,000 of that at 1,000",
            value=growth(figures, "autobuilds", operation),
            most=4,
        )
        for operation in ("idle", "full", "list-new", "next-new", "status-new", "add")
    ]
    found += [
        Goal(text="full idle heartbeat, 1,000, memory", value=_memory(figures, "full", 1000), most=16, unit="MiB"),
        Goal(text="full idle heartbeat, 10,000, memory", value=_memory(figures, "full", 10000), most=40, unit="MiB"),
    ]
    return found + _counts(counted)


def _counts(counted: Counted) -> list[Goal]:
    found = []
    for one in counted.transitions:
        idle, cycle = one.operation == "idle", one.operation == "cycle"
        # A cycle is three transitions: the edit by hand is taken over, the start, the end.
        times = 3 if cycle else 1
        words = "three transitions of a cycle" if cycle else one.operation
        found.append(Goal(text=f"{words}: Git processes", value=one.git_processes, most=2 * times, unit="", asserted=not cycle))
        found.append(Goal(text=f"{words}: commits", value=one.commits, most=0 if idle else times, unit="", asserted=not cycle))
        if idle:
            found.append(Goal(text="idle: files written", value=one.files_written, most=0, unit=""))
    for pipe in counted.pipes:
        if pipe.tool == "autobuilds":
            text = f"list of {pipe.count:,} through a slow pipe: tasks missing"
            found.append(Goal(text=text, value=pipe.whole - pipe.tasks, most=0, unit="", asserted=True))
    if counted.agreement:
        text = f"fields of {counted.agreement.count:,} tasks read otherwise than written (of {counted.agreement.fields:,})"
        found.append(Goal(text=text, value=counted.agreement.differing, most=0, unit="", asserted=True))
    return found
