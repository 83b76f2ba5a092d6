"""Bisecting on real Git: the build that broke a check is found, and when none is to blame that is what is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.sandbox import MachineSandbox
from autobuilds.domain.build import Attempt, Build, BuildState, Ledger
from autobuilds.domain.model import Criterion
from autobuilds.domain.sandbox import Tier
from autobuilds.errors import BadInput, NotSo
from autobuilds.runtime.bisecting import Answer, Finding, Search, bisect
from autobuilds.runtime.context import Context
from autobuilds.runtime.named_checks import named_check, passed_at
from autobuilds.wiring import make_context
from tests.conftest import git
from tests.runtime.loop import details, queue

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

Make = Callable[..., Path]
CHECK = "grep -qx good app.txt"


class History:
    """A branch on which builds are merged as the tool does it, and the owner commits in between."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def own(self, text: str, file: str = "app.txt", message: str = "by hand") -> str:
        (self.root / file).write_text(text)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.root, "rev-parse", "HEAD")

    def build(self, label: str, text: str | None = None, message: str | None = None) -> str:
        """Merge a build; with a text it changes app.txt, else a file of its own."""
        git(self.root, "switch", "-q", "-c", f"build/{label}")
        self.own(text or label, "app.txt" if text else f"{label}.txt", f"work of {label}")
        git(self.root, "switch", "-q", "main")
        said = message or f"Merge build {label}: {label}\n\nBuild: {label}\nAttempt: 1"
        git(self.root, "merge", "-q", "--no-ff", "-m", said, f"build/{label}")
        git(self.root, "branch", "-q", "-D", f"build/{label}")
        return git(self.root, "rev-parse", "HEAD")


@pytest.fixture
def history(make_repo: Make) -> History:
    files = {
        "BUILD_QUEUE.md": queue(details("Say hello")),
        "HEARTBEAT.md": "# Heartbeat\n",
        "app.txt": "good\n",
        ".gitignore": ".autobuilds/\n",
    }
    return History(make_repo(files, name="workspace"))


def search(root: Path, command: str = CHECK, **where: str) -> tuple[Answer, list[str]]:
    told: list[str] = []
    criteria = (Criterion(text=command, commands=(command,)),)
    return bisect(make_context(root), Search(criteria=criteria, **where), told.append), told  # type: ignore[arg-type]


def trace(root: Path) -> tuple[str, str, list[str]]:
    """Return everything that a search could leave behind."""
    private = sorted(p.name for p in (root / ".autobuilds").rglob("*")) if (root / ".autobuilds").exists() else []
    return git(root, "for-each-ref"), git(root, "status", "--porcelain", "--ignored"), [n for n in private if n.startswith("bisect-")]


def test_the_build_that_broke_a_check_is_found_and_nothing_is_left_behind(history: History) -> None:
    for n in range(5):
        history.build(f"fine-{n}")
    culprit = history.build("culprit", "bad\n")
    history.own("more", "notes.txt")
    for n in range(5, 9):
        history.build(f"fine-{n}")
    before = trace(history.root)
    answer, told = search(history.root)
    assert (answer.finding, answer.label, answer.culprit and answer.culprit.sha) == (Finding.BUILD, "culprit", culprit)
    assert answer.before == git(history.root, "rev-parse", f"{culprit}^1")
    assert len(answer.runs) <= 9, "two ends, at most four halvings of ten builds, the commit below, and both once more"
    assert len(told) == len(answer.runs) + 1
    after = trace(history.root)
    assert (after[0], after[2]) == (before[0], [])


def test_a_commit_of_the_owners_between_builds_is_not_blamed_on_a_build(history: History) -> None:
    history.build("one")
    history.own("a", "a.txt")
    mine = history.own("bad\n", message="oops")
    history.own("b", "b.txt")
    history.build("two")
    answer, _ = search(history.root)
    assert (answer.finding, answer.label, answer.culprit and answer.culprit.sha) == (Finding.COMMIT, None, mine)


def test_a_merge_on_the_forge_is_known_by_the_ledger(history: History) -> None:
    history.build("one")
    merged = history.build("two", "bad\n", message="Merge pull request #7 from olive/build/two")
    context = make_context(history.root)
    now = context.host.now("UTC")
    attempt = Attempt(number=1, id="two-1", agent="command", started=now, head_commit=git(history.root, "rev-parse", f"{merged}^2"))
    build = Build(label="two", name="Two", state=BuildState.REVIEW, created=now, updated=now, attempts=(attempt,))
    context.workspace.write_ledger(Ledger(builds=(build,)))
    answer, _ = search(history.root)
    assert (answer.finding, answer.label) == (Finding.BUILD, "two")


def test_what_is_not_broken_or_was_always_so_is_said(history: History) -> None:
    history.build("one")
    assert search(history.root)[0].finding is Finding.NOT_BROKEN
    answer, _ = search(history.root, "echo no such thing; exit 3")
    assert (answer.finding, answer.tail) == (Finding.ALREADY_BROKEN, "no such thing\n")


def test_a_check_that_changes_its_mind_finds_nobody(history: History, tmp_path: Path) -> None:
    history.build("one")
    history.build("two")
    # It writes outside of its clone.
    (history.root / "HEARTBEAT.md").write_text("---\nsandbox: none\n---\n")
    count = tmp_path / "count"
    # Fails, passes, fails, then passes when it is asked again.
    flaky = f"echo x >> {count}; case $(wc -l < {count}) in 1|3) false;; esac"
    assert search(history.root, flaky)[0].finding is Finding.FLAKY


def test_where_to_search_is_checked_first(history: History) -> None:
    history.own("x", "x.txt")
    with pytest.raises(NotSo, match="no build was merged"):
        search(history.root)
    with pytest.raises(BadInput, match="there is no commit nowhere"):
        search(history.root, good="nowhere")
    git(history.root, "switch", "-q", "-c", "aside", "HEAD~1")
    history.own("y", "y.txt")
    git(history.root, "switch", "-q", "main")
    with pytest.raises(BadInput, match="not among the first parents"):
        search(history.root, good="aside")
    mine = history.own("bad\n")
    answer, _ = search(history.root, good="HEAD~2")
    assert (answer.finding, answer.culprit and answer.culprit.sha) == (Finding.COMMIT, mine)


def test_a_check_is_named_by_its_task_or_its_text(history: History) -> None:
    context: Context = make_context(history.root)
    found = context.load().snapshot.queue
    ledger = context.workspace.ledger()
    expected = ("grep -qx hello a.txt",)
    assert [c.commands for c in named_check(found, ledger, "say-hello")] == [expected]
    assert [c.commands for c in named_check(found, ledger, "the unit TEST passes")] == [expected]
    with pytest.raises(NotSo, match="no task and no criterion"):
        named_check(found, ledger, "nonsense")


def test_a_check_of_the_search_is_contained_as_those_of_a_build_are(history: History) -> None:
    if not MachineSandbox().probe_one(Tier.BWRAP).works:
        pytest.skip("bubblewrap does not work here")
    history.build("fine")
    history.build("culprit", "bad\n")
    queue_before = (history.root / "BUILD_QUEUE.md").read_text()
    command = f"echo owned >> {history.root}/BUILD_QUEUE.md || true; touch {Path.home()}/planted-by-a-check || true; {CHECK}"
    answer, _ = search(history.root, command)
    assert (answer.finding, answer.label) == (Finding.BUILD, "culprit")
    assert (history.root / "BUILD_QUEUE.md").read_text() == queue_before
    assert not (Path.home() / "planted-by-a-check").exists()


def test_the_checks_of_a_task_are_known_to_pass_where_its_build_was_delivered(history: History) -> None:
    merged = history.build("docs")
    now = make_context(history.root).host.now("UTC")
    done = Build(label="docs", name="Docs", state=BuildState.COMPLETED, created=now, updated=now, delivered_commit=merged)
    assert passed_at(Ledger(builds=(done,)), "Docs") == merged
    assert passed_at(Ledger(), "docs") is None
    history.build("other")
    broke = history.own("bad\n", file="docs.txt")
    answer, _ = search(history.root, "grep -qx docs docs.txt", good=merged)
    assert answer.finding is Finding.COMMIT
    assert answer.culprit is not None and answer.culprit.sha == broke
