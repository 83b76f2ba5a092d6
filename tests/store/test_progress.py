from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain import inert
from autobuilds.domain.model import Criterion
from autobuilds.domain.progress import Progress, ProgressStatus, Question, Step
from autobuilds.store.progress import append_log, new_progress, parse_progress, read_progress, with_status

NOW = datetime(2026, 2, 6, 15, 0, tzinfo=UTC)

GOOD = """\
---
label: spotify
attempt: 2
status: in progress
percent: 60
updated: 2026-02-06T16:40:00+00:00
blockers:
  - the API key is missing
questions:
  - question: Which market?
    default: DE
deliverables: [src/spotify.py]
---
# Progress: Spotify

## Task Breakdown
- [x] Read the code
- [ ] Write the client

## Completion Criteria
- [x] OAuth flow works - Evidence: tests/test_oauth.py, line 40
- [x] Docs are clear
  - Evidence: docs/spotify.md
- [x] Nothing named
- [ ] Not ticked - Evidence: lies

## Log
- 2026-02-06 15:00 Started.
```
- not a log line
```
- 2026-02-06 15:30 Half way.

## Deliverables
- `src/spotify.py`
- branch

## Blockers
None

## Questions
- Scopes? - Default: read only
- Which market?
"""


def test_a_log_as_the_contract_has_it() -> None:
    progress = parse_progress(GOOD, label="spotify")
    assert progress.problems == ()
    assert (progress.attempt, progress.status, progress.percent) == (2, ProgressStatus.WORKING, 60)
    assert progress.updated == datetime(2026, 2, 6, 16, 40, tzinfo=UTC)
    assert progress.blockers == ("the API key is missing",)
    assert progress.questions == (Question(text="Which market?", default="DE"), Question(text="Scopes?", default="read only"))
    assert progress.deliverables[0] == "src/spotify.py"
    assert progress.breakdown == (Step(text="Read the code", checked=True), Step(text="Write the client"))
    assert progress.current_step == "Write the client"
    assert progress.log == ("2026-02-06 15:00 Started.", "2026-02-06 15:30 Half way.")


@pytest.mark.parametrize(
    ("criterion", "evidence"),
    [
        ("OAuth flow works", "tests/test_oauth.py, line 40"),
        ("*OAuth*  flow works.", "tests/test_oauth.py, line 40"),
        ("Docs are clear", "docs/spotify.md"),
        ("Nothing named", None),
        ("Not ticked", None),
        ("OAuth", None),
    ],
)
def test_evidence_counts_only_when_ticked_and_named(criterion: str, evidence: str | None) -> None:
    assert parse_progress(GOOD, label="spotify").evidence_for(criterion) == evidence


def test_a_fresh_log_claims_nothing_until_the_agent_does() -> None:
    criteria = [Criterion(text="OAuth `flow` [works](http://x) <b>"), Criterion(text="Tests: `pytest`", commands=("pytest",))]
    text = new_progress(label="a", name="A *b*\n# c", attempt=1, agent="claude", now=NOW, criteria=criteria)
    fresh = parse_progress(text, label="a")
    assert fresh.problems == () and fresh.evidence == () and fresh.questions == () and fresh.blockers == ()
    assert (fresh.status, fresh.percent, fresh.attempt, fresh.updated) == (ProgressStatus.STARTING, 0, 1, NOW)
    ticked = text.replace("- [ ] OAuth", "- [x] OAuth").replace("\\<b>", "\\<b> - Evidence: src/a.py")
    assert parse_progress(ticked, label="a").evidence_for(criteria[0].text) == "src/a.py"


@pytest.mark.parametrize(
    ("matter", "words"),
    [
        ("percent: lots", "percent 'lots'"),
        ("status: splendid", "unknown status 'splendid'"),
        ("label: other", "the label is 'spotify', not 'other'"),
        ("a: &x [1]\nb: *x", "begins with"),
        ("a: !!python/object:os.system x", "begins with !"),
        ("percent: 1\npercent: 2", "twice"),
        ("[" * 500, "nested too deep"),
        ("? [a]\n: b", "a key has to be a word"),
        ("x: " + "y" * 20000, "longer than"),
        ("on: {no: true}\nyes: 1", None),
        ("- a\n- list", "has to be `key: value` lines"),
    ],
)
def test_odd_front_matter_is_a_problem_never_an_error(matter: str, words: str | None) -> None:
    progress = parse_progress(f"---\n{matter}\n---\n## Log\n- still read\n", label="spotify")
    assert progress.log == ("still read",)
    assert [p for p in progress.problems if words and words in p] if words else progress.problems == ()


def test_an_unclosed_front_matter_is_said() -> None:
    progress = parse_progress("---\nlabel: a\n## Log\n- x\n", label="a")
    assert progress.log == ("x",) and "not closed" in progress.problems[0]


@pytest.mark.parametrize(("given", "percent"), [("-5", 0), ("250", 100), ("60%", 60), ("59.9", 59), ("1e9", None), ("999999999999", None)])
def test_percent_is_clamped(given: str, percent: int | None) -> None:
    assert parse_progress(f"---\npercent: {given}\n---\n", label="a").percent == percent


def test_percent_comes_from_the_breakdown_when_not_given() -> None:
    assert parse_progress("## Task Breakdown\n- [x] a\n- [ ] b\n- [ ] c\n", label="a").percent == 33


def test_everything_is_bounded() -> None:
    text = "## Log\n" + "- x\n" * 5000 + "## Questions\n" + "".join(f"- q{n} {'y' * 900}\n" for n in range(500))
    progress = parse_progress(text, label="a")
    assert len(progress.log) == 200 and len(progress.questions) == 50
    assert all(len(q.text) <= 400 for q in progress.questions)


def test_control_and_hidden_characters_are_gone() -> None:
    text = '---\nblockers: "\\e[31mred\\u202e"\n---\n## Log\n- a\x1b]0;title\x07b\u200bc\u202ed\x9b1me\U000e0041\n'
    progress = parse_progress(text, label="a")
    assert progress.log == ("abcde",) and progress.blockers == ("red",)


def test_a_missing_file_is_no_problem(tmp_path: Path) -> None:
    assert read_progress(tmp_path / "a", label="a") == Progress(label="a", found=False)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _hard_link(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("## Log\n- secret\n")
    os.link(other, path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_fifo, _link, _hard_link, _device, Path.mkdir])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, make: object) -> None:
    target = tmp_path / "p.md"
    make(target)  # type: ignore[operator]
    began = time.process_time()
    progress = read_progress(target, label="a")
    assert not progress.found and progress.log == () and progress.problems
    assert time.process_time() - began < 0.5


def test_a_sparse_giant_and_bad_bytes_are_read_in_part(tmp_path: Path) -> None:
    giant = tmp_path / "g.md"
    with giant.open("wb") as handle:
        handle.write(b"---\npercent: 40\n---\n## Log\n- \xff\xfe first\n")
        handle.truncate(8 << 30)
        handle.seek(0, os.SEEK_END)
        handle.write(b"\n- last\n")
    began = time.process_time()
    progress = read_progress(giant, label="a")
    assert time.process_time() - began < 0.5
    assert progress.percent == 40 and "middle was not read" in progress.problems[0]


@pytest.mark.parametrize(
    "shape",
    [" ", "-", "- ", "#", "\t", "- [x] ", "Evidence:", " - Evidence: ", "\x1b]", "\x9d", "\x9b", "`", "* ", "> ", "- a - (", "[", "\\"],
)
def test_no_shape_is_slow(shape: str) -> None:
    began = time.process_time()
    for text in (
        shape * (250_000 // len(shape)),
        f"## Log\n- [x] a{shape * 3000}\n" * 8,
        f"---\n{shape * 4000}\n---\n",
        "# " + shape * 100_000 + "x",
    ):
        parse_progress(text, label="a")
    assert time.process_time() - began < 3


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    for whole in (text, f"---\n{text}\n---\n{text}", f"## Questions\n- {text}\n## Log\n{text}"):
        progress = parse_progress(whole, label="a")
        shown = [*progress.log, *progress.blockers, *(q.text for q in progress.questions), *progress.problems]
        assert all(inert.line(s) == s for s in shown)


def test_a_dated_line_goes_to_the_end_of_the_log() -> None:
    text = append_log(GOOD, "tests *green*\n## Blockers", NOW)
    added = set(text.split("\n")) - set(GOOD.split("\n"))
    assert added == {"- 2026-02-06 15:00 tests \\*green\\* \\## Blockers"}
    assert parse_progress(text, label="spotify").log[-1] == "2026-02-06 15:00 tests *green* ## Blockers"


@pytest.mark.parametrize("text", ["", "no headings", "# T\r\n\r\ntext\r\n", "## Log", "```\n## Log\n```\n"])
def test_a_log_section_is_made_where_there_is_none(text: str) -> None:
    once = append_log(text, "a", NOW)
    twice = append_log(once, "b", NOW)
    assert once.startswith(text)
    assert parse_progress(twice, label="x").log == ("2026-02-06 15:00 a", "2026-02-06 15:00 b")
    assert "\r\n" not in text or "\n" not in twice.replace("\r\n", "")


def test_fields_change_and_nothing_else() -> None:
    text = with_status(GOOD, now=NOW, status=ProgressStatus.DONE, percent=120)
    progress = parse_progress(text, label="spotify")
    assert (progress.status, progress.percent, progress.updated) == (ProgressStatus.DONE, 100, NOW)
    before, after = GOOD.split("\n"), text.split("\n")
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [3, 4, 5]


@given(st.text(alphabet="ab:-#\n\r \"'[]{}|>%", max_size=60))
def test_fields_can_be_set_in_any_log(text: str) -> None:
    for whole in (text, f"---\nstatus: |\n  x\n  y\nstatus: z\n---\n{text}"):
        changed = with_status(whole, now=NOW, status=ProgressStatus.BLOCKED, percent=7)
        progress = parse_progress(changed, label="a")
        assert changed.endswith(whole.rpartition("---")[2] if whole is not text else text) or text.startswith("---")
        if not progress.problems:
            assert (progress.status, progress.percent) == (ProgressStatus.BLOCKED, 7)


def test_the_example_of_the_reference_reads_without_a_problem() -> None:
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "progress-log.md").read_text(encoding="utf-8")
    example = reference.partition("```markdown\n")[2].partition("```\n")[0]
    progress = parse_progress(example, label="spotify-integration")
    assert progress.problems == () and progress.blockers == ()
    assert progress.questions == (Question(text="Which market?", default="DE"), Question(text="Which scopes?", default="read only"))
    assert progress.evidence_for("OAuth flow works") == "tests/test_oauth.py, line 40"


def test_a_long_criterion_is_known_by_its_beginning_only_where_it_was_cut() -> None:
    criterion = "the export holds every row " * 20
    cut = criterion[:399].rstrip() + "…"
    assert parse_progress(f"## Completion Criteria\n- [x] {cut}\n  Evidence: a.csv\n", label="a").evidence_for(criterion) == "a.csv"
    assert parse_progress("## Completion Criteria\n- [x] the export… - Evidence: a.csv\n", label="a").evidence_for(criterion) is None
