"""One attempt in this process: what is run, what is recorded of it, and how its ending is made of that."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autobuilds import errors
from autobuilds.adapters import processes
from autobuilds.adapters.agents.schema import parse
from autobuilds.adapters.supervisor.agent_run import AgentRun, _by_whose_limit, _not_started, _over, ladder_of, usage_of
from autobuilds.adapters.supervisor.attempt import AttemptRun, merge_message, mergeable, save_message
from autobuilds.adapters.supervisor.contained import Container
from autobuilds.adapters.supervisor.home import Home
from autobuilds.adapters.supervisor.records import Known, Saved, StopRequest, read_record, write_record
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.stream import AgentStream
from autobuilds.adapters.supervisor.waking import Wake
from autobuilds.adapters.supervisor.watch import Finished, Watcher
from autobuilds.domain.agents import AgentReport, FailureClass
from autobuilds.domain.budgets import Spending
from autobuilds.domain.build import Check, DeliverMode, Evidence, Outcome, Usage
from autobuilds.domain.ending import MergeFacts, Stop
from autobuilds.domain.moment import Ending
from autobuilds.domain.sandbox import Confinement
from autobuilds.ports import CheckedMerge, DiffStat, Job, StopStep
from autobuilds.records import dataclass, field, replace
from tests.adapters.attempts import job_for

NOW = datetime(2026, 2, 6, 15, tzinfo=UTC)
COMMIT, MERGED = "c" * 40, "d" * 40
RULES = """
format = "jsonl"
[x.picks]
session = { path = "session" }
model = { path = "model" }
said = { path = "said" }
tokens_in = { path = "in", take = "sum" }
tokens_out = { path = "out", take = "sum" }
cost_usd = { path = "cost" }
end = { path = "end" }
[x.ok]
end = "fine"
"""


@dataclass(slots=True, kw_only=True)
class Scripted:
    """Code whose commits are made up."""

    clone: Path
    scratch: Path
    saved: Saved = Saved(commit=COMMIT, stat=DiffStat(paths=("a", "b"), added=3, removed=4), notes=("odd",))
    merged: CheckedMerge | None = None
    unprepared: Exception | None = None
    unsaved: Exception | None = None
    unmerged: Exception | None = None
    messages: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        if self.unprepared is not None:
            raise self.unprepared
        self.clone.mkdir(parents=True, exist_ok=True)

    def save(self, message: str) -> Saved:
        self.messages.append(message)
        if self.unsaved is not None:
            raise self.unsaved
        return self.saved

    def merge(self, commit: str, message: str) -> CheckedMerge:
        self.messages.append(f"{commit} {message}")
        if self.unmerged is not None:
            raise self.unmerged
        self.scratch.mkdir(exist_ok=True)
        return self.merged or CheckedMerge(commit=MERGED, onto="main@e", scratch=self.scratch)


class Among(AttemptRun):
    """An attempt whose supervisor has other things to do, as this process has."""

    def _watcher(self) -> Watcher:
        found = super()._watcher()
        found.alone = False
        return found


class Unsound(Container):
    """A container whose tier does not hold."""

    def fault(self) -> str | None:
        return "the sandbox\ndoes not work " + "x" * 700


class Bench:
    """A job, its run folder and made-up code."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.folder = RunFolder.of(workspace, f"demo-{os.getpid()}")
        self.folder.make()
        self.folder.prompt.write_text("Please build it.\n")
        self.code = Scripted(clone=self.folder.clone, scratch=self.folder.merging)
        self.wake = Wake()
        self.home: Home | None = None
        self.container: Container | None = None
        self.job = self.made("true")

    def made(self, steps: str, **more: Any) -> Job:
        return job_for(self.workspace, steps, attempt_id=self.folder.attempt_id, **more)

    def run(self, steps: str = "true", **more: Any) -> Ending:
        self.job = job = self.made(steps, **more)
        path = {"PATH": os.environ["PATH"]}
        container = self.container or Container(
            confinement=job.confinement, environment={**path, "WHO": "agent"}, check_environment={**path, "WHO": "check"}
        )
        run = Among(
            folder=self.folder,
            job=job,
            code=self.code,
            now=lambda: NOW,
            wake=self.wake,
            boot="this-boot",
            container=container,
            home=self.home,
        )
        return run.run()

    @property
    def progress(self) -> str:
        return Path(self.job.progress_file).read_text()


@pytest.fixture
def bench(make_repo: Callable[..., Path]) -> Bench:
    return Bench(make_repo())


def rules() -> Any:
    return parse(f'[x]\nargv = ["x"]\n{RULES}', "agents.toml", own=True)["x"].rules


def test_an_attempt_that_passes_is_recorded_whole(bench: Bench) -> None:
    event = json.dumps({"session": "s-1", "model": "m", "said": "x" * 700, "in": 5, "out": 6, "cost": 0.25, "end": "fine"})
    ending = bench.run(f"cat > got; env > env; echo '{event}'", agent="x", rules=rules(), checks=["env; pwd"], deliver=DeliverMode.MERGE)
    first, second = ending.checks
    assert ending == Ending(
        outcome=Outcome.PASSED,
        reason="1 check passed, on the merged tree too",
        ended=NOW,
        exit_code=0,
        head_commit=COMMIT,
        merged_commit=MERGED,
        merged_onto="main@e",
        evidence=Evidence.MERGED,
        checks=(first, second),
        usage=ending.usage,
        changed_paths=("a", "b"),
        files_changed=2,
        lines_added=3,
        lines_removed=4,
        notes=("odd",),
        tail=ending.tail,
        sandbox="none",
        session="s-1",
        model="m",
        said="x" * 599 + "…",
    )
    assert replace(ending.usage, cpu_seconds=None, peak_rss_bytes=None) == Usage(tokens_in=5, tokens_out=6, cost_usd=0.25)
    assert ending.usage.cpu_seconds is not None
    assert ending.tail.split("\n")[-2].endswith("used: 5 tokens in, 6 out, 0.2500 USD")
    assert (bench.folder.clone / "got").read_text() == "Please build it.\n"
    own = {f"AUTOBUILDS_ATTEMPT={bench.folder.attempt_id}", "AUTOBUILDS_LABEL=demo", f"AUTOBUILDS_PROGRESS={bench.folder.progress}"}
    assert {*own, "WHO=agent"} <= set((bench.folder.clone / "env").read_text().split("\n"))
    for check, where, tree in (
        (first, bench.folder.checks, bench.folder.clone),
        (second, bench.folder.merged_checks, bench.folder.merging),
    ):
        text = (where / "1.log").read_text()
        assert check.tail == text and {*own, "WHO=check", str(tree)} <= set(text.split("\n"))
    assert (first.merged, second.merged) == (False, True)
    assert bench.code.messages == [
        "Demo: work of attempt 1\n\nBuild: demo\nAttempt: 1\n",
        f"{COMMIT} Merge build demo: Demo\n\nBuild: demo\nAttempt: 1\n",
    ]
    assert read_record(bench.folder.saved, Saved) == bench.code.saved
    assert bench.folder.temporary.is_dir() and bench.folder.pulse.exists()
    assert "status: done\npercent: 100\n" in bench.progress
    assert "The agent ended with exit status 0." in bench.progress and "Done: 1 check passed, on the merged tree too." in bench.progress


def test_an_agent_that_fails_by_its_own_word_or_status(bench: Bench) -> None:
    ending = bench.run('echo \'{"end": "bad"}\'; exit 0', agent="x", rules=rules(), checks=["true"])
    assert (ending.outcome, ending.exit_code, ending.checks, ending.evidence) == (Outcome.AGENT_FAILED, 0, (), None)
    assert ending.failure is FailureClass.CRASH and ending.head_commit == COMMIT
    assert "status: failed\npercent: 0\n" in bench.progress
    ending = Bench(bench.workspace).run("exit 7", claims=["It works"])
    assert (ending.outcome, ending.exit_code, "Evidence" in bench.progress) == (Outcome.AGENT_FAILED, 7, False)


@pytest.mark.parametrize(("steps", "code", "noted"), [("kill -XFSZ $$", -25, True), ("exit 153", 153, True), ("exit 152", 152, False)])
def test_a_file_that_grew_too_large_is_noted(bench: Bench, steps: str, code: int, noted: bool) -> None:
    ending = bench.run(f"head -c 5000 /dev/zero | tr '\\0' x; {steps}")
    more = ("a file that the agent wrote grew over the limit of one file (file_limit)",) if noted else ()
    assert (ending.outcome, ending.exit_code, ending.notes) == (Outcome.AGENT_FAILED, code, ("odd", *more))
    assert ending.tail == "x" * 4096


@pytest.mark.parametrize("fault", [errors.BadInput("no such\nbranch " + "x" * 400), OSError("no such\nbranch " + "x" * 400)])
def test_code_that_can_not_be_cloned(bench: Bench, fault: Exception) -> None:
    bench.code.unprepared = fault
    ending = bench.run()
    said = "no such branch " + "x" * 284 + "…"
    assert ending == Ending(outcome=Outcome.SETUP, reason=f"the code could not be cloned: {said}", ended=NOW)
    assert bench.code.messages == [] and not bench.folder.saved.exists()
    assert "status: failed" in bench.progress and "The agent ended" not in bench.progress


@pytest.mark.parametrize("fault", [errors.StorageFailure("the disk\nis full " + "x" * 400), OSError("the disk\nis full " + "x" * 400)])
def test_work_that_can_not_be_saved(bench: Bench, fault: Exception) -> None:
    bench.code.unsaved = fault
    ending = bench.run(checks=["true"])
    said = "the disk is full " + "x" * 282 + "…"
    assert (ending.outcome, ending.reason) == (Outcome.AGENT_FAILED, f"the work could not be saved as a commit: {said}")
    assert (ending.head_commit, ending.notes, ending.changed_paths, ending.lines_added, ending.lines_removed) == (None, (), (), 0, 0)
    assert ending.checks == ()


def test_a_home_that_can_not_be_made(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench.home = Home(path=tmp_path / "file" / "home", credentials=(), owner={})
    ending = bench.run()
    assert (ending.outcome, ending.sandbox, ending.usage) == (Outcome.SETUP, None, Usage())
    assert ending.reason.startswith("the agent's home ") and ending.head_commit is None and bench.code.messages == []


def test_a_home_is_made_before_and_its_tokens_come_back(bench: Bench, tmp_path: Path) -> None:
    own = tmp_path / "owner" / "auth.json"
    own.parent.mkdir()
    own.write_text('{"token": "old"}')
    bench.home = Home(path=tmp_path / "homes" / "a", credentials=("auth.json",), owner={"HOME": str(own.parent)})
    assert bench.run(f'grep -q old {bench.home.path}/auth.json; echo \'{{"token": "new"}}\' > {bench.home.path}/auth.json').exit_code == 0
    assert json.loads(own.read_text()) == {"token": "new"}


def test_who_asks_before_the_agent_begins_is_heard(bench: Bench) -> None:
    write_record(bench.folder.stop, StopRequest(outcome=Outcome.STOPPED, reason="the owner said so"))
    ending = bench.run("touch ran", checks=["true"])
    assert (ending.outcome, ending.reason, ending.exit_code, ending.sandbox) == (Outcome.STOPPED, "the owner said so", None, None)
    assert ending.head_commit == COMMIT and ending.checks == () and not (bench.folder.clone / "ran").exists()
    assert (ending.session, ending.usage) == (None, Usage())


def test_a_signal_is_a_stop_from_outside(bench: Bench) -> None:
    bench.wake.asked = True
    ending = bench.run("touch ran")
    reason = "the supervisor was told to stop from outside (shutdown of the machine or a kill)"
    assert (ending.outcome, ending.reason) == (Outcome.LOST, reason)


def test_a_stop_while_it_runs_ends_the_agent(bench: Bench) -> None:
    stop = '{"outcome": "rejected", "reason": "enough"}'
    ending = bench.run(f"echo '{stop}' > {bench.folder.stop}; exec sleep 60", session="chosen", rules=rules(), agent="x")
    assert (ending.outcome, ending.reason, ending.sandbox, ending.session) == (Outcome.REJECTED, "enough", "none", None)
    assert "The agent ended with enough." in bench.progress
    known = read_record(bench.folder.known, Known)
    assert known is None or known.boot == "this-boot"


def test_processes_that_can_not_be_stopped_are_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watcher, "_clear", lambda *_: False)
    ending = bench.run(checks=["true"])
    reason = "processes of the agent could not be stopped; see `autobuilds doctor`"
    assert (ending.outcome, ending.reason, ending.checks) == (Outcome.AGENT_FAILED, reason, ())


def test_processes_are_noted_while_it_runs(bench: Bench) -> None:
    bench.run(f"for n in $(seq 600); do test -s {bench.folder.known} && break; sleep 0.05; done")
    known = read_record(bench.folder.known, Known)
    assert known is not None and known.boot == "this-boot" and known.processes == tuple(sorted(known.processes))


@pytest.mark.parametrize(
    ("saved", "more", "outcome", "checked"),
    [
        ({}, {}, Outcome.CHECKS_FAILED, 1),
        ({"stat": DiffStat(paths=(), added=0, removed=0)}, {}, Outcome.NO_CHANGE, 0),
        ({"stat": DiffStat(paths=(), added=0, removed=0)}, {"may_change_nothing": True}, Outcome.CHECKS_FAILED, 1),
        ({"outside_links": ("link",)}, {}, Outcome.OUT_OF_BOUNDS, 0),
        ({"submodules": ("sub",)}, {}, Outcome.OUT_OF_BOUNDS, 0),
        ({"secrets": (("f", "KEY"),)}, {}, Outcome.OUT_OF_BOUNDS, 0),
        ({}, {"touches": ("a",)}, Outcome.OUT_OF_BOUNDS, 0),
        ({}, {"protected": ("b",)}, Outcome.OUT_OF_BOUNDS, 0),
    ],
)
def test_checks_are_run_on_work_that_is_worth_it(
    bench: Bench, saved: dict[str, Any], more: dict[str, Any], outcome: Outcome, checked: int
) -> None:
    bench.code.saved = replace(bench.code.saved, **saved)
    ending = bench.run(checks=["false"], deliver=DeliverMode.MERGE, **more)
    assert (ending.outcome, len(ending.checks), len(bench.code.messages)) == (outcome, checked, 1)
    assert ending.changed_paths == bench.code.saved.stat.paths


@pytest.mark.parametrize("fault", [errors.Refused("it is\nin there " + "x" * 400), OSError("it is\nin there " + "x" * 400)])
def test_a_merge_that_can_not_be_tried(bench: Bench, fault: Exception) -> None:
    bench.code.unmerged = fault
    ending = bench.run(checks=["true"], deliver=DeliverMode.MERGE)
    why = "it is in there " + "x" * 284 + "…"
    assert (ending.outcome, ending.evidence, ending.merged_commit, ending.merged_onto) == (Outcome.PASSED, Evidence.CHECKED, None, None)
    assert ending.reason == f"1 check passed; left for review, because the merge could not be tried: {why}"


def test_merges_that_are_left_for_review(bench: Bench) -> None:
    bench.code.merged = CheckedMerge(commit=None, onto="tip", scratch=bench.folder.merging, conflicts=("x", "y"))
    ending = bench.run(checks=["true"], deliver=DeliverMode.MERGE)
    assert (ending.evidence, ending.merged_commit, ending.merged_onto, len(ending.checks)) == (Evidence.CHECKED, None, None, 1)
    assert ending.reason.endswith("it does not merge cleanly onto tip: x, y")
    bench.code.messages.clear()
    ending = bench.run(checks=["true"], deliver=DeliverMode.MERGE, base_branch=None)
    assert ending.reason.endswith("the merge could not be tried: the repository was on no branch when the build began")
    assert len(bench.code.messages) == 1, "no merge was tried"


def test_a_merge_whose_checks_fail_or_are_stopped(bench: Bench) -> None:
    tree = bench.folder.merging
    ending = bench.run(checks=[f'test "$PWD" != {tree}'], deliver=DeliverMode.MERGE)
    assert (ending.outcome, ending.evidence, ending.merged_commit) == (Outcome.PASSED, Evidence.CHECKED, None)
    assert [(check.passed, check.merged) for check in ending.checks] == [(True, False), (False, True)]
    stop = '{"outcome": "stopped", "reason": "enough"}'
    other = Bench(bench.workspace)
    command = f"test \"$PWD\" != {tree} || {{ echo '{stop}' > {other.folder.stop}; sleep 60; }}"
    ending = other.run(checks=[command], deliver=DeliverMode.MERGE)
    assert (ending.outcome, ending.reason, ending.merged_commit) == (Outcome.STOPPED, "enough", None)


def test_a_check_that_is_stopped_by_the_owner(bench: Bench) -> None:
    stop = '{"outcome": "stopped", "reason": "enough"}'
    ending = bench.run(checks=[f"echo '{stop}' > {bench.folder.stop}; sleep 60", "true"], deliver=DeliverMode.MERGE)
    assert (ending.outcome, ending.reason, len(ending.checks), len(bench.code.messages)) == (Outcome.STOPPED, "enough", 1, 1)


def test_claims_are_judged_by_the_progress_log(bench: Bench) -> None:
    report = "printf '## Task Breakdown\\n- [x] It works\\n  Evidence: tried\\n' > \"$AUTOBUILDS_PROGRESS\""
    ending = bench.run(report, agent="x", claims=["It works"])
    assert [(check.text, check.passed, check.tail) for check in ending.checks] == [("It works", True, "tried")]


def test_why_an_agent_did_not_start_is_told_in_300_characters(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watcher, "run", lambda *_, **__: Finished(failure="x" * 400))
    assert bench.run(agent="ghost").reason == f"the agent ghost could not be started: {'x' * 299}…"


def test_a_program_that_is_missing_or_not_contained(bench: Bench) -> None:
    ending = bench.run(argv=("no-such\n" + "x" * 700,), agent="ghost")
    assert ending.outcome is Outcome.SETUP and ending.sandbox is None
    assert ending.reason.startswith("the agent ghost could not be started: no-such xxx") and len(ending.reason) == 600
    other = Bench(bench.workspace)
    other.container = Unsound(confinement=Confinement(), environment={"PATH": os.environ["PATH"]}, check_environment={})
    ending = other.run("touch ran", argv=("true",))
    assert ending.outcome is Outcome.NOT_STARTED
    assert ending.reason.startswith("the sandbox does not work xxx") and len(ending.reason) == 600
    assert not (other.folder.clone / "ran").exists()


def test_an_agent_whose_output_can_not_be_taken_is_not_started(bench: Bench) -> None:
    bench.folder.stdout.mkdir()
    ending = bench.run("touch ran", agent="x", rules=rules())
    assert (ending.outcome, ending.exit_code, ending.sandbox) == (Outcome.SETUP, None, None)
    assert ending.reason == f"the agent x could not be started: {bench.folder.stdout} can't be opened for the output: Is a directory"
    assert not (bench.folder.clone / "ran").exists()


def test_an_agent_that_goes_over_a_budget_is_stopped(bench: Bench) -> None:
    limit = Spending(key="task_usd", used=1.0, limit=2.0, unit="USD", span="by this task")
    ending = bench.run("echo '{\"cost\": 1.5}'; exec sleep 60", agent="x", rules=rules(), budgets=(limit,))
    assert (ending.outcome, ending.failure) == (Outcome.AGENT_FAILED, FailureClass.BUDGET)
    assert ending.reason == ("stopped because it went over a budget: 2.50 of 2.00 USD used by this task; raise task_usd in HEARTBEAT.md")
    assert _over(limit) == Stop(
        outcome=Outcome.AGENT_FAILED,
        reason="stopped because it went over a budget: 1.00 of 2.00 USD used by this task; raise task_usd in HEARTBEAT.md",
        failure=FailureClass.BUDGET,
    )


def test_an_old_log_is_taken_away_and_secrets_are_concealed(bench: Bench) -> None:
    job = bench.made("true")
    Path(job.log_file).parent.mkdir(parents=True)
    Path(job.log_file).write_text("an earlier attempt's\n")
    ending = bench.run("echo $SECRET_KEY; cat", environment={"SECRET_KEY": "sk-0123456789abcdef"}, prompt_on_stdin=False)
    assert ending.tail == "\n", "the container's environment is the agent's, not the job's"
    other = Bench(bench.workspace)
    other.run("echo sk-0123456789abcdef", environment={"SECRET_KEY": "sk-0123456789abcdef"})
    assert Path(other.job.log_file).read_text() == "*" * 19 + "\n"


# What is decided without a process.


def test_the_bounds_of_a_run(bench: Bench) -> None:
    limits = replace(bench.job.limits, timeout=timedelta(hours=2), silence=timedelta(minutes=3), output_bytes=7, niceness=5)
    bench.folder.clone.mkdir(parents=True)
    container = Container(confinement=Confinement(), environment={}, check_environment={})
    run = AgentRun(job=replace(bench.job, limits=limits), folder=bench.folder, container=container, environment={}, now=lambda: NOW)
    found = run._bounds()
    assert (found.seconds, found.silence, found.output_bytes, found.niceness) == (7200, 180, 7, 5)
    assert (found.what, found.disk) == ("the limit of one attempt (timeout)", bench.folder.clone)
    assert found.ladder == processes.PLAIN_LADDER
    size = os.statvfs(bench.folder.clone)
    assert found.free_bytes == min(size.f_blocks * size.f_frsize // 50, 1_073_741_824)


@pytest.mark.parametrize(
    ("agent", "steps", "ladder"),
    [
        ("command", (), [("SIGTERM", 3.0, True), ("SIGKILL", 20.0, True)]),
        ("x", (), [("SIGINT", 3.0, False), ("SIGTERM", 3.0, True), ("SIGKILL", 20.0, True)]),
        (
            "command",
            (("SIGINT", 30.0), ("SIGHUP", 31.0), ("SIGKILL", 1.0), ("SIGNONE", 1.0), ("SIG_DFL", 1.0), ("SIGQUIT", -1.0), ("SIGTERM", 0.5)),
            [("SIGINT", 30.0, False), ("SIGHUP", 30.0, True), ("SIGQUIT", 0.0, True), ("SIGTERM", 0.5, True), ("SIGKILL", 20.0, True)],
        ),
        ("x", (("SIGKILL", 1.0),), [("SIGKILL", 20.0, True)]),
    ],
)
def test_how_an_agent_is_stopped(
    bench: Bench, agent: str, steps: tuple[tuple[str, float], ...], ladder: list[tuple[str, float, bool]]
) -> None:
    job = replace(bench.job, agent=agent, stop=tuple(StopStep(signal=name, seconds=seconds) for name, seconds in steps))
    assert [(rung.number.name, rung.seconds, rung.everyone) for rung in ladder_of(job)] == ladder


def test_what_was_used() -> None:
    report = AgentReport(tokens_in=1, tokens_out=2, cost_usd=0.5)
    found = usage_of(report, Finished(cpu_seconds=1.23456, peak_rss_bytes=7))
    assert found == Usage(cpu_seconds=1.235, peak_rss_bytes=7, tokens_in=1, tokens_out=2, cost_usd=0.5)
    assert usage_of(AgentReport(), Finished()) == Usage(cpu_seconds=0.0, peak_rss_bytes=None)


@pytest.mark.parametrize(
    ("failure", "cost", "error", "told"),
    [
        (FailureClass.BUDGET, 0.91, "too much", "too much; what was left of night_usd in HEARTBEAT.md is used up, raise it to go on"),
        (FailureClass.BUDGET, 0.91, None, "it ended; what was left of night_usd in HEARTBEAT.md is used up, raise it to go on"),
        (FailureClass.BUDGET, 0.9, "too much", "too much"),
        (FailureClass.BUDGET, 0.5, "too much", "too much"),
        (FailureClass.BUDGET, None, "too much", "too much"),
        (FailureClass.NETWORK, 5.0, "too much", "too much"),
    ],
)
def test_whose_limit_it_was(failure: FailureClass, cost: float | None, error: str | None, told: str) -> None:
    limits = [
        Spending(key="day_tokens", used=9.0, limit=1.0, unit="tokens", span="today"),
        Spending(key="night_usd", used=1.0, limit=2.0, unit="USD", span="tonight"),
    ]
    report = AgentReport(failure=failure, cost_usd=cost, error=error, said="x")
    assert _by_whose_limit(report, limits) == replace(report, error=told)


@pytest.mark.parametrize(
    ("code", "said", "why"),
    [
        (125, "autobuilds: no bwrap\n", "no bwrap"),
        (125, "  autobuilds: no bwrap  ", "no bwrap"),
        (125, "autobuilds: one\ntwo\n", None),
        (125, "no bwrap autobuilds: \n", None),
        (126, "autobuilds: no bwrap\n", None),
        (125, "", None),
    ],
)
def test_why_what_contains_an_agent_did_not_start_it(bench: Bench, code: int, said: str, why: str | None) -> None:
    plain = AgentStream(job=bench.job, folder=bench.folder, now=lambda: NOW)
    apart = AgentStream(job=replace(bench.job, rules=rules()), folder=bench.folder, now=lambda: NOW)
    Path(bench.job.log_file).parent.mkdir(parents=True)
    Path(bench.job.log_file).write_text(said)
    bench.folder.stderr.write_text(said)
    bench.folder.stdout.write_text("autobuilds: something else\n")
    for stream in (plain, apart):
        assert _not_started(Finished(exit_code=code), stream) == why
        assert _not_started(Finished(exit_code=code, stop=Stop(outcome=Outcome.STOPPED, reason="x")), stream) is None


def test_messages_of_commits(bench: Bench) -> None:
    job = replace(bench.job, name="n" * 61, number=3)
    short = "n" * 59 + "…"
    assert save_message(job) == f"{short}: work of attempt 3\n\nBuild: demo\nAttempt: 3\n"
    assert merge_message(job) == f"Merge build demo: {short}\n\nBuild: demo\nAttempt: 3\n"


def test_what_may_be_merged() -> None:
    passed, failed = (Check(text="x", passed=one) for one in (True, False))
    assert mergeable(MergeFacts(onto="x", commit="c", checks=(passed,)))
    assert mergeable(MergeFacts(onto="x", commit="c"))
    for facts in ({"commit": "c", "checks": (passed, failed)}, {"commit": None, "checks": (passed,)}, {"commit": "c", "failure": "no"}):
        assert not mergeable(MergeFacts(**{"onto": "x", **facts}))  # type: ignore[arg-type]
