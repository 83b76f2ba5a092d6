"""Packed objects read without Git, held against what Git says of them."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from autobuilds.adapters.git.objects import Objects
from autobuilds.adapters.git.packs import Packs
from autobuilds.adapters.git.process import Git
from tests.conftest import git

Make = Callable[..., Path]


def _grown(make_repo: Make) -> tuple[Path, dict[str, tuple[str, bytes]]]:
    """Return a repository with a file of nine versions in one pack, and all objects as Git gives them."""
    pick = Random(11)
    lines = [f"line {n} {pick.random()}\n" for n in range(800)]
    root = make_repo({"list.txt": "".join(lines)})
    for n in range(8):
        lines[pick.randrange(len(lines))] = f"changed {n}\n"
        lines.insert(pick.randrange(len(lines)), "x" * pick.randrange(30_000) + "\n")
        (root / "list.txt").write_text("".join(lines))
        git(root, "commit", "-q", "-a", "-m", f"Change {n}")
    git(root, "tag", "-a", "-m", "A tag", "one")
    found = {}
    for row in git(root, "cat-file", "--batch-all-objects", "--batch-check").split("\n"):
        oid, kind, _ = row.split()
        done = subprocess.run(["git", "cat-file", kind, oid], cwd=root, capture_output=True, check=True)
        found[oid] = kind, done.stdout
    return root, found


def _packs(root: Path) -> Packs:
    folder = root / ".git" / "objects"
    return Packs(folder, 20, Objects(Git(root), folder).oid)


@pytest.mark.parametrize("options", [(), ("--no-delta-base-offset",), ("--depth=1",)], ids=["offsets", "ids", "shallow"])
def test_every_packed_object_is_as_git_gives_it(make_repo: Make, options: tuple[str, ...]) -> None:
    root, expected = _grown(make_repo)
    if options == ("--no-delta-base-offset",):
        git(root, "config", "repack.useDeltaBaseOffset", "false")
        options = ()
    git(root, "repack", "-q", "-a", "-d", "-f", *options)
    git(root, "prune-packed")
    packs = _packs(root)
    assert {oid: packs.read(oid) for oid in expected} == expected
    assert packs.read("0" * 40) is None


def test_a_damaged_pack_is_left_to_git(make_repo: Make) -> None:
    root, expected = _grown(make_repo)
    git(root, "repack", "-q", "-a", "-d", "-f")
    (pack,) = (root / ".git" / "objects" / "pack").glob("*.pack")
    pack.chmod(0o644)
    whole = pack.read_bytes()
    pick = Random(3)
    for _ in range(15):
        at = pick.randrange(12, len(whole) - 20)
        pack.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << pick.randrange(8)]) + whole[at + 1 :])
        packs = _packs(root)
        assert all(packs.read(oid) in (None, expected[oid]) for oid in expected)
    pack.write_bytes(whole[:1000])
    packs = _packs(root)
    assert all(packs.read(oid) in (None, expected[oid]) for oid in expected)
    for index in pack.parent.glob("*.idx"):
        index.chmod(0o644)
        index.write_bytes(index.read_bytes()[:200])
    assert all(_packs(root).read(oid) is None for oid in expected)


def test_packed_and_borrowed_objects_are_read_without_a_process(make_repo: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root, other = make_repo({"a.txt": "a\n"}), make_repo({"b.txt": "b\n"}, name="other")
    for repository in (root, other):
        git(repository, "gc", "-q")
    monkeypatch.setattr(Objects, "_ask", lambda _, oid: pytest.fail(f"Git was asked for {oid}"))
    with Objects(Git(root), root / ".git" / "objects", borrowed=[other / ".git" / "objects"]) as objects:
        for repository in (root, other):
            commit = git(repository, "rev-parse", "HEAD")
            assert objects.tree_of(commit) == git(repository, "rev-parse", "HEAD^{tree}")


def test_a_long_chain_of_deltas_by_id_is_followed(make_repo: Make) -> None:
    root = make_repo()
    count, last, rows = 1500, b"%08d" % 0, [b"\x38" + zlib.compress(b"%08d" % 0)]
    for number in range(1, count):
        base = hashlib.sha1(b"blob 8\0" + last, usedforsecurity=False).digest()
        last = b"%08d" % number
        # A delta of eleven bytes: both sizes, and eight bytes to put in.
        rows.append(b"\x7b" + base + zlib.compress(b"\x08\x08\x08" + last))
    data = b"PACK" + struct.pack(">II", 2, count) + b"".join(rows)
    pack = root / ".git" / "objects" / "pack" / "pack-chain.pack"
    pack.write_bytes(data + hashlib.sha1(data, usedforsecurity=False).digest())
    git(root, "index-pack", str(pack))
    oid = hashlib.sha1(b"blob 8\0" + last, usedforsecurity=False).hexdigest()
    assert _packs(root).read(oid) == ("blob", last)


@pytest.mark.parametrize(("at", "value"), [(0, 0xFF), (0, 0x7F), (255, 0xFF)])
def test_an_index_that_counts_more_than_it_holds_is_left_to_git(make_repo: Make, at: int, value: int) -> None:
    root = make_repo()
    commit = git(root, "rev-parse", "HEAD")
    git(root, "gc", "-q")
    (index,) = (root / ".git" / "objects" / "pack").glob("*.idx")
    data = bytearray(index.read_bytes())
    data[8 + 4 * (at or int(commit[:2], 16))] = value
    index.chmod(0o644)
    index.write_bytes(data)
    assert _packs(root).read(commit) is None
