"""The morning brief as a value and as a page: what it tells, what it does not, and that it is honest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.build import Build, BuildState, Evidence, Ledger, Outcome
from autobuilds.domain.day import Context, Day, Night
from autobuilds.domain.verdicts import Verdict
from autobuilds.planning.timeline import Forecast, Slot, Span
from autobuilds.runtime import brief as briefs
from autobuilds.runtime.brief_values import Ahead, BriefView, Turn, Waiting
from autobuilds.runtime.brief_view import Sources, brief_view
from autobuilds.store.render import Renderer
from autobuilds.wiring import make_context
from tests.conftest import git
from tests.runtime.loop import CONFIG, details, make_loop, queue
from tests.runtime.sample_state import (
    ASSESSMENTS,
    ESCALATED,
    HOUR,
    MERGED,
    MOMENT,
    PASSED,
    PROGRESS,
    RETRYING,
    REVIEW,
    RUNNING,
    SNAPSHOT,
    START,
    attempt,
    build,
)

#: The morning after the sample state, whose builds ended on Friday from 15:00 to 18:00.
MORNING = datetime(2026, 2, 7, 7, 0, tzinfo=UTC)
NIGHT = Night(id="2026-02-06", started=START - HOUR, ends=MORNING, ended=MORNING - HOUR / 2, found=3, fixed=2)


def sources(*builds: Build, night: Night | None = NIGHT, now: datetime = MORNING, **more: Any) -> Sources:
    ledger = Ledger(builds=builds or SNAPSHOT.ledger.builds, day=None if night is None else Day(night=night))
    given = {"assessments": ASSESSMENTS, "progress": PROGRESS, **more}
    return Sources(snapshot=replace(SNAPSHOT, ledger=ledger), moment=replace(MOMENT, now=now), zone=UTC, **given)


def ahead(*starts: datetime) -> Forecast:
    slots = tuple(Slot(label=f"t{n}", name=f"T{n}", start=at, end=at + HOUR) for n, at in enumerate(starts))
    edges = [(MORNING, Context.SLEEPING), (MORNING + 2 * HOUR, Context.WORKING), (MORNING + 20 * HOUR, Context.AWAY)]
    spans = tuple(Span(start=at, end=at + HOUR, context=context, slots=1) for at, context in edges)
    return Forecast(start=MORNING, end=MORNING + 24 * HOUR, slots=slots, not_reached=(), spans=spans)


def page(view: BriefView) -> str:
    return Renderer().render("brief.md.j2", briefs.page_values(view))


def test_a_night_that_went_well_and_less_well() -> None:
    view = brief_view(sources())
    assert view.headline == "2 builds shipped, 2 failed."
    assert (view.day, view.since, view.nights) == (date(2026, 2, 7), NIGHT.started, ("2026-02-06",))
    assert [(row.label, row.proof, row.size, row.then) for row in view.shipped] == [
        ("old-thing", "1 of 1 check passed", "", "merged into main"),
        ("docs", "1 of 1 check passed", "3 files +120 −4", "waits for your review"),
    ]
    assert [(row.label, row.attempts, row.then, row.command) for row in view.failed] == [
        ("login", 3, "handed over to you", "autobuilds log login"),
        ("cleanup", 1, "will be tried again", "autobuilds log cleanup"),
    ]
    assert [(row.label, row.percent, row.late) for row in view.building] == [("spotify", 60, True)]
    assert (view.found, view.fixed) == (3, 2)
    assert view.queue == Waiting(ready=0, held=2, asking=2, building=1, review=1)


def test_a_failed_night_is_said_first() -> None:
    lost = [replace(ESCALATED, label=name, name=name) for name in "abc"]
    view = brief_view(sources(*lost))
    assert view.headline == "Nothing shipped: 3 of 3 builds failed."
    assert page(view).split("\n")[2] == "**Nothing shipped: 3 of 3 builds failed.**"


@pytest.mark.parametrize(
    ("builds", "night", "headline"),
    [
        ([RUNNING], NIGHT, "Nothing shipped yet: 1 build is still running."),
        ([build("x", BuildState.CANCELLED)], NIGHT, "Nothing ran and nothing shipped."),
        ([build("x", BuildState.CANCELLED)], replace(NIGHT, undone=MORNING), "Nothing ran and nothing shipped; the night was taken back."),
        (
            [build("x", BuildState.REVIEW, attempt("x", ended=START, outcome=Outcome.PASSED, evidence=Evidence.CLAIMED))],
            NIGHT,
            "1 build shipped (by claim only).",
        ),
    ],
)
def test_the_headline_hides_nothing(builds: list[Build], night: Night, headline: str) -> None:
    assert brief_view(sources(*builds, night=night)).headline == headline


def test_claims_among_what_shipped_are_counted() -> None:
    claimed = build("x", BuildState.REVIEW, attempt("x", ended=START, outcome=Outcome.PASSED, files_changed=0))
    view = brief_view(sources(REVIEW, claimed))
    assert view.headline == "2 builds shipped (1 by claim only)."
    assert [(row.proof, row.size) for row in view.shipped if row.label == "x"] == [("claimed, nothing was checked", "nothing changed")]


def test_without_a_session_the_evening_before_is_where_it_begins() -> None:
    zone = ZoneInfo("Europe/Berlin")
    view = brief_view(replace(sources(night=None), zone=zone))
    assert view.since == datetime(2026, 2, 6, 18, 0, tzinfo=zone) and view.nights == ()
    assert [row.label for row in view.failed] == ["login"]  # at 18:00 UTC; the others ended before the evening
    assert view.headline == "Nothing shipped: 1 of 1 build failed."


def test_a_night_under_pressure_says_why_nothing_ran() -> None:
    pressed = replace(NIGHT, throttled_seconds=5430, ended=None, throttled=MORNING - HOUR)
    view = brief_view(sources(night=pressed))
    assert view.throttled_minutes == 150
    assert "Night 2026-02-06 (throttled for 2 h 30 min), since" in page(view)


def test_sessions_of_one_evening_are_told_together_and_one_of_the_day_itself_where_there_was_none_before() -> None:
    second = replace(NIGHT, id="2026-02-06-2", started=NIGHT.started + HOUR, found=1, fixed=1)
    found = sources()
    day = Day(night=second, nights=(replace(NIGHT, id="2026-02-04"), NIGHT))
    both = brief_view(replace(found, snapshot=replace(found.snapshot, ledger=replace(found.snapshot.ledger, day=day))))
    assert (both.nights, both.since, both.found, both.fixed) == (("2026-02-06", "2026-02-06-2"), NIGHT.started, 4, 3)
    today = brief_view(sources(night=replace(NIGHT, id="2026-02-07")))
    assert today.nights == ("2026-02-07",)


def test_what_the_owner_stopped_or_sent_back_did_not_fail() -> None:
    stopped = build("a", BuildState.CANCELLED, attempt("a", ended=START, outcome=Outcome.STOPPED))
    sent_back = build("b", BuildState.RETRYING, attempt("b", ended=START, outcome=Outcome.REJECTED))
    undone = build("c", BuildState.ESCALATED, attempt("c", ended=START, outcome=Outcome.PASSED))
    never = build("d", BuildState.RETRYING, attempt("d", ended=START, outcome=Outcome.NOT_STARTED))
    view = brief_view(sources(stopped, sent_back, undone, never))
    assert (view.shipped, view.failed, view.headline) == ((), (), "Nothing ran and nothing shipped.")


def test_a_build_that_failed_and_then_passed_shipped() -> None:
    tries = (attempt("a", 1, ended=START, outcome=Outcome.LOST), attempt("a", 2, ended=START + HOUR, outcome=Outcome.PASSED))
    view = brief_view(sources(build("a", BuildState.REVIEW, *tries)))
    assert ([row.label for row in view.shipped], view.failed) == (["a"], ())


def test_several_reviews_are_one_thing_to_do_and_one_is_named() -> None:
    one = [need for need in brief_view(sources()).needs_you if need.kind == "review"]
    assert [(need.label, need.command) for need in one] == [("docs", "autobuilds review docs")]
    two = brief_view(sources(REVIEW, replace(REVIEW, label="more"))).needs_you[-1]
    assert (two.label, two.reason, two.command, two.details) == (
        None,
        "2 builds wait for your review",
        "autobuilds review",
        ("docs", "more"),
    )


def test_every_thing_that_needs_the_owner_has_its_command() -> None:
    view = brief_view(sources())
    assert len(view.needs_you) == 5 and all(need.command for need in view.needs_you)
    text = page(view)
    assert all(f"`{need.command}`" in text for need in view.needs_you)


def test_today_is_what_starts_before_midnight_and_turns_of_the_context() -> None:
    view = brief_view(sources(forecast=ahead(MORNING, MORNING + 3 * HOUR, MORNING + 18 * HOUR)))
    assert view.today == (
        Ahead(label="t0", name="T0", start=MORNING, end=MORNING + HOUR, soon=True),
        Ahead(label="t1", name="T1", start=MORNING + 3 * HOUR, end=MORNING + 4 * HOUR),
    )
    assert (view.context, view.turns) == ("sleeping", (Turn(at=MORNING + 2 * HOUR, context="working"),))
    text = page(view)
    assert "- With the next heartbeat: **T0** (`t0`), ready about 08:00" in text and "- 10:00: **T1** (`t1`)" in text
    assert "Context: sleeping now, working from 09:00." in text


def test_a_running_build_without_an_estimate_takes_what_history_tells() -> None:
    slot = Slot(label="unknown", name="U", start=START, end=MORNING + HOUR, running=True)
    running = build("unknown", BuildState.BUILDING, attempt("unknown"))
    view = brief_view(sources(running, forecast=replace(ahead(), slots=(slot,)), progress={}))
    assert [(row.ready, row.late) for row in view.building] == [(MORNING + HOUR, False)]
    guessed = brief_view(sources(running, forecast=replace(ahead(), slots=(replace(slot, guessed=True),)), progress={}))
    assert guessed.building[0].ready is None


def test_a_past_morning_holds_its_own_night_and_nothing_of_today() -> None:
    later = sources(now=MORNING + timedelta(days=3), forecast=ahead(MORNING))
    view = brief_view(later, date(2026, 2, 7))
    assert view.past and view.headline == "2 builds shipped, 2 failed."
    assert (view.today, view.turns, view.context) == ((), (), None)
    assert view.until == datetime(2026, 2, 7, 12, 0, tzinfo=UTC)
    text = page(view)
    assert "until 2026-02-07 12:00" in text and "as it was when this page was written" in text and "## Today" not in text
    assert brief_view(later).headline == "Nothing shipped yet: 1 build is still running."


def test_archived_builds_of_a_past_night_are_told() -> None:
    view = brief_view(sources(RUNNING, archived=(MERGED,), now=MORNING + timedelta(days=60)), date(2026, 2, 7))
    assert [row.label for row in view.shipped] == ["old-thing"]


def test_a_new_build_of_a_label_stands_for_the_old_one() -> None:
    view = brief_view(sources(replace(MERGED, state=BuildState.RETRYING), archived=(MERGED,)))
    assert view.shipped == ()


def test_the_same_state_makes_the_same_bytes_whatever_the_minute() -> None:
    first = page(brief_view(sources()))
    assert first == page(brief_view(sources()))
    assert first == page(brief_view(sources(now=MORNING + timedelta(minutes=7))))
    assert "problems list" in first and "\n\n\n" not in first


def test_hostile_names_and_reasons_stay_text() -> None:
    evil = "x](http://evil) <img src=x> `a` **b**\n# c @everyone"
    ship = build("a", BuildState.REVIEW, attempt("a", ended=START, outcome=Outcome.PASSED, checks=(PASSED,)), name=evil)
    fail = replace(RETRYING, name=evil, attempts=(replace(RETRYING.attempts[0], reason=evil),))
    text = page(brief_view(sources(ship, fail, notes=(evil,))))
    assert "<img" not in text.replace("\\<img", "") and "\n# c" not in text and "@everyone" not in text and "(http:" not in text


def test_the_page_is_written_once_and_committed(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"BUILD_QUEUE.md": queue(), "HEARTBEAT.md": CONFIG.format(more=""), ".gitignore": ".autobuilds/\n"})
    context = make_context(root)
    made = briefs.make_brief(context)
    assert made.name == f"build-reports/brief-{made.view.day.isoformat()}.md" and made.problems == ()
    assert briefs.write_brief(context, made)
    assert (root / made.name).read_text() == made.text
    assert not briefs.write_brief(context, briefs.make_brief(context))
    assert git(root, "log", "--format=%s", "--", made.name) == f"autobuilds: brief of {made.view.day.isoformat()}"
    assert git(root, "status", "--porcelain") == ""


def test_what_ended_is_settled_before_the_brief_is_written(make_repo: Callable[..., Path]) -> None:
    loop = make_loop(make_repo, details("Say hello"))
    loop.beat()
    loop.ended()
    assert [row.label for row in briefs.make_brief(loop.context).view.building] == ["say-hello"]
    briefs.settle(loop.context)
    view = briefs.make_brief(loop.context).view
    assert ([row.label for row in view.shipped], view.building) == (["say-hello"], ())


def test_a_workspaces_own_template_wins_and_a_broken_one_is_told(make_repo: Callable[..., Path]) -> None:
    files = {"BUILD_QUEUE.md": queue(), "HEARTBEAT.md": CONFIG.format(more="")}
    root = make_repo({**files, "templates/brief.md.j2": "Short: {{ headline }}\n"})
    assert briefs.make_brief(make_context(root)).text == "Short: Nothing ran and nothing shipped.\n"
    (root / "templates" / "brief.md.j2").write_text("{{ nothing }}\n")
    broken = briefs.make_brief(make_context(root))
    assert broken.text.startswith("# Morning brief") and "templates/brief.md.j2:1" in broken.problems[0]


def test_a_queue_that_can_not_be_read_is_what_needs_the_owner(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"BUILD_QUEUE.md": "# Build Queue\n\n## Active Queue\n- [ ] A\0\n", "HEARTBEAT.md": CONFIG.format(more="")})
    view = briefs.make_brief(make_context(root)).view
    assert view.needs_you[0].command == "autobuilds check" and view.today == ()


def test_verdicts_are_counted() -> None:
    go = replace(ASSESSMENTS[0], gates=())
    assert go.verdict is Verdict.GO
    assert brief_view(sources(assessments=(go, *ASSESSMENTS))).queue.ready == 1
