"""Every gate: when it goes, waits and asks, with the reason and what opens it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, BuildState, Ledger, Outcome, Pause, Usage
from autobuilds.domain.day import Day, Night
from autobuilds.domain.gates import GATES, assess
from autobuilds.domain.gates.order import find_cycle, overlap, same_goal
from autobuilds.domain.model import Estimate, Priority, Section
from autobuilds.domain.moment import AgentStatus, Resources
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Claim, Situation
from autobuilds.domain.verdicts import Assessment, ClarityJudgement, GateResult, RiskJudgement, Verdict
from tests.builders import NOW, a_build, a_moment, a_situation, a_snapshot, a_task, an_attempt, failed_attempt

NOTHING = Usage()
GO, WAIT, ASK = Verdict.GO, Verdict.WAIT, Verdict.ASK


def gate(name: str, situation: Situation) -> GateResult:
    found = GATES[name](situation)
    assert found.gate == name
    if found.verdict is ASK:
        assert found.fix, "a gate that asks says what opens it"
    return found


def with_settings(task=None, **settings) -> Situation:
    task = task or a_task()
    return a_situation(task, snapshot=a_snapshot(task, settings=Settings(**settings)))


def with_ledger(task, ledger: Ledger, **more) -> Situation:
    return a_situation(task, snapshot=a_snapshot(task, ledger=ledger), **more)


def test_a_good_task_passes_every_gate() -> None:
    found = assess(a_situation())
    assert [g.gate for g in found.gates] == list(GATES)
    assert {g.verdict for g in found.gates} == {GO}
    assert found.verdict is GO
    assert found.obstacles == ()


def test_the_strongest_verdict_counts_and_obstacles_of_that_verdict_come_first() -> None:
    wait = GateResult(gate="window", verdict=WAIT, reason="later", until=NOW)
    ask = GateResult(gate="risk", verdict=ASK, reason="danger", fix="approve")
    both = Assessment(label="x", gates=(wait, ask))
    assert both.verdict is ASK
    assert both.obstacles == (ask, wait)
    assert both.opens_at is None
    assert Assessment(label="x", gates=(wait,)).opens_at == NOW
    assert Assessment(label="x", gates=()).verdict is GO


class TestPaused:
    def test_stop_file(self) -> None:
        found = gate("paused", a_situation(moment=a_moment(stop_file=True)))
        assert (found.verdict, found.fix) == (WAIT, "delete the file STOP")

    def test_pause_without_end(self) -> None:
        found = gate("paused", with_ledger(a_task(), Ledger(pause=Pause(since=NOW, reason="holidays"))))
        assert found.verdict is WAIT
        assert "holidays" in found.reason
        assert found.fix == "autobuilds resume"
        assert found.until is None

    @pytest.mark.parametrize(("minutes", "verdict"), [(1, WAIT), (0, GO), (-1, GO)])
    def test_pause_ends_by_itself(self, minutes: int, verdict: Verdict) -> None:
        until = NOW + timedelta(minutes=minutes)
        found = gate("paused", with_ledger(a_task(), Ledger(pause=Pause(since=NOW, until=until))))
        assert found.verdict is verdict
        assert found.until == (until if verdict is WAIT else None)


class TestState:
    def test_ticked_by_the_owner(self) -> None:
        assert gate("state", a_situation(a_task(checked=True))).verdict is WAIT

    def test_building(self) -> None:
        task = a_task()
        found = gate("state", a_situation(task, builds=(a_build(task),)))
        assert (found.verdict, found.reason) == (WAIT, "building since 2026-02-06 11:00")

    @pytest.mark.parametrize(("minutes", "verdict"), [(5, WAIT), (0, GO), (-5, GO)])
    def test_retry_time(self, minutes: int, verdict: Verdict) -> None:
        task = a_task()
        build = a_build(task, BuildState.RETRYING, retry_at=NOW + timedelta(minutes=minutes), reason="tests failed")
        assert gate("state", a_situation(task, builds=(build,))).verdict is verdict

    def test_a_retry_time_of_a_clock_that_was_ahead_holds_nothing(self) -> None:
        task, year = a_task(), timedelta(days=365)
        build = replace(a_build(task, BuildState.RETRYING, retry_at=NOW + year + timedelta(minutes=5)), updated=NOW + year)
        assert gate("state", a_situation(task, builds=(build,))).verdict is GO

    @pytest.mark.parametrize(
        ("state", "word"),
        [
            (BuildState.ESCALATED, "retry"),
            (BuildState.CANCELLED, "reopen"),
            (BuildState.COMPLETED, "reopen"),
            (BuildState.REVIEW, "reopen"),
        ],
    )
    def test_over(self, state: BuildState, word: str) -> None:
        task = a_task()
        found = gate("state", a_situation(task, builds=(a_build(task, state),)))
        assert found.verdict is ASK
        assert word in (found.fix or "")

    def test_an_entry_added_after_the_last_build_was_over_is_another_task(self) -> None:
        task = a_task(added=NOW)
        assert gate("state", a_situation(task, builds=(a_build(task, BuildState.COMPLETED),))).verdict is GO
        assert gate("state", a_situation(task, builds=(a_build(task, BuildState.ESCALATED),))).verdict is ASK


class TestWellFormed:
    def problem(self, severity: Severity) -> Problem:
        return Problem(
            file="BUILD_QUEUE.md", line=4, column=17, kind="unknown-priority", severity=severity, message='unknown priority "hgih"'
        )

    def test_an_error_asks_with_its_place(self) -> None:
        found = gate("well-formed", a_situation(a_task(problems=(self.problem(Severity.ERROR),) * 2)))
        assert found.verdict is ASK
        assert found.reason == 'BUILD_QUEUE.md:4:17: unknown priority "hgih" (and 1 more)'

    def test_a_warning_holds_nothing(self) -> None:
        assert gate("well-formed", a_situation(a_task(problems=(self.problem(Severity.WARNING),)))).verdict is GO


class TestBlockers:
    def test_open_blocker(self) -> None:
        found = gate("blockers", a_situation(a_task(blockers=("the API key", "the design"))))
        assert (found.verdict, found.reason) == (WAIT, "blocked by: the API key (and 1 more)")

    def test_waits_for_an_open_task(self) -> None:
        found = gate("blockers", a_situation(a_task(depends_on=("other",)), a_task("Other")))
        assert (found.verdict, found.reason) == (WAIT, "waits for other")

    def test_names_the_state_of_what_it_waits_for(self) -> None:
        other = a_task("Other")
        found = gate("blockers", a_situation(a_task(depends_on=("other",)), other, builds=(a_build(other, BuildState.ESCALATED),)))
        assert found.reason == "waits for other (escalated)"

    def test_a_completed_entry_or_build_satisfies(self) -> None:
        done = a_task("Other", section=Section.COMPLETED, checked=True)
        assert gate("blockers", a_situation(a_task(depends_on=("other",)), done)).verdict is GO
        gone = a_build(a_task("Other"), BuildState.COMPLETED)
        assert gate("blockers", a_situation(a_task(depends_on=("other",)), builds=(gone,))).verdict is GO

    def test_one_unreviewed_dependency_is_built_upon_two_wait(self) -> None:
        one, two = a_task("One", section=Section.COMPLETED), a_task("Two", section=Section.COMPLETED)
        builds = (a_build(one, BuildState.REVIEW), a_build(two, BuildState.REVIEW))
        assert gate("blockers", a_situation(a_task(depends_on=("one",)), one, builds=builds[:1])).verdict is GO
        found = gate("blockers", a_situation(a_task(depends_on=("one", "two")), one, two, builds=builds))
        assert (found.verdict, found.fix) == (WAIT, "autobuilds accept one")

    def test_unknown_name_asks(self) -> None:
        found = gate("blockers", a_situation(a_task(depends_on=("nowhere",))))
        assert found.verdict is ASK
        assert "nowhere" in found.reason

    def test_cycle_asks_and_shows_it(self) -> None:
        tasks = (a_task("A", depends_on=("b",)), a_task("B", depends_on=("c",)), a_task("C", depends_on=("a",)))
        found = gate("blockers", a_situation(*tasks))
        assert (found.verdict, found.reason) == (ASK, "a cycle of dependencies: a -> b -> c -> a")

    def test_find_cycle_goes_through_the_start_only(self) -> None:
        assert find_cycle("x", {"x": ("a",), "a": ("b",), "b": ("a",)}) == []
        assert find_cycle("a", {"a": ("a",)}) == ["a", "a"]


class TestPriority:
    def test_high_any_time(self) -> None:
        assert gate("priority", a_situation()).verdict is GO

    def test_medium_waits_for_off_hours(self) -> None:
        found = gate("priority", a_situation(a_task(priority=Priority.MEDIUM)))
        assert found.verdict is WAIT
        assert found.until == datetime(2026, 2, 6, 22, 0, tzinfo=UTC)

    def test_medium_goes_in_off_hours(self) -> None:
        night = a_moment(now=NOW.replace(hour=23))
        assert gate("priority", a_situation(a_task(priority=Priority.MEDIUM), moment=night)).verdict is GO

    def test_low_needs_approval(self) -> None:
        task = a_task(priority=Priority.LOW)
        assert gate("priority", a_situation(task)).verdict is ASK
        assert gate("priority", approved(task)).verdict is GO

    def test_the_owners_word_passes(self) -> None:
        assert gate("priority", a_situation(a_task(priority=Priority.LOW), at_once=True)).verdict is GO


def approved(task, text_changed: bool = False, **more) -> Situation:
    task = replace(task, approved=True)
    told = replace(task, description="something else") if text_changed else task
    ledger = Ledger(approvals=(Approval(label=task.label, fingerprint=fingerprint(told), by="olive", at=NOW),))
    more.setdefault("moment", a_moment(proven=frozenset({task.label})))
    return with_ledger(task, ledger, **more)


class TestWindow:
    def medium(self, minutes: int, now: datetime) -> GateResult:
        task = a_task(priority=Priority.MEDIUM, estimate=Estimate(min_minutes=minutes, max_minutes=minutes), estimate_text="so long")
        return gate("window", a_situation(task, moment=a_moment(now=now)))

    def test_not_before(self) -> None:
        until = NOW + timedelta(hours=1)
        found = gate("window", a_situation(a_task(not_before=until)))
        assert (found.verdict, found.until) == (WAIT, until)
        assert gate("window", a_situation(a_task(not_before=NOW))).verdict is GO

    def test_the_owners_word_starts_it_before_its_time(self) -> None:
        found = gate("window", a_situation(a_task(not_before=NOW + timedelta(days=9)), at_once=True))
        assert (found.verdict, found.reason) == (GO, "started by the owner's word")

    def test_not_before_in_the_hour_that_comes_twice(self) -> None:
        zone = ZoneInfo("Europe/Berlin")
        first = datetime(2026, 10, 25, 2, 50, tzinfo=zone)
        later = first.replace(minute=10, fold=1)
        assert gate("window", a_situation(a_task(not_before=first), moment=a_moment(now=later))).verdict is GO
        assert gate("window", a_situation(a_task(not_before=later), moment=a_moment(now=first))).verdict is WAIT

    def test_the_estimate_fits_or_waits_for_the_next_window(self) -> None:
        at_five = NOW.replace(hour=5)
        assert self.medium(60, at_five).verdict is GO
        found = self.medium(61, at_five)
        assert (found.verdict, found.until) == (WAIT, at_five.replace(hour=22))

    def test_longer_than_the_window_starts_in_its_first_hour(self) -> None:
        assert self.medium(24 * 60, NOW.replace(hour=22, minute=30)).verdict is GO
        assert self.medium(24 * 60, NOW.replace(hour=23, minute=30)).verdict is WAIT

    def test_high_and_unknown_estimates_have_no_window(self) -> None:
        long = Estimate(min_minutes=600, max_minutes=600)
        assert gate("window", a_situation(a_task(estimate=long))).verdict is GO
        assert gate("window", a_situation(a_task(priority=Priority.MEDIUM), moment=a_moment(now=NOW.replace(hour=5)))).verdict is GO


class TestRequirements:
    unclear = ClarityJudgement(verdict=ASK, missing=("scope",), why=("no bounds",))

    def test_asks_with_the_reason_and_how_to_mend(self) -> None:
        found = gate("requirements", a_situation(clarity=self.unclear))
        assert (found.verdict, found.reason) == (ASK, "no bounds")
        assert "--template" in (found.fix or "")

    def test_approval_passes_only_with_a_criterion(self) -> None:
        whole = replace(self.unclear, why=("nothing is said.", "there is no criterion."))
        assert gate("requirements", a_situation(clarity=whole)).reason == "nothing is said; there is no criterion"
        assert gate("requirements", approved(a_task(), clarity=self.unclear)).verdict is GO
        assert gate("requirements", approved(a_task(criteria=()), clarity=self.unclear)).verdict is ASK

    def test_the_owners_word_starts_what_is_unclear(self) -> None:
        found = gate("requirements", a_situation(clarity=self.unclear, at_once=True))
        assert (found.verdict, found.reason) == (GO, "started by the owner's word")


class TestCategory:
    def test_auto(self) -> None:
        assert gate("category", a_situation()).verdict is GO

    def test_own_is_for_the_owners_tasks(self) -> None:
        task = a_task(category="New features")
        assert gate("category", a_situation(task)).verdict is GO
        found = gate("category", a_situation(replace(task, source="routine")))
        assert found.verdict is ASK
        assert "routine" in found.reason

    def test_ask(self) -> None:
        assert gate("category", a_situation(a_task(category="New features", priority=Priority.MEDIUM))).verdict is ASK
        assert gate("category", a_situation(a_task(category="External actions"))).verdict is ASK

    def test_no_and_unknown_category(self) -> None:
        assert gate("category", a_situation(a_task(category=None))).verdict is GO
        assert gate("category", a_situation(a_task(category=None, priority=Priority.LOW))).verdict is ASK
        assert "DECISION_FRAMEWORK.md" in gate("category", a_situation(a_task(category="Juggling"))).reason

    def test_case_does_not_count(self) -> None:
        assert gate("category", a_situation(a_task(category="bug  FIXES"))).verdict is GO


class TestRisk:
    danger = RiskJudgement(verdict=ASK, kinds=("destructive",), matched=("`delete`: destroys",))

    def test_asks_with_the_words(self) -> None:
        found = gate("risk", a_situation(risk=self.danger))
        assert (found.verdict, found.reason) == (ASK, "destructive: `delete`: destroys")

    def test_approval_of_this_very_text_goes(self) -> None:
        assert gate("risk", approved(a_task(), risk=self.danger)).verdict is GO

    def test_approval_lapses_when_the_text_changes(self) -> None:
        found = gate("risk", approved(a_task(), text_changed=True, risk=self.danger))
        assert found.verdict is ASK
        assert "lapsed" in found.reason

    def test_a_typed_yes_counts_by_the_owners_hand_only(self) -> None:
        task = a_task(approved=True)
        assert gate("risk", a_situation(task, risk=self.danger, moment=a_moment(hand_approved=frozenset({task.label})))).verdict is GO
        found = gate("risk", a_situation(task, risk=self.danger))
        assert found.verdict is ASK
        assert "allowed author" in found.reason

    @pytest.mark.parametrize(("which", "words"), [("unproven", "not proven to be yours"), ("doubted", "a build ran meanwhile")])
    def test_an_approval_that_a_build_may_have_made_asks(self, which: str, words: str) -> None:
        task = a_task(approved=True)
        label = frozenset({task.label})
        unproven = approved(task, risk=self.danger, moment=a_moment(hand_approved=label))
        doubted = a_situation(task, risk=self.danger, moment=a_moment(doubted=label, hand_approved=label))
        found = gate("risk", {"unproven": unproven, "doubted": doubted}[which])
        assert found.verdict is ASK
        assert words in found.reason
        assert found.fix == f"autobuilds approve {task.label}"

    def test_a_removed_line_ends_the_approval(self) -> None:
        task = a_task()
        ledger = Ledger(approvals=(Approval(label=task.label, fingerprint=fingerprint(task), by="olive", at=NOW),))
        assert gate("risk", with_ledger(task, ledger, risk=self.danger)).verdict is ASK

    def test_at_once_does_not_pass_it(self) -> None:
        assert gate("risk", a_situation(risk=self.danger, at_once=True)).verdict is ASK


class TestConflict:
    def claim(self, **changes) -> Claim:
        return replace(Claim(label="first", name="First", repository=".", touches=("src/a/**",), running=True), **changes)

    def test_shared_paths_wait(self) -> None:
        found = gate("conflict", a_situation(a_task(touches=("src/a/x.py",)), claims=(self.claim(),)))
        assert (found.verdict, found.reason) == (WAIT, "first is being built and touches src/a/x.py too")

    def test_other_paths_other_repositories_and_no_touches_go(self) -> None:
        assert gate("conflict", a_situation(a_task(touches=("src/b/**",)), claims=(self.claim(),))).verdict is GO
        assert gate("conflict", a_situation(a_task(touches=("src/a/**",)), claims=(self.claim(repository="../x"),))).verdict is GO
        assert gate("conflict", a_situation(a_task(), claims=(self.claim(),))).verdict is GO

    def test_the_same_goal_waits(self) -> None:
        found = gate("conflict", a_situation(a_task("Fix the clock"), claims=(self.claim(name="the Clock: FIX!", running=False),)))
        assert found.verdict is WAIT
        assert "same task" in found.reason

    @pytest.mark.parametrize(
        ("one", "two", "shared"),
        [
            ("src/**", "src/a.py", True),
            ("src/a.py", "src/a.py", True),
            ("src/a", "src/a/b.py", True),
            ("src/a", "src/ab.py", False),
            ("*.md", "docs/x.md", True),
            ("docs/*.md", "src/*.py", False),
            ("./src/", "src", True),
        ],
    )
    def test_overlap(self, one: str, two: str, shared: bool) -> None:
        assert (overlap((one,), (two,)) is not None) is shared
        assert (overlap((two,), (one,)) is not None) is shared

    def test_same_goal_needs_words(self) -> None:
        assert not same_goal(self.claim(name="..."), a_task("!!!"))


class TestReviewAndCapacity:
    def test_review_limit(self) -> None:
        task = a_task()
        builds = tuple(a_build(a_task(f"Done {n}"), BuildState.REVIEW) for n in range(10))
        assert gate("review", a_situation(task, builds=builds[:9])).verdict is GO
        found = gate("review", a_situation(task, builds=builds))
        assert (found.verdict, found.fix) == (WAIT, "autobuilds review done-0")

    def test_capacity(self) -> None:
        claim = Claim(label="first", name="First", repository=".", touches=(), running=True)
        assert gate("capacity", a_situation(slots_taken=0)).verdict is GO
        found = gate("capacity", a_situation(slots_taken=1, claims=(claim,)))
        assert found.verdict is WAIT
        assert "first" in found.reason


class TestAgent:
    def agents(self, *agents: AgentStatus, task=None, **settings) -> GateResult:
        task = task or a_task(steps=None)
        snapshot = a_snapshot(task, settings=Settings(**settings))
        return gate("agent", a_situation(task, snapshot=snapshot, moment=a_moment(agents=agents)))

    def test_steps_use_command(self) -> None:
        assert gate("agent", a_situation()).reason == "command is installed"

    def test_the_first_installed_one(self) -> None:
        gone, here = AgentStatus(name="codex", found=False), AgentStatus(name="claude", found=True)
        assert self.agents(gone, here).reason == "claude is installed"

    def test_none_installed_asks(self) -> None:
        assert self.agents(AgentStatus(name="command", found=True)).verdict is ASK

    def test_missing_agent_gives_the_install_command(self) -> None:
        found = self.agents(AgentStatus(name="codex", found=False, install="npm install -g @openai/codex"), agent="codex")
        assert (found.verdict, found.fix) == (ASK, "npm install -g @openai/codex")

    def test_unknown_agent_names_the_known(self) -> None:
        found = self.agents(AgentStatus(name="codex", found=True), task=a_task(agent="codx"))
        assert found.verdict is ASK
        assert "known: codex" in found.reason

    def test_command_needs_steps(self) -> None:
        assert self.agents(AgentStatus(name="command", found=True), agent="command").verdict is ASK

    def test_usage_limit_waits(self) -> None:
        until = NOW + timedelta(hours=2)
        assert self.agents(AgentStatus(name="claude", found=True, limited_until=until)).until == until
        assert self.agents(AgentStatus(name="claude", found=True, limited_until=NOW)).verdict is GO

    def held(self, failure: FailureClass, *, now: datetime = NOW, **attempt) -> GateResult:
        task, other = a_task(agent="claude"), a_task("Other")
        ran = failed_attempt(1, Outcome.AGENT_FAILED, agent="claude", failure=failure, **attempt)
        builds = (a_build(other, BuildState.ESCALATED, attempts=(ran,)),)
        claude = AgentStatus(name="claude", found=True)
        return gate("agent", a_situation(task, snapshot=a_snapshot(task, builds=builds), moment=a_moment(now=now, agents=(claude,))))

    def test_a_usage_limit_of_another_build_waits_for_its_reset(self) -> None:
        resets = NOW + timedelta(hours=2)
        found = self.held(FailureClass.RATE_LIMIT, resets_at=resets)
        assert found.verdict is WAIT and found.until is not None and resets <= found.until < resets + timedelta(minutes=5)
        assert found.reason == "claude reached its usage limit (when it built other)"
        assert found.fix is not None and found.fix.startswith("autobuilds retry other")
        assert self.held(FailureClass.RATE_LIMIT, resets_at=resets, now=found.until).verdict is GO

    def test_a_missing_sign_in_asks_until_the_build_is_tried_again(self) -> None:
        found = self.held(FailureClass.AUTHENTICATION)
        assert found.verdict is ASK and "claude could not sign in when it built other" in found.reason
        assert found.fix is not None and "autobuilds retry other" in found.fix
        assert self.held(FailureClass.NETWORK).verdict is GO

    @pytest.mark.parametrize(
        ("settings", "verdict", "words"),
        [
            ({}, GO, "command is installed; sandbox landlock"),
            ({"sandbox": Tier.NONE}, GO, "command is installed; sandbox none"),
            ({"sandbox": Tier.BWRAP}, ASK, "bubblewrap does not work here: it is not installed"),
            ({"require_sandbox": Tier.LANDLOCK}, GO, "command is installed; sandbox landlock"),
            ({"require_sandbox": Tier.BWRAP}, ASK, "bubblewrap is demanded"),
        ],
    )
    def test_the_sandbox_that_is_demanded_has_to_work(self, settings, verdict: Verdict, words: str) -> None:
        missing = {"works": False, "why": "it is not installed", "fix": "apt install bubblewrap"}
        tiers = (
            TierProbe(tier=Tier.BWRAP_LANDLOCK, **missing),
            TierProbe(tier=Tier.BWRAP, **missing),
            TierProbe(tier=Tier.LANDLOCK, works=True),
            TierProbe(tier=Tier.NONE, works=True),
        )
        task = a_task()
        found = gate("agent", a_situation(task, snapshot=a_snapshot(task, settings=Settings(**settings)), moment=a_moment(tiers=tiers)))
        assert found.verdict is verdict and words in found.reason
        if verdict is ASK:
            assert found.fix == "apt install bubblewrap"

    def test_an_agent_with_a_sandbox_of_its_own_does_not_run_in_landlock_alone(self) -> None:
        codex = AgentStatus(name="codex", found=True, nests=True)
        tiers = (TierProbe(tier=Tier.LANDLOCK, works=True),)
        task = a_task(agent="codex")
        moment = a_moment(agents=(codex,), tiers=tiers)
        assert gate("agent", a_situation(task, moment=moment)).reason == "codex is installed; sandbox none"
        demanding = a_snapshot(task, settings=Settings(require_sandbox=Tier.LANDLOCK))
        assert gate("agent", a_situation(task, snapshot=demanding, moment=moment)).verdict is ASK

    def test_a_broken_agents_file_asks(self) -> None:
        assert gate("agent", a_situation(moment=a_moment(agents_fault="agents.toml:3: bad"))).reason == "agents.toml:3: bad"


class TestResources:
    @pytest.mark.parametrize(
        ("resources", "verdict"),
        [
            (Resources(disk_percent=79.9, memory_percent=89.9, load_per_core=3.9), GO),
            (Resources(disk_percent=80), WAIT),
            (Resources(memory_percent=90), WAIT),
            (Resources(load_per_core=4.0), WAIT),
            (Resources(), GO),
        ],
    )
    def test_limits(self, resources: Resources, verdict: Verdict) -> None:
        assert gate("resources", a_situation(moment=a_moment(resources=resources))).verdict is verdict

    @pytest.mark.parametrize(("free", "verdict"), [(1791, WAIT), (1792, GO), (None, GO)])
    def test_the_memory_that_an_agent_takes_has_to_be_free(self, free: int | None, verdict: Verdict) -> None:
        heavy = AgentStatus(name="openclaw", found=True, reserve_mib=1792)
        moment = a_moment(agents=(heavy, AgentStatus(name="command", found=True)), resources=Resources(memory_free_mib=free))
        found = gate("resources", a_situation(a_task(agent="openclaw"), moment=moment))
        assert found.verdict is verdict
        assert gate("resources", a_situation(moment=moment)).verdict is GO, "a task with Steps needs no model's program"
        if verdict is WAIT:
            assert found.reason == "memory 1791 MiB free (openclaw needs 1792 MiB)"


class TestBudget:
    def used(self, usage: Usage = NOTHING, started: datetime = NOW - timedelta(hours=2), **settings) -> GateResult:
        task, other = a_task(), a_task("Other")
        attempt = an_attempt(started=started, ended=started + timedelta(hours=1), outcome=Outcome.PASSED, usage=usage)
        builds = (a_build(other, BuildState.COMPLETED, attempts=(attempt,)),)
        return gate("budget", a_situation(task, snapshot=a_snapshot(task, ledger=Ledger(builds=builds), settings=Settings(**settings))))

    def test_no_limit(self) -> None:
        assert self.used().verdict is GO

    @pytest.mark.parametrize("settings", [{"attempts_per_day": 1}, {"hours_per_day": 1.0}, {"cost_per_day": 0.5}, {"tokens_per_day": 30}])
    def test_a_day_s_limit_waits_for_midnight(self, settings) -> None:
        usage = Usage(cost_usd=0.5, tokens_in=10, tokens_out=20)
        found = self.used(usage, **settings)
        assert (found.verdict, found.until) == (WAIT, datetime(2026, 2, 7, tzinfo=UTC))
        assert self.used(usage, started=NOW - timedelta(days=1), **settings).verdict is GO

    def test_below_the_limit_goes(self) -> None:
        assert self.used(Usage(cost_usd=0.4), cost_per_day=0.5, attempts_per_day=2, hours_per_day=1.1, tokens_per_day=1).verdict is GO

    def test_a_task_s_limit_asks(self) -> None:
        task = a_task()
        build = a_build(task, BuildState.RETRYING, attempts=(failed_attempt(1, usage=Usage(cost_usd=2.0)),))
        ledger = Ledger(builds=(build,))
        found = gate("budget", a_situation(task, snapshot=a_snapshot(task, ledger=ledger, settings=Settings(cost_per_task=2.0))))
        assert found.verdict is ASK
        assert found.reason == "2.00 of 2.00 USD used by this task"
        assert found.fix == f"raise cost_per_task in HEARTBEAT.md, or autobuilds cancel {task.label}"

    def test_a_night_s_limit_waits_for_its_end_and_holds_nothing_by_day(self) -> None:
        usage = Usage(cost_usd=3.0, tokens_in=10, tokens_out=20)
        settings = {"cost_per_night": 2.5, "tokens_per_night": 1000}
        assert self.used(usage, **settings).verdict is GO
        night = NOW.replace(hour=23)
        task, other = a_task(), a_task("Other")
        ran = an_attempt(started=night - timedelta(minutes=30), ended=night, outcome=Outcome.PASSED, usage=usage)
        builds = (a_build(other, BuildState.COMPLETED, attempts=(ran,)),)
        snapshot = a_snapshot(task, ledger=Ledger(builds=builds), settings=Settings(**settings))
        found = gate("budget", a_situation(task, snapshot=snapshot, moment=a_moment(now=night)))
        assert (found.verdict, found.until) == (WAIT, datetime(2026, 2, 7, 6, tzinfo=UTC))
        assert (found.reason, found.fix) == ("3.00 of 2.50 USD used tonight", "raise cost_per_night in HEARTBEAT.md")

    def test_what_is_left_is_said_while_it_goes(self) -> None:
        assert self.used(Usage(cost_usd=0.4), cost_per_day=0.5).reason == "0.40 of 0.50 USD used today"
        assert self.used().reason == "no limit is set"


def in_a_night(task, moment=None, **settings) -> Situation:
    night = Night(id="2026-02-06", started=NOW - timedelta(hours=1), ends=NOW + timedelta(hours=7))
    snapshot = a_snapshot(task, ledger=Ledger(day=Day(night=night)), settings=Settings(**settings))
    return a_situation(task, snapshot=snapshot, moment=moment or a_moment())


def test_in_a_night_new_features_wait_for_an_approval_or_for_the_day() -> None:
    task = a_task(category="New features")
    assert gate("category", a_situation(task)).verdict is GO
    found = gate("category", in_a_night(task))
    assert found.verdict is WAIT and found.until == NOW + timedelta(hours=7) and found.fix == f"autobuilds approve {task.label}"
    assert "while the overnight session is on (until 2026-02-06 19:00)" in found.reason


def test_in_a_night_what_asks_by_day_asks_and_what_runs_without_asking_runs() -> None:
    assert gate("category", in_a_night(a_task())).verdict is GO
    assert gate("category", in_a_night(a_task(category=None))).verdict is GO
    assert gate("category", in_a_night(a_task(category="External actions"))).verdict is ASK
    assert gate("category", in_a_night(a_task(category="New features", priority=Priority.MEDIUM))).verdict is ASK
    routine = a_task(category="New features", source="routine")
    assert gate("category", in_a_night(routine)).verdict is ASK


def test_a_night_is_throttled_at_a_limit_of_its_own_and_goes_on_below_it() -> None:
    task = a_task()
    high = a_moment(resources=Resources(disk_percent=10, memory_percent=85, load_per_core=0.9))
    assert gate("resources", a_situation(task, moment=high)).verdict is GO
    found = gate("resources", in_a_night(task, high))
    assert found.verdict is WAIT and "throttled: memory 85 % used (limit 80 %), load 0.9 per core (limit 0.8)" in found.reason
    assert "what runs goes on" in found.reason and "overnight_throttle" in (found.fix or "")
    assert gate("resources", in_a_night(task)).verdict is GO
