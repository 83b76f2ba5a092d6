"""A sample of the commits killed beside a person's own Git; the whole figures come from `python -m tests.proofs commits --scale full`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs.commits import run
from tests.proofs.figures import Options
from tests.proofs.shim import MISSING, library


@pytest.mark.slow
@pytest.mark.skipif(library() is None, reason=MISSING)
def test_no_commit_is_refused_after_a_kill_and_git_add_git_commit_is_caught(tmp_path: Path) -> None:
    figures = run(Options(folder=tmp_path))
    assert figures.held, figures.table()
