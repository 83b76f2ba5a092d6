"""What a proof counts, against which goals, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a proof is run."""

    #: A folder of its own, made and removed by the caller.
    folder: Path
    #: Whether as many points as the goal names are tried, or a sample of them.
    full: bool = False
    #: The tool under test, one of `tests.proofs.tools`.
    tool: str = "autobuilds"
    seed: int = 1
    #: Which part of the points is tried, of how many; for proofs that take long.
    part: tuple[int, int] = (1, 1)
    #: Takes a line on what is being done, for runs over two seconds.
    say: Callable[[str], None] = lambda line: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One count; at least `least`, at most `most`, where there is such a goal."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def held(self) -> bool:
        """Whether the goal is reached."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def goal(self) -> str:
        """Return the goal in words; empty where there is none."""
        if self.least is not None and self.least == self.most:
            return f"{self.least:,g}"
        parts = [f"at least {self.least:,g}"] if self.least is not None else []
        return ", ".join([*parts, *([f"at most {self.most:,g}"] if self.most is not None else [])])


@dataclass(slots=True, kw_only=True)
class Figures:
    """What one proof found: its counts, and a line on each thing that went wrong or was left out."""

    proof: str
    counts: list[Figure] = field(default_factory=list)
    #: What went wrong, with what is needed to see it again (point, seed).
    faults: list[str] = field(default_factory=list)
    #: What could not be tried here, and why.
    skipped: list[str] = field(default_factory=list)

    def count(self, name: str, value: float, *, least: float | None = None, most: float | None = None) -> None:
        """Add a count."""
        self.counts.append(Figure(name=name, value=value, least=least, most=most))

    @property
    def held(self) -> bool:
        """Whether every goal is reached and nothing went wrong."""
        return not self.faults and all(figure.held for figure in self.counts)

    def table(self) -> str:
        """Return the counts as a Markdown table, and the lines on faults and skips behind it."""
        rows = [f"| {f.name} | {f.value:,g} | {f.goal or '-'} | {'yes' if f.held else 'NO'} |" for f in self.counts]
        lines = [f"**{self.proof}**", "", "| count | value | goal | held |", "|---|---:|---|---|", *rows]
        lines += ["", *(f"- FAULT: {fault}" for fault in self.faults)] if self.faults else []
        lines += ["", *(f"- not tried: {skip}" for skip in self.skipped)] if self.skipped else []
        return "\n".join(lines)
