"""The command lines of the benchmarks: what is wrong is said in one line with exit status 2, and what is written is written whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import __main__ as commands
from benchmarks import plots, reader, report, results

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "benchmarks" / "results" / "latest.json"


def refused(run: object, words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the last line of what a refused command line said."""
    assert callable(run)
    with pytest.raises(SystemExit) as end:
        run(words)
    assert end.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("sizes", ["²", "100²", "", "99", "100,,1000", "1000,100", "100,100", "-100", "1e3", "9" * 5000])
def test_sizes_that_are_none_are_refused(sizes: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(commands.main, ["--smoke", f"--sizes={sizes}"], capsys)
    assert said.endswith(": whole numbers of at least 100 in rising order are wanted, such as 100,1000")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, ": No such file or directory"),
        ("no JSON", ": this is no run that was kept (JSONDecodeError: Expecting value: line 1 column 1 (char 0))"),
        ("{}", ": this is no run that was kept (KeyError: 'sizes')"),
        ("[]", ": this is no run that was kept (TypeError: list indices must be integers or slices, not str)"),
        ('{"sizes": []}', ": this is no run that was kept (ValueError: it has no sizes)"),
        ('{"sizes": 100}', ": this is no run that was kept (ValueError: it has no sizes)"),
    ],
)
def test_a_run_that_was_not_kept_is_not_told(content: str | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept.json"
    if content is not None:
        kept.write_text(content)
    assert refused(commands.main, ["--again", str(kept)], capsys) == f"python3 tasks.py bench: error: --again {kept}{why}"


def test_a_smoke_test_is_not_written_into_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(commands.main, ["--smoke", "--write"], capsys)
    assert said == "python3 tasks.py bench: error: --smoke measures too little to be written: leave one of the two out"


def test_a_folder_is_no_kept_run_and_a_file_no_folder_to_work_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(commands.main, ["--again", str(tmp_path)], capsys).endswith(f"--again {tmp_path}: Is a directory")
    (tmp_path / "file").touch()
    for name, why in {"file": "Not a directory", "missing": "No such file or directory"}.items():
        said = refused(commands.main, ["--smoke", "--work", str(tmp_path / name)], capsys)
        assert said.endswith(f"--work {tmp_path / name}: no folder can be made there: {why}")


@pytest.mark.parametrize("tasks", ["-5", "0", "²", "many"])
def test_the_reader_is_measured_with_a_task_at_least(tasks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(reader.main, [tasks], capsys).endswith(f"argument tasks: {tasks!r}: a whole number from 1 to 999999 is wanted")


@pytest.mark.parametrize("rounds", ["-1", "0", "many"])
def test_the_sandbox_is_measured_in_a_round_at_least(rounds: str) -> None:
    argv = [sys.executable, "-m", "benchmarks.sandbox", rounds]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith(f"argument ROUNDS: {rounds!r}: a whole number from 1 to 9999 is wanted\n")


@pytest.fixture
def documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the pages as they are, which stand for the project's."""
    for name in ("README.md", "docs/performance.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr(commands, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(commands, "PLOTS", tmp_path / "docs" / "plots")
    monkeypatch.setattr(commands.rivals, "FOLDER", tmp_path / ".rivals")
    return tmp_path


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".rivals" not in path.parts
    }


def test_a_run_that_is_written_is_written_whole(documentation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(*_: object, into: Path, looked_at: Path, **__: object) -> list[Path]:
        paths = [into / "time-light.svg", looked_at / "time-light.png"]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("drawn")
        return paths

    monkeypatch.setattr(plots, "draw", drawn)
    made = results.load(KEPT)
    commands.write(made)
    there = _files(documentation)
    assert sorted(there) == ["README.md", "docs/performance.md", "docs/plots/time-light.svg", "results/latest.json"]
    assert there["results/latest.json"].decode() == results.text(made)
    assert report.long(made) in there["docs/performance.md"].decode()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_run_whose_plots_are_not_drawn_changes_nothing(
    error: type[BaseException], documentation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, into: Path, **__: object) -> list[Path]:
        (into / "time-light.svg").write_text("half")
        raise error

    monkeypatch.setattr(plots, "draw", stopped)
    before = _files(documentation)
    with pytest.raises(error):
        commands.write(results.load(KEPT))
    assert _files(documentation) == before


def test_where_one_file_can_not_be_written_none_is(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    (tmp_path / "in the way").touch()
    with pytest.raises(OSError):
        report.put({tmp_path / "one": b"new", tmp_path / "in the way" / "two": b"new"})
    assert _files(tmp_path) == {"one": b"old", "in the way": b""}
