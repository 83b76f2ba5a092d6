"""Digests are those of hashlib, whichever implementation makes them."""

from __future__ import annotations

import hashlib
import sys

import pytest

from autobuilds.domain.digests import sha256


@pytest.mark.parametrize("data", [b"", b"abc", bytes(range(256)) * 99, b"x" * (1024 * 1024)], ids=len)
def test_a_digest_is_that_of_hashlib(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sha256(data) == hashlib.sha256(data).hexdigest()
    for name in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, name, None)
    assert sha256(data) == hashlib.sha256(data).hexdigest()
