"""Reading, running and comparing transcripts.

A transcript is a Markdown file. In a fenced block marked `console`, a line `$ command` is run by bash and the lines below it
are the output expected of it, messages included; lines `> …` continue the command. A last line `[exit N]` expects the exit
status N, otherwise 0 is expected. A line `...` stands for any lines, and `...` within a line for any text. A block marked `file=NAME` is written to that file first,
and an HTML comment `<!-- setup … -->` holds commands that are run without being shown.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds that one command of a transcript may take.
PATIENCE = 100
_PROJECT = "/home/you"
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>.*)$")
_STATUS = re.compile(r"^\[exit (\d+)\]$")
#: What differs from run to run, and what it is compared as.
_NORMAL = (
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?"), "TIME"),
    (re.compile(r"\bopens (?:TIME|\w+ )?\d\d:\d\d"), "opens TIME"),
    (re.compile(r"\b[0-9a-f]{7,40}\b"), "HASH"),
    (re.compile(r"\bprocess \d+\b"), "process N"),
    (re.compile(r"\bsandbox(:?) (?:bubblewrap\+landlock|bubblewrap|landlock|none)\b(?: \(weaker[^)]*\))?"), r"sandbox\1 TIER"),
    (re.compile(r"\bnew, \d+ lines\b"), "new, N lines"),
    (re.compile(r"\b(?:just now|in (?:a|an|\d+) \w+|(?:a|an|\d+) \w+ ago|\d+ seconds?|for (?:a|an|\d+) \w+)\b"), "SPAN"),
    (re.compile(r"\b\d+(?:\.\d+)? s\b"), "SPAN"),
    (re.compile(r"(?<= in )\d+\.\d+s"), "SPAN"),
)


@dataclass(slots=True)
class Step:
    """One thing to do: a command with what is expected, or a file to write."""

    line: int
    command: str = ""
    expected: list[str] = field(default_factory=list)
    status: int = 0
    file: str | None = None
    content: str = ""
    shown: bool = True
    indent: str = ""
    #: First and last line of the expected output in the source, for rewriting; counted from 0, the end excluded.
    span: tuple[int, int] = (0, 0)


def steps(text: str) -> Iterator[Step]:
    """Yield the steps of a transcript in order."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        if lines[at].strip() == "<!-- setup":
            end = lines.index("-->", at)
            yield Step(line=at + 1, command="\n".join(lines[at + 1 : end]), shown=False)
            at = end
        elif opened := _FENCE.match(lines[at]):
            close = opened["indent"] + opened["fence"]
            end = next(i for i in range(at + 1, len(lines)) if lines[i] == close)
            words = shlex.split(opened["info"])
            named = next((w.removeprefix("file=") for w in words if w.startswith("file=")), None)
            if named:
                body = [line.removeprefix(opened["indent"]) for line in lines[at + 1 : end]]
                yield Step(line=at + 1, file=named, content="\n".join(body) + "\n")
            elif words[:1] == ["console"]:
                yield from _commands(lines, at + 1, end, opened["indent"])
            at = end
        at += 1


def _commands(source: list[str], start: int, end: int, indent: str) -> Iterator[Step]:
    lines = [line.removeprefix(indent) for line in source]
    at = start
    while at < end:
        assert lines[at].startswith("$ "), f"line {at + 1}: output without a command"
        step = Step(line=at + 1, command=lines[at][2:], indent=indent)
        at += 1
        while at < end and (lines[at].startswith("> ") or lines[at] == ">"):
            step.command += "\n" + lines[at][2:]
            at += 1
        first = at
        while at < end and not lines[at].startswith("$ "):
            at += 1
        step.span = (first, at)
        step.expected = lines[first:at]
        while step.expected and not step.expected[-1]:
            step.expected.pop()
        if step.expected and (status := _STATUS.match(step.expected[-1])):
            step.status = int(status[1])
            step.expected.pop()
        yield step


def normal(line: str) -> str:
    """Return a line with everything replaced that differs from run to run."""
    line = line.rstrip()
    for pattern, instead in _NORMAL:
        line = pattern.sub(instead, line)
    return line


def agrees(expected: list[str], actual: list[str]) -> bool:
    """Whether output is as expected, `...` standing for any lines."""
    if not expected:
        return not actual
    if expected[0].strip() == "...":
        return any(agrees(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and _same(normal(expected[0]), normal(actual[0])) and agrees(expected[1:], actual[1:])


def _same(expected: str, actual: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, expected.split("..."))), actual) is not None


@dataclass(slots=True)
class Shell:
    """Runs the steps of one transcript, the folder kept from one command to the next."""

    root: Path
    path: str
    at: Path

    def run(self, command: str) -> tuple[list[str], int]:
        """Run a command line and return its output, messages included, and its exit status."""
        mark = self.root.parent / "folder"
        script = f"{command}\n_status=$?\npwd > {shlex.quote(str(mark))}\nexit $_status"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.at,
            env={**os.environ, "PATH": self.path, "COLUMNS": "100", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        if mark.exists():
            self.at = Path(mark.read_text().rstrip("\n"))
        output = done.stdout.decode().replace(str(self.root), _PROJECT)
        # What a machine lacks of a sandbox is its own.
        lines = [line for line in output.split("\n") if not line.startswith("sandbox: ")]
        while lines and not lines[-1]:
            lines.pop()
        return lines, done.returncode


def play(text: str, shell: Shell, *, rewrite: bool = False) -> tuple[list[str], str]:
    """Run a transcript; return what disagrees, in words, and the text with the real output put in where asked for."""
    faults: list[str] = []
    new: list[tuple[tuple[int, int], list[str]]] = []
    for step in steps(text):
        if step.file is not None:
            target = shell.at / step.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(step.content.encode())
            continue
        actual, status = shell.run(step.command)
        if not step.shown:
            assert status == 0, f"line {step.line}: the setup fails:\n" + "\n".join(actual)
            continue
        if status == step.status and agrees(step.expected, actual):
            continue
        faults.append(_fault(step, actual, status))
        if any("This is a bug in autobuilds" in line for line in actual):
            continue
        tail = [f"[exit {status}]"] if status else []
        new.append((step.span, [f"{step.indent}{line}".rstrip() for line in (*actual, *tail)]))
    if not rewrite:
        return faults, text
    lines = text.split("\n")
    for (first, last), output in reversed(new):
        lines[first:last] = output
    return faults, "\n".join(lines)


def _fault(step: Step, actual: list[str], status: int) -> str:
    want, got = "\n".join(f"  {x}" for x in step.expected), "\n".join(f"  {x}" for x in actual)
    return f"line {step.line}: $ {step.command}\nexpected (status {step.status}):\n{want}\ngot (status {status}):\n{got}"
