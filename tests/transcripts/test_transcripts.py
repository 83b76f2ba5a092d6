"""Every transcript, and every page of the documentation that shows commands, is run and must print what it shows.

`AUTOBUILDS_REWRITE=1 pytest tests/transcripts` puts the real output into the files; read the difference before you commit it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.transcripts.transcript import Shell, agrees, play, steps

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
REWRITE = os.environ.get("AUTOBUILDS_REWRITE") == "1"


#: Transcripts with several builds, or with many waits for a file to be left alone, run with the sweeps.
LONG = {
    "a-failing-build",
    "asks-and-is-approved",
    "bad-input",
    "bad-repositories",
    "bisect",
    "first-minutes",
    "pause-and-resume",
    "pull-request",
    "quick-start",
    "reject-with-a-reason",
    "review-accept-undo",
    "the-week",
    "why-and-plan",
}


def _shown() -> list[object]:
    pages = [ROOT / "README.md", ROOT / "AUTONOMOUS_BUILDS.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = [*sorted(HERE.glob("*.md")), *(p for p in pages if "```console" in p.read_text(encoding="utf-8"))]
    slow = {page: [pytest.mark.slow] for page in found if page.parent in {HERE, ROOT / "docs"} and page.stem in LONG}
    return [pytest.param(page, id=page.relative_to(ROOT).as_posix(), marks=slow.get(page, [])) for page in found]


@pytest.mark.parametrize("page", _shown())
def test_a_transcript_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    home = tmp_path / "you"
    home.mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    text = page.read_text(encoding="utf-8")
    faults, new = play(text, Shell(root=home, path=path, at=home), rewrite=REWRITE)
    if REWRITE and new != text:
        page.write_text(new, encoding="utf-8")
    assert not faults, "\n\n".join(faults)


def test_output_that_differs_is_a_fault(tmp_path: Path) -> None:
    page = "```console\n$ echo one; exit 3\ntwo\n[exit 3]\n$ echo 2026-01-02 03:04\n2030-05-06 07:08\n```\n"
    shell = Shell(root=tmp_path, path=os.environ["PATH"], at=tmp_path)
    faults, new = play(page, shell, rewrite=True)
    assert len(faults) == 1
    assert "two" in faults[0]
    assert new.startswith("```console\n$ echo one; exit 3\none\n[exit 3]\n$ echo")


def test_three_dots_stand_for_any_lines() -> None:
    assert agrees(["a", "...", "d"], ["a", "b", "c", "d"])
    assert agrees(["a", "..."], ["a"])
    assert not agrees(["a", "...", "d"], ["a", "b"])


def test_files_and_continued_commands_are_read() -> None:
    page = "```markdown file=a/b.md\n# B\n```\n\n```console\n$ cat a/b.md |\n>   wc -l\n1\n```\n"
    found = list(steps(page))
    assert [(s.file, s.content, s.command, s.expected) for s in found] == [
        ("a/b.md", "# B\n", "", []),
        (None, "", "cat a/b.md |\n  wc -l", ["1"]),
    ]
