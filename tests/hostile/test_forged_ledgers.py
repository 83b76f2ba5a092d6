"""An approval in the ledger counts only with the owner's own proof, and a typed one only where a build could not have typed it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.adapters.proofs import STATE, KeyedProofs
from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import Approval, Ledger
from autobuilds.domain.model import Task
from autobuilds.store.history import message
from autobuilds.store.ledger import read_ledger, write_ledger
from autobuilds.store.queue.reader import read_queue
from tests.cli.conftest import Desk
from tests.conftest import git
from tests.hostile.test_forged_approvals import MALLORY, YES, answer, committed, put, queue

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

NOW = datetime(2026, 2, 6, 15, tzinfo=UTC)
OLIVE = ("-c", "user.name=Olive Owner", "-c", "user.email=olive@example.org")
LABEL = "post-the-news"
Forgery = Callable[[Desk], None]


def state() -> Path:
    return Path(os.environ["HOME"]) / STATE


def ledger_of(desk: Desk) -> Path:
    return desk.root / "subagents" / "active.json"


def task_of(desk: Desk, label: str = LABEL) -> Task:
    found = read_queue((desk.root / "BUILD_QUEUE.md").read_bytes(), zone=UTC).queue.find(label)
    assert found is not None
    return found


def entry(desk: Desk, **changes: str) -> Approval:
    approval = Approval(label=LABEL, fingerprint=fingerprint(task_of(desk)), by="olive@example.org", at=NOW)
    return replace(approval, **changes)  # type: ignore[arg-type]


def write(desk: Desk, *approvals: Approval) -> None:
    write_ledger(ledger_of(desk), replace(read_ledger(ledger_of(desk)) or Ledger(), approvals=approvals))


def kept(desk: Desk) -> Path:
    return KeyedProofs(root=desk.root, folder=state())._file


def approved(desk: Desk) -> Approval:
    """Have the owner approve, and return what the ledger says of it."""
    assert desk.type("approve", LABEL).status == 0
    found = (read_ledger(ledger_of(desk)) or Ledger()).approval(LABEL)
    assert found is not None
    assert answer(desk) == "go: approved"
    return found


def save(desk: Desk, *who: str) -> None:
    git(desk.root, "add", "-A")
    git(desk.root, *who, "commit", "-qm", "x")


# Each forgery leaves a queue in which the task says yes and a ledger that approves it.


def written_by_a_build(desk: Desk) -> None:
    put(desk, queue(YES))
    write(desk, entry(desk))


def typed_by_hand_it_says(desk: Desk) -> None:
    put(desk, queue(YES))
    write(desk, entry(desk, how="hand", by="owner"))


def committed_by_another_author(desk: Desk) -> None:
    written_by_a_build(desk)
    save(desk, *MALLORY)


def committed_in_the_owners_name(desk: Desk) -> None:
    written_by_a_build(desk)
    save(desk, *OLIVE)


def committed_in_the_tools_name(desk: Desk) -> None:
    written_by_a_build(desk)
    save(desk, "-c", "user.name=autobuilds", "-c", "user.email=autobuilds@localhost")


def brought_by_a_merge(desk: Desk) -> None:
    git(desk.root, "switch", "-qc", "feature")
    committed_by_another_author(desk)
    git(desk.root, "switch", "-q", "main")
    git(desk.root, "merge", "-q", "--no-ff", "--no-edit", "feature")


def rebuilt_from_a_trailer(desk: Desk) -> None:
    put(desk, queue(YES))
    said = message("approved", LABEL, None, "approved by olive@example.org", approval=entry(desk))
    git(desk.root, *OLIVE, "commit", "-qam", said)
    assert desk.type("fsck", "--rebuild").status == 0
    assert (read_ledger(ledger_of(desk)) or Ledger()).approval(LABEL) is not None


def linked_ledger(desk: Desk) -> None:
    written_by_a_build(desk)
    ledger_of(desk).rename(desk.root / "notes.json")
    ledger_of(desk).symlink_to("../notes.json")


def lapsed_made_good(desk: Desk) -> None:
    real = approved(desk)
    put(desk, desk.queue.replace("hello", "everything to the customers"))
    write(desk, replace(real, fingerprint=fingerprint(task_of(desk))))


def another_time(desk: Desk) -> None:
    write(desk, replace(approved(desk), at=datetime(2099, 1, 1, tzinfo=UTC)))


def another_author(desk: Desk) -> None:
    write(desk, replace(approved(desk), by="boss@example.org"))


def another_way(desk: Desk) -> None:
    write(desk, replace(approved(desk), how="hand"))


def forged_before_the_real_one(desk: Desk) -> None:
    real = approved(desk)
    put(desk, desk.queue.replace("hello", "everything to the customers"))
    write(desk, replace(real, fingerprint=fingerprint(task_of(desk))), real)


def mac_of_another_label(desk: Desk) -> None:
    put(desk, queue().replace("## Task Details", "- [ ] Other - Added: 2026-02-06 15:00\n\n## Task Details", 1))
    assert desk.type("approve", "other").status == 0
    put(desk, desk.queue.replace("- **Category:**", f"{YES}- **Category:**", 1))
    write(desk, entry(desk))
    proofs = json.loads(kept(desk).read_text())
    proofs["approvals"][LABEL] = proofs["approvals"]["other"]
    kept(desk).write_text(json.dumps(proofs))


def mac_of_another_text(desk: Desk) -> None:
    real = approved(desk)
    put(desk, desk.queue.replace("hello", "everything to the customers"))
    write(desk, replace(real, fingerprint=fingerprint(task_of(desk))))


def mac_of_another_workspace(desk: Desk) -> None:
    real = approved(desk)
    elsewhere = KeyedProofs(root=desk.root.parent / "elsewhere", folder=state())
    elsewhere.give(real)
    proofs = json.loads(elsewhere._file.read_text())
    kept(desk).write_text(json.dumps({**proofs, "workspace": str(desk.root)}))


def mac_with_a_guessed_key(desk: Desk) -> None:
    put(desk, queue(YES))
    write(desk, entry(desk))
    planted = KeyedProofs(root=desk.root, folder=desk.root.parent / "planted")
    planted.give(entry(desk))
    KeyedProofs(root=desk.root, folder=state()).give(entry(desk, label="another"))
    kept(desk).write_bytes(planted._file.read_bytes())


def no_mac(desk: Desk) -> None:
    approved(desk)
    kept(desk).unlink()


def empty_mac(desk: Desk) -> None:
    approved(desk)
    kept(desk).write_text(json.dumps({"workspace": str(desk.root), "approvals": {LABEL: ""}, "doubted": []}))


def odd_proofs(desk: Desk) -> None:
    approved(desk)
    kept(desk).write_text(json.dumps({"workspace": str(desk.root), "approvals": {LABEL: True}, "doubted": 1}))


def lost_key(desk: Desk) -> None:
    approved(desk)
    (state() / "key").unlink()


def key_of_ones_own(desk: Desk) -> None:
    approved(desk)
    (state() / "key").write_text("00" * 32 + "\n")


def linked_key(desk: Desk) -> None:
    approved(desk)
    (state() / "key").rename(desk.root / "key")
    (state() / "key").symlink_to(desk.root / "key")


def key_that_others_can_read(desk: Desk) -> None:
    approved(desk)
    (state() / "key").chmod(0o644)


def key_with_a_second_name(desk: Desk) -> None:
    approved(desk)
    (desk.root / "key").hardlink_to(state() / "key")


def proofs_that_others_can_write(desk: Desk) -> None:
    approved(desk)
    kept(desk).chmod(0o666)


def folder_that_others_can_write(desk: Desk) -> None:
    approved(desk)
    state().chmod(0o777)


def withdrawn_and_put_back(desk: Desk) -> None:
    real = approved(desk)
    before = desk.queue
    put(desk, "\n".join(row for row in before.split("\n") if "Approved" not in row))
    assert desk.type("heartbeat").status == 0
    assert (read_ledger(ledger_of(desk)) or Ledger()).approvals == ()
    put(desk, before)
    write(desk, real)


def taken_back_in_git(desk: Desk) -> None:
    approved(desk)
    old = git(desk.root, "rev-parse", "HEAD")
    put(desk, "\n".join(row for row in desk.queue.split("\n") if "Approved" not in row))
    assert desk.type("heartbeat").status == 0
    git(desk.root, "checkout", "-q", old, "--", "BUILD_QUEUE.md", "subagents/active.json")


def earlier_text_put_back(desk: Desk) -> None:
    first = approved(desk)
    before = desk.queue
    put(desk, before.replace("hello", "goodbye"))
    approved(desk)
    put(desk, before)
    write(desk, first)


def copied_folder(desk: Desk) -> None:
    approved(desk)
    git(desk.root.parent, "clone", "-q", str(desk.root), "copy")
    for name in ("BUILD_QUEUE.md", "subagents/active.json"):
        assert (desk.root.parent / "copy" / name).read_bytes() == (desk.root / name).read_bytes()
    os.chdir(desk.root.parent / "copy")


FORGERIES: list[Forgery] = [
    written_by_a_build,
    typed_by_hand_it_says,
    committed_by_another_author,
    committed_in_the_owners_name,
    committed_in_the_tools_name,
    brought_by_a_merge,
    rebuilt_from_a_trailer,
    linked_ledger,
    lapsed_made_good,
    another_time,
    another_author,
    another_way,
    forged_before_the_real_one,
    mac_of_another_label,
    mac_of_another_text,
    mac_of_another_workspace,
    mac_with_a_guessed_key,
    no_mac,
    empty_mac,
    odd_proofs,
    lost_key,
    key_of_ones_own,
    linked_key,
    key_that_others_can_read,
    key_with_a_second_name,
    proofs_that_others_can_write,
    folder_that_others_can_write,
    withdrawn_and_put_back,
    taken_back_in_git,
    earlier_text_put_back,
    copied_folder,
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.__name__)
def test_no_forged_ledger_approves(desk: Desk, monkeypatch: pytest.MonkeyPatch, forgery: Forgery) -> None:
    committed(desk, queue())
    monkeypatch.chdir(desk.root)
    forgery(desk)
    said = answer(desk)
    assert said.startswith("ask: "), said
    assert "confirm it" in said or "lapsed" in said, said


def test_there_are_at_least_thirty_forgeries() -> None:
    assert len(set(FORGERIES)) >= 30


@pytest.mark.parametrize("forgery", [written_by_a_build, lost_key, copied_folder, rebuilt_from_a_trailer])
def test_one_command_confirms_an_approval(desk: Desk, monkeypatch: pytest.MonkeyPatch, forgery: Forgery) -> None:
    committed(desk, queue())
    monkeypatch.chdir(desk.root)
    forgery(desk)
    assert desk.type("approve", LABEL).status == 0
    assert answer(desk) == "go: approved"


def test_a_key_that_cannot_be_trusted_is_named_and_nothing_is_approved(desk: Desk) -> None:
    committed(desk, queue())
    approved(desk)
    (state() / "key").chmod(0o640)
    put(desk, desk.queue.replace("hello", "goodbye"))
    said = desk.type("approve", LABEL)
    assert said.status == 2
    assert f"{state() / 'key'} is open to other users (mode 640)" in said.err and "rm " in said.err
    assert answer(desk).startswith("ask")


def test_the_rebuilt_ledger_is_the_one_that_it_replaces(desk: Desk) -> None:
    committed(desk, queue())
    approved(desk)
    before = ledger_of(desk).read_bytes()
    ledger_of(desk).unlink()
    assert desk.type("fsck", "--rebuild").status == 0
    assert ledger_of(desk).read_bytes() == before
    assert answer(desk) == "go: approved"


def test_an_approval_typed_by_hand_is_proven_by_the_next_heartbeat(desk: Desk) -> None:
    committed(desk, queue())
    put(desk, queue(YES))
    assert desk.type("heartbeat", "--monitor").status == 0
    found = (read_ledger(ledger_of(desk)) or Ledger()).approval(LABEL)
    assert found is not None and found.how == "hand"
    assert answer(desk) == "go: approved"
    write(desk, replace(found, by="olive"))
    assert answer(desk).startswith("ask")


# What other authors do to the history that the author of a line is read from.


def test_a_mailmap_gives_nobody_the_owners_name(desk: Desk) -> None:
    committed(desk, queue())
    (desk.root / ".mailmap").write_text("Olive Owner <olive@example.org> <mallory@example.org>\n")
    git(desk.root, "add", ".mailmap")
    committed(desk, queue(YES), *MALLORY)
    assert answer(desk).startswith("ask")


@pytest.mark.parametrize("name", ["olive@example.org", "Olive Owner <olive@example.org", "x\tolive@example.org"])
def test_a_name_is_no_address(desk: Desk, name: str) -> None:
    committed(desk, queue())
    committed(desk, queue(YES), "-c", f"user.name={name}", "-c", "user.email=mallory@example.org")
    assert answer(desk).startswith("ask")


def test_a_committer_is_no_author(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(desk, queue())
    put(desk, queue(YES))
    git(desk.root, *OLIVE, "commit", "-qam", "x\n\nCo-authored-by: Olive <olive@example.org>", "--author=M <mallory@example.org>")
    assert answer(desk).startswith("ask")


def test_revisions_to_be_ignored_are_not(desk: Desk) -> None:
    committed(desk, queue("- **Approved:** no\n"))
    committed(desk, queue(YES), *MALLORY)
    (desk.root / ".ignore-revs").write_text(git(desk.root, "rev-parse", "HEAD") + "\n")
    git(desk.root, "config", "blame.ignoreRevsFile", ".ignore-revs")
    assert answer(desk).startswith("ask")


def test_where_the_history_is_cut_off_nobody_approved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(desk, queue())
    committed(desk, queue(YES), *MALLORY)
    (desk.root / "other.txt").write_text("1\n")
    save(desk, *OLIVE)
    git(desk.root.parent, "clone", "-q", "--depth=1", f"file://{desk.root}", "shallow")
    monkeypatch.chdir(desk.root.parent / "shallow")
    assert answer(desk).startswith("ask")


def test_a_file_renamed_into_the_queue_approves_nothing(desk: Desk) -> None:
    (desk.root / "example.md").write_text(queue(YES))
    git(desk.root, "add", "example.md")
    committed(desk, queue())
    git(desk.root, "mv", "-f", "example.md", "BUILD_QUEUE.md")
    git(desk.root, *MALLORY, "commit", "-qm", "renamed")
    assert answer(desk).startswith("ask")


@pytest.mark.parametrize("where", ["../outside.md", "inside.md"])
def test_a_queue_that_is_made_a_link_approves_nothing(desk: Desk, where: str) -> None:
    committed(desk, queue())
    (desk.root / where).write_text(queue(YES))
    (desk.root / "BUILD_QUEUE.md").unlink()
    (desk.root / "BUILD_QUEUE.md").symlink_to(where)
    save(desk, *MALLORY)
    assert answer(desk).startswith("ask")
    assert desk.type("heartbeat", "--monitor").status == 0
    assert answer(desk).startswith("ask")


@pytest.mark.parametrize("attribute", ["filter=lfs", "working-tree-encoding=IBM037", "ident"])
def test_what_a_filter_shows_on_disk_approves_nothing(desk: Desk, attribute: str) -> None:
    """The committed text differs from the file on disk without anybody having typed."""
    committed(desk, queue())
    (desk.root / ".gitattributes").write_text(f"*.md {attribute}\n")
    save(desk, *MALLORY)
    put(desk, queue(YES))
    assert answer(desk).startswith("ask")
    assert desk.type("heartbeat", "--monitor").status == 0
    assert answer(desk).startswith("ask")


def test_an_empty_ledger_needs_no_key(desk: Desk) -> None:
    assert KeyedProofs(root=desk.root, folder=state()).proven(Ledger().approvals) == frozenset()
    assert desk.type("heartbeat", "--check").status == 0
    assert not (state() / "key").exists()
