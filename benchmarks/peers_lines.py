"""Rivals that keep all tasks in one file of lines: Taskwarrior, todo.txt-cli, topydo, mdtodo."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

from benchmarks.gen import Item, free, key
from benchmarks.runner import Run
from benchmarks.tools import Operation, Site, Tool

#: The day that the data was written on.
DAY, SECOND = "2026-10-01", 1790000000
LETTER = {"high": "A", "medium": "B", "low": "C"}


def _uuid(number: int) -> str:
    return str(uuid.UUID(int=number + (4 << 76) + (8 << 60)))


def _taskwarrior_line(item: Item) -> str:
    values = {f"annotation_{SECOND + place}": text for place, text in enumerate([item.description, *item.criteria])}
    values |= {"description": item.title, "entry": str(SECOND), "modified": str(SECOND), "priority": item.priority[0].upper()}
    values |= {"tags": ",".join(item.labels), **{f"tags_{label}": "x" for label in item.labels}, "uuid": _uuid(item.number)}
    values |= {"status": "completed" if item.state == "done" else "pending"}
    if item.state == "doing":
        values["start"] = str(SECOND)
    if item.state == "done":
        values["end"] = str(SECOND)
    if item.depends_on is not None:
        values |= {"depends": _uuid(item.depends_on), f"dep_{_uuid(item.depends_on)}": "x"}
    return "[" + " ".join(f'{name}:"{text}"' for name, text in sorted(values.items())) + "]\n"


def taskwarrior(program: Path, version: str) -> Tool:
    """Return Taskwarrior 2."""

    def write(site: Site) -> None:
        (site.folder / "rc").write_text("confirmation=off\nverbose=nothing\ndefaultwidth=200\nrecurrence=off\nhooks=off\n")
        for name, done in (("pending", False), ("completed", True)):
            lines = [_taskwarrior_line(item) for item in site.tasks if (item.state == "done") is done]
            (site.folder / f"{name}.data").write_text("".join(lines))

    def add(site: Site, turn: int) -> Run:
        name = f"{key(900000 + turn)} Show the total on the page"
        return site.run(program, "add", name, "priority:H", "+docs", "+cli", check=site.holds("pending.data", name))

    def change(site: Site, turn: int) -> Run:
        target = _uuid(free(site.count, turn, digit=8))
        new = "HML"[turn % 3]
        return site.run(program, target, "modify", f"priority:{new}", check=site.holds("pending.data", f'priority:"{new}".*{target}'))

    def done(site: Site, turn: int) -> Run:
        target = _uuid(free(site.count, turn, digit=7))
        return site.run(program, target, "done", check=site.holds("*.data", f'status:"completed".*{target}'))

    return Tool(
        name="taskwarrior",
        version=version,
        store="one file of lines; commits nothing",
        write=write,
        env=lambda folder: {"TASKRC": str(folder / "rc"), "TASKDATA": str(folder)},
        operations={
            "version": lambda site, _: site.run(program, "--version"),
            "list": lambda site, _: site.run(program, "list", check=site.listed()),
            "next": lambda site, _: site.run(program, "ready", check=site.listed(least=5)),
            "add": add,
            "set": change,
            "done": done,
        },
        remarks=("taskwarrior: description and criteria are annotations; `add` gives it neither",),
    )


def _todo_line(item: Item, *, links: dict[int, int] | None = None) -> str:
    text = " ".join([item.title, *(f"@{label}" for label in item.labels), item.description])
    if links is not None:
        text += f" id:{item.number}" if item.depends_on is not None else ""
        text += f" p:{links[item.number]}" if item.number in links else ""
    return f"x {DAY} {DAY} {text}\n" if item.state == "done" else f"({LETTER[item.priority]}) {DAY} {text}\n"


def _todo_write(site: Site, *, linked: bool) -> None:
    links = {item.depends_on: item.number for item in site.tasks if item.depends_on is not None} if linked else None
    for name, done in (("todo.txt", False), ("done.txt", True)):
        lines = [_todo_line(item, links=links) for item in site.tasks if (item.state == "done") is done]
        (site.folder / name).write_text("".join(lines))


def _todo_place(site: Site, number: int) -> str:
    """Return the line of todo.txt that an open task stands in; targets go from the end, so what is archived moves none of them."""
    return str(sum(item.state != "done" for item in site.tasks[:number]))


def _todo_edits(run: Callable[..., Run]) -> dict[str, Operation]:
    """Return the edits that the tools of this format have in common."""

    def change(site: Site, turn: int) -> Run:
        target = free(site.count, turn, digit=8)
        new = "DEF"[turn % 3]
        return run(site, "pri", _todo_place(site, target), new, text=rf"^\({new}\) .*{key(target)}")

    def done(site: Site, turn: int) -> Run:
        target = free(site.count, turn, digit=7)
        return run(site, "do", _todo_place(site, target), text=rf"^x .*{key(target)}")

    return {"set": change, "done": done}


def todotxt(program: Path, version: str) -> Tool:
    """Return todo.txt-cli."""

    def write(site: Site) -> None:
        _todo_write(site, linked=False)
        names = {"TODO_DIR": ".", "TODO_FILE": "todo.txt", "DONE_FILE": "done.txt", "REPORT_FILE": "report.txt"}
        (site.folder / "config").write_text("".join(f"export {name}={value}\n" for name, value in names.items()))

    def run(site: Site, *argv: str, text: str = "") -> Run:
        check = site.holds("todo.txt", text) if text else site.listed(least=5)
        return site.run(program, "-d", "config", "-p", "-a", "-f", *argv, check=check)

    def add(site: Site, turn: int) -> Run:
        name = f"{key(900000 + turn)} Show the total on the page"
        return run(site, "-t", "add", f"(A) {name} @docs @cli {site.tasks[0].description}", text=name)

    return Tool(
        name="todo.txt-cli",
        version=version,
        store="one file of lines; commits nothing",
        write=write,
        operations={
            "version": lambda site, _: site.run(program, "-V", accepted=(0, 1)),
            "list": lambda site, _: run(site, "ls"),
            "next": lambda site, _: run(site, "lsp", "A"),
            "add": add,
            **_todo_edits(run),
        },
        remarks=("todo.txt-cli: no criteria, no dependencies; ready is every line of priority A",),
    )


def topydo(program: Path, version: str) -> Tool:
    """Return topydo."""

    def run(site: Site, *argv: str, text: str = "") -> Run:
        check = site.holds("*.txt", text) if text else site.listed(least=5)
        return site.run(program, "-t", "todo.txt", "-d", "done.txt", *argv, check=check)

    def add(site: Site, turn: int) -> Run:
        name = f"{key(900000 + turn)} Show the total on the page"
        return run(site, "add", f"(A) {name} @docs @cli {site.tasks[0].description}", text=name)

    return Tool(
        name="topydo",
        version=version,
        store="one file of lines; commits nothing",
        write=lambda site: _todo_write(site, linked=True),
        operations={
            "version": lambda site, _: site.run(program, "--version"),
            "list": lambda site, _: run(site, "ls", "-x"),
            "next": lambda site, _: run(site, "ls"),
            "add": add,
            **_todo_edits(run),
        },
    )


def mdtodo(program: Path, version: str) -> Tool:
    """Return mdtodo, which keeps one Markdown file as autobuilds does."""

    def write(site: Site) -> None:
        lines = ["# Bench\n"]
        for item in site.tasks:
            box, mark = "x" if item.state == "done" else " ", {"doing": " @active"}.get(item.state, "")
            mark = " @next" if not mark and item.state == "todo" and item.depends_on is None and item.priority == "high" else mark
            lines.append(f"- [{box}] {item.title}{mark}\n\n  {item.description}\n\n")
            lines += [f"  - [{box}] {criterion}\n" for criterion in item.criteria]
        (site.folder / "todo.md").write_text("".join(lines))

    def run(site: Site, *argv: str, text: str = "") -> Run:
        check = site.holds("todo.md", text) if text else site.listed(least=5)
        return site.run(program, "--file", "todo.md", "--color", "never", *argv, check=check)

    def reference(number: int, site: Site) -> str:
        return hashlib.sha1(f"Bench\n{site.tasks[number - 1].title}".encode(), usedforsecurity=False).hexdigest()[:6]

    def change(site: Site, turn: int) -> Run:
        target = free(site.count, turn, digit=8)
        return run(site, "start", reference(target, site), text=rf"{key(target)} .*@active")

    def done(site: Site, turn: int) -> Run:
        target = free(site.count, turn, digit=7)
        return run(site, "done", reference(target, site), text=rf"^- \[x\] {key(target)}")

    return Tool(
        name="mdtodo",
        version=version,
        store="one Markdown file; commits nothing",
        write=write,
        operations={
            "version": lambda site, _: site.run(program, "--version"),
            "list": lambda site, _: run(site, "list"),
            "next": lambda site, _: run(site, "next"),
            "set": change,
            "done": done,
        },
        remarks=("mdtodo: has no `add`; ready is what is marked `@next` by hand; `set` marks a task as active",),
    )
