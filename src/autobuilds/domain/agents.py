"""What is known of a sub-agent's program: how its output is read, and what that output said of one run."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from autobuilds.records import dataclass

#: The folder in an attempt's run folder that its agent may write to: the progress log, its result file, what it keeps besides.
SCRATCH = "scratch"
#: What a rule compares with: the scalars of JSON.
Scalar = str | int | float | bool | None

#: Stands for the line of text in `Pick.since`.
LINE = "line"


class FailureClass(StrEnum):
    """Why an agent failed; each has its own policy (`domain.retry`)."""

    #: Not signed in, key refused: the owner must act; the agent is held until then.
    AUTHENTICATION = "authentication"
    #: A usage limit: waits for the reset and costs no try; the agent is held until then.
    RATE_LIMIT = "rate-limit"
    #: The model's service was not reached: retried.
    NETWORK = "network"
    #: A limit of turns, money or tokens that the agent or the owner set: the owner must act.
    BUDGET = "budget"
    #: The model declined the task: the owner must act.
    REFUSED = "refused"
    #: The program broke: retried.
    CRASH = "crash"


class Take(StrEnum):
    """Which of the matching values a pick is."""

    LAST = "last"
    FIRST = "first"
    SUM = "sum"
    #: How many; a list counts as many as it has items.
    COUNT = "count"
    #: All texts one after the other, for a message that comes in pieces.
    JOIN = "join"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One value picked from an agent's output: the dotted `path` in events where all of `when` holds, or a `regex` on lines of text.

    With both, the value at `path` counts where the regex is found in it. The first group of a regex is the value, else all of it.
    Null and empty texts are as good as missing. Of several picks of one name the first that has a value is it.
    """

    name: str
    path: str | None = None
    regex: str | None = None
    when: tuple[tuple[str, Scalar], ...] = ()
    take: Take = Take.LAST
    #: An event where all of this holds makes the pick forget what it has; in text a line where the regex under LINE is found.
    since: tuple[tuple[str, Scalar], ...] = ()
    #: In a sum: the dotted path of what names a value that comes more than once; it counts once.
    once: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold of a pick for the run to count as ended well; a missing pick fails all but `missing`."""

    pick: str
    equals: Scalar = None
    #: True: there; False: not there; None: not asked.
    exists: bool | None = None
    not_match: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """How an event becomes a line of the progress log: for every item of its list `each` (or for itself) where `when` holds.

    The first that fits an event or item shows it. A `regex` looks at a line of text and the two before it instead; its first
    group is what is shown.
    """

    #: `file`, `command`, `tool`, `text` or `todo`.
    kind: str
    path: str = ""
    each: str | None = None
    #: What holds of the event.
    when: tuple[tuple[str, Scalar], ...] = ()
    #: What holds of the item.
    where: tuple[tuple[str, Scalar], ...] = ()
    regex: str | None = None
    #: What is said before the value, such as `edits` or `runs`.
    verb: str = ""
    #: In a `todo`: the dotted paths of an item's text and of its state within it.
    text: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRules:
    """How one agent's output is read: `format` is `jsonl`, `json` or `text`; no conditions means that the exit status decides."""

    format: str = "text"
    #: A file that holds the result instead of standard output.
    result_file: str | None = None
    picks: tuple[Pick, ...] = ()
    ok: tuple[Condition, ...] = ()
    shows: tuple[Show, ...] = ()
    #: (class, regex) tried on the error and on a line `exit status N`, in this order, before the general ones.
    failures: tuple[tuple[FailureClass, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReport:
    """What an agent's output said of one run; every text is clean and bounded, None means that it was not said."""

    #: Whether the rules say that it ended well; None for an agent that says nothing of the kind.
    ok: bool | None = None
    failure: FailureClass | None = None
    #: What it was last seen failing by and trying again, where nothing else has happened since.
    trouble: FailureClass | None = None
    #: That failure in its words.
    trouble_said: str | None = None
    #: The error in the agent's words.
    error: str | None = None
    #: Its final message.
    said: str | None = None
    session: str | None = None
    model: str | None = None
    #: Tool calls that were denied for want of permission.
    denials: int = 0
    #: When a usage limit ends, as far as it was told.
    resets_at: datetime | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None


class ActivityKind(StrEnum):
    """What an agent was seen doing."""

    FILE = "file"
    COMMAND = "command"
    TOOL = "tool"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One thing that an agent was seen doing; `text` is one clean, bounded line such as `edits src/app.py`."""

    kind: ActivityKind
    text: str
    #: The file it was done to, where there is one.
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """One item of the agent's own to-do list; `state` is `open`, `doing` or `done`."""

    text: str
    state: str = "open"
