"""One loader a sink: everything that a queue, an agent or a file name could have written is the payload, shown as people and programs get it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from autobuilds.cli import session
from autobuilds.cli.formatters import status_text
from autobuilds.cli.formatters.style import Style
from autobuilds.domain import inert
from autobuilds.domain.build import Attempt, Build, BuildState, Check, Evidence, Outcome, Usage
from autobuilds.domain.ending import AttemptFacts, judge
from autobuilds.domain.labels import is_label, slugify
from autobuilds.domain.model import Criterion
from autobuilds.domain.moment import Snapshot, as_json
from autobuilds.domain.paths import Bounds
from autobuilds.errors import BadInput
from autobuilds.ports import FileStat
from autobuilds.runtime.prompt_values import prompt_values
from autobuilds.runtime.proposing import MAX_TITLE, body_of
from autobuilds.runtime.views import StatusView, as_template, on_page, report_view, status_view
from autobuilds.store.history import message, trailers
from autobuilds.store.progress import parse_progress
from autobuilds.store.progress_text import append_log, new_progress
from autobuilds.store.render import Renderer
from tests.hostile import sinks
from tests.runtime.sample_state import ASSESSMENTS, BROKEN, MOMENT, PROGRESS, SNAPSHOT, TASKS

NOW = datetime(2026, 2, 6, 16, tzinfo=UTC)
NONCE = "k3j4x9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """One place where text is shown: what makes it, and what is wrong with it."""

    show: Callable[[str], str]
    wrong: Callable[[str], str | None]

    def __call__(self, payload: str) -> str | None:
        """Return what is wrong with a payload as it is shown here, or None."""
        return self.wrong(self.show(payload))


def hostile_build(text: str) -> Build:
    """Return a build in which everything that an agent or the queue could have written is the payload."""
    check = replace(BROKEN, text=text, command=text, tail=text)
    attempt = Attempt(
        number=1, id="x-1-0", agent="claude", started=NOW, ended=NOW, outcome=Outcome.CHECKS_FAILED, reason=text, checks=(check,),
        notes=(text,), said=text, model=text, log="subagents/logs/x-1.log", branch="build/x", usage=Usage(), evidence=Evidence.CLAIMED,
    )  # fmt: skip
    return Build(
        label="x", name=text, state=BuildState.ESCALATED, created=NOW, updated=NOW, attempts=(attempt,), reason=text, feedback=text
    )


def hostile_snapshot(text: str) -> Snapshot:
    """Return a workspace whose tasks say nothing but the payload."""
    tasks = tuple(
        replace(t, name=text, description=text, category=text, notes=text, criteria=(Criterion(text=text, commands=(text,)),))
        for t in TASKS
    )
    ledger = replace(SNAPSHOT.ledger, builds=(*SNAPSHOT.ledger.builds, hostile_build(text)))
    return replace(SNAPSHOT, queue=replace(SNAPSHOT.queue, tasks=tasks), ledger=ledger)


def _view(text: str) -> StatusView:
    return status_view(hostile_snapshot(text), MOMENT, ASSESSMENTS, PROGRESS)


def _status(text: str) -> str:
    return Renderer().render("BUILD_STATUS.md.j2", on_page(_view(text)))


def _report(text: str) -> str:
    view = report_view(hostile_snapshot(text), NOW.date(), UTC, moment=MOMENT, assessments=ASSESSMENTS, progress=PROGRESS)
    return Renderer().render("build-report.md.j2", as_template(view))


def _prompt(text: str) -> str:
    task = replace(
        TASKS[0], name=text, description=text, notes=text, tech_stack=text, role=text, steps=text, criteria=(Criterion(text=text),)
    )
    values = prompt_values(
        task, hostile_build(text), attempt=2, nonce=NONCE, branch="build/x", progress_file="/w/p.md", timeout="8h", tail=text
    )
    return Renderer().render("prompt.md.j2", values)


def _pull_request(text: str) -> str:
    build = hostile_build(text)
    task = replace(TASKS[0], name=text, description=text, criteria=(Criterion(text=text),))
    context: Any = SimpleNamespace(workspace=SimpleNamespace(root=Path("/nowhere")))
    assert build.last is not None
    return body_of(context, build, build.last, task, (FileStat(path=text, added=1, removed=None),))


def _progress(text: str) -> str:
    """A fresh log, with the owner's words added as an entry; the agent's name and the label are the tool's own."""
    made = new_progress(label="x", name=text, attempt=1, agent="claude", now=NOW, criteria=(Criterion(text=text),))
    return append_log(made, f"Answer of the owner: {' '.join(text.split())}", NOW)


def _progress_wrong(text: str) -> str | None:
    found = parse_progress(text, label="x")
    if found.questions or found.blockers or found.percent or found.deliverables or found.attempt != 1 or len(found.log) != 2:
        return f"the log says something else: {as_json(found)}"[:300]
    return sinks.page(text)


def _terminal_status(text: str) -> str:
    return status_text.status(_view(text), NOW, Style())


def _commit(text: str) -> str:
    return message("start", "x", 1, text, record=hostile_build(text), body="")


def _commit_wrong(said: str) -> str | None:
    found = trailers(said)
    if set(found) != {"Build", "Attempt", "Event", "Record"} or found["Event"] != "start":
        return f"other trailers: {found}"[:300]
    return sinks.terminal(said.split("\n", 1)[0])


def _reasons(text: str) -> str:
    """The words of endings, which go into the ledger and onto every page."""
    facts = (
        AttemptFacts(exit_code=0, changed=True, checks=(Check(text=text, passed=False, command=text, exit_code=1),)),
        AttemptFacts(
            exit_code=0, changed=True, bounds=Bounds(protected=((text, "x"),), outside=(text,), links=(text,), submodules=(text,))
        ),
    )
    return "\n".join(judge(one).reason for one in facts)


def _error(text: str) -> str:
    """What the one error boundary prints of a message."""
    return inert.clean(str(BadInput(f"{text} is no label"))).replace("\n", " ")


def _machine(text: str) -> str:
    return session.json_text({"kind": "x", "build": as_json(hostile_build(text))})


def _machine_wrong(said: str) -> str | None:
    """JSON keeps what only hides in a text, and escapes what drives a terminal."""
    json.loads(said)
    hidden = {0x200B, 0x200C, 0x200D, 0xFEFF, *range(0xE0000, 0xE0080), *range(0xD800, 0xE000)}
    return sinks.terminal(said.translate(dict.fromkeys(hidden)))


def _branch_wrong(name: str) -> str | None:
    label = name.removeprefix("build/")
    if not label:
        return None  # a name without letters gives no label, and no build
    if not is_label(label) or label != slugify(label):
        return f"{label!r} is no label"
    return None if _git_takes(name) else f"git refuses {name!r}"


@cache
def _git_takes(branch: str) -> bool:
    done = subprocess.run(["git", "check-ref-format", f"refs/heads/{branch}"], stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0


def _one_line(shown: str) -> str | None:
    return sinks.terminal(shown) or ("more than one line" if "\n" in shown else None)


SINKS: dict[str, Sink] = {
    "status page": Sink(show=_status, wrong=sinks.page),
    "report": Sink(show=_report, wrong=sinks.page),
    "prompt": Sink(show=_prompt, wrong=sinks.prompt),
    "pull request": Sink(show=_pull_request, wrong=sinks.page),
    "pull request's title": Sink(show=lambda text: inert.line(text, MAX_TITLE), wrong=_one_line),
    "progress log": Sink(show=_progress, wrong=_progress_wrong),
    "terminal line": Sink(show=inert.terminal, wrong=_one_line),
    "terminal block": Sink(show=lambda text: "\n".join(inert.terminal_block(text)), wrong=sinks.terminal),
    "terminal status": Sink(show=_terminal_status, wrong=sinks.terminal),
    "commit": Sink(show=_commit, wrong=_commit_wrong),
    "reason": Sink(show=_reasons, wrong=sinks.terminal),
    "error": Sink(show=_error, wrong=sinks.terminal),
    "machine": Sink(show=_machine, wrong=_machine_wrong),
    "branch": Sink(show=lambda text: f"build/{slugify(text)}", wrong=_branch_wrong),
}
