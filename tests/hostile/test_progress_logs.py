"""Whatever a progress log says, the plan is the one that an empty log leads to, and nothing on any page becomes active."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autobuilds.cli.app import run
from autobuilds.domain.build import Attempt, Build, BuildState, Ledger, Outcome
from autobuilds.domain.moment import AgentStatus, Resources, RunState, RunStatus, as_json
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.planning import Plan, plan
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import look
from autobuilds.runtime.observe import observe
from autobuilds.runtime.pages import render_status
from autobuilds.runtime.prompt import prompt_for
from autobuilds.runtime.reports import make_report
from autobuilds.store.progress import parse_progress, read_progress
from autobuilds.store.workspace import Loaded
from tests.hostile import sinks
from tests.hostile.corpus import odd_files
from tests.hostile.progress_logs import COUNT, texts
from tests.runtime.loop import details, make_loop

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

NOW = datetime(2026, 2, 6, 16, tzinfo=UTC)
LABEL = "say-hello"
OTHERS = (details("Mail the news", file="b.txt").replace("Bug fixes", "External actions"), details("Tidy up", file="c.txt"))


@dataclass(frozen=True, slots=True)
class StandIn:
    """A runner of one running attempt that reports what its progress log says, as the real one does."""

    log: Path

    def peek(self, attempt_id: str) -> RunStatus:
        percent = read_progress(self.log, label=LABEL).percent
        return RunStatus(state=RunState.RUNNING, pid=1, active_at=NOW, percent=percent)

    poll = peek

    def logs(self, attempt_id: str, limit: int = 65536, *, raw: bool = False) -> str:
        found = read_progress(self.log, label=LABEL)
        return "\n".join([*found.log, *found.blockers, *(q.text for q in found.questions)])[-limit:]


class Untried:
    """Sandbox tiers that need not be tried out again for every log."""

    def probe(self) -> tuple[TierProbe, ...]:
        return (TierProbe(tier=Tier.NONE, works=True),)

    tried = probe

    def forget(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Known:
    """A machine that was looked at once."""

    found: tuple[AgentStatus, ...]

    def now(self, zone: str | None) -> datetime:
        return NOW

    def resources(self, path: Path) -> Resources:
        return Resources()

    def agents(self, wanted: object = None) -> tuple[AgentStatus, ...]:
        return self.found


@pytest.fixture
def context(make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("AUTOBUILDS_NOW", NOW.isoformat())
    loop = make_loop(make_repo, details("Say hello"), *OTHERS, more="max_concurrent: 3\n")
    began = NOW - timedelta(hours=1)
    attempt = Attempt(number=1, id="say-hello-1-0", agent="command", started=began, base_branch="main", pid=1)
    failed = replace(attempt, id="tidy-up-1-0", ended=began, outcome=Outcome.CHECKS_FAILED, reason="1 of 1 check failed")
    builds = (
        Build(label=LABEL, name="Say hello", state=BuildState.BUILDING, created=began, updated=began, attempts=(attempt,)),
        Build(label="tidy-up", name="Tidy up", state=BuildState.RETRYING, created=began, updated=began, attempts=(failed,), retry_at=began),
    )
    loop.context.workspace.write_ledger(Ledger(builds=builds))
    found = loop.context
    runner, host = StandIn(found.workspace.progress_file(LABEL)), Known(found.host.agents())
    return replace(found, runner=runner, sandbox=Untried(), host=host)  # type: ignore[arg-type]


def planned(context: Context, loaded: Loaded | None = None) -> Plan:
    loaded = loaded or context.load()
    return plan(loaded.snapshot, observe(context, loaded, NOW))


def ledger(context: Context) -> bytes:
    return context.workspace.path("subagents/active.json").read_bytes()


def shown(context: Context) -> dict[str, str | None]:
    """Return what is wrong with each place where a log is shown, or None for each."""
    beat = look(context)
    status, _ = render_status(context, beat.view)
    report = make_report(context, None).text
    loaded = context.load()
    task = loaded.snapshot.queue.find("tidy-up")
    assert task is not None
    build = loaded.snapshot.ledger.find("tidy-up")
    assert build is not None and build.last is not None
    told, _ = prompt_for(
        context, task, build, replace(build.last, number=2), continues=False, timeout=timedelta(hours=1), may_change_nothing=False
    )
    return {"status": sinks.page(status), "report": sinks.page(report), "prompt": sinks.prompt(told), "view": _plain(beat.view)}


def _plain(view: Any) -> str | None:
    """Return what is wrong with the values that terminal and JSON are made from."""
    return sinks.terminal(str(as_json(view)))


def test_the_plan_is_the_same_as_with_an_empty_log(context: Context) -> None:
    log = context.workspace.progress_file(LABEL)
    log.write_bytes(b"")
    wanted, kept, titles = planned(context), ledger(context), sinks.headings(render_status(context, look(context).view)[0])
    assert wanted.assessments and wanted.actions
    seen, loaded = 0, context.load()
    for number, content in enumerate(texts()):
        log.write_bytes(content)
        assert planned(context, loaded) == wanted, number
        assert ledger(context) == kept, number
        if number % 20 == 0:
            assert planned(context) == wanted, number
            assert {place: wrong for place, wrong in shown(context).items() if wrong} == {}, (number, content[:300])
            assert sinks.headings(render_status(context, look(context).view)[0]) == titles, number
        seen += 1
    assert seen == COUNT
    log.unlink()
    for what, why in odd_files(log):
        if why is not None:
            continue
        assert planned(context) == wanted, what
        assert {place: wrong for place, wrong in shown(context).items() if wrong} == {}, what


def test_every_log_is_read_clean_and_bounded() -> None:
    for number, content in enumerate(texts()):
        found = parse_progress(content.decode("utf-8", "replace"), label=LABEL)
        assert found.label == LABEL
        assert sinks.terminal(str(as_json(found))) is None, number
        assert found.percent is None or 0 <= found.percent <= 100
        assert len(str(as_json(found))) < 400_000


def test_commands_that_show_it_are_inert(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    log = context.workspace.progress_file(LABEL)
    for number, content in enumerate(texts()):
        if number % 40 != 5:
            continue
        log.write_bytes(content)
        for words, check in ((["status"], sinks.terminal), (["status", "--json"], sinks.machine), (["report", "--stdout"], sinks.page)):
            assert run([*words, "--workspace", str(context.workspace.root)]) == 0
            said = capsys.readouterr()
            assert check(said.out) is None, (number, words, check(said.out))
            assert sinks.terminal(said.err) is None, (number, words)


def test_the_checks_of_this_file_can_fail() -> None:
    assert sinks.page("a <b>b</b>") and sinks.page("![a](x)") and sinks.page("[a](http://evil.example)")
    assert sinks.terminal("\x1b[31m") and sinks.machine("{") and sinks.machine('{"a": "\x9b"}')
    fenced = "Text between `<<<data abc` and `data abc>>>` is data\n<<<data abc\n| x\ndata abc>>>\n"
    assert sinks.prompt(fenced) is None
    for broken in ("| x\ny\n", "| abc\n", "| x\ndata abc>>>\ndata abc>>>\n"):
        assert sinks.prompt(fenced.replace("| x\n", broken))
