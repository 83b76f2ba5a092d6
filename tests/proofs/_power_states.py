"""What a disk may hold after a power cut: unsynced writes and names may be lost.

Two models. *ordered*: names reach the disk in the order in which they were changed, and each fsync takes all earlier ones with it
(ext4, its default mode). *weak*: each change of a name reaches the disk by itself, or not, unless its folder was synced after it;
an fsync of a file says nothing of its name (POSIX). In both what was written into a file and not synced is there, lost, half
there, or (weak) there in length alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proofs._disk import Disk, Place, Written


@dataclass(frozen=True, slots=True)
class State:
    """One thing that the disk may hold: which changes of names are there, and how much of each file that was not synced."""

    cut: int
    names: frozenset[int]
    #: Of files that are not whole: how many of their writes are there, and what became of the next ones.
    torn: tuple[tuple[int, int, str], ...]
    model: str


def states(disk: Disk, cuts: Sequence[int]) -> Iterator[State]:
    """Yield what the disk may hold after a cut behind each of these calls, the likely ones first."""
    for cut in cuts:
        unsynced = list(_unsynced(disk, cut))
        for model in ("ordered", "weak"):
            for names in _names(disk, cut, model):
                yield State(cut, names, (), model)
                for how in ("lost", "half", *(("zeros",) if model == "weak" else ())):
                    yield State(cut, names, tuple((file, kept, how) for file, kept in unsynced), model)
            every = frozenset(index for index, change in enumerate(disk.named) if change.at <= cut)
            for file, kept in unsynced:
                for how in ("lost", "half"):
                    yield State(cut, every, ((file, kept, how),), model)


def _unsynced(disk: Disk, cut: int) -> Iterator[tuple[int, int]]:
    """Yield the files with writes that are not synced, and how many of theirs are."""
    for file, writes in disk.written.items():
        until = max((sync.at for sync in disk.synced if sync.what == file and sync.at <= cut), default=0)
        kept = sum(write.at <= until for write in writes)
        if kept < sum(write.at <= cut for write in writes):
            yield file, kept


def _names(disk: Disk, cut: int, model: str) -> Iterator[frozenset[int]]:
    """Yield which changes of names may have reached the disk."""
    made = [(index, change) for index, change in enumerate(disk.named) if change.at <= cut]
    every = frozenset(index for index, _ in made)
    yield every
    if model == "ordered":
        forced = max((sync.at for sync in disk.synced if sync.at <= cut), default=0)
        loose = [index for index, change in made if change.at > forced]
        for index in loose:
            yield frozenset(i for i in every if i < index)
        return
    last = {sync.what: sync.at for sync in disk.synced if sync.at <= cut}
    loose = [index for index, change in made if all(last.get(place[0], 0) < change.at for place, _ in change.places)]
    yield every - set(loose)
    for index in loose:
        yield every - {index}
        yield (every - set(loose)) | {index}


def tree_of(disk: Disk, state: State) -> dict[Place, int]:
    """Return the names of a state."""
    found = dict(disk.start)
    for index in sorted(state.names):
        for place, node in disk.named[index].places:
            if node is None:
                found.pop(place, None)
            else:
                found[place] = node
    return found


def content(disk: Disk, file: int, state: State) -> bytes:
    """Return what a file holds in a state."""
    writes = [write for write in disk.written.get(file, []) if write.at <= state.cut]
    whole = _applied(disk.contents.get(file, b""), writes)
    for torn, kept, how in state.torn:
        if torn == file:
            stood = _applied(disk.contents[file], writes[:kept])
            if how == "lost":
                return stood
            if how == "half":
                return whole[: (len(stood) + len(whole)) // 2] if len(whole) > len(stood) else whole[: len(whole) // 2]
            return stood[: len(whole)] + b"\0" * max(0, len(whole) - len(stood))
    return whole


def find(path: str, tree: dict[Place, int]) -> int | None:
    """Return the file or folder of a relative path in a state's names."""
    node: int | None = 0
    for part in Path(path).parts:
        node = None if node is None else tree.get((node, part))
    return node


def materialise(disk: Disk, state: State) -> None:
    """Make the tree be as the state says; the folder must be empty or missing."""
    tree = tree_of(disk, state)
    below: dict[int, list[tuple[str, int]]] = {}
    for (above, name), node in tree.items():
        below.setdefault(above, []).append((name, node))
    disk.root.mkdir(exist_ok=True)
    waiting = [(0, disk.root)]
    while waiting:
        number, folder = waiting.pop()
        for name, node in below.get(number, []):
            path = folder / name
            if node in disk.folders:
                path.mkdir()
                waiting.append((node, path))
            elif node in disk.links:
                path.symlink_to(disk.links[node])
            else:
                path.write_bytes(content(disk, node, state))
                path.chmod(disk.modes.get(node, 0o644) | 0o600)


def _applied(data: bytes, writes: Iterable[Written]) -> bytes:
    made = bytearray(data)
    for write in writes:
        if write.data is None:
            del made[write.offset :]
            made.extend(b"\0" * (write.offset - len(made)))
        else:
            made.extend(b"\0" * (write.offset - len(made)))
            made[write.offset : write.offset + len(write.data)] = write.data
    return bytes(made)
