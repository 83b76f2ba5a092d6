"""Housekeeping loses nothing, a sample: killed and failing calls lose no thing, and a careless fixer is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import house
from tests.proofs.figures import Options

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_nothing_is_lost(tmp_path: Path) -> None:
    figures = house.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


def test_a_fixer_that_removes_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "SAMPLE", 1)
    figures = house.run(Options(folder=tmp_path), breaks="removes")
    assert any("is lost" in fault for fault in figures.faults), figures.table()
