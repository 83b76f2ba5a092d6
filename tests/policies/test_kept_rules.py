"""The packaged rules are filed once for an installation, and judge as those that were filed anew."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autobuilds import kept
from autobuilds.policies.requirements import judge as clarity
from autobuilds.policies.risk import model
from autobuilds.policies.risk.text import sentences_of
from autobuilds.runtime.assessing import policy_of


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep into a folder of the test's own."""
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "kept.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def _kept(folder: Path) -> set[str]:
    return {file.name.partition(".")[0] for file in (folder / "__pycache__").iterdir()}


def test_the_risk_rules_of_the_package_are_filed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [r for r in policy_of(None).rules if r.table.startswith("risk-")]
    read = tuple(sentences_of("Restart the production database", "it hangs again", (), None))

    def found(shipped: bool) -> list[model.Find]:
        made = model.RiskModel(rules, shipped=shipped)
        return made.finds(made.read(read))

    anew = found(False)
    assert anew and "risk" not in _kept(tmp_path)
    assert found(True) == anew
    assert "risk" in _kept(tmp_path)
    monkeypatch.setattr(model, "filed", lambda rows: pytest.fail("filed again"))
    assert found(True) == anew


def test_the_requirements_rules_of_the_package_are_filed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = policy_of(None).rules

    def found() -> list[str]:
        prepared = clarity._prepared.__wrapped__(rules)
        return [hit.text for hit in prepared.words.find("make it nice and fast, maybe somehow better etc.")]

    first = found()
    assert first and "clarity" in _kept(tmp_path)
    monkeypatch.setattr(clarity.words, "filed", lambda rows: pytest.fail("filed again"))
    assert found() == first
