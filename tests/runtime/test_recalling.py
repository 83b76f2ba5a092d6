"""Asking about the past: the decision of each start, and what the gates said of the files of any commit or time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending
from autobuilds.domain.verdicts import Verdict
from autobuilds.errors import BadInput, FatalQueue, NotSo
from autobuilds.runtime import owner
from autobuilds.runtime.heartbeat import look
from autobuilds.runtime.recalling import Recalled, left_by, outcome, recall
from autobuilds.runtime.spawn import spawn
from tests.proofs._life import COMMAND, ZONE, Life, begin
from tests.runtime.loop import details

Make = Callable[..., Path]


@pytest.fixture
def life(tmp_path: Path) -> Life:
    """A workspace with `say-hello` and `greet-again`, an injected clock, one slot, nothing started yet."""
    life = begin(tmp_path, 1)
    rows = "\n".join(f"- [ ] {name} - Added: 2026-01-06 15:00 - Priority: High" for name in ("Say hello", "Greet again"))
    blocks = details("Say hello") + details("Greet again", file="b.txt")
    life.queue.write_text(f"# Build Queue\n\n## Active Queue\n{rows}\n\n## Task Details\n{blocks}\n## Completed\n")
    config = life.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("max_concurrent: 2", "max_concurrent: 1"))
    life.git("commit", "-qam", "tasks")
    return life


def the_start(life: Life, label: str = "say-hello") -> str:
    """Return the newest commit that started a label."""
    found = [c for c in life.context.repo.history() if c.trailers.get("Event") == "start" and c.trailers["Build"] == label]
    return found[-1].sha


def same(told: Recalled) -> bool:
    """Whether the start is told as it was recorded."""
    found = told.of(told.started or "")
    return found is not None and found.verdict is Verdict.GO and bool(told.recorded) and told.differing == ()


def test_a_start_is_told_as_it_was_decided_with_every_other_task(life: Life) -> None:
    seen = look(life.context).assessments
    life.beat()
    told = recall(life.context, the_start(life))
    assert same(told) and told.notes == () and told.started == "say-hello"
    assert told.assessments == seen and told.now == life.machine.at
    held = told.of("greet-again")
    assert held is not None and held.verdict is Verdict.WAIT


def test_starts_that_were_decided_together_share_their_files(life: Life) -> None:
    config = life.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("max_concurrent: 1", "max_concurrent: 2"))
    seen = look(life.context).assessments
    life.beat()
    first, second = (recall(life.context, the_start(life, label)) for label in ("say-hello", "greet-again"))
    assert same(first) and same(second) and first.files == second.files
    assert first.assessments == second.assessments == seen


def test_settings_that_were_never_committed_are_known(life: Life) -> None:
    config = life.root / "HEARTBEAT.md"
    good = config.read_text()
    config.write_text(good.replace("review_limit: 40", "review_limit: 7"))
    life.beat()
    config.write_text(good)
    told = recall(life.context, the_start(life))
    assert same(told) and told.recorded["review"] == "0 of 7 finished builds wait for review"


@pytest.mark.parametrize("name", ["HEARTBEAT.md", "DECISION_FRAMEWORK.md"])
def test_settings_and_rules_saved_between_reading_and_starting_are_not_those_that_it_was_decided_on(life: Life, name: str) -> None:
    life.decide()
    path = life.root / name
    read = path.read_text().replace("review_limit: 40", "review_limit: 41").replace("| auto | auto | ask |", "| auto | own | ask |")
    path.write_text(read)

    def save() -> None:
        path.write_text(read.replace("review_limit: 41", "review_limit: 7").replace("| auto | own | ask |", "| own | own | own |"))

    life.machine.meanwhile, life.machine.looks = save, 1
    life.beat()
    assert path.read_text() != read
    path.write_text(read.replace("41", "5").replace("auto", "ask"))
    told = recall(life.context, the_start(life))
    assert same(told) and told.notes == ()


def test_an_edit_between_reading_and_starting_changes_nothing_of_what_is_told(life: Life) -> None:
    def edit() -> None:
        life.queue.write_text(life.queue.read_text().replace("Say hello - Added", "Say hello there - Added"))

    life.machine.meanwhile, life.machine.looks = edit, 1
    life.beat()
    told = recall(life.context, the_start(life))
    assert same(told) and told.files != life.git("rev-parse", f"{told.commit}^")


def test_a_start_by_the_owners_word_is_told_as_such(life: Life) -> None:
    life.queue.write_text(
        life.queue.read_text().replace("Greet again - Added: 2026-01-06 15:00 - Priority: High", "Greet again - Priority: Medium")
    )
    spawn(life.context, "greet-again", None, None)
    told = recall(life.context, the_start(life, "greet-again"))
    assert same(told) and told.recorded["priority"] == "started by the owner's word"


def test_a_start_by_the_owners_word_keeps_the_approval_that_it_had(life: Life) -> None:
    """What was approved covers the agent that the task names; the one that was chosen is another thing."""
    text = life.queue.read_text().replace("Greet again - Added: 2026-01-06 15:00 - Priority: High", "Greet again - Priority: Low")
    life.queue.write_text(text.replace("**Category:** Bug fixes", "**Category:** Config changes"))
    owner.approve(life.context, "greet-again", "olive@example.org")
    spawn(life.context, "greet-again", None, None)
    told = recall(life.context, the_start(life, "greet-again"))
    assert same(told) and told.recorded["category"] == "approved"


def test_while_git_was_busy_the_transitions_tell(life: Life) -> None:
    mark = life.root / ".git" / "MERGE_HEAD"
    mark.write_text(life.git("rev-parse", "HEAD") + "\n")
    life.beat()
    life.end(life.context.workspace.ledger().builds[0])
    life.machine.at += timedelta(hours=3)
    life.beat()
    mark.unlink()
    life.machine.at += timedelta(hours=3)
    life.beat()
    for commit in (c for c in life.context.repo.history() if c.trailers.get("Event") == "start"):
        assert same(recall(life.context, commit.sha)), commit.subject


def reword(life: Life, text: str) -> None:
    """Have the owner save the queue with another description of `greet-again`, which is of any length."""
    head, found, rest = life.queue.read_text().partition("### Greet again\n- **Description:** ")
    assert found
    life.queue.write_text(f"{head}{found}{text}\n{rest.partition(chr(10))[2]}")


def test_what_the_owner_saved_while_git_was_busy_is_told_though_no_commit_holds_it(life: Life) -> None:
    mark = life.root / ".git" / "MERGE_HEAD"
    mark.write_text(life.git("rev-parse", "HEAD") + "\n")
    reword(life, "b.txt of the project holds the single line `hello`, first.")
    life.beat()
    life.end(life.context.workspace.ledger().builds[0])
    life.machine.at += timedelta(hours=3)
    reword(life, "b.txt of the project holds the single line `hello`, second.")
    life.beat()
    reword(life, "b.txt of the project holds the single line `hello`, third.")
    mark.unlink()
    life.beat()
    starts = [recall(life.context, c.sha) for c in life.context.repo.history() if c.trailers.get("Event") == "start"]
    assert len(starts) == 2 and all(same(told) and told.notes == () for told in starts)
    told = [next(t.description for t in start.snapshot.queue.tasks if t.label == "greet-again") for start in starts]
    assert [text.split()[-1] for text in told if text] == ["first.", "second."]
    assert "hello`, second." not in "".join(life.git("log", "-p", "--format=", "--", "BUILD_QUEUE.md"))


def test_starts_that_were_decided_together_while_git_was_busy_share_their_ledger(life: Life) -> None:
    config = life.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("max_concurrent: 1", "max_concurrent: 2"))
    mark = life.root / ".git" / "MERGE_HEAD"
    mark.write_text(life.git("rev-parse", "HEAD") + "\n")
    owner.pause(life.context, life.machine.at + timedelta(hours=2), "enough")
    life.machine.at += timedelta(hours=3)
    seen = look(life.context).assessments
    life.beat()
    mark.unlink()
    life.beat()
    for label in ("say-hello", "greet-again"):
        told = recall(life.context, the_start(life, label))
        assert same(told) and told.notes == ()
        assert told.assessments == seen


@pytest.mark.parametrize("branch", ["current", "kept"])
def test_what_was_saved_over_between_reading_and_starting_is_told(tmp_path: Path, branch: str) -> None:
    life = begin(tmp_path, 2, records=branch) if branch != "current" else begin(tmp_path, 2)
    config = life.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("retries: 2", f"retries: 2\ncommits: {branch}"))
    rows = "- [ ] Say hello - Added: 2026-01-06 15:00 - Priority: High\n- [ ] Greet again - Added: 2026-01-06 15:00 - Priority: High"
    blocks = details("Say hello") + details("Greet again", file="b.txt")
    life.queue.write_text(f"# Build Queue\n\n## Active Queue\n{rows}\n\n## Task Details\n{blocks}\n## Completed\n")
    life.git("commit", "-qam", "tasks")

    def again() -> None:
        reword(life, "`b.txt` is there at last.")

    def first() -> None:
        reword(life, "Delete all user accounts in production, and email all of them.")
        life.machine.meanwhile, life.machine.looks = again, 0

    life.machine.meanwhile, life.machine.looks = first, 0
    life.beat()
    told = recall(life.context, the_start(life))
    assert same(told) and told.notes == ()
    held = told.of("greet-again")
    assert held is not None and held.verdict is Verdict.ASK and "email all of them" not in life.git("log", "--all", "-p", "--format=")


def test_a_start_alone_repeats_nothing_that_a_commit_holds(life: Life) -> None:
    life.queue.write_text(life.queue.read_text().replace(" - Added: 2026-01-06 15:00", ""))
    life.beat()
    assert '"changes"' not in life.git("log", "-1", "--format=%B", the_start(life))


def test_a_commit_that_is_no_start_is_asked_at_its_own_time(life: Life) -> None:
    life.machine.used = replace(life.machine.used, disk_percent=70.0)
    life.beat()
    told = recall(life.context, "HEAD")
    assert told.started is None and told.unknown == ()
    assert [a.label for a in told.assessments] == ["greet-again"]
    assert any(the_start(life)[:12] in note for note in told.notes)
    assert outcome(life.context, told, "say-hello").state == "building"


def test_without_a_start_before_two_gates_are_not_asked(life: Life) -> None:
    told = recall(life.context, "main")
    assert told.unknown == ("agent", "resources")
    assert {g.gate for a in told.assessments for g in a.gates}.isdisjoint(told.unknown)
    assert any("can't be asked" in note for note in told.notes)


def test_a_time_means_the_last_commit_before_it(life: Life) -> None:
    first = life.git("rev-parse", "HEAD")
    life.machine.at += timedelta(hours=2)
    life.beat()
    hour = recall(life.context, "2026-01-09 10:30")
    assert hour.commit == first and hour.now == datetime(2026, 1, 9, 16, 30, 59, tzinfo=UTC)
    assert recall(life.context, "2026-01-09 13:00").of("say-hello") is None
    life.git("tag", "then", first)
    assert recall(life.context, "then").commit == first == recall(life.context, first[:10]).commit


def made(life: Life, *at: datetime) -> list[str]:
    """Commit at these moments and return the commits."""
    found = []
    for moment in at:
        life.machine.at = moment
        life.git("commit", "-q", "--allow-empty", "-m", f"at {moment}")
        found.append(life.git("rev-parse", "HEAD"))
    life.machine.at = at[-1] + timedelta(days=9)
    return found


def test_a_minute_holds_its_seconds_and_a_day_its_hours(life: Life) -> None:
    before = life.git("rev-parse", "HEAD")
    at = [datetime(2026, 1, 9, 21, 28, s, tzinfo=ZONE) for s in (0, 40, 59)]
    first, middle, end = made(life, *at)
    following, night, morning = made(
        life, at[-1] + timedelta(seconds=1), datetime(2026, 1, 9, 23, 59, 59, tzinfo=ZONE), datetime(2026, 1, 10, tzinfo=ZONE)
    )
    asked = {
        "2026-01-09 21:27": before,
        "2026-01-09 21:27:59": before,
        "2026-01-09 21:28:00": first,
        "2026-01-09T21:28:40-06:00": middle,
        "2026-01-09 21:28:58": middle,
        "2026-01-09 21:28": end,
        " 2026-01-10 03:28Z ": end,
        "2026-01-10T08:58+05:30": end,
        "2026-01-09 21:29": following,
        "2026-01-09 23:58": following,
        "2026-01-09": night,
        "2026-01-10 00:00:00": morning,
        "2026-01-10": morning,
        "9999-12-31": morning,
    }
    assert {text: recall(life.context, text).commit for text in asked} == asked
    assert recall(life.context, "2026-01-09").now == datetime(2026, 1, 9, 23, 59, 59, tzinfo=ZONE)
    with pytest.raises(BadInput, match="no commit of that time"):
        recall(life.context, "2026-01-08")


def test_the_day_and_the_minute_that_are_not_over_end_now(life: Life) -> None:
    (sha,) = made(life, datetime(2026, 1, 9, 21, 28, 10, tzinfo=ZONE))
    life.machine.at = datetime(2026, 1, 9, 21, 28, 30, tzinfo=ZONE)
    for text in ("2026-01-09", "2026-01-09 21:28", "2026-01-10", "9999-12-31"):
        told = recall(life.context, text)
        assert (told.commit, told.now) == (sha, life.machine.at)


def test_of_an_hour_that_comes_twice_the_first_is_meant_and_the_offset_names_either(life: Life) -> None:
    """The clocks go back from 02:00 to 01:00 on 2026-11-01, and forward from 02:00 to 03:00 on 2026-03-08."""
    spring = datetime(2026, 3, 8, 7, 59, 40, tzinfo=UTC)
    winter, summer = made(life, spring, spring + timedelta(seconds=30))
    once, again, late = made(
        life, *(datetime(2026, 11, 1, hour, 30, 40, tzinfo=UTC) for hour in (6, 7)), datetime(2026, 11, 2, 5, 59, 59, tzinfo=UTC)
    )
    asked = {
        "2026-03-08 01:59": winter,
        "2026-03-08 02:00": summer,
        "2026-03-08 03:00": summer,
        "2026-11-01 01:30": once,
        "2026-11-01 01:59": once,
        "2026-11-01 01:30-05:00": once,
        "2026-11-01 01:30-06:00": again,
        "2026-11-01 02:00": again,
        "2026-11-01": late,
    }
    assert {text: recall(life.context, text).commit for text in asked} == asked


def test_what_the_commit_of_a_start_left_is_told_of_the_other_tasks(life: Life) -> None:
    config = life.root / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("max_concurrent: 1", "max_concurrent: 2"))
    life.git("commit", "-qam", "settings")
    life.beat()
    first, second = (the_start(life, label) for label in ("say-hello", "greet-again"))
    early = left_by(life.context, recall(life.context, first))
    assert early.started == "say-hello" and early.of("say-hello") is None and early.commit == early.files == first
    waits = early.of("greet-again")
    assert waits is not None and "1 of 2 slots" in " ".join(g.reason for g in waits.gates)
    decided = recall(life.context, second)
    free = decided.of("say-hello")
    assert free is not None and free.verdict is Verdict.GO, "it is decided on the files before both starts"
    late = left_by(life.context, decided)
    assert late.of("say-hello") is None and outcome(life.context, late, "say-hello").state == "building"


@pytest.mark.parametrize("at", ["nonsense", "main~99", "2026-13-01", "--all", "HEAD\n", "", "0" * 40])
def test_what_is_no_commit_is_said(life: Life, at: str) -> None:
    with pytest.raises(BadInput, match="no commit, branch or tag"):
        recall(life.context, at)


def test_a_time_before_everything_and_a_commit_without_a_queue_are_said(life: Life) -> None:
    with pytest.raises(BadInput, match="no commit of that time"):
        recall(life.context, "2020-01-01")
    life.git("rm", "-q", "BUILD_QUEUE.md")
    life.git("commit", "-qm", "gone")
    with pytest.raises(BadInput, match=r"holds no BUILD_QUEUE\.md"):
        recall(life.context, "HEAD")
    life.queue.write_text("<<<<<<< a\n=======\n>>>>>>> b\n")
    life.git("add", "BUILD_QUEUE.md")
    life.git("commit", "-qm", "torn")
    with pytest.raises(FatalQueue, match="can't be read"):
        recall(life.context, "HEAD")


def test_a_label_that_was_not_there_is_said_with_the_nearest_that_was(life: Life) -> None:
    told = recall(life.context, "HEAD")
    with pytest.raises(NotSo, match=r'no task "say-helo" was in the queue at .*did you mean "say-hello"'):
        outcome(life.context, told, "say-helo")


def test_builds_of_the_archive_are_known(life: Life) -> None:
    life.beat()
    life.machine.at += timedelta(hours=1)
    owner.complete(life.context, "say-hello")
    life.machine.at += timedelta(days=40)
    life.beat()
    life.queue.write_text(life.queue.read_text().replace("Say hello", "Say no more"))
    life.beat()
    assert life.context.workspace.ledger().find("say-hello") is None
    told = recall(life.context, "HEAD")
    assert outcome(life.context, told, "say-hello").state == "completed"


def test_a_start_of_an_older_version_says_what_it_did_not_record(life: Life) -> None:
    life.beat()
    sha = the_start(life)
    text = life.git("log", "-1", "--format=%B", sha)
    lines = [
        'Inputs: {"now":"2026-01-09T09:30:00-06:00","agents":["command"],"resources":{},"settings":{},"gates":{"state":"not started"}}'
        if line.startswith("Inputs: ")
        else line
        for line in text.split("\n")
    ]
    old = life.git("commit-tree", f"{sha}^{{tree}}", "-p", f"{sha}^", "-m", "\n".join(lines))
    told = recall(life.context, old)
    assert told.started == "say-hello" and told.differing == ()
    assert any("not recorded" in note and "approvals" in note for note in told.notes)
    assert COMMAND in told_agents(life, old)


def told_agents(life: Life, sha: str) -> tuple[object, ...]:
    """Return the agents that a start's commit records."""
    from autobuilds.store import history, inputs

    (commit,) = life.context.repo.mainline(sha, limit=1)
    plain = history.inputs(commit.trailers)
    assert plain is not None
    return inputs.decode(plain).moment.agents


def test_a_forgotten_part_of_the_inputs_is_noticed(life: Life) -> None:
    life.beat()
    sha = the_start(life)
    text = life.git("log", "-1", "--format=%B", sha).replace('"found":true,', "")
    told = recall(life.context, life.git("commit-tree", f"{sha}^{{tree}}", "-p", f"{sha}^", "-m", text))
    assert told.differing == ("agent",)


def test_a_failed_build_is_told_as_it_was_retried(life: Life) -> None:
    owner.complete(life.context, "greet-again")
    life.beat()
    last = life.context.workspace.ledger().builds[0].last
    assert last is not None
    life.runner.end(last.id, Ending(outcome=Outcome.AGENT_FAILED, reason="it failed", ended=life.machine.at))
    life.beat()
    life.machine.at += timedelta(minutes=5)
    life.beat()
    told = recall(life.context, the_start(life))
    assert same(told) and told.recorded["state"] == "retry time reached"
