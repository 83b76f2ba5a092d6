"""Answers for programs: each one object with `schema` and `kind`, as docs/reference/json.md says; changes are additive only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autobuilds.domain.model import Criterion, Queue, Task
from autobuilds.domain.moment import as_json
from autobuilds.domain.problem import Problem
from autobuilds.domain.verdicts import Assessment, GateResult

if TYPE_CHECKING:
    from autobuilds.planning.ready import Candidate, Ready
    from autobuilds.runtime.recalling import Recalled
    from autobuilds.runtime.report_view import ReportView
    from autobuilds.runtime.view_values import NeedsYou, StatusView

#: Raised only by a change that is not additive.
SCHEMA = 1


def envelope(kind: str, **parts: Any) -> dict[str, Any]:
    """Return the object of one answer; times become RFC 3339 with offset, enums their words."""
    return {"schema": SCHEMA, "kind": kind, **{key: as_json(value) for key, value in parts.items()}}


def task_json(task: Task) -> dict[str, Any]:
    """Return one task as `list`, `show`, `add` and `set` give it."""
    estimate = task.estimate
    return {
        "label": task.label,
        "name": task.name,
        "section": task.section.value,
        "checked": task.checked,
        "priority": task.priority.value,
        "added": as_json(task.added),
        "completed": as_json(task.completed),
        "description": task.description,
        "criteria": [_criterion(c) for c in task.criteria],
        "tech_stack": task.tech_stack,
        "estimated_minutes": None if estimate is None else {"min": estimate.min_minutes, "max": estimate.max_minutes},
        "category": task.category,
        "blockers": list(task.blockers),
        "depends_on": list(task.depends_on),
        "touches": list(task.touches),
        "not_before": as_json(task.not_before),
        "approved": task.approved,
        "source": task.source,
        "line": task.line,
        "end_line": task.end_line,
        "repository": task.repository,
        "base": task.base,
        "agent": task.agent,
        "role": task.role,
        "timeout_minutes": task.timeout_minutes,
        "steps": task.steps,
        "deliverables": list(task.deliverables),
        "notes": task.notes,
        "window": task.window,
    }


def _criterion(criterion: Criterion) -> dict[str, Any]:
    command = " && ".join(criterion.commands) or None
    return {"text": criterion.text, "checked": criterion.checked, "command": command, "commands": list(criterion.commands)}


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return one problem."""
    return {
        "line": problem.line,
        "column": problem.column,
        "kind": problem.kind,
        "severity": problem.severity.value,
        "message": problem.message,
        "label": problem.label,
        "file": problem.file,
    }


def list_json(queue: Queue) -> dict[str, Any]:
    """Return `list --json`: every task of both sections in the order of the file."""
    return {**envelope("list"), "tasks": [task_json(t) for t in queue.tasks], **_checked(queue)}


def check_json(queue: Queue) -> dict[str, Any]:
    """Return `check --json`."""
    return {**envelope("check"), **_checked(queue)}


def _checked(queue: Queue) -> dict[str, Any]:
    return {"problems": [problem_json(p) for p in queue.problems], "counts": as_json(queue.counts), "fatal": queue.fatal}


def show_json(task: Task, kind: str = "show") -> dict[str, Any]:
    """Return `show --json`, and with another `kind` the same for `add` and `set`."""
    return {**envelope(kind), "task": task_json(task)}


def why_json(assessments: Iterable[Assessment]) -> dict[str, Any]:
    """Return `why --json`: every gate of every task."""
    tasks = [{"label": a.label, "verdict": a.verdict.value, "gates": [_gate(g) for g in a.gates]} for a in assessments]
    return {**envelope("why"), "tasks": tasks}


def at_json(recalled: Recalled) -> dict[str, Any]:
    """Return the object `at` of `why --at --json`: which commit was asked, and how sure the answer is."""
    return {
        "commit": recalled.commit,
        "files": recalled.files,
        "time": as_json(recalled.now),
        "started": recalled.started,
        "recorded": recalled.recorded,
        "differing": list(recalled.differing),
        "unknown": list(recalled.unknown),
        "notes": list(recalled.notes),
    }


def _gate(gate: GateResult) -> dict[str, Any]:
    return {"gate": gate.gate, "verdict": gate.verdict.value, "reason": gate.reason, "until": as_json(gate.until), "fix": gate.fix}


def next_json(found: Ready) -> dict[str, Any]:
    """Return `next --json`: what could be started, or what holds the first tasks."""
    return {**envelope("next"), "tasks": [_candidate(c, found.minutes) for c in found.candidates], "held": why_json(found.held)["tasks"]}


def _candidate(candidate: Candidate, minutes: int | None) -> dict[str, Any]:
    task, longest = candidate.task, candidate.task.estimate
    return {
        "label": task.label,
        "name": task.name,
        "priority": task.priority.value,
        "estimated_minutes": None if longest is None else {"min": longest.min_minutes, "max": longest.max_minutes},
        "verdict": candidate.verdict.value,
        "agent": candidate.agent,
        "start": f"autobuilds spawn {task.label}",
        "needs": list(candidate.needs),
        "fits": None if minutes is None else True,
        "expected_minutes": None if candidate.length is None else round(candidate.length.span.total_seconds() / 60),
        "basis": None if candidate.length is None else candidate.length.basis.value,
    }


def status_json(view: StatusView) -> dict[str, Any]:
    """Return `status --json`."""
    plain = as_json(view)
    plain["health"]["limits"] = dict(view.health.limits)
    return {**envelope("status"), **plain, "ok": view.ok}


def heartbeat_json(transitions: Sequence[Mapping[str, Any]], needs_you: Sequence[NeedsYou], *, ok: bool, **more: Any) -> dict[str, Any]:
    """Return `heartbeat --json`; `more` holds further parts (faults, duties), which may be added at any time."""
    return {**envelope("heartbeat", transitions=list(transitions), needs_you=list(needs_you), ok=ok), **envelope("heartbeat", **more)}


def report_json(view: ReportView) -> dict[str, Any]:
    """Return `report --json`."""
    plain = {**as_json(view), "day": view.day.isoformat(), "figures": dict(view.figures)}
    plain["links"] = [{"label": label, "branch": branch, "log": log} for label, branch, log in view.links]
    return {**envelope("report"), **plain}
