"""Where an attempt begins, what is recorded of its start, and what the owner's word may start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.domain.build import Attempt, Build, BuildState, DeliverMode, Ledger, Outcome
from autobuilds.domain.model import Section, Task
from autobuilds.domain.moment import Resources
from autobuilds.domain.verdicts import Assessment
from autobuilds.errors import BadInput, Busy, FatalQueue, GitBusy, NotSo, Refused
from autobuilds.planning import Start
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import beat
from autobuilds.runtime.jobs import Base
from autobuilds.runtime.observe import observe
from autobuilds.runtime.owner import retry
from autobuilds.runtime.record import recorder_for
from autobuilds.runtime.spawn import spawn
from autobuilds.runtime.starting import _begun, base_of, inputs_of, keep_branch, repository_of, start
from autobuilds.store import inputs
from autobuilds.store.workspace import LEDGER
from autobuilds.wiring import make_context
from tests.conftest import git
from tests.proofs._life import CONFIG, Life, begin
from tests.runtime.loop import details, queue

NOW = datetime(2026, 2, 6, 15, tzinfo=UTC)
ACTION = Start(label="demo", agent="command", assessment=Assessment(label="demo", gates=()))


@dataclass
class Place:
    """A workspace with a few commits: `first` and `second` on main, `side` on a branch of that name."""

    context: Context
    root: Path
    first: str
    second: str
    side: str

    def base(self, task: Task, build: Build | None = None, *below: Build) -> Base:
        loaded: Any = SimpleNamespace(snapshot=SimpleNamespace(ledger=Ledger(builds=below)))
        return base_of(self.context, loaded, task, build)


@pytest.fixture
def place(make_repo: Callable[..., Path]) -> Place:
    root = make_repo({"a": "1\n"}, name="workspace")
    first = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-q", "-b", "side")
    git(root, "commit", "-q", "--allow-empty", "-m", "side")
    side = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-q", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    return Place(make_context(root), root, first, git(root, "rev-parse", "HEAD"), side)


def task(**more: Any) -> Task:
    return Task(**{"label": "demo", "name": "Demo", "section": Section.ACTIVE, "checked": False, **more})


def attempt(number: int = 1, **more: Any) -> Attempt:
    return Attempt(**{"number": number, "id": f"demo-{number}", "agent": "claude", "started": NOW, "base_branch": "main", **more})


def build(*attempts: Attempt, **more: Any) -> Build:
    values = {"label": "demo", "name": "Demo", "state": BuildState.RETRYING, "created": NOW, "updated": NOW, "attempts": attempts}
    return Build(**{**values, **more})


class TestBase:
    def test_a_first_attempt_begins_where_the_branch_stands(self, place: Place) -> None:
        assert place.base(task()) == Base(repository=place.root, branch="main", commit=place.second, start=place.second)
        assert place.base(task(base="side")) == Base(repository=place.root, branch="side", commit=place.side, start=place.side)
        with pytest.raises(BadInput) as caught:
            place.base(task(base="gone"))
        said = f"can't build demo in {place.root}: branch gone has no commit. Make a first commit there, or set Base"
        assert str(caught.value) == said
        git(place.root, "checkout", "-q", "--detach", "side")
        assert place.base(task()) == Base(repository=place.root, branch=None, commit=place.side, start=place.side)
        (place.root / ".git" / "rebase-merge").mkdir()
        with pytest.raises(GitBusy, match=f"^a rebase is in progress in {place.root}; demo starts when it is over$"):
            place.base(task())
        assert place.base(task(base="side")).commit == place.side
        git(place.root, "checkout", "-q", "main")
        assert place.base(task()).branch == "main"

    def test_a_repository_without_a_commit(self, tmp_path: Path, place: Place) -> None:
        git(tmp_path, "init", "-q", "-b", "main", "empty")
        with pytest.raises(BadInput, match="branch main has no commit"):
            place.base(task(repository=str(tmp_path / "empty")))

    def test_which_repository_it_is(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/the/home")
        assert repository_of(place.context, task()) == place.root
        assert repository_of(place.context, task(repository="../other")) == place.root.parent / "other"
        assert repository_of(place.context, task(repository="~/other")) == Path("/the/home/other")
        assert repository_of(place.context, task(repository="/other/./x/..")) == Path("/other")

    def test_work_of_a_dependency_that_waits_for_review_is_built_upon(self, place: Place, tmp_path: Path) -> None:
        waits: dict[str, Any] = {"label": "below", "state": BuildState.REVIEW}
        here: dict[str, Any] = {"head_commit": place.side, "repository": str(place.root)}
        built = place.base(task(depends_on=("none", "below")), None, build(attempt(**here), **waits))
        assert built == Base(repository=place.root, branch="main", commit=place.side, start=place.side)
        for found in (
            build(attempt(**here), **{**waits, "state": BuildState.COMPLETED}),
            build(attempt(**here), **{**waits, "label": "other"}),
            build(attempt(**{**here, "head_commit": None}), **waits),
            build(attempt(**{**here, "head_commit": "0" * 40}), **waits),
            build(attempt(**{**here, "repository": str(tmp_path)}), **waits),
            build(**waits),
        ):
            assert place.base(task(depends_on=("below",)), None, found).commit == place.second

    def test_a_retry_keeps_its_base_while_it_stands(self, place: Place) -> None:
        on_first: dict[str, Any] = {"base_commit": place.first, "base_branch": "main"}
        kept = Base(repository=place.root, branch="main", commit=place.first, start=place.first)
        anew = Base(repository=place.root, branch="main", commit=place.second, start=place.second)
        assert place.base(task(), build(attempt(**on_first))) == kept
        assert place.base(task(), build(attempt(**{**on_first, "base_branch": None}))) == replace(kept, branch=None)
        assert place.base(task(), build(attempt(**on_first), fresh=True)) == anew
        assert place.base(task(), build(attempt(base_commit=None))) == anew
        assert place.base(task(), build(attempt(base_commit="0" * 40))) == anew
        assert place.base(task(), build()) == anew

    @pytest.mark.parametrize(
        ("more", "works"),
        [
            ({"outcome": Outcome.CHECKS_FAILED}, True),
            ({"outcome": Outcome.REJECTED}, True),
            ({"outcome": Outcome.AGENT_FAILED}, False),
            ({"outcome": Outcome.CHECKS_FAILED, "agent": "command"}, False),
            ({"outcome": Outcome.CHECKS_FAILED, "head_commit": None}, False),
            ({"outcome": Outcome.CHECKS_FAILED, "head_commit": "0" * 40}, False),
        ],
    )
    def test_what_a_thinking_agent_made_is_gone_on_with(self, place: Place, more: dict[str, Any], works: bool) -> None:
        last = attempt(**{"base_commit": place.first, "head_commit": place.side, **more})
        assert place.base(task(), build(last)).start == (place.side if works else place.first)

    def test_an_attempt_that_never_began_hides_no_work(self, place: Place) -> None:
        good = attempt(base_commit=place.first, head_commit=place.side, outcome=Outcome.CHECKS_FAILED)
        other = attempt(2, base_commit=place.second, head_commit=place.second, outcome=Outcome.CHECKS_FAILED)
        never = attempt(3, base_commit=place.first, outcome=Outcome.NOT_STARTED)
        newer = attempt(2, base_commit=place.first, head_commit=place.second, outcome=Outcome.REJECTED)
        assert place.base(task(), build(good, other, never)).start == place.side
        assert place.base(task(), build(good, newer, never)).start == place.second
        assert place.base(task(), build(never)).start == place.first

    def test_work_of_a_dependency_is_no_base_once_it_was_sent_back(self, place: Place) -> None:
        last = attempt(base_commit=place.side, base_branch="main", outcome=Outcome.AGENT_FAILED)
        below = build(attempt(head_commit=place.side), label="below", state=BuildState.REVIEW)
        needs = task(depends_on=("below", "none"))
        assert place.base(needs, build(last), below).commit == place.side
        for changed in (
            replace(below, state=BuildState.RETRYING),
            replace(below, attempts=(attempt(head_commit=place.first),)),
            replace(below, attempts=()),
        ):
            assert place.base(needs, build(last), changed).commit == place.second
        assert place.base(task(), build(last), replace(below, state=BuildState.RETRYING)).commit == place.side
        on_main = replace(last, base_commit=place.first)
        assert place.base(needs, build(on_main), replace(below, state=BuildState.RETRYING)).commit == place.first
        on_none = replace(last, base_branch=None)
        assert place.base(needs, build(on_none), replace(below, state=BuildState.RETRYING)).commit == place.side


def test_what_stands_on_the_branch_gets_a_name_of_its_own(place: Place) -> None:
    repo = GitRepo(place.root)
    base = Base(repository=place.root, branch="main", commit=place.second, start=place.first)

    def kept(tip: str | None, build: Build | None = None, base: Base = base) -> list[str]:
        """Put a commit on the branch and return what is kept."""
        for name in git(place.root, "for-each-ref", "--format=%(refname:short)", "refs/heads/build/*.kept-*").split():
            git(place.root, "branch", "-D", name)
        if tip is None:
            git(place.root, "branch", "-D", "build/demo")
        else:
            git(place.root, "branch", "-f", "build/demo", tip)
        keep_branch(repo, "build/demo", base, build)
        found = git(place.root, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/build/*.kept-*")
        return found.split("\n") if found else []

    name = f"build/demo.kept-{place.side[:12]} {place.side}"
    assert kept(place.side) == [name]
    assert kept(place.side, build(attempt())) == [name]
    assert kept(place.side, None, replace(base, branch=None)) == [name]
    assert kept(place.first) == kept(place.second) == []
    for same in (replace(base, commit=place.side), replace(base, start=place.side), replace(base, branch="side")):
        assert kept(place.side, None, same) == []
    git(place.root, "branch", "build/demo.attempt-1", place.side)
    assert kept(place.side) == [name]
    assert kept(place.side, build(attempt(2), attempt(1))) == []
    assert kept(None) == []
    tip = git(place.root, "commit-tree", f"{place.side}^{{tree}}", "-p", place.second, "-m", "owner's own")
    base = replace(base, branch=None, commit=place.first)
    assert kept(place.second, None, base) == [f"build/demo.kept-{place.second[:12]} {place.second}"]
    assert kept(tip, build(attempt(1)), base) == [f"build/demo.kept-{tip[:12]} {tip}"]


@pytest.fixture
def life(tmp_path: Path) -> Life:
    """A workspace with `say-hello` and `greet-again`, an injected clock, one slot, nothing started yet."""
    life = begin(tmp_path, 1)
    life.queue.write_text(queue(details("Say hello", extra="- **Timeout:** 30 min\n"), details("Greet again", file="b.txt")))
    (life.root / "HEARTBEAT.md").write_text(CONFIG.format(slots=1, hours="22:00-06:00", retries=2, day=50, reviews=40))
    life.git("commit", "-qam", "tasks")
    return life


def last_of(life: Life, label: str = "say-hello") -> Attempt:
    found = life.context.workspace.ledger().find(label)
    assert found is not None and found.last is not None
    return found.last


def subjects(life: Life, since: str) -> list[str]:
    return life.git("log", "--reverse", "--format=%s", f"{since}..HEAD").split("\n")


def test_a_start_is_recorded_before_and_after(life: Life) -> None:
    before = life.git("rev-parse", "HEAD")
    action = spawn(life.context, "Say hello", None, None)
    (job,) = life.runner.jobs
    found = life.context.workspace.ledger().find("say-hello")
    assert found is not None and found.last is not None
    last = found.last
    assert (action.label, action.agent, action.at_once, action.asked) == ("say-hello", "command", True, None)
    assert (found.state, found.created, found.deliver) == (BuildState.BUILDING, last.started, DeliverMode.REVIEW)
    assert (last.number, last.agent, last.pid, last.pid_created, last.outcome) == (1, "command", 1001, 1.0, None)
    assert last.id == job.attempt_id and last.id.startswith("say-hello-1-") and len(last.id) == len("say-hello-1-") + 8
    assert (last.repository, last.base_branch, last.base_commit, last.branch) == (str(life.root), "main", before, "build/say-hello")
    assert (job.base_commit, job.start_commit, job.branch) == (before, before, "build/say-hello")
    assert (last.sandbox, last.session, last.resumed) == (job.confinement.tier.value, None, False)
    assert last.log is not None and life.root / last.log == Path(job.log_file)
    assert last.started == life.machine.now("America/Chicago").replace(microsecond=last.started.microsecond)
    assert subjects(life, before)[0].endswith("attempt 1 with command")
    first = life.git("log", "-1", "--format=%B")
    assert first.startswith("autobuilds(say-hello): attempt 1 with command\n\nBuild: say-hello\nAttempt: 1\nEvent: start\nInputs: {")
    assert "\nRecord: {" in first and '"pid":1001' not in first
    assert spawn_trouble(life) == "say-hello can't start now"
    beat(life.context, start=False)
    head = "autobuilds(say-hello): attempt 1 runs as process 1001\n\nBuild: say-hello\nAttempt: 1\nEvent: started\nRecord: {"
    later = life.git("log", "-1", "--grep=Event: started", "--format=%B")
    assert later.startswith(head) and '"pid":1001' in later, "it waits for the next commit"


def spawn_trouble(life: Life) -> str:
    with pytest.raises((Refused, Busy)) as caught:
        spawn(life.context, "say-hello", None, None)
    return str(caught.value).partition(":")[0]


def test_a_runner_that_says_nothing_leaves_the_attempt_as_it_was_announced(life: Life) -> None:
    life.runner.crash_next = True
    spawn(life.context, "say-hello", None, None)
    assert (last_of(life).pid, last_of(life).pid_created, life.runner.jobs) == (None, None, [])


def started(life: Life, label: str) -> list[tuple[str, str]]:
    """Start a task as it stands, as a heartbeat does that decided it before."""
    context = life.context
    loaded = context.load()
    moment = observe(context, loaded)
    recorder = recorder_for(context)
    start(context, recorder, loaded, moment, replace(ACTION, label=label))
    return [(one["event"], one["label"]) for one in recorder.transitions]


def test_a_task_that_is_gone_is_not_started(life: Life) -> None:
    before = life.git("rev-parse", "HEAD")
    assert started(life, "gone") == []
    assert life.runner.jobs == [] and life.git("rev-parse", "HEAD") == before


def test_a_start_is_one_transition(life: Life) -> None:
    assert started(life, "say-hello") == [("start", "say-hello")]


def test_what_a_new_attempt_takes_over(life: Life) -> None:
    found = life.context.load().snapshot.queue.find("say-hello")
    moment: Any = SimpleNamespace(now=NOW)
    assert found is not None
    old = build(attempt(outcome=Outcome.LOST), label="say-hello", fresh=True, stall_alerted=True, reason="it was lost")
    new = attempt(2)
    begun = _begun(found, old, new, moment, DeliverMode.MERGE)
    assert (begun.state, begun.attempts, begun.updated) == (BuildState.BUILDING, (*old.attempts, new), NOW)
    assert (begun.fresh, begun.stall_alerted, begun.deliver, begun.reason) == (False, False, DeliverMode.MERGE, "it was lost")
    first = _begun(found, None, attempt(), moment, DeliverMode.MERGE)
    assert (first.label, first.attempts, first.created, first.deliver) == ("say-hello", (attempt(),), NOW, DeliverMode.MERGE)


def test_attempts_are_counted_within_one_life_of_a_task(life: Life) -> None:
    spawn(life.context, "say-hello", None, None)
    life.context.runner.cancel(last_of(life).id, Outcome.AGENT_FAILED, "it broke")
    life.machine.at += timedelta(minutes=10)
    life.runner.now = life.machine.at
    beat(life.context, start=False)
    life.machine.at += timedelta(hours=1)
    spawn(life.context, "say-hello", None, None)
    found = life.context.workspace.ledger().find("say-hello")
    assert found is not None and [one.number for one in found.attempts] == [1, 2]
    assert last_of(life).id.startswith("say-hello-2-")
    assert (found.fresh, found.stall_alerted, found.state) == (False, False, BuildState.BUILDING)
    assert life.git("log", "-1", "--grep=attempt 2 with command", "--format=%s")


def test_a_task_that_can_not_begin_is_escalated_with_its_reason(life: Life) -> None:
    life.queue.write_text(life.queue.read_text().replace("- **Category:** Bug fixes", "- **Base:** gone\n- **Category:** Bug fixes", 1))
    before = life.git("rev-parse", "HEAD")
    assert started(life, "say-hello")[-1] == ("escalated", "say-hello")
    found = life.context.workspace.ledger().find("say-hello")
    assert found is not None and found.last is not None
    reason = f"can't build say-hello in {life.root}: branch gone has no commit. Make a first commit there, or set Base"
    assert (found.state, found.reason) == (BuildState.ESCALATED, reason)
    last = found.last
    assert (last.number, last.outcome, last.reason, last.ended) == (1, Outcome.SETUP, reason, last.started)
    assert life.runner.jobs == []
    retry(life.context, "say-hello")
    started(life, "say-hello")
    again = life.context.workspace.ledger().find("say-hello")
    assert again is not None and [one.number for one in again.attempts] == [1, 2]
    assert (again.state, again.reason) == (BuildState.ESCALATED, reason)
    assert [one.outcome for one in again.attempts] == [Outcome.SETUP, Outcome.SETUP]
    beat(life.context, start=False)
    told = life.git("log", "--reverse", "--grep=Event: escalated", "--format=%B%x00", f"{before}..HEAD").split("\0")[:-1]
    assert [one.strip().partition("\nRecord: {")[0] for one in told] == [
        f"autobuilds(say-hello): {reason}\n\nBuild: say-hello\nAttempt: {number}\nEvent: escalated" for number in (1, 2)
    ]
    assert all("\nRecord: {" in one for one in told)
    (diary,) = (life.root / "memory").iterdir()
    assert diary.read_text().count(f"- C{reason[1:]}\n") == 2


def test_what_passes_by_itself_refuses_nothing(life: Life) -> None:
    (life.root / ".git" / "rebase-merge").mkdir()
    life.git("checkout", "-q", "--detach")
    with pytest.raises(GitBusy):
        started(life, "say-hello")
    assert life.context.workspace.ledger().find("say-hello") is None


def test_what_a_decision_was_made_from(life: Life) -> None:
    context = life.context
    action = replace(spawn(context, "say-hello", None, "command"), label="greet-again")
    (life.root / "HEARTBEAT.md").write_text((life.root / "HEARTBEAT.md").read_text().replace("retries: 2", "retries: 3"))
    life.queue.write_text(life.queue.read_text() + "\nmine\n")
    loaded = context.load()
    moment = observe(context, loaded)
    head = life.git("rev-parse", "HEAD")
    found = inputs_of(context, loaded, moment, action)
    assert (found.get("head"), found["at_once"], found["agent"]) == (None, True, "command")
    assert found["gates"] == {gate.gate: gate.reason for gate in action.assessment.gates}
    assert found["agents"] == [{"name": "command", "found": True}, "claude"]
    digests, changes = found["digests"], found["changes"]
    assert isinstance(digests, dict) and isinstance(changes, dict)
    assert digests == {
        "BUILD_QUEUE.md": inputs.digest(life.queue.read_bytes()),
        LEDGER: inputs.digest_of_ledger(context.workspace.ledger()),
        "HEARTBEAT.md": inputs.digest((life.root / "HEARTBEAT.md").read_bytes()),
    }
    assert set(changes) == {"BUILD_QUEUE.md", "HEARTBEAT.md"}
    assert changes["HEARTBEAT.md"][2] == "3" and changes["BUILD_QUEUE.md"][2].strip() == "mine"
    named = replace(loaded, snapshot=replace(loaded.snapshot, settings=replace(loaded.settings, agent="claude")))
    assert inputs_of(context, named, moment, action)["agents"] != found["agents"], "an agent that the settings name is told whole"
    for commits in ("none", "records"):
        other = replace(loaded, snapshot=replace(loaded.snapshot, settings=replace(loaded.settings, commits=commits)))
        told = inputs_of(context, other, moment, action)
        assert told["head"] == head
        whole = told["changes"]["BUILD_QUEUE.md"]  # type: ignore[index]
        assert (whole[0] == 0) is (commits == "records"), "what is not in the newest commit of that branch is told whole"
    git(life.root, "branch", "records")
    assert inputs_of(context, other, moment, action)["changes"]["BUILD_QUEUE.md"][2].strip() == "mine"  # type: ignore[index]


# Spawning.


def test_a_task_that_is_not_there_yet_is_added_and_started(life: Life) -> None:
    action = spawn(life.context, "fix-the-parser-bug", "echo hello > n.txt", "command")
    assert (action.label, action.agent, action.asked) == ("fix-the-parser-bug", "command", "command")
    row = next(row for row in life.queue.read_text().split("\n") if row.startswith("- [ ] fix-the-parser-bug"))
    assert " - Added: 2026-01-09 09:30" in row and row.endswith(" - Priority: High")
    found = life.context.load().snapshot.queue.find("fix-the-parser-bug")
    assert found is not None
    assert (found.steps or "").strip() == "echo hello > n.txt" and (found.agent, found.description) == ("command", "")
    assert life.runner.jobs[0].argv[-1].strip() == "echo hello > n.txt"
    log = life.git("log", "--format=%s%n%b")
    assert "added, to be started at once by the owner's word" in log and "Event: added" in log


def test_a_task_that_is_added_and_held_stays_in_the_queue(life: Life) -> None:
    settled = "\nIt stands in the queue now; a heartbeat starts it when these are settled"
    with pytest.raises(Refused) as caught:
        spawn(life.context, "new-one", "The file `n.txt` holds the single line `hello`.", None)
    assert str(caught.value).startswith("new-one can't start now:\n  risk: ") and str(caught.value).endswith(settled)
    found = life.context.load().snapshot.queue.find("new-one")
    assert found is not None
    assert (found.description, found.steps, found.agent) == ("The file `n.txt` holds the single line `hello`.", None, None)
    life.machine.used = Resources(disk_percent=99.0, memory_percent=30.0, load_per_core=0.2, memory_free_mib=9000)
    with pytest.raises(Busy) as late:
        spawn(life.context, "fix-the-parser-bug", "echo hello > n.txt", "command")
    assert str(late.value) == (
        "fix-the-parser-bug can't start now:\n  resources: disk 99 % full (limit 80 %) (free some, or raise the limit in HEARTBEAT.md)"
        + settled
    )
    assert life.runner.jobs == []


def test_what_may_not_be_spawned(life: Life) -> None:
    cases: list[tuple[tuple[str, str | None, str | None], type[Exception], str]] = [
        (("say-hello", "more", None), BadInput, '"say-hello" is in the queue already; leave the specification out'),
        (("Not A Label", "spec", None), BadInput, '"Not A Label" is no label: lower-case letters'),
        (("gone", None, None), NotSo, 'no task or build "gone"'),
    ]
    for arguments, kind, said in cases:
        with pytest.raises(kind) as caught:
            spawn(life.context, *arguments)
        assert str(caught.value).startswith(said)
    assert "Not A Label" not in life.queue.read_text()
    life.queue.write_text(life.queue.read_text().replace("- [ ] Say hello", "- [x] Say hello"))
    life.beat()
    done = life.context.load().snapshot.queue.find("say-hello")
    assert done is not None and not done.is_active
    with pytest.raises(NotSo, match=r"^say-hello is completed; autobuilds reopen say-hello builds it again$"):
        spawn(life.context, "say-hello", None, None)


def test_files_that_can_not_be_trusted_start_nothing(life: Life) -> None:
    config = (life.root / "HEARTBEAT.md").read_text()
    (life.root / "HEARTBEAT.md").write_text(config.replace("retries: 2", "retries: many"))
    with pytest.raises(Refused, match=r"HEARTBEAT\.md:"):
        spawn(life.context, "say-hello", None, None)
    (life.root / "HEARTBEAT.md").write_text(config)
    life.queue.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FatalQueue):
        spawn(life.context, "say-hello", None, None)
    assert life.runner.jobs == []


def test_the_owners_word_passes_priority_and_hours_but_asks_for_approval(life: Life) -> None:
    text = life.queue.read_text().replace("Priority: High", "Priority: Low", 1)
    life.queue.write_text(text)
    assert spawn(life.context, "say-hello", None, None).label == "say-hello"
    risky = text.replace(
        "`b.txt` of the project holds the single line `hello`, as app.py reads it.", "Delete all user accounts in production."
    )
    life.queue.write_text(risky)
    with pytest.raises(Refused) as caught:
        spawn(life.context, "greet-again", None, None)
    assert str(caught.value).startswith("greet-again can't start now:\n  ") and " (" in str(caught.value)
    assert len(life.runner.jobs) == 1
