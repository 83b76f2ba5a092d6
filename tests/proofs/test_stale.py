"""Old buffers saved over the tool's marks, in a sample; a tool that takes whatever stands there must be caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from autobuilds.store.files import rescue
from tests.proofs import stale
from tests.proofs.figures import Options


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_old_buffers_undo_nothing(tmp_path: Path) -> None:
    figures = stale.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


@pytest.mark.slow
def test_a_tool_that_believes_every_save_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "united", lambda *_: None)
    versions = stale.desk(tmp_path / "template")
    case = stale.Case(3, "a line at the end", stale.rename, 0, writes=False)
    assert stale.faults_of(case, tmp_path / "template", tmp_path / "case", versions) != []
