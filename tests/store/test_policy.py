"""The tables of DECISION_FRAMEWORK.md: what they mean, and what is said about rows that can't be read."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.model import Priority
from autobuilds.domain.policy import Policy
from autobuilds.domain.problem import Severity
from autobuilds.store.policy import open_policy, read_policy
from autobuilds.store.tables import read_sections, split_phrases, split_row

PACKAGED = (Path(__file__).parents[2] / "templates" / "DECISION_FRAMEWORK.md").read_bytes()
DEFAULT = b"""# D

## Categories

| Category | High | Medium | Low |
|---|---|---|---|
| Bug fixes | auto | auto | auto |

## Risk

### Risk acts

| kind | phrases | weight | note |
|---|---|---|---|
| destroy | drop, delete* | 2 | gone |

### Risk safe

| kind | phrases |
|---|---|
| safe | import |
"""


def policy(text: str) -> Policy:
    return read_policy(text.encode(), DEFAULT)


def complaints(text: str) -> list[str]:
    return [str(p) for p in policy(text).problems]


def categories(*rows: str, head: str = "| Category | High | Medium | Low |") -> str:
    return "\n".join(["## Categories", "", head, "|".join(["---"] * (head.count("|") - 1)), *rows, ""])


def test_without_a_file_the_packaged_tables_are_in_force() -> None:
    default = read_policy(None, DEFAULT)
    assert default.problems == ()
    assert [c.category for c in default.categories] == ["Bug fixes"]
    assert [(r.table, r.kind, r.phrases, r.weight, r.note, r.line) for r in default.rules] == [
        ("risk-acts", "destroy", ("drop", "delete*"), 2.0, "gone", 15),
        ("risk-safe", "safe", ("import",), 1.0, "", 21),
    ]


def test_the_file_that_is_shipped_says_what_the_documentation_says() -> None:
    shipped = read_policy(PACKAGED, PACKAGED)
    assert shipped.problems == ()
    told = {c.category: "/".join(c.answer(p) for p in Priority) for c in shipped.categories}
    assert told == {
        "Performance optimization": "auto/auto/auto",
        "Bug fixes": "auto/auto/auto",
        "Documentation": "auto/auto/auto",
        "Infrastructure": "auto/auto/auto",
        "New features": "own/ask/ask",
        "External actions": "ask/ask/ask",
        "Config changes": "ask/ask/ask",
        "No category": "own/own/ask",
    }


@pytest.mark.parametrize(
    "row",
    [
        "| Bug fixes | auto | own | ask |",
        "|**Bug fixes**|✅ auto|**Own**|`ASK`|",
        "Bug fixes | auto | own | ask",
        "| 🐛 Bug  fixes | auto ✔ | _own_ | ask | extra |",
    ],
)
def test_signs_around_an_answer_do_not_matter(row: str) -> None:
    read = policy(categories(row))
    assert read.problems == ()
    rule = read.category("bug FIXES")
    assert rule is not None
    assert (rule.high, rule.medium, rule.low, rule.deliver) == ("auto", "own", "ask", None)


def test_a_row_for_all_other_categories() -> None:
    read = policy(categories("| Bug fixes | ask | ask | ask |", "| * | auto | ask | ask |"))
    other, own = read.category("Whatever"), read.category("bug fixes")
    assert other is not None
    assert own is not None
    assert (other.high, own.high) == ("auto", "ask")
    assert policy(categories("| Bug fixes | ask | ask | ask |")).category("Whatever") is None
    assert read.category(None) is None


def test_how_a_category_is_delivered() -> None:
    head = "| Category | Low | Medium | High | Deliver |"
    read = policy(categories("| Docs | ask | own | auto | **Merge** |", "| Code | ask | ask | ask | |", head=head))
    assert [(c.high, c.low, c.deliver) for c in read.categories] == [("auto", "ask", DeliverMode.MERGE), ("ask", "ask", None)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["| Bug fixes | auot | ask | ask |"],
            'DECISION_FRAMEWORK.md:5:15: high can\'t be "auot" (did you mean "auto"?); it is one of auto, own, ask',
        ),
        (["| Bug fixes | auto | ask |"], "low has no answer"),
        (["| Bug fixes | yes | ask | ask |"], 'high can\'t be "yes"'),
        (["| | auto | ask | ask |"], "DECISION_FRAMEWORK.md:5:1: this row names no category"),
        (["| A | ask | ask | ask |", "| a | auto | ask | ask |"], 'DECISION_FRAMEWORK.md:6:3: "a" has two rows'),
    ],
)
def test_a_bad_row_is_an_error_and_never_more_freedom(rows: list[str], message: str) -> None:
    read = policy(categories(*rows))
    assert len(read.problems) == 1
    assert read.problems[0].severity is Severity.ERROR
    assert message in str(read.problems[0])
    assert not [c for c in read.categories if c.category == "Bug fixes" and c.high == "auto" and "high" in message]


def test_a_table_without_its_columns_is_an_error() -> None:
    text = "## Categories\n\n| Category | Hihg | Medium | Low |\n|---|---|---|---|\n| A | auto | auto | auto |\n"
    assert complaints(text) == [
        'DECISION_FRAMEWORK.md:3:1: this table has no column "high"; its columns are category, high, medium, low, deliver',
        'DECISION_FRAMEWORK.md:3:14: unknown column "Hihg" (did you mean "high"?)',
    ]
    assert policy(text).categories == ()


def test_what_the_file_lacks_comes_from_the_package_table_by_table() -> None:
    read = policy("## ⚠️ Risk rules\n\n### Risk acts\n\n| what | words |\n|:--|--:|\n| mine | erase |\n")
    assert [(r.table, r.kind) for r in read.rules] == [("risk-acts", "mine"), ("risk-safe", "safe")]
    assert [c.category for c in read.categories] == ["Bug fixes"]


def test_a_table_that_no_rule_reads_is_pointed_out() -> None:
    text = "## Risk\n\n### Risk atcs\n\n| kind | phrases |\n|---|---|\n| a | b |\n\n"
    read = policy(text)
    assert [str(p) for p in read.problems] == [
        'DECISION_FRAMEWORK.md:3:1: no rule reads a table named "risk-atcs" (did you mean "risk-acts"?)'
    ]
    assert read.problems[0].severity is Severity.WARNING


def test_a_table_without_a_heading_is_pointed_out() -> None:
    assert complaints("## Risk\n\n| kind | phrases |\n|---|---|\n| a | b |\n") == [
        "DECISION_FRAMEWORK.md:3:1: this table has no level-3 heading that names it; it is not read"
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("| destroy | drop | heavy |", 'DECISION_FRAMEWORK.md:7:20: weight can\'t be "heavy"'),
        ("| destroy | | 1 |", "DECISION_FRAMEWORK.md:7:1: this row has no phrases"),
        ("| | drop | 1 |", "DECISION_FRAMEWORK.md:7:1: this row names no kind"),
    ],
)
def test_a_bad_rule_is_an_error(row: str, message: str) -> None:
    found = complaints(f"## Risk\n\n### Risk acts\n\n| kind | phrases | weight |\n|---|---|---|\n{row}\n")
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("cell", "phrases"),
    [
        ("drop, delete*", ("drop", "delete*")),
        ("`rm -rf`, `a, b`, c", ("rm -rf", "a, b", "c")),
        ("a | b, c", ("a | b", "c")),
        (r"1\,000, x", ("1,000", "x")),
        ("a,, a , ", ("a",)),
        ("<outside path>, don't", ("<outside path>", "don't")),
        ("a `b` c", ("a b c",)),
        ("open ` tick, x", ("open ` tick", "x")),
        ("", ()),
    ],
)
def test_phrases_are_divided_by_commas(cell: str, phrases: tuple[str, ...]) -> None:
    assert split_phrases(cell) == phrases


@pytest.mark.parametrize(
    ("data", "message"), [(b"## R\n\xff", "2:1: not UTF-8"), (b"\n\n\0", "3:1: a NUL byte"), (b"x" * 1_100_000, "larger than")]
)
def test_a_file_that_cannot_be_read_leaves_the_package(data: bytes, message: str) -> None:
    read = read_policy(data, DEFAULT)
    assert message in str(read.problems[0])
    assert read.problems[0].severity is Severity.ERROR
    assert read.rules == read_policy(None, DEFAULT).rules


def test_a_conflict_of_a_merge_is_an_error() -> None:
    text = categories("| A | ask | ask | ask |", "<<<<<<< HEAD", "| B | auto | auto | auto |", "=======", ">>>>>>> other")
    assert "conflict markers" in complaints(text)[0]


def test_what_code_and_comments_show_is_no_table() -> None:
    table = categories("| A | auto | auto | auto |")
    for text in (f"```\n{table}```\n", f"<!--\n{table}-->\n", "## Categories\n\n    " + table.replace("\n", "\n    ")):
        assert [c.category for c in policy(text).categories] == ["Bug fixes"]


def test_line_ends_and_a_bom_do_not_matter() -> None:
    text = categories("| A | auto | own | ask |", "| B | nope | ask | ask |")
    expected = policy(text)
    for end in ("\r\n", "\r"):
        assert read_policy(b"\xef\xbb\xbf" + text.replace("\n", end).encode(), DEFAULT) == expected


def told_by_mistune(text: str) -> list[list[str]]:
    import mistune

    def plain(tokens: object) -> str:
        assert isinstance(tokens, list)
        return "".join(t["raw"] if "raw" in t else plain(t["children"]) for t in tokens)

    tokens = mistune.create_markdown(renderer=None, plugins=["table"])(text)
    assert isinstance(tokens, list)
    rows = []
    for table in (t for t in tokens if t["type"] == "table"):
        for part in table["children"]:
            inner = [part] if part["type"] == "table_head" else part["children"]
            rows.extend([plain(cell["children"]) for cell in row["children"]] for row in inner)
    return rows


_CELL = st.text("ab é.\\|", max_size=6).map(lambda t: t.replace("\\", "").replace("|", "\\|").strip())


@given(st.lists(st.lists(_CELL, min_size=3, max_size=3).filter(lambda cells: any(cells)), max_size=3), st.booleans())
def test_cells_are_those_that_mistune_sees(rows: list[list[str]], piped: bool) -> None:
    edge = "| " if piped or any(not row[0] or not row[-1] for row in rows) else ""
    lines = [f"{edge}{' | '.join(row)}{edge and ' |'}" for row in (["k", "p", "w"], ["---"] * 3, *rows)]
    text = "## S\n\n" + "\n".join(lines) + "\n"
    tables = read_sections(text)[0].tables
    ours = [[c.text for c in row.cells] for t in tables for row in (t.header, *t.rows)]
    assert ours == told_by_mistune(text)


def test_a_cell_knows_its_column() -> None:
    assert [(c.text, c.column) for c in split_row("| a |  b|c \\| d |")] == [("a", 3), ("b", 8), ("c | d", 10)]


@given(st.text("|-#\n `*ab:<!>\\é", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_policy(text.encode(), DEFAULT)


@pytest.mark.parametrize(
    "shape", ["|" * 200_000, "## Risk\n### a\n|a|b|\n|-|-|\n" + "| a | " + "`" * 100_000 + " |\n", "|a|b|\n" * 30_000, "|" + "-" * 200_000]
)
def test_hostile_shapes_are_read_in_no_time(shape: str) -> None:
    began = time.process_time()
    policy(f"## Risk\n\n### x\n\n{shape}\n{shape}\n")
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "data",
    [
        None,
        DEFAULT,
        b"# Only words\n",
        categories("| Bug fixes | ask | perhaps | auto |").encode(),
        b"## Risk\n\n### Risk acts\n\n| kind | phrases | weight |\n|---|---|---|\n| destroy | wipe | heavy |\n",
        b"## Risk\n\n### Rosk acts\n\n| kind | phrases |\n|---|---|\n| destroy | wipe |\n",
        b"<<<<<<< ours\n=======\n>>>>>>> theirs\n",
        b"\xff\n",
        b"a\0b\n",
    ],
)
def test_a_policy_read_late_says_what_one_read_at_once_says(tmp_path: Path, data: bytes | None) -> None:
    packaged = tmp_path / "DECISION_FRAMEWORK.md"
    packaged.write_bytes(DEFAULT)
    late, at_once = open_policy(data, packaged), read_policy(data, DEFAULT)
    assert late.problems == at_once.problems
    assert (late.categories, late.rules) == (at_once.categories, at_once.rules)
    assert late.category("Bug fixes") == at_once.category("Bug fixes")


def test_nothing_is_wrong_with_the_packaged_file() -> None:
    assert read_policy(None, PACKAGED).problems == ()
