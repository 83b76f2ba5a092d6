"""Rivals that keep a file for each task, or all in one JSON file: Backlog.md, todoing, task-master-ai, tk."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.gen import Item, free, key
from benchmarks.runner import Run
from benchmarks.tools import Site, Tool, repository

DAY = "2026-10-01"


def _backlog_task(item: Item) -> str:
    state = {"todo": "To Do", "doing": "In Progress", "done": "Done"}[item.state]
    waits = f"dependencies:\n  - TASK-{item.depends_on}" if item.depends_on else "dependencies: []"
    boxes = "\n".join(f"- [ ] #{place} {text}" for place, text in enumerate(item.criteria, 1))
    return f"""---
id: TASK-{item.number}
title: {item.title}
status: {state}
assignee: []
created_date: '{DAY} 09:00'
labels:
  - {item.labels[0]}
  - {item.labels[1]}
{waits}
priority: {item.priority}
ordinal: {item.number}000
---

## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
{item.description}
<!-- SECTION:DESCRIPTION:END -->

## Acceptance Criteria
<!-- AC:BEGIN -->
{boxes}
<!-- AC:END -->
"""


_BACKLOG_CONFIG = """project_name: "bench"
default_status: "To Do"
statuses: ["To Do", "In Progress", "Done"]
labels: []
date_format: yyyy-mm-dd
max_column_width: 20
auto_open_browser: false
default_port: 6420
remote_operations: false
auto_commit: false
filesystem_only: true
bypass_git_hooks: false
check_active_branches: false
active_branch_days: 30
task_prefix: "task"
"""


def backlog(program: Path, version: str) -> Tool:
    """Return Backlog.md: its compiled program without the Node starter, in its quickest setting (`filesystem_only`)."""

    def write(site: Site) -> None:
        tasks = site.folder / "backlog" / "tasks"
        tasks.mkdir(parents=True)
        for name in ("archive", "completed", "decisions", "docs", "drafts", "milestones"):
            (site.folder / "backlog" / name).mkdir()
        (site.folder / "backlog" / "config.yml").write_text(_BACKLOG_CONFIG)
        for item in site.tasks:
            (tasks / f"task-{item.number} - {item.title.replace(' ', '-')}.md").write_text(_backlog_task(item))
        repository(site)

    def add(site: Site, turn: int) -> Run:
        name, model = f"{key(900000 + turn)} Show the total on the page", site.tasks[0]
        boxes = [word for text in model.criteria for word in ("--ac", text)]
        argv = ["task", "create", name, "-d", model.description, *boxes, "-l", "docs,cli", "--priority", "high", "--plain"]
        return site.run(program, *argv, check=site.holds("backlog/tasks/*Show-the-total*", f"^title: {name}$"))

    def edit(site: Site, target: int, text: str, *argv: str) -> Run:
        return site.run(program, "task", "edit", str(target), *argv, "--plain", check=site.holds(f"backlog/tasks/task-{target} *", text))

    def change(site: Site, turn: int) -> Run:
        new = ("high", "low", "medium")[turn % 3]
        return edit(site, free(site.count, turn, digit=8), f"^priority: {new}$", "--priority", new)

    def done(site: Site, turn: int) -> Run:
        return edit(site, free(site.count, turn, digit=7), "^status: Done$", "-s", "Done")

    return Tool(
        name="backlog.md",
        version=version,
        store="a Markdown file for each task; commits nothing",
        write=write,
        operations={
            "version": lambda site, _: site.run(program, "--version"),
            "list": lambda site, _: site.run(program, "task", "list", "--plain", "--exclude-status", "Done", check=site.listed()),
            "next": lambda site, _: site.run(program, "task", "list", "--ready", "--plain", check=site.listed(least=5)),
            "add": add,
            "set": change,
            "done": done,
        },
        remarks=("backlog.md: its program called directly, `filesystem_only`, no look at branches or remotes",),
    )


def todoing(program: Path, version: str) -> Tool:
    """Return todoing."""
    states = {"todo": "todo", "doing": "in_progress", "done": "done"}

    def write(site: Site) -> None:
        tasks = site.folder / ".todoing" / "tasks"
        tasks.mkdir(parents=True)
        index = []
        for item in site.tasks:
            at = f"2026-10-01T09:{item.number // 60 % 60:02}:{item.number % 60:02}.{item.number:06}"
            body = "\n".join([item.description, "", *(f"- [ ] {text}" for text in item.criteria)])
            head = f"added_at: '{at}'\nid: {item.number}\nlabels: [{', '.join(item.labels)}]\nstatus: {states[item.state]}\ntitle: {item.title}"
            (tasks / f"{item.number}.md").write_text(f"---\n{head}\n---\n\n{body}\n")
            entry = {"id": item.number, "title": item.title, "added_at": at, "status": states[item.state]}
            index.append({**entry, "labels": list(item.labels), "body": body})
        (site.folder / ".todoing" / "index.json").write_text(json.dumps(index, indent=2))

    def add(site: Site, turn: int) -> Run:
        name = f"{key(900000 + turn)} Show the total on the page"
        argv = ["add", name, "-l", "docs", "-l", "cli", "-b", site.tasks[0].description]
        return site.run(program, *argv, check=site.holds(".todoing/tasks/*.md", name))

    def change(site: Site, turn: int) -> Run:
        target = free(site.count, turn, digit=8)
        return site.run(program, "label", str(target), f"+p{turn}", check=site.holds(f".todoing/tasks/{target}.md", rf"\bp{turn}\b"))

    def done(site: Site, turn: int) -> Run:
        target = free(site.count, turn, digit=7)
        return site.run(program, "status", str(target), "done", check=site.holds(f".todoing/tasks/{target}.md", "^status: done$"))

    return Tool(
        name="todoing",
        version=version,
        store="a Markdown file for each task and a JSON index; commits nothing",
        write=write,
        operations={
            "version": lambda site, _: site.run(program, "version"),
            "list": lambda site, _: site.run(program, "ls", check=site.listed()),
            "next": lambda site, _: site.run(program, "ls", "-s", "todo", check=site.listed(least=5)),
            "add": add,
            "set": change,
            "done": done,
        },
        remarks=("todoing: no dependencies; ready is every task of status todo; `set` adds a label",),
    )


def task_master(program: Path, version: str) -> Tool:
    """Return task-master-ai, its telemetry and its look for updates switched off."""
    states = {"todo": "pending", "doing": "in-progress", "done": "done"}

    def entry(item: Item) -> dict[str, object]:
        return {
            "id": item.number,
            "title": item.title,
            "description": item.description,
            "details": "\n".join(item.criteria),
            "testStrategy": "",
            "status": states[item.state],
            "dependencies": [item.depends_on] if item.depends_on else [],
            "priority": item.priority,
            "subtasks": [],
        }

    def write(site: Site) -> None:
        folder = site.folder / ".taskmaster"
        (folder / "tasks").mkdir(parents=True)
        at = f"{DAY}T09:00:00.000Z"
        tag = {"tasks": [entry(item) for item in site.tasks], "metadata": {"created": at, "updated": at, "description": "bench"}}
        (folder / "tasks" / "tasks.json").write_text(json.dumps({"master": tag}, indent=2))
        (folder / "state.json").write_text(json.dumps({"currentTag": "master", "migrationNoticeShown": True}))
        model = {"provider": "anthropic", "modelId": "claude-sonnet-4-20250514", "maxTokens": 64000, "temperature": 0.2}
        quiet = {"logLevel": "error", "anonymousTelemetry": False, "enableCodebaseAnalysis": False, "projectName": "bench"}
        (folder / "config.json").write_text(json.dumps({"models": {"main": model, "research": model}, "global": quiet}))

    def run(site: Site, *argv: str, text: str = "") -> Run:
        check = site.holds(".taskmaster/tasks/tasks.json", text) if text else site.listed(least=1)
        return site.run("node", program, *argv, check=check)

    def add(site: Site, turn: int) -> Run:
        name, model = f"{key(900000 + turn)} Show the total on the page", site.tasks[0]
        argv = ["add-task", f"--title={name}", f"--description={model.description}", f"--details={model.criteria[0]}", "--priority=high"]
        return run(site, *argv, text=name)

    def done(site: Site, turn: int) -> Run:
        target = free(site.count, turn, digit=7)
        return run(site, "set-status", f"--id={target}", "--status=done", text=f'"title": "{key(target)}[^}}]*"status": "done"')

    return Tool(
        name="task-master-ai",
        version=version,
        store="one JSON file; commits nothing",
        write=write,
        env=lambda _: {"TASKMASTER_SKIP_AUTO_UPDATE": "1"},
        operations={
            "version": lambda site, _: site.run("node", program, "--version"),
            "list": lambda site, _: run(site, "list"),
            "next": lambda site, _: run(site, "next"),
            "add": add,
            "done": done,
        },
        remarks=("task-master-ai: setting a field needs a model, so it is left out",),
    )


def tk(program: Path, *, lists: bool) -> Tool:
    """Return tk (wedow/ticket), one shell script; `lists` says whether its plugin `ls` is there."""
    states = {"todo": "open", "doing": "in_progress", "done": "closed"}
    ranks = {"high": 1, "medium": 2, "low": 3}

    def name(number: int) -> str:
        return f"be-{number:06}"

    def ticket(item: Item) -> str:
        waits = f"[{name(item.depends_on)}]" if item.depends_on else "[]"
        head = f"id: {name(item.number)}\nstatus: {states[item.state]}\ndeps: {waits}\nlinks: []\ncreated: {DAY}T09:00:00Z\ntype: task"
        head += f"\npriority: {ranks[item.priority]}\nassignee: Olive\ntags: [{', '.join(item.labels)}]"
        boxes = "\n".join(f"- [ ] {text}" for text in item.criteria)
        return f"---\n{head}\n---\n# {item.title}\n\n{item.description}\n\n## Acceptance Criteria\n\n{boxes}\n\n"

    def write(site: Site) -> None:
        (site.folder / ".tickets").mkdir()
        for item in site.tasks:
            (site.folder / ".tickets" / f"{name(item.number)}.md").write_text(ticket(item))

    def add(site: Site, turn: int) -> Run:
        title, model = f"{key(900000 + turn)} Show the total on the page", site.tasks[0]
        argv = ["create", title, "-d", model.description, "--acceptance", "\n".join(model.criteria), "-p", "1", "--tags", "docs,cli"]
        return site.run(program, *argv, check=site.holds(".tickets/*.md", f"^# {title}$"))

    def status(site: Site, target: int, new: str) -> Run:
        return site.run(program, "status", name(target), new, check=site.holds(f".tickets/{name(target)}.md", f"^status: {new}$"))

    listing = {"list": lambda site, _: site.run(program, "ls", check=site.listed())} if lists else {}
    return Tool(
        name="tk",
        version="as on PATH",
        store="a Markdown file for each task; commits nothing",
        write=write,
        env=lambda folder: {"TICKETS_DIR": str(folder / ".tickets")},
        operations={
            "version": lambda site, _: site.run(program, "help"),
            **listing,
            "next": lambda site, _: site.run(program, "ready", check=site.listed(least=5)),
            "add": add,
            "set": lambda site, turn: status(site, free(site.count, turn, digit=8), "in_progress"),
            "done": lambda site, turn: status(site, free(site.count, turn, digit=7), "closed"),
        },
        remarks=("tk: has no `--version`, `help` is measured; `set` marks a task as begun",),
    )
