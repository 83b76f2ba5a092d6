"""One agent as its preset describes it: a value, with nothing left to be checked."""

from __future__ import annotations

from autobuilds.domain.agents import ReportRules
from autobuilds.domain.sandbox import Network
from autobuilds.ports import StopStep
from autobuilds.records import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One agent; docs/reference/agents.md says what each key means."""

    name: str
    argv: tuple[str, ...]
    #: Empty for an agent that can't go on with an interrupted session.
    resume: tuple[str, ...] = ()
    #: What stands for `{model...}` where a model is set.
    model: tuple[str, ...] = ()
    #: What stands for `{budget...}` where there is a limit of money.
    budget: tuple[str, ...] = ()
    #: `stdin`, `file`, `arg` or `none`.
    prompt: str = "stdin"
    #: Who names the session: `preset` (we do), `reported` (the agent does), `none`.
    session: str = "none"
    #: Those of `base_urls` among them.
    variables: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    #: Relative to the owner's home.
    credentials: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    network: Network | None = None
    #: Variables whose URL it must reach, and TCP ports of this machine besides.
    base_urls: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    nests: bool = False
    stop: tuple[StopStep, ...] = ()
    min_version: str | None = None
    #: The command line that prints the version; empty: there is none.
    version: tuple[str, ...] = ()
    #: Variables, and files below the home (`~/…`), any of which shows that it is signed in.
    signed_in: tuple[str, ...] = ()
    reserve_mib: int = 0
    install: str | None = None
    #: False for one that was written from documentation alone.
    verified: bool = True
    rules: ReportRules = field(default_factory=ReportRules)
    #: The owner's own, not a shipped one.
    own: bool = False
