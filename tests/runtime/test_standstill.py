"""The quick answer of a heartbeat: given only where a whole heartbeat would do nothing and say the same."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.adapters.host import NOW_VARIABLE
from autobuilds.cli import answers, quick
from autobuilds.cli.formatters.style import Style
from autobuilds.planning import judging
from autobuilds.runtime.heartbeat import Beat, beat, look
from autobuilds.runtime.standstill import keep, keep_beside, watch
from autobuilds.runtime.stillness import dues, still
from autobuilds.store import standstill
from autobuilds.wiring import make_context
from tests.conftest import git

NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)
CONFIG = """---
timezone: UTC
sandbox: none
off_hours: 12:30-13:10
disk_limit: 100
memory_limit: 100
load_limit: 1000
agent: command
{more}---
# Heartbeat
{body}"""
#: What holds a task, and what would start it at another time.
HELD = "- **Blockers:** waits for the vendor\n"
STEPS = "- **Steps:**\n  ```sh\n  echo hello > a.txt\n  ```\n"
DETAILS = """
### {name}
- **Description:** `a.txt` of the project holds the single line `hello`, as app.py reads it.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello a.txt`
- **Category:** Bug fixes
{extra}"""


def config_of(more: str = "", body: str = "") -> str:
    """Return HEARTBEAT.md with further settings, which take the place of those of the same name."""
    names = {line.partition(":")[0] for line in more.split("\n")}
    kept = "\n".join(line for line in CONFIG.split("\n") if line.partition(":")[0] not in names)
    return kept.format(more=more, body=body)


def queue_of(*tasks: tuple[str, str, str]) -> str:
    """Return a queue of tasks: name, priority, further details."""
    rows = "".join(f"- [ ] {name} - Added: 2026-02-06 10:00 - Priority: {priority}\n" for name, priority, _ in tasks)
    details = "".join(DETAILS.format(name=name, extra=extra + STEPS) for name, _, extra in tasks)
    return f"# Build Queue\n\n## Active Queue\n{rows}\n## Task Details\n{details}\n## Completed\n"


@contextmanager
def clock(at: datetime) -> Iterator[None]:
    """Set the clock of all that is done meanwhile."""
    before = os.environ.get(NOW_VARIABLE)
    os.environ[NOW_VARIABLE] = at.isoformat()
    try:
        yield
    finally:
        if before is None:
            del os.environ[NOW_VARIABLE]
        else:
            os.environ[NOW_VARIABLE] = before


@dataclass(frozen=True)
class Quiet:
    """A workspace in which a heartbeat found nothing to do."""

    root: Path

    def beat(self, at: datetime, root: Path | None = None) -> Beat:
        """Run a whole heartbeat at a time, and note it where there was nothing to do."""
        with clock(at):
            context = replace(make_context(root or self.root), heartbeat_argv=())
            before = watch(context)
            found = beat(context)
            keep(context, before, found, "heartbeat-text", lambda _: text(found), rested=-5.0)
        return found

    def recall(self, at: datetime) -> str | None:
        """Return the quick answer at a time."""
        return standstill.recall(str(self.root), "heartbeat-text", at.timestamp())

    def lines(self) -> tuple[str, ...]:
        """Return the lines of the note, which holds at noon."""
        found = standstill.holding(str(self.root), "heartbeat-text", NOON.timestamp())
        assert found is not None
        return tuple(found[0])


def text(found: Beat) -> str:
    return answers.heartbeat_text(found, as_json=False, style=Style(colour=False))


@pytest.fixture
def make_quiet(make_repo: Callable[..., Path]) -> Callable[..., Quiet]:
    """Return a function that makes a workspace and lets heartbeats run until nothing is left to do."""

    def make(queue: str, *, more: str = "", body: str = "", at: datetime = NOON) -> Quiet:
        root = make_repo({"BUILD_QUEUE.md": queue, "HEARTBEAT.md": config_of(more, body), "app.py": "", ".gitignore": ".autobuilds/\n"})
        quiet = Quiet(root)
        for _ in range(2):
            quiet.beat(at)
        return quiet

    return make


def test_nothing_changed_is_said_at_once_in_the_same_words(make_quiet) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)))
    assert quiet.recall(NOON + timedelta(minutes=10)) == text(quiet.beat(NOON + timedelta(minutes=10))) == "HEARTBEAT_OK\n"


@pytest.mark.parametrize(
    ("minutes", "known"), [(-1, False), (0, True), (29, True), (30, False), (59, False), (24 * 60, False)], ids=lambda v: str(v)
)
def test_it_holds_until_off_hours_begin_and_not_before_it_was_taken(make_quiet, minutes: int, known: bool) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)))
    assert (quiet.recall(NOON + timedelta(minutes=minutes)) is not None) is known


def test_an_answer_beside_it_holds_as_long_or_until_its_words_change(make_quiet) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)))
    context = make_context(quiet.root)

    def beside(at: datetime) -> str | None:
        return standstill.recall(str(quiet.root), "next-text", at.timestamp())

    with clock(NOON):
        before = ("heartbeat-text", quiet.lines())
        assert keep_beside(context, before, "next-text", lambda _: "none", NOON)
        assert [beside(NOON + timedelta(minutes=m)) for m in (-1, 0, 29, 30)] == [None, "none", "none", None]
        assert keep_beside(context, before, "next-text", lambda at: "soon" if at < NOON + timedelta(minutes=7) else "now", NOON)
        assert [beside(NOON + timedelta(minutes=m)) for m in (0, 6, 7)] == ["soon", "soon", None]


def test_no_answer_is_kept_beside_one_that_does_not_hold_any_more(make_quiet) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)))
    context = make_context(quiet.root)
    with clock(NOON):
        before = ("heartbeat-text", quiet.lines())
        assert not keep_beside(context, ("status-text", before[1]), "next-text", lambda _: "none", NOON)
        assert not keep_beside(context, (before[0], before[1][:-1]), "next-text", lambda _: "none", NOON)
        os.utime(quiet.root / "BUILD_QUEUE.md")
        assert not keep_beside(context, before, "next-text", lambda _: "none", NOON)
    assert not Path(standstill.place(str(quiet.root), "next-text")).exists()


def test_it_holds_for_an_hour_at_most(make_quiet) -> None:
    at = NOON + timedelta(hours=3)
    quiet = make_quiet(queue_of(("Held", "High", HELD)), at=at)
    assert quiet.recall(at + timedelta(minutes=59)) is not None
    assert quiet.recall(at + timedelta(minutes=61)) is None


@pytest.mark.parametrize(
    ("tasks", "more", "body"),
    [
        ([("Too long", "Medium", "- **Estimated Time:** 4 hours\n")], "off_hours: 11:30-12:40\n", ""),
        ([("No agent", "High", "- **Agent:** nobody\n")], "", ""),
        ([("Held", "High", HELD)], "memory_limit: 1\n", ""),
        ([("Held", "High", HELD)], "", "\n## Always (every heartbeat)\n- `true`\n"),
        ([("Held", "High", HELD + "- **Approved:** yes\n")], "approvers: nobody@example.org\n", ""),
    ],
    ids=["minutes run out", "an agent could appear", "memory", "a duty at every heartbeat", "an approval by hand"],
)
def test_what_no_file_tells_is_looked_at_each_time(make_quiet, tasks, more: str, body: str) -> None:
    quiet = make_quiet(queue_of(*tasks), more=more, body=body)
    assert quiet.recall(NOON) is None


def test_what_was_saved_just_now_is_looked_at_again(make_quiet) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)))
    shutil.rmtree(quiet.root / ".autobuilds" / "standstill")
    with clock(NOON):
        context = make_context(quiet.root)
        watch(context)
        os.utime(quiet.root / "BUILD_QUEUE.md")
        before = watch(context)
        assert not keep(context, before, beat(context), "heartbeat-text", lambda _: "x")


def test_a_save_during_the_heartbeat_is_no_standstill(make_quiet) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)))
    with clock(NOON):
        context = make_context(quiet.root)
        before, found = watch(context), beat(context)
        with (quiet.root / "BUILD_QUEUE.md").open("a") as queue:
            queue.write("\n")
        assert not keep(context, before, found, "heartbeat-text", lambda _: "x", rested=-60.0)


def test_a_late_save_into_a_displaced_file_is_seen(make_quiet) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD), ("Mine", "Low", HELD)).replace(" - Added: 2026-02-06 10:00", "", 1))
    held = next((quiet.root / ".autobuilds" / "retired" / "BUILD_QUEUE.md").glob("*.held"))
    now = datetime.now(UTC)
    quiet.beat(now)
    assert quiet.recall(now) is not None
    with held.open("a") as displaced:
        displaced.write("\nsaved by an editor that had the file open\n")
    assert quiet.recall(now) is None
    deadline = time.monotonic() + 10
    while "saved by an editor" not in (quiet.root / "BUILD_QUEUE.md").read_text():
        assert time.monotonic() < deadline
        quiet.beat(now)


def test_the_note_ends_before_a_displaced_file_is_let_go(make_quiet) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)).replace(" - Added: 2026-02-06 10:00", "", 1))
    now = datetime.now(UTC)
    quiet.beat(now)
    assert quiet.recall(now) is not None
    assert quiet.recall(now + timedelta(minutes=11)) is None


def test_a_note_of_another_boot_version_or_hand_is_none(make_quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)))
    note = Path(standstill.place(str(quiet.root), "heartbeat-text"))
    whole = note.read_bytes()
    assert quiet.recall(NOON) is not None
    for broken in (whole[:-1], whole + b"x", b"", b"\0" * len(whole), whole.replace(b"autobuilds 0", b"autobuilds 9", 1)):
        note.write_bytes(broken)
        assert quiet.recall(NOON) is None
    note.write_bytes(whole)
    note.chmod(0o666)
    assert quiet.recall(NOON) is None
    note.chmod(0o600)
    assert quiet.recall(NOON) is not None
    with monkeypatch.context() as other:
        other.setattr(standstill, "_BOOT", "/proc/version")
        assert quiet.recall(NOON) is None
    with monkeypatch.context() as other:
        other.setenv("PATH", os.environ["PATH"] + ":/nowhere")
        assert quiet.recall(NOON) is None


def test_other_questions_are_not_answered_at_once(make_quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = make_quiet(queue_of(("Held", "High", HELD)))
    monkeypatch.chdir(quiet.root)
    monkeypatch.setattr(standstill.time, "time", NOON.timestamp)
    assert quick.answer(["heartbeat"]) == "HEARTBEAT_OK\n"
    assert quick.answer(["heartbeat", "--workspace", str(quiet.root)]) == "HEARTBEAT_OK\n"
    for words in (["--check"], ["--monitor"], ["--wait"], ["--patient"], ["--no-commit"], ["--fail", "x"], ["--workspace"], ["--json"]):
        assert quick.answer(["heartbeat", *words]) is None, words
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x")
    assert quick.answer(["heartbeat"]) is None


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        path.write_text(path.read_text().replace(old, new))

    return change


def _write(name: str, content: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)

    return change


def _same_size_and_time(root: Path) -> None:
    path = root / "BUILD_QUEUE.md"
    info = path.stat()
    path.write_text(path.read_text().replace("waits for the vendor", "waits for the sender"))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def _commit(root: Path) -> None:
    git(root, "commit", "-q", "--allow-empty", "-m", "by hand")


def _branch(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "other")
    git(root, "rm", "-q", "BUILD_STATUS.md")
    git(root, "commit", "-q", "-m", "no status")


#: Each changes one input of a heartbeat.
CHANGES: dict[str, Callable[[Path], None]] = {
    "nothing": lambda _root: None,
    "a blocker is gone": _edit("BUILD_QUEUE.md", HELD, ""),
    "the queue at the same size and time": _same_size_and_time,
    "a task without its time": _edit("BUILD_QUEUE.md", " - Added: 2026-02-06 10:00", ""),
    "the queue is gone": lambda root: (root / "BUILD_QUEUE.md").rename(root / "old.md") and None,
    "a setting": _edit("HEARTBEAT.md", "off_hours: 12:30-13:10", "off_hours: 11:00-13:00"),
    "a wrong setting": _edit("HEARTBEAT.md", "agent: command", "agnet: command"),
    "a duty": _edit("HEARTBEAT.md", "# Heartbeat\n", "# Heartbeat\n\n## Now (hourly)\n- `true`\n"),
    "rules": _write("DECISION_FRAMEWORK.md", "# Rules\n"),
    "a page": _write("BUILD_STATUS.md", "mine\n"),
    "a page is gone": lambda root: (root / "BUILD_STATUS.md").unlink(),
    "stop": _write("STOP", ""),
    "a ledger": _write(
        "subagents/active.json", '{"version": 1, "builds": [], "approvals": [], "pause": {"since": "2026-02-06T10:00:00Z"}}'
    ),
    "a template": _write("templates/BUILD_STATUS.md.j2", "own page\n"),
    "an agent": _write("agents.toml", '[agents.mine]\nargv = ["/bin/true"]\n'),
    "a broken agent": _write("agents.toml", "["),
    "a commit": _commit,
    "a branch": _branch,
    "a merge begins": _write(".git/MERGE_HEAD", "0" * 40 + "\n"),
    "a commit waits": _write(".autobuilds/outbox/000000-00000000.json", '{"message": "x", "paths": ["app.py"], "owner": false}'),
    "debris": _write("subagents/.x.99999999-0123abcd.tmp", ""),
    "debris of the queue": _write(".autobuilds/retired/BUILD_QUEUE.md/99999999-0123abcd.tmp", ""),
}


@settings(max_examples=30)
@given(change=st.sampled_from(sorted(CHANGES)), minutes=st.integers(-90, 180), medium=st.booleans())
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_is_given_only_where_a_whole_heartbeat_would_do_nothing(tmp_path_factory, change: str, minutes: int, medium: bool) -> None:
    folder = tmp_path_factory.mktemp("quiet")
    root = folder / "workspace"
    root.mkdir()
    tasks = (("Held", "High", HELD), ("Later", "Medium" if medium else "Low", ""))
    files = {
        "BUILD_QUEUE.md": queue_of(*tasks),
        "HEARTBEAT.md": config_of(),
        "app.py": "",
        ".gitignore": ".autobuilds/\n",
    }
    for name, content in files.items():
        (root / name).write_text(content)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    quiet = Quiet(root)
    for _ in range(2):
        quiet.beat(NOON)
    assert quiet.recall(NOON) is not None
    CHANGES[change](root)
    at = NOON + timedelta(minutes=minutes)
    quick_answer = quiet.recall(at)
    if change == "nothing" and 0 <= minutes < 30:
        assert quick_answer is not None
    if change != "nothing" or minutes < 0 or minutes >= 30:
        assert quick_answer is None
    if quick_answer is None:
        return
    copy = folder / "copy"
    shutil.copytree(root, copy, symlinks=True)
    head = git(copy, "rev-parse", "HEAD")
    pages = {p: p.read_bytes() for p in copy.iterdir() if p.is_file()}
    found = quiet.beat(at, copy)
    assert (found.transitions, found.duties, found.faults, found.changed, found.pending) == ((), (), (), False, ())
    assert text(found) == quick_answer
    assert git(copy, "rev-parse", "HEAD") == head
    assert {p: p.read_bytes() for p in copy.iterdir() if p.is_file()} == pages


def test_whether_an_answer_holds_is_asked_without_reading_every_text(make_repo: Callable[..., Path]) -> None:
    tasks = [(f"Write line {n} of a.txt", "Medium", "") for n in range(60)]
    root = make_repo({"BUILD_QUEUE.md": queue_of(*tasks), "HEARTBEAT.md": config_of(), ".gitignore": ".autobuilds/\n"})
    with clock(NOON):
        context = make_context(root)
        beat(context)
        found = look(context)
        judging.judged_risk.cache_clear()
        assert still(context, found)
        assert list(dues(context, found))
    assert judging.judged_risk.cache_info().misses == 0
