"""What the proofs counted is what the page says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.proofs import __main__ as commands
from tests.proofs import _record
from tests.proofs.figures import Figures, Options


def test_the_page_shows_what_was_kept() -> None:
    page = _record.PAGE.read_text(encoding="utf-8")
    assert _record.with_figures(page) == page, "run `python3 tasks.py prove NAME --keep`"


def test_a_missed_goal_and_a_fault_are_told_and_end_with_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def run(options: Options) -> Figures:
        assert options.folder.is_dir()
        figures = Figures(proof="tried", faults=["point 3: lost"], skipped=["no compiler"])
        figures.count("lost", 1, most=0)
        figures.count("points", 5, least=5)
        return figures

    module = ModuleType("tests.proofs.tried")
    monkeypatch.setattr(module, "run", run, raising=False)
    monkeypatch.setitem(sys.modules, "tests.proofs.tried", module)
    monkeypatch.setattr(commands, "names", lambda: ["tried"])
    assert commands.main(["tried"]) == 1
    said = capsys.readouterr().out
    assert "| lost | 1 | at most 0 | NO |" in said
    assert "| points | 5 | at least 5 | yes |" in said
    assert "- FAULT: point 3: lost" in said
    assert "- not tried: no compiler" in said


def test_what_is_kept_can_be_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_record, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(_record, "PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text("# Page\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nend\n")
    figures = Figures(proof="tried")
    figures.count("points", 5000, least=5000)
    _record.keep(figures, scale="full", seed=3, tool="other", seconds=2.4)
    assert json.loads((tmp_path / "results" / "tried-other.json").read_text())["seed"] == 3
    assert "| tried, other | points | 5,000 | at least 5,000 | yes |\n<!-- figures: end -->\nend\n" in (tmp_path / "page.md").read_text()


def test_a_tool_that_the_proof_names_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_record, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(_record, "PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text("<!-- figures: begin -->\n<!-- figures: end -->\n")
    figures = Figures(proof="hammer, other")
    figures.count("runs", 1)
    _record.keep(figures, scale="full", seed=3, tool="other", seconds=2.4)
    assert "| hammer, other | runs | 1 | - | - |" in (tmp_path / "page.md").read_text()
