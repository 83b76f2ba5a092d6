"""Jobs of an agent that prints JSON lines, as its preset would describe it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from autobuilds.domain.agents import Condition, Pick, ReportRules, Show, Take
from autobuilds.domain.sandbox import Confinement, Tier
from autobuilds.ports import Job, StopStep
from tests.adapters.attempts import DEMO, job_for

RULES = ReportRules(
    format="jsonl",
    picks=(
        Pick(name="session", path="session"),
        Pick(name="model", path="model"),
        Pick(name="said", when=(("t", "end"),), path="text"),
        Pick(name="ended", when=(("t", "end"),), path="ok"),
        Pick(name="error", when=(("t", "end"),), path="error"),
        Pick(name="cost_usd", path="cost"),
        Pick(name="tokens_in", path="tokens", take=Take.SUM),
    ),
    ok=(Condition(pick="ended", equals=True),),
    shows=(
        Show(kind="todo", when=(("t", "todo"),), path="items", text="text", state="state"),
        Show(kind="file", when=(("t", "edit"),), path="path", verb="edits"),
        Show(kind="text", when=(("t", "say"),), path="text", verb="says"),
    ),
)
HEAD = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
def put(**event):
    print(json.dumps(event), flush=True)
def end(ok=True, **more):
    put(t="end", ok=ok, text="All done.", **more)
    sys.exit(0)
put(t="begin", session="s-1", model="m-1")
"""
STOP = (StopStep(signal="SIGINT", seconds=2.0), StopStep(signal="SIGTERM", seconds=1.0), StopStep(signal="SIGKILL", seconds=0.0))


def agent_job(workspace: Path, script: str, *, attempt_id: str = DEMO, tier: Tier | None = None, **more: Any) -> Job:
    """Return a job whose agent is a Python script that may call `put` and `end`; with a tier it is contained as `start` would."""
    values: dict[str, Any] = {
        "argv": (sys.executable, "-I", "-c", HEAD + script),
        "agent": "robot",
        "rules": RULES,
        "stop": STOP,
        "home": str(workspace / ".autobuilds" / "homes" / "demo"),
        "attempt_id": attempt_id,
        **more,
    }
    job = job_for(workspace, "", **values)
    if tier is None:
        return job
    folder = workspace / ".autobuilds" / "runs" / attempt_id
    confinement = Confinement(
        tier=tier,
        writable=(job.clone or str(workspace / ".autobuilds" / "clones" / attempt_id), str(folder / "scratch")),
        hidden=(os.environ["HOME"], str(workspace)),
    )
    return job_for(workspace, "", **{**values, "confinement": confinement})
