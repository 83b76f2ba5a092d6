"""Objects in packs, read here: no process is started for the few that an answer needs.

What is read is believed only where its id is the hash of it; anything else, and whatever is not understood here, is left to Git.
"""

from __future__ import annotations

import os
import struct
import zlib
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_BY_OFFSET, _BY_ID = 6, 7
_INDEX_HEAD = b"\377tOc\0\0\0\2"
#: Where the names of an index begin: behind its head and its table of first bytes.
_NAMES = 8 + 4 * 256
#: Bytes of a larger object are for Git to read.
_LARGEST = 64 * 1024 * 1024
#: Deltas upon deltas; Git makes at most 4,095.
_DEEPEST = 4096
_CHUNK = 64 * 1024
#: What a broken or unknown pack raises on the way.
_UNREADABLE = (OSError, ValueError, IndexError, OverflowError, MemoryError, RecursionError, struct.error, zlib.error)


class Packs:
    """The packs in one folder of objects; `raw_length` is that of an id in bytes."""

    def __init__(self, folder: Path, raw_length: int, oid: Callable[[str, bytes], str]) -> None:
        self._folder = folder / "pack"
        self._length = raw_length
        self._oid = oid
        self._indexes: list[Path] | None = None

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """Return kind and content of an object, or None where Git has to be asked."""
        try:
            found = self._at(bytes.fromhex(oid))
        except _UNREADABLE:
            return None
        return found if found is not None and self._oid(*found) == oid else None

    def _at(self, oid: bytes) -> tuple[str, bytes] | None:
        deltas: list[bytes] = []
        base: bytes | None = oid
        while base is not None:
            place = self._place(base)
            if place is None:
                return None
            handle = os.open(place[0], os.O_RDONLY | os.O_CLOEXEC)
            try:
                found, base = self._unpacked(handle, place[1], deltas)
            finally:
                os.close(handle)
        return None if found is None else (found[0], _patched(found[1], deltas))

    def _place(self, oid: bytes) -> tuple[Path, int] | None:
        """Return the pack that holds an object, and where it begins there."""
        if self._indexes is None:
            self._indexes = sorted(self._folder.glob("pack-*.idx"))
        for index in self._indexes:
            offset = self._offset(index, oid)
            if offset is not None:
                return index.with_suffix(".pack"), offset
        return None

    def _offset(self, index: Path, oid: bytes) -> int | None:
        """Return where an object begins in the pack of an index, or None; raises ValueError for an index of another form."""
        handle = os.open(index, os.O_RDONLY | os.O_CLOEXEC)
        try:
            head = os.pread(handle, _NAMES, 0)
            if head[:8] != _INDEX_HEAD:
                raise ValueError
            firsts = struct.unpack(">256I", head[8:])
            low, high, total = (firsts[oid[0] - 1] if oid[0] else 0), firsts[oid[0]], firsts[255]
            # Behind the names stand a sum and an offset of each, and two hashes of all.
            if not low <= high <= total or _NAMES + total * (self._length + 8) + 2 * self._length > os.fstat(handle).st_size:
                raise ValueError
            names = os.pread(handle, (high - low) * self._length, _NAMES + low * self._length)
            at = bisect_left(range(high - low), oid, key=lambda n: names[n * self._length : (n + 1) * self._length])
            if names[at * self._length : (at + 1) * self._length] != oid:
                return None
            offsets = _NAMES + total * (self._length + 4)
            (offset,) = struct.unpack(">I", os.pread(handle, 4, offsets + 4 * (low + at)))
            if offset & 0x80000000:
                (offset,) = struct.unpack(">Q", os.pread(handle, 8, offsets + 4 * total + 8 * (offset & 0x7FFFFFFF)))
            return int(offset)
        finally:
            os.close(handle)

    def _unpacked(self, handle: int, offset: int, deltas: list[bytes]) -> tuple[tuple[str, bytes] | None, bytes | None]:
        """Return kind and content of the first object on the way that is no delta; the deltas upon it are added to `deltas`.

        Where the way leads on to an object by its id, that is returned second in place of a content.
        """
        while len(deltas) < _DEEPEST:
            head = os.pread(handle, 32 + self._length, offset)
            byte, at = head[0], 1
            number, size, shift = byte >> 4 & 7, byte & 15, 4
            while byte & 0x80:
                byte = head[at]
                size |= (byte & 0x7F) << shift
                at, shift = at + 1, shift + 7
            if size > _LARGEST:
                return None, None
            if number in _KINDS:
                return (_KINDS[number], _inflated(handle, offset + at, size)), None
            if number == _BY_OFFSET:
                byte = head[at]
                back, at = byte & 0x7F, at + 1
                while byte & 0x80:
                    byte = head[at]
                    back, at = (back + 1 << 7) | byte & 0x7F, at + 1
                deltas.append(_inflated(handle, offset + at, size))
                offset -= back
            elif number == _BY_ID:
                deltas.append(_inflated(handle, offset + at + self._length, size))
                return None, head[at : at + self._length]
            else:
                return None, None
        return None, None


def _inflated(handle: int, at: int, size: int) -> bytes:
    """Return the content of so many bytes that stands compressed at an offset."""
    inflater, pieces, left = zlib.decompressobj(), [], size
    while left > 0:
        raw = os.pread(handle, _CHUNK, at)
        if not raw:
            raise ValueError
        at += len(raw)
        pieces.append(inflater.decompress(raw, left))
        left -= len(pieces[-1])
        while left > 0 and inflater.unconsumed_tail:
            pieces.append(inflater.decompress(inflater.unconsumed_tail, left))
            left -= len(pieces[-1])
    return b"".join(pieces)


def _patched(data: bytes, deltas: list[bytes]) -> bytes:
    """Return what deltas, the last one first, make of a content."""
    for delta in reversed(deltas):
        data = _applied(data, delta)
    return data


def _applied(base: bytes, delta: bytes) -> bytes:
    wanted, at = _number(delta, 0)
    size, at = _number(delta, at)
    if wanted != len(base) or size > _LARGEST:
        raise ValueError
    pieces: list[bytes] = []
    left = size
    while at < len(delta):
        order, at = delta[at], at + 1
        if order & 0x80:
            place = count = 0
            for bit in range(7):
                if order & 1 << bit:
                    if bit < 4:
                        place |= delta[at] << 8 * bit
                    else:
                        count |= delta[at] << 8 * (bit - 4)
                    at += 1
            piece = base[place : place + (count or 0x10000)]
        else:
            piece = delta[at : at + order]
            at += order
        left -= len(piece)
        if not piece or left < 0:
            raise ValueError
        pieces.append(piece)
    return b"".join(pieces)


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
