"""Trying an agent: one small real build in a scratch repository, through the whole product, and what to mend where it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from autobuilds.domain import inert
from autobuilds.domain.build import Attempt, Build, BuildState, Outcome
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import elapsed, format_duration, format_when
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass, replace
from autobuilds.runtime import owner
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import Beat, beat
from autobuilds.runtime.needs_view import cost_of, tokens_of
from autobuilds.runtime.trial_advice import advice
from autobuilds.store.config_keys import write_value
from autobuilds.store.progress import read_progress

LABEL = "greeting-in-a-file"
#: Seconds between two looks at the build, and seconds beyond its time limit after which it is stopped from outside.
LOOK_EVERY = 0.2
GRACE = 60.0
#: Lines of the agent's output that are kept.
TAIL = 12
#: Settings of the owner's that decide how an agent runs; a trial takes them over.
_TAKEN = (
    "model",
    "sandbox",
    "require_sandbox",
    "network",
    "environment",
    "process_limit",
    "build_memory",
    "file_limit",
    "output_limit",
)

_QUEUE = """# Build Queue

## Active Queue
- [ ] Greeting in a file - Added: {now} - Priority: High

## Task Details

### Greeting in a file
- **Description:** A new file `greeting.txt` at the top of this repository holds the single line `hello from {agent}`.
- **Completion Criteria:**
  - [ ] The line is there: `grep -qx 'hello from {agent}' greeting.txt`
- **Category:** Bug fixes
- **Agent:** {agent}
{steps}
## Completed
"""
_STEPS = """- **Steps:**
  ```sh
  echo 'hello from command' > greeting.txt
  ```
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a trial of an agent ended."""

    agent: str
    ok: bool
    #: The verdict in one line.
    said: str
    #: What to mend, each a command or an act in words.
    advice: tuple[str, ...] = ()
    seconds: float = 0.0
    #: The sandbox it ran in; None where it never began.
    sandbox: str | None = None
    #: What is weaker about that sandbox than it could be.
    sandbox_weaker: str = ""
    outcome: str | None = None
    failure: str | None = None
    model: str | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    #: The agent's final message, and the last lines of its output where it failed.
    message: str | None = None
    tail: tuple[str, ...] = ()


def contents(agent: str, settings: Settings, now: datetime, limit: timedelta, presets: str | None) -> dict[str, str]:
    """Return the files of the scratch repository by path; `presets` is the owner's agents.toml, `settings` are the owner's too."""
    lines = ["timezone: UTC", "retries: 1", "disk_limit: 100", "memory_limit: 100", "load_limit: 1000", "commits: current"]
    lines += [f"agent: {agent}", f"timeout: {format_duration(limit)}", f"stall_after: {format_duration(limit)}"]
    for key in _TAKEN:
        value = getattr(settings, key)
        if value != getattr(Settings(), key):
            lines += _setting(key, value)
    queue = _QUEUE.format(now=format_when(now), agent=agent, steps=_STEPS if agent == "command" else "")
    files = {
        "README.md": "# A scratch repository\n\nMade by `autobuilds agents test`, and removed by it.\n",
        "HEARTBEAT.md": "---\n" + "\n".join(lines) + "\n---\n# Heartbeat\n",
        "BUILD_QUEUE.md": queue,
        ".gitignore": ".autobuilds/\n",
    }
    return files if presets is None else {**files, "agents.toml": presets}


def _setting(key: str, value: object) -> list[str]:
    if isinstance(value, dict):
        return [f"{key}:", *(f"  {name}: {given}" for name, given in value.items())]
    return [f"{key}: {write_value(key, value)}"]


def attempt(context: Context, agent: str, limit: timedelta, tell: Callable[[str], None]) -> Trial:
    """Build the scratch task in its workspace and return how that ended; `tell` is given each line of progress as it comes.

    Whatever happens, nothing of the build runs any more afterwards.
    """
    context = replace(context, heartbeat_argv=())
    began = time.monotonic()
    try:
        last = _run(context, agent, limit, tell)
        return _judged(context, agent, last, time.monotonic() - began)
    finally:
        _stop(context)


def _run(context: Context, agent: str, limit: timedelta, tell: Callable[[str], None]) -> Beat:
    """Run heartbeats until the build has ended, following its progress log."""
    last = beat(context)
    for transition in last.transitions:
        if transition["event"] == Event.START:
            tell(f"started with {agent}" + (f" in {last.sandbox.tier.value}" if last.sandbox and last.sandbox.tier else ""))
    seen: list[str] = []
    deadline = time.monotonic() + limit.total_seconds() + GRACE
    while (running := _running(context)) is not None:
        _follow(context, seen, tell)
        if time.monotonic() > deadline:
            owner.stop(context, LABEL)
        elif context.runner.peek(running.id).over is None:
            time.sleep(LOOK_EVERY)
            continue
        _follow(context, seen, tell)
        tell("the agent has ended; its work is judged")
        last = beat(context)
    return last


def _running(context: Context) -> Attempt | None:
    build = context.workspace.ledger().find(LABEL)
    return build.last if build is not None and build.is_active else None


def _follow(context: Context, seen: list[str], tell: Callable[[str], None]) -> None:
    """Tell what was added to the progress log."""
    path = context.workspace.progress_file(LABEL)
    for line in read_progress(path, label=LABEL, zone=UTC).log:
        if line not in seen:
            seen.append(line)
            tell(line)


def _stop(context: Context) -> None:
    """Stop what may still run, whatever came in between."""
    running = _running(context)
    if running is not None:
        try:
            context.runner.cancel(running.id, Outcome.STOPPED, "the trial was interrupted")
        except (AutobuildsError, OSError):
            return


def _judged(context: Context, agent: str, last: Beat, seconds: float) -> Trial:
    build = context.workspace.ledger().find(LABEL)
    if build is None or build.last is None:
        return _held(agent, last, seconds)
    run = build.last
    took = elapsed(run.started, run.ended).total_seconds() if run.ended else seconds
    ok = build.state in {BuildState.REVIEW, BuildState.COMPLETED}
    began = run.exit_code is not None or run.outcome is not Outcome.SETUP
    choice = last.sandbox
    weaker = choice.words if choice is not None and choice.tier is not None and choice.tier.value == run.sandbox else ""
    return Trial(
        agent=agent,
        ok=ok,
        said=_said(agent, build, run, took, ok=ok),
        advice=() if ok else advice(run, context.agents.describe(agent), context.workspace.config().settings),
        seconds=round(took, 1),
        sandbox=run.sandbox if began else None,
        sandbox_weaker=weaker if began else "",
        outcome=run.outcome.value if run.outcome else None,
        failure=run.failure.value if run.failure else None,
        model=run.model,
        tokens=tokens_of(build),
        cost_usd=cost_of(build),
        message=inert.shorten(inert.line(run.said), 300) if run.said else None,
        tail=() if ok else _tail(context, run),
    )


def _said(agent: str, build: Build, run: Attempt, seconds: float, *, ok: bool) -> str:
    if ok:
        checked = sum(c.passed for c in run.checks if c.command)
        return f"{agent} works: it built the task in {seconds:.0f} s, and {checked} of {len(run.checks)} checks passed"
    return f"{agent} did not do it: {run.reason or build.reason or 'no reason recorded'}"


def _held(agent: str, last: Beat, seconds: float) -> Trial:
    """Return the verdict on an agent with which nothing was started: what the gates say."""
    held = [g for a in last.assessments for g in a.obstacles if a.label == LABEL]
    reasons: Sequence[str] = [g.reason for g in held] or last.faults or ["nothing started, and no gate says why"]
    fixes = tuple(g.fix for g in held if g.fix)
    return Trial(agent=agent, ok=False, said=f"{agent} was not started: {'; '.join(reasons)}", advice=fixes, seconds=round(seconds, 1))


def _tail(context: Context, run: Attempt) -> tuple[str, ...]:
    try:
        text = context.runner.logs(run.id, 16_384)
    except (AutobuildsError, OSError):
        return ()
    rows = [row for row in inert.terminal_block(text) if row.strip()]
    return tuple(inert.shorten(row, 200) for row in rows[-TAIL:])
