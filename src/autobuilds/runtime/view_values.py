"""What is going on, as one value: the source of BUILD_STATUS.md, of `status`, of its JSON and of the dashboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from autobuilds.domain.times import format_when
from autobuilds.domain.verdicts import Verdict
from autobuilds.records import dataclass, fields, is_dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsYou:
    """One thing that only the owner can settle; `command` is the command or act that settles it."""

    #: `queue`, `config`, `escalated`, `removed`, `question`, `blocked`, `stalled`, `problem`, `ask` or `review`.
    kind: str
    reason: str
    command: str
    label: str | None = None
    #: More about it: failed checks, a question's default, further gates that ask.
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingRow:
    """A build with a running attempt; `ready` is its expected end between `ready_from` and `ready_to` (None: no estimate)."""

    label: str
    name: str
    attempt: int
    agent: str
    started: datetime
    percent: int | None = None
    step: str | None = None
    last: str | None = None
    ready: datetime | None = None
    ready_from: datetime | None = None
    ready_to: datetime | None = None
    stalled: bool = False
    #: It runs no more, which no heartbeat has taken up yet: in words.
    over: str | None = None
    sandbox: str = "none"
    branch: str | None = None
    model: str | None = None
    #: What its earlier attempts are reported to have used.
    tokens: int | None = None
    cost_usd: float | None = None
    #: What the running attempt has used so far, by its agent's word.
    live_tokens: int | None = None
    live_cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneRow:
    """A finished build, or a task that the owner ticked; `evidence` is one of the three grades."""

    label: str
    name: str
    evidence: str
    finished: datetime | None = None
    branch: str | None = None
    delivered: str | None = None
    checks_passed: int = 0
    checks_total: int = 0
    files_changed: int | None = None
    lines_added: int | None = None
    lines_removed: int | None = None
    #: Who did it, and what all of its attempts are reported to have used; None where nothing was told.
    agent: str | None = None
    model: str | None = None
    attempts: int = 0
    tokens: int | None = None
    cost_usd: float | None = None
    #: Where the pull request is that was opened for it.
    pull_request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """A task that waits for its start: the gate that holds it, why, when it opens by itself, what opens it."""

    position: int
    label: str
    name: str
    priority: str
    verdict: Verdict
    gate: str | None
    reason: str
    opens: datetime | None = None
    fix: str | None = None
    #: The alternatives of `fix`, each a command or an act.
    ways: tuple[str, ...] = ()
    #: Gates besides `gate` that hold it.
    others: tuple[str, ...] = ()
    #: The reason stands under what needs the owner already.
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRow:
    """A build whose last attempt failed: tried again at `retry_at`, or handed over (`escalated`)."""

    label: str
    name: str
    state: str
    outcome: str | None
    reason: str
    attempts: int
    ended: datetime | None = None
    retry_at: datetime | None = None
    log: str | None = None
    #: Why the agent failed, by its own output: a class of failure.
    failure: str | None = None
    #: The reason stands under what needs the owner already.
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An agent as the host found it."""

    name: str
    found: bool
    version: str | None = None
    install: str | None = None
    limited_until: datetime | None = None
    #: Whether it is signed in, as far as that can be told; whether its preset was tried with the real program.
    signed_in: bool | None = None
    verified: bool = True
    #: Why nothing is started with it now, in words.
    held: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The system's own state in words that stay the same while nothing changes."""

    #: `running`, or why nothing starts: `paused`, `paused until T`, `stopped by the file STOP`, `queue not readable`, ...
    starts: str
    agents: tuple[AgentRow, ...] = ()
    #: The tier in which the next build would run, else what contains those that run or contained the last; None before the first.
    sandbox: str | None = None
    #: What is weaker about it than it could be, and what mends that.
    sandbox_weaker: str = ""
    sandbox_fix: str = ""
    #: (`disk`, `memory`, `load`) with `ok`, `over its limit` or `not measured`.
    limits: tuple[tuple[str, str], ...] = ()
    slots_used: int = 0
    slots: int = 1
    #: The overnight session that is on and until when, in words; empty where none is.
    session: str = ""
    #: Problems of the files, then the last failures of attempts, the newest first.
    errors: tuple[str, ...] = ()


#: Waiting tasks that the page names, in the order of starting; a page of more is read by nobody, and grows beyond what a page may hold.
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """Everything that `BUILD_STATUS.md` shows; equal states make equal views."""

    headline: str
    needs_you: tuple[NeedsYou, ...]
    building: tuple[BuildingRow, ...]
    review: tuple[DoneRow, ...]
    queue: tuple[QueueRow, ...]
    completed: tuple[DoneRow, ...]
    failed: tuple[FailedRow, ...]
    health: Health
    #: Today and tomorrow as a Gantt chart in Mermaid, where `status_chart` asks for it.
    chart: str | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing needs the owner (`HEARTBEAT_OK`)."""
        return not self.needs_you


def count(number: int, one: str, many: str | None = None) -> str:
    """Return `1 task` or `3 tasks`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def headline(*, needs: Sequence[NeedsYou], building: Sequence[BuildingRow], queue: Sequence[QueueRow], starts: str) -> str:
    """Return one sentence that says what is going on."""
    parts = []
    if needs:
        parts.append(f"{count(len(needs), 'thing')} {'needs' if len(needs) == 1 else 'need'} you")
    if building:
        parts.append(f"{count(len(building), 'build')} {'is' if len(building) == 1 else 'are'} running")
    if queue:
        ready = sum(row.verdict is Verdict.GO for row in queue)
        held = len(queue) - ready
        if ready:
            parts.append(f"{count(ready, 'task')} can start")
        if held:
            parts.append(f"{count(held, 'task')} {'waits' if held == 1 else 'wait'}")
    if not parts:
        parts.append("all quiet: nothing runs, nothing waits, nothing needs you")
    sentence = ", ".join(parts)
    if starts != "running":
        sentence = f"{starts}; {sentence}"
    return sentence[0].upper() + sentence[1:] + "."


def as_template(view: object) -> Mapping[str, object]:
    """Return a view as plain data for a template; times as `YYYY-MM-DD HH:MM` in their own zone. Raises TypeError for no view."""
    plain = _plain(view)
    if not isinstance(plain, dict):
        raise TypeError("a view is a dataclass")
    return plain


def on_page(view: StatusView) -> Mapping[str, object]:
    """Return what BUILD_STATUS.md is made of: the view, its queue no longer than the page shows, and in `more` how many others wait for what."""
    rest = Counter((row.verdict.value, row.gate) for row in view.queue[MOST_ROWS:])
    more = [{"verdict": verdict, "gate": gate, "count": number} for (verdict, gate), number in rest.most_common()]
    return {**as_template(replace(view, queue=view.queue[:MOST_ROWS])), "more": more}


def _plain(value: object) -> object:
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, datetime):
        return format_when(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in (one.name for one in fields(value))}
    return value


_AS_THEY_ARE = frozenset({str, int, float, bool, type(None)})
