"""The command line of the proofs: an option that a proof does not heed is refused, and what is wrong is said in one line."""

from __future__ import annotations

import pytest

from tests.proofs import __main__ as commands
from tests.proofs import crash
from tests.proofs.figures import Figures, Options


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, tuple[int, int]]]:
    """Return what was run, as the proof's name, the tool and the part; nothing is run for real or kept."""
    seen: list[tuple[str, str, tuple[int, int]]] = []

    def prove(name: str, options: Options) -> Figures:
        seen.append((name, options.tool, options.part))
        return Figures(proof=name)

    def keep(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be kept")

    monkeypatch.setattr(commands, "prove", prove)
    monkeypatch.setattr(commands, "keep", keep)
    return seen


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("stale --tool backlog --keep", "stale: not with --tool backlog; proofs that can: crash, hammer"),
        ("hammer stale faults --tool backlog", "stale, faults: not with --tool backlog; proofs that can: crash, hammer"),
        ("hammer --part 1/4", "hammer: not with --part; proofs that can: faults"),
        ("--part 1/4 --tool backlog", "no proof can be run with --tool backlog --part"),
        ("hammer --tool nonsense", "argument --tool: invalid choice: 'nonsense' (choose from 'autobuilds', "),
        ("faults --part 5/4", "argument --part: '5/4' is no part: write K/N with 1 <= K <= N, such as 2/4"),
        ("faults --part 0/4", "'0/4' is no part"),
        ("faults --part ²/4", "'²/4' is no part"),
        ("faults --part 1", "'1' is no part"),
        ("faults --part 1/4 --keep", "--keep: a part is not kept, its counts would stand for those of the whole"),
        ("nonsense", "argument NAME: no proof is called 'nonsense'; there are clocks, "),
    ],
)
def test_what_can_not_be_run_is_refused(
    words: str, said: str, ran: list[tuple[str, str, tuple[int, int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        commands.main(words.split())
    last = capsys.readouterr().err.splitlines()[-1]
    assert (end.value.code, ran) == (2, [])
    assert last.startswith("python3 tasks.py prove: error: ")
    assert said in last


def test_without_a_name_all_run_that_heed_the_options(ran: list[tuple[str, str, tuple[int, int]]]) -> None:
    assert commands.main(["--tool", "backlog"]) == 0
    assert ran == [("crash", "backlog", (1, 1)), ("hammer", "backlog", (1, 1))]
    ran.clear()
    assert commands.main(["--part", "2/4"]) == 0
    assert ran == [("faults", "autobuilds", (2, 4))]
    ran.clear()
    assert commands.main([]) == 0
    assert [name for name, _, _ in ran] == commands.names()


def test_ours_and_the_whole_are_what_every_proof_tries(ran: list[tuple[str, str, tuple[int, int]]]) -> None:
    assert commands.main(["stale", "--tool", "autobuilds", "--part", "1/1"]) == 0
    assert ran == [("stale", "autobuilds", (1, 1))]


def test_a_tool_that_no_command_adds_to_is_a_skip_for_the_kills(tmp_path_factory: pytest.TempPathFactory) -> None:
    figures = crash.run(Options(folder=tmp_path_factory.mktemp("kills"), tool="lock-and-rename"))
    assert (figures.counts, len(figures.skipped)) == ([], 1)
