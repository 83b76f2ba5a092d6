from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Build, BuildState, Check, Ledger, Outcome, Pause
from autobuilds.domain.model import Priority, Queue
from autobuilds.domain.moment import Moment, Resources, Snapshot
from autobuilds.domain.policy import Policy
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.settings import Settings
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.runtime import view_values
from autobuilds.runtime.needs_view import done_row
from autobuilds.runtime.views import ReportView, StatusView, as_template, on_page, report_view, status_view
from autobuilds.store.render import Renderer
from tests.runtime.sample_state import (
    ASSESSMENTS,
    ESCALATED,
    HOUR,
    MOMENT,
    NOW,
    PROGRESS,
    RETRYING,
    REVIEW,
    RUNNING,
    SNAPSHOT,
    START,
    attempt,
    build,
    gate,
    task,
)

EMPTY = Snapshot(queue=Queue(), ledger=Ledger(), settings=Settings(), policy=Policy())
QUIET = Moment(now=NOW)


def _view() -> StatusView:
    return status_view(SNAPSHOT, MOMENT, ASSESSMENTS, PROGRESS)


def _page(view: StatusView) -> str:
    return Renderer().render("BUILD_STATUS.md.j2", on_page(view))


def test_the_first_line_says_what_is_going_on() -> None:
    assert _view().headline == "5 things need you, 1 build is running, 4 tasks wait."
    empty = status_view(EMPTY, QUIET, (), {})
    assert empty.headline == "All quiet: nothing runs, nothing waits, nothing needs you." and empty.ok


def test_what_needs_the_owner_each_with_the_command_that_settles_it() -> None:
    found = {(n.kind, n.label): n.command for n in _view().needs_you}
    assert found == {
        ("escalated", "login"): "autobuilds retry login",
        ("question", "spotify"): 'autobuilds answer spotify "..."',
        ("blocked", "spotify"): 'autobuilds answer spotify "..."',
        ("ask", "remove-old-users"): "autobuilds approve remove-old-users",
        ("review", "docs"): "autobuilds review docs",
    }
    escalated = _view().needs_you[0]
    assert escalated.reason == "the checks failed"
    assert escalated.details[0] == "pytest -q: exit status 1: 1 failed, 2 passed"


def test_problems_of_the_files_come_first() -> None:
    fatal = Problem(
        file="BUILD_QUEUE.md", line=7, column=1, kind="unclosed-fence", severity=Severity.ERROR, message="a fence is not closed"
    )
    config = Problem(file="HEARTBEAT.md", line=3, column=1, kind="unknown-key", severity=Severity.ERROR, message='unknown key "intervall"')
    view = status_view(replace(EMPTY, queue=Queue(problems=(fatal,), fatal=True), problems=(config,)), QUIET, (), {})
    assert [(n.kind, n.reason) for n in view.needs_you] == [
        ("queue", "BUILD_QUEUE.md:7:1: a fence is not closed"),
        ("config", 'HEARTBEAT.md:3:1: unknown key "intervall"'),
    ]
    assert view.health.starts == "nothing starts until BUILD_QUEUE.md is mended"
    assert view.headline.startswith("Nothing starts until BUILD_QUEUE.md is mended; 2 things need you")


def test_a_running_build_has_its_end_from_its_estimate() -> None:
    row = _view().building[0]
    assert (row.percent, row.step, row.attempt) == (60, "Write the client", 2)
    assert (row.ready_from, row.ready, row.ready_to) == (START + 3 * HOUR, START + 4 * HOUR, START + 5 * HOUR)


def test_the_log_of_an_earlier_attempt_says_nothing_of_this_one() -> None:
    stale = {"spotify": replace(PROGRESS["spotify"], attempt=1)}
    view = status_view(SNAPSHOT, MOMENT, ASSESSMENTS, stale)
    assert (view.building[0].percent, view.building[0].step) == (30, None)
    assert {n.kind for n in view.needs_you} == {"escalated", "ask", "review"}


def test_the_queue_says_which_gate_holds_and_what_opens_it() -> None:
    rows = _view().queue
    assert [(r.position, r.label, r.verdict, r.gate) for r in rows] == [
        (1, "workout-playlist", Verdict.WAIT, "priority"),
        (2, "remove-old-users", Verdict.ASK, "risk"),
        (3, "cleanup", Verdict.WAIT, "state"),
        (4, "login", Verdict.ASK, "state"),
    ]
    assert rows[0].opens == START + 7 * HOUR and rows[0].fix == "autobuilds set workout-playlist priority high"
    assert rows[1].others == ("requirements",), "what comes and goes by itself is not named beside what does not"


def test_of_very_many_tasks_the_page_names_the_first_and_counts_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_values, "MOST_ROWS", 1)
    page = _page(_view())
    assert "\n1. **" in page and "\n2. **" not in page
    assert "\n\nAfter these: 1 ask (risk), 1 wait (state), 1 ask (state). `autobuilds why` says it of each.\n\n## " in page


def test_a_task_with_every_gate_open_starts_at_the_next_heartbeat() -> None:
    snapshot = replace(EMPTY, queue=Queue(tasks=(task("a"),)))
    view = status_view(snapshot, QUIET, (Assessment(label="a", gates=(gate("risk", "go", "x"),)),), {})
    assert view.headline == "1 task can start." and view.queue[0].reason == "starts at the next heartbeat"


def test_completions_are_newest_first_with_their_grade() -> None:
    assert [(r.label, r.evidence) for r in _view().completed] == [("old-thing", "checked on the merged tree"), ("by-hand", "claimed")]


def test_a_build_completed_by_word_after_a_failure_is_claimed() -> None:
    word = replace(ESCALATED, state=BuildState.COMPLETED, updated=NOW + HOUR)
    view = status_view(replace(EMPTY, ledger=Ledger(builds=(word,))), QUIET, (), {})
    assert (view.completed[0].evidence, view.completed[0].finished) == ("claimed", NOW + HOUR)


def test_failures_say_what_happens_next() -> None:
    assert [(r.label, r.state, r.attempts, r.retry_at) for r in _view().failed] == [
        ("login", "escalated", 3, None),
        ("cleanup", "retrying", 1, NOW + HOUR),
    ]


def test_health_in_words() -> None:
    health = _view().health
    assert health.limits == (("disk", "ok"), ("memory", "ok"), ("load", "not measured")), "memory holds nothing but a task that asks"
    held = Assessment(label="a", gates=(gate("resources", "wait", "memory 95 % used (limit 90 %)"),))
    moment = replace(QUIET, resources=Resources(disk_percent=95.0, memory_percent=95.0))
    assert status_view(EMPTY, moment, (held,), {}).health.limits[:2] == (("disk", "over its limit"), ("memory", "over its limit"))
    assert status_view(EMPTY, moment, (), {}).health.limits[:2] == (("disk", "over its limit"), ("memory", "ok"))
    assert health.sandbox == "bubblewrap" and (health.slots_used, health.slots) == (1, 1)
    assert health.errors[0] == "2026-02-06 18:00 login, attempt 3: pytest -q: exit status 1"


@pytest.mark.parametrize(
    ("pause", "stop", "words"),
    [
        (Pause(since=START), False, "paused"),
        (Pause(since=START, until=NOW + HOUR), False, "paused until 2026-02-06 18:00"),
        (Pause(since=START, until=START + HOUR), False, "running"),
        (None, True, "stopped by the file STOP"),
    ],
)
def test_a_pause_is_said(pause: Pause | None, stop: bool, words: str) -> None:
    view = status_view(replace(EMPTY, ledger=Ledger(pause=pause)), replace(QUIET, stop_file=stop), (), {})
    assert view.health.starts == words


def test_only_the_newest_build_of_a_label_counts() -> None:
    again = replace(RUNNING, label="old-thing", created=NOW)
    ledger = SNAPSHOT.ledger
    view = status_view(replace(SNAPSHOT, ledger=replace(ledger, builds=(*ledger.builds, again))), MOMENT, (), {})
    assert "old-thing" in {r.label for r in view.building} and "old-thing" not in {r.label for r in view.completed}


def test_work_that_was_sent_back_does_not_stand_under_failed() -> None:
    sent_back = build("x", BuildState.RETRYING, attempt("x", ended=START, outcome=Outcome.REJECTED, reason="no"), reason="rejected: no")
    assert status_view(replace(SNAPSHOT, ledger=Ledger(builds=(sent_back,))), MOMENT, (), {}).failed == ()


def test_what_holds_more_than_its_own_task_needs_you_first() -> None:
    def escalated(label: str, **ended: Any) -> Build:
        return build(label, BuildState.ESCALATED, attempt(label, ended=START, **ended), reason=label)

    builds = (
        escalated("checks", outcome=Outcome.CHECKS_FAILED),
        escalated("denied", outcome=Outcome.BLOCKED),
        escalated("spent", outcome=Outcome.AGENT_FAILED, failure=FailureClass.BUDGET),
        escalated("key", outcome=Outcome.AGENT_FAILED, failure=FailureClass.AUTHENTICATION),
    )
    view = status_view(replace(EMPTY, ledger=Ledger(builds=builds)), QUIET, (), {})
    assert [n.label for n in view.needs_you] == ["key", "spent", "denied", "checks"]
    assert view.failed[2].failure == "budget" and all(row.told for row in view.failed)


def test_an_agent_that_holds_several_tasks_is_named_once() -> None:
    def held(label: str, reason: str) -> Assessment:
        return Assessment(label=label, gates=(gate("agent", "ask", reason, fix="npm install -g x"), gate("risk", "go", "nothing")))

    four = tuple(held(label, "agent x is not installed") for label in "abcd")
    other = Assessment(label="e", gates=(gate("agent", "ask", "agent x is not installed"), gate("risk", "ask", "danger", fix="approve")))
    view = status_view(replace(EMPTY, queue=Queue(tasks=tuple(task(n) for n in "abcde"))), QUIET, (*four, other), {})
    assert [(n.label, n.reason) for n in view.needs_you] == [
        (None, "agent x is not installed; this holds 4 tasks: a, b, c and 1 more"),
        ("e", "agent x is not installed"),
    ]
    assert view.needs_you[0].command == "npm install -g x"
    key = attempt("key", ended=START, outcome=Outcome.AGENT_FAILED, failure=FailureClass.AUTHENTICATION)
    builds = (build("key", BuildState.ESCALATED, key, reason="401; sign in"),)
    waiting = tuple(held(label, "claude could not sign in when it built key") for label in "ab")
    view = status_view(replace(EMPTY, ledger=Ledger(builds=builds)), QUIET, waiting, {})
    assert [n.label for n in view.needs_you] == ["key"]


def test_a_reason_stands_on_the_page_once() -> None:
    page = _page(_view())
    assert page.count('destructive: "remove"') == 1
    assert "**Remove old users** (`remove-old-users`, medium): **ask** (risk): see above" in page


def test_the_page_is_the_same_while_nothing_happens() -> None:
    later = replace(MOMENT, now=NOW + timedelta(minutes=30), resources=Resources(disk_percent=41.3, memory_percent=97.0))
    measured = replace(ASSESSMENTS[1], gates=(*ASSESSMENTS[1].gates[:2], gate("resources", "wait", "memory 97 % used (limit 90 %)")))
    assert _page(_view()) == _page(status_view(SNAPSHOT, later, (ASSESSMENTS[0], measured, *ASSESSMENTS[2:]), PROGRESS))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            gate("resources", "wait", "disk 81 % full (limit 80 %), load 5.1 per core (limit 4)"),
            gate("resources", "wait", "disk 83 % full (limit 80 %), load 4.2 per core (limit 4)"),
        ),
        (
            gate("window", "wait", "estimated 4 hours, but off-hours end in 3 h 10 min"),
            gate("window", "wait", "estimated 4 hours, but off-hours end in 2 h 40 min"),
        ),
        (gate("budget", "wait", "8.1 of 8 hours of building used today"), gate("budget", "wait", "8.25 of 8 hours of building used today")),
        (gate("budget", "wait", "1,008 of 1,000 tokens used tonight"), gate("budget", "wait", "1,200 of 1,000 tokens used tonight")),
        (
            gate("resources", "wait", "memory 900 MiB free (openclaw needs 1792 MiB)"),
            gate("resources", "wait", "memory 1200 MiB free (openclaw needs 1792 MiB)"),
        ),
    ],
)
def test_measurements_that_move_are_not_on_the_page(one: object, other: object) -> None:
    snapshot = replace(EMPTY, queue=Queue(tasks=(task("a"),)))
    pages = [_page(status_view(snapshot, QUIET, (Assessment(label="a", gates=(g,)),), {})) for g in (one, other)]  # type: ignore[arg-type]
    assert pages[0] == pages[1]
    assert "limit" in pages[0] or "longer than what is left" in pages[0] or "are used up" in pages[0] or "too little" in pages[0]


HOSTILE = "x](http://evil) <img src=y> | \n# H\n- [x] done\n```\n@all \x1b[31m \u202e ![i](http://evil) www.evil.example"


def _hostile(value: object) -> object:
    """Return plain data with every text that people or agents could have written made hostile."""
    if isinstance(value, dict):
        return {k: HOSTILE if isinstance(v, str) and k not in {"state", "verdict", "kind"} else _hostile(v) for k, v in value.items()}
    if isinstance(value, list):
        return [HOSTILE if isinstance(v, str) else _hostile(v) for v in value]
    return value


@pytest.mark.parametrize("name", ["BUILD_STATUS.md.j2", "build-report.md.j2"])
def test_no_text_on_a_page_becomes_active(name: str) -> None:
    import mistune

    plain = on_page(_view()) if name.startswith("BUILD") else as_template(_report())
    hostile = _hostile(plain)
    assert isinstance(hostile, dict)
    render = mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough", "task_lists"])
    before, after = (str(render(Renderer().render(name, context))) for context in (plain, hostile))
    assert not any(tag in after for tag in ("<a ", "<img", "<input", "evil)</a>", "\x1b", "\u202e"))
    for tag in ("<h1", "<h2", "<h3", "<ul", "<li", "<table", "<td", "<tr", "<pre", "<blockquote", "<hr"):
        assert before.count(tag) == after.count(tag), tag


def _report(day: date = date(2026, 2, 6), snapshot: Snapshot = SNAPSHOT) -> ReportView:
    return report_view(snapshot, day, UTC, moment=MOMENT, assessments=ASSESSMENTS, progress=PROGRESS)


def test_a_report_keeps_verified_and_claimed_apart() -> None:
    report = _report()
    assert [r.label for r in report.verified] == ["docs", "old-thing"]
    assert [r.label for r in report.claimed] == ["by-hand"]
    assert report.headline == "2 builds finished and verified, 1 build finished by claim only, 4 attempts did not pass."


def test_a_report_tells_of_every_failed_attempt_and_what_followed() -> None:
    assert [(f.label, f.number, f.outcome, f.then) for f in _report().failures] == [
        ("login", 1, "checks-failed", "tried again as attempt 2"),
        ("cleanup", 1, "no-change", "will be tried again"),
        ("login", 2, "checks-failed", "tried again as attempt 3"),
        ("login", 3, "checks-failed", "handed over to you"),
    ]


def test_a_failed_night_reads_as_one() -> None:
    failed = replace(SNAPSHOT, ledger=Ledger(builds=(ESCALATED,)), queue=Queue())
    report = _report(snapshot=failed)
    assert report.headline == "Nothing was finished, 3 attempts did not pass."
    page = Renderer().render("build-report.md.j2", as_template(report))
    assert "## Completed and verified\n\nNone.\n" in page and "**Nothing was finished, 3 attempts did not pass.**" in page


def test_a_day_without_anything_is_honest() -> None:
    assert _report(date(2025, 1, 1)).headline == "Nothing ran and nothing was finished."


def test_what_was_not_reported_is_not_zero() -> None:
    rows = {r.what: (r.value, r.measured) for r in _report().resources}
    assert rows["cost"] == (1.26, 3) and rows["tokens in"] == (36000.0, 3)
    assert rows["tokens out"] == (None, 0) and rows["building time"] == (8.0, 6)


def test_the_day_is_the_zones_own_over_a_change_of_the_clocks() -> None:
    zone = ZoneInfo("Europe/Berlin")
    late = attempt(
        "a",
        started=START.replace(month=3, day=29, hour=20),
        ended=START.replace(month=3, day=29, hour=21, minute=30),
        outcome=Outcome.AGENT_FAILED,
    )
    after = replace(late, number=2, id="a-2", ended=START.replace(month=3, day=29, hour=22, minute=30))
    snapshot = replace(EMPTY, ledger=Ledger(builds=(build("a", BuildState.RETRYING, late, after),)))
    days = [report_view(snapshot, date(2026, 3, d), zone, moment=QUIET) for d in (28, 29, 30)]
    assert [[f.number for f in d.failures] for d in days] == [[], [1], [2]]


def test_the_report_page_names_branches_and_logs() -> None:
    page = Renderer().render("build-report.md.j2", as_template(_report()))
    assert "- `docs`, branch `build/docs`, log `subagents/logs/docs-1.log`\n" in page
    assert "| cost | 1.26 USD | 3 of 6 attempts |\n" in page


def test_the_status_page_reads_well() -> None:
    page = _page(_view())
    assert page.startswith("# Build status\n\n**5 things need you, 1 build is running, 4 tasks wait.**\n\n> [!IMPORTANT]\n")
    assert "> - **login** the checks failed\n>   - settle it: `autobuilds retry login`\n" in page
    assert (
        "- **Spotify Integration** (`spotify`): 60 %, attempt 2 with `claude`, sandbox bubblewrap\n  - started 2026-02-06 15:00, expected about"
        in page
    )
    assert "1. **Workout playlist** (`workout-playlist`, medium): **wait** (priority): medium: waits for off-hours (22:00-06:00)" in page
    assert "\n\n\n" not in page and REVIEW.name in page and RETRYING.name in page


def test_two_looks_at_the_same_night_give_one_page() -> None:
    """The gates' own words, with the clock, disk, memory and load moved on by one heartbeat."""
    from autobuilds.planning import assess_all

    settings = Settings(hours_per_day=1.0)
    ran = attempt("before", started=NOW.replace(hour=0), ended=None)
    snapshot = replace(
        EMPTY,
        settings=settings,
        queue=Queue(tasks=(replace(SNAPSHOT.queue.tasks[0], label="long", priority=Priority.MEDIUM), task("short"))),
        ledger=Ledger(builds=(build("before", BuildState.BUILDING, ran),)),
    )
    pages, said = [], []
    for minute, disk, memory, load in ((0, 81.2, 91.4, 4.2), (30, 83.9, 96.0, 7.7)):
        now = NOW.replace(hour=3, minute=minute)
        moment = replace(MOMENT, now=now, resources=Resources(disk_percent=disk, memory_percent=memory, load_per_core=load))
        assessments, _ = assess_all(snapshot, moment)
        said.append({g.reason for a in assessments for g in a.obstacles})
        held = [g for a in assessments for g in a.obstacles if g.gate in {"resources", "window", "budget"}]
        singles = [Assessment(label=a.label, gates=tuple(g for g in a.gates if g in held)) for a in assessments]
        each = [replace(a, gates=(g,)) for a in singles for g in a.gates]
        pages.append(
            [_page(status_view(snapshot, moment, (a,), {})) for a in each] + [_page(status_view(snapshot, moment, assessments, {}))]
        )
        assert {g.gate for g in held} == {"resources", "window", "budget"}
    assert said[0] != said[1], "the gates measure, so their reasons differ"
    assert pages[0] == pages[1]


def test_work_that_was_taken_back_has_not_failed() -> None:
    build = next(b for b in SNAPSHOT.ledger.builds if b.last is not None and b.last.outcome is Outcome.PASSED)
    undone = replace(build, state=BuildState.ESCALATED, reason="undone by you")
    view = status_view(replace(SNAPSHOT, ledger=Ledger(builds=(undone,))), MOMENT, (), {})
    assert not view.failed
    assert [n.reason for n in view.needs_you if n.label == build.label] == ["undone by you"]


def test_a_check_that_ran_on_the_merged_tree_too_is_one_check() -> None:
    build = next(b for b in SNAPSHOT.ledger.builds if b.last is not None and b.last.outcome is Outcome.PASSED)
    check = Check(text="it does", command="true", exit_code=0, passed=True)
    last = replace(build.attempts[-1], checks=(check, replace(check, merged=True)))
    row = done_row(replace(build, attempts=(*build.attempts[:-1], last)))
    assert (row.checks_passed, row.checks_total) == (1, 1)
