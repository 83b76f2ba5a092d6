"""The owner's context in heartbeats: a change told once, in the history and in the diary; a kept answer that ends with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.adapters.host import NOW_VARIABLE
from autobuilds.cli import answers
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.day import Context, Word
from autobuilds.errors import NotSo, Refused
from autobuilds.runtime import day as days
from autobuilds.runtime.fsck import rebuild
from autobuilds.runtime.heartbeat import Beat, beat
from autobuilds.runtime.standstill import keep, watch
from autobuilds.store import standstill
from autobuilds.wiring import make_context
from tests.conftest import git
from tests.runtime.loop import Loop, details, queue

#: A Friday.
NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)
CONFIG = """---
timezone: UTC
sandbox: none
off_hours: 02:00-03:00
disk_limit: 100
memory_limit: 100
load_limit: 1000
agent: command
{more}---
# Heartbeat
"""
EMPTY = "# Build Queue\n\n## Active Queue\n\n## Task Details\n\n## Completed\n"
#: A task that waits for its window, and needs no word of the owner's.
WINDOWED = """# Build Queue

## Active Queue
- [ ] Write hello - Added: 2026-02-06 10:00 - Priority: Medium

## Task Details
### Write hello
- **Description:** `a.txt` of the project holds the single line `hello`, as app.py reads it.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello a.txt`
- **Estimated Time:** 1 hour
- **Category:** Bug fixes
- **Window:** {window}
- **Steps:**
  ```sh
  echo hello > a.txt
  ```

## Completed
"""


@dataclass(frozen=True)
class Life:
    """A workspace whose clock is set."""

    root: Path

    @contextmanager
    def at(self, now: datetime) -> Iterator[None]:
        """Set the clock of what is done meanwhile."""
        os.environ[NOW_VARIABLE] = now.isoformat()
        try:
            yield
        finally:
            del os.environ[NOW_VARIABLE]

    def beat(self, now: datetime) -> Beat:
        """Run a heartbeat that starts nothing, and keep its answer where nothing was left to do."""
        with self.at(now):
            context = replace(make_context(self.root), heartbeat_argv=())
            before = watch(context)
            found = beat(context, start=False)
            keep(context, before, found, "heartbeat-text", lambda _: text(found), rested=-5.0)
        return found

    def say(self, now: datetime, wanted: Context, until: datetime | None = None) -> None:
        """Give the owner's word."""
        with self.at(now):
            days.say(make_context(self.root), wanted, until)

    def events(self) -> list[str]:
        """Return the subjects of the commits, without those of other things."""
        return [line for line in git(self.root, "log", "--reverse", "--format=%s").split("\n") if "context" in line or "word" in line]

    def diary(self, day: str = "2026-02-06") -> str:
        """Return the diary of a day."""
        path = self.root / "memory" / f"{day}.md"
        return path.read_text() if path.exists() else ""


def text(found: Beat) -> str:
    return answers.heartbeat_text(found, as_json=False, style=Style(colour=False))


@pytest.fixture
def live(make_repo: Callable[..., Path]) -> Callable[..., Life]:
    """Return a function that makes a workspace."""

    def make(queue: str = EMPTY, more: str = "") -> Life:
        return Life(
            make_repo({"BUILD_QUEUE.md": queue, "HEARTBEAT.md": CONFIG.format(more=more), "app.py": "", ".gitignore": ".autobuilds/\n"})
        )

    return make


def test_where_nothing_uses_contexts_no_change_is_recorded(live) -> None:
    life = live()
    for hours in (0, 5, 7, 11, 24):
        assert life.beat(NOON + timedelta(hours=hours)).transitions == ()
    assert (life.events(), life.diary()) == ([], "")


def test_a_change_is_told_once_where_contexts_are_used(live) -> None:
    life = live(more="contexts:\n  working: Mon-Fri 08:00-16:00\n")
    first = life.beat(NOON)
    assert [(t["event"], t["reason"]) for t in first.transitions] == [("context", "the context is working now, by the timetable")]
    assert life.beat(NOON + timedelta(minutes=30)).transitions == ()
    assert len(life.beat(NOON + timedelta(hours=4, minutes=20)).transitions) == 1
    assert [line.partition(": ")[2] for line in life.events()] == [
        "the context is working now, by the timetable",
        "the context is away now, outside your timetable",
    ]
    told = life.diary()
    assert "## [08:00] Context: working\n- While working, by the timetable, until 2026-02-06 16:00\n" in told
    assert "## [16:00] Context: away\n- While away, outside your timetable, until 2026-02-06 19:00, before that working\n" in told
    assert "- 1 build at the same time; windows open: work-hours\n- What can wait is kept for the next brief\n" in told
    assert git(life.root, "status", "--porcelain") == ""


def test_a_change_slept_through_is_told_when_it_began_and_none_of_those_between(live) -> None:
    life = live(more="calendar: none\nmax_concurrent:\n  default: 1\n  sleeping: 3\n")
    life.beat(NOON)
    life.beat(NOON + timedelta(days=1, hours=13))
    assert len(life.events()) == 2
    assert "## [23:00] Context: sleeping" in life.diary("2026-02-07")
    assert "3 builds at the same time" in life.diary("2026-02-07")


def test_the_word_of_the_owner_is_one_commit_and_ends_by_itself(live) -> None:
    life = live()
    life.say(NOON, Context.AWAY, NOON + timedelta(hours=2))
    assert life.beat(NOON + timedelta(minutes=5)).transitions == ()
    assert len(life.beat(NOON + timedelta(hours=2, minutes=1)).transitions) == 1
    assert [line.partition(": ")[2] for line in life.events()] == [
        "away by the owner's word, until 2026-02-06 14:00",
        "the context is working now, by the timetable",
    ]
    assert "## [14:00] Context: working" in life.diary()
    # Two days later nothing uses contexts any more.
    life.beat(NOON + timedelta(days=3))
    assert len(life.events()) == 2


def test_a_word_is_taken_back(live) -> None:
    life = live()
    with life.at(NOON), pytest.raises(NotSo, match="no word that still holds"):
        days.unsay(make_context(life.root))
    life.say(NOON, Context.WEEKEND)
    with life.at(NOON + timedelta(hours=1)):
        found = days.unsay(make_context(life.root))
    assert (found.answer.context, found.answer.since) == (Context.WORKING, NOON + timedelta(hours=1))
    day = make_context(life.root).workspace.ledger().day
    assert day is not None
    assert day.word is None
    assert day.words == (Word(context=Context.WEEKEND, since=NOON, until=NOON + timedelta(hours=1)),)
    assert life.events()[-1].endswith("the owner's word (weekend) is taken back")


def test_a_word_for_a_time_that_has_passed_is_refused(live) -> None:
    life = live()
    with life.at(NOON), pytest.raises(Refused, match="2026-02-06 11:00 has passed"):
        days.say(make_context(life.root), Context.AWAY, NOON - timedelta(hours=1))
    assert life.events() == []


def test_the_day_is_made_again_from_the_history(live) -> None:
    life = live(more="interrupt: never\n")
    life.beat(NOON)
    life.say(NOON + timedelta(minutes=1), Context.AVAILABLE)
    before = make_context(life.root).workspace.ledger()
    assert before.day is not None
    (life.root / "subagents/active.json").unlink()
    with life.at(NOON + timedelta(minutes=2)):
        rebuild(make_context(life.root))
    assert make_context(life.root).workspace.ledger().day == before.day


@pytest.mark.parametrize(("minutes", "known"), [(0, True), (29, True), (30, False)])
def test_a_kept_answer_ends_with_the_context(live, minutes: int, known: bool) -> None:
    life = live(more="contexts:\n  working: Mon-Fri 08:00-12:30\n")
    for _ in range(2):
        life.beat(NOON)
    at = NOON + timedelta(minutes=minutes)
    assert (standstill.recall(str(life.root), "heartbeat-text", at.timestamp()) is not None) is known


@pytest.mark.parametrize(
    ("hours", "minutes", "known"),
    [(18.0, 59, True), (18.0, 60, False), (22.5, 29, True), (22.5, 30, False)],
    ids=["before", "opens", "too-short", "closes"],
)
def test_a_kept_answer_ends_when_a_window_opens(live, hours: float, minutes: int, known: bool) -> None:
    at = datetime(2026, 2, 6, tzinfo=UTC) + timedelta(hours=hours)
    life = live(WINDOWED.format(window="quick-win"))
    for _ in range(2):
        life.beat(at)
    recalled = standstill.recall(str(life.root), "heartbeat-text", (at + timedelta(minutes=minutes)).timestamp())
    assert (recalled is not None) is known


def test_the_status_counts_the_slots_of_the_context(live) -> None:
    life = live(more="max_concurrent:\n  default: 1\n  sleeping: 3\n")
    assert life.beat(NOON).view.health.slots == 1
    assert life.beat(NOON + timedelta(hours=12)).view.health.slots == 3


def test_a_queue_that_can_not_be_read_stops_no_change_of_the_context(live) -> None:
    life = live(more="interrupt: never\n")
    (life.root / "BUILD_QUEUE.md").write_text("<<<<<<< HEAD\n" + EMPTY + "=======\n>>>>>>> other\n")
    assert [t["event"] for t in life.beat(NOON).transitions] == ["context"]
    assert life.events()[-1].endswith("the context is working now, by the timetable")


def test_a_task_waits_for_its_window_and_a_word_opens_it(live) -> None:
    life = live(WINDOWED.format(window="weekend"))
    gate = next(g for g in life.beat(NOON).assessments[0].gates if g.gate == "window")
    assert (gate.verdict.value, gate.until) == ("wait", datetime(2026, 2, 7, tzinfo=UTC))
    life.say(NOON, Context.WEEKEND, NOON + timedelta(hours=9))
    assert life.beat(NOON + timedelta(minutes=1)).assessments[0].verdict.value == "go"


@pytest.mark.slow
@pytest.mark.parametrize(("word", "yields"), [(Context.WORKING, True), (Context.AWAY, False)])
def test_a_build_yields_the_processor_while_the_owner_works(make_repo, word: Context, yields: bool) -> None:
    before = os.nice(0)
    steps = f"for i in $(seq {100 if yields else 5}); do [ $(nice) -gt {before} ] && break; sleep 0.05; done; nice > a.txt"
    files = {"BUILD_QUEUE.md": queue(details("Say hello", steps=steps, check="test -s a.txt")), "HEARTBEAT.md": CONFIG.format(more="")}
    root = make_repo({**files, "app.py": "", ".gitignore": ".autobuilds/\n"})
    loop = Loop(context=replace(make_context(root), heartbeat_argv=()))
    days.say(loop.context, word, None)
    loop.run()
    assert loop.state() == "review"
    assert (int(git(root, "show", "build/say-hello:a.txt")) > before) is yields
