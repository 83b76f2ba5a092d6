"""The workspace and the command line of the tests of the commands."""

from __future__ import annotations

from tests.cli.conftest import desk, typed

__all__ = ["desk", "typed"]
