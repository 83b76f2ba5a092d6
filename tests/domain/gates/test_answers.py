"""What every gate answers, word by word: the verdict, the reason, until when, and what opens it; people act on these lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, BuildState, Ledger, Outcome, Pause, Usage
from autobuilds.domain.gates import GATES, assess
from autobuilds.domain.gates.order import find_cycle, overlap, same_goal
from autobuilds.domain.model import Estimate, Priority, Section, Task
from autobuilds.domain.moment import AgentStatus, Resources
from autobuilds.domain.policy import Policy
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Claim, Situation
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement, Verdict
from tests.builders import NOW, a_build, a_moment, a_situation, a_snapshot, a_task, failed_attempt

TASK = a_task()
MEDIUM = a_task(priority=Priority.MEDIUM)
NIGHT = a_moment(now=NOW.replace(hour=23))
HOUR = timedelta(hours=1)
DANGER = RiskJudgement(verdict=Verdict.ASK, kinds=("destructive", "costly"), matched=("`a`: one", "`b`: two", "`c`: three", "`d`: four"))
UNCLEAR = ClarityJudgement(verdict=Verdict.ASK, missing=("scope", "criteria"))


def with_ledger(ledger: Ledger, task: Task = TASK, **more) -> Situation:
    return a_situation(task, snapshot=a_snapshot(task, ledger=ledger), **more)


def with_settings(task: Task = TASK, **settings) -> Situation:
    return a_situation(task, snapshot=a_snapshot(task, settings=Settings(**settings)))


def approved(task: Task = TASK, proven: bool = True, changed: bool = False, **more) -> Situation:
    task = replace(task, approved=True)
    told = replace(task, description="another text") if changed else task
    ledger = Ledger(approvals=(Approval(label=task.label, fingerprint=fingerprint(told), by="olive", at=NOW),))
    return with_ledger(ledger, task, moment=a_moment(proven=frozenset({task.label} if proven else ())), **more)


def built(state: BuildState, **changes) -> Situation:
    return a_situation(builds=(a_build(TASK, state, **changes),))


def problem(severity: Severity = Severity.ERROR) -> Problem:
    return Problem(file="HEARTBEAT.md", line=7, column=3, kind="k", severity=severity, message="no number")


def depending(*labels: str, others: tuple[Task, ...] = (), builds=(), **changes) -> Situation:
    return a_situation(a_task(depends_on=labels, **changes), *others, builds=builds)


def claim(**changes) -> Claim:
    return replace(Claim(label="first", name="First", repository=".", touches=("src/a/**",), running=True), **changes)


def with_agents(*agents: AgentStatus, task: Task | None = None, **settings) -> Situation:
    task = task or a_task(steps=None)
    return a_situation(task, snapshot=a_snapshot(task, settings=Settings(**settings)), moment=a_moment(agents=agents))


def measured(**changes) -> Situation:
    return a_situation(moment=a_moment(resources=Resources(**changes)))


def after_failure(failure: FailureClass, **attempt) -> Situation:
    task, other = a_task(agent="claude"), a_task("Other")
    ran = failed_attempt(1, Outcome.AGENT_FAILED, agent="claude", failure=failure, **attempt)
    return a_situation(task, builds=(a_build(other, BuildState.ESCALATED, attempts=(ran,)),))


def estimated(hours: int, now: datetime = NIGHT.now, **changes) -> Situation:
    estimate = Estimate(min_minutes=hours * 60, max_minutes=hours * 60)
    return a_situation(replace(MEDIUM, estimate=estimate, **changes), moment=a_moment(now=now))


def in_tier(probe: TierProbe, nests: bool = False, **settings) -> Situation:
    snapshot = a_snapshot(TASK, settings=Settings(**settings))
    return a_situation(snapshot=snapshot, moment=a_moment(tiers=(probe,), agents=(replace(COMMAND, nests=nests),)))


def spent(**limits) -> Situation:
    tries = tuple(failed_attempt(n, usage=Usage(tokens_in=60, tokens_out=10, cost_usd=0.4)) for n in (1, 2))
    build = a_build(TASK, BuildState.RETRYING, attempts=tries)
    return a_situation(snapshot=a_snapshot(TASK, builds=(build,), settings=Settings(**limits)))


CLAUDE = AgentStatus(name="claude", found=True)
COMMAND = AgentStatus(name="command", found=True)
RETRY = {"retry_at": NOW + HOUR, "reason": "tests failed"}
REVIEWED = tuple(a_build(a_task(f"Done {n}"), BuildState.REVIEW) for n in range(2))
ONE, TWO = (a_task(name, section=Section.COMPLETED, checked=True) for name in ("One", "Two"))

CASES: list[tuple[str, Situation, str]] = [
    ("paused", a_situation(), "go: not paused"),
    ("paused", a_situation(snapshot=a_snapshot(TASK, problems=(problem(Severity.WARNING),))), "go: not paused"),
    (
        "paused",
        a_situation(snapshot=a_snapshot(TASK, problems=(problem(Severity.WARNING), problem()))),
        "ask: nothing starts until this is mended: HEARTBEAT.md:7:3: no number | edit HEARTBEAT.md line 7",
    ),
    ("paused", a_situation(moment=a_moment(stop_file=True)), "wait: a file named STOP stands in the workspace | delete the file STOP"),
    (
        "paused",
        with_ledger(Ledger(pause=Pause(since=NOW, reason="holidays"))),
        "wait: paused since 2026-02-06 12:00 (holidays) | autobuilds resume",
    ),
    ("paused", with_ledger(Ledger(pause=Pause(since=NOW))), "wait: paused since 2026-02-06 12:00 | autobuilds resume"),
    (
        "paused",
        with_ledger(Ledger(pause=Pause(since=NOW, until=NOW + HOUR, reason="holidays"))),
        "wait: paused until 2026-02-06 13:00 (holidays) | until 06 13:00 | autobuilds resume",
    ),
    ("paused", with_ledger(Ledger(pause=Pause(since=NOW - HOUR, until=NOW))), "go: not paused"),
    ("state", a_situation(), "go: not started"),
    (
        "state",
        a_situation(a_task(checked=True)),
        "wait: ticked as done: the next heartbeat moves it to Completed | autobuilds tick fix-the-clock --off",
    ),
    ("state", built(BuildState.BUILDING), "wait: building since 2026-02-06 11:00 | autobuilds stop fix-the-clock"),
    (
        "state",
        built(BuildState.BUILDING, attempts=(), created=NOW - 2 * HOUR),
        "wait: building since 2026-02-06 10:00 | autobuilds stop fix-the-clock",
    ),
    ("state", built(BuildState.RETRYING, **RETRY), "wait: failed (tests failed); next try at 2026-02-06 13:00 | until 06 13:00"),
    (
        "state",
        built(BuildState.RETRYING, **RETRY, updated=NOW + timedelta(days=1) - timedelta(seconds=1)),
        "wait: failed (tests failed); next try at 2026-02-06 13:00 | until 06 13:00",
    ),
    ("state", built(BuildState.RETRYING, **RETRY, updated=NOW + timedelta(days=1)), "go: retry time reached"),
    ("state", built(BuildState.RETRYING), "go: retry time reached"),
    (
        "state",
        built(BuildState.ESCALATED, reason="three attempts failed"),
        "ask: escalated: three attempts failed | autobuilds retry fix-the-clock, or autobuilds complete fix-the-clock, or autobuilds cancel fix-the-clock",
    ),
    ("state", built(BuildState.CANCELLED), "ask: cancelled | autobuilds reopen fix-the-clock, or delete the line"),
    ("state", built(BuildState.COMPLETED), "ask: built already, on 2026-02-06 11:00 | autobuilds reopen fix-the-clock, or delete the line"),
    ("state", built(BuildState.REVIEW), "ask: built already, on 2026-02-06 11:00 | autobuilds reopen fix-the-clock, or delete the line"),
    ("well-formed", a_situation(), "go: no problem in its entry"),
    (
        "well-formed",
        a_situation(a_task(problems=(problem(Severity.WARNING), problem()))),
        "ask: HEARTBEAT.md:7:3: no number | edit HEARTBEAT.md line 7",
    ),
    (
        "well-formed",
        a_situation(a_task(problems=(problem(),) * 3)),
        "ask: HEARTBEAT.md:7:3: no number (and 2 more) | edit HEARTBEAT.md line 7",
    ),
    ("blockers", a_situation(), "go: nothing blocks it"),
    (
        "blockers",
        a_situation(a_task("A", depends_on=("b",)), a_task("B", depends_on=("a",))),
        "ask: a cycle of dependencies: a -> b -> a | take one of them out of its Depends On",
    ),
    (
        "blockers",
        depending("nowhere"),
        "ask: depends on nowhere, which is not in the queue | correct the name, or add the task to the queue",
    ),
    (
        "blockers",
        depending("w", "x", "y"),
        "ask: depends on w, x, y, which is not in the queue | correct the name, or add the task to the queue",
    ),
    (
        "blockers",
        depending("v", "w", "x", "y", "z"),
        "ask: depends on v, w, x and 2 more, which is not in the queue | correct the name, or add the task to the queue",
    ),
    ("blockers", a_situation(a_task(blockers=("the key",))), "wait: blocked by: the key | autobuilds unblock fix-the-clock"),
    (
        "blockers",
        a_situation(a_task(blockers=("the key", "the design", "the vote"))),
        "wait: blocked by: the key (and 2 more) | autobuilds unblock fix-the-clock --all",
    ),
    ("blockers", depending("other", others=(a_task("Other"),)), "wait: waits for other"),
    (
        "blockers",
        depending("other", others=(a_task("Other"),), builds=(a_build(a_task("Other"), BuildState.ESCALATED),)),
        "wait: waits for other (escalated)",
    ),
    ("blockers", depending("other", builds=(a_build(a_task("Other"), BuildState.CANCELLED),)), "wait: waits for other (cancelled)"),
    ("blockers", depending("other", builds=(a_build(a_task("Other"), BuildState.REVIEW),)), "go: nothing blocks it"),
    ("blockers", depending("other", others=(a_task("Other", checked=True),)), "go: nothing blocks it"),
    ("blockers", depending("done-0", "done-1", builds=REVIEWED), "wait: done-0, done-1 wait for your review | autobuilds accept done-0"),
    (
        "blockers",
        depending("one", "two", others=(ONE, TWO), builds=(a_build(ONE, BuildState.REVIEW), a_build(TWO, BuildState.COMPLETED))),
        "go: nothing blocks it",
    ),
    ("requirements", a_situation(), "go: specific and checkable"),
    (
        "requirements",
        a_situation(clarity=UNCLEAR),
        "ask: missing: scope, criteria | autobuilds show fix-the-clock --template, or autobuilds approve fix-the-clock",
    ),
    (
        "requirements",
        a_situation(a_task(criteria=()), clarity=replace(UNCLEAR, why=("no bounds", "no check"))),
        "ask: no bounds; no check | autobuilds show fix-the-clock --template",
    ),
    ("requirements", approved(clarity=UNCLEAR), "go: approved as it is"),
    (
        "requirements",
        approved(a_task(criteria=()), clarity=UNCLEAR),
        "ask: missing: scope, criteria | autobuilds show fix-the-clock --template",
    ),
    ("requirements", a_situation(clarity=UNCLEAR, at_once=True), "go: started by the owner's word"),
    ("priority", a_situation(), "go: high: any time"),
    (
        "priority",
        a_situation(MEDIUM),
        "wait: medium: waits for off-hours (22:00-06:00) | until 06 22:00 | autobuilds set fix-the-clock priority high",
    ),
    ("priority", a_situation(MEDIUM, moment=NIGHT), "go: medium: in off-hours (22:00-06:00)"),
    (
        "priority",
        a_situation(a_task(priority=Priority.LOW)),
        "ask: low: starts only when you approve it | autobuilds approve fix-the-clock",
    ),
    ("priority", approved(a_task(priority=Priority.LOW)), "go: low: approved"),
    ("priority", a_situation(MEDIUM, at_once=True), "go: started by the owner's word"),
    ("window", a_situation(), "go: no window holds it"),
    ("window", a_situation(a_task(not_before=NOW + HOUR)), "wait: not before 2026-02-06 13:00 | until 06 13:00"),
    ("window", a_situation(a_task(not_before=NOW + HOUR), at_once=True), "go: started by the owner's word"),
    ("window", estimated(7), "go: fits before 2026-02-07 06:00"),
    ("window", estimated(8), "go: fits before 2026-02-07 06:00"),
    (
        "window",
        estimated(5, NOW.replace(hour=2), estimate_text="5h"),
        "wait: estimated 5h, but off-hours end in 4 h | until 06 22:00 | autobuilds set fix-the-clock priority high",
    ),
    (
        "window",
        estimated(1, NOW.replace(hour=5, minute=30)),
        "wait: estimated longer, but off-hours end in 30 min | until 06 22:00 | autobuilds set fix-the-clock priority high",
    ),
    ("window", estimated(5, NOW.replace(hour=12)), "go: no window holds it"),
    ("window", estimated(5, NOW.replace(hour=2), priority=Priority.HIGH), "go: no window holds it"),
    ("category", a_situation(), 'go: "Bug fixes" runs without asking at high priority'),
    ("category", approved(a_task(category="External actions")), "go: approved"),
    (
        "category",
        a_situation(a_task(category="Juggling")),
        'ask: category "Juggling" is not in the tables of DECISION_FRAMEWORK.md | autobuilds approve fix-the-clock, or add a row for it there',
    ),
    (
        "category",
        a_situation(a_task(category="Juggling", approved=True)),
        'ask: category "Juggling" is not in the tables of DECISION_FRAMEWORK.md; its `Approved: yes` was not committed by an allowed author | autobuilds approve fix-the-clock, or add a row for it there',
    ),
    ("category", a_situation(a_task(category="New features")), 'go: "New features", asked for by the owner at high priority'),
    (
        "category",
        a_situation(a_task(category="New features", source="routine")),
        'ask: "New features" from routine needs your approval | autobuilds approve fix-the-clock',
    ),
    (
        "category",
        a_situation(a_task(category="New features", source="routine", approved=True)),
        'ask: "New features" from routine needs your approval; its `Approved: yes` was not committed by an allowed author | autobuilds approve fix-the-clock',
    ),
    (
        "category",
        a_situation(a_task(category="External actions")),
        'ask: "External actions" at high priority needs your approval | autobuilds approve fix-the-clock',
    ),
    (
        "category",
        approved(a_task(category="External actions"), changed=True),
        'ask: "External actions" at high priority needs your approval; the approval lapsed because the text changed | autobuilds approve fix-the-clock',
    ),
    ("category", a_situation(a_task(category=None)), "go: no category, asked for by the owner at high priority"),
    (
        "category",
        a_situation(a_task(category=None, priority=Priority.LOW)),
        "ask: no category at low priority needs your approval | autobuilds approve fix-the-clock",
    ),
    (
        "category",
        a_situation(a_task(category=None), snapshot=a_snapshot(TASK, policy=Policy())),
        "ask: no category at high priority needs your approval | autobuilds approve fix-the-clock",
    ),
    ("risk", a_situation(), "go: nothing destructive, external, sensitive or costly found"),
    ("risk", a_situation(risk=DANGER), "ask: destructive, costly: `a`: one; `b`: two; `c`: three | autobuilds approve fix-the-clock"),
    ("risk", a_situation(risk=replace(DANGER, kinds=())), "ask: `a`: one; `b`: two; `c`: three | autobuilds approve fix-the-clock"),
    ("risk", approved(risk=DANGER), "go: approved (destructive, costly)"),
    ("risk", approved(risk=replace(DANGER, kinds=())), "go: approved"),
    (
        "risk",
        approved(risk=DANGER, proven=False),
        "ask: destructive, costly: `a`: one; `b`: two; `c`: three; the ledger has an approval that is not proven to be yours (given on another machine or copy, or by an older version): confirm it | autobuilds approve fix-the-clock",
    ),
    (
        "risk",
        approved(risk=DANGER, changed=True),
        "ask: destructive, costly: `a`: one; `b`: two; `c`: three; the approval lapsed because the text changed | autobuilds approve fix-the-clock",
    ),
    (
        "risk",
        a_situation(a_task(approved=True), risk=DANGER, moment=a_moment(doubted=frozenset({TASK.label}))),
        "ask: destructive, costly: `a`: one; `b`: two; `c`: three; it says approved, but a build ran meanwhile that nothing kept from writing the queue: confirm it | autobuilds approve fix-the-clock",
    ),
    ("conflict", a_situation(), "go: no other build claims its paths"),
    (
        "conflict",
        a_situation(a_task(touches=("src/b.py", "src/a/x.py")), claims=(claim(touches=()), claim())),
        "wait: first is being built and touches src/a/x.py too",
    ),
    (
        "conflict",
        a_situation(a_task(touches=("src/a/x.py",)), claims=(claim(running=False),)),
        "wait: first starts first and touches src/a/x.py too",
    ),
    ("conflict", a_situation(a_task(touches=("src/a/x.py",), repository="../x"), claims=(claim(),)), "go: no other build claims its paths"),
    (
        "conflict",
        a_situation(a_task(touches=("src/a/x.py",), repository="../x"), claims=(claim(repository="../x"),)),
        "wait: first is being built and touches src/a/x.py too",
    ),
    (
        "conflict",
        a_situation(claims=(claim(name="the clock: FIX"),)),
        "wait: first is being built and looks like the same task | autobuilds cancel fix-the-clock",
    ),
    ("review", a_situation(), "go: 0 of 10 finished builds wait for review"),
    (
        "review",
        a_situation(TASK, snapshot=a_snapshot(TASK, builds=REVIEWED, settings=Settings(review_limit=3))),
        "go: 2 of 3 finished builds wait for review",
    ),
    (
        "review",
        a_situation(TASK, snapshot=a_snapshot(TASK, builds=REVIEWED, settings=Settings(review_limit=2))),
        "wait: 2 finished builds wait for your review | autobuilds review done-0",
    ),
    ("agent", a_situation(), "go: command is installed"),
    ("agent", a_situation(moment=a_moment(agents_fault="agents.toml:3: no command")), "ask: agents.toml:3: no command | mend agents.toml"),
    ("agent", with_agents(COMMAND), "ask: no coding agent is installed | install one, or give the task Steps, or autobuilds doctor"),
    ("agent", with_agents(COMMAND, CLAUDE), "go: claude is installed"),
    (
        "agent",
        with_agents(COMMAND, agent="command"),
        "ask: the agent `command` runs a task's Steps, and this task has none | add Steps, or set another Agent",
    ),
    (
        "agent",
        with_agents(replace(CLAUDE, found=False, install="npm i claude"), agent="claude"),
        "ask: agent claude is not installed | npm i claude",
    ),
    (
        "agent",
        with_agents(replace(CLAUDE, found=False), agent="claude"),
        "ask: agent claude is not installed | set another Agent, or define it in agents.toml",
    ),
    (
        "agent",
        with_agents(CLAUDE, AgentStatus(name="aider", found=True), agent="codx"),
        "ask: agent codx is not installed (known: aider, claude) | set another Agent, or define it in agents.toml",
    ),
    ("agent", with_agents(COMMAND, CLAUDE, task=a_task(), agent="claude"), "go: claude is installed"),
    ("agent", with_agents(COMMAND, CLAUDE, task=a_task(agent="claude"), agent="command"), "go: claude is installed"),
    ("agent", with_agents(replace(CLAUDE, limited_until=NOW + HOUR)), "wait: claude reached its usage limit | until 06 13:00"),
    ("agent", with_agents(replace(CLAUDE, limited_until=NOW)), "go: claude is installed"),
    (
        "agent",
        after_failure(FailureClass.RATE_LIMIT, resets_at=NOW + HOUR),
        "wait: claude reached its usage limit (when it built other) | until 06 13:01 | autobuilds retry other, or set another Agent for fix-the-clock",
    ),
    (
        "agent",
        after_failure(FailureClass.AUTHENTICATION),
        "ask: claude could not sign in when it built other | sign in to claude or renew its key, then autobuilds retry other, or set another Agent for fix-the-clock",
    ),
    ("agent", in_tier(TierProbe(tier=Tier.BWRAP, works=True)), "go: command is installed; sandbox bubblewrap"),
    (
        "agent",
        in_tier(TierProbe(tier=Tier.BWRAP, works=False, why="no user namespaces", fix="sysctl x"), sandbox=Tier.BWRAP),
        "ask: sandbox is set to bubblewrap, but bubblewrap does not work here: no user namespaces | sysctl x",
    ),
    (
        "agent",
        in_tier(TierProbe(tier=Tier.LANDLOCK, works=True), require_sandbox=Tier.BWRAP),
        "ask: bubblewrap is demanded (require_sandbox), but bubblewrap was not tried out on this machine | autobuilds doctor",
    ),
    (
        "agent",
        in_tier(TierProbe(tier=Tier.LANDLOCK, works=False, why="old kernel"), require_sandbox=Tier.LANDLOCK),
        "ask: landlock is demanded (require_sandbox), but landlock does not work here: old kernel | change require_sandbox in HEARTBEAT.md, or autobuilds doctor",
    ),
    ("agent", in_tier(TierProbe(tier=Tier.LANDLOCK, works=True), nests=True), "go: command is installed; sandbox none"),
    ("capacity", a_situation(), "go: 0 of 1 slots taken"),
    (
        "capacity",
        a_situation(slots_taken=1, claims=(claim(), claim(label="b"), claim(label="c"), claim(label="d"))),
        "wait: 1 of 1 slots taken by first, b, c | max_concurrent in HEARTBEAT.md",
    ),
    (
        "capacity",
        a_situation(snapshot=a_snapshot(TASK, settings=Settings(max_concurrent={"default": 2})), slots_taken=1),
        "go: 1 of 2 slots taken",
    ),
    ("resources", a_situation(), "go: disk, memory and load are below their limits"),
    ("resources", measured(disk_percent=None, memory_percent=None, load_per_core=None), "go: disk, memory and load are below their limits"),
    (
        "resources",
        measured(disk_percent=90, memory_percent=90, load_per_core=9),
        "wait: disk 90 % full (limit 80 %), memory 90 % used (limit 90 %), load 9.0 per core (limit 4) | free some, or raise the limit in HEARTBEAT.md",
    ),
    (
        "resources",
        measured(disk_percent=Settings().disk_limit, memory_percent=Settings().memory_limit - 1),
        "wait: disk 80 % full (limit 80 %) | free some, or raise the limit in HEARTBEAT.md",
    ),
    (
        "resources",
        measured(disk_percent=Settings().disk_limit - 1, memory_percent=Settings().memory_limit),
        "wait: memory 90 % used (limit 90 %) | free some, or raise the limit in HEARTBEAT.md",
    ),
    (
        "resources",
        measured(load_per_core=Settings().load_limit),
        "wait: load 4.0 per core (limit 4) | free some, or raise the limit in HEARTBEAT.md",
    ),
    (
        "resources",
        a_situation(moment=a_moment(resources=Resources(memory_free_mib=99), agents=(replace(COMMAND, reserve_mib=100),))),
        "wait: memory 99 MiB free (command needs 100 MiB) | free some, or raise the limit in HEARTBEAT.md",
    ),
    (
        "resources",
        a_situation(moment=a_moment(resources=Resources(memory_free_mib=100), agents=(replace(COMMAND, reserve_mib=100),))),
        "go: disk, memory and load are below their limits",
    ),
    ("budget", a_situation(), "go: no limit is set"),
    ("budget", spent(attempts_per_day=3), "go: 2 of 3 attempts used today"),
    ("budget", spent(attempts_per_day=2), "wait: 2 of 2 attempts used today | until 07 00:00 | raise attempts_per_day in HEARTBEAT.md"),
    (
        "budget",
        spent(attempts_per_day=2, hours_per_day=0.5),
        "wait: 2 of 2 attempts used today; 1 of 0.5 hours of building used today | until 07 00:00 | raise attempts_per_day and hours_per_day in HEARTBEAT.md",
    ),
    (
        "budget",
        spent(tokens_per_task=100, cost_per_task=0.5, attempts_per_day=1),
        "ask: 0.80 of 0.50 USD used by this task; 140 of 100 tokens used by this task; 2 of 1 attempts used today | raise cost_per_task and tokens_per_task in HEARTBEAT.md, or autobuilds cancel fix-the-clock",
    ),
    (
        "budget",
        spent(tokens_per_task=100, cost_per_task=5),
        "ask: 140 of 100 tokens used by this task | raise tokens_per_task in HEARTBEAT.md, or autobuilds cancel fix-the-clock",
    ),
]


def said(gate: str, situation: Situation) -> str:
    found = GATES[gate](situation)
    assert found.gate == gate
    until = f" | until {found.until:%d %H:%M}" if found.until else ""
    return f"{found.verdict}: {found.reason}{until}" + (f" | {found.fix}" if found.fix else "")


@pytest.mark.parametrize(("gate", "situation", "answer"), [pytest.param(*case, id=f"{case[0]}-{n}") for n, case in enumerate(CASES)])
def test_answer(gate: str, situation: Situation, answer: str) -> None:
    assert said(gate, situation) == answer


def test_every_gate_is_here() -> None:
    assert {gate for gate, *_ in CASES} == set(GATES)


def test_a_later_claim_and_a_later_word_are_looked_at_too() -> None:
    task = a_task("Fix the clock of the tower", touches=("docs/x.md",))
    claims = (claim(name="..."), claim(label="second", name="Please, fix a clock in the TOWER"))
    assert said("conflict", a_situation(task, claims=claims)).startswith("wait: second is being built and looks like the same task")
    assert same_goal(claim(name="Fix clock"), a_task("fix the clock"))
    assert not same_goal(claim(name="Fix clock"), a_task("fix the clock tower"))


@pytest.mark.parametrize(
    ("one", "two", "shared"),
    [
        (("a/b", "c"), ("x", "c/d"), "c/d"),
        (("src/**",), ("docs", "src/a.py"), "src/a.py"),
        (("sr*",), ("src/a.py",), "src/a.py"),
        (("src/a?",), ("src/ab",), "src/ab"),
        (("src/[ab].py",), ("src/a.py",), "src/a.py"),
        (("/src/",), ("src/x",), "src/x"),
        (("src/a.py",), ("src/a.pyc",), None),
        (("src/a*.py",), ("src/b*.py",), None),
    ],
)
def test_overlap_names_the_path_of_the_later_task(one: tuple[str, ...], two: tuple[str, ...], shared: str | None) -> None:
    assert overlap(one, two) == shared


@pytest.mark.parametrize("filler", ["a", "an", "the", "to", "for", "of", "in", "on", "and", "with", "please"])
def test_a_filler_makes_no_other_goal(filler: str) -> None:
    assert same_goal(claim(name="Fix clock"), a_task(f"fix {filler} clock"))
    assert same_goal(claim(name=f"Fix {filler.upper()} clock"), a_task("fix clock"))


def test_without_an_agent_no_memory_is_needed() -> None:
    nothing = a_moment(resources=Resources(memory_free_mib=0), agents=())
    assert said("resources", a_situation(a_task(steps=None), moment=nothing)).startswith("go: ")


def test_of_two_limits_the_later_end_counts() -> None:
    tries = (failed_attempt(1, started=NOW.replace(hour=22, minute=30), ended=NOW.replace(hour=22, minute=40), usage=Usage(tokens_in=70)),)
    limits = Settings(attempts_per_day=1, tokens_per_night=50)
    snapshot = a_snapshot(TASK, builds=(a_build(TASK, BuildState.RETRYING, attempts=tries),), settings=limits)
    assert "until 07 06:00" in said("budget", a_situation(snapshot=snapshot, moment=NIGHT))


def test_the_shortest_cycle_is_found_through_every_branch() -> None:
    edges = {"a": ("x", "b"), "b": ("c", "a"), "c": ("a",), "x": ("y",), "y": ("x",)}
    assert find_cycle("a", edges) == ["a", "b", "a"]
    assert find_cycle("c", edges) == ["c", "a", "b", "c"]
    assert find_cycle("x", edges) == ["x", "y", "x"]
    assert find_cycle("q", edges) == []


def test_names_of_blockers_to_the_third_and_no_further() -> None:
    three = a_situation(a_task(depends_on=("one", "two", "x", "y")), *(a_task(n) for n in ("One", "Two", "X", "Y")))
    assert said("blockers", three) == "wait: waits for one, two, x and 1 more"


def test_all_gates_are_asked_in_their_order_and_the_label_is_kept() -> None:
    found = assess(a_situation(clarity=UNCLEAR, risk=DANGER))
    assert (found.label, found.verdict) == ("fix-the-clock", Verdict.ASK)
    assert [one.gate for one in found.obstacles] == ["requirements", "risk"]
    assert found.opens_at is None


def test_a_night_that_ends_at_dawn_is_measured_in_real_minutes() -> None:
    assert said("window", estimated(1, datetime(2026, 2, 7, 5, 0, 0, tzinfo=UTC))).startswith("go: fits before 2026-02-07 06:00")
    late = said("window", estimated(1, datetime(2026, 2, 7, 5, 0, 1, tzinfo=UTC)))
    assert late.startswith("wait: estimated longer, but off-hours end in 59 min | until 07 22:00")
