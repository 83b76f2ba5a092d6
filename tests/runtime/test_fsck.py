"""fsck: what does not agree is found, and the ledger can be made again from the history."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autobuilds.adapters.git import GitRepo
from autobuilds.domain.build import Approval, Build, BuildState, Ledger, Pause
from autobuilds.domain.problem import Severity
from autobuilds.errors import BadInput, NewerLedger
from autobuilds.runtime import fsck
from autobuilds.runtime.context import Context
from autobuilds.store import history
from autobuilds.store.files.vault import Vault
from autobuilds.store.ledger import archive, dumps, write_archive
from autobuilds.store.workspace import LEDGER, Workspace
from tests.conftest import git
from tests.store.ledgers import NOW, attempt, build, builds

Make = Callable[..., Path]
QUEUE_FILE = "BUILD_QUEUE.md"
QUEUE = "# Build Queue\n\n## Active Queue\n- [ ] X - Added: 2026-02-06 15:00 - Priority: High\n\n## Completed\n"


class Host:
    def now(self, zone: str | None) -> datetime:
        return NOW


class Proofs:
    """Proves every approval but those of the labels in `not_for`."""

    def __init__(self) -> None:
        self.not_for: set[str] = set()

    def proven(self, approvals: Sequence[Approval]) -> frozenset[str]:
        return frozenset(a.label for a in approvals) - self.not_for


class Locks:
    """A survey that finds these lock files."""

    def __init__(self, *found: tuple[Path, float]) -> None:
        self.found = found

    def locks(self, root: Path) -> tuple[tuple[Path, float], ...]:
        return self.found


def context(root: Path) -> Context:
    nothing = cast("Any", None)
    return Context(
        workspace=Workspace(root, lambda: UTC),
        runner=nothing,
        checker=nothing,
        agents=nothing,
        host=cast("Any", Host()),
        proofs=cast("Any", Proofs()),
        sandbox=nothing,
        forge=nothing,
        calendar=nothing,
        open_repo=GitRepo,
    )


@pytest.fixture
def bench(make_repo: Make) -> Context:
    root = make_repo({"BUILD_QUEUE.md": QUEUE, ".gitignore": ".autobuilds/\n"})
    return context(root)


def record(bench: Context, after: Ledger, **what: Any) -> Ledger:
    """Write the ledger and commit it as one transition."""
    bench.workspace.write_ledger(after)
    label = what.get("label", "x")
    message = history.message("start", label, 1, "something happened", **{k: v for k, v in what.items() if k != "label"})
    assert bench.repo.commit([LEDGER], message) is not None
    return after


def lived(bench: Context) -> Ledger:
    """Record a life: two builds, an approval given and taken, a pause ended."""
    base = bench.repo.head().commit
    (bench.workspace.private / "runs" / "x-2").mkdir(parents=True)
    first = build("x", attempts=(attempt("x", base_commit=base),))
    ledger = record(bench, Ledger().with_build(first), record=first)
    other = build("y", state=BuildState.COMPLETED, reason="done")
    ledger = record(bench, ledger.with_build(other), record=other, label="y")
    approval = Approval(label="x", fingerprint="f", by="olive", at=NOW)
    ledger = record(bench, ledger.with_approval(approval), approval=approval)
    ledger = record(bench, ledger.without_approval("x").with_approval(replace(approval, label="z")), revoked="x")
    ledger = record(bench, ledger, approval=replace(approval, label="z"), label="z")
    pause = Pause(since=NOW)
    ledger = record(bench, replace(ledger, pause=pause), pause=pause)
    ledger = record(bench, replace(ledger, pause=None), resumed=True)
    second = replace(first, updated=NOW + timedelta(hours=1), attempts=(*first.attempts, attempt("x", 2, base_commit=base)))
    return record(bench, ledger.with_build(second), record=second)


def kinds(bench: Context) -> list[str]:
    return [finding.kind for finding in fsck.check(bench)]


def test_a_sound_workspace_has_no_findings(bench: Context) -> None:
    assert kinds(bench) == []
    lived(bench)
    assert kinds(bench) == []


@pytest.mark.parametrize("damage", ["corrupt", "missing", "older"])
def test_the_ledger_is_made_again_equal_to_the_one_it_replaces(bench: Context, damage: str) -> None:
    ledger = lived(bench)
    path = bench.workspace.path(LEDGER)
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"corrupt": whole[:100], "older": dumps(Ledger())}[damage])
    assert kinds(bench) != []
    made = fsck.rebuild(bench)
    assert made.ledger == ledger == bench.workspace.ledger()
    assert made.problems == ()
    assert path.read_bytes() == whole
    kept = [p.name for p in (bench.workspace.private / "replaced").glob("*")]
    assert kept == {"missing": [], "older": ["active-1.before"]}.get(damage, ["active-1.corrupt"])
    assert made.kept == (bench.workspace.private / "replaced" / kept[0] if kept else None)
    assert kinds(bench) == []


def test_a_ledger_of_a_newer_version_is_not_made_again(bench: Context) -> None:
    lived(bench)
    path = bench.workspace.path(LEDGER)
    path.write_bytes(b'{"version": 99}')
    (found,) = [f for f in fsck.check(bench) if f.kind == "corrupt-ledger"]
    assert "rebuild" not in found.message + found.fix and "pdate autobuilds" in found.message
    with pytest.raises(NewerLedger):
        fsck.rebuild(bench)
    assert path.read_bytes() == b'{"version": 99}'


@pytest.mark.parametrize("what", ["pipe", "folder", "link", "linked folder", "file for a folder"])
def test_a_rebuild_writes_in_the_workspace_alone(bench: Context, tmp_path: Path, what: str) -> None:
    """A pipe would be waited for for ever, a link would be written through."""
    lived(bench)
    path, outside = bench.workspace.path(LEDGER), tmp_path / "outside"
    outside.mkdir()
    (outside / "active.json").write_text("mine")
    path.unlink()
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to(outside / "active.json")
    else:
        path.parent.rmdir()
        path.parent.symlink_to(outside) if what == "linked folder" else path.parent.write_text("")
    with pytest.raises(BadInput, match=r"(remove|Remove) (what stands there|the link)"):
        fsck.rebuild(bench)
    assert (outside / "active.json").read_text() == "mine"
    assert list(outside.iterdir()) == [outside / "active.json"]
    assert any(f.severity is Severity.ERROR for f in fsck.check(bench))


def test_a_rebuild_that_changes_nothing_writes_nothing(bench: Context) -> None:
    lived(bench)
    before = bench.repo.head().commit
    fsck.rebuild(bench)
    assert bench.repo.head().commit == before


def test_archived_builds_do_not_come_back(bench: Context) -> None:
    ledger = lived(bench)
    left, years = archive(ledger, NOW + timedelta(days=31))
    write_archive(bench.workspace.path(LEDGER).parent, years)
    bench.workspace.write_ledger(left)
    assert [b.label for b in left.builds] == ["x"]
    assert fsck.rebuild(bench).ledger == left


def test_transitions_that_git_could_not_take_yet_count(bench: Context) -> None:
    ledger = lived(bench)
    late = build("late")
    outbox = bench.workspace.private / "outbox"
    outbox.mkdir()
    message = history.message("start", "late", 1, "x", record=late)
    (outbox / "000000-aa.json").write_text(json.dumps({"message": message, "paths": [LEDGER], "owner": False}))
    assert fsck.from_history(bench).ledger == ledger.with_build(late)
    assert "uncommitted" in kinds(bench)


def test_without_a_history_nothing_is_touched(bench: Context) -> None:
    path = bench.workspace.path(LEDGER)
    path.parent.mkdir()
    path.write_text("{broken")
    with pytest.raises(BadInput, match="no transition"):
        fsck.rebuild(bench)
    assert path.read_text() == "{broken"


def test_a_history_that_is_cut_off_takes_no_build_away(bench: Context, tmp_path: Path) -> None:
    ledger = lived(bench)
    root = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{bench.workspace.root}", str(root))
    here = context(root)
    assert here.workspace.ledger() == ledger
    (found,) = [finding for finding in fsck.check(here) if finding.kind == "history"]
    assert (found.severity, found.fix) == (Severity.WARNING, "`git fetch --unshallow`")
    with pytest.raises(BadInput, match="git fetch --unshallow"):
        fsck.rebuild(here)
    assert here.workspace.ledger() == ledger
    git(root, "fetch", "-q", "--unshallow")
    assert fsck.rebuild(here).ledger == ledger


def test_messages_of_a_build_do_not_count(bench: Context, tmp_path: Path) -> None:
    """A build that writes transitions into its own commits, delivered by the tool, changes no ledger."""
    ledger = lived(bench)
    root = bench.workspace.root
    base = bench.repo.head().commit
    assert base is not None
    bench.repo.clone(tmp_path / "clone", base, "build/x")
    forged = Approval(label="x", fingerprint="evil", by="olive", at=NOW)
    message = history.message("approved", "x", None, "forged", approval=forged, record=build("x", state=BuildState.COMPLETED))
    git(tmp_path / "clone", "commit", "-q", "--allow-empty", "-m", message)
    work = git(tmp_path / "clone", "rev-parse", "HEAD")
    bench.repo.adopt(tmp_path / "clone", work, "build/x")
    bench.repo.deliver(bench.repo.merge("main", work, tmp_path / "scratch", "X\n\nBuild: x\nAttempt: 1\n"), "main")
    assert "forged" in git(root, "log", "--format=%s")
    assert fsck.from_history(bench).ledger == ledger


def test_an_unreadable_transition_is_said_and_skipped(bench: Context) -> None:
    ledger = lived(bench)
    bench.repo.commit([LEDGER], "autobuilds(x): odd\n\nBuild: x\nEvent: start\nRecord: {}\n")
    made = fsck.from_history(bench)
    assert made.ledger == ledger and len(made.problems) == 1
    assert kinds(bench) == ["history"]


def test_every_kind_of_disagreement_is_found(bench: Context) -> None:
    base = bench.repo.head().commit
    head = "1" * 40
    ledger = Ledger(
        builds=(
            build("no-task", attempts=(attempt("no-task", base_commit=base),)),
            build("x", state=BuildState.REVIEW, attempts=(attempt("x", branch="build/x", head_commit=head, base_commit=head),)),
            build("away", state=BuildState.COMPLETED, attempts=(attempt("away", repository="../away"),)),
        )
    )
    bench.workspace.write_ledger(ledger)
    private = bench.workspace.private
    for folder in ("runs/stray-1", "runs/x-1", "clones/away-1", "clones/x-1", "clones/z.making"):
        (private / folder).mkdir(parents=True)
    (bench.workspace.root / ".BUILD_QUEUE.md.999999999-0123abcd.tmp").write_text("half")
    (bench.workspace.root / ".notes.tmp").write_text("the owner's")
    found = fsck.check(bench)
    assert {f.kind for f in found} == {
        "no-task",
        "no-run",
        "open-task",
        "no-branch",
        "no-commit",
        "no-repository",
        "stray-run",
        "left-clone",
        "debris",
        "uncommitted",
    }
    assert found[0].kind == "no-branch" and "git branch build/x" in found[0].fix
    said = "\n".join(f.message for f in found)
    assert "away-1" in said and "stray-1" in said and "x-1" not in said.replace("away-1", "") and "notes" not in said


def test_what_was_replaced_is_never_replaced_itself(bench: Context) -> None:
    lived(bench)
    path, folder = bench.workspace.path(LEDGER), bench.workspace.private / "replaced"
    for number in range(3):
        path.write_text(f"{{{number}")
        fsck.rebuild(bench)
    (folder / "active-1.corrupt").unlink()
    path.write_text("{3")
    fsck.rebuild(bench)
    assert sorted(p.read_text() for p in folder.iterdir()) == ["{1", "{2", "{3"]


def sound(bench: Context) -> Ledger:
    """Return a recorded ledger with nothing wrong: one build in review with its branch."""
    base = bench.repo.head().commit
    assert base is not None
    git(bench.workspace.root, "branch", "build/y", base)
    done = build("y", state=BuildState.REVIEW, attempts=(attempt("y", branch="build/y", base_commit=base, head_commit=base, ended=NOW),))
    bench.workspace.path(QUEUE_FILE).write_text(
        QUEUE + "- [x] Y - Added: 2026-02-06 15:00 - Priority: High - Completed: 2026-03-08 23:00\n"
    )
    git(bench.workspace.root, "commit", "-qam", "done")
    ledger = record(bench, Ledger().with_build(done), record=done, label="y")
    assert kinds(bench) == []
    return ledger


def lose_the_task(bench: Context) -> None:
    bench.workspace.path(QUEUE_FILE).write_text(QUEUE)


def lose_the_build(bench: Context) -> None:
    bench.workspace.write_ledger(Ledger())


def open_the_task(bench: Context) -> None:
    path = bench.workspace.path(QUEUE_FILE)
    path.write_text(QUEUE.replace("- [ ] X", "- [ ] Y"))


def lose_the_branch(bench: Context) -> None:
    git(bench.workspace.root, "branch", "-D", "build/y")


def leave_a_run(bench: Context) -> None:
    (bench.workspace.private / "runs" / "nobodys-1").mkdir(parents=True)


def tear_the_ledger(bench: Context) -> None:
    path = bench.workspace.path(LEDGER)
    path.write_bytes(path.read_bytes()[:-20])


def edit_the_ledger(bench: Context) -> None:
    path = bench.workspace.path(LEDGER)
    path.write_bytes(path.read_bytes().replace(b'"fresh": false', b'"fresh":  true'))


def damage_a_copy(bench: Context) -> None:
    name = Vault(bench.workspace.private, QUEUE_FILE).keep(b"what stood there")
    (bench.workspace.private / "retired" / QUEUE_FILE / f"{name}.text").write_bytes(b"what stands there")


def forge_an_approval(bench: Context) -> None:
    cast("Any", bench.proofs).not_for = {"x"}
    bench.workspace.write_ledger(bench.workspace.ledger().with_approval(Approval(label="x", fingerprint="f", by="mallory", at=NOW)))


def build_it_twice(bench: Context) -> None:
    twice = [build("x", created=NOW + timedelta(hours=n), attempts=(attempt("x", n),)) for n in (1, 2)]
    for number in (1, 2):
        (bench.workspace.private / "runs" / f"x-{number}").mkdir(parents=True)
    bench.workspace.write_ledger(replace(bench.workspace.ledger(), builds=(*bench.workspace.ledger().builds, *twice)))


def leave_the_outbox(bench: Context) -> None:
    outbox = bench.workspace.private / "outbox"
    outbox.mkdir()
    (outbox / "000000-aa.json").write_text(json.dumps({"message": "autobuilds: x\n\nEvent: status\n", "paths": [], "owner": False}))


def tear_the_outbox(bench: Context) -> None:
    (bench.workspace.private / "outbox").mkdir()
    (bench.workspace.private / "outbox" / "000000-aa.json").write_text('{"mess')


@pytest.mark.parametrize(
    ("damage", "kind", "fix"),
    [
        (lose_the_task, "no-task", "autobuilds cancel y"),
        (lose_the_build, "no-build", "autobuilds fsck --rebuild"),
        (open_the_task, "open-task", "autobuilds reopen y"),
        (lose_the_branch, "no-branch", "git branch build/y"),
        (leave_a_run, "stray-run", "remove the folder"),
        (tear_the_ledger, "corrupt-ledger", "autobuilds fsck --rebuild"),
        (edit_the_ledger, "edited-ledger", "git checkout -- subagents/active.json"),
        (edit_the_ledger, "history", "autobuilds fsck --rebuild"),
        (damage_a_copy, "checksum", "remove the file"),
        (forge_an_approval, "unproven-approval", "autobuilds approve x"),
        (forge_an_approval, "history", "autobuilds fsck --rebuild"),
        (build_it_twice, "two-active", "autobuilds stop x"),
        (leave_the_outbox, "uncommitted", "autobuilds heartbeat"),
        (tear_the_outbox, "outbox", "rm "),
    ],
)
def test_each_damage_is_found_with_what_mends_it(bench: Context, damage: Callable[[Context], None], kind: str, fix: str) -> None:
    sound(bench)
    damage(bench)
    found = [f for f in fsck.check(bench) if f.kind == kind]
    assert len(found) == 1 and fix in found[0].fix, fsck.check(bench)
    assert len(found[0].message) > 20 and "\n" not in found[0].message


def test_lock_files_that_stay_are_found(bench: Context) -> None:
    old, new = bench.workspace.root / ".git/index.lock", bench.workspace.root / ".git/HEAD.lock"
    (found,) = fsck.check(bench, cast("Any", Locks((old, 3600.0), (new, 0.1))))
    assert found.kind == "git-lock" and str(old) in found.message and found.fix.startswith(f"rm {old}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.sampled_from(["a", "b", "c"]).flatmap(builds), max_size=12))
def test_any_life_replays_to_its_ledger(life: list[Build]) -> None:
    ledger = Ledger()
    messages = []
    for number, record_ in enumerate(life):
        ledger = ledger.with_build(record_)
        messages.append((str(number), history.trailers(history.message("start", record_.label, 1, "x", record=record_))))
    assert fsck.replay(messages).ledger == ledger
