"""The body of HEARTBEAT.md as duties, and the record of last runs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.duties import Always
from autobuilds.domain.problem import Severity
from autobuilds.store.config import read_settings
from autobuilds.store.duties import append_log, read_duties, read_last_runs, write_last_runs

TEMPLATE = Path(__file__).parents[2] / "templates" / "HEARTBEAT.md"


def commands(body: str) -> list[str]:
    duties, problems = read_duties(body)
    assert problems == ()
    return [c.text for d in duties for c in d.commands]


def test_the_body_of_the_specification() -> None:
    body = """# Heartbeat

## Problem scan (2x daily)
- `autobuilds problems scan`
- `autobuilds problems fix --safe`

## Pattern learning (1x daily)
Text for the reader.
- `autobuilds patterns suggest`
- look at the log (`less log`)
"""
    duties, problems = read_duties(body, 10)
    assert problems == ()
    assert [(d.key, d.name, d.cadence_text, d.line) for d in duties] == [
        ("problem-scan", "Problem scan", "2x daily", 12),
        ("pattern-learning", "Pattern learning", "1x daily", 16),
    ]
    assert [(c.argv, c.line) for c in duties[0].commands] == [
        (("autobuilds", "problems", "scan"), 13),
        (("autobuilds", "problems", "fix", "--safe"), 14),
    ]
    assert [c.text for c in duties[1].commands] == ["autobuilds patterns suggest"]


def test_the_file_that_init_writes_has_no_problem() -> None:
    config = read_settings(TEMPLATE.read_bytes())
    assert config.problems == ()
    assert config.settings == read_settings(None).settings
    assert [(d.cadence_text, [c.text for c in d.commands]) for d in config.duties] == [
        ("1x daily", ["autobuilds check"]),
        ("daily at 23:00, until 06:00", ["autobuilds overnight start"]),
        ("daily at 06:30, until 22:00", ["autobuilds overnight report"]),
        ("daily at 07:00, until 22:00", ["autobuilds brief --write"]),
        ("Fridays 18:00", ["autobuilds weekend suggest --write"]),
    ]


@pytest.mark.parametrize("item", ["- `a b`", "* `a b` then text", "1. `a b`", "2) ``a b``", "- [ ] `a b`", "   - `a b`", "-\t`a b`"])
def test_the_ways_to_write_an_item(item: str) -> None:
    assert commands(f"## X (daily)\n\n{item}\n") == ["a b"]


@pytest.mark.parametrize(
    "heading",
    [
        "## X (every heartbeat)",
        "##  X (Every heartbeat) ##",
        "## X (every heartbeat) - mine",
        "## (every heartbeat)",
        "X (every heartbeat)\n---",
    ],
)
def test_the_ways_to_write_a_heading(heading: str) -> None:
    duties, problems = read_duties(f"{heading}\n- `a`\n")
    assert problems == ()
    assert [d.cadence for d in duties] == [Always()]


@pytest.mark.parametrize(
    "body",
    [
        "## X\n- `a`\n",
        "# X (daily)\n- `a`\n",
        "### X (daily)\n- `a`\n",
        "## X (see below)\nText.\n",
        "## X (see below)\n- text `a`\n",
        "```\n## X (daily)\n- `a`\n```\n",
        "<!--\n## X (daily)\n- `a`\n-->\n",
        "> ## X (daily)\n> - `a`\n",
        "    ## X (daily)\n",
        "- `a`\n",
    ],
)
def test_what_is_no_duty(body: str) -> None:
    assert read_duties(body) == ((), ())


def test_what_stands_in_code_below_a_duty_is_not_run() -> None:
    body = (
        "## X (daily)\n- `a`\n\n  ```\n  - `b`\n  ```\n\n```sh\n- `c`\n```\n<!-- - `d` -->\n\ntext\n\n    - `e`\n\n> - `f`\n\n-     `g`\n"
    )
    assert commands(body) == ["a"]


def test_deeper_headings_group_and_the_next_section_ends() -> None:
    assert commands("## X (daily)\n### Part\n- `a`\n## Y\n- `b`\n# Z\n- `c`\n") == ["a"]


def test_two_duties_of_one_name_have_keys_of_their_own() -> None:
    duties, _ = read_duties("## X (daily)\n- `a`\n## X (hourly)\n- `b`\n## ✓ (daily)\n- `c`\n")
    assert [d.key for d in duties] == ["x", "x-2", "duty"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("\n## X (sometimes)\n- `a`\n", 'HEARTBEAT.md:2:7: "sometimes" is no cadence, so this is not run; write every heartbeat, 2x daily'),
        ("## X (daily)\n- `a 'b`\n", "HEARTBEAT.md:2:3: \"a 'b\" can't be split into arguments"),
        ("## X (daily)\n- ` `\n", "HEARTBEAT.md:2:3: this code is empty"),
        ("## X (daily)\nNothing.\n", 'HEARTBEAT.md:1:1: the duty "X" has no list item'),
        ("## X (daily)\n- `a`\n  - `b`\n", 'HEARTBEAT.md:3:5: "b" stands under another item and is not run'),
        ("## X (daily)\n- see\n\n  - `b`\n- `a`\n", 'HEARTBEAT.md:4:5: "b" stands under another item'),
    ],
)
def test_what_is_odd_is_a_warning_with_its_place(body: str, message: str) -> None:
    _, problems = read_duties(body)
    assert len(problems) == 1
    assert problems[0].severity is Severity.WARNING
    assert message in str(problems[0])


def test_the_configuration_carries_duties_and_their_warnings() -> None:
    config = read_settings(b"---\nretries: 2\n---\n\n## X (daily)\n- `a`\n## Y (no)\n- `b`\n")
    assert [(d.name, d.line) for d in config.duties] == [("X", 5)]
    assert [str(p).partition(" ")[0] for p in config.problems] == ["HEARTBEAT.md:7:7:"]


@given(st.text("# (daily)\n-`a*1.>\t<!~", max_size=120))
def test_no_body_breaks_the_reader(body: str) -> None:
    read_duties(body)


def test_items_and_headings_are_those_that_mistune_sees() -> None:
    import mistune

    body = "# T\n\n## A (daily)\ntext\n- `one` x\n* `two`\n\n1. `three`\n\n   more\n\n- plain `no`\n\n## B (hourly)\n\n- `four`\n- - `no`\n"
    tokens = mistune.create_markdown(renderer=None)(body)
    assert isinstance(tokens, list)
    seen = [
        item["children"][0]["children"][0]["raw"]
        for block in tokens
        if block["type"] == "list"
        for item in block["children"]
        if item["children"][0].get("children") and item["children"][0]["children"][0]["type"] == "codespan"
    ]
    duties, _ = read_duties(body)
    assert [c.text for d in duties for c in d.commands] == seen == ["one", "two", "three", "four"]


def test_last_runs_are_read_back(tmp_path: Path) -> None:
    assert read_last_runs(tmp_path) == ({}, None)
    runs = {"b": datetime(2026, 2, 6, 10, tzinfo=UTC), "é": datetime(2026, 2, 6, 11, 0, 5, tzinfo=UTC)}
    write_last_runs(tmp_path, runs)
    assert read_last_runs(tmp_path) == (runs, None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 2, "last": {}}',
        b'{"version": 1, "last": {"a": 3}}',
        b'{"version": 1, "last": {"a": "2026-02-06T10:00"}}',
        b'{"version": 1, "last": {"a": "0001-01-01T00:00:00+14:00"}}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_damaged_record_means_never_and_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "duties.json").write_bytes(data)
    runs, message = read_last_runs(tmp_path)
    assert runs == {}
    assert message is not None
    assert message.startswith("duties.json can't be read")


def test_the_log_is_lines_of_json_and_put_aside_when_large(tmp_path: Path) -> None:
    append_log(tmp_path, {"tail": "two\nlines \u2028 é"})
    append_log(tmp_path, {"tail": "x" * 1_048_400})
    append_log(tmp_path, {"tail": "n" * 300})
    assert [json.loads(line) for line in (tmp_path / "duties.log").read_text().split("\n")[:-1]] == [{"tail": "n" * 300}]
    assert len((tmp_path / "duties.log.1").read_text().split("\n")) == 2 + 1


def test_a_record_of_runs_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "duties.json")
    runs, lost = read_last_runs(tmp_path)
    assert runs == {}
    assert lost is not None and "no regular file" in lost
