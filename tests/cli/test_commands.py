"""Every command as a person types it: what works, what is said of what can't be, and that errors leave stdout empty."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autobuilds.cli.app import COMMANDS, run
from autobuilds.store.files import Lock
from tests.cli.conftest import Desk
from tests.conftest import git

#: Commands of people that read: each takes --json, works where nothing was ever built, and changes nothing.
READING = [
    ("list",),
    ("list", "--all"),
    ("show", "fix-the-clock"),
    ("check",),
    ("assess",),
    ("status",),
    ("why",),
    ("why", "fix-the-clock"),
    ("plan",),
    ("config",),
    ("config", "retries"),
    ("heartbeat", "--check"),
    ("report", "--stdout"),
    ("fsck",),
]


@pytest.mark.parametrize("args", READING, ids=" ".join)
def test_reading_changes_nothing_and_answers_in_both_forms(desk: Desk, args: tuple[str, ...]) -> None:
    before = git(desk.root, "rev-parse", "HEAD")
    text = desk.type(*args)
    assert (text.status, bool(text.out)) == (0, True)
    assert [line for line in text.err.splitlines() if not line.startswith("sandbox: ")] == []  # said where it is weaker than it could be
    answer = desk.type(*args, "--json").json
    assert (answer["schema"], answer["kind"]) == (1, args[0])
    assert (git(desk.root, "rev-parse", "HEAD"), git(desk.root, "status", "--porcelain")) == (before, "")


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["lst"], 2, 'no command "lst". Did you mean "list"?'),
        (["stauts"], 2, 'no command "stauts". Did you mean "status" or "stats"?'),
        (["stauts", "--json"], 2, 'Did you mean "status" or "stats"?'),
        (["help"], 2, 'no command "help"; see autobuilds --help'),
        (["help", "add"], 2, 'no command "help"; see autobuilds add --help'),
        (["help", "nope"], 2, 'no command "help"; see autobuilds --help'),
        (["list", "--bogus"], 2, "No such option '--bogus'."),
        (["show"], 2, "Missing argument 'LABEL'."),
        (["show", "nope"], 1, 'no task or build "nope"; autobuilds list shows them'),
        (["show", "fix-the-clok"], 1, 'did you mean "fix-the-clock"?'),
        (["why", "nope"], 1, 'no task or build "nope"'),
        (["plan", "--hours", "0"], 2, "not in the range"),
        (["config", "retrys"], 2, 'did you mean "retries"?'),
        (["completion", "tcsh"], 2, "'tcsh' is not one of"),
        (["log", "fix-the-clock"], 1, "has no build yet"),
        (["answer", "fix-the-clock", "yes"], 1, "has no build that could ask"),
        (["approve", "nope"], 1, 'no task or build "nope"'),
        (["approve", "buy-a-clock"], 1, "nothing to approve"),
        (["cancel", "nope"], 1, 'no task or build "nope"'),
        (["cancel", "buy-a-clock"], 1, "is completed already"),
        (["stop", "fix-the-clock"], 1, "is not being built"),
        (["retry", "fix-the-clock"], 1, "no build of fix-the-clock to retry"),
        (["reopen", "fix-the-clock"], 1, "is open already"),
        (["fail", "fix-the-clock"], 1, "no build of fix-the-clock to fail"),
        (["complete", "nope"], 1, 'no task or build "nope"'),
        (["complete", "fix-the-clock", "--at", "soon"], 2, '--at "soon" is no time'),
        (["review", "fix-the-clock"], 1, "has no build to review"),
        (["accept", "fix-the-clock"], 1, "only a build that is ready for review can be accepted"),
        (["reject", "fix-the-clock"], 2, "Missing option '--because'."),
        (["reject", "fix-the-clock", "--because", "x"], 1, "only a build that is ready for review can be rejected"),
        (["undo", "fix-the-clock"], 1, "there is nothing to undo"),
        (["pause", "--until", "whenever"], 2, '--until "whenever" is no time'),
        (["pause", "--until", "2020-01-01"], 2, "has passed"),
        (["resume"], 1, "nothing is paused"),
        (["report", "--write", "--stdout"], 2, "--write excludes --stdout and --json"),
        (["schedule", "--hours", "5", "--days", "2"], 2, "--hours and --days exclude each other"),
        (["report", "--date", "x"], 2, '--date "x" is no date'),
        (["report", "--date", "2126-01-01"], 2, "2126-01-01 has not begun"),
        (["report", "--date", "0001-01-01"], 2, "0001-01-01 lies before everything"),
        (["heartbeat", "--check", "--monitor"], 2, "exclude each other"),
        (["spawn"], 2, "name one label"),
        (["spawn", "nope"], 1, 'no task or build "nope"'),
        (["spawn", "buy-a-clock"], 1, "autobuilds reopen buy-a-clock"),
        (["status", "--workspace", "/nowhere"], 2, "there is no such folder"),
        (["status", "--workspace", "/"], 2, "Run `autobuilds init`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_is_said_in_one_line_and_nothing_on_stdout(desk: Desk, args: list[str], status: int, message: str) -> None:
    before = git(desk.root, "rev-parse", "HEAD")
    said = desk.type(*args)
    assert (said.status, said.out, said.err.count("\n")) == (status, "", 1)
    assert message in said.err
    assert (git(desk.root, "rev-parse", "HEAD"), git(desk.root, "status", "--porcelain")) == (before, "")
    if args[0] in {name for group in COMMANDS.values() for name in group} - {"completion", "demo"}:
        as_json = desk.type(*args, "--json")
        assert (as_json.status, as_json.out) == (status, "")


@pytest.mark.parametrize("name", [name for group in COMMANDS.values() for name in group])
def test_every_command_has_its_help(desk: Desk, name: str) -> None:
    said = desk.type(name, "--help")
    assert (said.status, said.out.startswith(f"Usage: autobuilds {name} ")) == (0, True)
    assert desk.type(name, "-h").out == said.out


def test_list_shows_what_is_open_and_with_all_what_is_done_too(desk: Desk) -> None:
    assert [line.split()[:2] for line in desk.type("list").out.splitlines()] == [["-", "fix-the-clock"], ["-", "describe-the-clock"]]
    rows = [line.split()[1] for line in desk.type("list", "--all").out.splitlines() if line]
    assert rows == ["fix-the-clock", "describe-the-clock", "buy-a-clock"]


def test_check_ends_with_1_where_there_is_a_problem(desk: Desk) -> None:
    (desk.root / "BUILD_QUEUE.md").write_text(desk.queue.replace("Priority: Low", "Priority: Lwo"))
    said = desk.type("check")
    assert (said.status, 'unknown priority "Lwo"' in said.out) == (1, True)
    assert desk.type("check", "--json").json["problems"][0]["label"] == "describe-the-clock"


def test_the_owners_words_one_after_the_other(desk: Desk) -> None:
    """Approve, cancel, reopen, complete, reopen, pause, resume; a name stands for its label."""
    assert desk.type("approve", "Describe the clock").out.startswith("describe-the-clock approved")
    commits = git(desk.root, "rev-list", "--count", "HEAD")
    assert desk.type("approve", "describe-the-clock").status == 0
    assert git(desk.root, "rev-list", "--count", "HEAD") == commits
    assert desk.type("cancel", "Describe the clock", "--json").json["label"] == "describe-the-clock"
    assert desk.type("cancel", "describe-the-clock").status == 1
    assert "cancelled" in desk.type("why", "describe-the-clock").out
    assert desk.type("reopen", "describe-the-clock").out == "describe-the-clock is open again\n"
    assert desk.type("complete", "describe-the-clock", "--at", "2026-02-06 11:00").status == 0
    assert "- Completed: 2026-02-06 11:00" in desk.queue
    assert desk.type("reopen", "Describe the clock", "--json").json["label"] == "describe-the-clock"
    assert desk.type("pause", "--until", "3h", "--because", "holiday").out == "paused until 2026-02-06 19:00; what runs goes on\n"
    assert "paused until 2026-02-06 19:00 (holiday)" in desk.type("status").out
    assert desk.type("spawn", "fix-the-clock").status == 3
    assert desk.type("resume", "--json").json["kind"] == "resume"
    assert git(desk.root, "log", "-1", "--format=%s") == "autobuilds: resumed by the owner"


def test_a_report_is_written_once(desk: Desk) -> None:
    assert "written to build-reports/2026-02-06.md" in desk.type("report").err
    assert "unchanged in build-reports/2026-02-06.md" in desk.type("report").err
    assert "unchanged in build-reports/2026-02-06.md" in desk.type("report", "--write").err
    assert git(desk.root, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_heartbeat_leaves_when_another_is_at_work(desk: Desk) -> None:
    (desk.root / ".autobuilds").mkdir(exist_ok=True)
    with Lock(desk.root / ".autobuilds" / "heartbeat.lock", what="heartbeat", wait=1):
        said = desk.type("heartbeat")
        assert (said.status, said.out) == (0, "")
        assert "another heartbeat is at work" in said.err
        answer = desk.type("heartbeat", "--json").json
    assert (answer["transitions"], answer["ok"], "heartbeat" in answer["busy"]) == ([], False, True)


def test_heartbeat_monitor_renders_and_starts_nothing(desk: Desk) -> None:
    desk.type("unblock", "fix-the-clock", "--all")
    assert desk.type("heartbeat", "--monitor").status == 0
    assert "fix-the-clock" in (desk.root / "BUILD_STATUS.md").read_text()
    assert not (desk.root / "subagents" / "active.json").exists()
    assert git(desk.root, "status", "--porcelain") == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(desk: Desk, shell: str) -> None:
    assert "_AUTOBUILDS_COMPLETE" in desk.type("completion", shell).out


@pytest.mark.parametrize(
    "args",
    [
        *(("approve", "cancel", "complete", "fail", "stop", "retry", "reopen")),
        "pause",
        "resume",
        "accept",
        "undo",
        "heartbeat",
        "spawn",
        "fsck --rebuild",
    ],
)
def test_a_build_has_no_authority(desk: Desk, args: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x-1")
    monkeypatch.delenv("AUTOBUILDS_NOW")
    bare = {"pause", "resume", "heartbeat", "fsck --rebuild"}
    said = desk.type(*args.split(), *([] if args in bare else ["fix-the-clock"]))
    assert (said.status, said.out, "refused inside a build" in said.err) == (2, "", True)


def _until_reviewable(desk: Desk, attempt: int) -> None:
    """Beat until an attempt waits for review; the heartbeat that its predecessor's end started may be the one that starts it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        desk.type("heartbeat", "--wait")
        build = desk.type("review", "fix-the-clock", "--json").json["build"]
        if (build["state"], len(build["attempts"])) == ("review", attempt):
            return
        time.sleep(0.2)
    raise AssertionError(desk.type("status").out)


def test_a_build_from_its_start_to_its_undoing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeat, review, reject, heartbeat, accept, undo, retry refused or given: each with the words that name what follows."""
    monkeypatch.delenv("AUTOBUILDS_NOW")
    desk.type("unblock", "fix-the-clock", "--all")
    desk.type("set", "fix-the-clock", "criteria", "It prints the zero: `grep -q 02d clock.py`")
    first = desk.type("heartbeat", "--wait", "--json")
    assert next(t["event"] for t in first.json["transitions"] if t["label"] == "fix-the-clock") == "start", first.err
    told = desk.type("why", "fix-the-clock")
    assert told.status == 0 and "waits for your review" in told.out and told.out.endswith("  > autobuilds review fix-the-clock\n")
    assert "checked in the clone, 1 of 1 checks passed, 1 file +1 -" in " ".join(told.out.split())
    became = desk.type("why", "fix-the-clock", "--json").json
    assert (became["tasks"], became["became"]["state"], became["became"]["fix"]) == ([], "review", "autobuilds review fix-the-clock")
    shown = desk.type("review", "Fix the clock").out
    assert " s: It prints the zero" in shown and "passed in " in shown
    assert '+print("%02d:%02d" % (9, 5))' in shown
    assert desk.type("review", "fix-the-clock", "--json").json["build"]["state"] == "review"
    assert "put out nothing" in desk.type("log", "fix-the-clock").err
    refused = desk.type("retry", "fix-the-clock")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        "autobuilds: fix-the-clock waits for your review; there is nothing to retry. autobuilds accept fix-the-clock merges it, "
        'autobuilds reject fix-the-clock --because "..." sends it back\n'
    )
    assert desk.type("reject", "fix-the-clock", "--because", "the manual is missing").status == 0
    assert "the manual is missing" in git(desk.root, "log", "-1", "--format=%s")
    _until_reviewable(desk, attempt=2)
    accepted = desk.type("accept", "fix-the-clock", "--json").json
    assert (accepted["branch"], (desk.root / "clock.py").exists()) == ("main", True)
    assert desk.type("accept", "fix-the-clock").status == 1
    assert desk.type("undo", "fix-the-clock").status == 0
    assert not (desk.root / "clock.py").exists()
    again = desk.type("undo", "fix-the-clock")
    assert (again.status, again.out) == (1, "")
    assert again.err == "autobuilds: fix-the-clock was taken back already; autobuilds retry fix-the-clock has it built again\n"
    assert "undone by you" in desk.type("why", "fix-the-clock").out
    assert desk.type("retry", "fix-the-clock").out == "fix-the-clock starts again at the next heartbeat (autobuilds heartbeat)\n"
    assert desk.type("cancel", "fix-the-clock").status == 0
    assert desk.type("fsck").status == 0
    assert git(desk.root, "status", "--porcelain") == ""


def test_a_running_build_is_stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOBUILDS_NOW")
    steps = desk.type("set", "fix-the-clock", "steps", "-", stdin="touch begun\nexec tail -f /dev/null\n")
    assert steps.status == 0, steps.err
    desk.type("unblock", "fix-the-clock", "--all")
    desk.type("approve", "fix-the-clock")
    started = desk.type("spawn", "fix-the-clock", "--json")
    assert (started.status, started.out and started.json["agent"]) == (0, "command"), started.err
    running = desk.type("why", "fix-the-clock")
    assert running.status == 0 and "is being built: attempt 1 with command" in running.out
    assert "Building" in desk.type("status").out
    assert desk.type("stop", "fix-the-clock").out == "fix-the-clock stopped; autobuilds retry fix-the-clock goes on\n"
    assert desk.type("stop", "fix-the-clock").status == 1
    assert desk.type("cancel", "fix-the-clock").status == 0
    assert desk.type("fsck").status == 0


def test_the_installed_command_and_the_module_are_one(desk: Desk) -> None:
    installed = [str(Path(sys.executable).with_name("autobuilds"))]
    module = [sys.executable, "-m", "autobuilds"]
    calls = [
        (installed, "--version", 0),
        (installed, "list", 0),
        (installed, "check --bogus", 2),
        (module, "--version", 0),
        (module, "show nope", 1),
    ]
    for program, args, status in calls:
        done = subprocess.run([*program, *args.split()], cwd=desk.root, env=dict(os.environ), capture_output=True, text=True, check=False)
        assert (done.returncode, bool(done.stdout)) == (status, status == 0), done.stderr


@pytest.mark.parametrize(("word", "state"), [("complete", "completed"), ("cancel", "cancelled")])
def test_the_heartbeat_takes_the_owner_s_word(make_repo, word: str, state: str) -> None:
    queue = "# Build Queue\n\n## Active Queue\n- [ ] One thing - Added: 2026-02-06 15:00 - Priority: Low\n\n## Completed\n"
    root = make_repo({"BUILD_QUEUE.md": queue})
    assert run(["heartbeat", f"--{word}", "one-thing", "--workspace", str(root)]) == 0
    shown = (root / "BUILD_QUEUE.md").read_text()
    ledger = root / "subagents" / "active.json"
    assert ("- [x] One thing" in shown) is (state == "completed")
    assert ('"state": "cancelled"' in ledger.read_text() if ledger.exists() else False) is (state == "cancelled")
    assert run(["heartbeat", "--check", f"--{word}", "one-thing", "--workspace", str(root)]) == 2


@pytest.mark.parametrize(
    "command",
    [
        ["add", "New thing"],
        *(pytest.param(more, marks=pytest.mark.slow) for more in (["set", "one-thing", "priority", "high"], ["complete", "one-thing"])),
    ],
)
def test_a_queue_that_was_emptied_is_not_written_to(make_repo, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    root = make_repo({"BUILD_QUEUE.md": "## Active Queue\n- [ ] One thing - Added: 2026-02-06 15:00\n"})
    (root / "BUILD_QUEUE.md").write_bytes(b"")
    assert run([*command, "--workspace", str(root)]) in {1, 2}
    assert (root / "BUILD_QUEUE.md").read_bytes() == b""
    assert git(root, "log", "--format=%s") == "first"
    assert "BUILD_QUEUE.md" in capsys.readouterr().err
