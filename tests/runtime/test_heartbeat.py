"""One heartbeat after another on a real workspace: real Git, real processes, the `command` agent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autobuilds.errors import BadInput
from autobuilds.runtime import deliver, owner
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import Beat, beat, look, stay
from autobuilds.wiring import make_context
from tests.conftest import git

CONFIG = "---\ntimezone: UTC\nretries: 2\nretry_delay: 0s\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n{more}---\n# Heartbeat\n"
TASK = """
### {name}
- **Description:** `{file}` of the project holds the single line `hello`, as app.py reads it.
- **Completion Criteria:**
  - [ ] The unit test passes: `{check}`
- **Category:** Bug fixes
{extra}- **Steps:**
  ```sh
  {steps}
  ```
"""


def queue_of(*tasks: str, lines: tuple[str, ...]) -> str:
    rows = "\n".join(f"- [ ] {line} - Added: 2026-02-06 15:00 - Priority: High" for line in lines)
    return f"# Build Queue\n\n## Active Queue\n{rows}\n\n## Task Details\n{''.join(tasks)}\n## Completed\n"


def task(name: str, file: str = "a.txt", steps: str = "echo hello > a.txt", check: str = "grep -qx hello a.txt", extra: str = "") -> str:
    return TASK.format(name=name, file=file, steps=steps, check=check, extra=extra)


@pytest.fixture
def workspace(make_repo: Callable[..., Path]) -> Callable[..., Context]:
    def make(queue: str, more: str = "", **files: str) -> Context:
        root = make_repo(
            {"BUILD_QUEUE.md": queue, "HEARTBEAT.md": CONFIG.format(more=more), "app.py": "print(open('a.txt').read())\n", **files}
        )
        return replace(make_context(root), heartbeat_argv=())

    return make


def run(context: Context) -> Beat:
    """Beat until what was started has ended."""
    return stay(context, beat(context), lambda _: None)


def ledger(context: Context) -> dict[str, dict]:
    return {b["label"]: b for b in json.loads((context.workspace.root / "subagents" / "active.json").read_text())["builds"]}


def subjects(context: Context) -> list[str]:
    return git(context.workspace.root, "log", "--format=%s").split("\n")


def test_a_task_is_built_checked_and_ready_for_review(workspace) -> None:
    context = workspace(queue_of(task("Say hello"), lines=("Say hello",)))
    last = run(context)
    build = ledger(context)["say-hello"]
    assert build["state"] == "review"
    (attempt,) = build["attempts"]
    assert (attempt["outcome"], attempt["evidence"], attempt["branch"]) == ("passed", "checked in the clone", "build/say-hello")
    assert attempt["checks"][0]["passed"]
    queue = context.workspace.path("BUILD_QUEUE.md").read_text()
    assert "- [x] Say hello - Added: 2026-02-06 15:00 - Priority: High - Completed: " in queue.partition("## Completed")[2]
    assert not context.workspace.path("a.txt").exists(), "nothing reaches the owner's tree before the review"
    assert git(context.workspace.root, "show", "build/say-hello:a.txt") == "hello"
    assert [n.kind for n in last.needs_you] == ["review"]
    assert git(context.workspace.root, "status", "--porcelain") == ""


def test_accept_merges_and_undo_takes_back(workspace) -> None:
    context = workspace(queue_of(task("Say hello"), lines=("Say hello",)))
    run(context)
    accepted = deliver.accept(context, "say-hello", lambda _: None)
    assert accepted.last is not None
    assert (accepted.state.value, accepted.last.evidence.value) == ("completed", "checked on the merged tree")
    assert context.workspace.path("a.txt").read_text() == "hello\n"
    assert beat(context).ok
    deliver.undo(context, "say-hello")
    assert not context.workspace.path("a.txt").exists()
    assert ledger(context)["say-hello"]["state"] == "escalated"
    assert "- [ ] Say hello" in context.workspace.path("BUILD_QUEUE.md").read_text()


@pytest.mark.slow
def test_a_failing_check_is_retried_and_then_handed_over(workspace) -> None:
    context = workspace(queue_of(task("Say hello", steps="echo wrong > a.txt"), lines=("Say hello",)))
    last = run(context)
    for _ in range(3):
        last = run(context)
    build = ledger(context)["say-hello"]
    assert build["state"] == "escalated"
    assert [a["outcome"] for a in build["attempts"]] == ["checks-failed", "checks-failed"]
    assert last.needs_you[0].command == "autobuilds retry say-hello"
    assert git(context.workspace.root, "show", "build/say-hello.attempt-1:a.txt") == "wrong", "nothing an agent did is thrown away"
    owner.retry(context, "say-hello")
    assert ledger(context)["say-hello"]["state"] == "retrying"


def test_rejected_work_returns_with_the_reason(workspace) -> None:
    context = workspace(queue_of(task("Say hello"), lines=("Say hello",)))
    run(context)
    deliver.reject(context, "say-hello", "say it louder")
    assert "- [ ] Say hello" in context.workspace.path("BUILD_QUEUE.md").read_text()
    run(context)
    build = ledger(context)["say-hello"]
    assert (build["state"], len(build["attempts"])) == ("review", 2)
    prompts = sorted(context.workspace.private.glob("runs/say-hello-2-*/prompt.md"))
    assert "say it louder" in prompts[0].read_text()


def test_a_dependent_builds_on_the_unreviewed_branch(workspace) -> None:
    first = task("One")
    second = task("Two", file="b.txt", steps="cp a.txt b.txt", check="grep -qx hello b.txt", extra="- **Depends On:** One\n")
    context = workspace(queue_of(first, second, lines=("Two", "One")))
    stay(context, run(context), lambda _: None)
    run(context)
    assert ledger(context)["two"]["state"] == "review"
    assert ledger(context)["two"]["attempts"][0]["base_commit"] == ledger(context)["one"]["attempts"][0]["head_commit"]


@pytest.mark.slow
def test_three_at_once_and_merged_one_by_one(workspace) -> None:
    names = ("One", "Two", "Three")
    tasks = [task(n, file=f"{n}.txt", steps=f"echo hello > {n}.txt", check=f"grep -qx hello {n}.txt") for n in names]
    context = workspace(queue_of(*tasks, lines=names), more="max_concurrent: 3\ndeliver: merge\n")
    started = beat(context)
    assert [t["event"] for t in started.transitions].count("start") == 3
    stay(context, started, lambda _: None)
    assert {b["state"] for b in ledger(context).values()} == {"completed"}
    assert all(context.workspace.path(f"{n}.txt").read_text() == "hello\n" for n in names)
    git(context.workspace.root, "fsck", "--strict")


def test_a_build_that_touches_protected_paths_is_not_delivered(workspace) -> None:
    context = workspace(queue_of(task("Say hello", steps="echo hello > a.txt; echo '- [ ] More' >> BUILD_QUEUE.md"), lines=("Say hello",)))
    last = run(context)
    build = ledger(context)["say-hello"]
    assert (build["state"], build["attempts"][0]["outcome"]) == ("escalated", "out-of-bounds")
    assert "BUILD_QUEUE.md" in last.needs_you[0].reason


def test_idle_means_no_commit_and_no_file_written(workspace) -> None:
    context = workspace("# Build Queue\n\n## Active Queue\n\n## Completed\n")
    beat(context)
    root = context.workspace.root
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file() and ".lock" not in p.name}
    commits = subjects(context)
    again = beat(context)
    assert again.ok
    assert again.transitions == ()
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file() and ".lock" not in p.name} == before
    assert subjects(context) == commits


def test_a_hand_edit_is_committed_first_as_the_owner_s(workspace) -> None:
    context = workspace("# Build Queue\n\n## Active Queue\n\n## Completed\n")
    path = context.workspace.path("BUILD_QUEUE.md")
    path.write_text(path.read_text().replace("## Active Queue\n", "## Active Queue\n- [ ] A thought - Priority: Low\n"))
    beat(context)
    authors = git(context.workspace.root, "log", "--format=%an|%s").split("\n")
    assert "Olive Owner|autobuilds: BUILD_QUEUE.md edited by hand" in authors
    assert "- [ ] A thought - Added: 20" in path.read_text()
    assert git(context.workspace.root, "status", "--porcelain") == ""


def test_the_owner_s_other_work_is_left_alone(workspace) -> None:
    context = workspace(queue_of(task("Say hello"), lines=("Say hello",)), more="deliver: merge\n")
    root = context.workspace.root
    (root / "app.py").write_text("changed\n")
    (root / "staged.txt").write_text("staged\n")
    (root / "scratch.txt").write_text("mine\n")
    git(root, "add", "staged.txt")
    run(context)
    assert ledger(context)["say-hello"]["state"] == "completed"
    assert sorted(git(root, "status", "--porcelain").split("\n")) == [" M app.py", "?? scratch.txt", "A  staged.txt"]


def test_a_merge_in_the_way_of_the_owner_s_work_waits_for_review(workspace) -> None:
    context = workspace(queue_of(task("Say hello"), lines=("Say hello",)), more="deliver: merge\n")
    context.workspace.path("a.txt").write_text("mine\n")
    run(context)
    build = ledger(context)["say-hello"]
    assert build["state"] == "review"
    assert "a.txt" in build["reason"]
    assert context.workspace.path("a.txt").read_text() == "mine\n"


def test_looking_changes_nothing(workspace) -> None:
    context = workspace(queue_of(task("Say hello"), lines=("Say hello",)))
    seen = look(context)
    assert [a.verdict.value for a in seen.assessments] == ["go"]
    assert not (context.workspace.root / "subagents").exists()
    assert subjects(context) == ["first"]


def test_a_conflicted_queue_stops_its_work_but_not_the_care_for_builds(workspace) -> None:
    context = workspace(queue_of(task("Say hello", steps="sleep 1; echo hello > a.txt"), lines=("Say hello",)))
    beat(context)
    path = context.workspace.path("BUILD_QUEUE.md")
    good = path.read_text()
    path.write_text("<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n" + good)
    deadline = time.monotonic() + 30
    while (
        context.runner.poll(
            json.loads(context.workspace.path("subagents/active.json").read_text())["builds"][0]["attempts"][0]["id"]
        ).ending
        is None
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    held = beat(context)
    assert not held.ok
    assert ledger(context)["say-hello"]["state"] == "building"
    path.write_text(good)
    beat(context)
    assert ledger(context)["say-hello"]["state"] == "review"


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    (tmp_path / "BUILD_QUEUE.md").write_text("## Active Queue\n- [ ] A - Added: 2026-02-06 15:00\n")
    with pytest.raises(BadInput, match="git init"):
        beat(make_context(tmp_path))
    assert not (tmp_path / "BUILD_STATUS.md").exists()


def test_an_idea_put_aside_and_a_task_given_up_need_nobody(workspace) -> None:
    lines = "- [ ] Someday - Added: 2026-02-06 15:00 - Priority: Low\n- [ ] Never - Added: 2026-02-06 15:00 - Priority: High\n"
    details = "\n### Someday\n- **Description:** app.py prints the version of a.txt with `--version`.\n- **Completion Criteria:** `python3 app.py --version` prints 1\n"
    context = workspace(f"## Active Queue\n{lines}\n## Task Details\n{details}\n## Completed\n")
    owner.cancel(context, "never")
    last = beat(context)
    assert last.ok, last.needs_you
    assert {a.label: a.verdict.value for a in last.assessments} == {"someday": "ask", "never": "ask"}


def test_no_secret_of_the_owner_s_environment_reaches_a_build(workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-4711")
    monkeypatch.setenv("GH_PAT", "canary-4711")
    look = "env; p=$$; for n in 1 2 3 4; do tr '\\0' '\\n' < /proc/$p/environ; p=$(cut -d' ' -f4 /proc/$p/stat); done; true\n"
    queue = queue_of(task("Say hello", steps="sh tools/layout.sh; echo hello > a.txt"), lines=("Say hello",))
    context = workspace(queue, **{"tools/layout.sh": look})
    run(context)
    assert ledger(context)["say-hello"]["state"] == "review"
    root = context.workspace.root
    assert "AUTOBUILDS_ATTEMPT=" in context.runner.logs(ledger(context)["say-hello"]["attempts"][0]["id"]), "the script saw something"
    assert "canary-4711" not in git(root, "log", "--all", "-p")
    found = [p for p in root.rglob("*") if p.is_file() and b"canary-4711" in p.read_bytes()]
    assert found == []
