"""The status page as it was rendered last: while nothing that it shows changes, it is taken as it stands."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autobuilds.domain import inert
from autobuilds.errors import AutobuildsError
from autobuilds.store import files, render

#: Longer pages are rendered anew (bytes).
_MAX_PAGE = 16 * 1024 * 1024


class KeptPage:
    """One page of a workspace, and what is remembered of its last rendering.

    The memory is trusted only for a page that stands on disk byte for byte as it was rendered then, from equal values, by
    the packaged template and the same program; a template of the workspace's own is always rendered.
    """

    def __init__(self, page: Path, memory: Path, template: str, values: Mapping[str, Any]) -> None:
        self._page, self._memory = page, memory
        own = page.parent / "templates" / template
        self._key = None if os.path.lexists(own) else _key(template, values)

    def text(self) -> str | None:
        """Return the page, or None where it has to be rendered."""
        if self._key is None:
            return None
        with suppress(OSError, ValueError):
            if self._page.is_file() and self._page.stat().st_size <= _MAX_PAGE and self._memory.is_file():
                data = self._page.read_bytes()
                if self._memory.read_bytes() == self._note(data):
                    return data.decode()
        return None

    def keep(self, text: str) -> None:
        """Remember what was rendered; where that can't be written, the page is rendered again the next time."""
        if self._key is not None:
            with suppress(AutobuildsError, OSError):
                files.write_atomic(self._memory, self._note(text.encode()), durable=False)

    def _note(self, page: bytes) -> bytes:
        return f"{self._key} {hashlib.sha256(page).hexdigest()}\n".encode()


def _key(template: str, values: Mapping[str, Any]) -> str | None:
    """Return a digest of all that the page is made of, or None where that can't be told."""
    found = find_spec("jinja2")
    if found is None or found.origin is None:
        return None
    digest = hashlib.sha256(f"{sys.version}\n".encode())
    try:
        engine = Path(found.origin).stat()
        digest.update(f"{found.origin} {engine.st_size} {engine.st_mtime_ns}\n".encode())
        for source in (render.packaged_templates() / template, Path(render.__file__), Path(inert.__file__)):
            digest.update(hashlib.sha256(source.read_bytes()).digest())
        digest.update(json.dumps(values, ensure_ascii=True, sort_keys=True).encode())
    except (OSError, TypeError, ValueError):
        return None
    return digest.hexdigest()
