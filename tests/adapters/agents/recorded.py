"""The recorded outputs of ten real agent programs in six situations, and what is known of each run from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from autobuilds.adapters.agents.presets import Presets
from autobuilds.adapters.agents.reading import StreamReader
from autobuilds.domain.agents import Activity, AgentReport, ReportRules

FOLDER = Path(__file__).parents[2] / "data" / "agents" / "transcripts"
AGENTS = ("claude", "codex", "opencode", "gemini", "qwen", "pi", "copilot", "openclaw", "mini", "aider")
SITUATIONS = ("ok", "auth", "429x1", "noop", "down", "stop")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
#: Exit status by situation where it is not 0, as measured; None: still retrying when its time was up.
_EXITS: dict[tuple[str, str], int | None] = {
    **{(agent, "auth"): 1 for agent in ("claude", "codex", "opencode", "copilot", "openclaw", "mini")},
    ("gemini", "auth"): 145,
    **{(agent, "down"): 1 for agent in ("claude", "codex", "copilot")},
    **{(agent, "down"): None for agent in ("opencode", "gemini", "openclaw", "mini", "aider")},
}


@cache
def shipped_rules(agent: str) -> ReportRules:
    """Return the rules of a shipped preset."""
    return Presets.load(None).find(agent).rules


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded run."""

    agent: str
    situation: str

    @property
    def output(self) -> bytes:
        """What it printed."""
        (path,) = (p for p in FOLDER.glob(f"{self.agent}.{self.situation}.*") if ".traj." not in p.name)
        return path.read_bytes()

    @property
    def result(self) -> bytes | None:
        """The content of its result file, where it writes one."""
        path = FOLDER / f"{self.agent}.{self.situation}.traj.json"
        return path.read_bytes() if path.exists() else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None where it had to be stopped."""
        return _EXITS.get((self.agent, self.situation), 0)

    @property
    def changed(self) -> bool:
        """Whether the repository held a change afterwards."""
        return self.situation in {"ok", "429x1", "stop"}

    @property
    def rules(self) -> ReportRules:
        """The rules of its preset."""
        return shipped_rules("mini-swe-agent" if self.agent == "mini" else self.agent)

    def read(self, *chunks: bytes) -> tuple[AgentReport, tuple[Activity, ...], StreamReader]:
        """Return what the reader makes of it, fed in these chunks or in one."""
        reader = StreamReader(self.rules)
        seen = tuple(activity for chunk in chunks or (self.output,) for activity in reader.feed(chunk))
        return reader.report(self.result, exit_code=self.exit_code, now=NOW), seen, reader


RUNS = [Run(agent, situation) for agent in AGENTS for situation in SITUATIONS]
